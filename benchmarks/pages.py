"""The dashboard over 2,900 shares and five years, at rest and while a backfill writes.

The site is the one that `up` serves, behind its guard and in a process of its own; only Dagster's
pages are left out. Its market is `_page_market.py`. Time is what a browser on this machine waits
for the whole page. The backfill stores earlier sessions through the asset's own way, rules and log
and all, one after the other without the seconds that polite requests wait between them.

Claims: over 200 requests each the overview and a stock's page take at most 150 ms and the screener
200 ms (medians); 95 of 100 take at most 300 ms while the backfill writes; a page is at most 300 kB.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from itertools import cycle, islice
from pathlib import Path

import polars as pl
import requests

from benchmarks._page_market import fill
from stock_pipeline.assets.prices.stock_price_daily import stock_price_daily
from stock_pipeline.clock import SystemClock
from stock_pipeline.instance.preflight import HOST, free_port
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.storage import embedded
from stock_pipeline.storage.collection_log import Entry
from stock_pipeline.storage.database import Database

REQUESTS, WARM = 200, 10
BACKFILL_LIMIT, WEIGHT_LIMIT = 0.300, 300_000
READY_SECONDS = 60.0
SCREENS = (
    "",
    "?q=12",
    "?market=KOSPI&per_max=15&pbr_max=1.5&sort=per&order=asc",
    "?grade=S&grade=A%2B&sort=compass_score",
    "?market_cap_eok_min=5000&dividend_yield_pct_min=2&sort=dividend_yield_pct",
    "?sort=one_year_return_pct&page=40",
)
# Page → median it may take.
LIMITS = {"overview": 0.150, "stock page": 0.150, "screener": 0.200}


def main() -> None:
    """Measure and print."""
    clock = SystemClock()
    calendar = MarketCalendar(clock)
    with tempfile.TemporaryDirectory() as folder:
        url = embedded.start(Path(folder))
        database = Database(url)
        began = time.perf_counter()
        fill(database, calendar, calendar.closed_sessions("XKRX", clock.now())[-1])
        print(f"market made in {time.perf_counter() - began:.0f} s")
        addresses = _addresses(database)
        environment = os.environ | {"DATABASE_URL": url, "STOCK_PIPELINE_HOME": folder}
        with _site(environment) as site:
            at_rest = _measure(site, addresses)
            before = _sessions(database)
            with _child("write()", environment):
                _until(lambda: _sessions(database) > before)
                busy = _measure(site, addresses)
                written = _sessions(database) - before
        database.close()
    misses = [*_told("at rest", at_rest), *_told(f"backfill, {written} sessions", busy, busy=True)]
    if misses:
        raise SystemExit("; ".join(misses))


def serve(port: int) -> None:
    """Serve the dashboard as `up` does, with nothing where Dagster's pages would be."""
    from starlette.responses import PlainTextResponse

    from stock_pipeline.instance.access import access_to
    from stock_pipeline.instance.entry import begin
    from stock_pipeline.instance.our_pages import our_pages
    from stock_pipeline.instance.web import guarded, server

    settings, clock = begin("web"), SystemClock()
    with our_pages(settings, PlainTextResponse("", 404), clock) as pages:
        site = guarded(pages, access_to(settings, clock), address=(HOST, port))
        server(site, host=HOST, port=port).run()


def write() -> None:
    """Store the newest session again and again as an earlier one, until told to end."""
    from benchmarks.compass_stored import NoArchive
    from stock_pipeline.collection import collect
    from stock_pipeline.work import Tools

    clock = SystemClock()
    calendar = MarketCalendar(clock)
    database = Database(os.environ["DATABASE_URL"], clock=clock)
    work = stock_price_daily.work
    columns = ", ".join(work.table.frame_schema)
    newest = database.read(
        f"SELECT {columns} FROM stock_price_daily"
        " WHERE trade_date = (SELECT max(trade_date) FROM stock_price_daily)"
    ).cast(work.table.frame_schema)  # type: ignore[arg-type]  # names to types, as polars wants
    first = database.read("SELECT min(trade_date) AS day FROM stock_price_daily").item()

    def fetch(days: Sequence[date | None]) -> Iterator[pl.DataFrame]:
        for day in days:
            yield newest.with_columns(trade_date=pl.lit(day))

    earlier = calendar.sessions("XKRX", date(first.year - 6, 1, 1), first)[-2::-1]
    tools = Tools(database, NoArchive(), calendar, clock)
    for _ in collect(work, tools, fetch, earlier, run=Entry("backfill", "", "")):
        pass


