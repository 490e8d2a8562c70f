"""The filing system: statuses, pages, versions, and its answers held to the recorded ones."""

from __future__ import annotations

import io
import json
import re
import zipfile
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from stock_pipeline.twin.dart import Dart
from stock_pipeline.twin.wire import Answer, Request
from stock_pipeline.twin.world import World

KST = timezone(timedelta(hours=9))
EVENING = datetime(2026, 3, 13, 18, 0, tzinfo=KST)
SAMSUNG = "00126380"
KEY = "k" * 40

Told = dict[str, Any]


class Service:
    """The service at a held time."""

    def __init__(self, world: World, now: datetime = EVENING) -> None:
        self.now = now
        self._dart = Dart(world, lambda: self.now)

    def answer(self, page: str, **query: str) -> Answer:
        request = Request("GET", "opendart.fss.or.kr", f"/api/{page}", {"crtfc_key": KEY} | query)
        answer = self._dart.answer(request)
        assert answer is not None
        return answer

    def tell(self, page: str, **query: str) -> Told:
        told: Told = json.loads(self.answer(f"{page}.json", **query).body)
        return told

    def main(self, codes: str = SAMSUNG, year: str = "2024", report: str = "11011") -> Told:
        return self.tell("fnlttMultiAcnt", corp_code=codes, bsns_year=year, reprt_code=report)

    def full(self, code: str = SAMSUNG, report: str = "11011", basis: str = "CFS") -> Told:
        asked = {"corp_code": code, "bsns_year": "2024", "reprt_code": report, "fs_div": basis}
        return self.tell("fnlttSinglAcntAll", **asked)


@pytest.fixture(scope="module")
def world() -> World:
    return World(companies=400, end=date(2026, 3, 20))


@pytest.fixture
def service(world: World) -> Service:
    return Service(world)


def recording(folder: Path, name: str) -> tuple[dict[str, Any], Told]:
    request = json.loads((folder / "dart" / f"{name}.request.json").read_text("utf-8"))
    return request, json.loads((folder / "dart" / request["body"]).read_text("utf-8"))


def amount(rows: list[Told], label: str, field: str = "thstrm_amount") -> int:
    return int(next(row for row in rows if row["account_nm"] == label)[field].replace(",", ""))


def of_basis(told: Told, basis: str) -> list[Told]:
    return [row for row in told["list"] if row["fs_div"] == basis]


def shape(value: object) -> str:
    return re.sub(r"(,9)+", ",9", re.sub(r"\d+", "9", str(value)))


def test_main_accounts_are_written_as_recorded(service: Service, recorded: Path) -> None:
    request, expected = recording(recorded, "fnlttMultiAcnt")
    answer = service.answer("fnlttMultiAcnt.json", **request["query"])
    told = json.loads(answer.body)
    assert (answer.status, answer.content_type) == (request["status"], request["content_type"])
    assert list(told) == list(expected)
    row, model = told["list"][0], expected["list"][0]
    assert list(row) == list(model)
    for field in model:
        assert shape(row[field]) == shape(model[field]), field
    for same in ("account_nm", "fs_nm", "sj_nm", "thstrm_dt", "bfefrmtrm_dt", "ord", "currency"):
        assert row[same] == model[same]


def test_full_accounts_are_written_as_recorded(service: Service, recorded: Path) -> None:
    request, expected = recording(recorded, "fnlttSinglAcntAll_00126380_2023_11011_CFS")
    answer = service.answer("fnlttSinglAcntAll.json", **request["query"])
    assert (answer.status, answer.content_type) == (request["status"], request["content_type"])
    rows = json.loads(answer.body)["list"]
    # The recording was sorted by key and shows keys that were absent as null.
    for sheet in ("BS", "IS", "CIS", "CF", "SCE"):
        model = next(row for row in expected["list"] if row["sj_div"] == sheet)
        ours = [row for row in rows if row["sj_div"] == sheet]
        assert {tuple(sorted(row)) for row in ours} == {
            tuple(sorted(field for field, value in model.items() if value is not None))
        }
        assert {row["sj_nm"] for row in ours} == {model["sj_nm"]}
    known = {(row["sj_div"], row["account_id"]) for row in expected["list"]}
    new = {"ifrs-full_NoncurrentAssets", "ifrs-full_NoncurrentLiabilities"}
    assert {
        (row["sj_div"], row["account_id"]) for row in rows if row["account_id"] not in new
    } <= known
    assert all(re.fullmatch(r"-?\d+", row["thstrm_amount"]) for row in rows)
    assert {row["thstrm_add_amount"] for row in rows if row["sj_div"] in ("IS", "CIS")} == {""}


