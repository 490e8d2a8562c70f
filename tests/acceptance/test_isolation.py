"""Each upstream of the evening and of the dawn dies in turn: nothing else is lost, all is told.

It is Friday 2026-03-13, 18:00 in Seoul, for the pipeline and for the twin, and the clock does not
move: the same question has the same answer, and nobody waits before a repetition. Before an
upstream dies the tables hold what it brought once and nothing else; afterwards they must be as if
it had lived. Only the jobs that ask it are run: the others are runs of their own.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pytest

from stock_pipeline import discovery, schedules
from stock_pipeline.cli import main
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.resources import resources
from stock_pipeline.storage.database import Database
from stock_pipeline.twin.server import Twin
from stock_pipeline.twin.upstreams import upstream_modules
from stock_pipeline.twin.world import World

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]

COMPANIES = 120
NOW = datetime(2026, 3, 13, 9, 0, tzinfo=UTC)
THURSDAY, FRIDAY = "2026-03-12", "2026-03-13"
EVENING, LIQUIDITY, CRYPTO, NEWS = "collector_evening", "liquidity_dawn", "crypto_dawn", "news_dawn"
# Job → the upstreams that it asks.
ASKED = {
    EVENING: {"fdr_cache", "naver", "yahoo"},
    LIQUIDITY: {"fred", "yahoo", "google_news", "fed"},
    CRYPTO: {"coingecko", "defillama", "alternative_me"},
    NEWS: {"google_news", "fed"},
}
MACRO, PRICE, COUNTS, TONE = "liquidity_macro", "liquidity_price", "liquidity_news", "fed_tone"
COINS, METRIC, LARGEST = "crypto_price", "crypto_metric", "defi_protocol_tvl"
# Job → the tables that it fills, `asset_master` excepted, which is a declaration.
FILLED = {
    EVENING: ("price_daily", "price_flag"),
    LIQUIDITY: (MACRO, PRICE, COUNTS, TONE, "stress_index"),
    CRYPTO: (COINS, METRIC, LARGEST),
    NEWS: ("news_article",),
}
TABLES = [name for names in FILLED.values() for name in names]
# A step that fails takes with it what reads its table, so some may not.
OPTIONAL = {MACRO, PRICE, COUNTS, TONE}
# One asset of each place that FinanceDataReader asks: each costs a process.
ACTIVE = "asset_id IN ('KS200', '005930', 'SOXL')"
# A row of long ago on another basis, so that the evening has something to flag.
EARLIER = """
INSERT INTO price_daily (asset_id, date, source, close, currency, symbol, is_final, run_id)
SELECT asset_id, '2026-03-06', 'FDR', 100, currency, fdr_symbol, true, 'earlier'
FROM asset_master WHERE is_active ON CONFLICT DO NOTHING
"""

# Parts of the row of `crypto_metric` → their columns.
FEAR, SIZE, RATIO = "ALTERNATIVE_ME fng", "COINGECKO global", "COINGECKO price"
LOCKED, STABLE = "DEFILLAMA historicalChainTvl", "DEFILLAMA stablecoincharts"
COLUMNS = {
    FEAR: ("fear_greed_index", "fear_greed_label"),
    SIZE: ("btc_dominance_pct", "total_market_cap_usd", "total_volume_24h_usd"),
    RATIO: ("eth_btc_ratio",),
    LOCKED: ("total_tvl_usd",),
    STABLE: ("stablecoin_market_cap_usd",),
}
SEARCHES, FEEDS = ("market", "stock", "etf", "crypto"), ("press_all", "speeches")
# What a table lacks: the parts that did not come, or the outcome of one for which nothing came.
Lost = tuple[str, ...] | str
# How an upstream dies → what the log calls it, and what each table lacks then.
DEATHS: dict[str, tuple[str, dict[str, Lost]]] = {
    "yahoo:down": ("NetworkError", {"price_daily": ("SOXL",), PRICE: "error"}),
    "naver:status=500": ("ServerError", {"price_daily": ("005930",)}),
    "fdr_cache:429": ("RateLimited", {"price_daily": ("KS200",)}),
    "fred:down": ("NetworkError", {MACRO: "error"}),
    "coingecko:429": ("RateLimited", {COINS: "quota", METRIC: (SIZE, RATIO)}),
    "api.llama.fi:status=500": ("ServerError", {METRIC: (LOCKED,), LARGEST: "error"}),
    "stablecoins.llama.fi:down": ("NetworkError", {METRIC: (STABLE,)}),
    # A refusal by either host stops the service.
    "defillama:429": ("RateLimited", {METRIC: (LOCKED, STABLE), LARGEST: "quota"}),
    "alternative_me:down": ("NetworkError", {METRIC: (FEAR,)}),
    "google_news:429": ("RateLimited", {COUNTS: "quota", "news_article": SEARCHES}),
    "fed:html": ("BadPayload", {TONE: "error", "news_article": FEEDS}),
}
HOSTS = {"api.llama.fi": "defillama", "stablecoins.llama.fi": "defillama"}
# What a log says of a failure: its class, or the words of its class.
WORDS = {
    "NetworkError": "The connection was refused, reset or cut",
    "ServerError": "The upstream failed on its side",
    "RateLimited": "The upstream asks for a slower pace",
    "BadPayload": "The answer is not what the operation is documented to give",
}

Told = tuple[str, str, tuple[str, ...]]
WHOLE: Told = ("completed", "rows", ())


def stays(table: str, lost: Lost) -> str:
    """Return the condition of the stored rows that do not come again."""
    if table == METRIC:
        return "false"
    if isinstance(lost, str):
        return "true"
    if table == "news_article":
        return "source = 'FED'" if lost == FEEDS else "source = 'GOOGLE_NEWS'"
    return f"asset_id = '{lost[0]}'"


class StillClock:
    """A clock at which it is always now; whoever sleeps is awake at once."""

    def __init__(self) -> None:
        self._slept = 0.0

    def now(self) -> datetime:
        """Return the held instant."""
        return NOW

    def monotonic(self) -> float:
        """Return the seconds slept so far."""
        return self._slept

    def sleep(self, seconds: float) -> None:
        """Let only the stopwatch go on."""
        self._slept += seconds


@dataclass(frozen=True)
class Ended:
    """What one run left behind: its row of `job_run`, and those of the log by table."""

    success: bool
    job: Mapping[str, Any]
    logs: Mapping[str, Sequence[Mapping[str, Any]]]

    @property
    def told(self) -> dict[str, Told]:
        """Return how each table ended, over all its partitions."""
        return {table: told(rows) for table, rows in self.logs.items()}

    def why(self, table: str) -> str:
        """Return what the log says of a table's failure."""
        return " ".join(row["reason"] or "" for row in self.logs[table])


