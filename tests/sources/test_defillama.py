"""DefiLlama over the wire: recorded answers field by field, both hosts, and hostile bytes."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from stock_pipeline.errors import (
    BadPayload,
    BadRequest,
    Blocked,
    RateLimited,
    SchemaDrift,
    ServerError,
    UpstreamError,
)
from stock_pipeline.sources.defillama import DefiLlama, Protocol
from stock_pipeline.sources.transport import NotArchived, Transport

TVL, PROTOCOLS, STABLECOINS = "historicalChainTvl", "protocols", "all"
# 2022-12-29, 00:00 UTC.
MIDNIGHT = 1672272000

CALLS = {
    TVL: DefiLlama.chain_tvl,
    PROTOCOLS: DefiLlama.protocols,
    STABLECOINS: DefiLlama.stablecoin_charts,
}


@pytest.fixture
def defillama(transport: Transport, upstream: Any) -> DefiLlama:
    """Return a client in front of the script."""
    return DefiLlama(transport)


def listed(**changes: Any) -> dict[str, Any]:
    """Return a row of /protocols."""
    row = {"id": "2269", "name": "Aave", "slug": "aave", "category": "Lending", "tvl": 5.2e9}
    return {**row, "change_1d": 2.1, "chainTvls": {"Ethereum": 3.2e9}, **changes}


def pegged(**changes: Any) -> dict[str, Any]:
    """Return a row of /stablecoincharts/all."""
    return {
        "date": str(MIDNIGHT),
        "totalCirculating": {"peggedUSD": 3.70e9, "peggedEUR": 3_330_246.81},
        "totalUnreleased": {"peggedUSD": 0},
        "totalCirculatingUSD": {"peggedUSD": 3.71e9, "peggedEUR": 4_068_063.32},
        "totalMintedUSD": {"peggedUSD": 0},
        "totalBridgedToUSD": {"peggedUSD": 0},
        **changes,
    }


# ---- what is recorded


def test_the_recorded_history_is_read_field_by_field(
    defillama: DefiLlama, upstream: Any, recorded: Path
) -> None:
    body = (recorded / "crypto" / "defillama_v2_historicalChainTvl_tail.json").read_bytes()
    upstream.say(TVL, upstream.text(body))
    found = defillama.chain_tvl().data
    written = json.loads(body)
    assert found == {datetime.fromtimestamp(row["date"], UTC).date(): row["tvl"] for row in written}
    assert min(found) == date(2022, 12, 25)
    assert len(found) == len(written) == 5


def test_the_recorded_protocols_are_read_field_by_field(
    defillama: DefiLlama, upstream: Any, recorded: Path
) -> None:
    body = (recorded / "crypto" / "defillama_protocols_sample.json").read_bytes()
    upstream.say(PROTOCOLS, upstream.text(body))
    (row,) = json.loads(body)
    # Only the description's example lacks the slug; it is made of the name, as upstream makes it.
    expected = Protocol("aave", row["name"], row["category"], row["tvl"], row["change_1d"])
    assert defillama.protocols().data == [expected]


# ---- what is asked


@pytest.mark.parametrize(
    ("operation", "body", "host", "path"),
    [
        (TVL, [{"date": MIDNIGHT, "tvl": 1}], "api.llama.fi", "/v2/historicalChainTvl"),
        (PROTOCOLS, [listed()], "api.llama.fi", "/protocols"),
        (STABLECOINS, [pegged()], "stablecoins.llama.fi", "/stablecoincharts/all"),
    ],
)
def test_each_operation_has_its_host_and_is_asked_once_and_archived(
    defillama: DefiLlama,
    replaying: Transport,
    upstream: Any,
    operation: str,
    body: Any,
    host: str,
    path: str,
) -> None:
    upstream.say(operation, upstream.text(json.dumps(body)))
    found = CALLS[operation](defillama)
    (asked,) = upstream.asked
    assert (asked.host, asked.path, asked.query) == (host, path, {})
    assert CALLS[operation](DefiLlama(replaying)) == found


@pytest.mark.parametrize(
    ("operation", "body", "is_found"),
    [
        (TVL, [{"date": MIDNIGHT, "tvl": 1}], True),  # has every day
        (STABLECOINS, [pegged()], True),
        (PROTOCOLS, [listed()], False),  # is of its own day only
    ],
)
def test_a_replay_takes_a_history_but_no_list_from_another_partition(
    defillama: DefiLlama, replaying: Any, upstream: Any, operation: str, body: Any, is_found: bool
) -> None:
    upstream.say(operation, upstream.text(json.dumps(body)))
    found = CALLS[operation](defillama)
    with replaying.archive.scope(asset="a", partition="2022-12-30", run_id="run-2"):
        if is_found:
            assert CALLS[operation](DefiLlama(replaying)) == found
        else:
            with pytest.raises(NotArchived):
                CALLS[operation](DefiLlama(replaying))


def test_requests_keep_their_distance(defillama: DefiLlama, upstream: Any, budget: Any) -> None:
    upstream.say(TVL, upstream.text(json.dumps([{"date": MIDNIGHT, "tvl": 1}])))
    upstream.say(STABLECOINS, upstream.text(json.dumps([pegged()])))
    defillama.chain_tvl()
    defillama.stablecoin_charts()
    (_, first), (_, second) = budget.admitted
    assert second - first >= 0.5


# ---- what is in them


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([(MIDNIGHT, 0)], {date(2022, 12, 29): 0.0}),  # a value
        ([(MIDNIGHT, None), (MIDNIGHT - 1, 2)], {date(2022, 12, 28): 2.0}),
        # The last point is today's, wherever in the day it is stamped, and the newest one counts.
        ([(MIDNIGHT, 1), (MIDNIGHT + 50_000, 2)], {date(2022, 12, 29): 2.0}),
    ],
)
def test_llama_trap_the_last_point_is_todays_and_null_is_no_value(
    defillama: DefiLlama, upstream: Any, rows: Any, expected: dict[date, float]
) -> None:
    body = [{"date": stamp, "tvl": value} for stamp, value in rows]
    upstream.say(TVL, upstream.text(json.dumps(body)))
    assert defillama.chain_tvl().data == expected


def test_llama_trap_the_chart_of_stablecoins_has_its_dates_as_text(
    defillama: DefiLlama, upstream: Any
) -> None:
    rows = [pegged(), pegged(date=MIDNIGHT + 86_400)]
    upstream.say(STABLECOINS, upstream.text(json.dumps(rows)))
    assert list(defillama.stablecoin_charts().data) == [date(2022, 12, 29), date(2022, 12, 30)]


@pytest.mark.parametrize(
    ("pegs", "expected"),
    [
        ({"peggedUSD": 2.5, "peggedEUR": 1}, {"peggedUSD": 2.5, "peggedEUR": 1.0}),  # dollars each
        ({"peggedUSD": 2.5, "peggedVAR": None}, {"peggedUSD": 2.5}),
        ({}, {}),
        (None, {}),
    ],
)
def test_every_peg_is_read_in_dollars(
    defillama: DefiLlama, upstream: Any, pegs: Any, expected: dict[str, float]
) -> None:
    upstream.say(STABLECOINS, upstream.text(json.dumps([pegged(totalCirculatingUSD=pegs)])))
    assert defillama.stablecoin_charts().data == {date(2022, 12, 29): expected}


def test_llama_trap_nulls_of_protocols_stay_null(defillama: DefiLlama, upstream: Any) -> None:
    rows = [listed(), listed(tvl=None, change_1d=None, category=None), listed(slug=None, name=None)]
    upstream.say(PROTOCOLS, upstream.text(json.dumps(rows)))
    _, second, third = defillama.protocols().data
    assert second == Protocol("aave", "Aave", None, None, None)
    assert (third.slug, third.name) == (None, None)


@pytest.mark.parametrize(
    ("name", "slug"),
    [("Aave V3", "aave-v3"), ("Ether.fi", "ether.fi"), ("Maker's Pool", "makers-pool")],
)
def test_a_protocol_without_a_slug_gets_the_one_its_name_makes(
    defillama: DefiLlama, upstream: Any, name: str, slug: str
) -> None:
    upstream.say(PROTOCOLS, upstream.text(json.dumps([listed(slug=None, name=name)])))
    assert defillama.protocols().data[0].slug == slug


def test_llama_trap_the_old_alias_is_another_shape(defillama: DefiLlama, upstream: Any) -> None:
    body = [{"date": str(MIDNIGHT), "totalLiquidityUSD": 1}]
    upstream.say(TVL, upstream.text(json.dumps(body)))
    with pytest.raises(SchemaDrift, match="column tvl"):
        defillama.chain_tvl()


@pytest.mark.parametrize(
    ("operation", "row", "column"),
    [
        (TVL, {"date": MIDNIGHT, "tvl": "5"}, "tvl"),
        (TVL, {"date": MIDNIGHT * 1000, "tvl": 5}, "date"),  # milliseconds
        (TVL, {"date": None, "tvl": 5}, "date"),
        (PROTOCOLS, listed(tvl="5"), "tvl"),
        (PROTOCOLS, listed(slug=5), "slug"),
        (PROTOCOLS, listed(change_1d=True), "change_1d"),
        (STABLECOINS, pegged(totalCirculatingUSD=[1]), "totalCirculatingUSD"),
        (STABLECOINS, pegged(totalCirculatingUSD={"peggedUSD": "1"}), "totalCirculatingUSD"),
        (STABLECOINS, {"date": "1", "totalCirculating": {}}, "totalCirculatingUSD"),
    ],
)
def test_f16_another_type_is_drift_and_is_not_asked_again(
    defillama: DefiLlama, upstream: Any, operation: str, row: Any, column: str
) -> None:
    upstream.say(operation, upstream.text(json.dumps([row])))
    with pytest.raises(SchemaDrift, match=f"column {column}"):
        CALLS[operation](defillama)
    assert len(upstream.asked) == 1


# ---- what comes instead


@pytest.mark.parametrize(
    ("status", "body", "error", "requests"),
    [
        (429, "Too many requests", RateLimited, 2),
        (500, "", ServerError, 2),
        (502, "<html>bad gateway</html>", ServerError, 2),
        (400, "Chain not found", BadRequest, 1),  # text, also with 404
        (404, "Protocol not found", BadRequest, 1),
        (403, "<html>error code: 1020</html>", Blocked, 1),  # there is no key to renew
        (401, "", Blocked, 1),
    ],
)
def test_a_refusal_is_repeated_once_at_most(
    defillama: DefiLlama, upstream: Any, status: int, body: str, error: Any, requests: int
) -> None:
    upstream.say(TVL, upstream.text(body, status))
    with pytest.raises(error):
        defillama.chain_tvl()
    assert len(upstream.asked) == requests


def test_f05_a_429_without_a_word_waits_two_seconds(
    defillama: DefiLlama, upstream: Any, clock: Any
) -> None:
    good = upstream.text(json.dumps([{"date": MIDNIGHT, "tvl": 1}]))
    upstream.say(TVL, upstream.text("", 429), good)
    assert defillama.chain_tvl().data
    assert [2 <= wait <= 2.6 for wait in clock.sleeps if wait > 1] == [True]


@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize(
    "body",
    [
        "", "null", "[]", "{}", "[1]", '"x"', "[[]]", "<html>", "[{", '[{"date":1e999,"tvl":1}]',
        '[{"date":NaN,"tvl":1}]', '[{"date":1,"tvl":' + "9" * 400 + "}]", "[" * 5000, "\x00",
        '[{"date":1672272000,"tvl":{"a":1}},null]',
    ],
)  # fmt: skip
def test_f07_hostile_bytes_are_a_typed_error(
    defillama: DefiLlama, upstream: Any, operation: str, body: str
) -> None:
    upstream.say(operation, upstream.text(body))
    with pytest.raises((BadPayload, SchemaDrift)):
        CALLS[operation](defillama)


@pytest.mark.parametrize("operation", CALLS)
def test_f03_an_answer_cut_anywhere_is_a_typed_error(
    defillama: DefiLlama, upstream: Any, operation: str
) -> None:
    rows = {TVL: {"date": MIDNIGHT, "tvl": 1.5}, PROTOCOLS: listed(), STABLECOINS: pegged()}
    whole = json.dumps([rows[operation]])
    upstream.say(operation, *(upstream.text(whole[:end]) for end in range(0, len(whole), 17)))
    for _ in range(3):
        with pytest.raises(UpstreamError):
            CALLS[operation](defillama)
