"""What an address of the screener asks for: the same words on the page, in its file and in the API.

The page may say amounts in 억원 as well, and leaves empty fields of its form out.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from pydantic import BaseModel, Field, model_validator

from stock_pipeline.dashboard.asked import FIRST_DAY, LAST_DAY, LONGEST_TEXT, day_asked
from stock_pipeline.figures.screener import COLUMNS, NUMBERS, Screen

Market = Literal["KOSPI", "KOSDAQ", "KONEX"]
Grade = Literal["S", "A+", "A", "B+", "B", "C+", "C", "D", "F"]
EOK = 10**8

# PostgreSQL has no text with a NUL in it.
_Text = Annotated[str | None, Field(max_length=LONGEST_TEXT, pattern=r"^[^\x00]*$")]
_Bound = Annotated[float | None, Field(allow_inf_nan=False)]


class ScreenQuery(BaseModel):
    """Filters and order; each `_min` and `_max` is in the unit of its column and counts itself."""

    q: _Text = Field(None, description="part of the name or of the code, in any letters")
    market: list[Market] = Field([], max_length=3, description="any of these markets")
    industry: _Text = Field(None, description="industry by KSIC, exactly")
    grade: list[Grade] = Field([], max_length=9, description="any of these Compass grades")
    close_min: _Bound = None
    close_max: _Bound = None
    change_pct_min: _Bound = None
    change_pct_max: _Bound = None
    value_min: _Bound = None
    value_max: _Bound = None
    market_cap_min: _Bound = None
    market_cap_max: _Bound = None
    per_min: _Bound = None
    per_max: _Bound = None
    pbr_min: _Bound = None
    pbr_max: _Bound = None
    dividend_yield_pct_min: _Bound = None
    dividend_yield_pct_max: _Bound = None
    ytd_return_pct_min: _Bound = None
    ytd_return_pct_max: _Bound = None
    one_year_return_pct_min: _Bound = None
    one_year_return_pct_max: _Bound = None
    compass_score_min: _Bound = None
    compass_score_max: _Bound = None
    compass_financial_score_min: _Bound = None
    compass_financial_score_max: _Bound = None
    compass_valuation_score_min: _Bound = None
    compass_valuation_score_max: _Bound = None
    compass_technical_score_min: _Bound = None
    compass_technical_score_max: _Bound = None
    compass_risk_score_min: _Bound = None
    compass_risk_score_max: _Bound = None
    score_change_1_min: _Bound = None
    score_change_1_max: _Bound = None
    score_change_20_min: _Bound = None
    score_change_20_max: _Bound = None
    sort: str = Field(
        "market_cap",
        pattern=f"^({'|'.join(COLUMNS)})$",
        description="column to sort by; missing values come last, equal ones by their code",
    )
    order: Literal["asc", "desc"] = "desc"
    as_of: date | None = Field(
        None, ge=FIRST_DAY, le=LAST_DAY, description="newest day that may be looked at"
    )

    def screen(self, today: date) -> Screen:
        """Return what is looked for, on no day that is still to come."""
        return Screen(
            text=(self.q or "").strip(),
            markets=tuple(self.market),
            industry=self.industry,
            grades=tuple(self.grade),
            least=self.bounds("min"),
            most=self.bounds("max"),
            sort=self.sort,
            descending=self.order == "desc",
            as_of=day_asked(self.as_of, today),
        )

    def bounds(self, end: Literal["min", "max"]) -> dict[str, float]:
        """Return figure → bound, without the figures that have none."""
        asked = {name: getattr(self, f"{name}_{end}") for name in NUMBERS}
        return {name: bound for name, bound in asked.items() if bound is not None}


class PageQuery(ScreenQuery):
    """The same as people type it: amounts in 억원, and fields that stay empty."""

    value_eok_min: _Bound = None
    value_eok_max: _Bound = None
    market_cap_eok_min: _Bound = None
    market_cap_eok_max: _Bound = None
    page: int = Field(1, ge=1, le=10_000)

    @model_validator(mode="before")
    @classmethod
    def _without_blanks(cls, asked: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in asked.items() if value not in ("", [""])}

    def bounds(self, end: Literal["min", "max"]) -> dict[str, float]:
        """Return figure → bound in the unit of its column."""
        typed = {name: getattr(self, f"{name}_eok_{end}") for name in ("value", "market_cap")}
        amounts = {name: bound * EOK for name, bound in typed.items() if bound is not None}
        return super().bounds(end) | amounts

    def address(self, path: str = "", **changes: object) -> str:
        """Return the link to these shares, changed in some fields; what is usual is left out."""
        asked = self.model_copy(update=changes).model_dump(mode="json", exclude_defaults=True)
        return f"{path}?{urlencode(asked, doseq=True)}".rstrip("?")
