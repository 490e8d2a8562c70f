"""The exchange's data site: its login, and its answers held to the recorded ones."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from stock_pipeline.twin.krx import Krx
from stock_pipeline.twin.wire import Answer, Request
from stock_pipeline.twin.world import World

KST = timezone(timedelta(hours=9))
HOST = "data.krx.co.kr"
EVENING = datetime(2026, 3, 13, 18, 0, tzinfo=KST)
ALL_STOCKS = "dbms/MDC/STAT/standard/MDCSTAT01501"
LOGIN = "/contents/MDC/COMS/client/MDCCOMS001D1.cmd"

Row = dict[str, str]


class Site:
    """The site at a held time, with one client that keeps its cookie."""

    def __init__(self, world: World, now: datetime) -> None:
        self.now = now
        self.krx = Krx(world, lambda: self.now)
        self.cookie = ""

    def get(self, path: str, **query: str) -> Answer:
        answer = self.krx.answer(Request("GET", HOST, path, query, headers=self._headers()))
        assert answer is not None
        return self._kept(answer)

    def post(self, path: str, **form: str) -> Answer | None:
        request = Request("POST", HOST, path, form=form, headers=self._headers())
        answer = self.krx.answer(request)
        return self._kept(answer) if answer else None

    def log_in(self, account: str = "someone", **more: str) -> str:
        answer = self.post(LOGIN, mbrId=account, pw="secret", **more)
        assert answer is not None
        code: str = json.loads(answer.body)["_error_code"]
        return code

    def data(self, bld: str, **form: str) -> Answer:
        answer = self.post("/comm/bldAttendant/getJsonData.cmd", **form, bld=bld)
        assert answer is not None
        return answer

    def all_stocks(self, day: str, market: str = "ALL") -> list[Row]:
        rows: list[Row] = json.loads(self.data(ALL_STOCKS, mktId=market, trdDd=day).body)[
            "OutBlock_1"
        ]
        return rows

    def _headers(self) -> dict[str, str]:
        return {"cookie": f"other=1; JSESSIONID={self.cookie}"} if self.cookie else {}

    def _kept(self, answer: Answer) -> Answer:
        found = re.search(r"JSESSIONID=([^;]+)", answer.headers.get("Set-Cookie", ""))
        self.cookie = found[1] if found else self.cookie
        return answer


@pytest.fixture(scope="module")
def world() -> World:
    return World(companies=400, end=date(2026, 3, 20))


@pytest.fixture
def at(world: World) -> Callable[[datetime], Site]:
    def opened(now: datetime) -> Site:
        site = Site(world, now)
        site.log_in()
        return site

    return opened


@pytest.fixture
def site(at: Callable[[datetime], Site]) -> Site:
    return at(EVENING)


def recording(folder: Path, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    request = json.loads((folder / "krx" / f"{name}.request.json").read_text("utf-8"))
    body = (folder / "krx" / request["body"]).read_bytes()
    return request, json.loads(gzip.decompress(body))


def shapes(rows: list[Row], field: str) -> set[str]:
    """Reduce each value to its form: digits to 9, groups of three to one comma."""
    digits = (re.sub(r"\d+", "9", row[field]) for row in rows)
    return {re.sub(r"(,9)+", ",9", text) for text in digits}


# The recorded names: what the world invents itself has no form to keep to.
NAMES = {"ISU_ABBRV", "codeName", "ISU_CD", "ISU_SRT_CD", "SECT_TP_NM", "full_code", "short_code"}


@pytest.mark.parametrize(
    "name",
    ["MDCSTAT01501_ALL_20201230", "MDCSTAT01501_ALL_20210103", "MDCSTAT01501_STK_20210122"],
    ids=["session", "Sunday", "one market"],
)
def test_all_stock_day_is_written_as_recorded(site: Site, recorded: Path, name: str) -> None:
    request, expected = recording(recorded, name)
    answer = site.data(**request["form"])
    told = json.loads(answer.body)
    assert (answer.status, answer.content_type) == (request["status"], request["content_type"])
    assert answer.headers["Cache-Control"] == request["headers"]["Cache-Control"]
    assert list(told) == list(expected)
    assert re.fullmatch(r"2026\.03\.13 PM 06:00:00", told["CURRENT_DATETIME"])
    rows, model = told["OutBlock_1"], expected["OutBlock_1"]
    assert {tuple(row) for row in rows} == {tuple(model[0])}
    for field in set(model[0]) - NAMES:
        assert shapes(rows, field) <= shapes(model, field), field
    for field in ("ISU_CD", "ISU_SRT_CD"):
        assert all(re.fullmatch(r"[0-9A-Z]{6}|[0-9A-Z]{12}", row[field]) for row in rows)
    called = [row["ISU_ABBRV"] for row in rows]
    assert called == sorted(called)
    assert [row["ISU_ABBRV"] for row in model] == sorted(row["ISU_ABBRV"] for row in model)


@pytest.mark.parametrize("finder", ["finder_stkisu", "finder_listdelisu"])
def test_finder_is_written_as_recorded(site: Site, recorded: Path, finder: str) -> None:
    request, expected = recording(recorded, f"{finder}_ALL")
    answer = site.data(**request["form"])
    told = json.loads(answer.body)
    assert (answer.status, answer.content_type) == (request["status"], request["content_type"])
    assert list(told) == list(expected)
    rows, model = told["block1"], expected["block1"]
    assert {tuple(row) for row in rows} == {tuple(model[0])}
    for field in set(model[0]) - NAMES:
        assert {row[field] for row in rows} <= {row[field] for row in model}, field
    assert [row["codeName"] for row in rows] == sorted(row["codeName"] for row in rows)


def test_numbers_of_a_row_agree(site: Site) -> None:
    def number(text: str) -> int:
        return int(text.replace(",", ""))

    for row in site.all_stocks("20260313"):
        close, change = number(row["TDD_CLSPRC"]), number(row["CMPPREVDD_PRC"])
        assert number(row["MKTCAP"]) == close * number(row["LIST_SHRS"])
        rate = change / (close - change) * 100
        assert float(row["FLUC_RT"]) == pytest.approx(rate, abs=0.0051)
        assert (row["FLUC_TP_CD"] in "14", row["FLUC_TP_CD"] in "25") == (change > 0, change < 0)


def test_halted_share_shows_zeros_and_its_last_price(site: Site) -> None:
    halted = [row for row in site.all_stocks("20260313") if row["FLUC_TP_CD"] == "0"]
    assert halted
    for row in halted:
        assert row["TDD_CLSPRC"] != "0"
        zeros = ("TDD_OPNPRC", "TDD_HGPRC", "TDD_LWPRC", "ACC_TRDVOL", "ACC_TRDVAL")
        assert {row[field] for field in zeros} == {"0"}


@pytest.mark.parametrize(
    ("day", "reason"),
    [("20260315", "Sunday"), ("20260302", "holiday"), ("20260316", "a session of the future")],
)
def test_day_without_prices_shows_dashes(site: Site, day: str, reason: str) -> None:
    rows = site.all_stocks(day)
    assert len(rows) > 380, reason
    assert {row["TDD_CLSPRC"] for row in rows} == {"-"}
    assert {row["FLUC_TP_CD"] for row in rows} == {"3"}
    assert all(row["LIST_SHRS"] != "-" for row in rows)


@pytest.mark.parametrize(
    ("time", "has_prices"),
    [((9, 19), False), ((9, 20), True), ((15, 29), True), ((15, 30), True)],
)
def test_prices_appear_twenty_minutes_after_the_opening(
    at: Callable[[datetime], Site], time: tuple[int, int], has_prices: bool
) -> None:
    rows = at(datetime(2026, 3, 13, *time, tzinfo=KST)).all_stocks("20260313")
    assert (rows[0]["TDD_CLSPRC"] != "-") == has_prices


def test_values_move_until_the_close_and_not_after(at: Callable[[datetime], Site]) -> None:
    noon, close, night = (
        at(datetime(2026, 3, 13, hour, minute, tzinfo=KST)).all_stocks("20260313")
        for hour, minute in ((12, 0), (15, 30), (23, 0))
    )
    assert noon != close
    assert close == night


@pytest.mark.parametrize("market", ["STK", "KSQ", "KNX"])
def test_one_market_is_a_part_of_all(site: Site, market: str) -> None:
    everything = site.all_stocks("20260313")
    part = [row for row in everything if row["MKT_ID"] == market]
    assert site.all_stocks("20260313", market) == part
    assert part


def test_global_segment_belongs_to_kosdaq(site: Site) -> None:
    rows = site.all_stocks("20260313")
    assert {row["MKT_ID"] for row in rows if row["MKT_NM"] == "KOSDAQ GLOBAL"} == {"KSQ"}
    assert not [row for row in site.all_stocks("20221118") if row["MKT_NM"] == "KOSDAQ GLOBAL"]


@pytest.mark.parametrize("day", ["", "2026031", "20261331", "19991230"])
def test_impossible_or_early_day_has_no_rows(site: Site, day: str) -> None:
    assert site.all_stocks(day) == []


def test_data_without_a_login_is_refused(world: World) -> None:
    answer = Site(world, EVENING).data(ALL_STOCKS, mktId="ALL", trdDd="20260313")
    assert (answer.status, answer.body) == (400, b"LOGOUT")


def test_login_pages_hand_out_a_cookie_once(world: World) -> None:
    site = Site(world, EVENING)
    first = site.get("/contents/MDC/COMS/client/MDCCOMS001.cmd")
    again = site.get("/contents/MDC/COMS/client/view/login.jsp", site="mdc")
    assert "Domain=.krx.co.kr; Path=/; HttpOnly" in first.headers["Set-Cookie"]
    assert "Set-Cookie" not in again.headers
    assert site.log_in() == "CD001"


def test_one_account_has_one_session(world: World) -> None:
    first = Site(world, EVENING)
    second = Site(world, EVENING)
    second.krx = first.krx
    assert first.log_in() == "CD001"
    assert second.log_in() == "CD011"
    assert second.log_in(skipDup="Y") == "CD001"
    assert first.data(ALL_STOCKS, mktId="KNX", trdDd="20260313").status == 400
    assert second.data(ALL_STOCKS, mktId="KNX", trdDd="20260313").status == 200


def test_two_accounts_do_not_disturb_each_other(world: World) -> None:
    first = Site(world, EVENING)
    second = Site(world, EVENING)
    second.krx = first.krx
    assert (first.log_in("one"), second.log_in("two")) == ("CD001", "CD001")
    assert first.data(ALL_STOCKS, mktId="KNX", trdDd="20260313").status == 200


def test_login_without_a_password_fails(world: World) -> None:
    answer = Site(world, EVENING).post(LOGIN, mbrId="someone", pw="")
    assert answer is not None
    assert json.loads(answer.body)["_error_code"] not in ("CD001", "CD010", "CD011")


@pytest.mark.parametrize(("minutes", "status"), [(60, 200), (61, 400)])
def test_idle_session_ends_after_an_hour(site: Site, minutes: int, status: int) -> None:
    site.now += timedelta(minutes=minutes)
    assert site.data(ALL_STOCKS, mktId="KNX", trdDd="20260313").status == status


@pytest.mark.parametrize(
    ("now", "expected", "reason"),
    [
        ("2026-03-13T08:59+09:00", "20260312", "before the opening"),
        ("2026-03-13T09:00+09:00", "20260313", "from the opening"),
        ("2026-03-15T12:00+09:00", "20260313", "Sunday"),
        ("2026-03-02T12:00+09:00", "20260227", "holiday"),
    ],
)
def test_latest_work_day(world: World, now: str, expected: str, reason: str) -> None:
    site = Site(world, datetime.fromisoformat(now))
    answer = site.get("/comm/bldAttendant/executeForResourceBundle.cmd", key="B128.bld")
    assert answer.operation == "B128"
    assert json.loads(answer.body) == {"result": {"output": [{"max_work_dt": expected}]}}, reason


def test_work_day_of_a_date(world: World) -> None:
    answer = Site(world, EVENING).get(
        "/comm/bldAttendant/executeForResourceBundle.cmd", key="B161.bld", inDate="20260308"
    )
    assert json.loads(answer.body)["result"]["output"][0] == {"bis_work_dt": "20260306"}


def test_what_is_not_played_has_no_answer(site: Site) -> None:
    assert site.post("/comm/bldAttendant/getJsonData.cmd", bld="dbms/MDC/STAT/MDCSTAT9") is None
    assert site.post("/elsewhere") is None
