"""The whole command: unmodified libraries in a child process before recorded answers."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from stock_pipeline.twin.command import Setup, serve_and_run
from stock_pipeline.twin.request_log import read_log

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(
    twin_state: Path,
    recorded: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Run:
    """Return a function that runs Python text before a folder of recordings."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.delenv("KRX_ID", raising=False)
    monkeypatch.delenv("KRX_PW", raising=False)

    def ran(text: str, folder: str, **options: Any) -> tuple[int, str]:
        setup = Setup(state=twin_state, replay=(recorded / folder,), **options)
        status = serve_and_run([sys.executable, "-c", textwrap.dedent(text)], setup)
        return status, capfd.readouterr().out

    return ran


def test_pykrx_logs_in_and_reads_a_recorded_day(run: Run, tmp_path: Path) -> None:
    status, output = run(
        """
        from pykrx.website.krx.market.core import 전종목시세
        day = 전종목시세().fetch("20201230", "ALL")
        print("rows", len(day), day.loc[day.ISU_SRT_CD == "005930", "TDD_CLSPRC"].item())
        """,
        "krx",
        log_path=tmp_path / "requests.jsonl",
    )
    assert (status, output.splitlines()[-1]) == (0, "rows 2531 81,000")
    operations = [entry.operation for entry in read_log(tmp_path / "requests.jsonl")]
    assert operations.count("MDCCOMS001D1") == 1
    assert operations[-1] == "MDCSTAT01501"


def test_finance_datareader_reads_the_listing_of_the_chosen_day(run: Run) -> None:
    status, output = run(
        """
        import FinanceDataReader as fdr
        listing = fdr.StockListing("KRX")
        print("rows", len(listing), listing.Code[0])
        """,
        "fdr",
        day=date(2026, 3, 13),
    )
    assert (status, output.splitlines()[-1]) == (0, "rows 2881 005930")


def test_what_was_not_recorded_is_unknown(run: Run, tmp_path: Path) -> None:
    log = tmp_path / "requests.jsonl"
    status, output = run(
        """
        import requests
        print(requests.post(
            "https://data.krx.co.kr/comm/bldAttendant/getJsonData.cmd",
            data={"bld": "dbms/MDC/STAT/standard/MDCSTAT01501", "trdDd": "20260313"},
        ).status_code)
        print(requests.get("https://example.com/").status_code)
        """,
        "krx",
        log_path=log,
    )
    assert (status, output.split()) == (0, ["502", "502"])
    assert [entry.status for entry in read_log(log)] == [502, 502]


def test_recordings_and_faults_go_together(run: Run) -> None:
    status, output = run(
        """
        import json, os, requests
        url = "https://opendart.fss.or.kr/api/corpCode.xml"
        params = {"crtfc_key": os.environ["DART_API_KEY"]}
        for _ in range(2):
            answer = requests.get(url, params=params)
            print(json.dumps([answer.status_code, answer.headers["Content-Type"], answer.text[:2]]))
        """,
        "dart",
        faults=("opendart.fss.or.kr:dart=800*1",),
    )
    first, second = (json.loads(line) for line in output.splitlines())
    assert status == 0
    assert first == [200, "application/xml;charset=UTF-8", "<?"]
    assert second == [200, "application/x-msdownload", "PK"]
