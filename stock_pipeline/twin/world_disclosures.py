"""Everything that is filed in the world: periodic reports, decisions, holdings, audits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from stock_pipeline.twin import world_names as names
from stock_pipeline.twin.world_companies import Company
from stock_pipeline.twin.world_events import Event
from stock_pipeline.twin.world_filings import Filings, Report, days_of, period_end

_UNLISTED = 4_000
_DAILY = 45
_REPORT_NAMES = (
    ("분기보고서", "A003"),
    ("반기보고서", "A002"),
    ("분기보고서", "A003"),
    ("사업보고서", "A001"),
)
# What an event is announced with, of which type, and how many days ahead.
_ANNOUNCED = {
    "rights_issue": ("주요사항보고서(유상증자결정)", "B001", 32),
    "bonus_issue": ("주요사항보고서(무상증자결정)", "B001", 25),
    "capital_reduction": ("주요사항보고서(감자결정)", "B001", 60),
    "reverse_split": ("주식병합결정              ", "I001", 60),
    "split": ("주식분할결정              ", "I001", 60),
    "halt": ("주권매매거래정지              ", "I001", 1),
    "rename": ("상호변경안내              ", "I001", 14),
    "merger": ("주요사항보고서(회사합병결정)", "B001", 70),
    "spinoff": ("주요사항보고서(회사분할결정)", "B001", 70),
}
# The decisions of every so many companies are corrected, so long after they were received.
_CORRECTED_EVERY = 3
_CORRECTED_AFTER = timedelta(days=11)
_OTHERS = (
    ("임원ㆍ주요주주특정증권등소유상황보고서", "D002"),
    ("주식등의대량보유상황보고서(일반)", "D001"),
    ("기타경영사항(자율공시)              ", "I002"),
    ("단일판매ㆍ공급계약체결              ", "I001"),
)


@dataclass(frozen=True, slots=True)
class Unlisted:
    """A company that files without being listed."""

    corp_code: str
    name: str
    english: str
    modified: date


@dataclass(frozen=True, slots=True)
class Decision:
    """What a company decided. version 0 is the original.

    first      day on which the original was received
    corrected  day on which the correction was, or will be; None without one
    """

    event: Event
    version: int
    first: date
    corrected: date | None


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One receipt. kind is the filing system's detailed type, its first letter the type."""

    rcept_no: str
    received: date
    filer: Company | Unlisted
    name: str
    kind: str
    report: Report | None = None
    decision: Decision | None = None

    @property
    def is_correction(self) -> bool:
        """Tell whether this receipt replaces an earlier one."""
        version = self.report or self.decision
        return version is not None and version.version > 0


