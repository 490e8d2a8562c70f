"""The index by hand: a whole day, each level's edge, what is missing, what came too late."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from stock_pipeline.stress.index import RESULT_SCHEMA, stress
from stock_pipeline.stress.observations import Inputs

AS_OF = date(2026, 3, 13)
KEYWORDS = ("liquidity crisis", "margin call", "credit default")
KEYWORDS += ("repo market", "private credit", "CRE default")
PRICES = [("^VIX", "2026-03-12", 23.5), ("TLT", "2026-03-12", 80.0, 81.0, 79.0)]
SPREAD = ("BAMLH0A0HYM2", "2026-03-11", 4.25)
RATES = [
    ("SOFR", "2026-03-11", 4.375),
    ("DFEDTARL", "2026-03-11", 4.0),
    ("DFEDTARU", "2026-03-11", 4.25),
]
NEWS = {"2026-03-13": dict(zip(KEYWORDS, (20, 10, 0, 4, 4, 2), strict=True))}
TONE = {"2026-03-13": (0.1, 0.05, 0.05)}
WHOLE: dict[str, Any] = {
    "macro": [SPREAD, *RATES],
    "prices": PRICES,
    "news": NEWS,
    "tone": TONE,
}

Build = Callable[..., Inputs]


def row(inputs: Inputs, as_of: date = AS_OF) -> dict[str, Any]:
    """Return the index of one date."""
    return stress(inputs, [as_of]).row(0, named=True)


def test_a_whole_day_by_hand(observed: Build) -> None:
    found = row(observed(**WHOLE))
    told = json.loads(found.pop("inputs"))
    # 25 × 0.5 + 25 × 0.5 + 20 × 0.5 + 15 × 2/4.5 + 10 × 0.5 + 5 × 0.4 = 48.667 of 100
    assert found == {
        "date": AS_OF,
        "vol_score": 0.5,  # (23.5 − 12) / 23
        "credit_score": 0.5,  # (4.25 − 2.5) / 3.5
        "funding_score": 0.5,  # (4.375 − 4.125) / 0.5
        "treasury_score": 0.444,  # ((81 − 79) / 80 × 100 − 0.5) / 4.5
        "news_score": 0.5,  # 40 / 80
        "fed_tone_score": 0.4,  # 0.2 / 0.5
        "total_score": 0.487,
        "level": "caution",
        "coverage": 1.0,
    }
    assert told == {
        "vol": {"value": 23.5, "date": "2026-03-12", "series": ["^VIX"]},
        "credit": {"value": 4.25, "date": "2026-03-11", "series": ["BAMLH0A0HYM2"]},
        "funding": {
            "value": 0.25,
            "date": "2026-03-11",
            "series": ["SOFR", "DFEDTARL", "DFEDTARU"],
        },
        "treasury": {"value": 2.5, "date": "2026-03-12", "series": ["TLT"]},
        "news": {"value": 40.0, "date": "2026-03-13", "series": list(KEYWORDS)},
        "fed_tone": {
            "value": 0.2,
            "date": "2026-03-13",
            "series": ["liquidity_score", "credit_score", "stability_score"],
        },
    }


@pytest.mark.parametrize(
    ("spread", "vix", "total", "level"),
    [
        (2.5, 12.0, 0.0, "normal"),  # both ends of everything
        (2.5, 23.4724, 0.249, "normal"),  # (0 + 0.4988) / 2 = 0.2494
        (2.5, 23.4816, 0.250, "watch"),  # 0.2496: the rounded total decides
        (4.25, 18.8724, 0.399, "watch"),  # (0.5 + 0.2988) / 2 = 0.3994
        (4.25, 18.8816, 0.400, "caution"),  # 0.3996
        (6.0, 14.2724, 0.549, "caution"),  # (1 + 0.0988) / 2 = 0.5494
        (6.0, 14.2816, 0.550, "stress"),  # 0.5496
        (6.0, 23.4724, 0.749, "stress"),  # (1 + 0.4988) / 2 = 0.7494
        (6.0, 23.4816, 0.750, "crisis"),  # 0.7496
        (6.0, 35.0, 1.0, "crisis"),
    ],
)
def test_level_rounding_the_stored_total_and_its_level_agree(
    observed: Build, spread: float, vix: float, total: float, level: str
) -> None:
    macro, prices = [("BAMLH0A0HYM2", "2026-03-11", spread)], [("^VIX", "2026-03-12", vix)]
    found = row(observed(macro=macro, prices=prices))
    assert (found["total_score"], found["level"], found["coverage"]) == (total, level, 0.5)


def test_f37_without_fred_the_other_modules_count_alone(observed: Build) -> None:
    found = row(observed(**{**WHOLE, "macro": []}))
    # (25 × 0.5 + 15 × 0.4444 + 10 × 0.5 + 5 × 0.4) / 55 = 26.167 / 55; as calm it would be 0.262
    assert (found["total_score"], found["coverage"]) == (0.476, 0.55)
    assert (found["credit_score"], found["funding_score"]) == (None, None)
    assert found["level"] == "caution"
    told = json.loads(found["inputs"])
    assert (told["credit"], told["funding"]) == (None, None)


def test_nothing_available_is_unknown_never_calm(observed: Build) -> None:
    found = row(observed())
    assert (found["level"], found["total_score"], found["coverage"]) == ("unknown", None, 0.0)
    assert set(json.loads(found["inputs"]).values()) == {None}


def test_below_half_of_the_weight_the_total_is_told_but_no_level(observed: Build) -> None:
    found = row(observed(prices=PRICES, tone=TONE))  # 25 + 15 + 5
    # (25 × 0.5 + 15 × 0.4444 + 5 × 0.4) / 45 = 21.167 / 45
    assert (found["total_score"], found["level"], found["coverage"]) == (0.47, "unknown", 0.45)


def test_stale_input_is_missing(observed: Build) -> None:
    a_week_later = row(observed(**WHOLE), date(2026, 3, 18))
    assert a_week_later["vol_score"] is None  # six days old
    assert a_week_later["credit_score"] == 0.5  # seven days old
    assert a_week_later["coverage"] == 0.45


@pytest.mark.parametrize(
    ("as_of", "session", "spread"),
    [
        ("2026-07-14", "2026-07-13", "2026-07-10"),  # a summer Tuesday: Monday's close, at 05:00
        ("2026-01-14", "2026-01-13", "2026-01-12"),  # a winter Wednesday: the close at 06:00 sharp
        ("2026-07-13", "2026-07-10", "2026-07-09"),  # a Monday: Friday's session
    ],
)
def test_as_of_lookback_a_dawn_run_uses_the_last_session_of_new_york(
    observed: Build, as_of: str, session: str, spread: str
) -> None:
    # 22:00 in Seoul after the next session: the evening before for `spread`, today for the session.
    evening = {spread: f"{session}T13:00:00+00:00", session: f"{as_of}T13:00:00+00:00"}
    inputs = observed(
        macro=[
            ("BAMLH0A0HYM2", spread, 4.25, evening[spread]),
            ("BAMLH0A0HYM2", session, 6.0, evening[session]),
        ],
        prices=[("^VIX", as_of, 80.0), ("^VIX", session, 23.5), ("^VIX", "2026-01-02", 12.0)],
    )
    found = row(inputs, date.fromisoformat(as_of))
    told = json.loads(found["inputs"])
    assert (told["vol"]["date"], told["credit"]["date"]) == (session, spread)
    assert (found["vol_score"], found["credit_score"]) == (0.5, 0.5)


def test_a_revision_changes_the_days_after_it_only(observed: Build) -> None:
    revised = ("BAMLH0A0HYM2", "2026-03-11", 6.0, "2026-03-13T21:00:00+00:00")  # 06:00 on the 14th
    before = stress(observed(**WHOLE), [AS_OF, date(2026, 3, 14)])
    after = stress(observed(**{**WHOLE, "macro": [*WHOLE["macro"], revised]}), before["date"])
    assert after.row(0) == before.row(0)
    assert after["credit_score"].to_list() == [0.5, 1.0]


def test_every_day_has_a_row_of_the_same_shape(observed: Build) -> None:
    assert stress(observed(), [AS_OF]).schema == RESULT_SCHEMA
    assert stress(observed(), []).schema == RESULT_SCHEMA
