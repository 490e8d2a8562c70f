"""Styles and scripts: files of this package, and plotly.js out of its wheel.

An address names the version of what it brings, so that browsers may keep it: a page then costs
nothing but itself. No other host has to be asked for anything.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

FOLDER = Path(__file__).parent / "static"

_KEPT = {"Cache-Control": "public, max-age=31536000, immutable"}
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@cache
def versioned(name: str) -> str:
    """Return the address of a file of this package; it changes with the file."""
    digest = hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()
    return f"/dashboard/static/{name}?v={digest[:12]}"


@cache
def plotly_path() -> str:
    """Return the address of plotly.js; it changes with its version."""
    return f"/dashboard/static/plotly-{version('plotly')}.js"


def routes() -> list[Route]:
    """Return the routes of all files: one each, so that no path is ever read from an address."""
    files = {f"/dashboard/static/{path.name}": path for path in sorted(FOLDER.iterdir())}
    return [_route(address, path) for address, path in {**files, plotly_path(): _plotly()}.items()]


def _route(address: str, path: Path) -> Route:
    def answer(request: Request) -> Response:
        return FileResponse(path, media_type=_TYPES[path.suffix], headers=_KEPT)

    return Route(address, answer, methods=["GET"])


def _plotly() -> Path:
    # Not imported: of the library only this file is wanted.
    found = find_spec("plotly")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("plotly is not installed: run `make setup` again")
    return Path(found.origin).parent / "package_data" / "plotly.min.js"