def test_company_outline_is_written_as_recorded(service: Service, recorded: Path) -> None:
    request, expected = recording(recorded, "company_00126380_202411")
    told = service.tell("company", **request["query"])
    assert set(told) == set(expected)
    for same in ("corp_code", "corp_name", "corp_cls", "jurir_no", "stock_code", "acc_mt"):
        assert told[same] == expected[same]
    for field in ("bizr_no", "est_dt", "induty_code", "phn_no"):
        assert shape(told[field]) == shape(expected[field]), field


def test_receipts_are_written_as_recorded(service: Service, recorded: Path) -> None:
    request, expected = recording(recorded, "list_00126380_202410")
    told = service.tell("list", **request["query"])
    assert set(told) == set(expected)
    assert {field: type(value) for field, value in told.items()} == {
        field: type(value) for field, value in expected.items()
    }
    assert {frozenset(row) for row in told["list"]} == {frozenset(expected["list"][0])}
    assert (told["page_no"], told["page_count"], len(told["list"])) == (1, 10, 10)
    assert all(row["rcept_no"].startswith(row["rcept_dt"]) for row in told["list"])


@pytest.mark.parametrize("name", ["error_010", "error_013"])
def test_refusal_is_written_as_recorded(service: Service, recorded: Path, name: str) -> None:
    request, expected = recording(recorded, name)
    key = "unknown" if name == "error_010" else KEY
    answer = service.answer("company.json", crtfc_key=key, corp_code="99999999")
    assert (answer.status, answer.content_type) == (request["status"], request["content_type"])
    assert json.loads(answer.body) == expected


def test_archive_is_written_as_recorded(service: Service, recorded: Path) -> None:
    request = json.loads((recorded / "dart" / "corpCode.request.json").read_text("utf-8"))
    answer = service.answer("corpCode.xml")
    assert (answer.status, answer.content_type) == (request["status"], request["content_type"])
    with (
        zipfile.ZipFile(io.BytesIO(answer.body)) as ours,
        zipfile.ZipFile(recorded / "dart" / "corpCode.zip") as theirs,
    ):
        assert ours.namelist() == theirs.namelist()
        assert ours.infolist()[0].date_time == theirs.infolist()[0].date_time
        texts = [archive.read("CORPCODE.xml").decode() for archive in (ours, theirs)]
    heads = [text.split("</list>", 1)[0] for text in texts]
    assert re.sub(r">[^<]+<", "><", heads[0]) == re.sub(r">[^<]+<", "><", heads[1])


def test_archive_refuses_an_unknown_key_in_xml(service: Service, recorded: Path) -> None:
    answer = service.answer("corpCode.xml", crtfc_key="short")
    assert answer.content_type == "application/xml;charset=UTF-8"
    assert answer.body.decode() == (recorded / "dart" / "error_010_zip_endpoint.xml").read_text(
        "utf-8"
    )


def test_archive_knows_the_listed_the_unlisted_and_the_delisted(
    service: Service, world: World
) -> None:
    with zipfile.ZipFile(io.BytesIO(service.answer("corpCode.xml").body)) as archive:
        root = ElementTree.fromstring(archive.read("CORPCODE.xml"))
    codes = {entry.findtext("corp_code"): entry.findtext("stock_code") for entry in root}
    assert codes[SAMSUNG] == "005930"
    assert sum(code == " " for code in codes.values()) > 3_000
    assert all(code == " " or (code and code.endswith("0")) for code in codes.values())
    gone = next(event for event in world.events if event.kind == "delisting")
    assert gone.ticker in codes.values()


@pytest.mark.parametrize(
    ("query", "status", "reason"),
    [
        ({"corp_code": SAMSUNG}, "100", "no year"),
        ({"corp_code": SAMSUNG, "bsns_year": "2014"}, "100", "before the service begins"),
        ({"corp_code": SAMSUNG, "bsns_year": "24"}, "100", "no year of four digits"),
        ({"corp_code": SAMSUNG, "bsns_year": "2024", "reprt_code": "11015"}, "100", "no report"),
        ({"corp_code": "", "bsns_year": "2024"}, "100", "no company"),
        ({"corp_code": ",".join([SAMSUNG] * 100), "bsns_year": "2024"}, "000", "a hundred"),
        ({"corp_code": ",".join([SAMSUNG] * 101), "bsns_year": "2024"}, "021", "one more"),
        ({"corp_code": "99999999", "bsns_year": "2024"}, "013", "unknown company"),
        ({"corp_code": SAMSUNG, "bsns_year": "2026"}, "013", "not yet received"),
        ({"corp_code": SAMSUNG, "bsns_year": "2024", "crtfc_key": "k" * 39}, "010", "short key"),
    ],
)
def test_status_of_main_accounts(
    service: Service, query: dict[str, str], status: str, reason: str
) -> None:
    told = service.tell("fnlttMultiAcnt", **{"reprt_code": "11011"} | query)
    assert told["status"] == status, reason
    assert ("list" in told) == (status == "000")


