"""Reason codes as they are stored."""

from __future__ import annotations

import numpy as np

from stock_pipeline.compass import reasons


def test_the_codes_are_those_of_the_specification() -> None:
    assert set(reasons.CODES) - {""} == {
        *("no_statement", "no_revenue", "no_benchmark", "preferred_share", "no_prices"),
        *("short_history", "halted", "adjustment_break", "foreign_currency"),
        *("industry_not_point_in_time", "stale_prices"),
    }


def test_each_number_names_its_word() -> None:
    for code, word in enumerate(reasons.CODES[1:], start=1):
        assert getattr(reasons, word.upper()) == code


def test_rows_become_json_and_a_row_without_reasons_null() -> None:
    numbers = np.zeros((4, len(reasons.SUBJECTS)), dtype=np.uint8)
    numbers[1, reasons.SUBJECTS.index("technical")] = reasons.HALTED
    numbers[1, reasons.SUBJECTS.index("net_margin")] = reasons.NO_REVENUE
    numbers[3, reasons.INDUSTRY] = reasons.INDUSTRY_NOT_POINT_IN_TIME
    assert reasons.as_json(numbers).to_list() == [
        None,
        '{"technical": "halted", "net_margin": "no_revenue"}',
        None,
        '{"industry": "industry_not_point_in_time"}',
    ]


def test_no_rows_become_no_texts() -> None:
    assert reasons.as_json(np.zeros((0, len(reasons.SUBJECTS)), dtype=np.uint8)).to_list() == []
