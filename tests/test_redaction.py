"""Secrets leave no trace in text, in whatever form; other text stays as it is."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stock_pipeline.redaction import MASK, Scrubber

SECRET = "aB+/9=Ü key"

FORMS = [
    (SECRET, "as it is"),
    (quote(SECRET), "in a path"),
    (quote(SECRET, safe=""), "in a query"),
    (quote_plus(SECRET), "in a form"),
    (quote(SECRET, safe="").replace("%2B", "%2b"), "with lower-case digits"),
    (quote(quote(SECRET, safe=""), safe=""), "encoded twice"),
    (base64.b64encode(SECRET.encode()).decode(), "in base64"),
    (base64.urlsafe_b64encode(SECRET.encode()).decode(), "in base64 of addresses"),
    (json.dumps(SECRET)[1:-1], "in JSON with escapes"),
    (json.dumps(SECRET).replace("/", "\\/")[1:-1], "in JSON with escaped slashes"),
]


@pytest.mark.parametrize(("form", "why"), FORMS, ids=[why for _, why in FORMS])
def test_a_registered_secret_is_removed_in_every_form(form: str, why: str) -> None:
    assert Scrubber([SECRET]).scrub(f"before {form} after") == f"before {MASK} after"


@pytest.mark.parametrize("user", ["", "u", "us", "use"])
def test_a_secret_inside_basic_authentication_is_unreadable(user: str) -> None:
    secret = "correct-horse-battery"
    token = base64.b64encode(f"{user}:{secret}".encode()).decode()
    scrubbed = Scrubber([secret]).scrub(f"sent {token}.")
    assert token not in scrubbed
    assert MASK in scrubbed


NAMED = [
    ("GET /list.json?crtfc_key=0123abcd&page_no=1", f"GET /list.json?crtfc_key={MASK}&page_no=1"),
    ("serviceKey=a%2Bb%3D&basDt=20260313", f"serviceKey={MASK}&basDt=20260313"),
    ('{"api_key": "zz9", "n": 1}', f'{{"api_key": "{MASK}", "n": 1}}'),
    ("AUTH_KEY: zz9", f"AUTH_KEY: {MASK}"),
    ("Authorization: Bearer zz9.yy", f"Authorization: Bearer {MASK}"),
    ("x_cg_demo_api_key=zz9", f"x_cg_demo_api_key={MASK}"),
    ("pw=hunter2&mbrId=me", f"pw={MASK}&mbrId={MASK}"),
]


@pytest.mark.parametrize(("text", "expected"), NAMED)
def test_a_value_behind_a_telling_name_is_removed(text: str, expected: str) -> None:
    assert Scrubber().scrub(text) == expected


@pytest.mark.parametrize(
    "text",
    ["author: Kim", "the key is not registered", "삼성전자 005930", "tokenizer = fast", "a=b&c=d"],
)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert Scrubber([SECRET]).scrub(text) == text


@pytest.mark.parametrize("short", ["", "a", "abc"])
def test_a_value_too_short_to_be_a_secret_is_not_masked_everywhere(short: str) -> None:
    assert Scrubber([short]).scrub("abc abcabc") == "abc abcabc"


@given(st.text(min_size=6, max_size=40), st.text(max_size=60), st.text(max_size=60))
def test_i12_no_output_contains_the_secret(secret: str, before: str, after: str) -> None:
    encodable = secret.encode("utf-8", "ignore").decode()
    if len(encodable) < 6 or encodable in MASK:
        return
    scrubbed = Scrubber([encodable]).scrub(f"{before}{encodable}{after}")
    assert encodable not in scrubbed


LAYERS = {
    "address": lambda text: quote(text, safe=""),
    "form": quote_plus,
    "json": lambda text: json.dumps({"url": text}),
    "repr": lambda text: repr([text]),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
}


@given(
    secret=st.text(
        st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=8, max_size=40
    ),
    # What an error repeats, inside what Dagster or a log makes of the error.
    layers=st.sampled_from(
        [(), *((name,) for name in LAYERS), ("address", "json"), ("json", "json"), ("repr", "json")]
    ),
)
def test_i12_no_layer_of_writing_hides_the_secret(secret: str, layers: tuple[str, ...]) -> None:
    written = secret
    for layer in layers:
        written = LAYERS[layer](written)
    bare = written.strip("=")
    scrubbed = Scrubber([secret]).scrub(f"GET {written} failed")
    assert secret not in scrubbed
    assert bare not in scrubbed or bare in MASK
    assert MASK in scrubbed


@given(st.text(alphabet="abcdefghij ,.()가나다라0123456789\n", max_size=200))
def test_i12_text_without_secrets_is_unchanged(text: str) -> None:
    assert Scrubber(["Not-In-This-Alphabet"]).scrub(text) == text
