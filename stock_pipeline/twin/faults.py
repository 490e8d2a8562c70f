"""Faults on demand: what can go wrong at an upstream, by name.

One fault is written `TARGET:KIND[=VALUE][@FIRST][*TIMES]`:

    TARGET  an upstream (`krx`), a host, or an operation by its name in the request log
            (`MDCSTAT01501`, `corpCode`)
    KIND    one of `fault_kinds.KINDS`; `describe_kinds` there lists them
    VALUE   what the kind needs: a code, seconds, a place in the body, a column
    FIRST   number of the first request of the target it is played on; 1 when not given
    TIMES   on how many requests in a row; for ever when not given

`krx:logout*2` answers the first two statistics as if nobody were logged in, `dart:status=503@3*1`
fails the third request alone, `MDCSTAT01501:rename-column=TDD_CLSPRC:CLOSE` renames a column for
ever. Several are separated by semicolons. Kinds that change the answer or the way it comes add up;
of those that replace it the first one written counts.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from stock_pipeline.twin.fault_kinds import KINDS
from stock_pipeline.twin.wire import Request

GRAMMAR = re.compile(
    r"(?P<target>[^:=@*]+):(?P<kind>[a-z0-9-]+)"
    r"(?:=(?P<value>.*?))?(?:@(?P<first>[1-9]\d*))?(?:\*(?P<times>[1-9]\d*))?"
)


@dataclass(frozen=True)
class Fault:
    """One fault: which kind, on whose requests, from which one on, how often."""

    target: str
    kind: str
    value: str = ""
    first: int = 1
    times: int | None = None

    def __str__(self) -> str:
        value = f"={self.value}" if self.value else ""
        first = f"@{self.first}" if self.first > 1 else ""
        times = f"*{self.times}" if self.times is not None else ""
        return f"{self.target}:{self.kind}{value}{first}{times}"


def parse_faults(texts: Iterable[str]) -> list[Fault]:
    """Read faults as they are written on a command line.

    Raises  ValueError naming the text and what would be right
    """
    return [_parse(part.strip()) for text in texts for part in text.split(";") if part.strip()]


def _parse(text: str) -> Fault:
    found = GRAMMAR.fullmatch(text)
    if found is None:
        raise ValueError(f"fault {text!r} is not TARGET:KIND[=VALUE][@FIRST][*TIMES]")
    kind = KINDS.get(found["kind"])
    if kind is None:
        raise ValueError(f"fault {text!r}: no such kind; there are {', '.join(sorted(KINDS))}")
    value = found["value"] or ""
    if not re.fullmatch(kind.value, value):
        raise ValueError(f"fault {text!r}: {found['kind']} ({kind.meaning}) cannot take {value!r}")
    times = int(found["times"]) if found["times"] else None
    return Fault(found["target"], found["kind"], value, int(found["first"] or "1"), times)


class ArmedFaults:
    """Faults that wait for their requests; each counts the requests it applies to."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._lock = threading.Lock()
        self._counters = [_Counter(fault) for fault in faults]

    def arm(self, faults: Iterable[Fault]) -> None:
        """Add faults; they count from now on."""
        with self._lock:
            self._counters += [_Counter(fault) for fault in faults]

    def disarm(self, faults: Collection[Fault]) -> None:
        """Take faults away."""
        with self._lock:
            self._counters = [one for one in self._counters if one.fault not in faults]

    def take(self, names: Collection[str], request: Request) -> list[Fault]:
        """Count a request that goes by these names and return the faults to play on it."""
        with self._lock:
            concerned = [
                counter
                for counter in self._counters
                if counter.fault.target in names and KINDS[counter.fault.kind].applies(request)
            ]
            return [counter.fault for counter in concerned if counter.is_due()]


class _Counter:
    """One fault and how many requests it has seen; used under the lock of `ArmedFaults`."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self._seen = 0

    def is_due(self) -> bool:
        """Count one request and tell whether the fault is played on it."""
        self._seen += 1
        last = self._seen if self.fault.times is None else self.fault.first + self.fault.times - 1
        return self.fault.first <= self._seen <= last
