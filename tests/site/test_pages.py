"""Every page in a real browser: what it asks for, what it draws, who can use it.

Pictures of the pages are written to `test-output/`, for whoever wants to look.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from browser import Browser

OUTPUT = Path(__file__).parents[2] / "test-output"
SERIOUS = ("serious", "critical")
DESKTOP, PHONE, SMALL_PHONE = (1280, 900), (360, 800), (320, 640)
# Page → how many charts it has at least.
PAGES = {
    "/dashboard": 2,
    "/screener": 0,
    "/stocks?q=삼성": 0,
    "/stocks/005930": 2,
    "/stocks/101490": 2,  # halted
    "/stocks/900110": 1,  # delisted
    "/stocks/066660": 2,  # its name is written to do harm
    "/stocks/999999": 0,  # unknown
    "/crypto_trends": 2,
    "/liquidity_stress": 2,
    "/products": 0,
    "/collection": 1,
    "/login": 0,
}
# Their elements are those of another page: dark and on a phone they are not judged again.
ALIKE = ("/stocks/101490", "/stocks/900110", "/stocks/066660")
# Of each chart: how many series it has, how many of their shapes have an extent, and how far it
# reaches into what stands below it.
DRAWN = """
[...document.querySelectorAll('.plot')].map((plot) => ({
  name: plot.id,
  series: plot.data?.length ?? 0,
  beyond: Math.round(Math.max(0, ...[...plot.querySelectorAll('.main-svg')].map(
    (svg) => svg.getBoundingClientRect().bottom - plot.getBoundingClientRect().bottom))),
  shapes: [...plot.querySelectorAll('.cartesianlayer path[d], .pielayer path[d]')].filter(
    (path) => path.closest('.trace, .points, .slice') && path.getTotalLength() > 1).length
    + plot.querySelectorAll('.heatmaplayer image, .hm image').length,
}))
"""
KOREAN = "document.querySelector('main').innerText.match(/[가-힣]/g)?.length ?? 0"
IS_THERE = """
!document.querySelector('main#content') || 'drawn' in document.documentElement.dataset
"""
# A chart is a picture to who cannot see it: what it is drawn of is not read, its table is.
JUDGED = f"""
((rules) => axe.run({{exclude: ['.plot > *']}}, {{resultTypes: ['violations'], ...rules}})
  .then((all) => all.violations.filter((one) => {json.dumps(SERIOUS)}.includes(one.impact))
    .map((one) => one.id + ': ' + one.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)
      + ' ' + node.any.map((check) => check.message).join(' ')).join(' | '))))
