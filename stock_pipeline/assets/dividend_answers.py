"""Asking for dividends: company by company at DART, in pages at the FSC, and what if one fails.

DART has no list of dividends, so a sweep takes one request per company and may not fit into the
allowance of a day. Whatever came stays in the raw archive: the next sweep goes on after it and asks
again only where a report was filed after the answer, or may have been.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from stock_pipeline.clock import KST, today_kst
from stock_pipeline.errors import (
    AuthError,
    BadRequest,
    Blocked,
    Maintenance,
    QuotaExhausted,
    RateLimited,
    SchemaDrift,
    SettingMissing,
    UpstreamError,
)
from stock_pipeline.sources.dart import Dart
from stock_pipeline.sources.fsc import Fsc
from stock_pipeline.sources.transport import NotArchived
from stock_pipeline.storage.collection_log import done_partitions
from stock_pipeline.storage.database import Database

Rows = list[dict[str, Any]]

# A mistake of this program, or answers of another shape: whatever else came, nothing is written.
NOTHING_WRITTEN = (BadRequest, SchemaDrift)
# After one of these the next company would fare no better.
ENDS_SWEEP = (AuthError, Blocked, Maintenance, QuotaExhausted, RateLimited, SettingMissing)
# Nobody's failure: without a key, or in a replay, what was answered before is all there is.
EXCUSED = (SettingMissing, NotArchived)
# So many failed companies are no accident; giving up costs nothing, the next sweep goes on.
MOST_FAILED = 10

# First quarter, half year, third quarter, year → how the title of the report begins.
TITLES = {"11013": "분기", "11012": "반기", "11014": "분기", "11011": "사업"}
# A business year begins in the report's calendar year, so its period ends up to so much later.
LATEST_END = timedelta(days=340)
SATURDAY = 5

_FAILED = re.compile(r"^company (\d{8}): ")
_LEFT = re.compile(r"^\d+ of \d+ companies from (\d{8}) on: ")

_FILED = r"""
SELECT corp_code, max(received_date) AS received FROM dart_filing
WHERE filing_type = 'A' AND report_name LIKE '%' || :title || '보고서%'
    AND substring(report_name FROM '\((\d{4}\.\d{2})\)') BETWEEN :first AND :last
