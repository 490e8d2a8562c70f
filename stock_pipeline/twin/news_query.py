"""The words of a news search: phrases, alternatives, what must not occur, papers and times.

`"repo market" OR 증시 -ETF site:ledger.example when:1d after:2026-03-01 before:2026-03-14`
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

_TOKEN = re.compile(r'(-?)(?:(\w+):)?(?:"([^"]*)"|([^\s"]+))')
_UNITS = {
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "m": timedelta(days=30),
    "y": timedelta(days=365),
}
_OR = "OR"


@dataclass(frozen=True, slots=True)
class Query:
    """What an article must be like.

    groups  of each group one term must occur
    never   none of these may occur
    age     counted back from now; after and before are the limits of its publication
    """

    groups: tuple[tuple[str, ...], ...] = ()
    never: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    not_sites: tuple[str, ...] = ()
    age: timedelta | None = None
    after: datetime | None = None
    before: datetime | None = None

    def fits(self, text: str, address: str) -> bool:
        """Tell whether an article of this text, at a paper of this address, is one of these."""
        lowered = text.casefold()
        if self.sites and not any(_is_of(address, site) for site in self.sites):
            return False
        if any(_is_of(address, site) for site in self.not_sites):
            return False
        if any(_occurs(term, lowered) for term in self.never):
            return False
        return all(any(_occurs(term, lowered) for term in group) for group in self.groups)


def read_query(text: str) -> Query:
    """Read a search; brackets only group what `OR` joins anyway."""
    query, joins = Query(), False
    for minus, name, phrase, word in _TOKEN.findall(re.sub(r"[()]", " ", text)):
        term = phrase or word
        if term == _OR and not phrase:
            joins = True
            continue
        query = _extended(query, name.lower(), term, excluded=bool(minus), joins=joins)
        joins = False
    return query


def _extended(query: Query, name: str, term: str, *, excluded: bool, joins: bool) -> Query:
    """Add one word to a search."""
    if name == "site":
        if excluded:
            return replace(query, not_sites=(*query.not_sites, term))
        return replace(query, sites=(*query.sites, term))
    if name == "when" and (found := re.fullmatch(r"(\d{1,4})([hdmy])", term)):
        return replace(query, age=int(found[1]) * _UNITS[found[2]])
    if name in ("after", "before") and (day := _day(term)):
        limit = datetime.combine(day, time(), UTC)
        return replace(query, after=limit) if name == "after" else replace(query, before=limit)
    wanted = f"{name}:{term}" if name else term
    if excluded:
        return replace(query, never=(*query.never, wanted))
    if joins and query.groups:
        return replace(query, groups=(*query.groups[:-1], (*query.groups[-1], wanted)))
    return replace(query, groups=(*query.groups, (wanted,)))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _is_of(address: str, site: str) -> bool:
    host = address.partition("//")[2].partition("/")[0]
    return host == site or host.endswith(f".{site}")


def _occurs(term: str, text: str) -> bool:
    """Tell whether a term occurs: Korean anywhere, because words carry endings, others as words."""
    lowered = term.casefold()
    if not lowered.isascii():
        return lowered in text
    return re.search(rf"(?<![a-z0-9]){re.escape(lowered)}(?![a-z0-9])", text) is not None
