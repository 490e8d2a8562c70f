"""Recorded answers are found by the rules of the payload folder and served as received."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import requests

from stock_pipeline.twin.replay import Replay, load_replay, read_recording
from stock_pipeline.twin.server import Twin
from stock_pipeline.twin.wire import Request

Start = Callable[..., Twin]
Reach = Callable[[Twin], requests.Session]
HOST = "api.example"


def record(folder: Path, name: str, content: bytes = b"{}", **fields: object) -> None:
    """Write one recording; what is not given is the plainest."""
    request = {
        "method": "GET",
        "url": f"https://{HOST}/list",
        "query": {},
        "form": None,
        "match": {"ignore": []},
        "status": 200,
        "content_type": "application/json",
        "headers": {},
        "body": f"{name}.json",
        **fields,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.request.json").write_text(json.dumps(request))
    (folder / str(request["body"])).write_bytes(content)


def ask(replay: Replay, path: str = "/list", **fields: Any) -> str | None:
    """Return the body a request gets, or None."""
    request = Request(**{"method": "GET", "host": HOST, "path": path, **fields})
    answer = replay.answer(request)
    return answer.body.decode() if answer is not None else None


def test_parameters_must_be_equal_in_any_order(tmp_path: Path) -> None:
    record(tmp_path, "a", b"first", query={"a": "1", "b": ""})
    replay = load_replay([tmp_path])
    assert ask(replay, query={"b": "", "a": "1"}) == "first"


@pytest.mark.parametrize(
    "query",
    [
        {"a": "2", "b": ""},  # another value
        {"a": "1"},  # an empty value counts
        {"a": "1", "b": "", "c": "1"},  # one too many
    ],
)
def test_other_parameters_are_unknown(tmp_path: Path, query: dict[str, str]) -> None:
    record(tmp_path, "a", query={"a": "1", "b": ""})
    assert ask(load_replay([tmp_path]), query=query) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"method": "POST"},  # another method
        {"host": "other.example"},  # another host
        {"path": "/lists"},  # another path
    ],
)
def test_other_address_is_unknown(tmp_path: Path, fields: dict[str, str]) -> None:
    record(tmp_path, "a")
    assert ask(load_replay([tmp_path]), **fields) is None


def test_ignored_parameters_never_count(tmp_path: Path) -> None:
    record(tmp_path, "a", b"x", query={"day": "1"}, match={"ignore": ["key"]})
    assert ask(load_replay([tmp_path]), query={"day": "1", "key": "secret"}) == "x"


def test_form_counts_like_the_query(tmp_path: Path) -> None:
    record(tmp_path, "a", b"x", method="POST", form={"bld": "a/b"})
    replay = load_replay([tmp_path])
    assert ask(replay, method="POST", form={"bld": "a/b"}) == "x"
    assert ask(replay, method="POST", form={"bld": "a/c"}) is None


def test_loose_match_is_second_choice_and_must_be_the_only_one(tmp_path: Path) -> None:
    loose = {"ignore": [], "loose": ["rows"]}
    record(tmp_path, "a", b"ten", query={"kind": "x", "rows": "10"}, match=loose)
    record(tmp_path, "b", b"hundred", query={"kind": "x", "rows": "100"}, match=loose)
    record(tmp_path, "c", b"other", query={"kind": "y", "rows": "10"}, match=loose)
    replay = load_replay([tmp_path])
    assert ask(replay, query={"kind": "x", "rows": "100"}) == "hundred"
    assert ask(replay, query={"kind": "x", "rows": "7"}) is None
    assert ask(replay, query={"kind": "y", "rows": "7"}) == "other"


def test_unknown_query_is_served_only_when_alone_at_its_address(tmp_path: Path) -> None:
    record(tmp_path / "alone", "a", b"x", query=None)
    record(tmp_path / "two", "a", b"x", query=None)
    record(tmp_path / "two", "b", b"y", query={"a": "1"})
    assert ask(load_replay([tmp_path / "alone"]), query={"whatever": "1"}) == "x"
    assert ask(load_replay([tmp_path / "two"]), query={"whatever": "1"}) is None


def test_path_is_compared_percent_decoded(tmp_path: Path) -> None:
    record(tmp_path, "a", b"x", url=f"https://{HOST}/chart/KRW%3DX")
    assert ask(load_replay([tmp_path]), "/chart/KRW=X") == "x"


def test_further_hosts_give_the_same_answer(tmp_path: Path) -> None:
    record(tmp_path, "a", b"x", match={"ignore": [], "hosts": ["second.example"]})
    assert ask(load_replay([tmp_path]), host="second.example") == "x"


def test_kind_of_answer_is_served_by_name_alone(tmp_path: Path) -> None:
    record(tmp_path, "error_010", b"no", url=f"https://{HOST}/api/*", query=None, status=401)
    replay = load_replay([tmp_path])
    assert ask(replay, "/api/list") is None
    assert ask(replay, "/api/*") is None
    assert (replay.named("error_010").status, replay.named("error_010").body) == (401, b"no")


def test_packed_body_is_unpacked_and_headers_are_kept(tmp_path: Path) -> None:
    body = gzip.compress(b"plain")
    record(tmp_path, "a", body, body="a.csv.gz", content_type=None, headers={"ETag": '"1"'})
    answer = load_replay([tmp_path]).answer(Request("GET", HOST, "/list"))
    assert answer is not None
    assert (answer.body, answer.content_type) == (b"plain", "text/csv; charset=utf-8")
    assert answer.headers == {"ETag": '"1"'}


def test_text_is_sent_in_its_declared_charset(tmp_path: Path) -> None:
    record(tmp_path, "a", "삼성".encode(), content_type="text/xml;charset=EUC-KR")
    answer = load_replay([tmp_path]).answer(Request("GET", HOST, "/list"))
    assert answer is not None
    assert answer.body == "삼성".encode("euc-kr")


def test_folders_are_searched_below_and_count_once(tmp_path: Path) -> None:
    record(tmp_path / "fdr" / "listing" / "krx", "2026-03-13", b"x", query=None)
    assert ask(load_replay([tmp_path, tmp_path / "fdr"])) == "x"


def test_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no \*.request.json below"):
        load_replay([tmp_path])


def test_with_recordings_an_upstream_only_gets_its_clients_started(
    start: Start, reach: Reach, tmp_path: Path
) -> None:
    record(tmp_path, "a", b'{"recorded":true}', url="https://data.krx.co.kr/recorded")
    client = reach(start(replay=load_replay([tmp_path])))
    login = "https://data.krx.co.kr/contents/MDC/COMS/client/MDCCOMS001D1.cmd"
    assert client.get("https://data.krx.co.kr/recorded").json() == {"recorded": True}
    assert client.post(login).status_code == 200
    assert client.get("https://data.krx.co.kr/list.json").status_code == 502


@pytest.mark.parametrize("day", [date(2026, 3, 13), date(2026, 3, 8)])  # a Friday, a Sunday
def test_chosen_day_is_the_listings_work_date(
    start: Start, reach: Reach, recorded: Path, day: date
) -> None:
    client = reach(start(replay=load_replay([recorded / "fdr"], day=day)))
    bundle = client.get(
        "http://data.krx.co.kr/comm/bldAttendant/executeForResourceBundle.cmd",
        params={"baseName": "krx.mdc.i18n.component", "key": "B128.bld"},
    )
    assert bundle.json() == {"result": {"output": [{"max_work_dt": f"{day:%Y%m%d}"}]}}
    listing = client.get(
        "https://raw.githubusercontent.com/FinanceData/fdr_krx_data_cache/refs/heads/master"
        f"/data/listing/krx/{day}.csv"
    )
    rows = list(csv.DictReader(io.StringIO(listing.content.decode("utf-8-sig"))))
    assert 2_878 <= len(rows) <= 2_881


def test_every_recorded_exchange_answers_its_own_request(recorded: Path) -> None:
    files = sorted(recorded.rglob("*.request.json"))
    replays = {folder: load_replay([folder]) for folder in recorded.iterdir() if folder.is_dir()}
    for file in files:
        fields = json.loads(file.read_text())
        if fields["query"] is None or fields["url"].endswith("*"):
            continue
        recording = read_recording(file)
        request = Request(
            recording.method,
            fields["url"].split("/")[2],
            recording.path,
            fields["query"],
            fields["form"] or {},
        )
        answer = replays[recorded / file.relative_to(recorded).parts[0]].answer(request)
        assert answer is not None, file
        assert (answer.status, answer.body) == (
            fields["status"],
            recording.answer("").body,
        ), file


def test_recorded_day_of_all_stocks_arrives_unchanged(
    start: Start, reach: Reach, recorded: Path
) -> None:
    answer = reach(start(replay=load_replay([recorded / "krx"]))).post(
        "https://data.krx.co.kr/comm/bldAttendant/getJsonData.cmd",
        data={
            "mktId": "ALL",
            "trdDd": "20201230",
            "bld": "dbms/MDC/STAT/standard/MDCSTAT01501",
        },
    )
    body = (recorded / "krx" / "MDCSTAT01501_ALL_20201230.response.json.gz").read_bytes()
    assert answer.content == gzip.decompress(body)
    assert len(answer.json()["OutBlock_1"]) == 2_531
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Cache-Control"] == "max-age=0, no-cache, no-store"


def test_recorded_naver_chart_arrives_in_euc_kr(start: Start, reach: Reach, recorded: Path) -> None:
    fields = json.loads((recorded / "krx" / "naver_sise_0_005930_day.request.json").read_text())
    twin = start(replay=load_replay([recorded / "krx"]))
    answer = reach(twin).get(fields["url"], params=fields["query"])
    assert answer.headers["Content-Type"] == "text/xml;charset=EUC-KR"
    assert "삼성전자" in answer.content.decode("euc-kr")