def test_balance_sheet_adds_up(service: Service, world: World) -> None:
    codes = ",".join(company.corp_code for company in world.companies[:100])
    by_statement: dict[tuple[str, str], dict[str, int]] = {}
    for row in service.main(codes)["list"]:
        if row["sj_div"] == "BS":
            place = by_statement.setdefault((row["corp_code"], row["fs_div"]), {})
            place[row["account_nm"]] = int(row["thstrm_amount"].replace(",", ""))
    assert len(by_statement) > 150
    for items in by_statement.values():
        assert items["자산총계"] == items["부채총계"] + items["자본총계"]
        if "유동자산" in items:
            assert items["자산총계"] == items["유동자산"] + items["비유동자산"]


def test_quarters_add_up_to_the_year(service: Service) -> None:
    quarters = [of_basis(service.main(report=code), "CFS") for code in ("11013", "11012", "11014")]
    revenue = [amount(rows, "매출액") for rows in quarters]
    added = [amount(rows, "매출액", "thstrm_add_amount") for rows in quarters]
    assert added == [revenue[0], sum(revenue[:2]), sum(revenue)]
    assert amount(of_basis(service.main(), "CFS"), "매출액") > added[2]


def test_the_year_before_is_what_was_reported_then(service: Service) -> None:
    now, before = (of_basis(service.main(year=year), "CFS") for year in ("2024", "2023"))
    assert amount(now, "자산총계", "frmtrm_amount") == amount(before, "자산총계")


def test_both_interfaces_tell_the_same(service: Service) -> None:
    main, full = of_basis(service.main(), "CFS"), service.full()["list"]
    for label in ("자산총계", "부채총계", "자본총계", "매출액", "당기순이익(손실)"):
        assert amount(main, label) == amount(full, label)


def test_version_served_is_the_newest_received(world: World) -> None:
    company = world.cast("usd")[0]
    first = world.filings.newest(company.index, 2023, 3, date(2024, 4, 2))
    last = world.filings.newest(company.index, 2023, 3, date(2025, 12, 31))
    assert first
    assert last
    assert (first.version, last.version) == (0, 1)
    before, after = (
        Service(world, datetime.combine(report.received, EVENING.timetz())).main(
            company.corp_code, "2023"
        )["list"]
        for report in (first, last)
    )
    assert before[0]["rcept_no"] < after[0]["rcept_no"]
    assert amount(before, "부채총계") != amount(after, "부채총계")
    assert {row["currency"] for row in after} == {"USD"}


def test_receipt_of_tomorrow_is_not_visible(world: World) -> None:
    report = world.filings.newest(0, 2025, 2, date(2026, 3, 1))
    assert report is not None
    eve = datetime.combine(report.received - timedelta(days=1), EVENING.timetz())
    assert Service(world, eve).main(year="2025", report="11014")["status"] == "013"
    assert Service(world, eve + timedelta(days=1)).main(year="2025", report="11014")["list"]


@pytest.mark.parametrize(("quarter", "allowed"), [(0, 45), (1, 45), (2, 45), (3, 90)])
def test_reports_keep_their_deadline_and_one_company_does_not(
    world: World, quarter: int, allowed: int
) -> None:
    month, day = ((3, 31), (6, 30), (9, 30), (12, 31))[quarter]
    end = date(2024, month, day)
    late = world.cast("late")[0].index
    assert world.filings.newest(0, 2024, quarter, end) is None
    assert world.filings.newest(0, 2024, quarter, end + timedelta(days=allowed))
    assert world.filings.newest(late, 2024, quarter, end + timedelta(days=allowed)) is None
    assert world.filings.newest(late, 2024, quarter, end + timedelta(days=allowed + 45))


def test_company_that_never_filed_is_absent(service: Service, world: World) -> None:
    silent = world.cast("never")[0].corp_code
    rows = service.main(f"{silent},{SAMSUNG}")["list"]
    assert {row["corp_code"] for row in rows} == {SAMSUNG}


def test_company_without_subsidiaries_has_one_basis(service: Service, world: World) -> None:
    code = world.cast("separate")[0].corp_code
    assert {row["fs_div"] for row in service.main(code)["list"]} == {"OFS"}
    assert service.full(code)["status"] == "013"
    assert service.full(code, basis="OFS")["status"] == "000"


