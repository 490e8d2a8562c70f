"""The archive of all company codes, the one answer of the filing system that is a file."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import date
from xml.sax.saxutils import escape

from stock_pipeline.twin.world import World

# The month 15 is as it comes: the real archive carries a date that does not exist.
_IMPOSSIBLE_TIME = (2107, 15, 28, 23, 51, 0)


def archive(world: World, today: date) -> bytes:
    """Write the archive as it stands on a day."""
    text = "\n".join(_entries(world, today))
    xml = f'<?xml version="1.0" encoding="UTF-8"?>\n<result>\n{text}\n</result>\n'
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as file:
        member = zipfile.ZipInfo("CORPCODE.xml", _IMPOSSIBLE_TIME)
        member.compress_type = zipfile.ZIP_DEFLATED
        file.writestr(member, xml.encode())
    return stream.getvalue()


def _entries(world: World, today: date) -> Iterator[str]:
    """Write one entry per company: a blank stock code before it lists, its own ever after."""
    for filer in world.disclosures.unlisted:
        yield _entry(filer.corp_code, (filer.name, filer.english), " ", filer.modified)
    called = {one.share.company: one.name for one in world.listings(today)}
    for company in world.companies:
        if company.established > today:
            continue
        listed = world.shares[company.index].listed <= today
        name = called.get(company.index, company.name)
        code = company.ticker if listed else " "
        modified = max(company.established, date(2017, 6, 30))
        yield _entry(company.corp_code, (name, company.english), code, modified)


def _entry(corp_code: str, names: tuple[str, str], stock_code: str, modified: date) -> str:
    return f"""    <list>
        <corp_code>{corp_code}</corp_code>
        <corp_name>{escape(names[0])}</corp_name>
        <corp_eng_name>{escape(names[1])}</corp_eng_name>
        <stock_code>{stock_code}</stock_code>
        <modify_date>{modified:%Y%m%d}</modify_date>
    </list>"""
