"""The Open API played from the world: written as recorded, out when the real one is."""

from __future__ import annotations

import json
import re
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from stock_pipeline.twin.krx_openapi import KrxOpenapi
from stock_pipeline.twin.wire import Answer, Request
from stock_pipeline.twin.world import World

KST = timezone(timedelta(hours=9))
KEY = "TWIN" * 10
EVENING = datetime(2026, 3, 13, 18, 0, tzinfo=KST)
DAY = "20260312"
SERVICES = (
    *("sto/stk_bydd_trd", "sto/ksq_bydd_trd", "sto/knx_bydd_trd"),
    *("sto/stk_isu_base_info", "sto/ksq_isu_base_info", "etp/etf_bydd_trd"),
    *("idx/krx_dd_trd", "idx/kospi_dd_trd", "idx/kosdaq_dd_trd"),
)


@pytest.fixture(scope="module")
def world() -> World:
    return World(companies=120, end=date(2026, 3, 20))


def ask(
    world: World, service: str, day: str = DAY, *, now: datetime = EVENING, key: str = KEY
) -> Answer:
    path = f"/svc/apis/{service}"
    request = Request("GET", "data-dbg.krx.co.kr", path, {"basDd": day}, headers={"auth_key": key})
    answer = KrxOpenapi(world, lambda: now).answer(request)
    assert answer is not None
    return answer


def rows_of(world: World, service: str, day: str = DAY, **how: Any) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = json.loads(ask(world, service, day, **how).body)["OutBlock_1"]
    return rows


def form_of(text: str) -> str:
    """Return how a value is written: a dash, nothing, a number with so many decimals, words."""
    if text in {"", "-"}:
        return text
    number = re.fullmatch(r"-?(?:\d+(?:\.(\d+))?|\.\d+)", text)
    return "words" if number is None else f"{len(number[1] or '')} decimals"


@pytest.mark.parametrize("service", SERVICES)
def test_rows_are_written_as_recorded(world: World, recorded: Path, service: str) -> None:
    name = service.rpartition("/")[2]
    body = (recorded / "krx-openapi" / f"{name}_20240104.json").read_bytes()
    expected, told = json.loads(body), json.loads(ask(world, service).body)
    assert list(told) == list(expected)
    real, played = expected["OutBlock_1"], told["OutBlock_1"]
    assert {tuple(row) for row in played} == {tuple(row) for row in real}
    assert {type(value) for row in played for value in row.values()} == {str}
    for column in real[0]:
        if column not in {"ISU_CD", "ISU_SRT_CD", "ISU_NM", "ISU_ABBRV", "PARVAL", "IDX_NM"}:
            forms = {form_of(row[column]) for row in played}
            assert forms <= {form_of(row[column]) for row in real}, column


@pytest.mark.parametrize(
    ("recording", "service", "key"),
    [("error_401_bad_key", "sto/stk_bydd_trd", "wrong"), ("error_401_bad_key", "any/thing", "")],
)
def test_a_wrong_or_missing_key_is_refused_as_recorded(
    world: World, recorded: Path, recording: str, service: str, key: str
) -> None:
    answer = ask(world, service, key=key)
    body = (recorded / "krx-openapi" / f"{recording}.json").read_bytes()
    assert (answer.status, answer.body) == (401, body)


def test_a_path_that_is_no_service_is_refused_by_name(world: World) -> None:
    answer = ask(world, "sto/no_such")
    told = "[/svc/apis/sto/no_such] API referenced by the path does not exist."
    assert (answer.status, json.loads(answer.body)) == (404, {"respMsg": told, "respCode": "404"})


@pytest.mark.parametrize(
    ("now", "day", "is_out", "reason"),
    [
        ("2026-03-13T07:59+09:00", "20260312", False, "before 08:00 of the next session"),
        ("2026-03-13T08:00+09:00", "20260312", True, "from 08:00"),
        ("2026-03-13T18:00+09:00", "20260313", False, "the day itself"),
        ("2026-03-15T18:00+09:00", "20260313", False, "Friday on Sunday"),
        ("2026-03-16T08:00+09:00", "20260313", True, "Friday on Monday"),
        ("2026-03-13T18:00+09:00", "20260308", False, "a Sunday"),
        ("2026-03-13T18:00+09:00", "20091230", False, "before the world"),
        ("2026-03-13T18:00+09:00", "2026-03-12", False, "not a day as it is written here"),
    ],
)
def test_a_day_is_out_on_the_next_session_and_else_an_empty_list(
    world: World, now: str, day: str, is_out: bool, reason: str
) -> None:
    rows = rows_of(world, "sto/stk_bydd_trd", day, now=datetime.fromisoformat(now))
    assert bool(rows) == is_out, reason


def test_shares_agree_with_the_world_and_with_their_master_data(world: World) -> None:
    session = date(2026, 3, 12)
    markets = {"KOSPI": "stk", "KOSDAQ": "ksq", "KONEX": "knx"}
    found = {market: rows_of(world, f"sto/{name}_bydd_trd") for market, name in markets.items()}
    assert {row["MKT_NM"] for rows in found.values() for row in rows} == set(markets)
    by_code = {row["ISU_CD"]: row for rows in found.values() for row in rows}
    listings, prices = world.listings(session), world.day(session)
    assert set(by_code) == {one.share.ticker for one in listings}
    for place, one in enumerate(listings):
        row = by_code[one.share.ticker]
        assert int(row["TDD_CLSPRC"]) == prices.close[place]
        assert int(row["MKTCAP"]) == prices.market_cap[place]
    for name in markets.values():
        codes = {row["ISU_SRT_CD"]: row for row in rows_of(world, f"sto/{name}_isu_base_info")}
        days = {row["ISU_CD"] for row in rows_of(world, f"sto/{name}_bydd_trd")}
        assert set(codes) == days
    samsung = {row["ISU_SRT_CD"]: row for row in rows_of(world, "sto/stk_isu_base_info")}
    assert samsung["005930"]["ISU_CD"] == "KR7005930003"
    assert samsung["005935"]["ISU_NM"].endswith("1우선주")


def test_halted_shares_have_a_close_and_zeros(world: World) -> None:
    rows = [row for name in ("stk", "ksq", "knx") for row in rows_of(world, f"sto/{name}_bydd_trd")]
    quiet = [row for row in rows if row["ACC_TRDVOL"] == "0"]
    assert quiet
    assert {row["TDD_OPNPRC"] for row in quiet} == {"0"}
    assert all(int(row["TDD_CLSPRC"]) > 0 for row in quiet)


def test_funds_and_indices_agree_with_the_world(world: World) -> None:
    session = date(2026, 3, 12)
    funds = {row["ISU_CD"]: row for row in rows_of(world, "etp/etf_bydd_trd")}
    told = world.funds.day(session)
    for place, fund in enumerate(world.funds.listed(session)):
        assert float(funds[fund.ticker]["NAV"]) == pytest.approx(told.nav[place], abs=0.005)
    kospi = {row["IDX_NM"]: row for row in rows_of(world, "idx/kospi_dd_trd")}
    place = next(n for n, i in enumerate(world.indices.listed(session)) if i.code == "1001")
    close = world.indices.day(session).close[place]
    assert float(kospi["코스피"]["CLSPRC_IDX"]) == pytest.approx(close, abs=0.005)
    assert kospi["코스피 (외국주포함)"]["CLSPRC_IDX"] == "-"


def test_other_paths_have_no_answer(world: World) -> None:
    request = Request("GET", "data-dbg.krx.co.kr", "/other", {})
    assert KrxOpenapi(world, lambda: EVENING).answer(request) is None