def told(rows: Sequence[Mapping[str, Any]]) -> Told:
    """Return status, outcome and missing parts of a table's rows of the log."""
    ((status, outcome),) = {(row["status"], row["outcome"]) for row in rows}
    details = [json.loads(row["detail"] or "{}") for row in rows]
    parts = (part for detail in details for part in detail.get("failed", ()))
    return status, outcome, tuple(dict.fromkeys(parts))


@dataclass
class Stage:
    """A pipeline whose clock stands still, and what it stored when every upstream lived.

    first  the runs that stored it
    """

    pipeline: Any
    definitions: dg.Definitions
    instance: dg.DagsterInstance
    first: set[str] = field(default_factory=set)
    digests: dict[str, str] = field(default_factory=dict)

    def run(self, name: str) -> Ended:
        """Execute a job over its days: the evening over two."""
        done = self.definitions.resolve_job_def(name).execute_in_process(
            instance=self.instance,
            asset_selection=[dg.AssetKey(table) for table in FILLED[name]],
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            tags={
                "dagster/asset_partition_range_start": THURSDAY if name == EVENING else FRIDAY,
                "dagster/asset_partition_range_end": FRIDAY,
            },
            raise_on_error=False,
        )
        (job,) = self.pipeline.rows("SELECT * FROM job_run WHERE job_id = :id", id=done.run_id)
        rows = self.pipeline.log_of(done.run_id)
        told = dict.fromkeys(row["asset"] for row in rows)
        logs = {table: [row for row in rows if row["asset"] == table] for table in told}
        return Ended(done.success, job, logs)

    def keep(self, ended: Sequence[Ended]) -> None:
        """Remember what is stored."""
        self.first = {one.job["job_id"] for one in ended}
        self.digests = {name: self.pipeline.digest(name) for name in TABLES}
        assert not [name for name, told in self.digests.items() if told.startswith("0 rows")]
        self.execute("CREATE SCHEMA kept")
        for name in TABLES:
            self.execute(f"CREATE TABLE kept.{name} AS TABLE market.{name}")

    def leave(self, hurt: Mapping[str, Lost]) -> None:
        """Empty everything but the rows, or columns, of the parts that will not come."""
        self.empty()
        for name, lost in hurt.items():
            if name == METRIC:
                self.execute(f"INSERT INTO {name} SELECT * FROM kept.{name}")
                others = (column for part in COLUMNS.keys() - set(lost) for column in COLUMNS[part])
                self.execute(f"UPDATE {name} SET {', '.join(f'{o} = NULL' for o in others)}")
            where = stays(name, lost)
            self.execute(f"INSERT INTO {name} SELECT * FROM kept.{name} WHERE {where}")
        self.execute(EARLIER)

    def empty(self) -> None:
        """Empty every table, and what is known of earlier runs."""
        self.pipeline.forget(*TABLES)
        self.execute("TRUNCATE upstream_budget")

    def execute(self, statement: str) -> None:
        """Execute a statement."""
        self.pipeline.database.execute(statement)

    def count(self, name: str) -> int:
        """Return how many rows a table has."""
        return int(self.pipeline.value(f"SELECT count(*) FROM {name}"))

    def writers(self, name: str, where: str) -> set[str]:
        """Return the runs that wrote these rows of a table."""
        query = f"SELECT DISTINCT run_id FROM {name} WHERE {where} AND run_id <> 'earlier'"
        return {row["run_id"] for row in self.pipeline.rows(query)}


