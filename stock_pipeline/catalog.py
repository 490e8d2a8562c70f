"""Write the data dictionary `docs/catalog.md` from the declarations.

With `--check` nothing is written; the status is 1 when the file is out of date.
"""

from __future__ import annotations

import sys
from pathlib import Path

from stock_pipeline import discovery
from stock_pipeline.storage.schema import Table, View
from stock_pipeline.table_asset import TableAsset

PATH = Path("docs/catalog.md")

_HEAD = """# Data dictionary

Written by `make catalog` from the declarations in `stock_pipeline/assets`; do not edit by hand.
Everything lives in the PostgreSQL schema `market`. Missing is NULL, never 0 or an empty text.
"""


def render() -> str:
    """Return the whole dictionary as Markdown."""
    assets = discovery.table_assets()
    groups = sorted({asset.group for asset in assets})
    parts = [_HEAD]
    for group in groups:
        parts.append(f"## Group `{group}`\n")
        parts += [_asset_entry(asset) for asset in assets if asset.group == group]
    parts.append("## Group `operations`\n\nWritten by the machinery itself.\n")
    parts += [_columns(table) for table in discovery.operations_tables()]
    parts.append("## Views and functions\n")
    parts += [_view_entry(view) for view in discovery.views()]
    return "\n".join(parts).rstrip() + "\n"


def _asset_entry(asset: TableAsset) -> str:
    description = next(iter(asset.asset.descriptions_by_key.values()))
    upstream = sorted(key.to_user_string() for key in asset.asset.dependency_keys)
    facts = [f"Write mode `{asset.work.write}`"]
    if asset.work.partitions:
        facts.append(f"partition: {asset.work.partitions}")
    if upstream:
        facts.append("reads " + ", ".join(f"`{name}`" for name in upstream))
    text = f"{description}\n\n{' · '.join(facts)}\n"
    first, *others = asset.work.tables
    beside = (_columns(table, f"Written together with `{first.name}`.\n") for table in others)
    return "\n".join([_columns(first, text), *beside])


def _columns(table: Table, text: str = "") -> str:
    lines = [f"### `{table.name}`\n"]
    if text:
        lines.append(text)
    lines += ["| column | type | unit | meaning |", "|---|---|---|---|"]
    for column in table.columns:
        name = f"**{column.name}**" if column.is_key else column.name
        meaning = column.meaning.replace("|", "\\|")
        lines.append(f"| {name} | {column.type.sql} | {column.unit or ''} | {meaning} |")
    return "\n".join(lines) + "\n"


def _view_entry(view: View) -> str:
    return f"* `{view.name}{view.signature}` — {view.meaning}"


def main() -> int:
    """Write the file, or compare it."""
    text = render()
    if "--check" not in sys.argv[1:]:
        PATH.write_text(text, encoding="utf-8")
        return 0
    if PATH.exists() and PATH.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write(f"{PATH} is out of date: run `make catalog`\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