def _addresses(database: Database) -> dict[str, list[str]]:
    """Return page → addresses to ask for: many shares and many screens, as people would."""
    tickers = database.read("SELECT ticker FROM stocks ORDER BY md5(ticker) LIMIT 200")["ticker"]
    return {
        "overview": ["/dashboard"],
        "stock page": [f"/stocks/{ticker}" for ticker in tickers],
        "screener": [f"/screener{query}" for query in SCREENS],
    }


def _measure(
    site: str, addresses: Mapping[str, Sequence[str]]
) -> dict[str, tuple[list[float], int]]:
    """Return page → seconds of each answer, and bytes of the longest one."""
    measured = {}
    with requests.Session() as session:
        session.trust_env = False
        for page, paths in addresses.items():
            seconds, weight = [], 0
            for path in islice(cycle(paths), WARM + REQUESTS):
                began = time.perf_counter()
                answer = session.get(f"{site}{path}", timeout=60)
                seconds.append(time.perf_counter() - began)
                if answer.status_code != requests.codes.ok or 'class="broken"' in answer.text:
                    raise SystemExit(f"{path} was answered with {answer.status_code}")
                weight = max(weight, len(answer.content))
            measured[page] = (seconds[WARM:], weight)
    return measured


def _told(
    when: str, measured: Mapping[str, tuple[list[float], int]], *, busy: bool = False
) -> list[str]:
    """Print what was measured and return which claims do not hold."""
    misses = []
    print(f"{when:<28} {'median':>9} {'p95':>9} {'bytes':>9}")
    for page, (seconds, weight) in measured.items():
        median, p95 = statistics.median(seconds), statistics.quantiles(seconds, n=20)[-1]
        limit, found = (BACKFILL_LIMIT, p95) if busy else (LIMITS[page], median)
        print(
            f"  {page:<26} {median * 1e3:6.0f} ms {p95 * 1e3:6.0f} ms {weight:9,}"
            f"   {'p95' if busy else 'median'} {found / limit:.2f} of the limit"
        )
        if found > limit:
            misses.append(f"{page} {when}: {found * 1e3:.0f} ms, limit {limit * 1e3:.0f}")
        if weight > WEIGHT_LIMIT:
            misses.append(f"{page}: {weight:,} bytes, limit {WEIGHT_LIMIT:,}")
    return misses


@contextmanager
def _site(environment: Mapping[str, str]) -> Iterator[str]:
    port = free_port()
    address = f"http://{HOST}:{port}"
    with _child(f"serve({port})", environment):
        _until(lambda: _answers(address))
        yield address


@contextmanager
def _child(call: str, environment: Mapping[str, str]) -> Iterator[None]:
    """Execute a function of this module in a process of its own, and end it afterwards."""
    program = f"from benchmarks import pages; pages.{call}"
    child = subprocess.Popen([sys.executable, "-c", program], env=dict(environment))
    try:
        yield
        if child.poll() is not None:
            raise SystemExit(f"{call} ended by itself with {child.returncode}")
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait()


def _answers(address: str) -> bool:
    with requests.Session() as session:
        session.trust_env = False
        try:
            return session.get(f"{address}/dashboard", timeout=30).ok
        except requests.ConnectionError:
            return False


def _sessions(database: Database) -> int:
    """Return how many sessions the writer has completed."""
    found = database.read(
        "SELECT count(*) FROM data_collection_log"
        " WHERE asset = 'stock_price_daily' AND status = 'completed'"
    )
    return int(found.item())


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise SystemExit(f"not within {READY_SECONDS:.0f} s")
        time.sleep(0.25)


if __name__ == "__main__":
    main()
