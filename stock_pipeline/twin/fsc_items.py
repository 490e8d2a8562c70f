"""The listed shares of a day, as the service GetKrxListedInfoService tells them.

No answer of it is recorded: its fields are those of the description.
"""

from __future__ import annotations

from datetime import date

from stock_pipeline.twin.world import World


def rows(world: World, day: date) -> list[dict[str, str]]:
    """Return one entry per share listed on a session; foreign companies have no number."""
    listings, text = world.listings(day), f"{day:%Y%m%d}"
    called = {one.share.column: one.name for one in listings}
    entries = []
    for one in listings:
        company = world.companies[one.share.company]
        entries.append(
            {
                "basDt": text,
                "srtnCd": f"A{one.share.ticker}",
                "isinCd": one.share.isin,
                "mrktCtg": one.market.removesuffix(" GLOBAL"),
                "itmsNm": one.name,
                "crno": "0" * 13 if company.role == "foreign" else company.crno,
                "corpNm": f"{called.get(company.index, company.name)}(주)",
            }
        )
    return entries
