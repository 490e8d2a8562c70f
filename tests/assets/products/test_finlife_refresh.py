"""Whole refreshes of finlife: from the twin over the wire into PostgreSQL, and again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from stock_pipeline.assets.finlife_columns import GROUPS
from stock_pipeline.assets.products import (
    annuity_savings_products,
    credit_loan_products,
    deposit_products,
    mortgage_loan_products,
    rent_house_loan_products,
    savings_products,
)
from stock_pipeline.redaction import Scrubber
from stock_pipeline.sources.fss import Fss
from stock_pipeline.sources.transport import Transport
from stock_pipeline.storage import collection_log, ddl
from stock_pipeline.storage.archive import FileArchive
from stock_pipeline.storage.budget import PostgresBudget
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import Table
from stock_pipeline.table_asset import TableAsset
from stock_pipeline.twin import fss as upstream
from stock_pipeline.twin.environment import REMOVED
from stock_pipeline.twin.replay import load_replay
from stock_pipeline.twin.server import Twin
from stock_pipeline.twin.world_products import Products

PAIRS: tuple[TableAsset, ...] = (
    deposit_products.deposit_products,
    savings_products.savings_products,
    annuity_savings_products.annuity_savings_products,
    mortgage_loan_products.mortgage_loan_products,
    rent_house_loan_products.rent_house_loan_products,
    credit_loan_products.credit_loan_products,
)
DEPOSITS = PAIRS[:1]

Row = dict[str, Any]


@dataclass
class Bench:
    """A database with the tables of the pairs, in front of a twin."""

    database: Database
    clock: Any
    twin: Twin
    folder: Path

    def run(
        self, pairs: Sequence[TableAsset], month: str, faults: Sequence[str] = ()
    ) -> list[dict[str, Any]]:
        """Collect a month in one Dagster run and return what the log says of each table."""
        archive = FileArchive(self.folder, clock=self.clock)
        budget = PostgresBudget(self.database)
        transport = Transport(budget, archive, self.clock, Scrubber(), pace_factor=0)
        resources = {
            "db": self.database,
            "archive": archive,
            "clock": self.clock,
            "calendar": object(),
            "settings": SimpleNamespace(row_source=None),
            "job_run": object(),
            "fss": Fss(transport, "k" * 32),
        }
        with self.twin.inject(*faults), dg.DagsterInstance.ephemeral() as instance:
            result = dg.materialize(
                [pair.asset for pair in pairs],
                resources=resources,
                partition_key=month,
                instance=instance,
                raise_on_error=False,
            )
        logged = "SELECT * FROM data_collection_log WHERE run_id = :run"
        return self.database.read(logged, {"run": result.run_id}).to_dicts()

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return self.database.read(statement).rows()


@pytest.fixture
def bench(
    database: Database,
    clock: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Bench]:
    """Return the pairs' empty tables, and lead this process to the twin."""
    tables = [table for pair in PAIRS for table in pair.work.tables]
    today = clock.now().date()
    ddl.prepare(database, [*collection_log.TABLES, *tables], [], mode="live", today=today)
    world: Any = SimpleNamespace(products=Products(7))
    with Twin([upstream.Fss(world, clock.now)], state=tmp_path / "twin") as twin:
        lead_to(twin, monkeypatch)
        yield Bench(database, clock, twin, tmp_path / "raw")


