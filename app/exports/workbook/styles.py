"""How cells look: one look for each role, so that colour means the same on every sheet."""

from __future__ import annotations

from typing import Any

USD = "#,##0.00;[Red]-#,##0.00;0.00"
PRICE = "#,##0.00####"
COUNT = "#,##0.00;[Red]-#,##0.00;0"
WHOLE = "#,##0"
PERCENT = "0.0#%"
FACTOR = "0.000000"
DATE = "yyyy-mm-dd"

INK, PAPER, RULE = "#1F2937", "#F3F4F6", "#9CA3AF"
ENTERED = {"font_color": "#1D4ED8", "bg_color": "#FEF9C3", "border": 1, "border_color": "#E5C84A"}
HELD = {"font_color": "#047857"}
SIMULATED = {"font_color": "#7E22CE", "italic": True}
SUMMED = {"bold": True, "top": 1, "top_color": RULE}

STYLES: dict[str, dict[str, Any]] = {
    "title": {"bold": True, "font_size": 16, "font_color": INK},
    "verdict": {"font_size": 12, "bold": True, "text_wrap": True, **HELD},
    "section": {"bold": True, "font_size": 12, "font_color": INK, "bottom": 2},
    "section_right": {"bold": True, "font_color": INK, "bottom": 2, "align": "right"},
    "note": {"font_color": "#4B5563", "font_size": 9},
    "unit": {"indent": 1, "align": "left"},
    "part": {"indent": 2, "align": "left"},
    "head": {"bold": True, "bg_color": PAPER, "bottom": 1, "text_wrap": True},
    "head_right": {
        "bold": True, "bg_color": PAPER, "bottom": 1, "text_wrap": True, "align": "right",
    },
    "head_step": {"bold": True, "bg_color": PAPER, "bottom": 1, "num_format": "+0%;-0%"},
    "head_rate": {"bold": True, "bg_color": PAPER, "num_format": "#,##0.0###%"},
    "head_date": {"bg_color": PAPER, "num_format": DATE},
    "text": {},
    "wrap": {"text_wrap": True},
    "small": {"font_color": "#4B5563", "text_wrap": True, "font_size": 9},
    "strong": {"bold": True},
    "words": {"align": "right"},
    "link": {"font_color": "#1D4ED8", "underline": 1},
    "plain": {"num_format": "#,##0.######"},
    "usd": {"num_format": USD},
    "price": {"num_format": PRICE},
    "count": {"num_format": COUNT},
    "whole": {"num_format": WHOLE},
    "percent": {"num_format": PERCENT},
    "factor": {"num_format": FACTOR},
    "date": {"num_format": DATE},
    "usd_total": {"num_format": USD, **SUMMED},
    "text_total": {**SUMMED},
    "shown": {"num_format": USD},
    "shown_total": {"num_format": USD, **SUMMED},
    "in_price": {"num_format": PRICE, **ENTERED},
    "in_count": {"num_format": "#,##0.######", **ENTERED},
    "in_percent": {"num_format": "0.0####%", **ENTERED},
    "in_date": {"num_format": DATE, **ENTERED},
    "in_text": {"align": "right", **ENTERED},
    "held_count": {"num_format": COUNT, **HELD},
    "held_factor": {"num_format": FACTOR, **HELD},
    "held_price": {"num_format": PRICE, **HELD},
    "held_usd": {"num_format": USD, **HELD},
    "held_percent": {"num_format": PERCENT, **HELD},
    "held_text": {**HELD, "align": "right"},
    "held_words": {**HELD},
    "held_date": {"num_format": DATE, **HELD},
    "stale": {"bold": True, "font_color": "#B91C1C"},
    "simulated_shown": {"num_format": USD, **SIMULATED},
    "simulated_usd": {"num_format": USD, **SIMULATED},
    "simulated_percent": {"num_format": PERCENT, **SIMULATED},
    "simulated_count": {"num_format": COUNT, **SIMULATED},
    "check": {"num_format": '"off by "0.00;"off by "-0.00;"OK"', "align": "right", **HELD},
}  # fmt: skip
"""The look of every role, as XlsxWriter names its parts. `shown` is in the shown currency."""


def in_currency(code: str, digits: int) -> str:
    """Number format of amounts in a currency.

    Examples
    --------
    >>> in_currency("JPY", 0)
    '"JPY" #,##0;[Red]-"JPY" #,##0;"JPY" 0'
    """
    decimals = "." + "0" * digits if digits else ""
    each = f'"{code}" #,##0{decimals}'
    return f'{each};[Red]-{each};"{code}" 0{decimals}'
