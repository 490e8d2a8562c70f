"""The line of an alert: every part, bounded, and nothing in it that could hurt or tell too much."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stock_pipeline.alerts.alert import (
    LONGEST,
    LONGEST_PART,
    Alert,
    line,
    one_line,
    raised,
    recovery_line,
    worse,
)

NOW = datetime(2026, 3, 13, 9, 0, tzinfo=UTC)
SINCE = datetime(2026, 3, 13, 7, 31, tzinfo=UTC)
Make = Callable[..., Alert]


def test_the_line_has_all_parts_in_their_order(alert: Make) -> None:
    assert line(alert(since=SINCE), "ab12", now=NOW) == (
        "[경고] krx_close · KRX · 응답 없음 · Timeout: KRX · 03-13 16:31부터"
        " · 다시 요청합니다 · ab12"
    )


def test_a_repeat_says_that_it_goes_on_and_a_recovery_how_long_it_lasted(alert: Make) -> None:
    critical = alert(since=SINCE, level="CRITICAL")
    repeat = line(critical, "ab12", now=NOW, is_repeat=True)
    assert repeat.startswith("[심각] ")
    assert "16:31부터 계속" in repeat
    over = recovery_line(critical, "ab12", now=NOW, note="다시 응답합니다")
    assert over.startswith("[복구] krx_close · KRX · 복구됨: 응답 없음 · 다시 응답합니다")
    assert over.endswith("03-13 16:31–03-13 18:00 · ab12")


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("see https://example.com/a?key=1 now", "see (주소) now"),  # no address leaves
        ("crtfc_key=abcdef0123", "crtfc_key=[redacted]"),  # nor what a telling name stands before
        ("one\r\ntwo\tthree", "one two three"),
        ("gnp.\u202eexe\u200b", "gnp. exe"),  # direction marks and what has no width
        ("\x00\x1b[31mred", "[31mred"),
        ("", ""),
    ],
)
def test_text_from_anywhere_is_shown_as_one_harmless_line(told: str, shown: str) -> None:
    assert one_line(told) == shown


@pytest.mark.parametrize(("length", "cut"), [(LONGEST_PART, False), (LONGEST_PART + 1, True)])
def test_a_long_part_is_cut(length: int, cut: bool) -> None:
    shown = one_line("가" * length)
    assert len(shown) == LONGEST_PART
    assert shown.endswith("…") is cut


@settings(deadline=None, max_examples=40)
@given(st.text(max_size=3000), st.text(max_size=3000))
def test_every_line_fits_and_keeps_the_incident_id(what: str, cause: str) -> None:
    told = Alert("CRITICAL", "job", "source", "kind", what, cause, "act" * 2000)
    text = line(told, "incident-1", now=NOW)
    assert len(text) <= LONGEST
    assert text.endswith(" · incident-1")
    assert "\n" not in text


def test_a_stored_alert_comes_back_as_it_was(alert: Make) -> None:
    told = alert(since=SINCE, parents=("KRX", "DART/AuthError"))
    assert Alert.restored(told.stored()) == told
    assert Alert.restored(replace(told, since=None).stored()).since is None


def test_the_more_severe_level_wins(alert: Make) -> None:
    assert worse("WARN", "CRITICAL") == worse("CRITICAL", "WARN") == "CRITICAL"
    assert worse("INFO", "WARN") == "WARN"
    assert raised(alert(level="WARN"), "CRITICAL").level == "CRITICAL"
    assert raised(alert(level="CRITICAL"), "INFO").level == "CRITICAL"