@pytest.fixture(scope="module")
def stage(
    another: Callable[..., Any],
    running: Callable[..., Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stage]:
    """Return an empty pipeline that knows its assets, in front of a twin of its own."""
    clock, world = StillClock(), World(companies=COMPANIES, end=NOW.date())
    played = [module.UPSTREAM(world, clock.now) for module in upstream_modules()]
    with Twin(played, state=(folder := tmp_path_factory.mktemp("twin"))) as twin:
        pipeline = another(twin, mode="live", FDR_MAX_RETRIES="0")
        with running(pipeline) as runs:
            runs.collect("asset_master", None)
            pipeline.database.execute(f"UPDATE asset_master SET is_active = {ACTIVE}")
            database = Database(pipeline.database.url, clock=clock)
            own = {"clock": clock, "db": database, "calendar": MarketCalendar(clock)}
            definitions = dg.Definitions(
                assets=[found.asset for found in discovery.table_assets()],
                jobs=schedules.jobs(),
                resources={**resources(), **own},
                executor=dg.in_process_executor,
            )
            # Dagster's own events are not needed: in PostgreSQL they would be most of the work.
            yield Stage(pipeline, definitions, dg.DagsterInstance.ephemeral(tempdir=str(folder)))
            database.close()


@pytest.fixture(scope="module")
def lived(stage: Stage) -> Stage:
    """Return the pipeline after a day on which every upstream lived."""
    stage.empty()
    stage.execute(EARLIER)
    ended = []
    for name, upstreams in ASKED.items():
        with stage.pipeline.listening() as heard:
            one = stage.run(name)
        assert {request.upstream for request in heard} == upstreams
        assert (one.success, one.job["status"]) == (True, "success")
        assert one.told == dict.fromkeys(FILLED[name], WHOLE)
        ended.append(one)
    stage.keep(ended)
    return stage


@pytest.mark.parametrize("fault", DEATHS)
def test_what_one_upstream_does_not_bring_is_named_and_nothing_else_is_lost(
    lived: Stage, fault: str
) -> None:
    error, hurt = DEATHS[fault]
    target = fault.split(":")[0]
    jobs = [name for name, asked in ASKED.items() if HOSTS.get(target, target) in asked]
    lived.leave(hurt)
    with lived.pipeline.twin.inject(fault):
        ended = {name: lived.run(name) for name in jobs}
    for name, one in ended.items():
        _require_told(one, FILLED[name], error, hurt)
    # As if it had lived: what did not come is still there, the rest came again.
    runs = {one.job["job_id"] for one in ended.values()}
    for table in (table for name in jobs for table in FILLED[name]):
        assert lived.pipeline.digest(table) == lived.digests[table]
        where = stays(table, hurt[table]) if table in hurt else "false"
        assert lived.writers(table, where) <= lived.first
        assert lived.writers(table, f"NOT ({where})") <= runs


def _require_told(
    ended: Ended, tables: Sequence[str], error: str, hurt: Mapping[str, Lost]
) -> None:
    """Hold what a run says of itself against what could not come."""
    expected = dict.fromkeys(tables, WHOLE)
    for table in set(tables) & hurt.keys():
        lost = hurt[table]
        expected[table] = ("failed", lost, ()) if isinstance(lost, str) else (*WHOLE[:2], lost)
        assert error in ended.why(table) or WORDS[error] in ended.why(table)
    assert ended.told == expected
    dead = sorted(table for table in tables if expected[table][0] == "failed")
    errors = json.loads(ended.job["error_message"] or "[]")
    assert [(one["asset"], one["partition"]) for one in errors] == [(name, FRIDAY) for name in dead]
    assert all(one["error"].startswith(f"{error}: ") for one in errors)
    assert (ended.success, ended.job["status"]) == (set(dead) <= OPTIONAL, "partial_failure")


def test_without_the_key_of_fred_the_index_says_what_it_lacks(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.empty()
    monkeypatch.delenv("FRED_API_KEY")
    with stage.pipeline.listening() as heard:
        ended = stage.run(LIQUIDITY)
    assert {request.upstream for request in heard} == {"yahoo", "google_news", "fed"}
    assert (ended.success, ended.job["status"]) == (True, "partial_failure")
    whole = dict.fromkeys(FILLED[LIQUIDITY], WHOLE)
    assert ended.told == whole | {MACRO: ("completed", "skipped", ())}
    assert ended.why(MACRO).startswith("SettingMissing: FRED_API_KEY is not set")
    assert stage.count(MACRO) == 0
    (row,) = stage.pipeline.rows("SELECT * FROM stress_index")
    assert (row["coverage"], row["level"]) == (0.55, "normal")
    assert (row["credit_score"], row["funding_score"]) == (None, None)
    there = [row[f"{name}_score"] for name in ("vol", "treasury", "news", "fed_tone")]
    weighted = sum(w * score for w, score in zip((0.25, 0.15, 0.10, 0.05), there, strict=True))
    # Scores are stored with three decimals, the total is computed from unrounded ones.
    assert row["total_score"] == pytest.approx(weighted / 0.55, abs=0.0011)


def test_without_any_input_the_index_is_unknown_and_the_run_fails(stage: Stage) -> None:
    stage.empty()
    with stage.pipeline.twin.inject("fred:down;yahoo:429;google_news:html;fed:status=500"):
        ended = stage.run(LIQUIDITY)
    assert (ended.success, ended.job["status"]) == (False, "failure")
    failed = dict.fromkeys(FILLED[LIQUIDITY], ("failed", "error", ()))
    assert ended.told == failed | {PRICE: ("failed", "quota", ())}
    (row,) = stage.pipeline.rows("SELECT * FROM stress_index")
    assert (row["level"], row["coverage"]) == ("unknown", 0)
    assert [value for name, value in row.items() if name.endswith("_score")] == [None] * 7
    assert [stage.count(name) for name in FILLED[LIQUIDITY]] == [0, 0, 0, 0, 1]


def test_a_part_that_never_came_is_null_and_not_zero(stage: Stage) -> None:
    stage.empty()
    dying = "coingecko:status=500;stablecoins.llama.fi:down;alternative_me:html"
    with stage.pipeline.twin.inject(dying):
        ended = stage.run(CRYPTO)
    assert set(ended.told[METRIC][2]) == {SIZE, RATIO, STABLE, FEAR}
    (row,) = stage.pipeline.rows("SELECT * FROM crypto_metric")
    absent = [name for name, value in row.items() if value is None]
    assert sorted(absent) == sorted(n for part in COLUMNS if part != LOCKED for n in COLUMNS[part])
    assert (row["origins"], row["total_tvl_usd"] > 0) == ("DEFILLAMA", True)
    assert [stage.count(name) for name in FILLED[CRYPTO]] == [0, 1, 20]


# ---- the command, on the machine's clock: a refusal that may be repeated at once


@pytest.mark.parametrize(
    ("faults", "keyless", "bad"),
    [
        ("", False, {}),
        (
            "alternative_me:429=0;fred:429=0",
            False,
            {METRIC: ("completed", "rows", [FEAR]), MACRO: ("failed", "quota", None)},
        ),
        ("", True, {MACRO: ("completed", "skipped", None)}),
    ],
    ids=["all live", "a part and a table are dead", "without a key"],
)
def test_collect_ends_with_1_and_names_what_did_not_come(
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    faults: str,
    keyless: bool,
    bad: dict[str, Any],
) -> None:
    stage.empty()
    if keyless:
        monkeypatch.delenv("FRED_API_KEY")
    arguments = ["--assets", f"{METRIC},{MACRO}", "--start", FRIDAY, "--json"]
    monkeypatch.setattr(sys, "argv", ["stock-pipeline", "collect", *arguments])
    with stage.pipeline.twin.inject(faults), pytest.raises(SystemExit) as ended:
        main()
    assert (ended.value.code or 0) == (1 if bad else 0)
    printed = {
        row["asset"]: (row["status"], row["outcome"], json.loads(row["failed"] or "null"))
        for row in json.loads(capsys.readouterr().out)
    }
    assert printed == dict.fromkeys((METRIC, MACRO), ("completed", "rows", None)) | bad
