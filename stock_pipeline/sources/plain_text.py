"""From the text of strangers to plain text and addresses that may be kept.

What stands in a feed is written by anybody. Markup is taken out, entities become the characters
they mean, and characters that nobody sees (controls, marks that turn the direction of writing,
zero-width ones) are gone. It is still the text of strangers: whoever shows it encodes it.
"""

from __future__ import annotations

import html
import re
import unicodedata
from urllib.parse import urlsplit

# The longest description in the recorded feeds has 4,433 characters.
LONGEST_MARKUP = 20_000
LONGEST_ADDRESS = 2_000

# As in HTML, a tag begins with a letter, slash, mark of exclamation or question right behind the
# bracket: "PER < 10 and PBR > 1" holds none.
_TAG = re.compile(r"<[A-Za-z/!?][^<>]*>")
_OPENING = re.compile(r"<(?=[A-Za-z/!?])")
# RFC 3986 allows none of these in an address: quotes end attributes, brackets tags.
_ADDRESS = re.compile(r"https?://[^\s<>\"\\^`{|}]+", re.IGNORECASE)


def plain(markup: str | None) -> str | None:
    """Return text or HTML as one line of plain text; script in it becomes harmless words.

    Missing  None when nothing readable is left
    """
    if markup is None:
        return None
    text = _TAG.sub(" ", markup[:LONGEST_MARKUP])
    # What was written with entities twice is a tag only now, and what an invisible mark behind the
    # bracket had hidden; what no bracket closes, never.
    text = _TAG.sub(" ", visible(html.unescape(text)))
    return " ".join(_OPENING.sub(" ", text).split()) or None


def visible(text: str) -> str:
    """Return text without controls, which become blanks, and without invisible marks."""
    if text.isprintable():
        return text
    kinds = ((character, unicodedata.category(character)) for character in text)
    return "".join(" " if kind == "Cc" else c for c, kind in kinds if kind not in {"Cf", "Cs"})


def shortened(text: str | None, most: int) -> str | None:
    """Return at most so many characters, with an ellipsis where some are left out."""
    if text is None or len(text) <= most:
        return text
    return text[: most - 1].rstrip() + "…"


def address(link: str | None) -> str | None:
    """Return a web address as it stands, or None for anything else: scripts, data, local files."""
    stripped = visible(link or "").strip()
    if len(stripped) > LONGEST_ADDRESS or not _ADDRESS.fullmatch(stripped):
        return None
    try:
        return stripped if urlsplit(stripped).hostname else None
    except ValueError:
        return None
