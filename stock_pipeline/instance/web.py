"""The web server: Dagster's own pages, and ours beside them, in one process behind the guard.

`python -m stock_pipeline.instance.web --host H --port P -w workspace.yaml`
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stock_pipeline.clock import SystemClock
from stock_pipeline.errors import PipelineError
from stock_pipeline.instance.access import access_to, is_loopback, require_token_beyond_loopback
from stock_pipeline.instance.entry import begin

if TYPE_CHECKING:
    import uvicorn
    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp

    from stock_pipeline.instance.access import Access

# How often an open page asks for news, and what one question may cost the database.
_POLL_MILLISECONDS = 2000
_STATEMENT_MILLISECONDS, _RECYCLE_SECONDS, _OVERFLOW = 15_000, 3600, 20
# A page holds one websocket and asks six things at a time; this many pages belong to no one person.
_CONNECTIONS = 256
# `up` insists after five.
_FAREWELL_SECONDS = 3


def guarded(
    app: ASGIApp,
    access: Access,
    *,
    address: tuple[str, int],
    names: Sequence[str] = (),
    pages: Sequence[BaseRoute] = (),
) -> ASGIApp:
    """Return an application and the login behind the guard.

    address  host and port on which the server listens
    names    further `host:port` under which it may be asked, as behind a proxy
    pages    further routes; they come before the application, which answers to every other path
    """
    # Imported here: `up` asks this package for more than the web server.
    from starlette.applications import Starlette
    from starlette.routing import Mount

    from stock_pipeline.instance.guard import Guard, Rules
    from stock_pipeline.instance.login import Login

    host, port = address
    login = Login(access, port)
    site = Starlette(routes=[*login.routes(), *pages, Mount("/", app=app)])
    # Whoever has a name of their own for this server comes through a proxy, from anywhere.
    is_open = is_loopback(host) and not names
    rules = Rules(hosts=hosts(host, port, names), reads_are_open=is_open)
    return Guard(site, rules, login.is_known)


def hosts(host: str, port: int, names: Sequence[str] = ()) -> frozenset[str]:
    """Return every `host:port` under which a server that listens there may be asked."""
    literal = f"[{host}]" if ":" in host else host
    known = ["127.0.0.1", "localhost", "[::1]", literal]
    with_port = {f"{name}:{port}" for name in known}
    # Browsers leave out the port of plain http.
    without = set(known) if port == 80 else set()
    return frozenset(name.lower() for name in with_port | without | set(names))


@contextmanager
def dagster_pages(workspace: Path) -> Iterator[ASGIApp]:
    """Open the instance of DAGSTER_HOME and yield Dagster's web application for a workspace."""
    # Imported here: the web server is what only this process needs. The two private modules are
    # what `dagster-webserver` itself is made of; the tests of this file hold us to them.
    import dagster as dg
    from dagster._core.workspace.context import WorkspaceProcessContext
    from dagster._core.workspace.load_target import WorkspaceFileTarget
    from dagster_webserver.app import create_app_from_workspace_process_context
    from dagster_webserver.version import __version__

    with ExitStack() as held:
        instance = held.enter_context(dg.DagsterInstance.get())
        instance.optimize_for_webserver(_STATEMENT_MILLISECONDS, _RECYCLE_SECONDS, _OVERFLOW)
        context = held.enter_context(
            WorkspaceProcessContext(
                instance,
                version=__version__,
                workspace_load_target=WorkspaceFileTarget([str(workspace)]),
            )
        )
        yield create_app_from_workspace_process_context(context, "", _POLL_MILLISECONDS)


def server(app: ASGIApp, *, host: str, port: int) -> uvicorn.Server:
    """Return a server of an application; its `run` ends with SIGINT or SIGTERM."""
    import uvicorn

    from stock_pipeline.instance.refusals import BODY_LIMIT

    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        # Log lines take the way and the form of all others.
        log_config=None,
        access_log=False,
        # Who asks and by which scheme is what the socket says.
        proxy_headers=False,
        server_header=False,
        ws_max_size=BODY_LIMIT,
        limit_concurrency=_CONNECTIONS,
        timeout_graceful_shutdown=_FAREWELL_SECONDS,
    )
    return uvicorn.Server(config)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="address to listen on")
@click.option("--port", default=3000, show_default=True, help="port to listen on")
@click.option("--workspace", "-w", required=True, type=click.Path(path_type=Path))
@click.option(
    "--name", "names", multiple=True, help="further host:port that browsers use, behind a proxy"
)
def main(host: str, port: int, workspace: Path, names: tuple[str, ...]) -> None:
    """Serve Dagster's pages and ours behind the guard until told to end."""
    settings = begin("web")
    try:
        require_token_beyond_loopback(settings, host)
        access = access_to(settings, SystemClock())
    except PipelineError as error:
        raise click.ClickException(str(error)) from None
    # Imported here: nobody who asks this module for less has to load the whole dashboard.
    from stock_pipeline.instance.our_pages import our_pages

    with (
        dagster_pages(workspace) as dagster,
        our_pages(settings, dagster, SystemClock()) as pages,
    ):
        site = guarded(pages, access, address=(host, port), names=names)
        # Ctrl-C is the ordinary end of a server that was started by hand.
        with suppress(KeyboardInterrupt):
            server(site, host=host, port=port).run()


if __name__ == "__main__":
    main()
