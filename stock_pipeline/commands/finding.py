"""What `doctor` found of one matter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# `unknown` is what could not be looked at, or never happened yet.
State = Literal["ok", "warn", "fail", "unknown"]


@dataclass(frozen=True)
class Finding:
    """One line of the diagnosis: what was looked at, how it is, and what is to be done."""

    matter: str
    state: State
    text: str
