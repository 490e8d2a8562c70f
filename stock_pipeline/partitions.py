"""The five ways time is cut, each with the running window included.

`end_offset=1` gives today's key from midnight on, because a 16:30 run needs it; nothing may take
the last key for the latest closed session. A day that is no session has a key too and succeeds at
once with 0 rows, so that a correction of the calendar never re-keys history.
"""

from __future__ import annotations

from datetime import date, datetime

import dagster as dg

TIMEZONE = "Asia/Seoul"

DAY = dg.DailyPartitionsDefinition(start_date="2000-01-01", timezone=TIMEZONE, end_offset=1)
UTC_DAY = dg.DailyPartitionsDefinition(start_date="2000-01-01", timezone="UTC", end_offset=1)
WEEK = dg.WeeklyPartitionsDefinition(
    start_date="2000-01-01", timezone=TIMEZONE, day_offset=6, end_offset=1
)
MONTH = dg.MonthlyPartitionsDefinition(start_date="2000-01-01", timezone=TIMEZONE, end_offset=1)
QUARTER = dg.TimeWindowPartitionsDefinition(
    cron_schedule="0 0 1 1,4,7,10 *",
    start="2000-01-01",
    fmt="%Y-%m-%d",
    timezone=TIMEZONE,
    end_offset=1,
)

DEFINITIONS: dict[str, dg.TimeWindowPartitionsDefinition] = {
    "day": DAY,
    "utc_day": UTC_DAY,
    "week": WEEK,
    "month": MONTH,
    "quarter": QUARTER,
}


def current_key(kind: str, now: datetime) -> date:
    """Return the date of the window that contains an instant."""
    # The last of all keys would be the same, but to list those of 26 years takes 0.1 s.
    return date.fromisoformat(DEFINITIONS[kind].get_partition_key_for_timestamp(now.timestamp()))


def keys_between(kind: str, first: date, last: date) -> list[str]:
    """Return the keys of the windows that touch the days from `first` to `last`, oldest first."""
    definition = DEFINITIONS[kind]
    return [
        key
        for key in definition.get_partition_keys()
        if key <= last.isoformat()
        and definition.time_window_for_partition_key(key).end.date() > first
    ]
