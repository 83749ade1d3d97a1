"""How two values and their change are written: the three texts subtract, and are rounded once."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from app.estimator.currency import Currency
from app.web import show_amounts, show_numbers, show_units
from app.web.context_comparisons import Difference

SAME = "same"
_HOUR_UNITS = (
    (1 / 60, 1 / 3600, "s"),
    (1.0, 1 / 60, "min"),
    (96.5, 1.0, "h"),
    (8765.0, 24.0, "days"),
)
"""Below how many hours a unit is used, the unit in hours, and its name."""
_YEAR_H = 365 * 24.0
_TONNE_KG = 1e3


@dataclass(frozen=True, slots=True)
class Scale:
    """In which unit two values are written.

    Parameters
    ----------
    size : of the unit, in the base unit of the values.
    decimals : that a value may have, fewest first.
    write : writes a value of that unit with so many decimals; with its sign where it is positive,
        too, as asked for.
    """

    size: float
    decimals: tuple[int, ...]
    write: Callable[[float, int, bool], str]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of quantity.

    Parameters
    ----------
    alone : writes one value; None is a dash.
    scale : for two values, by the larger of their sizes.
    change : words of a change, where they are not those of a value.
    """

    alone: Callable[[float | None], str]
    scale: Callable[[float], Scale]
    change: Callable[[str], str] = str


def difference(label: str, left: float | None, right: float | None, kind: Kind) -> Difference:
    """A row of both values and their change (right less left).

    Notes
    -----
    Both sides get as many decimals as it takes to write their change in two digits: it is that of
    the values, and a reader who subtracts what is written finds the same. Where a value is written
    as a bound there is only a direction.
    """
    one, other = kind.alone(left), kind.alone(right)
    if left is None or right is None:
        return Difference(label, one, other, "")
    if not (_is_number(one) and _is_number(other)):
        change = SAME if one == other else "higher" if right > left else "lower"
        return Difference(label, one, other, change)
    scale = kind.scale(max(abs(left), abs(right)))
    a, b = left / scale.size, right / scale.size
    decimals = _decimals(a, b, scale.decimals)
    a, b = round(a, decimals), round(b, decimals)
    if a == b:
        decimals = scale.decimals[0]
        a = b = round(a, decimals)
    change = kind.change(scale.write(b - a, decimals, True)) if a != b else SAME
    return Difference(
        label, scale.write(a, decimals, False), scale.write(b, decimals, False), change
    )


def _is_number(text: str) -> bool:
    """Whether a text is a value, and no bound such as "under 1%" or a dash.

    Examples
    --------
    >>> _is_number("−US$3"), _is_number("CHF\\xa03"), _is_number("over 99%"), _is_number("—")
    (True, True, False, False)
    """
    return text[:1] != show_numbers.NONE and not text.startswith(("under ", "over "))


def _decimals(a: float, b: float, allowed: tuple[int, ...]) -> int:
    """The fewest decimals that show the change in two digits and each value in one."""
    wanted = [1 - math.floor(math.log10(abs(b - a)))] if a != b else []
    wanted += [-math.floor(math.log10(abs(value))) for value in (a, b) if value]
    return next((d for d in allowed if d >= max(wanted, default=0)), allowed[-1])


def money(currency: Currency) -> Kind:
    """Amounts of US dollars, converted, in whole units or with minor ones."""

    def write(value: float, decimals: int, plus: bool) -> str:
        sign = "−" if value < 0 else "+" if plus and value > 0 else ""
        return f"{sign}{currency.sign}{abs(value):,.{decimals}f}"

    scale = Scale(1 / currency.per_usd, tuple(sorted({0, currency.digits})), write)
    return Kind(lambda usd: show_amounts.usd(usd, currency), lambda _: scale)


def _trimmed(value: float, decimals: int, plus: bool = False) -> str:
    text = show_numbers.number(value, decimals, plus=plus)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _points(value: float, decimals: int, _: bool) -> str:
    return f"{show_numbers.number(value, decimals, plus=True)} points"


def _percent(value: float, decimals: int, plus: bool) -> str:
    return f"{show_numbers.number(value, decimals, plus=plus)}%"


def _percentage_points(text: str) -> str:
    number = text.removesuffix("%")
    return f"{number} percentage {'point' if number[1:] == '1' else 'points'}"


def _months(value: float, decimals: int, plus: bool) -> str:
    text = _trimmed(value, decimals, plus)
    return f"{text} {'month' if text.strip('+−') == '1' else 'months'}"


def _hours_scale(largest: float) -> Scale:
    """The unit that a person would use, as `show_units.hours`."""
    for limit, size, unit in _HOUR_UNITS:
        if largest < limit:
            least = 0 if unit != "days" and largest / size >= 10 else 1
            return _in_unit(size, unit, least)
    return _in_unit(_YEAR_H, "years", 1)


def _carbon_scale(largest: float) -> Scale:
    """Kilogrammes or tonnes, the larger value in three digits."""
    size, unit = (_TONNE_KG, "t CO₂e") if largest >= _TONNE_KG else (1.0, "kg CO₂e")
    digits = 2 - math.floor(math.log10(largest / size)) if largest else 0
    return _in_unit(size, unit, max(0, digits))


def _in_unit(size: float, unit: str, least: int) -> Scale:
    def write(value: float, decimals: int, plus: bool) -> str:
        return f"{show_numbers.number(value, decimals, plus=plus)} {unit}"

    return Scale(size, (least, least + 1, least + 2), write)


POINTS = Kind(
    lambda value: show_numbers.NONE if value is None else f"{show_numbers.points(value)} points",
    lambda _: Scale(1.0, (1, 2), _points),
)
PROBABILITY = Kind(
    show_numbers.percent, lambda _: Scale(0.01, (0, 1), _percent), _percentage_points
)
MONTHS = Kind(show_units.months, lambda _: Scale(1.0, (1, 2), _months))
HOURS = Kind(show_units.hours, _hours_scale)
CARBON = Kind(show_units.carbon, _carbon_scale)
