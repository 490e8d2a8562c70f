"""What is left of the text of strangers: words that can be read, and addresses of the web."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stock_pipeline.sources.plain_text import (
    LONGEST_ADDRESS,
    LONGEST_MARKUP,
    address,
    plain,
    shortened,
    visible,
)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (None, None),
        ("", None),
        (" \n\t ", None),
        ("<p></p>&nbsp;", None),  # markup and blanks only
        ("삼성전자, 사상 최대 실적", "삼성전자, 사상 최대 실적"),
        ("  two\n lines\t here ", "two lines here"),
        ("AT&T and S&P 500", "AT&T and S&P 500"),  # an ampersand is no entity
        ("AT&amp;T", "AT&T"),
        ("Fed&#8217;s &ldquo;repo&rdquo;", "Fed\u2019s \u201crepo\u201d"),
        ("a&nbsp;&nbsp;b", "a b"),
        ("<ol><li>One</li><li>Two</li></ol>", "One Two"),  # neighbours stay two words
        ('<a href="https://x.y" target="_blank">Title</a>', "Title"),
        ("before<!-- hidden -->after", "before after"),
        ("PER < 10 and PBR > 1", "PER < 10 and PBR > 1"),  # no tag: a blank behind the bracket
        ("1<2", "1<2"),  # no tag begins with a digit
        ("<b", "b"),  # a tag that nothing closes
        ("&lt;b&gt;bold&lt;/b&gt;", "bold"),  # a tag only after its entities are read
        ("&amp;lt;b&amp;gt;", "&lt;b&gt;"),  # what is written about a tag stays what it is
        ("<scr<script>ipt>alert(1)</scr</script>ipt>", "alert(1)"),
        ("<\u200bscript>alert(1)</\u202escript>", "alert(1)"),  # tags once the marks are gone
        ("&lt;&#x200b;img src=x onerror=alert(1)>a", "a"),
        ("<\u2060b", "b"),
        ("zero\u200bwidth\u2060joined", "zerowidthjoined"),
        ("\u202edesrever\u202c", "desrever"),
        ("\ufeffBOM", "BOM"),
        ("bell\x07 and escape\x1b[31m", "bell and escape [31m"),
        ("next\x85line", "next line"),
        ("family \U0001f468\u200d\U0001f469", "family \U0001f468\U0001f469"),
    ],
)
def test_markup_and_what_nobody_sees_is_taken_out_of_a_text(
    written: str | None, read: str | None
) -> None:
    assert plain(written) == read


@settings(deadline=None)
@given(st.text(alphabet=st.characters() | st.sampled_from("<>&;#/!xlgt\u202e\x00"), max_size=60))
def test_f60_whatever_is_written_holds_no_tag_and_no_control_afterwards(written: str) -> None:
    text = plain(written)
    if text is None:
        return
    assert text == " ".join(text.split()) != ""
    assert not {"Cc", "Cf", "Cs"} & {unicodedata.category(c) for c in text}
    for at, character in enumerate(text[:-1]):
        assert character != "<" or not (text[at + 1].isascii() and text[at + 1].isalpha())


@pytest.mark.parametrize(
    "piece", ["<", "<a", "&lt;", "<!--", "&#", "a\u202e", "<a <b", "&amp;"], ids=repr
)
def test_f60_a_hundred_kilobytes_cost_no_time(piece: str) -> None:
    started = time.monotonic()
    text = plain(piece * (100_000 // len(piece))) or ""
    assert len(text) <= LONGEST_MARKUP
    assert time.monotonic() - started < 1.0


def test_controls_become_blanks_and_marks_become_nothing() -> None:
    assert visible("a\x00b\u200ec\u00add") == "a bcd"


@pytest.mark.parametrize(
    ("length", "most", "cut"),
    [(9, 10, False), (10, 10, False), (11, 10, True)],
)
def test_a_text_is_cut_behind_its_limit(length: int, most: int, cut: bool) -> None:
    found = shortened("x" * length, most)
    assert found == ("x" * (most - 1) + "…" if cut else "x" * length)


def test_nothing_and_a_blank_at_the_cut_need_no_dots_of_their_own() -> None:
    assert shortened(None, 5) is None
    assert shortened("four five", 6) == "four…"


@pytest.mark.parametrize(
    ("link", "kept"),
    [
        ("https://www.hankyung.com/article/2026031300001", True),
        ("http://example.com", True),
        ("HTTPS://Example.com/", True),
        ("https://news.google.com/rss/articles/CBMi-_x?oc=5&hl=ko#top", True),
        ("https://example.com/기사", True),
        ("https://[2001:db8::1]:8080/x", True),
        ("https://example.com/" + "x" * (LONGEST_ADDRESS - 20), True),
        ("https://example.com/" + "x" * (LONGEST_ADDRESS - 19), False),
        (None, False),
        ("", False),
        ("javascript:alert(1)", False),
        ("JaVaScRiPt:alert(1)", False),
        ("java\nscript:alert(1)", False),
        ("\u202ejavascript:alert(1)", False),
        ("javascript://example.com/%0aalert(1)", False),
        ("data:text/html,<script>alert(1)</script>", False),
        ("vbscript:msgbox(1)", False),
        ("file:///etc/passwd", False),
        ("ftp://example.com/a", False),
        ("//example.com/a", False),  # of whatever page it stands on
        ("example.com/a", False),
        ("https:///path", False),
        ("https://", False),
        ("https://[::1", False),
        ('https://example.com/" onclick="alert(1)', False),
        ("https://example.com/<script>", False),
        ("https://example.com/a b", False),
        ("https://example.com\\@evil.example", False),  # two readers see two hosts
    ],
)
def test_only_an_address_of_the_web_is_a_link(link: str | None, kept: bool) -> None:
    assert address(link) == (link if kept else None)


def test_blanks_and_marks_around_an_address_are_no_part_of_it() -> None:
    assert address(" \n\u200bhttps://example.com/a\u202c ") == "https://example.com/a"
