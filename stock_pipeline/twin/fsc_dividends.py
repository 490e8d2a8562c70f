"""Dividends as the service GetStocDiviInfoService tells them, after a recorded row.

The same dividend is loaded first without its amount and again once that is announced; of some the
first load stays beside the second. Rows of the nineties have a rate and no amount.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from stock_pipeline.twin.fsc_numbers import number
from stock_pipeline.twin.world import World
from stock_pipeline.twin.world_companies import Company, Share
from stock_pipeline.twin.world_dividends import Dividend

Row = dict[str, str]

_FIELDS = (
    *("basDt", "crno", "isinCd", "stckIssuCmpyNm", "isinCdNm", "scrsItmsKcd", "scrsItmsKcdNm"),
    *("stckParPrc", "trsnmDptyDcd", "trsnmDptyDcdNm", "stckStacMd", "dvdnBasDt", "cashDvdnPayDt"),
    *("stckHndvDt", "stckDvdnRcd", "stckDvdnRcdNm", "stckGenrDvdnAmt", "stckGrdnDvdnAmt"),
    *("stckGenrCashDvdnRt", "stckGenrDvdnRt", "cashGrdnDvdnRt", "stckGrdnDvdnRt"),
)

_KINDS = {
    (False, True): ("01", "주식배당"),
    (True, False): ("02", "현금배당"),
    (True, True): ("03", "현금+주식"),
}
# Loaded so long after the record date, and so long after the announcement.
_FIRST_LOAD, _SECOND_LOAD = timedelta(days=4), timedelta(days=2)
# Of one dividend in so many the load without an amount stays; of one, the row has no crno.
_STAYS, _NAMELESS = 4, 31
_OLD_RECORD, _OLD_LOAD, _OLD = date(1998, 12, 31), date(2020, 4, 8), 9


def rows(world: World, today: date) -> list[Row]:
    """Return every dividend whose record date or announcement is over, the newest load first."""
    found = [row for paid in world.dividends.every() for row in _loads(world, paid, today)]
    found += _old_ones(world)
    found.sort(key=lambda row: (row["basDt"], row["isinCd"]), reverse=True)
    return [{name: row[name] for name in _FIELDS} for row in found]


def _loads(world: World, paid: Dividend, today: date) -> Iterator[Row]:
    """Yield a dividend as it was loaded: without its amount, and with it once that is known."""
    unknown, known = paid.record + _FIRST_LOAD, paid.announced + _SECOND_LOAD
    stays = known > today or (paid.share.column + paid.record.toordinal()) % _STAYS == 0
    if unknown < known and unknown <= today and stays:
        yield _row(world, paid, unknown, is_known=False)
    if known <= today:
        yield _row(world, paid, known, is_known=True)


def _row(world: World, paid: Dividend, loaded: date, *, is_known: bool) -> Row:
    share, company = paid.share, world.companies[paid.share.company]
    par = world.dividends.par(share, paid.record)
    cash, given = (paid.cash, paid.given) if is_known else (0, 0)
    code, name = _KINDS[paid.cash > 0, paid.given > 0]
    pays, delivers = is_known and paid.cash > 0, is_known and paid.given > 0
    return _named(world, share, loaded) | {
        "stckParPrc": str(par),
        "stckStacMd": _settlement(company),
        "dvdnBasDt": f"{paid.record:%Y%m%d}",
        "cashDvdnPayDt": f"{paid.paid:%Y%m%d}" if pays else "",
        "stckHndvDt": f"{paid.paid:%Y%m%d}" if delivers else "",
        "stckDvdnRcd": code,
        "stckDvdnRcdNm": name,
        "stckGenrDvdnAmt": str(cash),
        "stckGenrCashDvdnRt": number(cash / par * 100),
        "stckGenrDvdnRt": number(given / 10),
    }


def _named(world: World, share: Share, loaded: date) -> Row:
    """Return whose share it is, and the fields that say nothing here."""
    company = world.companies[share.company]
    kind = ("0201", "우선주") if share.preferred else ("0101", "보통주")
    nameless = company.role == "foreign" or company.index % _NAMELESS == 30
    return {
        "basDt": f"{loaded:%Y%m%d}",
        "crno": "" if nameless else company.crno,
        "isinCd": share.isin,
        "stckIssuCmpyNm": company.name,
        "isinCdNm": share.name,
        "scrsItmsKcd": kind[0],
        "scrsItmsKcdNm": kind[1],
        "trsnmDptyDcd": "",
        "trsnmDptyDcdNm": "",
        "stckGrdnDvdnAmt": "0",
        "cashGrdnDvdnRt": "0",
        "stckGrdnDvdnRt": "0",
    }


def _settlement(company: Company) -> str:
    """Return the month of settlement; a few rows have its last day behind it."""
    month = f"{company.settle_month:02d}"
    return f"{month}{30 if month in ('06', '09') else 31}" if company.index % 7 == 6 else month


def _old_ones(world: World) -> Iterator[Row]:
    for share in world.shares:
        if share.listed < _OLD_RECORD and share.company % _OLD == 0:
            yield _named(world, share, _OLD_LOAD) | {
                "stckParPrc": str(world.dividends.par(share, _OLD_RECORD)),
                "stckStacMd": "12",
                "dvdnBasDt": f"{_OLD_RECORD:%Y%m%d}",
                "cashDvdnPayDt": "",
                "stckHndvDt": "",
                "stckDvdnRcd": "02",
                "stckDvdnRcdNm": "현금배당",
                "stckGenrDvdnAmt": "0",
                "stckGenrCashDvdnRt": number(1 + share.company % 20),
                "stckGenrDvdnRt": "0",
            }
