"""Quantities with their units as a person reads them: time, bytes, energy. Nothing feeds back."""

from __future__ import annotations

import math

from app.estimator.currency import US_DOLLAR, Currency
from app.estimator.report_values import Distribution
from app.web.show_amounts import usd_short
from app.web.show_numbers import NONE, number, percent, points, rounded, share, significant
from app.web.show_words import NO_BREAK, with_unit

_GIB = 2**30
_HOURS_PER_DAY = 24
_DAYS_PER_YEAR = 365


def power_of_ten(value: float | None, unit: str) -> str:
    """A very large quantity with an SI prefix: FLOP by the exa, tokens by the giga.

    Examples
    --------
    >>> power_of_ten(6.3e18, "FLOP"), power_of_ten(1.35e8, "FLOP")
    ('6.3 EFLOP', '135 MFLOP')
    """
    if value is None or not math.isfinite(value):
        return NONE
    for limit, prefix in (
        (1e24, "Y"), (1e21, "Z"), (1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"),
    ):  # fmt: skip
        if abs(rounded(value)) >= limit:
            return f"{significant(value / limit)} {prefix}{unit}"
    return f"{significant(value)} {unit}"


def gib(size_bytes: float | None) -> str:
    """Bytes in GiB.

    Examples
    --------
    >>> gib(80 * 2**30), gib(1.5 * 2**30), gib(0)
    ('80.0\\xa0GiB', '1.5\\xa0GiB', '0.0\\xa0GiB')
    """
    return NONE if size_bytes is None else f"{number(size_bytes / _GIB, 1)}{NO_BREAK}GiB"


def data_size(size_bytes: float | None) -> str:
    """Bytes of a file or of traffic, in decimal units as storage and networks are sold.

    Examples
    --------
    >>> data_size(141.1e9), data_size(2.963e12), data_size(180e6), data_size(0), data_size(999.9e6)
    ('141\\xa0GB', '2.96\\xa0TB', '180\\xa0MB', '0\\xa0GB', '1\\xa0GB')
    """
    if size_bytes is None or not math.isfinite(size_bytes):
        return NONE
    for limit, prefix in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(rounded(size_bytes)) >= limit:
            return f"{significant(size_bytes / limit)}{NO_BREAK}{prefix}B"
    return f"0{NO_BREAK}GB" if round(size_bytes) == 0 else f"{number(size_bytes)}{NO_BREAK}bytes"


def hours(value: float | None) -> str:
    """A duration given in hours, in the unit that a person would use.

    Examples
    --------
    >>> hours(0.01), hours(0.4), hours(6.54), hours(48), hours(200)
    ('36 s', '24 min', '6.5 h', '48 h', '8.3 days')
    >>> hours(0.9999), hours(9.99), hours(96.4), hours(20_000)
    ('1.0 h', '10 h', '96 h', '2.3 years')
    """
    if value is None or not math.isfinite(value):
        return NONE
    if rounded(value * 3600, 2) < 60:
        return f"{significant(value * 3600, 2)} s"
    if round(value * 60) < 60:
        return f"{number(value * 60)} min"
    if round(value, 1) < 10:
        return f"{number(value, 1)} h"
    if round(value) <= 4 * _HOURS_PER_DAY:
        return f"{number(value)} h"
    days = value / _HOURS_PER_DAY
    if round(days, 1) <= _DAYS_PER_YEAR:
        return f"{number(days, 1)} days"
    return f"{number(days / _DAYS_PER_YEAR, 1)} years"


def seconds(value: float | None) -> str:
    """A short time.

    Examples
    --------
    >>> seconds(0.0123), seconds(2.345), seconds(120), seconds(0.9999)
    ('12.3 ms', '2.35 s', '120 s', '1 s')
    """
    if value is None or not math.isfinite(value):
        return NONE
    return f"{significant(value * 1e3)} ms" if rounded(value) < 1 else f"{significant(value)} s"


def months(value: float | None) -> str:
    """A number of months.

    Examples
    --------
    >>> months(7.31), months(1), months(None), months(0.4)
    ('7.3 months', '1 month', '—', '0.4 months')
    """
    if value is None or not math.isfinite(value):
        return NONE
    return with_unit(number(value, 1).removesuffix(".0"), "months")


def energy(kwh: float | None) -> str:
    """Electricity in the unit that a person would use.

    Examples
    --------
    >>> energy(12.34), energy(4_210), energy(None)
    ('12.3\\xa0kWh', '4.21\\xa0MWh', '—')
    """
    if kwh is None or not math.isfinite(kwh):
        return NONE
    for limit, prefix in ((1e6, "G"), (1e3, "M")):
        if abs(rounded(kwh)) >= limit:
            return f"{significant(kwh / limit)}{NO_BREAK}{prefix}Wh"
    return f"{significant(kwh)}{NO_BREAK}kWh"


def carbon(kg: float | None) -> str:
    """Carbon dioxide and its equivalents.

    Examples
    --------
    >>> carbon(152.3), carbon(1_234), carbon(0.0456)
    ('152\\xa0kg CO₂e', '1.23\\xa0t CO₂e', '0.0456\\xa0kg CO₂e')
    """
    if kg is None or not math.isfinite(kg):
        return NONE
    if abs(rounded(kg)) >= 1e3:
        return f"{significant(kg / 1e3)}{NO_BREAK}t CO₂e"
    return f"{significant(kg)}{NO_BREAK}kg CO₂e"


def span(
    distribution: Distribution | None, kind: str = "usd", currency: Currency = US_DOLLAR
) -> str:
    """The 80% range of a distribution: ``low to high``.

    Parameters
    ----------
    kind : usd, points, hours, gib or number.
    currency : that dollars are shown in.

    Examples
    --------
    >>> span(Distribution(2, -1, 2, 5), "points"), span(None)
    ('−1.0 to +5.0', '—')
    >>> span(Distribution(6e10, 5 * 2**30, 6e10, 60 * 2**30), "gib")
    '5.0 to 60.0\\xa0GiB'
    """
    if distribution is None:
        return NONE
    if kind == "gib":
        return f"{number(distribution.p10 / _GIB, 1)} to {gib(distribution.p90)}"
    if kind == "usd":
        low, high = (usd_short(value, currency) for value in (distribution.p10, distribution.p90))
        return f"{low} to {high}"
    write = {"points": points, "hours": hours, "number": significant}[kind]
    return f"{write(distribution.p10)} to {write(distribution.p90)}"


def quantity(
    value: float | None, unit: str, currency: Currency = US_DOLLAR, *, signed: bool = True
) -> str:
    """A quantity of the report by the name of its unit.

    Parameters
    ----------
    unit : points, USD and % (also per something: "USD a month"), fraction (a probability), share,
        months, count, or any other noun, which follows the number.
    signed : points with their sign, as differences have it.

    Examples
    --------
    >>> quantity(1.94, "points"), quantity(0.143, "fraction"), quantity(1, "weeks")
    ('+1.9 points', '14%', '1 week')
    >>> quantity(31_240, "USD a month"), quantity(0.00213, "share"), quantity(7, "count")
    ('US$31.2\\xa0k a month', '0.21%', '7')
    >>> quantity(1.5, "% a year"), quantity(None, "s"), quantity(0.4, "s"), quantity(1, "releases")
    ('1.5% a year', '—', '0.4 s', '1 release')
    """
    if value is None or not math.isfinite(value):
        return NONE
    money, _, per = unit.partition(" ")
    if money == "USD":
        return f"{usd_short(value, currency)} {per}".strip()
    if unit == "points":
        return f"{points(value, plus=signed)} points"
    if unit in {"fraction", "probability"}:
        return percent(value)
    if unit == "share":
        return share(value)
    if unit.startswith("%"):
        return f"{significant(value)}{unit}"
    if unit == "months":
        return months(value)
    return with_unit(significant(value), "" if unit == "count" else unit)
