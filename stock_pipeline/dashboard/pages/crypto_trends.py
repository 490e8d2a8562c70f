"""The page of crypto: the market as a whole, its largest coins, the largest DeFi protocols."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from fastapi import APIRouter
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from stock_pipeline.clock import today_kst
from stock_pipeline.dashboard.asked import PERIODS, USUAL_DAYS, AsOf, Days, day_asked
from stock_pipeline.dashboard.charts import Chart, Rows
from stock_pipeline.dashboard.context import Context
from stock_pipeline.dashboard.crypto_charts import coin_chart, market_charts
from stock_pipeline.dashboard.page import panel, render
from stock_pipeline.figures import crypto
from stock_pipeline.figures.wording import number, pct, signed, usd
from stock_pipeline.storage.database import Database

CHARTED_COINS = 5
MOODS = {
    "Extreme Fear": "극단적 공포",
    "Fear": "공포",
    "Neutral": "중립",
    "Greed": "탐욕",
    "Extreme Greed": "극단적 탐욕",
}
# Part of the market → its name and how its value is written.
CARDS: dict[str, tuple[str, Callable[[float | None], str]]] = {
    "total_market_cap_usd": ("전체 시가총액", usd),
    "total_tvl_usd": ("디파이 예치 자산 (TVL)", usd),
    "fear_greed_index": ("공포·탐욕 지수", number),
    "btc_dominance_pct": ("비트코인 점유율", pct),
    "stablecoin_market_cap_usd": ("스테이블코인", usd),
    "total_volume_24h_usd": ("24시간 거래대금", usd),
    "eth_btc_ratio": ("이더리움/비트코인", lambda value: number(value, 5)),
}
# Their change is told in their own unit: percent of a percentage misleads.
_OWN_UNIT = {"fear_greed_index": (0, "점"), "btc_dominance_pct": (2, "%p")}


@dataclass(frozen=True)
class Card:
    """One figure of the market with what it changed by in a day."""

    name: str
    value: str
    word: str
    change: Markup
    date: date | None


def routes(context: Context) -> APIRouter:
    """Return the page."""
    router = APIRouter()

    @router.get("/crypto_trends")
    def crypto_trends(
        request: Request, as_of: AsOf = None, days: Days = USUAL_DAYS
    ) -> HTMLResponse:
        """Show the market up to a day."""
        db, last = context.database, day_asked(as_of, today_kst(context.clock))
        first = last - timedelta(days=days)
        return render(
            context,
            request,
            "crypto_trends.html",
            title="가상자산",
            tables=crypto.TABLES,
            as_of=last,
            days=days,
            periods=PERIODS,
            cards=panel("crypto figures", lambda: cards(db, last)),
            market=panel(
                "crypto market", lambda: market_charts(crypto.market_history(db, first, last))
            ),
            coins=panel("crypto coins", lambda: _coins(db, first, last)),
            protocols=panel("crypto protocols", lambda: protocol_rows(crypto.protocols(db, last))),
        )

    return router


def cards(db: Database, as_of: date) -> list[Card]:
    """Return the figures of the market, each with the day that it is of."""
    found, mood = crypto.metrics(db, as_of), crypto.mood(db, as_of)
    return [_card(found[name], mood) for name in CARDS]


def _card(metric: crypto.Metric, mood: str | None) -> Card:
    name, write = CARDS[metric.name]
    change = (
        signed(metric.change, *_OWN_UNIT[metric.name])
        if metric.name in _OWN_UNIT
        else signed(metric.change_pct)
    )
    word = MOODS.get(mood, mood) if metric.name == "fear_greed_index" and mood else ""
    return Card(name, write(metric.value), word, change, metric.date)


def _coins(db: Database, first: date, last: date) -> tuple[Rows, Chart]:
    largest = crypto.coins(db, last)
    names = [coin.coin_id for coin in largest[:CHARTED_COINS]]
    return coin_rows(largest), coin_chart(crypto.coin_history(db, names, first, last))


def coin_rows(coins: tuple[crypto.Coin, ...]) -> Rows:
    """Return the table of the largest coins."""
    header = (
        *("코인", "순위", "가격", "24시간", "7일"),
        *("시가총액", "비중", "24시간 거래대금"),
    )
    cells = [
        [
            f"{coin.name or coin.coin_id} ({(coin.symbol or '–').upper()})",
            number(coin.rank),
            usd(coin.price_usd),
            signed(coin.change_24h_pct),
            signed(coin.change_7d_pct),
            usd(coin.market_cap_usd),
            pct(coin.share_pct),
            usd(coin.volume_24h_usd),
        ]
        for coin in coins
    ]
    return Rows(header, cells, _of_day(coins[0].date if coins else None))


def protocol_rows(protocols: tuple[crypto.Protocol, ...]) -> Rows:
    """Return the table of the largest protocols."""
    cells = [
        [
            one.name or one.protocol,
            number(one.rank),
            one.category or "–",
            usd(one.tvl_usd),
            signed(one.change_1d_pct),
        ]
        for one in protocols
    ]
    note = _of_day(protocols[0].date if protocols else None)
    return Rows(("프로토콜", "순위", "분류", "예치 자산", "1일"), cells, note)


def _of_day(day: date | None) -> str:
    return "" if day is None else f"{day.isoformat()} (UTC) 기준입니다."
