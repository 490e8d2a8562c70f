"""Log lines in both forms, and no secret in either."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from stock_pipeline import logs
from stock_pipeline.redaction import Scrubber
from stock_pipeline.settings import Settings

CANARY = "canary-0123456789-canary-0123456789-0000"


@pytest.fixture(autouse=True)
def root_logger(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Put the root logger back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DART_API_KEY", CANARY)
    yield
    root.handlers, root.level = handlers, level


@pytest.mark.parametrize("form", ["text", "json"])
def test_f59_a_secret_never_reaches_a_log_line(
    form: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOG_FORMAT", form)
    logs.configure(Settings.load())
    log = logging.getLogger("stock_pipeline.example")
    log.warning("asked with %s", CANARY)
    try:
        raise ValueError(CANARY)
    except ValueError:
        log.exception("failed")
    written = capsys.readouterr().err
    assert "asked with" in written
    assert "ValueError" in written
    assert CANARY not in written


def test_json_lines_can_be_read_by_machines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOG_FORMAT", "json")
    logs.configure(Settings.load())
    logging.getLogger("stock_pipeline.example").warning("삼성전자 %d", 5)
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["level"], line["logger"]) == (
        "삼성전자 5",
        "warning",
        "stock_pipeline.example",
    )


def test_lines_below_the_level_are_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOG_LEVEL", "error")
    logs.configure(Settings.load())
    logging.getLogger("stock_pipeline.example").warning("quiet")
    assert capsys.readouterr().err == ""


# ---- what libraries write


@pytest.fixture
def record_factory() -> Iterator[None]:
    """Put the log-record factory back as it was."""
    before = logging.getLogRecordFactory()
    yield
    logging.setLogRecordFactory(before)


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("asked %s", (f"https://host/?crtfc_key={CANARY}",)),
        (f"asked {CANARY} %d times", (3,)),
        ("%(url)s", ({"url": CANARY},)),
    ],
    ids=["argument", "message", "named argument"],
)
def test_f59_a_handler_of_a_library_never_sees_a_secret(
    message: str, arguments: tuple[object, ...], record_factory: None
) -> None:
    logs.scrub_records(Scrubber([CANARY]))
    seen = io.StringIO()
    log = logging.Logger("library")
    log.addHandler(logging.StreamHandler(seen))
    log.error(message, *arguments)
    try:
        raise ValueError(CANARY)
    except ValueError:
        log.exception("failed")
    assert "ValueError" in seen.getvalue()
    assert CANARY not in seen.getvalue()


@pytest.mark.parametrize("message", ["%d rows", "%s and %s", "%(n)s", "100%"])
def test_a_log_line_that_cannot_be_formatted_ends_nothing(
    message: str, record_factory: None
) -> None:
    logs.scrub_records(Scrubber([CANARY]))
    record = logging.getLogRecordFactory()("n", 20, "f", 1, message, (CANARY,), None)
    assert record.getMessage() == f"{message} ('[redacted]',)"


def test_what_holds_no_secret_keeps_its_arguments(record_factory: None) -> None:
    logs.scrub_records(Scrubber([CANARY]))
    record = logging.getLogRecordFactory()("n", 20, "f", 1, "%s of %d", ("one", 2), None)
    assert record.args == ("one", 2)


def test_a_record_with_a_handler_of_its_own_is_written_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure(Settings.load())
    library = logging.getLogger("a_library")
    library.handlers = [logging.NullHandler()]
    logging.getLogger("a_library.part").warning("twice")
    library.handlers = []
    assert capsys.readouterr().err == ""


def test_a_line_says_which_process_wrote_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOG_FORMAT", "json")
    logs.configure(Settings.load(), process="daemon")
    logging.getLogger("x").warning("here")
    assert json.loads(capsys.readouterr().err)["process"] == "daemon"


# ---- what is printed


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([f"key {CANARY}\n"], "key [redacted]\n"),
        ([CANARY[:9], CANARY[9:], "\n"], "[redacted]\n"),  # printed in pieces
        (["\x1b[32mgreen\x1b[0m\n"], "green\n"),  # colors are for terminals
        (["one\ntwo\nthr"], "one\ntwo\n"),  # the rest waits
        (["삼성전자\n"], "삼성전자\n"),
        ([""], ""),
    ],
)
def test_f59_a_printed_line_is_scrubbed_as_a_whole(parts: list[str], expected: str) -> None:
    below = io.StringIO()
    stream = logs.ScrubbedStream(below, Scrubber([CANARY]))
    for part in parts:
        assert stream.write(part) == len(part)
        stream.flush()
    assert below.getvalue() == expected


def test_an_unfinished_line_is_written_at_the_end() -> None:
    below = io.StringIO()
    stream = logs.ScrubbedStream(below, Scrubber([CANARY]))
    stream.write(f"no newline {CANARY}")
    stream.close()
    assert below.getvalue() == "no newline [redacted]"


def test_a_line_that_never_ends_takes_no_endless_memory() -> None:
    below = io.StringIO()
    stream = logs.ScrubbedStream(below, Scrubber())
    stream.write("x" * 1_000_001)
    assert len(below.getvalue()) == 1_000_001


class Terminal(io.StringIO):
    """A stream that a person reads along."""

    def isatty(self) -> bool:
        return True


def test_on_a_terminal_a_line_that_does_not_end_is_shown_when_flushed() -> None:
    below = Terminal()
    stream = logs.ScrubbedStream(below, Scrubber([CANARY]))
    stream.write(f"\r1 of 9 \x1b[32m{CANARY}")
    assert below.getvalue() == ""
    stream.flush()
    assert below.getvalue() == "\r1 of 9 \x1b[32m[redacted]"


def test_f59_output_is_scrubbed_for_the_length_of_a_block(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = sys.stdout, sys.stderr
    with logs.scrubbed_output(Scrubber([CANARY])):
        print("inside", CANARY)
        print("no newline", CANARY, file=sys.stderr, end="")
    assert (sys.stdout, sys.stderr) == before
    assert capsys.readouterr() == ("inside [redacted]\n", "no newline [redacted]")


@pytest.fixture
def hooks() -> Iterator[None]:
    """Put back what prints uncaught exceptions."""
    before = sys.excepthook, threading.excepthook
    yield
    sys.excepthook, threading.excepthook = before


def test_f59_an_uncaught_exception_is_printed_without_the_secret(
    hooks: None, capsys: pytest.CaptureFixture[str]
) -> None:
    scrubber = Scrubber()
    logs.scrub_tracebacks(scrubber)
    scrubber.register(CANARY)  # known later, as on the command line
    try:
        raise OSError(CANARY)
    except OSError as error:
        sys.excepthook(OSError, error, error.__traceback__)

    def fail() -> None:
        raise ValueError(CANARY)

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    printed = capsys.readouterr().err
    assert "OSError: [redacted]\n" in printed
    assert "ValueError: [redacted]\n" in printed
    assert CANARY not in printed


# ---- rotation


@pytest.mark.parametrize(("size", "is_moved"), [(10, False), (11, True)])
def test_a_log_is_moved_when_it_is_over_its_limit(
    size: int, is_moved: bool, tmp_path: Path
) -> None:
    log = tmp_path / "x.log"
    log.write_text("x" * size)
    assert logs.rotate(log, limit=10) is is_moved
    assert log.stat().st_size == (0 if is_moved else size)
    assert (tmp_path / "x.log.1").exists() is is_moved


def test_as_many_logs_are_kept_as_asked_for(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    for text in "abcdef":
        log.write_text(text * 9)
        logs.rotate(log, limit=5, keep=3)
    kept = {path.name: path.read_text()[:1] for path in tmp_path.iterdir()}
    assert kept == {"x.log": "", "x.log.1": "f", "x.log.2": "e"}


def test_a_log_that_does_not_exist_yet_is_nothing(tmp_path: Path) -> None:
    assert logs.rotate(tmp_path / "x.log") is False
