"""`decimal_round` is Python's `round`."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stock_pipeline.compass.rounding import decimal_round


@pytest.mark.parametrize(
    ("value", "digits", "expected"),
    [
        (1.115, 2, 1.11),  # the double lies below the half: numba's own round says 1.12
        (2.675, 2, 2.67),  # the classic of the Python tutorial
        (0.125, 2, 0.12),  # exactly half: to the even digit
        (0.375, 2, 0.38),  # exactly half: to the even digit, upwards
        (-0.375, 2, -0.38),  # symmetric
        (0.25, 1, 0.2),
        (0.75, 1, 0.8),
        (2.5, 0, 2.0),
        (71.25, 1, 71.2),
        (1e300, 2, 1e300),  # 10**digits × value does not fit into a double
        (math.inf, 2, math.inf),
    ],
)
def test_known_cases(value: float, digits: int, expected: float) -> None:
    assert decimal_round(value, digits) == expected == round(value, digits)


def test_missing_stays_missing() -> None:
    assert math.isnan(decimal_round(math.nan, 2))


@pytest.mark.parametrize("value", [-0.0, -0.001])
def test_sign_of_zero_is_kept_as_python_keeps_it(value: float) -> None:
    assert math.copysign(1.0, decimal_round(value, 2)) == math.copysign(1.0, round(value, 2)) == -1


@given(st.floats(allow_nan=False), st.sampled_from([1, 2, 4]))
def test_equals_python_on_any_double(value: float, digits: int) -> None:
    assert decimal_round(value, digits) == round(value, digits)


@given(st.integers(-(10**12), 10**12), st.sampled_from([1, 2, 4]), st.sampled_from([-1, 0, 1]))
def test_equals_python_on_and_beside_every_half(half: int, digits: int, side: int) -> None:
    value = (2 * half + 1) / (2 * 10**digits)
    value = math.nextafter(value, side * math.inf) if side else value
    assert decimal_round(value, digits) == round(value, digits)


@given(st.integers(1, 10**16), st.integers(1, 10**13), st.sampled_from([1, 2, 4]))
def test_equals_python_on_quotients(part: int, whole: int, digits: int) -> None:
    assert decimal_round(part / whole, digits) == round(part / whole, digits)
