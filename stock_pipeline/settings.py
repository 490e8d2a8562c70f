"""Every environment variable of this program, read when asked, secrets wrapped against printing.

`Settings.load()` reads the environment and, for what is not set there, the file `.env` of the
working directory. Nothing else in the package looks at the environment.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from stock_pipeline.errors import SettingInvalid
from stock_pipeline.redaction import secrets_in

Mode = Literal["demo", "live"]
PriceSource = Literal["krx", "krx_openapi", "fsc"]

DAGSTER_SCHEMA = "dagster"


def _names(value: object) -> object:
    """Split a comma list; blanks around a name and capitals do not count."""
    if not isinstance(value, str):
        return value
    return tuple(name.strip().lower() for name in value.split(","))


def _each_once(names: tuple[PriceSource, ...]) -> tuple[PriceSource, ...]:
    if len(set(names)) < len(names):
        raise ValueError("a source stands in the list twice")
    return names


PriceOrder = Annotated[
    tuple[PriceSource, ...], NoDecode, BeforeValidator(_names), AfterValidator(_each_once)
]


HostNames = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)]
# Settings whose addresses are secrets themselves.
_WEBHOOKS = {"alert_webhook_url", "slack_webhook_url", "notify_urls"}
WEBHOOK_HOSTS = ("discord.com", "discordapp.com", "hooks.slack.com")


class Settings(BaseSettings):
    """What an operator can set; `.env.example` lists the same names with their meaning."""

    model_config = SettingsConfigDict(
        env_file=".env", extra="ignore", env_ignore_empty=True, frozen=True
    )

    database_url: SecretStr | None = Field(
        default=None, description="PostgreSQL >= 14; empty starts the embedded server"
    )
    stock_pipeline_home: Path = Field(
        default=Path(".state"), description="where everything this program keeps lives"
    )
    stock_pipeline_mode: Mode = Field(
        default="live", description="live, or demo for invented data; set by the command"
    )

    max_concurrent_runs: int = Field(
        default=1, ge=1, le=100, description="runs at a time; more need more memory or machines"
    )
    celery_broker_url: SecretStr | None = Field(
        default=None, description="Redis through which several machines share the runs"
    )

    krx_id: SecretStr | None = Field(default=None, description="account at data.krx.co.kr")
    krx_pw: SecretStr | None = Field(
        default=None, description="its password; KRX asks for a new one every 3 months"
    )
    krx_openapi_key: SecretStr | None = Field(
        default=None, description="key of openapi.krx.co.kr, valid for one year"
    )
    dart_api_key: SecretStr | None = Field(
        default=None, description="key of opendart.fss.or.kr, 40 characters"
    )
    dart_daily_limit: int = Field(default=10_000, ge=1, description="DART requests a day")
    fsc_api_key: SecretStr | None = Field(default=None, description="decoding key of data.go.kr")
    fss_api_key: SecretStr | None = Field(default=None, description="key of finlife.fss.or.kr")
    fred_api_key: SecretStr | None = Field(
        default=None, description="key of fred.stlouisfed.org, 32 characters"
    )
    coingecko_api_key: SecretStr | None = Field(
        default=None, description="demo key of coingecko.com; it answers without one too"
    )
    price_sources: PriceOrder = Field(
        default=("krx", "krx_openapi", "fsc"),
        description="sources of daily prices, best first, of krx, krx_openapi and fsc",
    )

    fdr_timeout: float = Field(
        default=30.0, gt=0, description="seconds for one FinanceDataReader call"
    )
    fdr_max_retries: int = Field(
        default=3, ge=0, description="further tries after a failed FinanceDataReader call"
    )
    fdr_base_delay: float = Field(
        default=1.0, ge=0, description="seconds before the first of them; doubled each time"
    )
    pace_factor: float = Field(
        default=1.0, ge=0, description="multiplies the seconds between requests; 0 only in a demo"
    )
    risk_free_rate_pct: float = Field(
        default=4.5, description="annual risk-free rate in percent for the Sharpe item"
    )
    treasury_range_days: int = Field(
        default=1, ge=1, le=20, description="sessions whose TLT range the stress index averages"
    )

    alert_webhook_url: SecretStr | None = Field(
        default=None, description="Discord webhook for alerts; its address is the secret"
    )
    slack_webhook_url: SecretStr | None = Field(
        default=None, description="Slack webhook for alerts; its address is the secret"
    )
    notify_urls: SecretStr | None = Field(
        default=None, description="further services for alerts in apprise's notation, by blanks"
    )
    webhook_allowed_hosts: HostNames = Field(
        default=WEBHOOK_HOSTS,
        description="hosts a webhook may have; one with a port may be local and plain http",
    )
    smtp_host: str | None = Field(default=None, description="mail server; empty: no e-mail")
    smtp_port: int = Field(default=587, ge=1, le=65535, description="its port")
    smtp_user: str | None = Field(default=None, description="account at the mail server")
    smtp_password: SecretStr | None = Field(default=None, description="its password")
    smtp_from: str | None = Field(default=None, description="sender of every mail")
    alert_email_to: str | None = Field(
        default=None, description="who gets alerts by e-mail, separated by commas"
    )
    api_token: SecretStr | None = Field(
        default=None,
        description="token for state changes over HTTP; empty: made at the first start",
    )

    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(str.upper)
    ] = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR")
    log_format: Literal["text", "json"] = Field(
        default="text", description="text for people, json for machines"
    )

    @classmethod
    def load(cls) -> Settings:
        """Read the environment and `.env` now.

        Raises  SettingInvalid naming the first variable that cannot be used, never its value
        """
        from pydantic import ValidationError

        try:
            return cls()
        except ValidationError as error:
            first = error.errors(include_input=False, include_context=False)[0]
            raise SettingInvalid(str(first["loc"][0]).upper(), first["msg"]) from None

    @property
    def home(self) -> Path:
        """Return the folder of this mode; demo and live never share one."""
        return self.stock_pipeline_home.expanduser().resolve() / self.stock_pipeline_mode

    @property
    def row_source(self) -> str | None:
        """Return what `source` says of every row: DEMO for invented data; None: the upstream."""
        return "DEMO" if self.stock_pipeline_mode == "demo" else None

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return every secret that is set, and those inside addresses, for the scrubber."""
        values = ((name, getattr(self, name)) for name in type(self).model_fields)
        found = [(n, v.get_secret_value()) for n, v in values if isinstance(v, SecretStr)]
        parts = [p for n, v in found for p in secrets_in(v, is_webhook=n in _WEBHOOKS)]
        return tuple(dict.fromkeys([*(value for _, value in found), *parts]))


