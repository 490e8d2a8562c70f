"""Decisions as the filing system tells them: the official fields, in agreement with the prices."""

from __future__ import annotations

import json
import re
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from stock_pipeline.twin.dart import Dart
from stock_pipeline.twin.dart_decisions import OPERATIONS
from stock_pipeline.twin.wire import Request
from stock_pipeline.twin.world import World
from stock_pipeline.twin.world_disclosures import Disclosure
from stock_pipeline.twin.world_events import Event

KST = timezone(timedelta(hours=9))
END = date(2026, 3, 13)
TOLD = {operation: kind for operation, kind in OPERATIONS.items() if kind}


@pytest.fixture(scope="module")
def world() -> World:
    return World(companies=120, end=END)


@pytest.fixture(scope="module")
def dart(world: World) -> Dart:
    return service(world, END)


def service(world: World, today: date) -> Dart:
    """Return the service on the evening of a day."""
    return Dart(world, lambda: datetime(today.year, today.month, today.day, 18, 0, tzinfo=KST))


def tell(dart: Dart, operation: str, **query: str) -> dict[str, Any]:
    request = Request(
        "GET", "opendart.fss.or.kr", f"/api/{operation}.json", {"crtfc_key": "k" * 40} | query
    )
    answer = dart.answer(request)
    assert answer is not None
    return dict(json.loads(answer.body))


def decided(dart: Dart, world: World, operation: str, event: Event) -> list[dict[str, str]]:
    """Return all decisions of a kind of the company to which something happens."""
    query = {"bgn_de": "20150101", "end_de": f"{END:%Y%m%d}"}
    code = world.companies[event.column].corp_code
    return list(tell(dart, operation, corp_code=code, **query).get("list", []))


def last(world: World, kind: str, **wanted: bool) -> Event:
    """Return the last event of a kind, of a company whose decisions are, or are not, corrected."""
    events = [event for event in world.events if event.kind == kind]
    corrected = wanted.get("corrected")
    return [e for e in events if corrected is None or (e.column % 3 == 0) == corrected][-1]


def day_of(text: str) -> date:
    found = re.fullmatch(r"(\d{4})년 (\d{2})월 (\d{2})일", text)
    assert found, text
    return date(*map(int, found.groups()))


def position(world: World, text: str) -> int:
    """Return the number of a session that a report names."""
    found = world.calendar.position(day_of(text))
    assert found is not None, text
    return found


def amount(text: str) -> int:
    assert re.fullmatch(r"\d{1,3}(,\d{3})*", text), text
    return int(text.replace(",", ""))


def counts(world: World, event: Event, day: date) -> int:
    return next(o.count for o in world.listings(day) if o.share.column == event.column)


@pytest.mark.parametrize("operation", TOLD)
def test_fields_are_those_of_the_official_guide(
    dart: Dart, world: World, recorded: Path, operation: str
) -> None:
    text = (recorded / "dart" / "field_dictionary.json").read_text(encoding="utf-8")
    fields = list(json.loads(text)[operation]["fields"])
    row = decided(dart, world, operation, last(world, TOLD[operation]))[-1]
    assert list(row) == [name for name in fields if name not in ("status", "message")]
    assert all(isinstance(value, str) and value for value in row.values())


# The first that fits: a day is words too.
FORMS = {
    "day": r"\d{4}년 \d{2}월 \d{2}일",
    "receipt": r"\d{14}",
    "company": r"\d{8}",
    "percent": r"\d{1,3}\.\d{2}",
    "amount": r"\d{1,3}(,\d{3})*",
    "words": r".*[가-힣A-Z:].*",
}


def form(text: str) -> str:
    return next(name for name, pattern in FORMS.items() if re.fullmatch(pattern, text))


@pytest.mark.parametrize(
    ("operation", "days", "amounts"),
    [
        ("crDecsn", 2, 6),  # the recorded company names no halt and no listing
        ("cmpMgDecsn", 4, 2),
    ],
)
def test_values_are_written_as_recorded(
    dart: Dart, world: World, recorded: Path, operation: str, days: int, amounts: int
) -> None:
    model = json.loads((recorded / "dart" / f"{operation}.json").read_text("utf-8"))["list"][0]
    event = [one for one in world.events if one.kind == TOLD[operation] and one.share_ratio != 1]
    row = decided(dart, world, operation, event[-1])[-1]
    assert list(row) == list(model)
    both = [name for name in model if "-" not in (row[name], model[name])]
    forms = [form(row[name]) for name in both]
    assert dict(zip(both, forms, strict=True)) == {name: form(model[name]) for name in both}
    assert (forms.count("day"), forms.count("amount")) == (days, amounts)