"""
ALL = JUDGED + "({})"
# In another light only the colours are others, and these take longest to judge.
COLOURS = JUDGED + "({runOnly: ['color-contrast', 'link-in-text-block']})"
OTHERS = JUDGED + "({rules: {'color-contrast': {enabled: false}}})"
# Wider than the page: what would make it scroll sideways.
TOO_WIDE = """
[...document.querySelectorAll('body *')].filter((one) => !one.closest('.wide, .plot, .heard, .skip')
  && one.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .map((one) => one.outerHTML.slice(0, 120))
"""


@dataclass
class Visit:
    """What a page did and how it looked."""

    exceptions: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    drawn: list[dict[str, Any]] = field(default_factory=list)
    drawn_on_phone: list[dict[str, Any]] = field(default_factory=list)
    korean: int = 0
    language: str = ""
    violations: dict[str, list[str]] = field(default_factory=dict)
    too_wide: dict[int, list[str]] = field(default_factory=dict)
    weight: int = 0


@pytest.fixture(scope="module")
def axe() -> str:
    """Return the script that judges who can use a page."""
    found = find_spec("axe_playwright_python")
    assert found is not None
    assert found.origin is not None
    return (Path(found.origin).parent / "axe.min.js").read_text("utf-8")


@pytest.fixture(scope="module")
def visit(browser: Browser, served: Any, axe: str) -> Callable[[str], Visit]:
    """Return what visits a page; each is visited once, in every size and light."""
    seen: dict[str, Visit] = {}

    def visited(path: str) -> Visit:
        if path not in seen:
            seen[path] = _visit(browser, served.address + path, axe)
        return seen[path]

    return visited


def _visit(browser: Browser, url: str, axe: str) -> Visit:
    visit = Visit()
    browser.prefer("light")
    browser.resize(*DESKTOP)
    _open(browser, url)
    visit.drawn = browser.value(DRAWN)
    visit.korean = browser.value(KOREAN) if "/login" not in url else 0
    visit.language = browser.value("document.documentElement.lang")
    visit.weight = browser.value("performance.getEntriesByType('navigation')[0].decodedBodySize")
    browser.value(axe)
    visit.violations["light"] = browser.value(ALL)
    if not url.endswith(ALIKE):
        _look_at(browser, visit, _name(url))
    for size in (PHONE, SMALL_PHONE):
        browser.resize(*size)
        visit.too_wide[size[0]] = browser.value(TOO_WIDE) if _scrolls_sideways(browser) else []
    visit.drawn_on_phone = browser.value(DRAWN)
    visit.exceptions, visit.complaints = browser.exceptions(), browser.complaints()
    visit.refused, visit.asked = browser.refused(), browser.asked()
    return visit


def _look_at(browser: Browser, visit: Visit, name: str) -> None:
    """Take pictures of a page, dark and on a phone too, and judge it there."""
    browser.picture(OUTPUT / f"{name}-light.png")
    browser.prefer("dark")
    visit.violations["dark"] = browser.value(COLOURS)
    browser.picture(OUTPUT / f"{name}-dark.png")
    browser.prefer("light")
    browser.resize(*PHONE)
    visit.violations["phone"] = browser.value(OTHERS)
    browser.picture(OUTPUT / f"{name}-phone.png")


def _name(url: str) -> str:
    return url.rpartition(":")[2].partition("/")[2].replace("/", "-").replace("?q=", "-")


def _open(browser: Browser, url: str) -> None:
    """Open a page and wait until its charts are drawn."""
    browser.open(url)
    browser.until(IS_THERE)


def _scrolls_sideways(browser: Browser) -> bool:
    width: int = browser.value("document.documentElement.scrollWidth - innerWidth")
    return width > 0


@pytest.mark.parametrize("path", PAGES)
def test_a_page_makes_no_mistake_and_asks_no_other_host(
    visit: Callable[[str], Visit], served: Any, path: str
) -> None:
    seen = visit(path)
    assert seen.exceptions == []
    if "999999" in path:
        assert [status for status, _ in seen.refused] == [404]
    else:
        assert (seen.refused, seen.complaints) == ([], [])
    others = {url for url in seen.asked if not url.startswith((served.address, "data:", "blob:"))}
    assert others - {"about:blank"} == set()


@pytest.mark.parametrize("path", [path for path in PAGES if path != "/login"])
def test_a_page_is_korean_and_light_enough(visit: Callable[[str], Visit], path: str) -> None:
    seen = visit(path)
    assert seen.language == "ko"
    assert seen.korean > 30
    assert 0 < seen.weight <= 300_000


@pytest.mark.parametrize(("path", "charts"), [one for one in PAGES.items() if one[1]])
def test_every_chart_of_a_page_is_drawn(
    visit: Callable[[str], Visit], path: str, charts: int
) -> None:
    seen = visit(path)
    assert len(seen.drawn) == len(seen.drawn_on_phone) >= charts
    for drawn in (*seen.drawn, *seen.drawn_on_phone):
        assert drawn["series"] > 0
        assert drawn["shapes"] > 0
        assert drawn["beyond"] <= 1


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_serious(visit: Callable[[str], Visit], path: str) -> None:
    assert [found for every in visit(path).violations.values() for found in every] == []


def test_axe_would_find_what_nobody_can_use(browser: Browser, served: Any, axe: str) -> None:
    _open(browser, f"{served.address}/dashboard")
    browser.value(axe)
    browser.value(
        "document.querySelector('main').insertAdjacentHTML('beforeend',"
        " '<button></button><p style=\"color: #777; background: #888\">무엇</p>')"
    )
    found = browser.value(ALL)
    assert [text.partition(":")[0] for text in found] == ["button-name", "color-contrast"]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_never_scrolls_sideways_on_a_phone(visit: Callable[[str], Visit], path: str) -> None:
    assert visit(path).too_wide == {360: [], 320: []}


def test_the_first_key_leads_past_the_navigation(browser: Browser, served: Any) -> None:
    _open(browser, f"{served.address}/dashboard")
    browser.press("Tab", 9)
    assert browser.value("document.activeElement.getAttribute('href')") == "#content"
    assert browser.value("document.activeElement.getBoundingClientRect().left") >= 0


def test_a_page_tells_its_figures_without_scripts(browser: Browser, served: Any) -> None:
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(f"{served.address}/stocks/005930")
        text = browser.value("document.querySelector('main').textContent")
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)
    assert "2026" in text
    assert "삼성전자" in text
    assert "9,700" in text  # 10,000 less 3 %: 300 x 3 mod 13 is 3


def test_f60_the_policy_blocks_scripts_in_a_page(browser: Browser, served: Any) -> None:
    _open(browser, f"{served.address}/dashboard")
    browser.value(
        "(() => { const one = document.createElement('script');"
        " one.textContent = 'window.harmed = 1'; document.body.append(one);"
        " document.body.insertAdjacentHTML('beforeend',"
        ' \'<img src="data:," onerror="window.harmed = 2">\'); })()'
    )
    browser.until("performance.now() > 0")
    assert browser.value("window.harmed") is None
    assert len([text for text in browser.complaints() if "Content Security Policy" in text]) == 2
