"""Numbers as a person reads them: rounding, units, currency, durations. Nothing feeds back."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import date, datetime

from app.estimator.currency import US_DOLLAR, Currency
from app.estimator.hardware import OLD_PRICE_DAYS, STALE_PRICE_DAYS
from app.estimator.report_values import Distribution
from app.estimator.wording import percent as percent_in_words
from app.estimator.wording import plural as plural
from app.estimator.wording import with_unit as with_unit

NONE = "—"
_MINUS = "−"
_NO_BREAK = "\u00a0"
_HYPHEN_AS_MINUS = re.compile(r"(?<![\w.])-(?=(?:US\$|[€£]|[A-Z]{3}\u00a0)?\d)")
_GIB = 2**30
_HOURS_PER_DAY = 24
_DAYS_PER_YEAR = 365


def _rounded(value: float, digits: int = 3) -> float:
    """The value to so many significant digits: units are chosen by what will be shown."""
    return float(f"{value:.{digits}g}")


def _signed(text: str, negative: bool, plus: bool) -> str:
    if negative and any(digit in text for digit in "123456789"):
        return _MINUS + text
    return "+" + text if plus and any(digit in text for digit in "123456789") else text


def number(value: float | None, decimals: int = 0, *, plus: bool = False) -> str:
    """A number with thousands separators and a true minus sign.

    Examples
    --------
    >>> number(-1234.56, 1), number(None), number(-0.001, 1), number(2, 1, plus=True)
    ('−1,234.6', '—', '0.0', '+2.0')
    """
    if value is None or not math.isfinite(value):
        return NONE
    return _signed(f"{abs(value):,.{decimals}f}", value < 0, plus)


def significant(value: float | None, digits: int = 3, *, trim: bool = True) -> str:
    """A number with about that many significant digits, never in scientific notation.

    Parameters
    ----------
    trim : leave out zeros at the end.

    Examples
    --------
    >>> significant(9.999), significant(2.0, 2, trim=False)
    ('10', '2.0')
    >>> significant(0.012345), significant(12.345), significant(1234.5), significant(3.0)
    ('0.0123', '12.3', '1,234', '3')
    """
    if value is None or not math.isfinite(value):
        return NONE
    if value == 0:
        return "0"
    magnitude = math.floor(math.log10(abs(_rounded(value, digits))))
    decimals = max(0, digits - 1 - magnitude)
    text = number(value, decimals)
    return text.rstrip("0").rstrip(".") if trim and "." in text else text


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
    return _signed(f"{currency.sign}{abs(value):,.{decimals}f}", value < 0, plus)


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
            return _signed(f"{currency.sign}{text}{_NO_BREAK}{suffix}", value < 0, plus)
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
    return _signed(shown, value < 0, plus=False)


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


def count_short(value: float | None) -> str:
    """A large count in three digits.

    Examples
    --------
    >>> count_short(8_030_261_248), count_short(167_772_160), count_short(4096), count_short(950)
    ('8.03 billion', '168 million', '4,096', '950')
    >>> count_short(999_999_999)
    '1 billion'
    """
    if value is None or not math.isfinite(value):
        return NONE
    if round(abs(value)) >= 1e6:
        for limit, name in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
            if abs(_rounded(value)) >= limit:
                return f"{significant(value / limit)} {name}"
    return number(value)


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
        if abs(_rounded(value)) >= limit:
            return f"{significant(value / limit)} {prefix}{unit}"
    return f"{significant(value)} {unit}"


def percent(fraction: float | None) -> str:
    """A probability as a percentage, in the words of the verdict: its ends are bounds.

    Examples
    --------
    >>> percent(0.143), percent(0.0061), percent(0.9999), percent(None)
    ('14%', 'under 1%', 'over 99%', '—')
    """
    if fraction is None or not math.isfinite(fraction):
        return NONE
    return percent_in_words(fraction)


HIGHEST_RATE = 100.0
"""A yearly rate of return above which only that it is above is said. [fraction]"""


def rates(fractions: Sequence[float]) -> str:
    """Yearly rates of return; several are all listed, since none of them is the one.

    Examples
    --------
    >>> rates([0.1234]), rates([-0.5, 3.0]), rates([2e6]), rates([])
    ('12%', '−50% or 300%', 'over 10,000%', '—')
    """
    if not fractions:
        return NONE
    said = [
        f"over {HIGHEST_RATE:,.0%}" if rate > HIGHEST_RATE else typeset(f"{rate:,.0%}")
        for rate in fractions
    ]
    return join_words(list(dict.fromkeys(said)), "or")


def share(fraction: float | None, digits: int = 2, *, trim: bool = True) -> str:
    """A fraction that is exactly known, as a percentage in a few digits.

    Parameters
    ----------
    trim : leave out zeros at the end; not where shares stand side by side.

    Examples
    --------
    >>> share(1.0), share(0.0208933), share(0.5), share(0.02, trim=False)
    ('100%', '2.1%', '50%', '2.0%')
    """
    if fraction is None or not math.isfinite(fraction):
        return NONE
    return significant(fraction * 100, digits, trim=trim) + "%"


def points(value: float | None, *, plus: bool = True) -> str:
    """Accuracy points with a sign.

    Examples
    --------
    >>> points(1.94), points(-2.41), points(0)
    ('+1.9', '−2.4', '0.0')
    """
    return number(value, 1, plus=plus)


def gib(size_bytes: float | None) -> str:
    """Bytes in GiB.

    Examples
    --------
    >>> gib(80 * 2**30), gib(1.5 * 2**30), gib(0)
    ('80.0\\xa0GiB', '1.5\\xa0GiB', '0.0\\xa0GiB')
    """
    return NONE if size_bytes is None else f"{number(size_bytes / _GIB, 1)}{_NO_BREAK}GiB"


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
        if abs(_rounded(size_bytes)) >= limit:
            return f"{significant(size_bytes / limit)}{_NO_BREAK}{prefix}B"
    return f"0{_NO_BREAK}GB" if round(size_bytes) == 0 else f"{number(size_bytes)}{_NO_BREAK}bytes"


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
    if _rounded(value * 3600, 2) < 60:
        return f"{significant(value * 3600, 2)} s"
    if round(value * 60) < 60:
        return f"{number(value * 60)} min"
    if round(value, 1) < 10:
        return f"{number(value, 1)} h"
    if round(value) <= 4 * _HOURS_PER_DAY:
        return f"{number(value)} h"
    days = value / _HOURS_PER_DAY
    if round(days, 1) <= _DAYS_PER_YEAR:
        return with_unit(number(days, 1), "days")
    return with_unit(number(days / _DAYS_PER_YEAR, 1), "years")


def seconds(value: float | None) -> str:
    """A short time.

    Examples
    --------
    >>> seconds(0.0123), seconds(2.345), seconds(120), seconds(0.9999)
    ('12.3 ms', '2.35 s', '120 s', '1 s')
    """
    if value is None or not math.isfinite(value):
        return NONE
    return f"{significant(value * 1e3)} ms" if _rounded(value) < 1 else f"{significant(value)} s"


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


def whole_to_sum(values: Sequence[float], total: int) -> list[int]:
    """Whole numbers next to the values that add up to a total.

    Parameters
    ----------
    total : next to the sum of the values.

    Notes
    -----
    Largest remainder: every value is rounded down, and the units still missing go to those that
    lost most. None is off by a whole unit.

    Examples
    --------
    >>> whole_to_sum([0.5, 0.25, 0.25], 1), whole_to_sum([-0.4, 1.6], 2)
    ([1, 0, 0], [0, 2])
    """
    floors = [math.floor(value) for value in values]
    order = sorted(range(len(values)), key=lambda i: (floors[i] - values[i], i))
    for i in order[: total - sum(floors)]:
        floors[i] += 1
    return floors


def rounded_to_sum(values: Sequence[float], decimals: int = 2) -> tuple[list[float], float]:
    """Values rounded so that the rounded rows add up to the rounded total; see `whole_to_sum`.

    Examples
    --------
    >>> rounded_to_sum([1 / 3, 1 / 3, 1 / 3], 2)
    ([0.34, 0.33, 0.33], 1.0)
    """
    scale = 10**decimals
    scaled = [value * scale for value in values]
    total = round(math.fsum(scaled))
    return [value / scale for value in whole_to_sum(scaled, total)], total / scale


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
        if abs(_rounded(kwh)) >= limit:
            return f"{significant(kwh / limit)}{_NO_BREAK}{prefix}Wh"
    return f"{significant(kwh)}{_NO_BREAK}kWh"


def carbon(kg: float | None) -> str:
    """Carbon dioxide and its equivalents.

    Examples
    --------
    >>> carbon(152.3), carbon(1_234), carbon(0.0456)
    ('152\\xa0kg CO₂e', '1.23\\xa0t CO₂e', '0.0456\\xa0kg CO₂e')
    """
    if kg is None or not math.isfinite(kg):
        return NONE
    if abs(_rounded(kg)) >= 1e3:
        return f"{significant(kg / 1e3)}{_NO_BREAK}t CO₂e"
    return f"{significant(kg)}{_NO_BREAK}kg CO₂e"


def region(text: str) -> str:
    """A region of an offer; "all" is a price that holds in every region.

    Examples
    --------
    >>> region("us-east-1"), region("all")
    ('us-east-1', 'every region')
    """
    return "every region" if text == "all" else text


def typeset(text: str) -> str:
    """A sentence made elsewhere, with true minus signs before its numbers.

    Examples
    --------
    >>> typeset("-US$3 and -2.4 to +3.1, gpt-4, 10-20")
    '−US$3 and −2.4 to +3.1, gpt-4, 10-20'
    """
    return _HYPHEN_AS_MINUS.sub(_MINUS, text)


def first_sentence(text: str) -> tuple[str, str]:
    """The first sentence and the rest.

    Examples
    --------
    >>> first_sentence("LoRA. Full would have to add 1.9 points.")
    ('LoRA.', 'Full would have to add 1.9 points.')
    >>> first_sentence("Neither pays.")
    ('Neither pays.', '')
    """
    first, _, rest = text.partition(". ")
    return (f"{first}.", rest) if rest else (text, "")


def join_words(items: Sequence[str], last: str = "and") -> str:
    """Items in a sentence.

    Examples
    --------
    >>> join_words(["full", "LoRA", "QLoRA"]), join_words(["LoRA"])
    ('full, LoRA and QLoRA', 'LoRA')
    """
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"
