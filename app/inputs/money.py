"""The time over which money is counted, and how."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from app.inputs.kinds import CURRENCY_PATTERN, MONTH_PATTERN, Fields, Percent


class MoneyFields(Fields):
    """Ramp-up and horizon, discounting, fiscal year, tax, inflation and currency."""

    adoption_ramp_months: float = Field(
        0,
        ge=0,
        le=120,
        allow_inf_nan=False,
        title="Ramp-up",
        description="Months from the first release until it gives all answers, in a straight line.",
        json_schema_extra={"unit": "months"},
    )
    horizon_months: int = Field(
        36,
        ge=1,
        le=120,
        title="Horizon",
        description="Months over which cost and value are counted.",
        json_schema_extra={"unit": "months"},
    )
    discount_rate_percent: float = Field(
        10,
        ge=0,
        le=100,
        allow_inf_nan=False,
        title="Discount rate",
        description="A year, effective.",
        json_schema_extra={"unit": "%"},
    )
    start_month: str = Field(
        "",
        max_length=7,
        pattern=MONTH_PATTERN,
        title="Start month",
        description="Month 1, such as 2027-01; blank: the month after today. What is paid at the "
        "start falls on its first day.",
    )
    fiscal_year_start: int = Field(
        1,
        ge=1,
        le=12,
        title="Fiscal year begins in month",
        description="1: January. A fiscal year has the number of the year that it ends in.",
    )
    tax_percent: float = Field(
        0,
        ge=0,
        le=90,
        allow_inf_nan=False,
        title="Tax on profit",
        description="0: before tax. Losses are taken to be set off against other profit at once.",
        json_schema_extra={"unit": "%"},
    )
    capitalised_percent: Percent = Field(
        0,
        title="Capitalised work",
        description="Share of the costs until the first release that is written off in equal "
        "parts; the rest lowers the tax when it is paid.",
        json_schema_extra={"unit": "%"},
    )
    write_off_months: int = Field(
        36,
        ge=1,
        le=240,
        title="Written off over",
        description="From the first whole month in use.",
        json_schema_extra={"unit": "months"},
    )
    money_terms: Literal["nominal", "real"] = Field(
        "nominal",
        title="Money",
        description="Nominal: prices and worths rise with inflation, and the discount rate is a "
        "nominal one. Real: all in money of the start, and the discount rate is a real one.",
    )
    inflation_percent: float = Field(
        0,
        ge=-20,
        le=100,
        allow_inf_nan=False,
        title="Inflation",
        description="A year, of all prices and worths.",
        json_schema_extra={"unit": "% a year"},
    )
    currency: str = Field(
        "USD",
        pattern=CURRENCY_PATTERN,
        title="Currency",
        description="Amounts are shown in it, converted at a dated rate; what you enter is in US "
        "dollars. ISO 4217.",
    )
    exchange_rate_per_usd: float = Field(
        0,
        ge=0,
        le=1e9,
        allow_inf_nan=False,
        title="Exchange rate",
        description="Units of the currency for one US dollar; 0: the dated reference rate.",
    )
