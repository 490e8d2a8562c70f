"""Write `docs/faults.md`: every fault this program is built against, with the tests that play it.

A test belongs to a fault when the fault's number stands in its name (`test_f12_…`). A fault without
a test needs a reason here. With `--check` nothing is written; the status is 1 when the page is out
of date, when a fault has neither test nor reason, or when it has both.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PATH = ROOT / "docs" / "faults.md"
_NUMBERED = re.compile(r"test_f(\d\d)_")

# Number → what happens. The order is that of the page.
FAULTS = {
    "Transport": {
        1: "no connection or no answer in time",
        2: "an answer that drips byte by byte",
        3: "connection reset, refused, name unknown",
        4: "429 that says how long to wait",
        5: "429 that does not",
        6: "a burst of server errors",
        7: "a page of HTML where data was expected",
        8: "a body that ends too early",
        9: "wrong content type or encoding",
        10: "oversized body, gzip bomb, deep or huge JSON",
        11: "a redirect to another host",
    },
    "Data": {
        12: "no rows on a session",
        13: "no rows on a holiday",
        14: "rows twice, equal or contradicting",
        15: "rows or columns in another order",
        16: "a column renamed, missing or new",
        17: "NaN, infinity, text or nothing where a price belongs",
        18: "high below low, open or close outside",
        19: "a whole answer in another unit",
        20: "a split that nobody announced",
        21: "a date in the future or of another partition",
        22: "a ticker given to another company",
        23: "a delisted ticker",
        24: "wrong page count, the same page for ever",
        25: "an older answer after a newer one",
    },
    "Codes of the sources": {
        26: "DART refuses the key",
        27: "DART has nothing",
        28: "DART's allowance is used up",
        29: "DART calls the request wrong",
        30: "DART is closed or failing",
        31: "the list of companies is no usable zip",
        32: "zip bomb, path traversal, XML entities",
        33: "an error of data.go.kr inside HTTP 200",
        34: "an error of finlife",
        35: "429 or 401 of CoinGecko and Yahoo",
        36: "KRX has logged the account out",
        37: "a key that is not set",
    },
    "Time": {
        38: "hosts in other time zones, midnight in Seoul, runs across it",
        39: "a clock that jumps, changes between summer and winter time",
    },
    "Processes": {
        40: "a process killed in the middle of writing",
        41: "the worker of a run killed",
        42: "everything killed, the machine started again",
        43: "a process that goes on after its run was closed",
        44: "daemon or code server dead",
        45: "ticks that were missed",
        46: "a long backfill that is interrupted",
        47: "out of memory",
        48: "two first starts at once, an old schema",
        71: "a worker that lives and hangs",
    },
    "Database": {
        49: "the server stops, starts again, cuts a connection",
        50: "no free connection",
        51: "no space on the disk",
        52: "the embedded server: stale files, killed, started twice",
        53: "two runs of one partition",
        54: "deadlock, lock timeout",
        55: "a database that is damaged or lost",
    },
    "Alerts": {
        56: "a webhook that is down, slow, limiting or gone",
        57: "a mail server that is down or refuses a recipient",
        58: "a storm of alerts, flapping, a crash between sending and recording",
    },
    "Security": {
        59: "secrets in errors, logs, events and messages",
        60: "a hostile news feed",
        61: "a hostile webhook address",
        62: "a state change by a stranger",
        63: "a request forged by another web page",
        64: "DNS rebinding",
        65: "SQL injection, path traversal",
        66: "formulas in exported files",
        67: "line feeds in mail headers",
        68: "text that pretends to be an instruction",
        69: "a swapped dependency",
        70: "floods, huge bodies, absurd ranges",
    },
}
# Faults that nothing can suffer from yet, or that cannot be played on a test machine.
WITHOUT_A_TEST: dict[int, str] = {}


def render(tests: dict[int, list[str]]) -> str:
    """Return the page."""
    parts = [
        "# Faults\n\nWritten by `make catalog` from the names of the tests; do not edit by hand."
        " A test that plays fault 12 is called `test_f12_…`; it turns red when the defence is taken"
        " out.\n"
    ]
    for chapter, faults in FAULTS.items():
        lines = [f"## {chapter}\n", "| fault | what happens | tests |", "|---|---|---|"]
        for number, meaning in faults.items():
            told = "<br>".join(tests.get(number, [])) or f"none: {WITHOUT_A_TEST.get(number, '')}"
            lines.append(f"| F{number:02} | {meaning} | {told} |")
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def tests_by_fault() -> dict[int, list[str]]:
    """Return the tests of each fault, as `file::name`."""
    found: dict[int, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for name in _names(path):
            for number in _NUMBERED.findall(name):
                place = path.relative_to(ROOT / "tests").as_posix()
                found.setdefault(int(number), []).append(f"`{place}::{name}`")
    return found


def _names(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_f"):
            yield node.name


def faults_amiss(tests: dict[int, list[str]]) -> list[str]:
    """Return what keeps the page from being true."""
    numbers = {number for faults in FAULTS.values() for number in faults}
    problems = [f"F{n:02} has neither a test nor a reason" for n in numbers - set(tests)]
    problems = [p for p in problems if int(p[1:3]) not in WITHOUT_A_TEST]
    problems += [
        f"F{n:02} has a test and a reason for none" for n in set(tests) & {*WITHOUT_A_TEST}
    ]
    return sorted(problems + [f"F{n:02} is not in the list" for n in set(tests) - numbers])


def main(arguments: list[str]) -> int:
    """Write or check the page; return the exit status."""
    tests = tests_by_fault()
    problems = faults_amiss(tests)
    page = render(tests)
    if "--check" not in arguments:
        PATH.write_text(page, encoding="utf-8")
    elif not PATH.is_file() or PATH.read_text(encoding="utf-8") != page:
        problems.append(f"{PATH.relative_to(ROOT)} is out of date: run `make catalog`")
    sys.stderr.writelines(f"{problem}\n" for problem in problems)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
