"""Funds and indices on the exchange's data site, held to the recorded answers."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import re
import warnings
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from stock_pipeline.twin.krx import Krx
from stock_pipeline.twin.wire import Answer, Request
from stock_pipeline.twin.world import World

KST = timezone(timedelta(hours=9))
EVENING = datetime(2026, 3, 13, 18, 0, tzinfo=KST)
STATISTIC = "dbms/MDC/STAT/standard/"
DATA = "/comm/bldAttendant/getJsonData.cmd"
LOGIN = "/contents/MDC/COMS/client/MDCCOMS001D1.cmd"

Row = dict[str, str]


class Site:
    """The site at a held time, logged in."""

    def __init__(self, world: World, now: datetime) -> None:
        self._krx = Krx(world, lambda: now)
        login = self._send(LOGIN, {"mbrId": "someone", "pw": "secret"}, {})
        found = re.search(r"JSESSIONID=([^;]+)", login.headers["Set-Cookie"])
        assert found is not None
        self._cookie = {"cookie": f"JSESSIONID={found[1]}"}

    def data(self, form: dict[str, str]) -> Answer:
        return self._send(DATA, form, self._cookie)

    def rows(self, number: str, **form: str) -> list[Row]:
        answer = self.data({**form, "bld": STATISTIC + number})
        found: list[Row] = json.loads(answer.body)["output"]
        return found

    def funds(self, day: str) -> list[Row]:
        return self.rows("MDCSTAT04301", trdDd=day)

    def indices(self, day: str, group: str) -> list[Row]:
        return self.rows("MDCSTAT00101", trdDd=day, idxIndMidclssCd=group)

    def _send(self, path: str, form: dict[str, str], headers: dict[str, str]) -> Answer:
        request = Request("POST", "data.krx.co.kr", path, form=form, headers=headers)
        answer = self._krx.answer(request)
        assert answer is not None
        return answer


@pytest.fixture
def at(small_world: World) -> Callable[[datetime], Site]:
    return lambda now: Site(small_world, now)


@pytest.fixture
def site(at: Callable[[datetime], Site]) -> Site:
    return at(EVENING)


def recording(folder: Path, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    request = json.loads((folder / "krx" / f"{name}.request.json").read_text("utf-8"))
    body = (folder / "krx" / request["body"]).read_bytes()
    text = gzip.decompress(body) if request["body"].endswith(".gz") else body
    return request, json.loads(text)


def shapes(rows: list[Row], field: str) -> set[str]:
    """Reduce each value to its form: digits to 9, groups of three to one comma."""
    digits = (re.sub(r"\d+", "9", row[field]) for row in rows)
    return {re.sub(r"(,9)+", ",9", text) for text in digits}


def number(text: str) -> float:
    return float(text.replace(",", ""))


# What the world invents itself has no form to keep to; codes are checked on their own.
INVENTED = {
    *("ISU_ABBRV", "ISU_NM", "ISU_ENG_NM", "ISU_SRT_CD", "ISU_CD", "IDX_IND_NM"),
    *("ETF_OBJ_IDX_NM", "IDX_CALC_INST_NM1", "IDX_NM", "IDX_ENG_NM", "IDX_IND_CD"),
}


@pytest.mark.parametrize(
    "name",
    ["MDCSTAT04301_20210325", "MDCSTAT04601", *(f"MDCSTAT00401_{n:02}" for n in range(1, 5))],
)
def test_answer_is_written_as_recorded(site: Site, recorded: Path, name: str) -> None:
    request, expected = recording(recorded, name)
    answer = site.data(request["form"])
    told = json.loads(answer.body)
    assert (answer.status, answer.content_type) == (request["status"], request["content_type"])
    assert answer.headers["Cache-Control"] == request["headers"]["Cache-Control"]
    assert list(told) == list(expected)
    rows, model = told["output"], expected["output"]
    assert {tuple(row) for row in rows} == {tuple(model[0])}
    for field in set(model[0]) - INVENTED:
        # A fund of this small market may have a price or an index below a thousand.
        forms = {form.replace(",9", "") for form in shapes(model, field)}
        assert {form.replace(",9", "") for form in shapes(rows, field)} <= forms, field


def test_words_of_the_fund_list_are_the_exchanges(site: Site, recorded: Path) -> None:
    _, expected = recording(recorded, "MDCSTAT04601")
    rows, model = site.rows("MDCSTAT04601"), expected["output"]
    for field in ("IDX_CALC_INST_NM1", "IDX_CALC_INST_NM2", "ETF_REPLICA_METHD_TP_CD",
                  "IDX_MKT_CLSS_NM", "IDX_ASST_CLSS_NM", "COM_ABBRV", "TAX_TP_CD"):  # fmt: skip
        assert {row[field] for row in rows} <= {row[field] for row in model}, field
    assert [row["ISU_NM"] for row in rows] == sorted(row["ISU_NM"] for row in rows)
    assert all(re.fullmatch(r"[0-9A-Z]{6}", row["ISU_SRT_CD"]) for row in rows)
    assert {row["ISU_CD"] for row in rows if row["ISU_SRT_CD"] == "069500"} == {"KR7069500007"}


def test_index_day_is_written_like_the_recorded_period(site: Site, recorded: Path) -> None:
    """No day of all indices is recorded: a period of one is, under two other names."""
    _, expected = recording(recorded, "MDCSTAT00301_001_1_20210101_20210108")
    rows = [row for row in site.indices("20260313", "02") if row["CLSPRC_IDX"] != "-"]
    renamed = {"PRV_DD_CMPR": "CMPPREVDD_IDX", "UPDN_RATE": "FLUC_RT"}
    fields = [renamed.get(field, field) for field in expected["output"][0]]
    assert {tuple(row) for row in rows} == {("IDX_NM", *fields[1:])}
    for field, name in zip(list(expected["output"][0])[1:], fields[1:], strict=True):
        forms = {form.lstrip("-") for form in shapes(expected["output"], field)}
        forms |= {form.replace(",9", "") for form in forms}
        assert {form.lstrip("-") for form in shapes(rows, name)} <= forms, name


def test_numbers_of_a_fund_agree(site: Site) -> None:
    rows = site.funds("20260312")
    assert [row["ISU_ABBRV"] for row in rows] == sorted(row["ISU_ABBRV"] for row in rows)
    for row in rows:
        close, change = number(row["TDD_CLSPRC"]), number(row["CMPPREVDD_PRC"])
        assert number(row["MKTCAP"]) == close * number(row["LIST_SHRS"])
        assert number(row["FLUC_RT"]) == pytest.approx(change / (close - change) * 100, abs=0.0051)
        assets = number(row["NAV"]) * number(row["LIST_SHRS"])
        assert number(row["INVSTASST_NETASST_TOTAMT"]) == pytest.approx(assets, abs=1)
        assert row["FLUC_TP_CD"] == ("1" if change > 0 else "2" if change < 0 else "3")
    assert {row["FLUC_TP_CD"] for row in rows} == {"1", "2", "3"}


def test_fund_without_a_trade_shows_zeros_and_a_close(site: Site) -> None:
    days = ("20260313", "20260312", "20260311", "20260310")
    quiet = [row for day in days for row in site.funds(day) if row["ACC_TRDVOL"] == "0"]
    assert quiet
    for row in quiet:
        assert {row[field] for field in ("TDD_OPNPRC", "TDD_HGPRC", "TDD_LWPRC")} == {"0"}
        assert number(row["TDD_CLSPRC"]) > 0


def test_index_of_an_owner_that_hides_it_is_dashes(site: Site) -> None:
    row = next(row for row in site.funds("20260313") if row["ISU_SRT_CD"] == "153130")
    fields = ("OBJ_STKPRC_IDX", "CMPPREVDD_IDX", "FLUC_TP_CD1", "FLUC_RT1")
    assert {row[field] for field in fields} == {"-"}


def test_markets_with_foreign_shares_have_no_level(site: Site) -> None:
    first = {group: site.indices("20260313", group)[0] for group in ("02", "03")}
    assert [row["IDX_NM"] for row in first.values()] == [
        "코스피 (외국주포함)",
        "코스닥 (외국주포함)",
    ]
    for row in first.values():
        assert {row[field] for field in ("CLSPRC_IDX", "FLUC_RT", "OPNPRC_IDX")} == {"-"}
        assert row["FLUC_TP_CD"] == ""
        assert number(row["ACC_TRDVOL"]) > 0
    names = [row["IDX_NM"] for row in site.rows("MDCSTAT00401", idxIndMidclssCd="02")]
    assert [row["IDX_NM"] for row in site.indices("20260313", "02")[1:]] == names


def test_an_index_of_before_its_announcement_has_a_close_only(site: Site) -> None:
    row = next(row for row in site.indices("20240104", "01") if row["IDX_NM"] == "KRX TMI")
    dashes = [field for field, text in row.items() if text == "-"]
    assert dashes == [
        *("OPNPRC_IDX", "HGPRC_IDX", "LWPRC_IDX", "ACC_TRDVOL", "ACC_TRDVAL", "MKTCAP")
    ]


def test_an_index_is_not_listed_before_it_is_announced(at: Callable[[datetime], Site]) -> None:
    early, late = at(datetime(2024, 6, 3, 18, tzinfo=KST)), at(EVENING)
    for site, is_known in ((early, False), (late, True)):
        for rows in (
            site.indices("20240604", "01"),
            site.rows("MDCSTAT00401", idxIndMidclssCd="01"),
        ):
            assert ("코리아 밸류업 지수" in {row["IDX_NM"] for row in rows}) == is_known


@pytest.mark.parametrize(
    ("day", "reason"),
    [("20260315", "Sunday"), ("20260302", "holiday"), ("20260316", "a session of the future")],
)
def test_day_without_prices_shows_dashes(site: Site, day: str, reason: str) -> None:
    funds, indices = site.funds(day), site.indices(day, "02")
    assert len(funds) > 40, reason
    assert len(indices) > 40, reason
    for row in funds:
        assert {row[field] for field in ("TDD_CLSPRC", "NAV", "LIST_SHRS", "MKTCAP")} == {"-"}
    for row in indices:
        assert {row[field] for field in ("CLSPRC_IDX", "ACC_TRDVOL", "MKTCAP")} == {"-"}


@pytest.mark.parametrize(
    ("time", "has_prices"),
    [((9, 19), False), ((9, 20), True), ((15, 29), True), ((15, 30), True)],
)
def test_prices_appear_twenty_minutes_after_the_opening(
    at: Callable[[datetime], Site], time: tuple[int, int], has_prices: bool
) -> None:
    site = at(datetime(2026, 3, 13, *time, tzinfo=KST))
    assert (site.funds("20260313")[0]["TDD_CLSPRC"] != "-") == has_prices
    assert (site.indices("20260313", "03")[-1]["CLSPRC_IDX"] != "-") == has_prices


@pytest.mark.parametrize("number_", ["MDCSTAT04301", "MDCSTAT00101"])
def test_values_move_until_the_close_and_not_after(
    at: Callable[[datetime], Site], number_: str
) -> None:
    noon, close, night = (
        at(datetime(2026, 3, 13, hour, minute, tzinfo=KST)).rows(
            number_, trdDd="20260313", idxIndMidclssCd="02"
        )
        for hour, minute in ((12, 0), (15, 30), (23, 0))
    )
    assert noon != close
    assert close == night


@pytest.mark.parametrize("day", ["", "2026031", "20261331", "19991230"])
def test_impossible_or_early_day_has_no_prices(site: Site, day: str) -> None:
    assert site.funds(day) == []
    assert {row["CLSPRC_IDX"] for row in site.indices(day, "02")} <= {"-"}


@pytest.fixture
def pykrx(site: Site) -> Iterator[Any]:
    """Return pykrx as it is, its session answered by the twin."""

    def post(_: str, *, data: dict[str, str], **__: object) -> SimpleNamespace:
        return SimpleNamespace(json=lambda: json.loads(site.data(data).body))

    session = SimpleNamespace(
        is_valid=lambda: True, get_headers=dict, session=SimpleNamespace(post=post)
    )
    # pykrx prints while it is imported, and uses what Python 3.11 calls deprecated.
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pykrx.website.comm import auth
        from pykrx.website.krx.etx import core as funds
        from pykrx.website.krx.etx import wrap
        from pykrx.website.krx.market import core as markets
        from pykrx.website.krx.market import wrap as market_wrap
    before = auth.get_auth_session()
    auth.set_auth_session(session)
    yield SimpleNamespace(funds=funds, markets=markets, wrap=wrap, market_wrap=market_wrap)
    auth.set_auth_session(before)


def test_the_unmodified_pykrx_reads_the_answers(pykrx: Any) -> None:
    assert len(pykrx.funds.전종목시세_ETF().fetch("20260313")) > 40
    assert "IDX_ASST_CLSS_NM" in pykrx.funds.ETF_전종목기본종목().fetch()
    for group in ("01", "02", "03", "04"):
        day = pykrx.markets.전체지수시세().fetch("20260313", group)
        listed = pykrx.markets.전체지수기본정보().fetch(group)
        assert set(listed["IDX_NM"]) <= set(day["IDX_NM"])


def test_pykrx_makes_numbers_of_the_texts(pykrx: Any) -> None:
    frame = pykrx.wrap.get_etf_ohlcv_by_ticker("20260313")
    assert frame.loc["069500", "종가"] > 0
    assert frame.loc["153130", "기초지수"] == 0
    levels = pykrx.market_wrap.get_index_ohlcv_by_ticker("20260313", "KOSPI")
    assert levels.loc["코스피외국주포함", "종가"] == 0
    assert levels.loc["코스피", "종가"] > 1_000
    holiday = pykrx.wrap.get_etf_ohlcv_by_ticker("20260315")
    assert (holiday == 0).all(axis=None)
