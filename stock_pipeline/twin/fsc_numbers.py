"""How the services of data.go.kr write a number as text."""

from __future__ import annotations


def number(value: float, places: int = 2) -> str:
    """Write a number without commas, closing zeros or a zero before the point: `.11`, `-4.1`."""
    text = f"{value:.{places}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    if digits.startswith("0."):
        return sign + digits[1:]
    return "0" if digits == "0" else sign + digits
