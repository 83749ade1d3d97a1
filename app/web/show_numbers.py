"""Numbers as a person reads them: rounded once, and rows that still add up. Nothing feeds back."""

from __future__ import annotations

import math
from collections.abc import Sequence

from app.estimator.wording import percent as percent_in_words
from app.web.show_words import MINUS, join_words, typeset

NONE = "—"
"""What stands for a number that is not known."""


def rounded(value: float, digits: int = 3) -> float:
    """The value to so many significant digits: units are chosen by what will be shown.

    Examples
    --------
    >>> rounded(999.6), rounded(0.99951, 2)
    (1000.0, 1.0)
    """
    return float(f"{value:.{digits}g}")


def signed(text: str, negative: bool, plus: bool) -> str:
    """A written size with its sign; what is written as zero has none.

    Examples
    --------
    >>> signed("3.5", True, False), signed("3.5", False, True), signed("0.0", True, True)
    ('−3.5', '+3.5', '0.0')
    """
    if negative and any(digit in text for digit in "123456789"):
        return MINUS + text
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
    return signed(f"{abs(value):,.{decimals}f}", value < 0, plus)


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
    magnitude = math.floor(math.log10(abs(rounded(value, digits))))
    decimals = max(0, digits - 1 - magnitude)
    text = number(value, decimals)
    return text.rstrip("0").rstrip(".") if trim and "." in text else text


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
            if abs(rounded(value)) >= limit:
                return f"{significant(value / limit)} {name}"
    return number(value)


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
