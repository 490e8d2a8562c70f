"""The compiled kernels give exactly what the plain functions give."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from stock_pipeline.compass import compiled
from stock_pipeline.compass.arrays import (
    Bars,
    Companies,
    Factors,
    Requests,
    Results,
    empty_results,
)
from stock_pipeline.compass.compiled import Kernels, plain

WINDOWS = 1000
AS_OF = 20_000


def identical(one: npt.NDArray[np.generic], other: npt.NDArray[np.generic]) -> bool:
    """Tell whether two arrays hold the same bits, whatever the bits of NaN."""
    return np.array_equal(one, other, equal_nan=one.dtype.kind == "f") and np.array_equal(
        np.signbit(np.nan_to_num(one)), np.signbit(np.nan_to_num(other))
    )


def closes_of_kind(kind: int, rows: int, random: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return one of the series that hurt: ordinary, flat, penny, huge, jumping, trending."""
    walk = np.cumsum(random.normal(0.0, 0.03, rows))
    return [
        np.round(10_000.0 * np.exp(walk)) + 1.0,
        np.full(rows, 1_000.0),
        random.integers(1, 3, rows).astype(np.float64),
        np.round(1e15 * np.exp(walk)),
        np.where(random.random(rows) < 0.1, 1.0, 1e9),
        1_000.0 + np.arange(rows) * random.integers(0, 2),
    ][kind]


def random_windows(random: np.random.Generator) -> tuple[Bars, Factors, Requests]:
    """Return one ticker per window, of 0 to 300 rows, most of them with factors."""
    counts = random.integers(0, 300, WINDOWS)
    counts[:20] = np.arange(20)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    closes = [closes_of_kind(i % 6, n, random) for i, n in enumerate(counts)]
    close = np.concatenate(closes)
    wick = np.round(close * random.random(len(close)) * 0.1)
    volume = np.where(random.random(len(close)) < 0.3, 0.0, random.integers(0, 2**40, len(close)))
    volume[random.integers(0, 2, WINDOWS).repeat(counts) == 0] = 0.0
    days = np.concatenate([np.arange(AS_OF - n, AS_OF) + 1 for n in counts]).astype(np.int32)
    ex_counts = random.integers(0, 4, WINDOWS)
    ex_days = [np.sort(AS_OF + 20 - random.integers(0, 300, n)) for n in ex_counts]
    factors = Factors(
        np.concatenate([[0], np.cumsum(ex_counts)]).astype(np.int64),
        np.concatenate(ex_days).astype(np.int32),
        random.choice([0.02, 0.1, 1 / 3, 0.97, 5.0, 50.0], ex_counts.sum()),
        random.choice([0.02, 0.1, 1 / 3, 0.97, 5.0, 50.0], ex_counts.sum()),
    )
    requests = Requests(
        np.arange(WINDOWS),
        np.full(WINDOWS, AS_OF, dtype=np.int32),
        (AS_OF - random.integers(-1, 300, WINDOWS)).astype(np.int32),
        (AS_OF - random.integers(0, 5000, WINDOWS)).astype(np.int32),
        4.5,
    )
    return Bars(offsets, days, close + wick, close - wick, close, volume), factors, requests


def random_companies(random: np.random.Generator) -> Companies:
    """Return companies with losses, zeros and missing figures."""

    def amounts(*shape: int) -> npt.NDArray[np.float64]:
        values = np.round(random.normal(1e11, 2e11, shape))
        values[random.random(shape) < 0.1] = np.nan
        values[random.random(shape) < 0.1] = 0.0
        return values

    flags = [(random.random(WINDOWS) < 0.9).astype(np.uint8) for _ in range(3)]
    multiples = np.round(amounts(WINDOWS, 4) / 1e10, 2)
    return Companies(*flags, np.abs(amounts(WINDOWS)), amounts(WINDOWS, 5), multiples)


def run(kernels: Kernels, seed: int) -> tuple[Results, npt.NDArray[np.float64]]:
    """Return what the kernels make of the windows and companies of a seed."""
    random = np.random.default_rng(seed)
    windows, companies = random_windows(random), random_companies(random)
    results, multiples = empty_results(WINDOWS), np.empty(WINDOWS)
    kernels.score_prices(*windows, results)
    kernels.score_companies(companies, results)
    equity = np.ascontiguousarray(companies.statements[:, 4])
    kernels.divide(companies.market_caps, equity, multiples)
    return results, multiples


def test_compiled_equals_plain_exactly_on_1000_random_windows(kernels: Kernels) -> None:
    fast, slow = run(kernels, seed=20180504), run(plain(), seed=20180504)
    assert identical(fast[1], slow[1])
    for name, one, other in zip(Results._fields, fast[0], slow[0], strict=True):
        assert identical(one, other), name


def test_the_random_windows_reach_every_item_and_many_reasons() -> None:
    results, _ = run(plain(), seed=20180504)
    assert (~np.isnan(results.items[:, :, 1])).any(axis=0).all()
    assert len(np.unique(results.reasons)) >= 9
    assert results.halted.any()


@pytest.mark.parametrize(
    ("rows", "parts", "lengths"),
    [(1000, 2, [500, 500]), (999, 2, [500, 499]), (101, 4, [100, 1]), (99, 2, [99]), (0, 2, [0])],
)
def test_threads_share_all_rows(rows: int, parts: int, lengths: list[int]) -> None:
    cuts = compiled._cuts(rows, parts)
    assert [len(range(rows)[cut]) for cut in cuts] == lengths


def test_compiled_code_is_kept_in_the_given_folder(kernels: Kernels, kernels_dir: Path) -> None:
    run(kernels, seed=1)
    assert any(kernels_dir.glob("numba/*/**/loops.score_prices-*.nbi"))


def test_another_numba_compiles_anew() -> None:
    assert compiled._fingerprint("0.61.0") != compiled._fingerprint("0.62.0")


def test_importing_the_score_does_not_import_numba() -> None:
    code = (
        "import sys, stock_pipeline.compass.score, stock_pipeline.compass.texts;"
        "sys.exit('numba' in sys.modules or 'pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
