"""Templates of the letters: HTML with its styles in every element, and the same as plain text."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from stock_pipeline.alerts.alert import one_line
from stock_pipeline.figures.wording import FILTERS

if TYPE_CHECKING:
    import jinja2

LONGEST_TITLE = 200


def render(name: str, values: Mapping[str, Any]) -> tuple[str, str]:
    """Return a letter as HTML and as text.

    name  of its two templates, without their endings
    """
    # Imported here: whoever only lists subscribers writes no letter.
    import css_inline

    html = _environment().get_template(f"{name}.html").render(values)
    text = _environment().get_template(f"{name}.txt").render(values)
    # Mail programs drop styles of the head; what is for small screens only they may read there.
    inlined = css_inline.inline(html, keep_at_rules=True, load_remote_stylesheets=False)
    return inlined, text.strip() + "\n"


@cache
def _environment() -> jinja2.Environment:
    """Return the templates; in HTML every text is escaped, and no name may be missing."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("stock_pipeline.emails"),
        autoescape=jinja2.select_autoescape(["html"], default=False),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS)
    environment.filters["line"] = _line
    environment.tests["rising"] = _is_rising
    environment.tests["falling"] = _is_falling
    return environment


def _line(text: str | None) -> str:
    """Return a stranger's text as one line that cannot pass for another part of the letter."""
    return one_line(text or "", LONGEST_TITLE)


def _is_rising(told: str) -> bool:
    return told.startswith("▲")


def _is_falling(told: str) -> bool:
    return told.startswith("▼")
