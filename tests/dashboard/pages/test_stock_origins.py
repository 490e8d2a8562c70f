"""Where a number comes from: the run, the log, and the raw answer as a file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from stock_pipeline.dashboard import errors
from stock_pipeline.dashboard.context import Context
from stock_pipeline.dashboard.pages import stock_origins
from stock_pipeline.sources.transport import Exchange
from stock_pipeline.storage.archive import FileArchive
from stock_pipeline.storage.database import Database

DAY = "2026-03-13"
AT = datetime(2026, 3, 13, 7, 31, tzinfo=UTC)
BODY = b'{"OutBlock_1": [{"ISU_SRT_CD": "005930"}], "note": "<script>alert(1)</script>"}'
DIGEST = hashlib.sha256(BODY).hexdigest()
PAGE = f"/stocks/005930/origins/stock_price_daily/{DAY}"
# By the rule of the seeded market: the run of a session is the digest of its words.
RUN = hashlib.md5(b"prices 2026-03-13", usedforsecurity=False).hexdigest()
RUN_ID = "-".join((RUN[:8], RUN[8:12], RUN[12:16], RUN[16:20], RUN[20:]))


class Site:
    """A client of the pages and the archive behind them."""

    def __init__(self, client: TestClient, archive: FileArchive, folder: Path) -> None:
        self.client, self.archive, self.folder = client, archive, folder

    def keep(self, body: bytes, *, asset: str, partition: str, run_id: str) -> str:
        """File an answer as a collection does and return its digest."""
        params = {"mktId": "ALL", "trdDd": partition}
        with self.archive.scope(asset=asset, partition=partition, run_id=run_id):
            self.archive.store(
                Exchange(
                    "KRX", "MDC/STAT01501", params, AT, "application/json; charset=UTF-8", body
                )
            )
        return hashlib.sha256(body).hexdigest()


@pytest.fixture
def site(seeded: Database, context_of: Callable[..., Context], tmp_path: Path) -> Iterator[Site]:
    """Return the pages over an archive with one answer."""
    archive = FileArchive(tmp_path, clock=seeded.clock)
    context = context_of(seeded, archive=archive)
    app = FastAPI()
    app.include_router(stock_origins.routes(context))
    errors.install(app, context)
    with TestClient(app) as client:
        site = Site(client, archive, tmp_path)
        site.keep(BODY, asset="stock_price_daily", partition=DAY, run_id=RUN_ID)
        yield site


def test_a_number_leads_to_its_run_its_log_and_its_answer(site: Site) -> None:
    page = site.client.get(PAGE).text
    for told in (
        f'href="/runs/{RUN_ID}"',
        "2026-03-13 16:31",  # in Seoul
        "krx_close",
        "9700",  # the stored close
        "trdDd=2026-03-13",
        f'href="{PAGE}/{DIGEST}"',
    ):
        assert told in page, told


def test_f60_an_answer_is_a_file_to_save_and_never_a_page(site: Site) -> None:
    answer = site.client.get(f"{PAGE}/{DIGEST}")
    assert answer.content == BODY
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    name = f"KRX-MDC-STAT01501-{DIGEST[:12]}.json"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'


@pytest.mark.parametrize(
    ("asset", "partition", "run_id"),
    [
        ("stock_price_daily", DAY, "another-run"),
        ("stock_price_daily", "2026-03-12", RUN_ID),  # another day of the same run
        ("stocks", DAY, RUN_ID),  # another table of the same run
    ],
)
def test_f65_an_answer_behind_another_number_is_not_given_out(
    site: Site, asset: str, partition: str, run_id: str
) -> None:
    digest = site.keep(b"not yours", asset=asset, partition=partition, run_id=run_id)
    assert site.client.get(f"{PAGE}/{digest}").status_code == 404
    assert digest not in site.client.get(PAGE).text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{PAGE}/{'0' * 64}", 404),
        (f"{PAGE}/..%2F..%2Findex", 404),
        (f"{PAGE}/{'g' * 64}", 422),
        (f"{PAGE}/{DIGEST[:63]}", 422),
        ("/stocks/005930/origins/ops_alert/2026-03-13", 404),  # no table of shares
        ("/stocks/005930/origins/stocks; DROP TABLE stocks/2026-03-13", 404),
        ("/stocks/999999/origins/stock_price_daily/2026-03-13", 404),
        ("/stocks/005930/origins/stock_price_daily/2026-03-14", 404),  # a Saturday
        ("/stocks/005930/origins/stock_price_daily/today", 422),
    ],
)
def test_f65_only_what_is_stored_has_an_origin(site: Site, path: str, status: int) -> None:
    assert site.client.get(path).status_code == status


@pytest.mark.parametrize("harm", ["lost", "altered"])
def test_an_answer_that_is_not_what_it_was_is_not_given_out(site: Site, harm: str) -> None:
    (file,) = site.folder.rglob("*.zst")
    if harm == "lost":
        file.unlink()
    else:
        file.write_bytes(b"something else")
    answer = site.client.get(f"{PAGE}/{DIGEST}")
    assert answer.status_code == 404
    assert "없어졌거나 바뀌었습니다" in answer.text


def test_a_computed_number_leads_to_its_inputs(site: Site) -> None:
    page = site.client.get(f"/stocks/005930/origins/compass_score/{DAY}").text
    assert "저장된 자료로 계산" in page
    assert f'href="/stocks/005930?as_of={DAY}"' in page


def test_of_many_answers_those_about_the_company_are_shown(site: Site) -> None:
    run = hashlib.md5(b"filings", usedforsecurity=False).hexdigest()
    run_id = "-".join((run[:8], run[8:12], run[12:16], run[16:20], run[20:]))
    asked = datetime(2025, 3, 20, 2, 0, tzinfo=UTC)
    month = site.folder / "DART" / "index-2025-03.jsonl"
    for company, body in (("00000001,00000003", b"with it"), ("00000004", b"without")):
        with site.archive.scope(asset="financial_statement", partition="2024-10-01", run_id=run_id):
            params = {"corp_code": company}
            site.archive.store(
                Exchange("DART", "fnlttMultiAcnt", params, asked, "application/json", body)
            )
    # Filed by the held clock in March 2026; the answers are of a year before.
    (site.folder / "DART" / "index-2026-03.jsonl").rename(month)
    page = site.client.get("/stocks/005930/origins/financial_statement/2025-03-20").text
    assert hashlib.sha256(b"with it").hexdigest() in page
    assert hashlib.sha256(b"without").hexdigest() not in page