def lead_to(twin: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process find the upstreams at the twin."""
    for name in REMOVED:
        monkeypatch.delenv(name, raising=False)
    for name, value in twin.environment({}).items():
        monkeypatch.setenv(name, value)


def changes(logs: Sequence[dict[str, Any]]) -> Counter[str]:
    """Return what several tables have got altogether."""
    names = ("inserted", "updated", "unchanged", "deleted", "rejected")
    return +Counter({name: sum(row[name] for row in logs) for name in names})


def test_a_full_refresh_costs_91_requests_and_a_second_one_changes_nothing(bench: Bench) -> None:
    logs = bench.run(PAIRS, "2026-03-01")
    assert {(row["status"], row["outcome"], row["validation_status"]) for row in logs} == {
        ("completed", "rows", "pass")
    }
    asked = Counter(request.operation for request in bench.twin.requests)
    assert asked == {
        "depositProductsSearch": 5,
        "savingProductsSearch": 7,
        "annuitySavingProductsSearch": 64,
        "mortgageLoanProductsSearch": 5,
        "rentHouseLoanProductsSearch": 5,
        "creditLoanProductsSearch": 5,
    }
    assert {row["asset"]: row["inserted"] for row in logs} == {
        "deposit_products": 137,
        "deposit_rate_options": 588,
        "savings_products": 328,
        "savings_rate_options": 1_573,
        "annuity_savings_products": 343,
        "annuity_savings_options": 17_836,
        "mortgage_loan_products": 113,
        "mortgage_loan_options": 292,
        "rent_house_loan_products": 57,
        "rent_house_loan_options": 93,
        "credit_loan_products": 112,
        "credit_loan_options": 270,
    }
    stamped = "SELECT DISTINCT source, run_id = :run FROM annuity_savings_options"
    assert bench.database.read(stamped, {"run": logs[0]["run_id"]}).rows() == [("FSS", True)]
    again = bench.run(PAIRS, "2026-03-01")
    assert len(again) == 12
    assert changes(again) == {"unchanged": 21_742}


def test_a_stored_deposit_is_the_one_that_the_twin_offers(bench: Bench) -> None:
    bench.run(DEPOSITS, "2026-03-01")
    (row,) = bench.database.read(
        "SELECT * FROM deposit_products WHERE fin_co_no = '0010004' AND product_name LIKE '%\n%'"
        " AND product_name LIKE '% 4호%'"
    ).to_dicts()
    assert row["product_name"].splitlines()[0] == "다솜 정기예금 4호"
    assert row["mtrt_int"] == "만기 후\n- 1개월이내 : 약정이율×50%\n- 1개월초과 : 약정이율×20%"
    assert row["fin_co_subm_day"] == datetime(2026, 2, 20, 3, 3, tzinfo=UTC)
    quoted = bench.rows("SELECT DISTINCT spcl_cnd FROM deposit_products WHERE spcl_cnd LIKE '\"%'")
    assert quoted == [('"급여이체" 고객 : 연 0.2%p\r\n- 첫거래 : 연 0.1%p',)]


def test_fss_trap_5_only_a_complete_refresh_marks_what_is_gone(bench: Bench) -> None:
    bench.run(DEPOSITS, "2026-03-01")
    kept = "SELECT count(*) FROM deposit_rate_options"
    (before,) = bench.rows(kept)[0]
    gone = "SELECT count(*), min(fetched_at) FROM deposit_products WHERE NOT is_active"
    bench.clock.instant = datetime(2026, 6, 25, 4, 0, tzinfo=UTC)

    # The third group fails twice: it is asked once more after a page that is no answer.
    logs = bench.run(DEPOSITS, "2026-06-01", ["depositProductsSearch:html@3*2"])
    assert {row["status"] for row in logs} == {"completed"}
    assert all('"030300 savings banks: ' in row["detail"] for row in logs)
    assert bench.rows(gone) == [(0, None)]

    complete = bench.run(DEPOSITS, "2026-06-01")
    (withdrawn, _) = bench.rows(gone)[0]
    assert withdrawn > 0
    assert bench.rows("SELECT count(*) FROM deposit_products WHERE is_active") == [(137,)]
    assert changes(complete)["deleted"] == 0
    sent = {row["asset"]: (row["received"], row["requests"]) for row in complete}
    assert sent["deposit_products"] == (137, 5), "what is gone was not sent"
    (offered,) = bench.rows("SELECT count(*) FROM deposit_rate_options WHERE is_active")[0]
    assert sent["deposit_rate_options"] == (offered, 0), "the requests stand with the products"
    (after,) = bench.rows(kept)[0]
    assert after > before
    # Last values stay, and so do the options, which are not offered any more either.
    left = "SELECT DISTINCT o.is_active FROM deposit_products p JOIN deposit_rate_options o"
    assert bench.rows(f"{left} USING (fin_co_no, fin_prdt_cd) WHERE NOT p.is_active") == [(False,)]
    still = "SELECT count(*) FROM deposit_products WHERE NOT is_active AND dcls_month <= '202603'"
    assert bench.rows(still) == [(withdrawn,)]

    again = bench.run(DEPOSITS, "2026-06-01")
    assert (changes(again)["inserted"], changes(again)["updated"]) == (0, 0)


@pytest.mark.parametrize(
    ("fault", "outcome", "requests"),
    [
        ("fss:fss=010", "auth_expired", 1),
        ("depositProductsSearch:fss=020@3", "quota", 3),
    ],
)
def test_f34_a_refusal_writes_nothing(
    bench: Bench, fault: str, outcome: str, requests: int
) -> None:
    logs = bench.run(DEPOSITS, "2026-03-01", [fault])
    assert {(row["status"], row["outcome"]) for row in logs} == {("failed", outcome)}
    assert len(bench.twin.requests) == requests
    assert bench.rows("SELECT count(*) FROM deposit_products") == [(0,)]


# ---- recorded answers

SAVER = {"kor_co_nm": "bank_name", "fin_prdt_nm": "product_name"}
RATES = {"intr_rate": "intr_rate_pct", "intr_rate2": "intr_rate2_pct"}
RATES |= {f"lend_rate_{name}": f"lend_rate_{name}_pct" for name in ("min", "max", "avg")}


def representative(options: Sequence[Row]) -> Row:
    """Return the rate that stands for a product: 12 months and simple, else the shortest term."""

    def rank(option: Row) -> tuple[Any, ...]:
        compound = option["intr_rate_type"] != "S"
        free = option.get("rsrv_type", "S") != "S"
        unusual = compound or free or option["save_trm"] != "12"
        return unusual, int(option["save_trm"]), compound, free

    best = min((one for one in options if one["intr_rate"] is not None), key=rank)
    return {
        "representative_rate_pct": best["intr_rate"],
        "representative_term_months": int(best["save_trm"]),
    }


def by_key(rows: Sequence[Row], table: Table) -> dict[tuple[Any, ...], Row]:
    """Return rows by the key of their table, with its own columns only."""
    listed = [{name: row[name] for name in table.frame_schema} for row in rows]
    found = {tuple(row[name] for name in table.keys): row for row in listed}
    assert len(found) == len(listed), "a key stands twice"
    return found


def without_others(folder: Path, request: Path) -> Path:
    """Make answers of the groups that are not recorded: they offer nothing."""
    folder.mkdir()
    counts = {"total_count": 0, "max_page_no": 0, "now_page_no": 1, "err_cd": "000"}
    nothing = {"result": {**counts, "err_msg": "정상", "baseList": [], "optionList": []}}
    (folder / "nothing.json").write_text(json.dumps(nothing), encoding="utf-8")
    recording = json.loads(request.read_bytes())
    for group in GROUPS.keys() - {recording["query"]["topFinGrpNo"]}:
        query = {"topFinGrpNo": group, "pageNo": "1"}
        made = {**recording, "query": query, "body": "nothing.json"}
        (folder / f"{group}.request.json").write_text(json.dumps(made), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("pair", "service", "group", "counts"),
    [
        (PAIRS[0], "depositProductsSearch", "020000", (19, 67)),
        (PAIRS[1], "savingProductsSearch", "020000", (32, 112)),
        (PAIRS[3], "mortgageLoanProductsSearch", "050000", (11, 19)),
        (PAIRS[4], "rentHouseLoanProductsSearch", "050000", (5, 6)),
    ],
)
def test_every_field_of_a_recorded_answer_is_stored(
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    recorded: Path,
    plain: Any,
    pair: TableAsset,
    service: str,
    group: str,
    counts: tuple[int, int],
) -> None:
    answer = recorded / "fss" / f"{service}_202405.json"
    made = without_others(bench.folder.parent / "made", answer.with_suffix(".request.json"))
    replay = load_replay([recorded / "fss", made])
    with Twin([], replay=replay, state=bench.folder / "twin") as twin:
        lead_to(twin, monkeypatch)
        logs = replace(bench, twin=twin).run([pair], "2026-03-01")
    assert {(row["status"], row["outcome"], row["detail"]) for row in logs} == {
        ("completed", "rows", None)
    }

    result = json.loads(answer.read_bytes())["result"]
    products, options = [], []
    for row in result["optionList"]:
        term = {"save_trm": int(row["save_trm"])} if "save_trm" in row else {}
        options.append({**plain(row, RATES), **term})
    for row in result["baseList"]:
        if pair in PAIRS[:2]:
            of = [one for one in result["optionList"] if one["fin_prdt_cd"] == row["fin_prdt_cd"]]
            products.append({**plain(row, SAVER, group), **representative(of)})
        else:
            products.append(plain(row, {}, group))
    for table, expected, count in zip(pair.work.tables, (products, options), counts, strict=True):
        stored = bench.database.read(f"SELECT * FROM {table.name}").to_dicts()
        assert by_key(stored, table) == by_key(expected, table)
        assert len(stored) == count
    assert result["total_count"] == counts[0]


def test_a_month_that_is_over_is_not_asked_for(bench: Bench) -> None:
    logs = bench.run(DEPOSITS, "2026-02-01")
    assert {(row["outcome"], row["reason"]) for row in logs} == {("no_data", "no_history")}
    assert bench.twin.requests == []
