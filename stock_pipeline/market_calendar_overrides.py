"""Dated facts that neither exchange_calendars nor holidays knows, each with its source.

A line leaves when the library has caught up; the regression tests say when it may.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time

# Weekdays or Saturdays on which the exchange was closed although both libraries call them sessions.
CLOSED: Mapping[str, Mapping[date, str]] = {
    "XKRX": {
        # The yearly index files of FinanceDataReader's cache (KS11, KQ11, KS200) have no close.
        date(1995, 12, 28): "index series KS11 and KS200 without a close",
        date(1996, 11, 23): "index series KS11, KQ11 and KS200 without a close",
        date(1996, 12, 28): "index series KS11, KQ11 and KS200 without a close",
    },
    "XNYS": {},
}

# College-entrance-exam days (수능): the whole session moves by one hour. exchange_calendars has
# them to 2020. News of the exchange's notice: donga.com 2021-11-04, newdaily.co.kr 2022-11-03,
# khan.co.kr 2024-10-31, edaily.co.kr 2025-11-12; 2023 and 2026 by the date of the exam and the same
# standing rule.
EXAM_HOURS = (time(10, 0), time(16, 30))
HOURS: Mapping[str, Mapping[date, tuple[time, time]]] = {
    "XKRX": {
        date(2021, 11, 18): EXAM_HOURS,
        date(2022, 11, 17): EXAM_HOURS,
        date(2023, 11, 16): EXAM_HOURS,
        date(2024, 11, 14): EXAM_HOURS,
        date(2025, 11, 13): EXAM_HOURS,
        date(2026, 11, 19): EXAM_HOURS,
    },
    "XNYS": {},
}
