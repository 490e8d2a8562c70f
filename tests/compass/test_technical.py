"""Technical axis: bands on both sides of each limit, and hand-worked series."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stock_pipeline.compass import reasons, technical
from stock_pipeline.compass.technical import Series

RISING = [float(n) for n in range(1, 201)]


def series(*values: float) -> Series:
    return np.array(values, dtype=np.float64)


# ---- points


@pytest.mark.parametrize(("alignment", "points"), [(1, 20), (0, 10), (-1, 0)])
def test_ma_alignment_points(alignment: float, points: int) -> None:
    assert technical.ma_alignment_points(alignment) == points


@pytest.mark.parametrize(
    ("adx", "is_up", "points"),
    [(25.01, True, 20), (25.01, False, 8), (25.0, True, 12), (20.01, False, 12), (20.0, True, 5)],
)
def test_adx_points(adx: float, is_up: bool, points: int) -> None:
    assert technical.adx_points(adx, is_up) == points


@pytest.mark.parametrize(
    ("rsi", "points"),
    [(29.99, 12), (30, 10), (39.99, 10), (40, 15), (60, 15), (60.01, 10), (70, 10), (70.01, 5)],
)
def test_rsi_points(rsi: float, points: int) -> None:
    assert technical.rsi_points(rsi) == points


@pytest.mark.parametrize(
    ("percent_k", "points"), [(19.99, 8), (20, 10), (80, 10), (80.01, 3), (0, 8), (100, 3)]
)
def test_stochastic_points(percent_k: float, points: int) -> None:
    assert technical.stochastic_points(percent_k) == points


@pytest.mark.parametrize(("state", "points"), [(1, 15), (0.5, 12), (-0.5, 5), (-1, 2)])
def test_macd_points(state: float, points: int) -> None:
    assert technical.macd_points(state) == points


@pytest.mark.parametrize(
    ("place", "points"),
    [(19.99, 5), (20, 7), (39.99, 7), (40, 10), (70, 10), (70.01, 7), (80, 7), (80.01, 4)],
)
def test_week52_points(place: float, points: int) -> None:
    assert technical.week52_points(place) == points


@pytest.mark.parametrize(("state", "points"), [(1, 10), (0, 5), (-1, 2)])
def test_obv_points(state: float, points: int) -> None:
    assert technical.obv_points(state) == points


# ---- values


@pytest.mark.parametrize(
    ("closes", "expected"),
    [
        (RISING, 1.0),  # 190.5 > 175.5 > 100.5
        (RISING[::-1], -1.0),  # 10.5 < 25.5 < 100.5
        ([100.0] * 200, 0.0),  # all three equal
        ([*RISING[:180], *([100.0] * 20)], 0.0),  # 100 < 139.3 > 91.5: mixed
    ],
)
def test_ma_alignment(closes: list[float], expected: float) -> None:
    assert technical.ma_alignment(series(*closes)) == expected


def bars(moves: list[float]) -> tuple[Series, Series, Series]:
    """Return highs, lows, closes of bars one wide, closing in the middle, that move as given."""
    lows = np.cumsum([100.0, *moves])
    return lows + 1.0, lows, lows + 0.5


@pytest.mark.parametrize(
    ("moves", "expected"),
    [
        ([1.0] * 28, (100.0, True)),  # only +DM: every DX is 100
        ([-1.0] * 28, (100.0, False)),
        ([0.0] * 28, (0.0, False)),  # TR is 1, but nothing moves: DI and DX are 0
        # 27 moves up: S(+DM) = 14, S(TR) = 21. One down: S(+DM) = 13, S(−DM) = 1, S(TR) = 21,
        # DX = 100 × 12 / 14 = 85.714, ADX = (13 × 100 + 85.714) / 14
        ([1.0] * 27 + [-1.0], (98.98, True)),
        ([-1.0] * 27 + [1.0], (98.98, False)),
    ],
)
def test_adx(moves: list[float], expected: tuple[float, bool]) -> None:
    assert technical.adx(*bars(moves)) == expected


def test_adx_of_a_flat_price_does_not_fail() -> None:
    flat = np.full(30, 100.0)
    assert technical.adx(flat, flat, flat) == (0.0, False)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([0.0] * 14, 50.0),  # nothing moved
        ([1.0] * 14, 100.0),  # no loss
        ([-1.0] * 14, 0.0),
        ([2.0, -1.0] * 7, 66.67),  # g/s = 2: 100 − 100 / 3
        ([1.0, -3.0] * 7, 25.0),  # g/s = 1/3: 100 − 75
        ([1000.0] + [2.0, -1.0] * 7, 66.67),  # the change before the last 14 is forgotten
    ],
)
def test_rsi(changes: list[float], expected: float) -> None:
    assert technical.rsi(np.cumsum([5000.0, *changes])) == expected


def test_stochastic_looks_at_the_last_fourteen_rows() -> None:
    highs, lows = np.full(17, 110.0), np.full(17, 90.0)
    highs[2], lows[2] = 500.0, 1.0  # the fifteenth row from the end
    closes = np.full(17, 105.0)
    assert technical.stochastic(highs, lows, closes) == 75.0
    highs[3] = 130.0  # the fourteenth
    assert technical.stochastic(highs, lows, closes) == 37.5


def test_stochastic_of_a_flat_price_is_50() -> None:
    assert technical.stochastic(*[np.full(17, 100.0)] * 3) == 50.0


@pytest.mark.parametrize(
    ("closes", "expected"),
    [
        ([100.0] * 34 + [110.0], 1.0),  # H: 0, then 0.8 × (EMA12 − EMA26) > 0
        ([100.0] * 34 + [90.0], -1.0),  # H: 0, then negative
        ([100.0] * 34 + [110.0, 120.0], 0.5),  # H stays positive
        ([100.0] * 34 + [90.0, 80.0], -0.5),  # H stays negative
        ([100.0] * 40, -0.5),  # H = 0 is not above 0
    ],
)
def test_macd(closes: list[float], expected: float) -> None:
    assert technical.macd(series(*closes)) == expected


def test_week52_position() -> None:
    assert technical.week52_position(series(100.0, 200.0, *[150.0] * 17, 155.0)) == 55.0


def test_week52_position_of_a_flat_price_is_50() -> None:
    assert technical.week52_position(np.full(20, 100.0)) == 50.0


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([1] * 9, 1.0),  # OBV 0 … 9: 9 > 7 > 6
        ([-1] * 9, -1.0),
        ([0] * 9, 0.0),
        ([1, 1, 1, 1, 1, 1, 1, -1, -1], 0.0),  # OBV … 3 4 5 6 7 6 5: 5 < 5.8, but 5.8 > 5.0
    ],
)
def test_obv(changes: list[int], expected: float) -> None:
    closes = np.cumsum([100.0, *changes])
    assert technical.obv(closes, np.ones(10)) == expected


def test_obv_counts_volume_not_rows() -> None:
    # Nine rises of volume 1, the last one a fall of 100: OBV … 4 5 6 7 8 −92
    closes = np.cumsum([100.0, *[1] * 8, -1])
    assert technical.obv(closes, series(*[1.0] * 9, 100.0)) == -1.0


# ---- the axis


def evaluate(rows: int) -> tuple[int, list[bool], list[int]]:
    """Return the axis' reason, which items have points, and the items' reasons."""
    items, why = np.full((7, 2), np.nan), np.zeros(7, dtype=np.uint8)
    closes = 100.0 + np.arange(rows) % 7
    window = (closes + 1.0, closes - 1.0, closes, np.ones(rows))
    reason = technical.technical_items(window, items, why)
    return reason, (~np.isnan(items[:, 1])).tolist(), why.tolist()


@pytest.mark.parametrize(
    ("rows", "missing"),
    [
        (20, {0, 1, 4}),
        (28, {0, 1, 4}),
        (29, {0, 4}),
        (34, {0, 4}),
        (35, {0}),
        (199, {0}),
        (200, set()),
        (252, set()),
    ],
)
def test_items_need_rows(rows: int, missing: set[int]) -> None:
    reason, available, why = evaluate(rows)
    assert reason == reasons.AVAILABLE
    assert {i for i, there in enumerate(available) if not there} == missing
    assert {i for i, code in enumerate(why) if code == reasons.SHORT_HISTORY} == missing


@pytest.mark.parametrize("rows", [1, 9, 10, 14, 15, 17, 19])
def test_below_forty_points_the_axis_is_missing(rows: int) -> None:
    # 19 rows: RSI 15, stochastic 10, OBV 10; the 20th brings the position in the window
    assert evaluate(rows) == (reasons.SHORT_HISTORY, [False] * 7, [0] * 7)


# ---- an independent, slow reading of the specification


def smoothed(values: list[float]) -> list[float]:
    result = [sum(values[:14])]
    for value in values[14:]:
        result.append(result[-1] - result[-1] / 14 + value)
    return result


def slow_adx(h: list[float], lo: list[float], c: list[float]) -> tuple[float, bool]:
    rows = range(1, len(c))
    up = [h[i] - h[i - 1] for i in rows]
    dn = [lo[i - 1] - lo[i] for i in rows]
    plus = smoothed([u if u > d and u > 0 else 0.0 for u, d in zip(up, dn, strict=True)])
    minus = smoothed([d if d > u and d > 0 else 0.0 for u, d in zip(up, dn, strict=True)])
    spread = smoothed(
        [max(h[i] - lo[i], abs(h[i] - c[i - 1]), abs(lo[i] - c[i - 1])) for i in rows]
    )
    di_plus = [100 * a / t if t else 0.0 for a, t in zip(plus, spread, strict=True)]
    di_minus = [100 * a / t if t else 0.0 for a, t in zip(minus, spread, strict=True)]
    dx = [
        100 * abs(a - b) / (a + b) if a + b else 0.0 for a, b in zip(di_plus, di_minus, strict=True)
    ]
    adx = sum(dx[:14]) / 14
    for value in dx[14:]:
        adx = (13 * adx + value) / 14
    return adx, di_plus[-1] > di_minus[-1]


def ema(values: list[float], period: int) -> list[float]:
    result = [sum(values[:period]) / period]
    for value in values[period:]:
        result.append(result[-1] + (value - result[-1]) * 2 / (period + 1))
    return result


def slow_histogram(c: list[float]) -> list[float]:
    line = [a - b for a, b in zip(ema(c, 12)[14:], ema(c, 26), strict=True)]
    return [a - b for a, b in zip(line[8:], ema(line, 9), strict=True)]


@st.composite
def candles(draw: st.DrawFn) -> tuple[list[float], list[float], list[float]]:
    closes = draw(st.lists(st.integers(1000, 50000), min_size=35, max_size=80))
    wicks = st.lists(st.integers(0, 900), min_size=len(closes), max_size=len(closes))
    highs = [float(c + w) for c, w in zip(closes, draw(wicks), strict=True)]
    lows = [float(c - w) for c, w in zip(closes, draw(wicks), strict=True)]
    return highs, lows, [float(c) for c in closes]


@given(candles())
def test_adx_equals_the_slow_reading(rows: tuple[list[float], list[float], list[float]]) -> None:
    value, is_up = technical.adx(*(np.array(column) for column in rows))
    expected, expected_up = slow_adx(*rows)
    assert value == pytest.approx(expected, abs=0.0051)
    assert is_up == expected_up


@given(candles())
def test_macd_equals_the_slow_reading(rows: tuple[list[float], list[float], list[float]]) -> None:
    before, now = slow_histogram(rows[2])[-2:]
    if min(abs(before), abs(now)) < 1e-6:
        return  # the sign is decided by the last bit, which may differ
    expected = 0.5 if now > 0 else -0.5
    assert technical.macd(np.array(rows[2])) == expected * (2 if before * now < 0 else 1)


@given(candles())
def test_percentages_stay_between_0_and_100(
    rows: tuple[list[float], list[float], list[float]],
) -> None:
    highs, lows, closes = (np.array(column) for column in rows)
    values = [
        technical.adx(highs, lows, closes)[0],
        technical.rsi(closes),
        technical.stochastic(highs, lows, closes),
        technical.week52_position(closes),
    ]
    assert all(0.0 <= value <= 100.0 and not math.isnan(value) for value in values)
