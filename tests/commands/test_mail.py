"""`mail`, `subscriber` and `watchlist` as an operator types them."""

from __future__ import annotations

import email
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from mail_post import Post, plain_of

from stock_pipeline.commands.mail import mail
from stock_pipeline.commands.subscriber import subscriber
from stock_pipeline.commands.watchlist import watchlist
from stock_pipeline.correspondence import Desk
from stock_pipeline.settings import Settings

Call = Callable[..., Result]
SATURDAY = ("--date", "2026-03-14")


@pytest.fixture
def call(desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Call:
    """Return a function that runs a command on the seeded market."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("DATABASE_URL", desk.db.url)

    def call(command: click.Command, *arguments: str) -> Result:
        return CliRunner().invoke(command, arguments, standalone_mode=False)

    return call


def rows(result: Result) -> list[dict[str, Any]]:
    """Return what a command printed as JSON."""
    return list(json.loads(result.stdout))


def test_a_dry_run_writes_the_mail_that_would_be_sent(call: Call, post: Post) -> None:
    result = call(mail, "market", "--dry-run", *SATURDAY, "--output", "letters", "--json")
    assert result.return_value == 0
    [row] = rows(result)
    assert row["recipient"] == "reader@example.com"
    assert row["subject"].startswith("3월 13일 시황 · 코스피 2,800.00")
    text = Path(row["file"]).read_text()
    assert Path(row["file"]) == Path("letters/market-2026-03-13-1.eml")
    assert email.message_from_string(text)["From"] == "sender@example.com"
    assert "코스피: 2,800.00" in plain_of(text)
    assert post.mails == []


def test_a_dry_run_is_the_same_every_time_and_notes_nothing(call: Call, desk: Desk) -> None:
    call(subscriber, "add", "kim@example.com")
    files = []
    for folder in ("a", "b"):
        call(mail, "market", "--dry-run", *SATURDAY, "--output", folder)
        files.append(Path(folder, "market-2026-03-13-1.eml").read_bytes())
    assert files[0] == files[1]
    assert desk.db.read("SELECT * FROM mail_log").is_empty()


def test_a_dry_run_of_a_watchlist_without_news_writes_nothing(call: Call) -> None:
    result = call(mail, "watchlist", "--dry-run", *SATURDAY, "--json")
    assert (result.return_value, rows(result)) == (0, [])


def test_a_mail_is_not_sent_on_another_day(call: Call, post: Post) -> None:
    result = call(mail, "market", *SATURDAY)
    assert isinstance(result.exception, click.UsageError)
    assert post.mails == []


def test_without_a_mail_server_the_setting_is_named(call: Call) -> None:
    result = call(mail, "market", "--json")
    assert "SMTP_HOST is not set" in str(result.exception)


def test_subscribers_are_added_listed_and_removed(call: Call) -> None:
    assert rows(call(subscriber, "add", "Kim@Example.com", "--json")) == [
        {"email": "kim@example.com", "kind": "market", "result": "added"}
    ]
    assert rows(call(subscriber, "add", "kim@example.com", "--json"))[0]["result"] == "known"
    assert [row["email"] for row in rows(call(subscriber, "list", "--json"))] == ["kim@example.com"]
    assert call(subscriber, "remove", "kim@example.com").return_value == 0
    assert call(subscriber, "remove", "kim@example.com").return_value == 1
    assert rows(call(subscriber, "list", "--json")) == []


def test_shares_are_watched_listed_and_forgotten(call: Call) -> None:
    added = rows(call(watchlist, "add", "kim@example.com", "0126z0", "--json"))
    assert added == [{"email": "kim@example.com", "ticker": "0126Z0", "result": "added"}]
    assert call(watchlist, "add", "kim@example.com", "999999").return_value == 1
    [row] = rows(call(watchlist, "list", "--json"))
    assert (row["ticker"], row["name"]) == ("0126Z0", "삼성에피스홀딩스")
    [subscribed] = rows(call(subscriber, "list", "--json"))
    assert subscribed["kind"] == "watchlist"
    assert call(watchlist, "remove", "kim@example.com", "0126Z0").return_value == 0
    assert rows(call(watchlist, "list", "--json")) == []


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        (subscriber, ("add", "kim")),  # no address
        (watchlist, ("add", "kim@example.com", "5930")),  # no share code
        (watchlist, ("add", "kim@example.com", "00593;")),
    ],
)
def test_what_is_no_address_or_share_code_is_a_mistake_in_the_command(
    call: Call, command: click.Command, arguments: tuple[str, ...]
) -> None:
    assert isinstance(call(command, *arguments).exception, click.BadParameter)