@pytest.mark.parametrize("kind", ["bonus_issue", "capital_reduction"])
def test_the_new_base_price_follows_from_the_days(dart: Dart, world: World, kind: str) -> None:
    event = last(world, kind)
    operation = next(name for name, told in TOLD.items() if told == kind)
    row = decided(dart, world, operation, event)[-1]
    if kind == "bonus_issue":
        step = position(world, row["nstk_asstd"]) - 1
        old_per_new = 1 / (1 + float(row["nstk_ascnt_ps_ostk"]))
    else:
        step = position(world, row["crsc_nstklstprd"])
        old_per_new = amount(row["bfcr_tisstk_ostk"]) / amount(row["atcr_tisstk_ostk"])
    assert step == world.calendar.first_from(event.day)
    # Rounded to a price step, which is at most half a percent.
    close = int(world.prices.closes[step - 1, event.column])
    assert world.prices.bases[step][event.column] == pytest.approx(close * old_per_new, rel=0.005)


def test_a_reduction_says_what_becomes_of_the_shares(dart: Dart, world: World) -> None:
    event = last(world, "capital_reduction")
    row = decided(dart, world, "crDecsn", event)[-1]
    before = counts(world, event, day_of(row["crsc_trspprpd_edd"]))
    after = counts(world, event, day_of(row["crsc_nstklstprd"]))
    assert after == round(before * event.share_ratio) < before
    assert amount(row["bfcr_tisstk_ostk"]) == before
    assert amount(row["atcr_tisstk_ostk"]) == after
    assert amount(row["crstk_ostk_cnt"]) == before - after
    assert amount(row["bfcr_cpt"]) == before * amount(row["fv_ps"])
    assert amount(row["atcr_cpt"]) == after * amount(row["fv_ps"])
    assert float(row["cr_rt_ostk"]) == pytest.approx(100 * (before - after) / before, abs=0.005)
    assert f"보통주식 {round(before / after)}주를 1주로" in row["cr_mth"]


def test_a_rights_issue_gives_as_many_shares_as_it_says(dart: Dart, world: World) -> None:
    event = last(world, "rights_issue")
    row = decided(dart, world, "piicDecsn", event)[-1]
    before, issued = amount(row["bfic_tisstk_ostk"]), amount(row["nstk_ostk_cnt"])
    assert event.until
    assert counts(world, event, event.until - timedelta(days=5)) == before
    assert counts(world, event, event.until + timedelta(days=5)) == before + issued
    assert issued == round(before * (event.share_ratio - 1))


def test_a_rights_issue_raises_what_its_base_price_says(dart: Dart, world: World) -> None:
    event = last(world, "rights_issue")
    row = decided(dart, world, "piicDecsn", event)[-1]
    before, issued = amount(row["bfic_tisstk_ostk"]), amount(row["nstk_ostk_cnt"])
    decision = announced(world, world.companies[event.column].corp_code)[0].received
    session = max(number for number, day in enumerate(world.sessions) if day <= decision)
    close = int(world.prices.closes[session, event.column])
    value = before * close + amount(row["fdpp_fclt"]) + amount(row["fdpp_op"])
    assert value / (before + issued) / close == pytest.approx(event.price_ratio, abs=1e-6)


def test_a_bonus_issue_gives_as_many_shares_as_it_says(dart: Dart, world: World) -> None:
    event = last(world, "bonus_issue")
    row = decided(dart, world, "fricDecsn", event)[-1]
    before, issued = amount(row["bfic_tisstk_ostk"]), amount(row["nstk_ostk_cnt"])
    listed = day_of(row["nstk_lstprd"])
    assert issued == pytest.approx(before * float(row["nstk_ascnt_ps_ostk"]), abs=1)
    assert counts(world, event, listed - timedelta(days=5)) == before
    assert counts(world, event, listed) == before + issued


@pytest.mark.parametrize(
    ("operation", "first", "after", "takes_effect"),
    [
        ("crDecsn", "crsc_trspprpd_bgd", "crsc_trspprpd_edd", "cr_std"),
        ("cmpDvDecsn", "abcr_trspprpd_bgd", "abcr_trspprpd_edd", "dvdt"),
    ],
)
def test_nothing_is_traded_on_the_days_it_says(
    dart: Dart, world: World, operation: str, first: str, after: str, takes_effect: str
) -> None:
    event = last(world, TOLD[operation])
    row = decided(dart, world, operation, event)[-1]
    begin, end = (position(world, row[name]) for name in (first, after))
    halted = [bool(world.prices.halted(s)[event.column]) for s in range(begin - 1, end + 2)]
    assert halted == [False] + [True] * (end - begin + 1) + [False]
    assert position(world, row[takes_effect]) == begin + 1


def test_a_spin_off_keeps_the_price_and_reduces_the_shares(dart: Dart, world: World) -> None:
    event = last(world, "spinoff")
    row = decided(dart, world, "cmpDvDecsn", event)[-1]
    day = day_of(row["abcr_nstklstprd"])
    before = counts(world, event, day_of(row["abcr_trspprpd_edd"]))
    kept = 1 - float(row["abcr_crrt"]) / 100
    assert counts(world, event, day) == pytest.approx(before * kept, abs=1)
    assert kept == pytest.approx(event.share_ratio)
    assert row["dv_rt"].endswith(f" = {kept:.7f} : {1 - kept:.7f}")
    assert row["abcr_nstkasstd"] == row["abcr_trspprpd_bgd"]
    assert event.column not in world.prices.bases.get(world.calendar.first_from(day), {})


