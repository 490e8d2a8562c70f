"""The upstreams as plain objects, put together from settings, budget, archive and clock.

A key that is not set is no error here: the source says so when it is asked for something.
"""

from __future__ import annotations

import dagster as dg
from pydantic import SecretStr

from stock_pipeline.price_sources import PriceSources
from stock_pipeline.redaction import Scrubber
from stock_pipeline.sources.alternative_me import AlternativeMe
from stock_pipeline.sources.coingecko import CoinGecko
from stock_pipeline.sources.dart import Dart
from stock_pipeline.sources.defillama import DefiLlama
from stock_pipeline.sources.fdr import Fdr
from stock_pipeline.sources.fed import Fed
from stock_pipeline.sources.fred import Fred
from stock_pipeline.sources.fsc import Fsc
from stock_pipeline.sources.fss import Fss
from stock_pipeline.sources.google_news import GoogleNews
from stock_pipeline.sources.krx import Krx
from stock_pipeline.sources.krx_login import Account
from stock_pipeline.sources.krx_openapi import KrxOpenApi
from stock_pipeline.sources.transport import Transport
from stock_pipeline.sources.yahoo import Yahoo
from stock_pipeline.storage.budget import PostgresBudget


@dg.resource(
    required_resource_keys={"settings", "db", "archive", "clock"},
    description="the one HTTP client of the run, shared by its sources",
)
def transport(context: dg.InitResourceContext) -> Transport:
    """Open the client; its budget is shared with all other processes through the database."""
    resources = context.resources
    return Transport(
        PostgresBudget(resources.db),
        resources.archive,
        resources.clock,
        Scrubber(resources.settings.secrets),
        pace_factor=resources.settings.pace_factor,
    )


@dg.resource(required_resource_keys={"settings", "transport"}, description="data.krx.co.kr")
def krx(context: dg.InitResourceContext) -> Krx:
    """Return KRX; it logs in at its first request."""
    settings = context.resources.settings
    account = None
    if settings.krx_id and settings.krx_pw:
        account = Account(settings.krx_id.get_secret_value(), settings.krx_pw.get_secret_value())
    return Krx(context.resources.transport, account)


@dg.resource(required_resource_keys={"settings", "transport"}, description="FinanceDataReader")
def fdr(context: dg.InitResourceContext) -> Fdr:
    """Return FinanceDataReader in its child process."""
    settings = context.resources.settings
    return Fdr(
        context.resources.transport,
        settings.fdr_timeout,
        settings.fdr_max_retries,
        settings.fdr_base_delay,
    )


@dg.resource(required_resource_keys={"settings", "transport"}, description="opendart.fss.or.kr")
def dart(context: dg.InitResourceContext) -> Dart:
    """Return DART with the daily allowance of the settings."""
    settings = context.resources.settings
    return Dart(
        context.resources.transport,
        _value(settings.dart_api_key),
        settings.dart_daily_limit,
        rests=settings.stock_pipeline_mode == "live",
    )


@dg.resource(required_resource_keys={"settings", "transport"}, description="data.go.kr")
def fsc(context: dg.InitResourceContext) -> Fsc:
    """Return the Financial Services Commission's service."""
    return Fsc(context.resources.transport, _value(context.resources.settings.fsc_api_key))


@dg.resource(required_resource_keys={"settings", "transport"}, description="finlife.fss.or.kr")
def fss(context: dg.InitResourceContext) -> Fss:
    """Return the Financial Supervisory Service's product comparison."""
    return Fss(context.resources.transport, _value(context.resources.settings.fss_api_key))


@dg.resource(required_resource_keys={"settings", "transport"}, description="data-dbg.krx.co.kr")
def krx_openapi(context: dg.InitResourceContext) -> KrxOpenApi:
    """Return the exchange's Open API."""
    key = _value(context.resources.settings.krx_openapi_key)
    return KrxOpenApi(context.resources.transport, key)


@dg.resource(required_resource_keys={"transport"}, description="query1.finance.yahoo.com")
def yahoo(context: dg.InitResourceContext) -> Yahoo:
    """Return Yahoo's charts."""
    return Yahoo(context.resources.transport)


@dg.resource(required_resource_keys={"settings", "transport"}, description="api.coingecko.com")
def coingecko(context: dg.InitResourceContext) -> CoinGecko:
    """Return CoinGecko; it answers without a key too, at a slower pace."""
    key = _value(context.resources.settings.coingecko_api_key)
    return CoinGecko(context.resources.transport, key)


@dg.resource(required_resource_keys={"transport"}, description="api.llama.fi")
def defillama(context: dg.InitResourceContext) -> DefiLlama:
    """Return DefiLlama."""
    return DefiLlama(context.resources.transport)


@dg.resource(required_resource_keys={"transport"}, description="api.alternative.me")
def alternative_me(context: dg.InitResourceContext) -> AlternativeMe:
    """Return the Fear & Greed index."""
    return AlternativeMe(context.resources.transport)


@dg.resource(required_resource_keys={"settings", "transport"}, description="api.stlouisfed.org")
def fred(context: dg.InitResourceContext) -> Fred:
    """Return the data base of the Federal Reserve Bank of St. Louis."""
    return Fred(context.resources.transport, _value(context.resources.settings.fred_api_key))


@dg.resource(required_resource_keys={"transport"}, description="news.google.com")
def google_news(context: dg.InitResourceContext) -> GoogleNews:
    """Return the news search."""
    return GoogleNews(context.resources.transport)


@dg.resource(required_resource_keys={"transport"}, description="www.federalreserve.gov")
def fed(context: dg.InitResourceContext) -> Fed:
    """Return the feeds of the Federal Reserve Board."""
    return Fed(context.resources.transport)


@dg.resource(
    required_resource_keys={"settings", "db", "calendar", "clock", "krx", "krx_openapi", "fsc"},
    description="the sources of daily prices in the order of PRICE_SOURCES",
)
def price_sources(context: dg.InitResourceContext) -> PriceSources:
    """Return the chain of the sources that can fill a day of prices."""
    resources = context.resources
    return PriceSources(
        resources.krx,
        resources.krx_openapi,
        resources.fsc,
        resources.settings.price_sources,
        resources.db,
        resources.calendar,
        resources.clock,
    )


def _value(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None
