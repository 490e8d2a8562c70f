"""Prices rebuilt from the raw archive: of each day what came last, whatever evening it came on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from stock_pipeline.assets.price_collector import Collector
from stock_pipeline.assets.prices.price_daily import day_by_day, price_daily
from stock_pipeline.collection import collect
from stock_pipeline.redaction import Scrubber
from stock_pipeline.sources.fdr import Fdr
from stock_pipeline.sources.transport import Exchange, Transport
from stock_pipeline.storage.archive import FileArchive
from stock_pipeline.storage.collection_log import Entry
from stock_pipeline.work import Result, Tools

MONDAY = date(2026, 3, 2)
WEEKDAYS = [MONDAY + timedelta(days=number) for number in (0, 1, 2, 3, 4, 7, 8, 9, 10, 11)]


def evening_of(day: date) -> datetime:
    """Return 18:00 in Seoul."""
    return datetime.combine(day, time(9), UTC)


def days(first: date, last: date) -> list[date]:
    """Return all days of a range."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def chart(first: date, last: date, price: float) -> bytes:
    """Return Yahoo's chart of SOXL: every bar opens at 09:30 in New York's winter time."""
    opened = [datetime.combine(day, time(14, 30), UTC) for day in days(first, last)]
    stamps = [int(at.timestamp()) for at in opened if at.weekday() < 5]
    bars = dict.fromkeys(("open", "high", "low", "close", "volume"), [price] * len(stamps))
    zone = {"exchangeTimezoneName": "America/New_York", "priceHint": 2}
    meta = {"symbol": "SOXL", "currency": "USD", **zone}
    result = {"meta": meta, "timestamp": stamps, "indicators": {"quote": [bars]}}
    return json.dumps({"chart": {"result": [result], "error": None}}).encode()


class Archived:
    """An archive with the answers of several evenings, and a database to rebuild from it."""

    def __init__(self, evening: Any, root: Path) -> None:
        self.evening = evening
        self._root = root
        evening.database.execute("UPDATE asset_master SET is_active = asset_id = 'SOXL'")

    def answer(self, partition: date, first: date, last: date, price: float, at: datetime) -> None:
        """File an answer under the first partition of the run that asked for it."""
        archive = FileArchive(self._root, clock=self.evening.clock)
        params = {"symbol": "SOXL", "start": f"{first}", "end": f"{last}", "name": "SOXL"}
        # The session of the last day has not begun in New York.
        body = chart(first, last - timedelta(days=1), price)
        with archive.scope(asset="price_daily", partition=f"{partition}", run_id="live"):
            archive.store(Exchange("FDR", "prices SOXL", params, at, "application/json", body))

    def replay(self, first: date, last: date) -> list[Result]:
        """Rebuild a range in one run."""
        evening = self.evening
        archive = FileArchive(self._root, replaying=True, clock=evening.clock)
        nobody: Any = SimpleNamespace()
        fdr = Fdr(Transport(nobody, archive, evening.clock, Scrubber()))

        def fetch(partitions: Sequence[date | None]) -> Iterator[Any]:
            own = [day for day in partitions if day is not None]
            collector = Collector(fdr, evening.database, evening.calendar, (own[0], own[-1]))
            for _, collected in day_by_day(collector, evening.clock, own):
                yield collected

        evening.runs += 1
        tools = Tools(evening.database, archive, evening.calendar, evening.clock)
        run = Entry(f"run-{evening.runs}", "", "")
        return list(collect(price_daily.work, tools, fetch, days(first, last), run=run))

    def stored(self) -> list[tuple[date, float, datetime]]:
        """Return day, close and the instant of the answer of all rows."""
        return self.evening.rows("SELECT date, close, fetched_at FROM price_daily ORDER BY date")


@pytest.fixture
def archived(evening: Any, tmp_path: Path) -> Archived:
    return Archived(evening, tmp_path)


def test_each_day_of_several_evenings_is_rebuilt_from_its_newest(archived: Archived) -> None:
    first, last = WEEKDAYS[3], WEEKDAYS[9]  # Thursday 5 March to Friday 13 March
    for price, (start, end) in enumerate(((first, WEEKDAYS[8]), (WEEKDAYS[4], last)), start=40):
        archived.answer(start, start, end, price, evening_of(end))
    results = archived.replay(first, last)
    assert {(result.outcome, result.error) for result in results} == {
        ("rows", None),
        ("no_data", None),  # the weekend, and Friday, on which New York has not opened
    }
    thursday, friday = evening_of(WEEKDAYS[8]), evening_of(last)
    assert (
        archived.stored()
        == [
            (first, 40.0, thursday),  # Friday's evening did not ask for it any more
            *((day, 41.0, friday) for day in WEEKDAYS[4:9]),
        ]
    )


def test_a_rebuilt_history_is_on_the_newest_basis(archived: Archived) -> None:
    last, split = WEEKDAYS[4], WEEKDAYS[7]
    archived.answer(MONDAY, MONDAY, last, 40.0, evening_of(last))
    # On the evening after a split of ten for one everything came again, with the first day of it.
    for start in (WEEKDAYS[2], MONDAY):
        archived.answer(WEEKDAYS[2], start, split, 4.0, evening_of(split))
    archived.replay(WEEKDAYS[2], split)
    archived.replay(MONDAY, last)
    assert archived.stored() == [(day, 4.0, evening_of(split)) for day in WEEKDAYS[:7]]
