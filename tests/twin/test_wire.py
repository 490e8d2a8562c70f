"""What a request is called before anybody has answered it, and where a body is cut."""

from __future__ import annotations

import pytest

from stock_pipeline.twin.wire import Request, cut_at, operation_of

KRX = "data.krx.co.kr"
LISTING = "/FinanceData/fdr_krx_data_cache/refs/heads/master/data/listing/krx/2026-03-13.csv"


@pytest.mark.parametrize(
    ("request_", "operation"),
    [
        (
            Request("POST", KRX, "/a.cmd", form={"bld": "dbms/MDC/STAT/standard/MDCSTAT01501"}),
            "MDCSTAT01501",
        ),  # KRX statistics share one path
        (Request("GET", KRX, "/a.cmd", query={"key": "B128.bld"}), "B128"),  # so do its bundles
        (Request("POST", KRX, "/contents/MDC/COMS/client/MDCCOMS001D1.cmd"), "MDCCOMS001D1"),
        (Request("GET", KRX, "/contents/MDC/COMS/client/MDCCOMS001.cmd"), "MDCCOMS001"),
        (Request("GET", KRX, "/contents/MDC/COMS/client/view/login.jsp"), "login.jsp"),
        (Request("GET", "opendart.fss.or.kr", "/api/corpCode.xml"), "corpCode"),
        (Request("GET", "raw.githubusercontent.com", LISTING), "listing/krx"),  # named by day
        (Request("GET", "h", "/"), "/"),
    ],
)
def test_operation_is_told_by_the_request(request_: Request, operation: str) -> None:
    assert operation_of(request_) == operation


@pytest.mark.parametrize(
    ("place", "size", "cut"),
    [("0", 10, 0), ("10", 10, 10), ("11", 10, 10), ("50%", 10, 5), ("99.9%", 10, 9), ("1%", 0, 0)],
)
def test_place_in_a_body_is_a_number_of_bytes(place: str, size: int, cut: int) -> None:
    assert cut_at(place, size) == cut