def engine_url(database_url: str) -> str:
    """Return the URL for our own engine: psycopg 3, which has COPY."""
    return _with_driver(database_url, "psycopg")


def dagster_url(database_url: str) -> str:
    """Return the URL for Dagster's storage: psycopg 2, spelt out, in its own schema.

    A bare URL means psycopg 3 under SQLAlchemy 2.1, on which dagster-postgres fails at its first
    event.
    """
    url = _with_driver(database_url, "psycopg2")
    option = "options=" + quote(f"-csearch_path={DAGSTER_SCHEMA}")
    return f"{url}{'&' if '?' in url else '?'}{option}"


def _with_driver(database_url: str, driver: str) -> str:
    try:
        parts = urlsplit(database_url)
        is_whole = not parts.fragment and parts.port != 0
    except ValueError:
        is_whole = False
    if not is_whole:
        # Whoever went on with it would say what is wrong by repeating a piece of the password.
        why = "it is no address; in a password write # / ? [ ] @ : as %23 %2F %3F %5B %5D %40 %3A"
        raise SettingInvalid("DATABASE_URL", why)
    if parts.scheme.split("+")[0] not in {"postgresql", "postgres"}:
        raise SettingInvalid("DATABASE_URL", "it must begin with postgresql://")
    url = urlunsplit((f"postgresql+{driver}", parts.netloc, parts.path, parts.query, ""))
    return url if "://" in url else url.replace(":", "://", 1)
