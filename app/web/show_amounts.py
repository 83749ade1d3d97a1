"""Amounts of money as a person reads them, in the currency of the page. Nothing feeds back."""

from __future__ import annotations

import math

from app.estimator.currency import US_DOLLAR, Currency
from app.web.show_numbers import NONE, number, signed, significant
from app.web.show_words import NO_BREAK


def amount(
    value: float | None, currency: Currency = US_DOLLAR, *, cents: bool = False, plus: bool = False
) -> str:
    """An amount that is in the currency already: whole units, minor units where asked for or below
    ten.

    Examples
    --------
    >>> amount(31240.4, Currency("CHF", 2, 0.82)), amount(2.5, Currency("JPY", 0, 154.0))
    ('CHF\\xa031,240', 'JPY\\xa02')
    >>> amount(-3.5, Currency("EUR", 2, 0.9)), amount(3.5, Currency("KWD", 3, 0.3))
    ('−€3.50', 'KWD\\xa03.500')
    """
    if value is None or not math.isfinite(value):
        return NONE
    small = value != 0 and round(abs(value), currency.digits) < 10
    decimals = currency.digits if cents or small else 0
    return signed(f"{currency.sign}{abs(value):,.{decimals}f}", value < 0, plus)


def usd(
    value: float | None, currency: Currency = US_DOLLAR, *, cents: bool = False, plus: bool = False
) -> str:
    """An amount of US dollars, converted; see `amount`.

    Examples
    --------
    >>> usd(31240.4), usd(-3.5), usd(31240.4, cents=True), usd(None), usd(0)
    ('US$31,240', '−US$3.50', 'US$31,240.40', '—', 'US$0')
    >>> usd(1000, Currency("EUR", 2, 0.8951), cents=True)
    '€895.10'
    """
    converted = None if value is None else currency.of(value)
    return amount(converted, currency, cents=cents, plus=plus)


def amount_short(
    value: float | None, currency: Currency = US_DOLLAR, *, plus: bool = False, trim: bool = False
) -> str:
    """An amount that is in the currency already, in three digits, for headlines, ranges and axes.

    Parameters
    ----------
    trim : leave out zeros at the end, for round numbers such as those of an axis.

    Examples
    --------
    >>> amount_short(91_000, Currency("EUR", 2, 0.9), trim=True)
    '€91\\xa0k'
    """
    if value is None or not math.isfinite(value):
        return NONE
    size = abs(value)
    # The limits are where three digits would round up into the next unit.
    for limit, divisor, suffix in (
        (999.5e9, 1e12, "tn"), (999.5e6, 1e9, "bn"), (999.5e3, 1e6, "M"), (999.5, 1e3, "k"),
    ):  # fmt: skip
        if size >= limit:
            scaled = size / divisor
            text = f"{scaled:,.{2 if scaled < 9.995 else 1 if scaled < 99.95 else 0}f}"
            if trim:
                text = significant(scaled)
            return signed(f"{currency.sign}{text}{NO_BREAK}{suffix}", value < 0, plus)
    return amount(value, currency, plus=plus)


def usd_short(
    value: float | None, currency: Currency = US_DOLLAR, *, plus: bool = False, trim: bool = False
) -> str:
    """An amount of US dollars, converted, in three digits; see `amount_short`.

    Examples
    --------
    >>> usd_short(1_234_567), usd_short(-31_240), usd_short(999), usd_short(2.5e9), usd_short(2.5)
    ('US$1.23\\xa0M', '−US$31.2\\xa0k', 'US$999', 'US$2.50\\xa0bn', 'US$2.50')
    >>> usd_short(91_000), usd_short(91_000, trim=True), usd_short(99_960)
    ('US$91.0\\xa0k', 'US$91\\xa0k', 'US$100\\xa0k')
    >>> usd_short(9.999e11), usd_short(3.6e12)
    ('US$1.00\\xa0tn', 'US$3.60\\xa0tn')
    """
    converted = None if value is None else currency.of(value)
    return amount_short(converted, currency, plus=plus, trim=trim)


def unit_price(value: float | None, currency: Currency = US_DOLLAR) -> str:
    """A price of US dollars for one of something, converted: below a hundred with two decimals more
    than the minor unit, where it has them.

    Examples
    --------
    >>> unit_price(290_905.875)
    'US$290,905.88'
    >>> unit_price(3.5), unit_price(0.02346), unit_price(0.5, Currency("JPY", 0, 154.06))
    ('US$3.50', 'US$0.0235', 'JPY\\xa077.03')
    """
    if value is None or not math.isfinite(value):
        return NONE
    size = abs(currency.of(value))
    text = number(size, currency.digits + (2 if size < 100 else 0))
    whole, _, decimals = text.partition(".")
    decimals = decimals.rstrip("0").ljust(currency.digits, "0")
    shown = f"{currency.sign}{whole}{'.' if decimals else ''}{decimals}"
    return signed(shown, value < 0, plus=False)


def entered_price(value: float, per: str, currency: Currency = US_DOLLAR) -> str:
    """An amount as it is entered, in US dollars, and what it is in the currency of the page.

    Examples
    --------
    >>> entered_price(18, "per hour", Currency("EUR", 2, 0.9)), entered_price(4000, "")
    ('US$18.00 (€16.20) per hour', 'US$4,000')
    """
    whole = abs(value) >= 100 and value == round(value)
    said = usd(value) if whole else unit_price(value)
    if currency != US_DOLLAR:
        said += f" ({usd(value, currency) if whole else unit_price(value, currency)})"
    return f"{said} {per}".strip()
