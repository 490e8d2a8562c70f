"""Recorded prices of the seven assets through the wire, FinanceDataReader as it is in its child.

Every row and every field is held against a reading of our own. The library takes an index from
files of a year, a Korean share from Naver and the rest from Yahoo; of the latter only three days of
BTC-USD are recorded. Files that it never asks for are given to the reader of those it does.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stock_pipeline.errors import BadPayload
from stock_pipeline.redaction import Scrubber
from stock_pipeline.sources.fdr import Fdr
from stock_pipeline.sources.fdr_prices import read_prices
from stock_pipeline.sources.transport import Transport
from stock_pipeline.sources.transport_wire import Answer
from stock_pipeline.storage.archive import FileArchive
from stock_pipeline.storage.budget import PostgresBudget
from stock_pipeline.twin.command import Setup, build_twin

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]

EVER = (date(1990, 1, 1), date(2026, 12, 31))
# Two years of the index, and around the three days of BTC-USD.
WINTER = [date(2019, 12, 23) + timedelta(days=number) for number in range(21)]
COLUMNS = ("open", "high", "low", "close", "volume")

Bar = tuple[date | float | None, ...]
Reading = Callable[[Path], list[Bar]]


# ---- a reading of our own


def _unpacked(file: Path) -> str:
    return gzip.decompress(file.read_bytes()).decode("utf-8-sig")


def _index(file: Path) -> Iterator[Bar]:
    for row in csv.DictReader(io.StringIO(_unpacked(file))):
        texts = [row[name.title()] for name in COLUMNS]
        yield (date.fromisoformat(row["Date"]), *(float(text) if text else None for text in texts))


def _years(recorded: Path) -> list[Bar]:
    files = sorted((recorded / "fdr" / "index" / "year_ks200").glob("*.csv.gz"))
    return [row for file in files for row in _index(file)]


def _naver(recorded: Path) -> list[Bar]:
    text = _unpacked(recorded / "krx" / "naver_sise_0_005930_day.response.xml.gz")
    items = [item.split("|") for item in re.findall(r'<item data="(.*?)" />', text)]
    return [
        (datetime.strptime(day, "%Y%m%d").date(), *map(float, numbers)) for day, *numbers in items
    ]


def _bitcoin(recorded: Path) -> list[Bar]:
    """Return the bars in dollars, prices with the two digits that Yahoo shows of them."""
    file = recorded / "macro" / "yahoo_chart-BTC-USD-2020-01-01-to-2020-01-03.json"
    (chart,) = json.loads(file.read_bytes())["chart"]["result"]
    (quote,) = chart["indicators"]["quote"]
    days = [datetime.fromtimestamp(second, UTC).date() for second in chart["timestamp"]]
    prices = [[round(price, 2) for price in quote[name]] for name in COLUMNS[:4]]
    return list(zip(days, *prices, map(float, quote["volume"]), strict=True))


# ---- the table

RECORDED: list[tuple[str, Reading, str, str, int]] = [
    ("KS200", _years, "KRW", "KS200", 12),
    ("005930", _naver, "KRW", "005930", 12),
    ("BTC", _bitcoin, "USD", "BTC/USD", 3),  # BTC-KRW is not recorded: the other one answers
]


@dataclass(frozen=True)
class Evening:
    """A live pipeline with the prices of a winter, and what it takes to ask for others."""

    pipeline: Any
    log: list[dict[str, Any]]
    fdr: Fdr


@pytest.fixture(scope="module")
def evening(
    another: Callable[..., Any],
    running: Callable[..., Any],
    recorded: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Evening]:
    """Collect the winter of the assets of which something is recorded."""
    folders = tuple(recorded / name for name in ("fdr/index", "krx", "macro"))
    state, raw = (tmp_path_factory.mktemp(name) for name in ("recorded", "raw"))
    live = another(mode="live", FDR_MAX_RETRIES="0")
    with (
        build_twin(Setup(state, folders)) as twin,
        running(replace(live, twin=twin)) as runs,
    ):
        runs.collect("asset_master", None)
        live.database.execute(
            "UPDATE asset_master SET is_active = asset_id = ANY(:recorded)",
            {"recorded": [asset for asset, *_ in RECORDED]},
        )
        log = runs.collect("price_daily", WINTER)
        database = live.database
        archive = FileArchive(raw, clock=database.clock)
        budget = PostgresBudget(database)
        transport = Transport(budget, archive, database.clock, Scrubber(), pace_factor=0)
        yield Evening(live, log, Fdr(transport, max_retries=0))


@pytest.mark.parametrize(
    ("asset", "read", "currency", "symbol", "count"), RECORDED, ids=[one[0] for one in RECORDED]
)
def test_every_field_of_recorded_prices_is_stored(
    evening: Evening,
    recorded: Path,
    asset: str,
    read: Reading,
    currency: str,
    symbol: str,
    count: int,
) -> None:
    told = {"asset_id": asset, "source": "FDR", "currency": currency, "symbol": symbol}
    told |= {"is_final": True, "rebased_close": None}
    expected = [
        {**told, **dict(zip(("date", *COLUMNS), bar, strict=True))}
        for bar in read(recorded)
        if bar[0] in WINTER
    ]
    query = "SELECT * FROM price_daily WHERE asset_id = :asset ORDER BY date"
    stored = evening.pipeline.rows(query, asset=asset)
    for row in stored:
        assert row.pop("run_id") == evening.log[0]["run_id"]
        assert row.pop("fetched_at") <= row.pop("ingested_at")
    assert stored == expected
    assert len(expected) == count


def test_a_day_has_the_assets_that_trade_on_it(evening: Evening) -> None:
    days = {row["partition"]: row for row in evening.log}
    assert len(days) == len(WINTER)
    # Before and after the recorded days of BTC-USD an asset that never rests has no row; that its
    # answer ends before the newest day is told there.
    *earlier, newest = (days[day] for day in sorted(days))
    outcomes = [(row["outcome"], row["received"], row["rejected"]) for row in earlier]
    assert set(outcomes) == {("rows", 1, 0), ("rows", 2, 0), ("rows", 3, 0), ("no_data", 0, 0)}
    assert newest["reason"] == "BTC: its newest session is missing"
    assert [days[f"2020-01-0{n}"]["received"] for n in range(1, 5)] == [1, 3, 3, 0]


# ---- everything that is recorded


@pytest.mark.parametrize(
    ("symbol", "read", "count"), [("KS200", _years, 9342), ("005930", _naver, 1835)]
)
def test_every_recorded_row_of_a_history_comes_through_the_library(
    evening: Evening, recorded: Path, symbol: str, read: Reading, count: int
) -> None:
    found = evening.fdr.prices(symbol, *EVER).data
    assert found.bars.rows() == read(recorded)
    assert found.bars.height == count


INDICES = ["ks200", "ks11", "kq11", "krx_index_1001"]


def _read(file: Path) -> list[Bar]:
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    answer = Answer("FDR", "prices", 200, headers, gzip.decompress(file.read_bytes()))
    return read_prices("KS200", EVER, {file.name[:4]: answer}, Scrubber()).prices.bars.rows()


@pytest.mark.parametrize("index", INDICES)
def test_every_row_of_every_recorded_file_of_a_year_is_read(recorded: Path, index: str) -> None:
    """The library asks for three of the four indices only; the last one's files are the same."""
    files = sorted((recorded / "fdr" / "index" / f"year_{index}").glob("*.csv.gz"))
    assert len(files) > 30
    for file in files:
        assert _read(file) == list(_index(file)), file.name


@pytest.mark.parametrize("index", INDICES)
def test_recorded_files_of_days_are_read_and_that_of_a_sunday_is_none(
    recorded: Path, index: str
) -> None:
    """The library never asks for them; one without a session is an empty table, which is lost."""
    files = sorted((recorded / "fdr" / "index" / index).glob("*.csv.gz"))
    assert len(files) == 9
    for file in files:
        if file.name.startswith("2026-03-08"):
            with pytest.raises(BadPayload, match="empty"):
                _read(file)
        else:
            assert _read(file) == list(_index(file)), file.name
            assert len(_read(file)) == 1