class Disclosures:
    """The receipts of every day."""

    def __init__(
        self, seed: int, companies: list[Company], filings: Filings, events: list[Event]
    ) -> None:
        self._seed = seed
        self._companies = companies
        self._place = {company.corp_code: company.index for company in companies}
        self._filings = filings
        self.unlisted = _unlisted(seed, {company.corp_code for company in companies})
        self._announced = sorted(
            _announcements(companies, events), key=lambda disclosure: disclosure.received
        )

    def between(self, first: date, last: date, corp_code: str = "") -> list[Disclosure]:
        """Return the receipts from one day to another, of all or of one filer, newest first."""
        company = self._place.get(corp_code)
        unlisted = bool(corp_code) and company is None
        reports = () if unlisted else self._filings.between(first, last, company)
        found = [self._periodic(report) for report in reports]
        found += [
            one
            for one in self._announced
            if first <= one.received <= last and corp_code in ("", one.filer.corp_code)
        ]
        for day in days_of(first, last):
            found += self._others(day, corp_code)
        return sorted(found, key=lambda disclosure: disclosure.rcept_no, reverse=True)

    def corrected_by(self, disclosure: Disclosure, today: date) -> bool:
        """Tell whether a later version of a report or decision was received by a day."""
        report, decision = disclosure.report, disclosure.decision
        if decision is not None and decision.version == 0 and decision.corrected is not None:
            return decision.corrected <= today
        if report is None:
            return False
        newest = self._filings.newest(report.company, report.year, report.quarter, today)
        return newest is not None and newest.version > report.version

    def decisions(self, corp_code: str, kind: str, today: date) -> list[Disclosure]:
        """Return what a company decided on a kind of event, each in its newest version by a day."""
        return [
            one
            for one in self._announced
            if one.decision is not None
            and one.decision.event.kind == kind
            and one.filer.corp_code == corp_code
            and one.received <= today
            and not self.corrected_by(one, today)
        ]

    def _periodic(self, report: Report) -> Disclosure:
        company = self._companies[report.company]
        name, kind = _REPORT_NAMES[report.quarter]
        end = period_end(company, report.year, report.quarter)
        text = f"{'[기재정정]' if report.version else ''}{name} ({end:%Y.%m})"
        return Disclosure(report.rcept_no, report.received, company, text, kind, report)

    def _others(self, day: date, corp_code: str) -> Iterator[Disclosure]:
        """Draw a working day's holdings, contracts and audits of unlisted companies."""
        if day.weekday() > 4:
            return
        rng = np.random.default_rng([self._seed, 8, day.toordinal()])
        who = rng.integers(0, len(self._companies), _DAILY).tolist()
        what = rng.integers(0, len(_OTHERS) + 1, _DAILY).tolist()
        for number, (place, topic) in enumerate(zip(who, what, strict=True)):
            audit = topic == len(_OTHERS)
            filer = self.unlisted[place % len(self.unlisted)] if audit else self._companies[place]
            if corp_code not in ("", filer.corp_code):
                continue
            if not audit and not self._filings.is_public(place, day):
                continue
            name, kind = (f"감사보고서 ({day.year - 1}.12)", "F001") if audit else _OTHERS[topic]
            start = 800_000 if kind.startswith("I") else 40_000
            yield Disclosure(f"{day:%Y%m%d}{start + number:06d}", day, filer, name, kind)


def _announcements(companies: list[Company], events: list[Event]) -> Iterator[Disclosure]:
    for event in events:
        # Preferred shares have columns of their own; their companies announce nothing here.
        if event.kind in _ANNOUNCED and event.column < len(companies):
            name, kind, ahead = _ANNOUNCED[event.kind]
            filer, day = companies[event.column], _weekday_until(event.day - timedelta(days=ahead))
            if kind.startswith("B"):
                yield from _decided(event, filer, (name, kind), day)
            else:
                number = f"{day:%Y%m%d}{830_000 + event.column:06d}"
                yield Disclosure(number, day, filer, name, kind)


def _decided(
    event: Event, filer: Company, title: tuple[str, str], day: date
) -> Iterator[Disclosure]:
    """Announce a decision, and its correction where there is one."""
    name, kind = title
    corrected = None
    if event.column % _CORRECTED_EVERY == 0:
        corrected = _weekday_until(day + _CORRECTED_AFTER)
    versions = [(0, day, name), (1, corrected, f"[기재정정]{name}")]
    for version, received, text in versions:
        if received is not None:
            number = f"{received:%Y%m%d}{30_000 + version * 5_000 + event.column:06d}"
            decision = Decision(event, version, day, corrected)
            yield Disclosure(number, received, filer, text, kind, decision=decision)


def _weekday_until(day: date) -> date:
    """Return a day, or the Friday before a weekend."""
    return day - timedelta(days=max(day.weekday() - 4, 0))


def _unlisted(seed: int, used: set[str]) -> list[Unlisted]:
    rng = np.random.default_rng([seed, 9])
    taken: set[str] = set()
    found: list[Unlisted] = []
    for number in rng.choice(np.arange(170_000, 1_900_000), _UNLISTED, replace=False).tolist():
        industry = names.INDUSTRIES[rng.integers(len(names.INDUSTRIES))]
        name, english = names.company_name(rng, industry, taken)
        modified = date(2017, 6, 30) + timedelta(days=int(rng.integers(0, 900)))
        if f"{number:08d}" not in used:
            found.append(Unlisted(f"{number:08d}", name, english, modified))
    return found
