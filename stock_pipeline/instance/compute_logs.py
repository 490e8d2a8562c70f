"""What the steps of runs print, kept without secrets.

Dagster redirects the descriptors of a process into files. What Python prints was scrubbed before,
in runs of their own processes; what a C library or a child process prints was not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagster._core.storage.compute_log_manager import CapturedLogContext, ComputeIOType
from dagster._core.storage.local_compute_log_manager import (
    IO_TYPE_EXTENSION,
    LocalComputeLogManager,
)
from dagster._serdes import ConfigurableClassData

from stock_pipeline.instance.access import secrets_of
from stock_pipeline.redaction import Scrubber
from stock_pipeline.settings import Settings


class ScrubbedComputeLogs(LocalComputeLogManager):
    """Dagster's own files; when a step is over, no secret is left in them."""

    def __init__(
        self, base_dir: str, scrubber: Scrubber, inst_data: ConfigurableClassData | None = None
    ) -> None:
        self._scrubber = scrubber
        super().__init__(base_dir, inst_data=inst_data)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> ScrubbedComputeLogs:
        """Make one as `dagster.yaml` asks for it, knowing the secrets of this process."""
        scrubber = Scrubber(secrets_of(Settings.load()))
        return cls(config_value["base_dir"], scrubber, inst_data)

    @contextmanager
    def capture_logs(self, log_key: Sequence[str]) -> Iterator[CapturedLogContext]:
        """Write what is printed meanwhile into files, and scrub them afterwards."""
        try:
            with super().capture_logs(log_key) as context:
                yield context
        finally:
            for kind in (ComputeIOType.STDOUT, ComputeIOType.STDERR):
                path = self.get_captured_local_path(log_key, IO_TYPE_EXTENSION[kind])
                scrub_file(Path(path), self._scrubber)


def scrub_file(path: Path, scrubber: Scrubber) -> None:
    """Take secrets out of a file of lines; one without any is not touched."""
    if not path.is_file():
        return
    text = path.read_text(encoding="utf-8", errors="replace")
    clean = scrubber.scrub(text)
    if clean != text:
        path.write_text(clean, encoding="utf-8")
