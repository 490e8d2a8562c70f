"""Taking secrets out of text before it leaves the process.

A scrubber removes what was registered (the values of keys and passwords, in every form in which a
library may repeat them) and what stands behind a telling name (`crtfc_key=…`, `"token": "…"`). It
leaves all other text as it is.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import parse_qs, quote, quote_plus, unquote, urlsplit

MASK = "[redacted]"

# A shorter "secret" is a mistake in the settings; masking it would make every message unreadable.
SHORTEST = 4

_NAMES = (
    "crtfc_?key|service_?key|api[-_]?key|auth[-_]?key|x-api-key|authorization|auth|"
    "access[-_]?token|refresh[-_]?token|token|password|passwd|pw|secret|jsessionid|mbrid"
)
_NAMED = re.compile(
    rf"""(?<![a-z])({_NAMES})(\\?["']?\s*[=:]\s*\\?["']?(?:bearer\s+|basic\s+)?)"""
    r"""([^\s"'&;,<>{}\\\[\]]+)""",
    re.IGNORECASE,
)
# What is shorter in the address of a webhook is a number or a word; its tokens are longer.
SHORTEST_TOKEN = 16

# Text with none of these has no telling name: most text, which is let through four times as fast.
_HINTS = ("crtfc", "service", "api", "auth", "token", "passw", "pw", "secret", "session", "mbrid")


class Scrubber:
    """Knows the secrets of this process and removes them from text."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self.register(*secrets)

    def register(self, *secrets: str) -> None:
        """Remember secret values; empty and very short ones are not secrets."""
        usable = [s for s in secrets if len(s) >= SHORTEST and s not in MASK]
        if not usable:
            return
        self._forms.update(form for secret in usable for form in _forms(secret))
        longest_first = sorted(self._forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(_any_case_of_digits, longest_first)))

    def scrub(self, text: str) -> str:
        """Return `text` without any registered secret and without values of telling names."""
        text = self._without_registered(text)
        folded = text.casefold()
        if not any(hint in folded for hint in _HINTS):
            return text
        return _NAMED.sub(rf"\1\2{MASK}", text)

    def _without_registered(self, text: str) -> str:
        if self._pattern is None:
            return text
        # A removal can join its neighbours to a new occurrence; text made for that is dropped.
        for _ in range(3):
            text, removed = self._pattern.subn(MASK, text)
            if not removed:
                return text
        return MASK if self._pattern.search(text) else text


def secrets_in(text: str, *, is_webhook: bool = False) -> list[str]:
    """Return the secrets inside addresses: libraries repeat parts of an address, not all of it.

    text        addresses, separated by blanks; other words hold nothing
    is_webhook  who knows the long words of the address may write there
    """
    found = []
    for word in text.split():
        found += _passwords(word)
        if is_webhook:
            parts = re.split(r"[/?&=@:#]+", word)
            # A host is no secret, and its name is needed to see what is wrong.
            found += [word, *(p for p in parts if len(p) >= SHORTEST_TOKEN and "." not in p)]
    return found


def _passwords(address: str) -> list[str]:
    try:
        parts = urlsplit(address)
        given = [parts.password or "", *parse_qs(parts.query).get("password", [])]
    except ValueError:
        return []
    # One that is the account's name too is a word of many messages, and known to everybody.
    usable = (raw for raw in given if raw and raw != parts.username)
    return [p for raw in usable for p in dict.fromkeys((unquote(raw), raw))]


def _any_case_of_digits(form: str) -> str:
    """Return a pattern for a spelling; percent-encoding may write its digits small."""
    return re.sub("%([0-9A-F]{2})", r"%(?i:\1)", re.escape(form))


def _forms(secret: str) -> set[str]:
    """Return the spellings in which libraries, servers and logs repeat a secret."""
    raw = secret.encode("utf-8", "surrogatepass")
    encoded = {quote(raw, safe=""), quote(raw), quote_plus(raw)}
    escaped = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    escaped |= {form.replace("/", "\\/") for form in escaped} | {repr(secret)[1:-1]}
    forms = {secret} | encoded | escaped | _base64_forms(raw)
    forms |= {quote(form, safe="") for form in encoded}
    # A text that holds one of them, written as JSON once more.
    forms |= {json.dumps(form)[1:-1] for form in forms}
    return {form for form in forms if len(form) >= SHORTEST and form not in MASK}


def _base64_forms(raw: bytes) -> set[str]:
    """Return base64 of the secret, alone and where it starts inside a longer text (`user:pw`)."""
    forms = set()
    for offset in range(3):
        padded = base64.b64encode(b"\0" * offset + raw).rstrip(b"=").decode("ascii")
        whole = padded[(0, 2, 3)[offset] :]
        # The last character depends on what follows unless the bytes end on a boundary.
        forms.add(whole if (offset + len(raw)) % 3 == 0 else whole[:-1])
        if offset == 0:
            forms.add(base64.b64encode(raw).decode("ascii"))
    forms |= {form.translate({43: "-", 47: "_"}) for form in forms}
    # Short remains would match ordinary words.
    return {form for form in forms if len(form) >= 2 * SHORTEST}
