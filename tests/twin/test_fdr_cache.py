"""The listings' CSV cache: bytes as recorded, and the day a file stands for."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from stock_pipeline.twin.fdr_cache import FdrCache
from stock_pipeline.twin.wire import Answer, Request
from stock_pipeline.twin.world import World

KST = timezone(timedelta(hours=9))
HOST = "raw.githubusercontent.com"
FOLDER = "/FinanceData/fdr_krx_data_cache/refs/heads/master/data/listing"
EVENING = datetime(2026, 3, 13, 18, 0, tzinfo=KST)

Ask = Callable[..., Answer]


@pytest.fixture(scope="module")
def world() -> World:
    return World(companies=400, end=date(2026, 3, 20))


@pytest.fixture(scope="module")
def ask(world: World) -> Ask:
    def asked(kind: str, day: str, now: datetime = EVENING) -> Answer:
        request = Request("GET", HOST, f"{FOLDER}/{kind}/{day}.csv")
        answer = FdrCache(world, lambda: now).answer(request)
        assert answer is not None
        return answer

    return asked


def lines_of(body: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"))))


def forms(lines: list[dict[str, str]], column: str) -> set[str]:
    return {re.sub(r"\d+", "9", line[column]) for line in lines}


# Free text, and columns of which the files know more kinds than the world.
FREE = {"Name", "ToName", "Products", "Representative", "HomePage", "ISU_CD", "Code", "Symbol"}


@pytest.mark.parametrize("kind", ["krx", "desc", "delisting"])
def test_file_is_written_as_recorded(ask: Ask, recorded: Path, kind: str) -> None:
    folder = recorded / "fdr" / "listing" / kind
    request = json.loads((folder / "2026-03-13.request.json").read_text("utf-8"))
    expected = gzip.decompress((folder / "2026-03-13.csv.gz").read_bytes())
    answer = ask(kind, "2026-03-13")
    assert (answer.status, answer.content_type) == (request["status"], request["content_type"])
    assert answer.body[:3] == b"\xef\xbb\xbf"
    assert answer.body.split(b"\n", 1)[0] == expected.split(b"\n", 1)[0]
    assert (answer.body.count(b"\r"), answer.body[-1:]) == (expected.count(b"\r"), expected[-1:])
    lines, model = lines_of(answer.body), lines_of(expected)
    assert [line[""] for line in lines] == [str(number) for number in range(len(lines))]
    for column in set(model[0]) - FREE:
        assert forms(lines, column) <= forms(model, column), column


def test_prices_are_ordered_by_market_capitalisation(ask: Ask) -> None:
    caps = [int(line["Marcap"]) for line in lines_of(ask("krx", "2026-03-13").body)]
    assert caps == sorted(caps, reverse=True)


def test_companies_are_ordered_by_name(ask: Ask) -> None:
    called = [line["Name"] for line in lines_of(ask("desc", "2026-03-13").body)]
    assert called == sorted(called)


def test_preferred_share_has_no_industry(ask: Ask) -> None:
    lines = {line["Code"]: line for line in lines_of(ask("desc", "2026-03-13").body)}
    described = ("Industry", "Products", "ListingDate", "SettleMonth", "Representative", "Region")
    assert {lines["005935"][column] for column in described} == {""}
    assert all(lines["005930"][column] for column in described)


def test_industry_with_a_comma_is_quoted(ask: Ask) -> None:
    assert ',"기업용 소프트웨어, 모바일 게임",' in ask("desc", "2026-03-13").body.decode()


def test_weekend_file_repeats_friday(ask: Ask) -> None:
    sunday = datetime(2026, 3, 15, 18, 0, tzinfo=KST)
    friday = ask("krx", "2026-03-13", sunday)
    assert ask("krx", "2026-03-14", sunday).body == friday.body
    assert ask("krx", "2026-03-15", sunday).body == friday.body


def test_file_of_the_night_holds_the_session_before(ask: Ask) -> None:
    night = datetime(2026, 3, 13, 1, 24, tzinfo=KST)
    assert ask("krx", "2026-03-13", night).body == ask("krx", "2026-03-12").body


def test_file_of_the_early_morning_holds_dashes(ask: Ask) -> None:
    early = datetime(2026, 3, 13, 9, 17, tzinfo=KST)
    lines = lines_of(ask("krx", "2026-03-13", early).body)
    assert {line["Close"] for line in lines} == {"-"}
    assert {line["Open"] + line["Volume"] + line["Marcap"] for line in lines} == {""}
    assert all(line["Stocks"].isdigit() for line in lines)


def test_file_changes_during_the_session(ask: Ask) -> None:
    noon = datetime(2026, 3, 13, 12, 0, tzinfo=KST)
    assert ask("krx", "2026-03-13", noon).body != ask("krx", "2026-03-13").body


@pytest.mark.parametrize(
    ("path", "now"),
    [
        (f"{FOLDER}/krx/2026-03-16.csv", EVENING),
        (f"{FOLDER}/krx/2026-03-13.csv", datetime(2026, 3, 13, 0, 59, tzinfo=KST)),
        (f"{FOLDER}/krx/2019-12-30.csv", EVENING),
        (f"{FOLDER}/krx/2026-02-30.csv", EVENING),
        (f"{FOLDER}/etf/2026-03-13.csv", EVENING),
        ("/someone/else/file.csv", EVENING),
    ],
    ids=[
        "tomorrow",
        "not yet collected",
        "before the world",
        "no day",
        "no such list",
        "elsewhere",
    ],
)
def test_missing_file_is_404(world: World, path: str, now: datetime) -> None:
    answer = FdrCache(world, lambda: now).answer(Request("GET", HOST, path))
    assert answer is not None
    assert (answer.status, answer.body) == (404, b"404: Not Found")


def test_delistings_know_other_securities_and_a_line_twice(ask: Ask) -> None:
    lines = lines_of(ask("delisting", "2026-03-13").body)
    assert {"주권", "신주인수권증서", "수익증권", "투자회사"} <= {
        line["SecuGroup"] for line in lines
    }
    contents = [tuple(line.values())[1:] for line in lines]
    assert len(contents) - len(set(contents)) == 1


def test_delisted_share_of_the_world_is_no_longer_listed(ask: Ask) -> None:
    listed = {line["Code"] for line in lines_of(ask("krx", "2026-03-13").body)}
    assert not listed & {line["Symbol"] for line in lines_of(ask("delisting", "2026-03-13").body)}
