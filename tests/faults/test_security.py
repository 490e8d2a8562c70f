"""F59, F65: keys that must not leave the process, and text that must stay text.

The search for keys runs after every test of this folder; here it is given more to find.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from stock_pipeline.errors import BadPayload, Blocked, ServerError
from stock_pipeline.settings import Settings
from stock_pipeline.twin.wire import Answer, Request

pytestmark = pytest.mark.fault

PRICES, NEXT_DAY = "stock_price_daily", "2026-03-13"


# ---- F59


@pytest.mark.parametrize(
    "spell",
    [
        str,
        quote_plus,
        lambda text: quote(text, safe=""),
        lambda text: json.dumps({"key": text}),
        lambda text: base64.b64encode(text.encode()).decode(),
    ],
    ids=["raw", "form", "address", "json", "base64"],
)
def test_f59_the_search_finds_each_secret_in_each_spelling(
    stage: Any, canaries: Any, spell: Callable[[str], str]
) -> None:
    text = "\n".join(f"before {spell(word)} after" for word in canaries.words.values())
    planted = stage.folder / "planted.txt"
    planted.write_text(text, encoding="utf-8")
    found = stage.leaks(text)
    planted.unlink()
    places = ("printed 0", "file planted.txt")
    assert found == [f"{name} in {place}" for name in canaries.words for place in places]


def test_f59_every_setting_that_holds_a_secret_takes_part_in_the_search(canaries: Any) -> None:
    secret = {n for n, field in Settings.model_fields.items() if "SecretStr" in str(field)}
    assert {name.upper() for name in secret} == set(canaries.words)


def _echo(page: str, status: int = 200) -> Callable[[Request, Answer], Answer]:
    """Return an upstream that repeats the whole request, keys and all, in its answer."""

    def answer(request: Request, good: Answer) -> Answer:
        sent = {**request.query, **request.form}
        parts = [f"{name}={value} {quote_plus(value)}" for name, value in sent.items()]
        text = page.replace("ECHO", " ".join([*parts, json.dumps(sent)]))
        return Answer(status, text.encode(), "text/html; charset=utf-8", good.operation)

    return answer


ECHOES = [
    ("dart_filing", "list", _echo("<html>ECHO</html>"), Blocked),
    ("dart_filing", "list", _echo("ECHO"), BadPayload),
    ("dart_filing", "list", _echo("ECHO", 500), ServerError),
    ("dart_corp_code", "corpCode", _echo("<html>ECHO</html>"), BadPayload),
    ("fsc_listed_item", "getItemInfo", _echo("<html>ECHO</html>"), BadPayload),
    ("fsc_listed_item", "getItemInfo", _echo("{ECHO"), BadPayload),
    (PRICES, "MDCCOMS001D1", _echo("<html>ECHO</html>"), BadPayload),
    (PRICES, "MDCCOMS001D1", _echo("ECHO", 500), ServerError),
    (PRICES, "MDCSTAT01501", _echo("<html>ECHO</html>"), BadPayload),
]


@pytest.mark.parametrize(("table", "operation", "echo", "kind"), ECHOES)
def test_f59_an_upstream_that_repeats_the_key_gets_it_into_no_log(
    stage: Any, table: str, operation: str, echo: Any, kind: type[Exception]
) -> None:
    stage.edits[operation] = echo
    run = stage.run(table)
    assert run.error(table) is kind
    assert stage.leaks() == []


# ---- F65

# A name and what it would end, open or fill in if it were more than text.
HOSTILE = [
    ("'; DROP TABLE market.stocks; --", "the end of a statement"),
    ('"); DELETE FROM stock_price_daily; --', "the end of an identifier"),
    ("%s %(name)s :name ${HOME} {0}", "placeholders"),
    ("\\.", "the end of a COPY"),
    ('a","b"\r\n"c', "quotes, commas and line ends of a CSV"),
    ("\\N", "the NULL of another form of COPY"),
    ("{1,2}", "an array"),
    ("<script>alert(1)</script>", "a script"),
    ("=HYPERLINK(1)", "a formula"),
    ("\u202eabc\u2066", "reversed writing"),
]


def test_f65_hostile_text_is_stored_as_the_text_it_is(stage: Any) -> None:
    def rename(rows: list[dict[str, Any]]) -> None:
        for row, (text, _) in zip(rows, HOSTILE, strict=False):
            row["ISU_ABBRV"] = text

    stage.edit_rows("MDCSTAT01501", rename)
    run = stage.run(PRICES)
    assert (run.log(PRICES)["updated"], run.log(PRICES)["unchanged"]) == (len(HOSTILE), 236)
    stored = stage.rows(f"SELECT name FROM {PRICES} WHERE run_id = '{run.run_id}'")
    assert {name for (name,) in stored} == {text for text, _ in HOSTILE}
    assert stage.rows("SELECT count(*) > 0 AS some FROM stocks") == [(True,)]


@pytest.mark.parametrize(
    ("column", "text", "rule"),
    [
        ("ISU_SRT_CD", "../../x", "ticker_shape"),
        ("ISU_SRT_CD", "00593'", "ticker_shape"),
        ("ISU_SRT_CD", "00593\n", "ticker_shape"),
        ("ISU_SRT_CD", "００５９３０", "ticker_shape"),  # full-width digits
        ("ISU_CD", "KR7005930003'--", "isin_shape"),
    ],
)
def test_f65_a_code_of_another_shape_is_no_code(
    stage: Any, column: str, text: str, rule: str
) -> None:
    stage.edit_rows("MDCSTAT01501", lambda rows: rows[3].update({column: text}))
    run = stage.run(PRICES, key=NEXT_DAY)
    assert (run.log(PRICES)["inserted"], run.log(PRICES)["rejected"]) == (245, 1)
    ((reason,),) = stage.rows(f"SELECT reason FROM rejected_row WHERE run_id = '{run.run_id}'")
    assert reason == rule


def test_f65_a_nul_character_in_a_name_costs_nothing_else(stage: Any) -> None:
    stage.edit_rows("MDCSTAT01501", lambda rows: rows[3].update(ISU_ABBRV="a\0b"))
    run = stage.run(PRICES)
    assert run.log(PRICES)["updated"] == 1
    assert stage.rows(f"SELECT name FROM {PRICES} WHERE run_id = '{run.run_id}'") == [("ab",)]


def test_f65_a_day_that_is_a_path_leads_nowhere(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FDR_MAX_RETRIES", "0")
    body = json.dumps({"result": {"output": [{"max_work_dt": "../../../../etc/hostname"}]}})
    stage.edits["B128"] = lambda request, answer: Answer(200, body.encode(), "text/html", "B128")
    run = stage.run("stock_delisting")
    assert run.ended("stock_delisting") == ("failed", "error")
    assert run.kept
    assert {path.name for path in (stage.folder / "home").rglob("*.zst")} == set()