def test_a_merger_lists_its_new_shares_later(dart: Dart, world: World) -> None:
    event = [one for one in world.events if one.kind == "merger" and one.share_ratio > 1][-2]
    row = decided(dart, world, "cmpMgDecsn", event)[-1]
    listed, issued = day_of(row["mgsc_nstklstprd"]), amount(row["mgnstk_ostk_cnt"])
    assert day_of(row["mgsc_mgdt"]) == event.day < listed
    before = counts(world, event, listed - timedelta(days=5))
    assert counts(world, event, listed) == before + issued
    assert re.fullmatch(r".+ : .+ = 1\.0000000 : \d\.\d{7}", row["mg_rt"])


def test_a_merger_with_what_one_owns_issues_nothing(dart: Dart, world: World) -> None:
    event = [one for one in world.events if one.kind == "merger" and one.share_ratio == 1][-1]
    row = decided(dart, world, "cmpMgDecsn", event)[-1]
    assert row["mg_rt"].endswith(" = 1.0000000 : 0.0000000")
    assert (row["mgnstk_ostk_cnt"], row["mgsc_nstklstprd"]) == ("-", "-")
    assert day_of(row["mgsc_shddstd"]) < day_of(row["mgsc_mgdt"]) == event.day


@pytest.mark.parametrize("operation", [name for name in TOLD if name != "piicDecsn"])
def test_a_decision_is_told_of_on_its_day(dart: Dart, world: World, operation: str) -> None:
    event = last(world, TOLD[operation])
    row = decided(dart, world, operation, event)[-1]
    code = world.companies[event.column].corp_code
    received = min(
        one.received
        for one in world.disclosures.between(date(2019, 1, 2), END, code)
        if one.decision and one.decision.event == event
    )
    assert day_of(row["bddd"]) == received < event.day


def test_a_correction_replaces_the_original_on_its_day(world: World) -> None:
    event = last(world, "rights_issue", corrected=True)
    code = world.companies[event.column].corp_code
    original, correction = announced(world, code)
    assert correction.name == f"[기재정정]{original.name}"
    numbers = []
    for today in (correction.received - timedelta(days=1), correction.received):
        rows = decided(service(world, today), world, "piicDecsn", event)
        numbers.append([row["rcept_no"] for row in rows])
        query = {"corp_code": code, "bgn_de": f"{original.received:%Y%m%d}"}
        listed = tell(service(world, today), "list", **query, page_count="100")["list"]
        marks = {row["rcept_no"]: row["rm"] for row in listed}
        assert ("정" in marks[original.rcept_no]) == (today == correction.received)
    assert numbers == [[original.rcept_no], [correction.rcept_no]]


def announced(world: World, code: str) -> list[Disclosure]:
    """Return what a company announced of its rights issues, by number."""
    found = world.disclosures.between(date(2020, 1, 2), END, code)
    kinds = (one for one in found if one.decision and one.decision.event.kind == "rights_issue")
    return sorted(kinds, key=lambda one: one.rcept_no)


def test_the_window_is_that_of_the_first_receipt(dart: Dart, world: World) -> None:
    event = last(world, "rights_issue", corrected=True)
    code = world.companies[event.column].corp_code
    original, correction = announced(world, code)
    for day, status in ((original.received, "000"), (correction.received, "013")):
        text = f"{day:%Y%m%d}"
        told = tell(dart, "piicDecsn", corp_code=code, bgn_de=text, end_de=text)
        assert told["status"] == status


@pytest.mark.parametrize(
    ("operation", "query", "status", "reason"),
    [
        ("piicDecsn", {}, "100", "no company"),
        ("piicDecsn", {"corp_code": "00126380"}, "100", "no period"),
        ("piicDecsn", {"bgn_de": "20260302", "end_de": "20260301"}, "100", "backwards"),
        ("piicDecsn", {"bgn_de": "2026030", "end_de": "20260301"}, "100", "no date"),
        ("piicDecsn", {"corp_code": "99999999"}, "013", "unknown company"),
        ("piicDecsn", {"corp_code": "00126380"}, "013", "nothing decided"),
        ("pifricDecsn", {"corp_code": "00126380"}, "013", "nobody decides on both"),
        ("stkExtrDecsn", {"corp_code": "00126380"}, "013", "nor on an exchange"),
    ],
)
def test_status_of_a_question(
    dart: Dart, operation: str, query: dict[str, str], status: str, reason: str
) -> None:
    if status == "013":
        query = {"bgn_de": "20150101", "end_de": "20260313"} | query
    elif query:
        query = {"corp_code": "00126380"} | query
    assert tell(dart, operation, **query)["status"] == status, reason