GROUP BY corp_code
"""


@dataclass(frozen=True)
class Answers:
    """What an upstream was asked and told.

    answered  questions that got an answer, "no data" included
    failed    parts that did not come, for the operator, in the words of their errors
    error     what ended the asking, or the last failure
    """

    rows: Rows
    answered: int = 0
    failed: tuple[str, ...] = ()
    error: UpstreamError | SettingMissing | None = None


@dataclass(frozen=True)
class Earlier:
    """What DART has answered before about a report, by company.

    rows       answers that hold
    overtaken  companies that filed the report after their answer
    doubted    companies that may have filed it after a "no data": the filings of some day since
               then are not collected
    """

    rows: Mapping[str, Rows]
    overtaken: frozenset[str] = frozenset()
    doubted: frozenset[str] = frozenset()

    def left(self, codes: Sequence[str]) -> list[str]:
        """Return the companies to ask about, those with most to tell first.

        A replay ends at the first one that was never asked: those with an answer stand before it.
        """
        open_ones = [code for code in codes if code not in self.rows]
        return sorted(
            open_ones, key=lambda code: (code in self.doubted, code not in self.overtaken)
        )


def ask_dart(dart: Dart, codes: Sequence[str], report: tuple[int, str]) -> Answers:
    """Ask for the dividends of a report, company by company, as far as it goes.

    report  business year and report code
    Raises  BadRequest, SchemaDrift
    """
    rows: Rows = []
    failed: list[str] = []
    last: UpstreamError | SettingMissing | None = None
    for place, code in enumerate(codes):
        try:
            rows += dart.dividends(code, *report).data
        except NOTHING_WRITTEN:
            raise
        except NotArchived as error:
            # A replay: what was never answered is not asked for, and nothing has failed.
            return Answers(rows, place - len(failed), tuple(failed), error)
        except (UpstreamError, SettingMissing) as error:
            last = error
            failed.append(f"company {code}: {_words(error)}")
            if isinstance(error, ENDS_SWEEP) or len(failed) > MOST_FAILED:
                left = f"{len(codes) - place} of {len(codes)} companies from {code} on"
                failed[-1] = f"{left}: {_words(error)}"
                return Answers(rows, place + 1 - len(failed), tuple(failed), last)
    return Answers(rows, len(codes) - len(failed), tuple(failed), last)


def ask_fsc(fsc: Fsc) -> Answers:
    """Ask for every dividend of the FSC's register; all pages or none.

    Raises  BadRequest, SchemaDrift
    """
    try:
        return Answers(fsc.dividends().data, 1)
    except NOTHING_WRITTEN:
        raise
    except NotArchived as error:
        return Answers([], error=error)
    except (UpstreamError, SettingMissing) as error:
        return Answers([], failed=(f"the FSC's register: {_words(error)}",), error=error)


def _words(error: UpstreamError | SettingMissing) -> str:
    """Return class and text of an error: which key was refused is in the text only."""
    return f"{type(error).__name__}: {error}"


def has_failed(code: str, failed: Sequence[str]) -> bool:
    """Tell whether a company is among the failed parts of a sweep in the order of the codes."""
    found = [(_FAILED.match(part), _LEFT.match(part)) for part in failed]
    return any((one and one[1] == code) or (left and left[1] <= code) for one, left in found)


def require_answer(told: Sequence[Answers], *, is_known: bool) -> None:
    """Raise when nothing came, unless earlier answers are to be stored and nobody has failed.

    is_known  there are earlier answers: their run may have died before it stored them
    """
    errors = [answers.error for answers in told if answers.error is not None]
    if not errors or any(answers.answered for answers in told):
        return
    failures = [error for error in errors if not isinstance(error, EXCUSED)]
    if failures or not is_known:
        raise (failures or errors)[0]


def known_answers(dart: Dart, db: Database, quarter: date, report: tuple[int, str]) -> Earlier:
    """Return what DART has answered about a report, and which of it holds."""
    filed = _filed(db, quarter, report[1])
    rows: dict[str, Rows] = {}
    empty: dict[str, date] = {}
    overtaken = set()
    for code, answer in dart.dividends_answered(*report).items():
        asked, received = answer.fetched_at.astimezone(KST).date(), filed.get(code, date.min)
        # On the day of the receipt "no data" may be the answer of the hours before it.
        if asked < received or (asked == received and not answer.data):
            overtaken.add(code)
        elif answer.data:
            rows[code] = answer.data
        else:
            empty[code] = asked
    unseen = _last_uncollected(db, min(empty.values(), default=date.max))
    doubted = {code for code, asked in empty.items() if asked <= unseen}
    rows |= {code: [] for code in empty.keys() - doubted}
    return Earlier(rows, frozenset(overtaken), frozenset(doubted))


def _last_uncollected(db: Database, since: date) -> date:
    """Return the last weekday before today whose filings are not stored, else the earliest date.

    since  nothing before it counts
    """
    days = (since + timedelta(days=n) for n in range((today_kst(db.clock) - since).days))
    weekdays = {day.isoformat() for day in days if day.weekday() < SATURDAY}
    missing = weekdays - done_partitions(db, "dart_filing", sorted(weekdays))
    return date.fromisoformat(max(missing, default=date.min.isoformat()))


def _filed(db: Database, quarter: date, report_code: str) -> Mapping[str, date]:
    """Return when each company filed the newest version of the report that closes a quarter."""
    end = (quarter + timedelta(days=62)).replace(day=1)
    last = end + LATEST_END
    params = {"title": TITLES[report_code], "first": f"{end:%Y.%m}", "last": f"{last:%Y.%m}"}
    return dict(db.read(_FILED, params).iter_rows())
