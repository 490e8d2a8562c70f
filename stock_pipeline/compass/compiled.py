"""The kernels compiled by numba, on first use, and kept between processes.

The functions of the axis files stay plain. Here each gets a compiled twin whose globals name the
other twins, and Python's `round` in the form that numba can compile exactly.

Numba's own cache does not notice a change in a function of another file, so the compiled code lives
in a folder named after all files of this package and numba's version: a change of any of them
compiles everything anew.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, NamedTuple, TypeVar

import numpy as np

from stock_pipeline.compass import (
    financial,
    loops,
    risk,
    rounding,
    technical,
    total,
    valuation,
    window,
)
from stock_pipeline.compass.arrays import Bars, Companies, Factors, Floats, Requests, Results

# In the order in which they use each other.
KERNEL_FILES = (window, financial, valuation, technical, risk, total, loops)

# Fewer are done before another thread has started: a row takes 4 µs, a thread 100.
MIN_ROWS_PER_THREAD = 100


@dataclass(frozen=True)
class Kernels:
    """The three loops that a score needs, plain or compiled."""

    score_prices: Callable[[Bars, Factors, Requests, Results], None]
    divide: Callable[[Floats, Floats, Floats], None]
    score_companies: Callable[[Companies, Results], None]


def plain() -> Kernels:
    """Return the loops as they are written: slow, and the measure of the compiled ones."""
    return Kernels(loops.score_prices, loops.divide, loops.score_companies)


@cache
def compiled(state: Path | None = None) -> Kernels:
    """Return the compiled loops; `state` is the folder that keeps them, None keeps nothing.

    The first use on a machine takes 12 seconds, later processes load the code in less than one.
    """
    twins = _compile_all(state)
    score_prices = twins[loops.score_prices]

    def on_threads(bars: Bars, factors: Factors, requests: Requests, results: Results) -> None:
        cuts = _cuts(len(requests.tickers), os.cpu_count() or 1)
        with ThreadPoolExecutor(len(cuts)) as threads:
            parts = [
                threads.submit(
                    score_prices, bars, factors, _part(requests, cut), _part(results, cut)
                )
                for cut in cuts
            ]
        for part in parts:
            part.result()

    return Kernels(on_threads, twins[loops.divide], twins[loops.score_companies])


_Bundle = TypeVar("_Bundle", bound=NamedTuple)


def _cuts(rows: int, parts: int) -> list[slice]:
    """Return at most `parts` slices of nearly equal length that cover all rows."""
    size = max(MIN_ROWS_PER_THREAD, -(-rows // parts))
    return [slice(start, start + size) for start in range(0, max(rows, 1), size)]


def _part(bundle: _Bundle, cut: slice) -> _Bundle:
    """Return the same rows of every array of a bundle, as views."""
    arrays = {k: v[cut] for k, v in bundle._asdict().items() if isinstance(v, np.ndarray)}
    return bundle._replace(**arrays)


def _compile_all(state: Path | None) -> dict[Callable[..., Any], Any]:
    """Return the twin of each kernel function; numba compiles it when it is first called."""
    import numba  # here, because importing it takes half a second

    config: Any = numba.config  # its names are set at run time and unknown to type checkers
    kept_dir = config.CACHE_DIR
    if state is not None:
        config.CACHE_DIR = str(state / "numba" / _fingerprint(numba.__version__))
    try:
        # IEEE division as in numpy: every division by zero is excluded by the functions themselves.
        compile_one = numba.njit(cache=state is not None, nogil=True, error_model="numpy")
        return _twins(compile_one)
    finally:
        config.CACHE_DIR = kept_dir


def _twins(compile_one: Callable[..., Any]) -> dict[Callable[..., Any], Any]:
    twins: dict[Callable[..., Any], Any] = {}
    exact_round = compile_one(rounding.decimal_round)
    for module in KERNEL_FILES:
        names = dict(vars(module))
        names.update({name: twins[thing] for name, thing in names.items() if _is_key(thing, twins)})
        names["round"] = exact_round
        for name, function in _own_functions(module):
            # `names` is the globals of every twin of this file, so they call each other's twins.
            names[name] = twins[function] = compile_one(FunctionType(function.__code__, names))
    return twins


def _is_key(thing: Any, twins: dict[Callable[..., Any], Any]) -> bool:
    return isinstance(thing, FunctionType) and thing in twins


def _own_functions(module: ModuleType) -> list[tuple[str, FunctionType]]:
    """Return the functions that the module defines itself."""
    return [
        (name, thing)
        for name, thing in vars(module).items()
        if isinstance(thing, FunctionType) and thing.__module__ == module.__name__
    ]


def _fingerprint(numba_version: str) -> str:
    """Return a name that changes with any file of this package and with numba."""
    digest = hashlib.sha256(numba_version.encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
