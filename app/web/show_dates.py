"""Dates and the age of prices as a person reads them."""

from __future__ import annotations

from datetime import date, datetime

from app.estimator.hardware import OLD_PRICE_DAYS, STALE_PRICE_DAYS


def day(value: date | datetime | str) -> str:
    """A date as ``23 November 2026``.

    Examples
    --------
    >>> day("2026-11-23"), day("recently")
    ('23 November 2026', 'recently')
    """
    if isinstance(value, str):
        try:
            read = date.fromisoformat(value[:10])
        except ValueError:
            return value
    else:
        read = value
    return f"{read.day} {read:%B %Y}"


def price_age(valid_from: str, days: int) -> tuple[str, str]:
    """Level (fresh, old or stale) and words for the age of a price.

    Examples
    --------
    >>> price_age("2026-11-11", 12)
    ('fresh', 'Price of 11 November 2026 (12 days old)')
    >>> price_age("2026-07-26", 120)[1]
    'Old price: 26 July 2026 (120 days old)'
    >>> price_age("2025-11-23", 365)[0]
    'stale'
    """
    age = "today" if days <= 0 else f"{days:,} day{'' if days == 1 else 's'} old"
    if days > STALE_PRICE_DAYS:
        return "stale", f"Very old price: {day(valid_from)} ({age}). Check it before relying on it."
    if days > OLD_PRICE_DAYS:
        return "old", f"Old price: {day(valid_from)} ({age})"
    return "fresh", f"Price of {day(valid_from)} ({age})"


def price_date(valid_from: str, days: int) -> tuple[str, str]:
    """Level (fresh, old or stale) and the date of a price, for a cell of a table.

    Examples
    --------
    >>> price_date("2026-11-11", 12), price_date("2026-07-26", 120)
    (('fresh', '11 November 2026'), ('old', '26 July 2026, old'))
    >>> price_date("2025-11-23", 365), price_date("", 0)
    (('stale', '23 November 2025, very old'), ('fresh', ''))
    """
    if not valid_from:
        return "fresh", ""
    if days > STALE_PRICE_DAYS:
        return "stale", f"{day(valid_from)}, very old"
    if days > OLD_PRICE_DAYS:
        return "old", f"{day(valid_from)}, old"
    return "fresh", day(valid_from)
