"""What may stand in a cell of a table: numbers in a range that catches a wrong unit, days, names.

A blank cell reaches these checks as None and passes; the column says whether it may be blank.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator


def decimal_between(low: str, high: str, unit: str) -> Callable[[object], object]:
    """Make a check for a plain decimal number from `low` to `high`, both included.

    Examples
    --------
    >>> decimal_between("8", "1024", "GiB")("80")
    Decimal('80')
    >>> decimal_between("8", "1024", "GiB")("80000")
    Traceback (most recent call last):
    ...
    ValueError: 80000 is out of range; 8 to 1024 GiB is expected, so check the unit
    """

    def check(cell: object) -> object:
        if cell is None or isinstance(cell, Decimal):
            return cell
        if isinstance(cell, str) and re.fullmatch(r"-[0-9]+(\.[0-9]+)?", cell):
            raise ValueError(f"{cell} is below 0; {low} to {high} {unit} is expected")
        if not isinstance(cell, str) or not re.fullmatch(r"[0-9]+(\.[0-9]+)?", cell):
            raise ValueError(f"{cell!r} is not a plain decimal number such as 12.5")
        value = Decimal(cell)
        if not Decimal(low) <= value <= Decimal(high):
            raise ValueError(
                f"{cell} is out of range; {low} to {high} {unit} is expected, so check the unit"
            )
        return value

    return check


def integer_between(low: int, high: int, unit: str) -> Callable[[object], object]:
    """Make a check for a plain whole number from `low` to `high`, both included."""

    def check(cell: object) -> object:
        if cell is None or isinstance(cell, int):
            return cell
        if not isinstance(cell, str) or not re.fullmatch(r"[0-9]+", cell):
            raise ValueError(f"{cell!r} is not a plain whole number such as 8")
        value = int(cell)
        if not low <= value <= high:
            raise ValueError(f"{cell} is out of range; {low} to {high} {unit} is expected")
        return value

    return check


def iso_date(cell: object) -> object:
    """Check for a day as 2026-11-23."""
    if cell is None or isinstance(cell, date):
        return cell
    message = f"{cell!r} is not a day such as 2026-11-23"
    if not isinstance(cell, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", cell):
        raise ValueError(message)
    try:
        return date.fromisoformat(cell)
    except ValueError as error:
        raise ValueError(message) from error


def yes_no(cell: object) -> object:
    """Check for yes or no."""
    if cell is None or isinstance(cell, bool):
        return cell
    if cell not in ("yes", "no"):
        raise ValueError(f"{cell!r} is not yes or no")
    return cell == "yes"


def slug(cell: object) -> object:
    """Check for a name that can stand in an address."""
    if isinstance(cell, str) and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", cell):
        raise ValueError(f"{cell!r} may hold only letters, digits, dots, dashes and underscores")
    return cell


def blank_as_empty(cell: object) -> object:
    """Read a blank cell as an empty text."""
    return "" if cell is None else cell


def currency_code(cell: object) -> object:
    """Check for a code of ISO 4217."""
    if isinstance(cell, str) and not re.fullmatch(r"[A-Z]{3}", cell):
        raise ValueError(f"{cell!r} is not a code of three capitals such as EUR")
    return cell


def _decimal(low: str, high: str, unit: str) -> BeforeValidator:
    return BeforeValidator(decimal_between(low, high, unit))


def _integer(low: int, high: int, unit: str) -> BeforeValidator:
    return BeforeValidator(integer_between(low, high, unit))


Slug = Annotated[str, BeforeValidator(slug)]
Note = Annotated[str, BeforeValidator(blank_as_empty)]
OptionalSlug = Annotated[str, BeforeValidator(blank_as_empty), BeforeValidator(slug)]
Day = Annotated[date, BeforeValidator(iso_date)]
YesNo = Annotated[bool, BeforeValidator(yes_no)]
Year = Annotated[int, _integer(1990, 2100, "years")]
Count = Annotated[int, _integer(1, 10_000_000, "")]
Tokens = Annotated[int, _integer(1, 10**14, "")]
Rank = Annotated[int, _integer(1, 16384, "")]
Points = Annotated[Decimal, _decimal("0", "100", "points")]
Millions = Annotated[Decimal, _decimal("0.001", "1000000", "million")]
Billions = Annotated[Decimal, _decimal("0.01", "5000", "billion")]

Gpus = Annotated[int, _integer(1, 144, "GPUs")]
Gib = Annotated[Decimal, _decimal("8", "1024", "GiB")]
HostGib = Annotated[Decimal, _decimal("1", "65536", "GiB")]
MemoryRate = Annotated[Decimal, _decimal("100", "50000", "GB/s")]
LinkRate = Annotated[Decimal, _decimal("4", "4000", "GB/s a direction")]
TeraFlops = Annotated[Decimal, _decimal("10", "20000", "TFLOP/s dense")]
VectorTeraFlops = Annotated[Decimal, _decimal("1", "1000", "TFLOP/s")]
Watts = Annotated[Decimal, _decimal("20", "3000", "W")]
Gbit = Annotated[Decimal, _decimal("1", "100000", "Gbit/s")]

Usd = Annotated[Decimal, _decimal("0.01", "10000", "USD/h")]
UsdPerMillionTokens = Annotated[Decimal, _decimal("0.01", "500", "USD for 10^6 tokens")]
UsdOfJob = Annotated[Decimal, _decimal("0", "1000", "USD")]
UsdPerGb = Annotated[Decimal, _decimal("0", "1", "USD/GB")]
UsdPerKwh = Annotated[Decimal, _decimal("0.005", "1", "USD/kWh")]
UsdOfServer = Annotated[Decimal, _decimal("50000", "5000000", "USD")]
UsdPerYear = Annotated[Decimal, _decimal("5000", "1000000", "USD a year")]
UsdPerKwMonth = Annotated[Decimal, _decimal("20", "2000", "USD/kW-month")]
ServerWatts = Annotated[Decimal, _decimal("500", "150000", "W")]
GramsPerKwh = Annotated[Decimal, _decimal("0", "1500", "g/kWh")]
Fraction = Annotated[Decimal, _decimal("0", "1", "")]
LifeYears = Annotated[Decimal, _decimal("1", "15", "years")]
Pue = Annotated[Decimal, _decimal("1", "3", "")]
SizeBillions = Annotated[Decimal, _decimal("0", "5000", "10^9 parameters")]
CurrencyCode = Annotated[str, BeforeValidator(currency_code)]
MinorDigits = Annotated[int, _integer(0, 4, "decimals")]
PerUsd = Annotated[Decimal, _decimal("0.001", "1000000", "for one US dollar")]
