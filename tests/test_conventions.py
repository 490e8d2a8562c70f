"""The conventions worth keeping, each as a test: names, docstrings, sizes, units, tests."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

from stock_pipeline import discovery
from stock_pipeline.storage import collection_log
from stock_pipeline.storage.schema import Table
from stock_pipeline.table_asset import TableAsset

REPOSITORY = Path(__file__).parents[1]
PACKAGE = REPOSITORY / "stock_pipeline"
MODULES = sorted(PACKAGE.rglob("*.py"))
# The shape that the six products of the FSS share; no table of its own.
SHARED_SHAPE = PACKAGE / "assets" / "products" / "finlife.py"
TABLE_FILES = sorted(
    p for p in PACKAGE.glob("assets/*/*.py") if p.name != "__init__.py" and p != SHARED_SHAPE
)
TABLES = [table for asset in discovery.table_assets() for table in asset.work.tables]
LABELS = ["Source", "Grain", "Units", "Cadence", "Caveats"]
FORBIDDEN_NAMES = {"utils", "helpers", "common", "misc", "base", "manager"}
# A number in one of these columns measures nothing: it names or counts within a key.
UNITLESS = {"fiscal_year", "row_no", "schema_version"}
NUMERIC = ("bigint", "integer", "smallint", "double precision", "numeric", "real")


def name_of(path: Path) -> str:
    """Return a path as a test id."""
    return path.relative_to(REPOSITORY).as_posix()


@pytest.mark.parametrize("path", TABLE_FILES, ids=name_of)
def test_table_asset_function_and_file_have_one_name(path: Path) -> None:
    found = [asset for asset in discovery.table_assets() if asset.table.name == path.stem]
    assert len(found) == 1
    asset: TableAsset = found[0]
    assert asset.keys[0].to_user_string() == path.stem
    assert re.search(rf"^def {path.stem}\(", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(asset.asset.group_names_by_key.values()) == {path.parent.name}


@pytest.mark.parametrize("path", TABLE_FILES, ids=name_of)
def test_a_table_file_begins_with_its_catalogue_entry(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    first, _, rest = docstring.partition("\n")
    labels = [m for m in re.findall(r"^([A-Z][a-z]+)  ", rest, re.MULTILINE) if m in LABELS]
    assert first.endswith(".")
    assert labels == [label for label in LABELS if label in labels]
    assert {"Source", "Grain", "Cadence"} <= set(labels)


@pytest.mark.parametrize("path", TABLE_FILES, ids=name_of)
def test_every_table_has_a_test_of_its_name(path: Path) -> None:
    test = REPOSITORY / "tests" / "assets" / path.parent.name / f"test_{path.name}"
    assert test.is_file()


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("sources/*.py")), ids=name_of)
def test_every_upstream_has_a_twin(path: Path) -> None:
    is_upstream = re.search(r"^[A-Z_]+ = Upstream\(", path.read_text("utf-8"), re.MULTILINE)
    if is_upstream:
        twin = {"fdr": "fdr_cache"}.get(path.stem, path.stem)
        assert (PACKAGE / "twin" / f"{twin}.py").is_file()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_is_small_named_after_its_matter_and_documented(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert text.count("\n") <= 300
    assert path.stem not in FORBIDDEN_NAMES
    assert ast.get_docstring(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name != "table_asset":
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= 40, f"{node.name} has {length} lines"
    for function in _public_functions(tree):
        assert ast.get_docstring(function), function.name


def _public_functions(tree: ast.Module) -> list[ast.FunctionDef]:
    """Return the functions a reader may call: not the stubs of a protocol, not nested ones."""
    classes = [n for n in tree.body if isinstance(n, ast.ClassDef) and n.name[0] != "_"]
    bodies = [tree.body, *(node.body for node in classes)]
    functions = [n for body in bodies for n in body if isinstance(n, ast.FunctionDef)]
    return [f for f in functions if f.name[0] != "_" and ast.unparse(f.body[-1]) != "..."]


@pytest.mark.parametrize("path", sorted(REPOSITORY.glob("tests/**/*.py")), ids=name_of)
def test_a_test_file_stays_readable(path: Path) -> None:
    assert path.read_text(encoding="utf-8").count("\n") <= 400


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_column_has_a_meaning_and_a_measured_one_its_unit(table: Table) -> None:
    for column in table.own_columns:
        assert column.meaning, column.name
        measures = column.type.sql.startswith(NUMERIC) and not column.is_key
        if measures and column.name not in UNITLESS:
            assert column.unit, f"{column.name} measures something: in which unit?"


def test_table_names_are_unique() -> None:
    names = [table.name for table in [*TABLES, *collection_log.TABLES]]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("asset", discovery.table_assets(), ids=lambda asset: asset.table.name)
def test_every_rule_says_what_must_hold(asset: TableAsset) -> None:
    for rules in (asset.work.rules, *(one.rules for one in asset.work.beside)):
        names = [rule.name for rule in rules]
        assert len(names) == len(set(names))
        assert all(rule.meaning for rule in rules)


def test_the_package_prints_nothing_and_reads_no_clock() -> None:
    offences = []
    for path in MODULES:
        if path.parent.name == "twin" or path.stem in {"clock", "fdr_worker"}:
            continue
        text = path.read_text(encoding="utf-8")
        for pattern in (r"(?<![\w.])print\(", r"datetime\.now\(", r"date\.today\(", r"utcnow\("):
            if re.search(pattern, text) and "SystemClock" not in text:
                offences.append((name_of(path), pattern))
    assert offences == []


def test_descriptions_of_the_assets_are_their_module_docstrings() -> None:
    for found in discovery.table_assets():
        for description in found.asset.descriptions_by_key.values():
            assert found.table.meaning
            assert inspect.cleandoc(description or "").startswith(found.table.meaning)
