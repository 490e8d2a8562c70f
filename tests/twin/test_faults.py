"""How a fault is written, and on which requests it is played."""

from __future__ import annotations

import pytest

from stock_pipeline.twin.fault_kinds import KINDS, describe_kinds
from stock_pipeline.twin.faults import ArmedFaults, Fault, parse_faults
from stock_pipeline.twin.wire import Request

STATISTICS = Request("POST", "data.krx.co.kr", "/comm/bldAttendant/getJsonData.cmd")
LOGIN = Request("POST", "data.krx.co.kr", "/contents/MDC/COMS/client/MDCCOMS001D1.cmd")
CONNECT = Request("CONNECT", "data.krx.co.kr", "")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("krx:logout", Fault("krx", "logout")),  # for ever
        ("krx:logout*2", Fault("krx", "logout", times=2)),  # the first two
        ("dart:status=503@3*1", Fault("dart", "status", "503", 3, 1)),  # the third alone
        ("fsc:gateway=22@2", Fault("fsc", "gateway", "22", 2)),  # from the second on
        ("krx:429", Fault("krx", "429")),  # no Retry-After
        (
            "krx:429=Wed, 21 Oct 2026 07:28:00 GMT*1",
            Fault("krx", "429", "Wed, 21 Oct 2026 07:28:00 GMT", times=1),
        ),  # a date has blanks, a comma and colons
        ("krx:429=-5", Fault("krx", "429", "-5")),  # a hostile value
        ("shop.example:truncate=50%*1", Fault("shop.example", "truncate", "50%", times=1)),
        ("list:rename-column=OLD:NEW", Fault("list", "rename-column", "OLD:NEW")),
        ("listing/krx:reset", Fault("listing/krx", "reset")),  # an operation with a folder
    ],
)
def test_fault_reads_and_writes_the_same(text: str, fault: Fault) -> None:
    assert parse_faults([text]) == [fault]
    assert str(fault) == text


def test_several_faults_are_separated_by_semicolons() -> None:
    both = [Fault("krx", "html"), Fault("dart", "silence")]
    assert parse_faults(["krx:html; dart:silence;"]) == both
    assert parse_faults(["krx:html", "dart:silence"]) == both


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("krx", "is not TARGET:KIND"),  # no kind
        (":html", "is not TARGET:KIND"),  # no target
        ("krx:html*0", "is not TARGET:KIND"),  # never is not a fault
        ("krx:html@0", "is not TARGET:KIND"),  # requests count from one
        ("krx:earthquake", "no such kind; there are 429, "),  # unknown
        ("krx:truncate", "cannot take ''"),  # a place is needed
        ("krx:truncate=half", "cannot take 'half'"),  # not a place
        ("krx:html=1", "cannot take '1'"),  # takes nothing
        ("dart:dart=999", "cannot take '999'"),  # no such status
        ("fsc:gateway=40", "cannot take '40'"),  # no such code
        ("krx:status=700", "cannot take '700'"),  # no such HTTP status
        ("list:rename-column=OLD", "cannot take 'OLD'"),  # no new name
    ],
)
def test_wrong_fault_is_refused_with_the_reason(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_faults([text])


def test_every_kind_is_described() -> None:
    lines = describe_kinds().splitlines()
    assert [line.split()[0] for line in lines] == list(KINDS)
    assert all(kind.meaning for kind in KINDS.values())


@pytest.mark.parametrize(
    ("first", "times", "played"),
    [
        (1, None, [1, 2, 3, 4]),  # for ever
        (1, 2, [1, 2]),  # the first n, then fine
        (3, 1, [3]),  # the n-th alone
        (3, None, [3, 4]),  # from the n-th on
    ],
)
def test_fault_is_played_on_the_requests_it_names(
    first: int, times: int | None, played: list[int]
) -> None:
    armed = ArmedFaults([Fault("krx", "html", first=first, times=times)])
    assert [n for n in (1, 2, 3, 4) if armed.take({"krx"}, STATISTICS)] == played


def test_requests_of_others_are_not_counted() -> None:
    armed = ArmedFaults([Fault("krx", "html", first=2)])
    assert armed.take({"dart"}, STATISTICS) == []
    assert armed.take({"krx"}, STATISTICS) == []
    assert armed.take({"krx"}, STATISTICS) != []


@pytest.mark.parametrize(
    ("kind", "request_", "applies"),
    [
        ("logout", STATISTICS, True),  # a statistic without a session
        ("logout", LOGIN, False),  # a login never answers LOGOUT
        ("dashes", LOGIN, False),  # nor does it have prices
        ("cd010", LOGIN, True),
        ("cd010", STATISTICS, False),
        ("cd011", Request("POST", "h", LOGIN.path, form={"mbrId": "a"}), True),
        ("cd011", Request("POST", "h", LOGIN.path, form={"skipDup": "Y"}), False),  # took over
        ("html", STATISTICS, True),
        ("html", CONNECT, False),  # a tunnel carries requests, it is none
        ("down", CONNECT, True),
        ("down", STATISTICS, False),
    ],
)
def test_fault_happens_only_where_it_can(kind: str, request_: Request, applies: bool) -> None:
    assert bool(ArmedFaults([Fault("krx", kind)]).take({"krx"}, request_)) is applies


def test_disarmed_fault_is_gone() -> None:
    faults = [Fault("krx", "html"), Fault("krx", "silence")]
    armed = ArmedFaults(faults)
    armed.disarm(faults[:1])
    assert armed.take({"krx"}, STATISTICS) == faults[1:]
