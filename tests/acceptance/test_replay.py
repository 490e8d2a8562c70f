"""Recorded answers through the wire into PostgreSQL, held against a reading of our own.

What is compared is every row and every field of the table; the recordings are read here with the
standard library alone, by none of the pipeline's parsers.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from stock_pipeline.clock import SystemClock
from stock_pipeline.partitions import current_key
from stock_pipeline.twin.command import Setup, build_twin

pytestmark = [pytest.mark.fault, pytest.mark.timeout(400)]

KRX_DAY, SUNDAY = date(2020, 12, 30), date(2021, 1, 3)
MARKETS = {"STK": "KOSPI", "KSQ": "KOSDAQ", "KNX": "KONEX"}
# Work dates of the recorded files. On the first three the descriptions were not recorded, without
# which the pipeline takes no listing: those of the 11th stand in for them.
WORK_DATES = [date(2026, 3, day) for day in range(8, 14)]
WEEK = date(2026, 3, 7)
FIRST_DESCRIBED = date(2026, 3, 11)
# Lines of the file and rows of the table: six old preferred shares stand twice, once per reason.
DELISTINGS = dict.fromkeys(WORK_DATES, (4094, 4088)) | {
    date(2026, 3, 8): (963, 963),
    date(2026, 3, 9): (964, 964),
    date(2026, 3, 10): (964, 964),
}

Row = dict[str, Any]
Table = dict[tuple[Any, ...], Row]


def _text(value: str | None) -> str | None:
    return None if value is None or value.strip() in ("", "-") else value.strip()


def _whole(value: str | None) -> int | None:
    found = _text(value)
    return None if found is None else int(found.replace(",", ""))


def _day(value: str | None, form: str = "%Y-%m-%d") -> date | None:
    found = _text(value)
    return None if found is None else datetime.strptime(found, form).date()


def _table(rows: Iterable[Row], *key: str) -> Table:
    listed = list(rows)
    found = {tuple(row[name] for name in key): row for row in listed}
    assert len(found) == len(listed), "a key stands twice"
    return found


def _stored(live: Any, name: str, *key: str) -> Table:
    """Return all columns of a table but those of its provenance, which is checked here."""
    rows = live.rows(f"SELECT * FROM {name}")
    runs = {row["job_id"] for row in live.rows("SELECT job_id FROM job_run")}
    for row in rows:
        assert row.pop("run_id") in runs
        assert row["source"] in ("KRX", "FDR", "DART")
        assert row.pop("fetched_at") <= row.pop("ingested_at")
    return _table(rows, *key)


def _collect(live: Any, replay: Iterable[Path], commands: Iterable[str], *options: str) -> None:
    """Run `collect` commands side by side in front of a twin that serves these recordings."""
    program = f"{sys.executable} -m stock_pipeline.cli collect"
    *others, last = (f"{program} {command}" for command in commands)
    aside = "".join(f"{line} & others=$!; " for line in others)
    folders = [word for folder in replay for word in ("--replay", str(folder))]
    live.run("twin", *folders, *options, "--", "sh", "-c", f"{aside}{last} && wait $others")


@pytest.fixture(scope="module")
def live(another: Callable[..., Any]) -> Any:
    """Return a live pipeline: the twin is known only to the environment of its commands."""
    return another(mode="live")


# ---- KRX and DART


@pytest.fixture(scope="module")
def krx_and_dart(live: Any, recorded: Path) -> Any:
    """Collect the recorded session, a Sunday and the companies."""
    if (datetime.now(UTC) + timedelta(hours=9)).hour == 1:
        pytest.skip("DART is not asked between 01:00 and 02:00 in Seoul")
    prices = f"--assets stock_price_daily --start {KRX_DAY} --end {SUNDAY}"
    _collect(live, [recorded / "krx", recorded / "dart"], [prices, "--assets dart_corp_code"])
    return live


def test_every_field_of_the_all_stock_day_is_stored(krx_and_dart: Any, recorded: Path) -> None:
    answer = recorded / "krx" / "MDCSTAT01501_ALL_20201230.response.json.gz"
    rows = json.loads(gzip.decompress(answer.read_bytes()))["OutBlock_1"]
    stored = _stored(krx_and_dart, "stock_price_daily", "ticker")
    assert len(rows) == len(stored) == 2531
    assert stored == _table((_price(row) for row in rows), "ticker")


def _price(row: dict[str, str]) -> Row:
    """Return the row of a share as `spec/tables.md` describes it."""
    close, change, volume = (
        _whole(row[name]) for name in ("TDD_CLSPRC", "CMPPREVDD_PRC", "ACC_TRDVOL")
    )
    assert close is not None
    assert change is not None
    ranges = ("TDD_OPNPRC", "TDD_HGPRC", "TDD_LWPRC")
    opened, high, low = (_whole(row[name]) if volume else None for name in ranges)
    return {
        "trade_date": KRX_DAY,
        "ticker": row["ISU_SRT_CD"],
        "isin": row["ISU_CD"],
        "name": row["ISU_ABBRV"],
        "market": MARKETS[row["MKT_ID"]],
        "section": _text(row["SECT_TP_NM"]),
        "open": opened,
        "high": high,
        "low": low,
        "close": close,
        "volume": volume,
        "value": _whole(row["ACC_TRDVAL"]),
        "change": change,
        "change_pct": float(row["FLUC_RT"].replace(",", "")),
        "base_price": close - change,
        "market_cap": _whole(row["MKTCAP"]),
        "shares": _whole(row["LIST_SHRS"]),
        "is_halted": volume == 0 and row["FLUC_TP_CD"] == "0",
        "source": "KRX",
    }


def test_a_sunday_is_no_session_and_is_not_asked_for(krx_and_dart: Any) -> None:
    found = krx_and_dart.rows(
        "SELECT status, outcome, requests, received FROM data_collection_log"
        " WHERE asset = 'stock_price_daily' AND partition = :day",
        day=SUNDAY.isoformat(),
    )
    assert found == [
        {"status": "completed", "outcome": "non_session", "requests": 0, "received": 0}
    ]


def test_every_field_of_the_corporate_codes_is_stored(krx_and_dart: Any, recorded: Path) -> None:
    with zipfile.ZipFile(recorded / "dart" / "corpCode.zip") as archive:
        document = ElementTree.fromstring(archive.read("CORPCODE.xml"))
    companies = [{field.tag: field.text for field in entry} for entry in document.iter("list")]
    stored = _stored(krx_and_dart, "dart_corp_code", "corp_code")
    assert len(companies) == len(stored) == 58_642
    assert stored == _table((_company(company) for company in companies), "corp_code")


def _company(company: dict[str, str | None]) -> Row:
    return {
        "corp_code": company["corp_code"],
        "corp_name": _text(company["corp_name"]),
        "corp_name_eng": _text(company["corp_eng_name"]),
        "ticker": _text(company["stock_code"]),
        "modified_date": _day(company["modify_date"], "%Y%m%d"),
        "source": "DART",
    }


# ---- FinanceDataReader


def _csv(folder: Path, kind: str, day: date) -> list[dict[str, str]]:
    """Read a recorded file; its first column is a running number."""
    text = gzip.decompress((folder / "fdr" / "listing" / kind / f"{day}.csv.gz").read_bytes())
    return list(csv.DictReader(io.StringIO(text.decode("utf-8-sig"))))


@pytest.fixture(scope="module")
def listings(
    live: Any,
    running: Callable[..., Any],
    recorded: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[date, tuple[Table, Table]]:
    """Collect listing and delistings of every recorded day; return what was stored after each."""
    found = {}
    for day in WORK_DATES:
        folder = tmp_path_factory.mktemp("described")
        if day == WORK_DATES[-1]:
            tables = [f"--assets fdr_stock_listing --start {day}", "--assets stock_delisting"]
            _collect(live, [recorded / "fdr"], tables, "--day", day.isoformat())
        else:
            if day < FIRST_DESCRIBED:
                _describe_earlier(recorded, day, folder)
            _collect_here(live, running, Setup(folder, (recorded / "fdr", folder), day))
        found[day] = (
            _stored(live, "fdr_stock_listing", "as_of_date", "ticker"),
            _stored(live, "stock_delisting", "ticker", "delisting_date"),
        )
    return found


def _collect_here(live: Any, running: Callable[..., Any], setup: Setup) -> None:
    """Collect both tables as the commands do, by runs in this process, which are quicker."""
    now = SystemClock().now()
    with build_twin(setup) as twin, running(replace(live, twin=twin)) as runs:
        runs.collect("fdr_stock_listing", [WEEK])
        runs.collect("stock_delisting", [current_key("week", now)])


def _describe_earlier(recorded: Path, day: date, folder: Path) -> None:
    """Put the first recorded descriptions into a folder, under the name of an earlier day."""
    source = recorded / "fdr" / "listing" / "desc"
    request = json.loads((source / f"{FIRST_DESCRIBED}.request.json").read_text(encoding="utf-8"))
    request["url"] = request["url"].replace(f"{FIRST_DESCRIBED}", f"{day}")
    (folder / f"{day}.request.json").write_text(json.dumps(request), encoding="utf-8")
    body = (source / request["body"]).read_bytes()
    (folder / request["body"]).write_bytes(body)


@pytest.mark.parametrize("day", WORK_DATES, ids=str)
def test_every_field_of_a_listing_is_stored(
    listings: dict[date, tuple[Table, Table]], recorded: Path, day: date
) -> None:
    descriptions = {row["Code"]: row for row in _csv(recorded, "desc", max(day, FIRST_DESCRIBED))}
    shares = (
        _share(row, descriptions.get(row["Code"], {}), day) for row in _csv(recorded, "krx", day)
    )
    stored = {key: row for key, row in listings[day][0].items() if key[0] == day}
    assert len(stored) > 2800
    assert stored == _table(shares, "as_of_date", "ticker")


def test_each_work_date_has_its_own_listing(listings: dict[date, tuple[Table, Table]]) -> None:
    assert sorted({key[0] for key in listings[WORK_DATES[-1]][0]}) == WORK_DATES


def _share(row: dict[str, str], described: dict[str, str], day: date) -> Row:
    month = _text(described.get("SettleMonth"))
    return {
        "as_of_date": day,
        "ticker": row["Code"],
        "isin": row["ISU_CD"],
        "name": row["Name"].strip(),
        "market": MARKETS[row["MarketId"]],
        "section": _text(row["Dept"]),
        "industry": _text(described.get("Industry")),
        "products": _text(described.get("Products")),
        "listing_date": _day(described.get("ListingDate")),
        "settle_month": None if month is None else int(month.removesuffix("월")),
        "representative": _text(described.get("Representative")),
        "homepage": _text(described.get("HomePage")),
        "region": _text(described.get("Region")),
        "close": _whole(row["Close"]),
        "shares": _whole(row["Stocks"]),
        "market_cap": _whole(row["Marcap"]),
        "source": "FDR",
    }


@pytest.mark.parametrize("day", WORK_DATES, ids=str)
def test_every_field_of_the_delistings_is_stored(
    listings: dict[date, tuple[Table, Table]], recorded: Path, day: date
) -> None:
    lines = _csv(recorded, "delisting", day)
    stored = listings[day][1]
    expected = _delistings(lines)
    assert (len(lines), len(expected)) == DELISTINGS[day]
    # Delistings are only ever added: what an earlier file had stays.
    earlier = [_delistings(_csv(recorded, "delisting", d)) for d in WORK_DATES if d < day]
    assert stored.keys() == expected.keys() | {key for table in earlier for key in table}
    assert {key: stored[key] for key in expected} == expected


def _delistings(lines: Iterable[dict[str, str]]) -> Table:
    """Return one row per code and day; lines that differ only in the reason are one."""
    reasons: dict[tuple[Any, ...], set[str]] = {}
    rows: Table = {}
    for line in lines:
        row: Row = {
            "ticker": line["Symbol"],
            "delisting_date": _day(line["DelistingDate"]),
            "name": _text(line["Name"]),
            "market": _text(line["Market"]),
            "security_group": _text(line["SecuGroup"]),
            "kind": _text(line["Kind"]),
            "listing_date": _day(line["ListingDate"]),
            "to_ticker": _text(line["ToSymbol"]),
            "to_name": _text(line["ToName"]),
            "source": "FDR",
        }
        key = (row["ticker"], row["delisting_date"])
        assert rows.get(key, row) == row, "two lines differ in more than the reason"
        rows[key] = row
        reasons.setdefault(key, set()).update(filter(None, [_text(line["Reason"])]))
    return {
        key: row | {"reason": " / ".join(sorted(reasons[key])) or None} for key, row in rows.items()
    }
