"""What prices tell of a day: splits at once, reverse splits after a question, and what is gone."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from stock_pipeline.assets.filings import dart_filing
from stock_pipeline.assets.listing import stocks
from stock_pipeline.assets.prices import price_adjustment
from stock_pipeline.errors import PipelineError, Timeout
from stock_pipeline.sources.transport import NotArchived
from stock_pipeline.storage.collection_log import done_partitions

DAY = date(2026, 3, 13)
SAMSUNG = "00126380"


def adjustment(ticker: str = "005930", factor: float = 0.5, **changes: Any) -> dict[str, Any]:
    told = {
        "ticker": ticker,
        "ex_date": DAY,
        "factor": factor,
        "shares_before": 100,
        "shares_after": 100,
        "kind": "bonus_or_rights",
    }
    return told | changes


def fallen(ticker: str = "005930", **changes: Any) -> dict[str, Any]:
    step = {"shares_before": 1_000, "shares_after": 100, "kind": "reverse_or_reduction"}
    return adjustment(ticker, 10.0, **(step | changes))


def reduced(number: str, listing: str, corp_code: str = SAMSUNG) -> dict[str, str]:
    return {
        "rcept_no": number,
        "corp_code": corp_code,
        "bfcr_tisstk_ostk": "1,000",
        "atcr_tisstk_ostk": "100",
        "crsc_nstklstprd": listing,
    }


def split(ticker: str = "005930") -> dict[str, Any]:
    return adjustment(ticker, 0.02, shares_after=5_000, kind="split")


def test_a_split_is_told_by_the_prices(bench: Any) -> None:
    bench.done("dart_filing", DAY)
    bench.store(price_adjustment.TABLE, split())
    bench.collect()
    (row,) = bench.rows()
    assert (row["action_id"], row["action_type"]) == ("KRX-005930-2026-03-13", "SPLIT")
    assert (row["ratio"], row["ex_date"], row["rcept_no"]) == (50.0, DAY, None)
    assert (row["source"], row["corp_code"]) == ("KRX", SAMSUNG)
    assert bench.asked == []


def test_a_split_does_not_wait_for_the_reports_but_its_day_is_not_done(bench: Any) -> None:
    bench.store(price_adjustment.TABLE, split(), fallen("000660"))
    log = bench.collect()
    assert (log["outcome"], "dart_filing is not collected" in log["detail"]) == ("rows", True)
    assert [row[1] for row in bench.explained()] == ["REVERSE_SPLIT", "SPLIT"]
    assert done_partitions(bench.database, "corporate_actions", [f"{DAY}"]) == set()
    bench.done("dart_filing", DAY)
    assert bench.collect()["detail"] is None
    assert done_partitions(bench.database, "corporate_actions", [f"{DAY}"]) == {f"{DAY}"}


def test_a_split_was_fetched_when_the_prices_were(bench: Any) -> None:
    prices = datetime(2026, 3, 13, 7, 35, tzinfo=UTC)
    bench.done("dart_filing", DAY)
    bench.done("stock_price_daily", DAY, fetched_at=prices)
    bench.store(price_adjustment.TABLE, split())
    log = bench.collect()
    assert [row["fetched_at"] for row in bench.rows()] == [prices]
    assert (log["fetched_at"], log["source"]) == (None, None)  # nobody was asked


def test_a_split_told_after_an_answer_is_not_refused_as_older(bench: Any) -> None:
    answer = datetime(2026, 3, 13, 10, 0, tzinfo=UTC)
    bench.done("dart_filing", DAY)
    bench.done("stock_price_daily", DAY, fetched_at=datetime(2026, 3, 13, 7, 35, tzinfo=UTC))
    bench.done("corporate_actions", DAY, fetched_at=answer)
    bench.store(price_adjustment.TABLE, split())
    assert bench.collect()["outcome"] == "rows"
    assert [row["fetched_at"] for row in bench.rows()] == [answer]


@pytest.mark.parametrize(
    ("change", "explained", "reason"),
    [
        ({"kind": "other"}, None, "the count says something else"),
        ({"kind": "reverse_or_reduction"}, "REVERSE_SPLIT", "the other way round"),
        (None, None, "no adjustment at all"),
    ],
)
def test_what_the_prices_no_longer_show_is_withdrawn(
    bench: Any, change: dict[str, Any] | None, explained: str | None, reason: str
) -> None:
    bench.done("dart_filing", DAY)
    bench.store(price_adjustment.TABLE, split())
    bench.collect()
    if change is None:
        bench.database.execute("DELETE FROM price_adjustment")
    else:
        bench.store(price_adjustment.TABLE, split() | change)
        assert [row[1] for row in bench.explained()] == [None], "not yet collected again"
    bench.collect()
    gone = next(row for row in bench.rows() if row["action_type"] == "SPLIT")
    assert (gone["ratio"], gone["ex_date"], gone["listing_date"]) == (None, None, None), reason
    assert "withdrawn" in gone["detail"]
    wanted = [] if change is None else [explained]
    assert [row[1] for row in bench.explained()] == wanted
    assert bench.collect()["updated"] == 0


def test_what_the_prices_show_again_is_told_again(bench: Any) -> None:
    bench.done("dart_filing", DAY)
    bench.store(price_adjustment.TABLE, split())
    bench.collect()
    bench.store(price_adjustment.TABLE, split() | {"kind": "other"})
    bench.collect()
    bench.store(price_adjustment.TABLE, split())
    bench.collect()
    assert [(row["ratio"], row["detail"]) for row in bench.rows()] == [(50.0, None)]


REDUCTIONS = [
    (None, "REVERSE_SPLIT", "nothing reported"),
    (("20260105000001", "2026년 03월 13일"), "CAPITAL_REDUCTION", "its day"),
    (("20260105000002", "2026년 03월 23일"), "CAPITAL_REDUCTION", "10 days later"),
    (("20260105000003", "2026년 03월 24일"), "REVERSE_SPLIT", "11 days later: another one's"),
    (("20251113000004", "-"), "CAPITAL_REDUCTION", "without a day, 120 days before"),
    (("20251112000005", "-"), "REVERSE_SPLIT", "121 days before"),
]


def test_a_reverse_split_is_what_no_reduction_explains(bench: Any) -> None:
    bench.done("dart_filing", DAY)
    companies = [f"{number:08d}" for number in range(len(REDUCTIONS))]
    shares = [{"ticker": f"{code[3:]}0", "corp_code": code} for code in companies]
    bench.store(stocks.TABLE, *shares)
    bench.store(price_adjustment.TABLE, *(fallen(share["ticker"]) for share in shares))
    answers = {
        ("crDecsn", code): [reduced(*told, corp_code=code)] if told else []
        for code, (told, *_) in zip(companies, REDUCTIONS, strict=True)
    }
    bench.collect(answers)
    assert bench.asked == [("crDecsn", code, date(2025, 3, 13), DAY) for code in companies]
    found = {row["corp_code"]: (row["action_type"], row["ratio"]) for row in bench.rows()}
    for code, (_, action, reason) in zip(companies, REDUCTIONS, strict=True):
        assert found[code] == (action, 0.1), reason
    wanted = [(share["ticker"], found[share["corp_code"]][0]) for share in shares]
    assert [row[:2] for row in bench.explained()] == wanted


def test_a_reduction_found_by_the_prices_belongs_to_its_own_day(bench: Any) -> None:
    bench.done("dart_filing", DAY, date(2026, 1, 5))
    title = "주요사항보고서(감자결정)"
    number, received = "20260105000001", date(2026, 1, 5)
    filing = {
        "rcept_no": number,
        "corp_code": SAMSUNG,
        "ticker": "005930",
        "report_name": title,
        "received_date": received,
        "filing_type": "B",
        "is_correction": False,
    }
    bench.store(price_adjustment.TABLE, fallen(), fallen("005935"))
    bench.store(dart_filing.TABLE, filing)
    answers = {("crDecsn", SAMSUNG): [reduced(number, "2026년 03월 13일")]}
    bench.collect(answers)
    assert len(bench.asked) == 1  # for both shares of the company
    before = bench.rows()
    assert [(row["received_date"], row["report_name"]) for row in before] == [(received, title)]
    bench.collect(answers, received)
    assert bench.rows() == before
    assert [row[1] for row in bench.explained()] == ["CAPITAL_REDUCTION"] * 2


@pytest.mark.parametrize(
    ("error", "replaying"),
    [(Timeout("DART", "crDecsn", ""), False), (NotArchived("DART", "crDecsn"), True)],
    ids=["timeout", "replay"],
)
def test_without_an_answer_nobody_tells_a_reverse_split_from_a_reduction(
    bench: Any, error: PipelineError, replaying: bool
) -> None:
    bench.done("dart_filing", DAY)
    bench.store(price_adjustment.TABLE, split("000660"), fallen(), fallen("005935"))
    answers = {("crDecsn", SAMSUNG): error}
    log = bench.collect(answers, replaying=replaying)
    assert (log["outcome"], f"crDecsn of {SAMSUNG}" in log["detail"]) == ("rows", True)
    assert [row["action_id"] for row in bench.rows()] == ["KRX-000660-2026-03-13"]
    bench.collect()
    before = bench.rows()
    assert len(before) == 3
    bench.collect(answers, replaying=replaying)
    assert bench.rows() == before  # what was told stands


# ---- the check


def test_f20_an_adjustment_that_no_report_explains_is_a_warning(bench: Any) -> None:
    bench.done("dart_filing", date(2026, 3, 16))
    days = bench.calendar.sessions("XKRX", date(2025, 11, 1), DAY)
    bench.done("corporate_actions", *days)
    bench.store(price_adjustment.TABLE, adjustment())
    log = bench.collect(day=date(2026, 3, 16))
    assert (log["outcome"], log["validation_status"]) == ("no_data", "warn")
    assert log["validation_detail"] == '{"unexplained_adjustment": 1}'
