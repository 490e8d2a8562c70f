"""Service files: `up` and the watchdog under systemd, launchd or the Windows Task Scheduler.

All are services of one user, without administrator's rights. They hold no key: those are read from
the `.env` of the working directory. The watchdog is a service of its own, because it has to speak
when `up` cannot.
"""

from __future__ import annotations

import plistlib
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

Platform = Literal["systemd", "launchd", "windows"]
PLATFORMS: tuple[Platform, ...] = get_args(Platform)

UP, WATCHDOG = "stock-pipeline", "stock-pipeline-watchdog"
# A daemon that is silent for 120 s is to be noticed within that time.
WATCHDOG_SECONDS = 60
# What `up` gives its children and runs in the worst case, and the database after them.
STOP_SECONDS = 120
RESTART_SECONDS = 10

_LABELS = {UP: "io.github.stock-pipeline.up", WATCHDOG: "io.github.stock-pipeline.watchdog"}
_TASKS = "http://schemas.microsoft.com/windows/2004/02/mit/task"


@dataclass(frozen=True)
class Deployment:
    """What the services start.

    python   interpreter of the installed environment
    folder   working directory, in which `.env` lies
    home     STOCK_PIPELINE_HOME
    user     home directory of the user
    """

    python: Path
    folder: Path
    home: Path
    user: Path
    port: int

    def command(self, name: str) -> list[str]:
        """Return the command line of a service."""
        what = ["up", "--port", str(self.port)] if name == UP else ["watchdog"]
        return [str(self.python), "-m", "stock_pipeline.cli", *what]


@dataclass(frozen=True)
class ServiceFile:
    """A file, and where the system looks for it."""

    path: Path
    content: bytes


@dataclass(frozen=True)
class Service:
    """Everything about the services on one platform.

    install  commands that start them, once the files are there
    remove   commands that stop them, before the files are removed
    """

    files: tuple[ServiceFile, ...]
    install: tuple[tuple[str, ...], ...]
    remove: tuple[tuple[str, ...], ...]


def this_platform() -> Platform:
    """Return the platform of this machine."""
    if sys.platform == "win32":
        return "windows"
    return "launchd" if sys.platform == "darwin" else "systemd"


def service(platform: Platform, deployment: Deployment, *, user_id: int = 0) -> Service:
    """Return the files and commands of a platform.

    user_id  number of the user, which launchd wants to know
    """
    if platform == "systemd":
        return _systemd(deployment)
    if platform == "launchd":
        return _launchd(deployment, user_id)
    return _windows(deployment)


# ---- systemd


def _systemd(deployment: Deployment) -> Service:
    folder = deployment.user / ".config" / "systemd" / "user"
    texts = {
        f"{UP}.service": _unit(
            "stock-pipeline: schedules, sensors and the Dagster UI",
            f"Type=simple\n{_runs(deployment, UP)}"
            f"Restart=on-failure\nRestartSec={RESTART_SECONDS}\n"
            # It ends its own children, in order; what is left after the time is killed.
            f"KillMode=mixed\nTimeoutStopSec={STOP_SECONDS}\nNoNewPrivileges=yes\n",
            wanted_by="default.target",
        ),
        f"{WATCHDOG}.service": _unit(
            "stock-pipeline: is everything alive?", f"Type=oneshot\n{_runs(deployment, WATCHDOG)}"
        ),
        f"{WATCHDOG}.timer": "[Unit]\nDescription=stock-pipeline: watchdog, once a minute\n\n"
        f"[Timer]\nOnBootSec=5min\nOnUnitActiveSec={WATCHDOG_SECONDS}\nAccuracySec=5\n\n"
        "[Install]\nWantedBy=timers.target\n",
    }
    control = ("systemctl", "--user")
    units = (f"{UP}.service", f"{WATCHDOG}.timer")
    return Service(
        files=tuple(ServiceFile(folder / name, text.encode()) for name, text in texts.items()),
        install=(
            (*control, "daemon-reload"),
            (*control, "enable", "--now", *units),
            # Without it the services end when the user logs out.
            ("loginctl", "enable-linger"),
        ),
        remove=((*control, "disable", "--now", *units),),
    )


def _unit(description: str, body: str, *, wanted_by: str | None = None) -> str:
    install = f"\n[Install]\nWantedBy={wanted_by}\n" if wanted_by else ""
    return f"[Unit]\nDescription={description}\n\n[Service]\n{body}{install}"


