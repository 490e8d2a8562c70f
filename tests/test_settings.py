"""Settings: what `.env.example` promises, what is hidden, which URL each driver gets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stock_pipeline.errors import SettingInvalid
from stock_pipeline.settings import Settings, dagster_url, engine_url

EXAMPLE = Path(__file__).parents[1] / ".env.example"


def example() -> dict[str, str]:
    """Return the variables of the example file and their values."""
    return dict(re.findall(r"^([A-Z_]+)=(.*)$", EXAMPLE.read_text(), flags=re.MULTILINE))


def test_the_example_lists_every_setting_and_no_other() -> None:
    assert set(example()) == {name.upper() for name in Settings.model_fields}


def test_the_example_shows_the_defaults(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in example():
        monkeypatch.delenv(name, raising=False)
    bare = Settings.load()
    (tmp_path / ".env").write_text(EXAMPLE.read_text())
    assert Settings.load() == bare


def test_a_value_that_cannot_be_used_is_named_but_not_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PACE_FACTOR", "hunter2")
    with pytest.raises(SettingInvalid, match="PACE_FACTOR") as error:
        Settings.load()
    assert "hunter2" not in str(error.value)


def test_f59_a_secret_is_hidden_when_settings_are_printed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DART_API_KEY", "canary-value")
    settings = Settings.load()
    assert "canary-value" not in repr(settings) + str(settings) + settings.model_dump_json()
    assert "canary-value" in settings.secrets


@pytest.mark.parametrize(
    ("name", "value", "secrets"),
    [
        ("DATABASE_URL", "postgresql://me:pw%40word@h/db", ["pw@word", "pw%40word"]),
        ("DATABASE_URL", "postgresql://h/db?user=me&password=pw%26word", ["pw&word"]),
        ("DATABASE_URL", "postgresql://postgres:@/postgres?host=/tmp", []),  # the embedded server
        ("DATABASE_URL", "postgresql://stock:stock@h/db", []),  # no more secret than the account
        ("DATABASE_URL", "postgresql://[h/db", []),  # no address
        ("CELERY_BROKER_URL", "redis://:broker-word@h:6379/0", ["broker-word"]),
        (
            "ALERT_WEBHOOK_URL",
            "https://discord.com/api/webhooks/112233/aB-dEfGhIjKlMnOp/slack",
            ["aB-dEfGhIjKlMnOp"],  # the number and the word say nothing
        ),
        (
            "SLACK_WEBHOOK_URL",
            "https://hooks.slack.com/services/T01/B02/aBcDeFgHiJkLmNoP",
            ["aBcDeFgHiJkLmNoP"],
        ),
        (
            "NOTIFY_URLS",
            "tgram://1234:abcdefghijklmnopq/56 mailto://me:mail-word@a-very-long-host.example",
            [
                "tgram://1234:abcdefghijklmnopq/56",
                "mailto://me:mail-word@a-very-long-host.example",
                "abcdefghijklmnopq",
                "mail-word",
            ],
        ),
    ],
)
def test_f59_the_secrets_inside_an_address_are_secrets_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str, secrets: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for other in example():
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(name, value)
    assert sorted(Settings.load().secrets) == sorted([value, *secrets])


@pytest.mark.parametrize(
    ("given", "ours", "dagsters"),
    [
        (
            "postgresql://u:p@h:5432/db",
            "postgresql+psycopg://u:p@h:5432/db",
            "postgresql+psycopg2://u:p@h:5432/db?options=-csearch_path%3Ddagster",
        ),
        (  # the embedded server: no host in the address, a folder in the query
            "postgresql://postgres:@/postgres?host=/tmp/pg",
            "postgresql+psycopg://postgres:@/postgres?host=/tmp/pg",
            "postgresql+psycopg2://postgres:@/postgres?host=/tmp/pg"
            "&options=-csearch_path%3Ddagster",
        ),
    ],
)
def test_each_driver_gets_its_own_url(given: str, ours: str, dagsters: str) -> None:
    assert (engine_url(given), dagster_url(given)) == (ours, dagsters)


def test_another_database_is_refused() -> None:
    with pytest.raises(SettingInvalid, match="DATABASE_URL"):
        engine_url("mysql://u:p@h/db")


@pytest.mark.parametrize("character", ["#", "/", "?", "[", "]"])
def test_f59_a_password_that_breaks_the_address_is_named_and_not_repeated(character: str) -> None:
    with pytest.raises(SettingInvalid, match="DATABASE_URL") as error:
        engine_url(f"postgresql://u:can{character}ary@h/db")
    assert not {"can", "ary"} & set(re.findall("[a-z]+", str(error.value)))
    assert error.value.__context__ is None


@pytest.mark.parametrize("mode", ["demo", "live"])
def test_each_mode_has_its_own_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mode: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STOCK_PIPELINE_MODE", mode)
    settings = Settings.load()
    assert settings.home == tmp_path / ".state" / mode
    assert settings.row_source == ("DEMO" if mode == "demo" else None)


@pytest.mark.parametrize(
    ("written", "order"),
    [
        ("", ("krx", "krx_openapi", "fsc")),  # not set: the default
        ("fsc", ("fsc",)),
        ("fsc,krx", ("fsc", "krx")),
        (" KRX , krx_openapi ", ("krx", "krx_openapi")),  # blanks and capitals do not count
    ],
)
def test_the_price_sources_are_a_list_in_order(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, written: str, order: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PRICE_SOURCES", written)
    assert Settings.load().price_sources == order


@pytest.mark.parametrize(
    "written",
    [
        "krx,naver",  # no official source
        "krx,krx",  # twice
        "krx,",  # a name is missing
        ",",
        '["krx"]',  # JSON is not how lists are written here
    ],
)
def test_price_sources_that_cannot_be_used_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, written: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PRICE_SOURCES", written)
    with pytest.raises(SettingInvalid, match="PRICE_SOURCES"):
        Settings.load()
