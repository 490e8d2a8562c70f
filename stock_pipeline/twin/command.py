"""The twin as the command line starts it: a seeded world, or recordings, before a command."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from stock_pipeline.twin.clock import KST, evening_of, machine_now
from stock_pipeline.twin.environment import run
from stock_pipeline.twin.replay import load_replay
from stock_pipeline.twin.routing import Upstream
from stock_pipeline.twin.server import Twin
from stock_pipeline.twin.upstreams import LazyUpstream, upstream_modules

if TYPE_CHECKING:
    from stock_pipeline.twin.world import World

COMPANIES = 2_900
# The world does not grow: a twin that runs on needs the days to come. The upstreams hide them.
AHEAD = timedelta(days=30)
# With recordings the world only lends its calendar and logins: it need not take seconds to make.
COMPANIES_BESIDE_RECORDINGS = 10


@dataclass(frozen=True)
class Setup:
    """What a twin is to play.

    state      folder that keeps its certificate authority
    replay     folders of recorded answers; empty for the seeded world
    day        the day it is for the twin, 18:00 in Seoul; the machine's time without it
    faults     in the form of `faults.py`
    log_path   file of the request log
    companies  size of the world
    """

    state: Path
    replay: tuple[Path, ...] = ()
    day: date | None = None
    faults: tuple[str, ...] = ()
    log_path: Path | None = None
    companies: int = COMPANIES


def build_twin(setup: Setup) -> Twin:
    """Put the twin together; the world is made at the first request that needs it."""
    return Twin(
        _upstreams(setup),
        faults=setup.faults,
        replay=load_replay(setup.replay, day=setup.day) if setup.replay else None,
        log_path=setup.log_path,
        state=setup.state,
    )


def serve_and_run(
    command: Sequence[str], setup: Setup, *, defaults: Mapping[str, str] | None = None
) -> int:
    """Run a command in front of the twin and return its exit status.

    defaults  further variables for the command, where they are not set
    """
    with build_twin(setup) as twin:
        return run(command, twin, defaults)


def _upstreams(setup: Setup) -> list[LazyUpstream]:
    day = setup.day
    now = machine_now if day is None else functools.partial(evening_of, day)
    companies = COMPANIES_BESIDE_RECORDINGS if setup.replay else setup.companies
    world = _once(lambda: _make_world(companies, now))

    def build(upstream: Callable[[World, Callable[[], datetime]], Upstream]) -> Upstream:
        return upstream(world(), now)

    return [LazyUpstream(module, build) for module in upstream_modules()]


def _make_world(companies: int, now: Callable[[], datetime]) -> World:
    # Imported here: with recordings alone no world is needed, and its libraries take a while.
    from stock_pipeline.twin.world import World

    return World(companies=companies, end=now().astimezone(KST).date() + AHEAD)


def _once(make: Callable[[], World]) -> Callable[[], World]:
    """Return a function that makes the world once, whichever thread asks first."""
    lock = threading.Lock()
    made: list[World] = []

    def get() -> World:
        with lock:
            if not made:
                made.append(make())
            return made[0]

    return get