def test_financial_holding_has_no_revenue_and_no_current_items(
    service: Service, world: World
) -> None:
    labels = {row["account_nm"] for row in service.main(world.cast("holding")[0].corp_code)["list"]}
    assert not labels & {"매출액", "유동자산", "유동부채"}
    assert "영업이익" in labels


def test_early_research_company_marks_its_revenue_with_a_dash(
    service: Service, world: World
) -> None:
    code = world.cast("biotech")[0].corp_code
    rows = [row for row in service.main(code)["list"] if row["account_nm"] == "매출액"]
    assert {row["thstrm_amount"] for row in rows} == {"-"}
    full = [row for row in service.full(code)["list"] if row["account_nm"] == "매출액"]
    assert {row["thstrm_amount"] for row in full} == {""}


def test_impaired_company_has_negative_equity(service: Service, world: World) -> None:
    rows = of_basis(service.main(world.cast("impaired")[0].corp_code), "CFS")
    assert amount(rows, "자본총계") < 0 < amount(rows, "자산총계")


def test_one_statement_company_has_its_profit_in_cis(service: Service, world: World) -> None:
    rows = service.full(world.cast("one_statement")[0].corp_code)["list"]
    assert "IS" not in {row["sj_div"] for row in rows}
    assert sum(row["account_id"] == "ifrs-full_ProfitLoss" for row in rows) == 1


def test_company_that_closes_in_march(service: Service, world: World) -> None:
    company = next(one for one in world.companies if one.settle_month == 3)
    row = next(row for row in service.main(company.corp_code)["list"] if row["sj_div"] == "IS")
    assert row["thstrm_dt"] == "2024.04.01 ~ 2025.03.31"


def test_pages_hold_ten_by_default_and_all_rows_together(service: Service) -> None:
    day = {"bgn_de": "20251114", "end_de": "20251114"}
    first = service.tell("list", **day)
    assert (first["page_count"], len(first["list"])) == (10, 10)
    pages = [
        service.tell("list", **day, page_no=str(page), page_count="100")["list"]
        for page in range(1, -(-first["total_count"] // 100) + 1)
    ]
    receipts = [row["rcept_no"] for page in pages for row in page]
    assert len(set(receipts)) == len(receipts) == first["total_count"]
    assert receipts == sorted(receipts, reverse=True)


@pytest.mark.parametrize(
    ("query", "status", "reason"),
    [
        ({"bgn_de": "20251201", "end_de": "20260301"}, "000", "three months"),
        ({"bgn_de": "20251201", "end_de": "20260302"}, "100", "a day more"),
        ({"bgn_de": "20240101", "corp_code": SAMSUNG}, "000", "longer, of one company"),
        ({"bgn_de": "20260302", "end_de": "20260301"}, "100", "backwards"),
        ({"bgn_de": "2026031"}, "100", "no date"),
        ({"page_count": "100"}, "000", "the largest page"),
        ({"page_count": "101"}, "100", "larger"),
        ({"page_no": "x"}, "100", "no number"),
        ({"bgn_de": "20260307", "end_de": "20260308"}, "013", "a weekend"),
    ],
)
def test_status_of_a_list(
    service: Service, query: dict[str, str], status: str, reason: str
) -> None:
    assert service.tell("list", **query)["status"] == status, reason


def test_list_is_filtered_by_type_and_market(service: Service) -> None:
    asked = {"bgn_de": "20251101", "end_de": "20251120", "page_count": "100"}
    periodic = service.tell("list", **asked, pblntf_ty="A", corp_cls="N")["list"]
    assert {row["corp_cls"] for row in periodic} == {"N"}
    assert all("보고서 (" in row["report_nm"] for row in periodic)
    audits = service.tell("list", **asked, pblntf_ty="F")["list"]
    assert {(row["corp_cls"], row["stock_code"]) for row in audits} == {("E", "")}


def test_correction_is_a_receipt_of_its_own(service: Service, world: World) -> None:
    code = world.cast("usd")[0].corp_code
    asked = {"corp_code": code, "bgn_de": "20240101", "pblntf_detail_ty": "A001"}
    rows = [row for row in service.tell("list", **asked)["list"] if "2023.12" in row["report_nm"]]
    assert [row["report_nm"] for row in rows] == [
        "[기재정정]사업보고서 (2023.12)",
        "사업보고서 (2023.12)",
    ]
    assert ["정" in row["rm"] for row in rows] == [False, True]
    latest = service.tell("list", **asked, last_reprt_at="Y")["list"]
    assert "사업보고서 (2023.12)" not in {row["report_nm"] for row in latest}


def test_unknown_interface_has_no_answer(world: World) -> None:
    request = Request("GET", "opendart.fss.or.kr", "/api/hyslrSttus.json", {"crtfc_key": KEY})
    assert Dart(world, lambda: EVENING).answer(request) is None