def _runs(deployment: Deployment, name: str) -> str:
    # Of these two only the command line knows variables.
    command = " ".join(_quoted(part.replace("$", "$$")) for part in deployment.command(name))
    home = _quoted(f"STOCK_PIPELINE_HOME={deployment.home}")
    return (
        f"WorkingDirectory={str(deployment.folder).replace('%', '%%')}\n"
        f"Environment={home} PYTHONUTF8=1\nExecStart={command}\n"
    )


def _quoted(text: str) -> str:
    """Return a word of a unit file, in which `%`, quotes and blanks mean something."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return escaped if escaped == text and " " not in text else f'"{escaped}"'


# ---- launchd


def _launchd(deployment: Deployment, user_id: int) -> Service:
    folder = deployment.user / "Library" / "LaunchAgents"
    more = {
        UP: {"RunAtLoad": True, "KeepAlive": True, "ExitTimeOut": STOP_SECONDS},
        WATCHDOG: {"StartInterval": WATCHDOG_SECONDS},
    }
    files = tuple(
        ServiceFile(
            folder / f"{_LABELS[name]}.plist",
            plistlib.dumps(
                {
                    "Label": _LABELS[name],
                    "ProgramArguments": deployment.command(name),
                    "WorkingDirectory": str(deployment.folder),
                    "EnvironmentVariables": {
                        "STOCK_PIPELINE_HOME": str(deployment.home),
                        "PYTHONUTF8": "1",
                    },
                    # The link that logs in once is in its output: not for others' eyes.
                    "Umask": 0o077,
                    "StandardOutPath": str(deployment.home / f"{name}.log"),
                    "StandardErrorPath": str(deployment.home / f"{name}.log"),
                    **settings,
                },
                sort_keys=False,
            ),
        )
        for name, settings in more.items()
    )
    domain = f"gui/{user_id}"
    return Service(
        files=files,
        install=tuple(("launchctl", "bootstrap", domain, str(file.path)) for file in files),
        remove=tuple(("launchctl", "bootout", domain, str(file.path)) for file in files),
    )


# ---- Windows


def _windows(deployment: Deployment) -> Service:
    folder = deployment.home / "service"
    files = tuple(
        ServiceFile(folder / f"{name}.xml", _task(deployment, name)) for name in (UP, WATCHDOG)
    )
    return Service(
        files=files,
        install=tuple(
            ("schtasks", "/Create", "/TN", file.path.stem, "/XML", str(file.path)) for file in files
        ),
        remove=tuple(("schtasks", "/Delete", "/TN", file.path.stem, "/F") for file in files),
    )


def _task(deployment: Deployment, name: str) -> bytes:
    """Return a task: started at logon, the watchdog again every minute."""
    task = ET.Element("Task", {"version": "1.2", "xmlns": _TASKS})
    trigger = _add(_add(task, "Triggers"), "LogonTrigger")
    if name == WATCHDOG:
        _add(_add(trigger, "Repetition"), "Interval", f"PT{WATCHDOG_SECONDS // 60}M")
    settings = _add(task, "Settings")
    _add(settings, "MultipleInstancesPolicy", "IgnoreNew")
    _add(settings, "DisallowStartIfOnBatteries", "false")
    _add(settings, "StopIfGoingOnBatteries", "false")
    # None for `up`; a watchdog that hangs makes room for the next.
    _add(settings, "ExecutionTimeLimit", "PT0S" if name == UP else "PT5M")
    if name == UP:
        restart = _add(settings, "RestartOnFailure")
        _add(restart, "Interval", "PT1M")
        _add(restart, "Count", "999")
    action = _add(_add(task, "Actions"), "Exec")
    program, *arguments = deployment.command(name)
    _add(action, "Command", program)
    _add(action, "Arguments", " ".join(arguments))
    _add(action, "WorkingDirectory", str(deployment.folder))
    ET.indent(task)
    # The Task Scheduler reads UTF-16.
    return bytes(ET.tostring(task, encoding="utf-16", xml_declaration=True))


def _add(parent: ET.Element, name: str, text: str | None = None) -> ET.Element:
    child = ET.SubElement(parent, name)
    child.text = text
    return child
