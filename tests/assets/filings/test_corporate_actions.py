"""Which receipts become actions, what is asked for them, and what if there is no answer."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from stock_pipeline.assets.decisions import DECISIONS
from stock_pipeline.assets.filings import dart_filing
from stock_pipeline.assets.filings.corporate_actions import RULES, TABLE
from stock_pipeline.errors import PipelineError, QuotaExhausted, Timeout
from stock_pipeline.quality import rules as quality
from stock_pipeline.sources.transport import NotArchived

DAY = date(2026, 3, 13)
SAMSUNG = "00126380"
PAID = "주요사항보고서(유상증자결정)"
BOTH = "주요사항보고서(유무상증자결정)"


def receipt(number: int, title: str, **changes: Any) -> dict[str, Any]:
    """Return a receipt of Samsung Electronics on the day."""
    told = {
        "rcept_no": f"20260313{number:06d}",
        "corp_code": SAMSUNG,
        "ticker": "005930",
        "report_name": title,
        "received_date": DAY,
        "filing_type": "B",
        "is_correction": title.startswith("["),
    }
    return told | changes


def paid(number: int, method: str = "주주배정증자") -> dict[str, str]:
    return {
        "rcept_no": f"20260313{number:06d}",
        "corp_code": SAMSUNG,
        "nstk_ostk_cnt": "20",
        "bfic_tisstk_ostk": "100",
        "ic_mthn": method,
    }


# ---- what is asked and stored


def test_a_day_is_the_receipts_of_major_matters_that_announce_something(bench: Any) -> None:
    bench.done("dart_filing", DAY)
    bench.store(
        dart_filing.TABLE,
        receipt(1, PAID),
        receipt(2, BOTH, corp_code="00164779", ticker="000660"),
        receipt(3, "주요사항보고서(자기주식취득결정)"),  # no action on the shares
        receipt(4, PAID, filing_type="I"),  # not a major matter
        receipt(5, PAID, corp_code="00999999", ticker=None),  # not listed
        receipt(6, PAID, received_date=date(2026, 3, 12)),  # another day
    )
    log = bench.collect({("piicDecsn", SAMSUNG): [paid(1), paid(9)]})
    assert bench.asked == [
        ("piicDecsn", SAMSUNG, DAY, DAY),
        ("pifricDecsn", "00164779", DAY, DAY),
    ]
    found = bench.rows()
    assert [(row["action_id"][-1], row["action_type"], row["ratio"]) for row in found] == [
        ("1", "RIGHTS_ISSUE", 0.2),
        ("2", "BONUS_ISSUE", None),  # 013: a row without details, for both actions
        ("2", "RIGHTS_ISSUE", None),
    ]
    assert [row["detail"] is None for row in found] == [False, True, True]
    assert {row["source"] for row in found} == {"DART"}
    assert (log["outcome"], log["validation_status"]) == ("rows", "pass")


def test_what_was_answered_is_not_asked_for_again(bench: Any) -> None:
    bench.done("dart_filing", DAY)
    bench.store(dart_filing.TABLE, receipt(1, PAID), receipt(2, BOTH))
    bench.collect({("piicDecsn", SAMSUNG): [paid(1)]})
    before = bench.rows()
    log = bench.collect()
    assert [asked[0] for asked in bench.asked] == ["pifricDecsn"]
    assert bench.rows() == before
    assert (log["unchanged"], log["updated"], log["inserted"]) == (3, 0, 0)


def test_a_replay_reads_every_answer_anew(bench: Any) -> None:
    bench.done("dart_filing", DAY)
    bench.store(dart_filing.TABLE, receipt(1, PAID))
    bench.collect({("piicDecsn", SAMSUNG): [paid(1)]})
    other = paid(1) | {"nstk_ostk_cnt": "30"}
    bench.collect({("piicDecsn", SAMSUNG): [other]}, replaying=True)
    assert [row["ratio"] for row in bench.rows()] == [0.3]


def test_a_replay_keeps_the_details_that_the_archive_has_no_answer_for(bench: Any) -> None:
    bench.done("dart_filing", DAY)
    bench.store(dart_filing.TABLE, receipt(1, PAID), receipt(2, BOTH))
    bench.collect({("piicDecsn", SAMSUNG): [paid(1)]})
    bench.database.execute("DELETE FROM corporate_actions WHERE action_id LIKE '%2'")
    before = bench.rows()
    unknown = NotArchived("DART", "piicDecsn")
    answers = dict.fromkeys([("piicDecsn", SAMSUNG), ("pifricDecsn", SAMSUNG)], unknown)
    log = bench.collect(answers, replaying=True)
    assert log["outcome"] == "rows"
    found = bench.rows()
    assert [row for row in found if row["detail"]] == before
    assert [row["action_type"] for row in found] == ["RIGHTS_ISSUE", "BONUS_ISSUE", "RIGHTS_ISSUE"]


def test_a_nul_in_a_text_of_upstream_is_left_out(bench: Any) -> None:
    bench.done("dart_filing", DAY)
    bench.store(dart_filing.TABLE, receipt(1, PAID))
    log = bench.collect({("piicDecsn", SAMSUNG): [paid(1, "주주배정\0증자")]})
    assert log["outcome"] == "rows"
    query = "SELECT detail ->> 'ic_mthn' FROM corporate_actions"
    assert bench.database.read(query).item() == "주주배정증자"


def test_trap_9_a_correction_is_a_row_of_its_own_and_asked_by_its_first_receipt(
    bench: Any,
) -> None:
    bench.done("dart_filing", DAY)
    bench.store(dart_filing.TABLE, receipt(1, f"[기재정정]{PAID}"))
    bench.collect({("piicDecsn", SAMSUNG): [paid(1)]})
    assert bench.asked == [("piicDecsn", SAMSUNG, date(2015, 1, 1), DAY)]
    assert [row["report_name"] for row in bench.rows()] == [f"[기재정정]{PAID}"]


@pytest.mark.parametrize(
    ("day", "outcome"), [(DAY, "skipped"), (date(2026, 3, 14), "no_data")], ids=["Friday", "Sat"]
)
def test_without_the_receipts_nothing_is_asked(bench: Any, day: date, outcome: str) -> None:
    bench.store(dart_filing.TABLE, receipt(1, PAID))
    assert bench.collect(day=day)["outcome"] == outcome
    assert (bench.asked, bench.rows()) == ([], [])


def test_one_failed_request_costs_only_its_details(bench: Any) -> None:
    bench.done("dart_filing", DAY)
    bench.store(dart_filing.TABLE, receipt(1, PAID), receipt(2, BOTH))
    timeout = Timeout("DART", "pifricDecsn", "")
    log = bench.collect({("piicDecsn", SAMSUNG): [paid(1)], ("pifricDecsn", SAMSUNG): timeout})
    assert log["outcome"] == "rows"
    assert f"pifricDecsn of {SAMSUNG}" in log["detail"]
    assert len(bench.rows()) == 3


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(Timeout("DART", "x", ""), "error"), (QuotaExhausted("DART", "x"), "quota")],
)
def test_a_day_that_mostly_fails_is_not_stored(
    bench: Any, error: PipelineError, outcome: str
) -> None:
    bench.done("dart_filing", DAY)
    bench.store(dart_filing.TABLE, receipt(1, PAID), receipt(2, BOTH))
    answers = dict.fromkeys([("piicDecsn", SAMSUNG), ("pifricDecsn", SAMSUNG)], error)
    assert bench.collect(answers)["outcome"] == outcome
    assert bench.rows() == []


# ---- the rules


@pytest.mark.parametrize(
    ("change", "kept", "warned"),
    [
        ({}, True, set()),
        ({"ratio": 0.0}, True, set()),
        ({"ratio": -0.1}, True, {"ratio_at_least_0"}),
        ({"halt_from": DAY, "halt_to": date(2026, 3, 1)}, True, {"halt_from_halt_to_ordered"}),
        ({"ticker": None}, False, set()),
        ({"action_id": "2026"}, False, set()),
        ({"action_id": "KRX-005930-2026-03-13"}, True, set()),
    ],
)
def test_a_row_is_kept_if(change: dict[str, Any], kept: bool, warned: set[str]) -> None:
    row = {
        "action_id": "20260213000001",
        "action_type": "MERGER",
        "ticker": "005930",
        "received_date": date(2026, 2, 13),
    }
    frame = pl.DataFrame([row | change], schema=TABLE.frame_schema)
    verdict = quality.apply(frame, RULES, keys=TABLE.keys)
    assert (verdict.kept.height == 1, set(verdict.warnings)) == (kept, warned)


def test_every_action_of_every_answer_is_a_known_word() -> None:
    kinds = {one.action_type for told in DECISIONS.values() for one in told}
    frame = pl.DataFrame({"action_type": sorted(kinds)})
    rule = next(rule for rule in RULES if rule.name == "action_type_known")
    assert frame.select(rule.holds.all()).item()
