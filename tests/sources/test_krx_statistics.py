"""Funds and indices through the unmodified pykrx, over the wire: what is asked, what comes back."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from stock_pipeline.errors import BadPayload, EmptyOnBusinessDay, SchemaDrift, UpstreamError
from stock_pipeline.sources.krx import Account, Krx
from stock_pipeline.sources.krx_statistics import (
    ALL_ETFS,
    ETF_LIST,
    INDEX_LIST,
    INDICES,
    Statistic,
)
from stock_pipeline.sources.transport import NotArchived, Payload, Transport

DAY = date(2021, 3, 25)
PREFIX = "dbms/MDC/STAT/standard/"
Rows = list[dict[str, str]]


@dataclass(frozen=True)
class Asked:
    """One call of the client and the parameters that KRX must get for it."""

    statistic: Statistic
    call: Callable[[Krx], Payload[Rows]]
    params: dict[str, str]
    empty: type[UpstreamError]


CALLS = [
    Asked(ALL_ETFS, lambda krx: krx.all_etfs(DAY), {"trdDd": "20210325"}, EmptyOnBusinessDay),
    Asked(ETF_LIST, lambda krx: krx.etf_list(), {}, BadPayload),
    Asked(
        INDICES,
        lambda krx: krx.indices(DAY, "02"),
        {"idxIndMidclssCd": "02", "trdDd": "20210325"},
        EmptyOnBusinessDay,
    ),
    Asked(INDEX_LIST, lambda krx: krx.index_list("04"), {"idxIndMidclssCd": "04"}, BadPayload),
]
BY_NUMBER = {asked.statistic.number: asked for asked in CALLS}
every_call = pytest.mark.parametrize("asked", CALLS, ids=list(BY_NUMBER))


def row_of(statistic: Statistic) -> dict[str, str]:
    """Return a row with a text in every documented column."""
    return dict.fromkeys((*statistic.columns, *statistic.unused), "1,000")


def body_of(rows: list[Any]) -> str:
    """Return an answer with these rows."""
    return json.dumps({"output": rows, "CURRENT_DATETIME": "2021.03.25 PM 06:00:00"})


@pytest.fixture
def krx(transport: Transport, upstream: Any) -> Krx:
    """Return a client whose account the script accepts, and one row for every statistic."""
    upstream.say("login_page", upstream.text("<html>login</html>", kind="text/html"))
    upstream.say("login", upstream.text('{"_error_code": "CD001"}'))
    for number, asked in BY_NUMBER.items():
        upstream.say(number, upstream.text(body_of([row_of(asked.statistic)]), kind="text/html"))
    return Krx(transport, Account("user", "password"))


def test_each_call_is_one_request_and_all_of_them_need_one_login(krx: Krx, upstream: Any) -> None:
    for asked in CALLS:
        (row,) = asked.call(krx).data
        number = asked.statistic.number
        assert tuple(row) == asked.statistic.columns
        assert upstream.queries(number) == [{**asked.params, "bld": PREFIX + number}]
    assert len(upstream.queries("login")) == 1


@every_call
def test_f16_each_missing_column_that_is_used_is_named(asked: Asked) -> None:
    whole = row_of(asked.statistic)
    for column in asked.statistic.columns:
        for broken in ({column: None}, {column: 5}):
            with pytest.raises(SchemaDrift) as caught:
                asked.statistic.checked([whole, {**whole, **broken}])
            assert caught.value.column == column


@every_call
def test_a_column_that_is_not_used_may_go(krx: Krx, upstream: Any, asked: Asked) -> None:
    used = dict.fromkeys(asked.statistic.columns, "1")
    upstream.say(asked.statistic.number, upstream.text(body_of([used])))
    assert asked.call(krx).data == [used]


@every_call
def test_no_rows_are_never_taken_for_nothing_listed(
    krx: Krx, upstream: Any, archive: Any, asked: Asked
) -> None:
    upstream.say(asked.statistic.number, upstream.text(body_of([])))
    with pytest.raises(asked.empty):
        asked.call(krx)
    assert archive.find("KRX", asked.statistic.number, {}) == []


@every_call
@pytest.mark.parametrize(
    ("body", "why"),
    [
        ('{"block1": []}', "renamed list"),
        ('{"output": 5}', "a number"),
        ('{"output": [1]}', "rows"),
    ],
)
def test_another_shape_is_drift(krx: Krx, upstream: Any, asked: Asked, body: str, why: str) -> None:
    upstream.say(asked.statistic.number, upstream.text(body))
    with pytest.raises(SchemaDrift):
        asked.call(krx)


# ---- recorded answers


RECORDED = [
    ("MDCSTAT04301_20210325", 467, lambda krx: krx.all_etfs(date(2021, 3, 25))),
    ("MDCSTAT04601", 1066, lambda krx: krx.etf_list()),
    ("MDCSTAT00401_01", 34, lambda krx: krx.index_list("01")),
    ("MDCSTAT00401_02", 50, lambda krx: krx.index_list("02")),
    ("MDCSTAT00401_03", 39, lambda krx: krx.index_list("03")),
    ("MDCSTAT00401_04", 42, lambda krx: krx.index_list("04")),
]


@pytest.mark.parametrize(("name", "count", "call"), RECORDED, ids=[row[0] for row in RECORDED])
def test_a_recorded_answer_comes_through_row_by_row_and_again_from_the_archive(
    krx: Krx,
    upstream: Any,
    replaying: Transport,
    recorded: Path,
    name: str,
    count: int,
    call: Callable[[Krx], Payload[Rows]],
) -> None:
    body = _recorded_body(recorded, name)
    number = name.partition("_")[0]
    upstream.say(number, upstream.text(body, kind="text/html"))
    payload = call(krx)
    columns = BY_NUMBER[number].statistic.columns
    rows = json.loads(body)["output"]
    assert payload.data == [{column: row[column] for column in columns} for row in rows]
    assert len(payload.data) == count
    statistic = BY_NUMBER[number].statistic
    assert rows[0].keys() == {*statistic.columns, *statistic.unused}
    asked = len(upstream.asked)
    assert call(Krx(replaying, None)) == payload
    assert len(upstream.asked) == asked


def _recorded_body(folder: Path, name: str) -> bytes:
    packed = folder / "krx" / f"{name}.response.json.gz"
    if packed.exists():
        return gzip.decompress(packed.read_bytes())
    return (folder / "krx" / f"{name}.response.json").read_bytes()


def test_the_archive_has_no_answer_for_another_group(krx: Krx, replaying: Transport) -> None:
    krx.index_list("04")
    with pytest.raises(NotArchived):
        Krx(replaying, None).index_list("01")
