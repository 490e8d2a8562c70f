"""Which letters are due on a morning, to whom, and what a sent one changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from mail_post import MORNING, Post, plain_of, read

from stock_pipeline.correspondence import Desk, reason_to_skip, send, written
from stock_pipeline.emails import mail_subscriber, watchlist
from stock_pipeline.emails.delivery import Delivered
from stock_pipeline.emails.mail_subscriber import Kind

# The score of the first one on the seeded market's last session is 71.2 (A).
SDI, SAMSUNG = "006400", "005930"
KIM = "kim@example.com"


def reason(desk: Desk, kind: Kind = "market") -> str | None:
    return reason_to_skip(desk, kind, desk.occasion(kind, desk.db.clock.now()))


def sent(desk: Desk, kind: Kind) -> Delivered:
    return send(desk, kind, desk.occasion(kind, desk.db.clock.now()))


def told(desk: Desk) -> list[tuple[object, ...]]:
    """Return what the watchlist knows to be told: share, score, grade."""
    return desk.db.read(
        "SELECT ticker, last_notified_score, last_notified_grade FROM watchlist ORDER BY ticker"
    ).rows()


def know(desk: Desk, ticker: str, score: float, grade: str) -> None:
    """Put a share on the list and say which score was told last."""
    watchlist.add(desk.db, KIM, ticker)
    desk.db.execute(
        "UPDATE watchlist SET last_notified_score = :score, last_notified_grade = :grade"
        " WHERE ticker = :ticker",
        {"ticker": ticker, "score": score, "grade": grade},
    )


def test_a_letter_is_due_on_the_day_after_a_session_and_on_no_other(
    desk: Desk, readers: list[str]
) -> None:
    found = {}
    for days in range(-1, 4):  # Friday 13 March to Tuesday 17 March
        desk.db.clock.instant = MORNING + timedelta(days=days)  # type: ignore[attr-defined]
        found[f"{days:+d}"] = reason(desk)
    assert found["-1"] is None  # of Thursday
    assert found["+0"] is None  # of Friday
    assert (
        found["+1"]
        == found["+2"]
        == ("no session since that of 2026-03-13, of which it told on the day after")
    )
    assert found["+3"] is None  # of Monday


def test_without_subscribers_or_a_mail_server_it_says_so(desk: Desk) -> None:
    assert reason(desk) == "nobody has subscribed"
    bare = replace(desk, settings=desk.settings.model_copy(update={"smtp_host": None}))
    assert str(reason(bare)).startswith("SMTP_HOST is not set")
    nameless = replace(desk, settings=desk.settings.model_copy(update={"smtp_from": None}))
    assert str(reason(nameless)).startswith("SMTP_FROM is not set")


def test_without_any_prices_there_is_no_letter(desk: Desk, readers: list[str]) -> None:
    desk.db.execute("TRUNCATE stock_price_daily")
    assert written(desk, "market", desk.occasion("market", MORNING)) == []


def test_a_session_that_is_not_stored_is_told_with_its_band(
    desk: Desk, readers: list[str], post: Post
) -> None:
    for table, day in (("stock_price_daily", "trade_date"), ("index_price_daily", "trade_date")):
        desk.db.execute(f"DELETE FROM {table} WHERE {day} = '2026-03-13'")
    assert sent(desk, "market").sent == 2
    assert "최신 자료가 아닙니다" in plain_of(post.mails[0])
    assert "2026-03-13 (금) 자료가 아직 없어 2026-03-12 (목) 자료를" in plain_of(post.mails[0])
    assert str(read(post.mails[0])["Subject"]).startswith("[지연 자료] 3월 12일 시황")
    # It was the letter of that session: another one follows only on another.
    assert sent(desk, "market") == Delivered()


def test_a_table_that_is_behind_puts_the_band_on_a_letter(
    desk: Desk, readers: list[str], post: Post
) -> None:
    desk.db.execute("DELETE FROM data_collection_log WHERE asset = 'index_price_daily'")
    sent(desk, "market")
    assert "index_price_daily: 제때 수집되지 않아" in plain_of(post.mails[0])


@pytest.mark.parametrize(
    ("minutes", "is_late"),
    [(20, False), (21, True)],  # after its hour
)
def test_f45_a_letter_is_late_when_its_hour_is_over(
    desk: Desk, minutes: int, is_late: bool
) -> None:
    at = MORNING + timedelta(minutes=minutes)
    assert desk.occasion("market", at).is_late == is_late


def test_the_occasion_is_the_session_before_the_day_in_seoul(desk: Desk) -> None:
    # 23:59 on Friday in Seoul, when that day's session is long over, and two minutes later
    assert desk.occasion("market", datetime(2026, 3, 13, 14, 59, tzinfo=UTC)).session == date(
        2026, 3, 12
    )
    assert desk.occasion("market", datetime(2026, 3, 13, 15, 1, tzinfo=UTC)).session == date(
        2026, 3, 13
    )


def test_a_demo_database_is_seen_whatever_the_settings_say(desk: Desk) -> None:
    assert not desk.occasion("market", MORNING).is_demo
    desk.db.execute("UPDATE database_identity SET mode = 'demo'")
    assert desk.occasion("market", MORNING).is_demo


def test_the_first_score_is_noted_and_tells_nobody(desk: Desk, post: Post) -> None:
    watchlist.add(desk.db, KIM, SDI)
    assert sent(desk, "watchlist") == Delivered()
    assert told(desk) == [(SDI, 71.2, "A")]
    assert post.mails == []


def test_a_score_that_moved_is_told_once_and_noted(desk: Desk, post: Post) -> None:
    know(desk, SDI, 66.2, "B+")
    assert sent(desk, "watchlist") == Delivered(sent=1)
    assert "삼성SDI (006400) 66.2 → 71.2 ▲ 5.0점 · 등급 B+ → A" in plain_of(post.mails[0])
    assert told(desk) == [(SDI, 71.2, "A")]
    assert sent(desk, "watchlist") == Delivered()


def test_a_score_that_did_not_move_is_no_letter_and_stays_where_it_was(
    desk: Desk, post: Post
) -> None:
    know(desk, SDI, 66.3, "A")
    assert sent(desk, "watchlist") == Delivered()
    assert told(desk) == [(SDI, 66.3, "A")]
    assert post.mails == []


def test_everything_of_one_person_is_in_one_letter(desk: Desk, post: Post) -> None:
    know(desk, SDI, 10.0, "F")
    know(desk, SAMSUNG, 10.0, "F")
    assert sent(desk, "watchlist") == Delivered(sent=1)
    assert "점수가 변한 관심종목 2개" in plain_of(post.mails[0])


@pytest.mark.parametrize("change", ["provisional = true", "score = NULL, grade = NULL"])
def test_a_provisional_or_missing_score_is_left_out(desk: Desk, change: str) -> None:
    know(desk, SDI, 10.0, "F")
    desk.db.execute(f"UPDATE compass_score SET {change} WHERE ticker = '{SDI}'")
    assert sent(desk, "watchlist") == Delivered()
    assert told(desk) == [(SDI, 10.0, "F")]


def test_who_has_switched_the_letter_off_gets_none(desk: Desk) -> None:
    know(desk, SDI, 10.0, "F")
    mail_subscriber.remove(desk.db, KIM, "watchlist")
    assert reason(desk, "watchlist") == "nobody has subscribed"
    assert sent(desk, "watchlist") == Delivered()


@pytest.mark.fault
def test_f57_what_could_not_be_told_is_not_noted_as_told(desk: Desk, post: Post) -> None:
    know(desk, SDI, 10.0, "F")
    post.answers = {"DATA": "451 try again later"}
    assert sent(desk, "watchlist").failed == 1
    assert told(desk) == [(SDI, 10.0, "F")]
    post.answers = {}
    assert sent(desk, "watchlist") == Delivered(sent=1)
    assert told(desk) == [(SDI, 71.2, "A")]
