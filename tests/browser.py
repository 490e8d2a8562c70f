"""A real Chromium for tests, driven over its own debugging protocol.

Without one the tests that ask for it are skipped, unless REQUIRE_BROWSER=1 says that there has to
be one.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import math
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
import requests
from websockets.sync.client import ClientConnection, connect

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SECONDS = 60.0
WINDOW = (1600, 1000)


class Browser:
    """One page of a Chromium, and what it reported."""

    def __init__(self, wire: ClientConnection) -> None:
        self._wire = wire
        self._numbers = itertools.count(1)
        self._size = WINDOW
        self.events: list[dict[str, Any]] = []
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result."""
        number = next(self._numbers)
        self._wire.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self._wire.recv(SECONDS))
            if message.get("id") == number:
                assert "error" not in message, message
                return dict(message["result"])
            self.events.append(message)

    def go(self, url: str) -> None:
        """Open a page; what was reported before is forgotten."""
        self.call("Page.navigate", url="about:blank")
        self.events.clear()
        self.call("Page.navigate", url=url)

    def open(self, url: str) -> None:
        """Open a page and wait until it is there with all its parts."""
        self.go(url)
        self.until("location.href !== 'about:blank' && document.readyState === 'complete'")

    def value(self, script: str) -> Any:
        """Return what a script evaluates to."""
        answer = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def until(self, script: str) -> Any:
        """Wait until a script evaluates to something and return that."""
        deadline = time.monotonic() + SECONDS
        while not (value := self.value(script)):
            text = self.value("document.body?.innerText")
            assert time.monotonic() < deadline, f"{script}\n{text}"
            time.sleep(0.05)
        return value

    def shows(self, text: str) -> None:
        """Wait until the page shows a text."""
        self.until(f"document.body?.innerText.includes({json.dumps(text)})")

    def click(self, text: str, kind: str = "button") -> None:
        """Click the first element of a kind whose text begins so, as soon as it can be."""
        self.until(
            f"""(() => {{
              const found = [...document.querySelectorAll({json.dumps(kind)})].find(
                (one) => one.innerText.trim().startsWith({json.dumps(text)}) && !one.disabled);
              if (found) found.click();
              return Boolean(found);
            }})()"""
        )

    def press(self, key: str, code: int) -> None:
        """Press a key and let it go."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code)

    def resize(self, width: int, height: int) -> None:
        """Give the page another size, that of a phone if it is narrow."""
        self._size = (width, height)
        is_phone = width < 600
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=is_phone,
        )

    def prefer(self, scheme: Literal["light", "dark"]) -> None:
        """Ask for light or dark pages; nothing moves on them, so that all is as it will stay."""
        features = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
        self.call(
            "Emulation.setEmulatedMedia",
            features=[{"name": name, "value": value} for name, value in features.items()],
        )

    def picture(self, path: Path) -> None:
        """Write a picture of the whole page, as wide as it was made last."""
        width, height = self._size
        whole = self.call("Page.getLayoutMetrics")["cssContentSize"]["height"]
        self.resize(width, max(height, math.ceil(whole)))
        # Charts follow a new size a tenth of a second later.
        self.value("new Promise((done) => setTimeout(done, 200))")
        taken = self.call("Page.captureScreenshot", format="png")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(taken["data"]))
        self.resize(width, height)

    def refused(self) -> list[tuple[int, str]]:
        """Return the requests of this page that were not answered well."""
        answers = self._reported("Network.responseReceived")
        return [
            (one["response"]["status"], one["response"]["url"])
            for one in answers
            if one["response"]["status"] >= 400
        ]

    def asked(self) -> set[str]:
        """Return every address that this page asked for, over websockets too."""
        requested = {one["request"]["url"] for one in self._reported("Network.requestWillBeSent")}
        return requested | {one["url"] for one in self._reported("Network.webSocketCreated")}

    def complaints(self) -> list[str]:
        """Return the errors of this page's console, of which a broken policy is one."""
        entries = [one["entry"] for one in self._reported("Log.entryAdded")]
        return [entry["text"] for entry in entries if entry["level"] == "error"]

    def exceptions(self) -> list[str]:
        """Return the errors of this page's scripts that nothing caught, or that they told of."""
        thrown = [one["exceptionDetails"] for one in self._reported("Runtime.exceptionThrown")]
        told = self._reported("Runtime.consoleAPICalled")
        return [str(one.get("exception", one)) for one in thrown] + [
            str(one["args"]) for one in told if one["type"] in {"error", "assert"}
        ]

    def said_over_websockets(self) -> list[str]:
        """Return what this page sent over websockets."""
        frames = self._reported("Network.webSocketFrameSent")
        return [frame["response"]["payloadData"] for frame in frames]

    def _reported(self, method: str) -> list[dict[str, Any]]:
        return [event["params"] for event in self.events if event["method"] == method]


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the program."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None and os.environ.get("REQUIRE_BROWSER") == "1":
        pytest.fail("no Chromium in PATH, and REQUIRE_BROWSER=1")
    if found is None:
        pytest.skip("no Chromium in PATH")
    return str(found)


@pytest.fixture(scope="module")
def browser(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Return a page of a browser that knows nobody."""
    folder = tmp_path_factory.mktemp("browser")
    # It runs as whoever runs the tests, in a container too, where it has no sandbox of its own.
    flags = "--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run"
    flags += " --disable-background-networking --remote-debugging-port=0"
    flags += " --window-size={},{}".format(*WINDOW)
    command = [chromium, *flags.split(), f"--user-data-dir={folder}", "about:blank"]
    with contextlib.ExitStack() as held:
        process = held.enter_context(
            subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        )
        held.callback(process.terminate)
        port = _debugging_port(folder / "DevToolsActivePort", process)
        with requests.Session() as asking:
            asking.trust_env = False
            targets = asking.get(f"http://127.0.0.1:{port}/json", timeout=SECONDS).json()
        page = next(one for one in targets if one["type"] == "page")
        # What the page reports waits here until somebody looks, the answer to a ping behind it.
        wire = connect(page["webSocketDebuggerUrl"], max_size=None, proxy=None, ping_interval=None)
        yield Browser(held.enter_context(wire))


def _debugging_port(path: Path, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + SECONDS
    while not (path.exists() and path.read_text().count("\n")):
        assert process.poll() is None, "Chromium ended"
        assert time.monotonic() < deadline, "Chromium did not start"
        time.sleep(0.1)
    return path.read_text().split()[0]
