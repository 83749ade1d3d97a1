"""What may stand in a cell of actual spend: a month, a category, an amount, a currency, a note."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

from app.estimator.units import MONTHS_PER_YEAR
from app.estimator.variance import COST_CATEGORIES, UNASSIGNED

USD = "USD"
LONGEST_NOTE = 200
LONGEST_AMOUNT = 40
LARGEST_AMOUNT = 10**12

_MONTH = re.compile(
    r"((?:19|20|21)[0-9]{2}-(?:0[1-9]|1[0-2]))"
    r"(?:-([0-9]{2})(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.][0-9]{1,9})?)?"
    r"(?: ?(?:Z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?))?)?)?"
)
"""A month, a day, or a moment as programs and databases write it."""
_YEAR = r"((?:19|20|21)[0-9]{2})"
_YEAR_LAST = re.compile(rf"(?:([0-9]{{1,2}})([-/.]))?([0-9]{{1,2}})(?(2)\2|[-/.]){_YEAR}")
"""01/2027, or a day of which the year stands last: 31/01/2027, 01.10.2026."""
_YEAR_FIRST = re.compile(rf"{_YEAR}([/.])([0-9]{{1,2}})(?:\2([0-9]{{1,2}}))?")
"""2027/01 and 2027/01/31."""
_NAMED = re.compile(rf"([A-Za-z]{{3,9}})[.]?[ -]{_YEAR}")
_REWRITTEN = re.compile(r"([A-Za-z]{3})-([0-9]{2})")
_NAMES = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_TRUE = frozenset({"true", "yes", "1"})
_NUMBER = re.compile(r"(?:[0-9]+(?:[.][0-9]*)?|[.][0-9]+)(?:[eE][+-]?[0-9]{1,2})?")
_ONE_GROUP = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")
"""How 1204 and 1.204 are written alike where both separators may be the decimal one."""
_GROUPS = re.compile(
    r"[1-9][0-9]{0,2}(?:(?:,[0-9]{3})+[.][0-9]+|(?:[.][0-9]{3})+,[0-9]+"
    r"|(?:,[0-9]{3}){2,}|(?:[.][0-9]{3}){2,})"
)
"""Thousands that nothing else can be: two separators, or the same one more than once."""
_MINUS = "-\u2212"
"""A hyphen, and the sign that typesetters use."""


def month_of(cell: str) -> str:
    """The month of a cell: a month or a day in it, in any form that can be read in one way only.

    Raises
    ------
    ValueError : with what would do.

    Notes
    -----
    Dates with points have their day first wherever they are written. With strokes or hyphens the
    month may be first or second, so one of both must be above 12, or they must be the same.

    Examples
    --------
    >>> month_of("2027-03"), month_of("2027-03-31"), month_of("2027-03-01T00:00:00Z")
    ('2027-03', '2027-03', '2027-03')
    >>> month_of("2027-03-01 00:00:00 UTC"), month_of("2027-03-01 00:00:00.000 +0000")
    ('2027-03', '2027-03')
    >>> month_of("Mar-27"), month_of("March 2027"), month_of("03/2027"), month_of("31/03/2027")
    ('2027-03', '2027-03', '2027-03', '2027-03')
    >>> month_of("01.10.2026")
    '2026-10'
    """
    if found := _MONTH.fullmatch(cell):
        return _in_calendar(cell, found[1][:4], found[1][5:], found[2])
    if found := _YEAR_LAST.fullmatch(cell):
        return _year_last(cell, found[1], found[2], found[3], found[4])
    if found := _YEAR_FIRST.fullmatch(cell):
        return _in_calendar(cell, found[1], found[3], found[4])
    if found := _NAMED.fullmatch(cell):
        year, place = found[2], _named(found[1])
    elif found := _REWRITTEN.fullmatch(cell):
        year, place = f"20{found[2]}", _named(found[1])
    else:
        place = None
    if place is None:
        raise ValueError(
            f"{shown(cell)} is not a month such as 2027-01, or a day in it such as 2027-01-31"
        )
    return f"{year}-{place:02}"


def _named(name: str) -> int | None:
    """The number of a month by its name, which may be cut to three or four letters."""
    short = name.lower()
    if short == "sept" or len(short) == 3 or short in _NAMES:
        return next((at for at, whole in enumerate(_NAMES, 1) if whole.startswith(short)), None)
    return None


def _year_last(cell: str, first: str | None, mark: str | None, second: str, year: str) -> str:
    """The month of a date that ends with its year; without a first number it is a month."""
    if first is None or mark == "." or int(first) > MONTHS_PER_YEAR:
        return _in_calendar(cell, year, second, first)
    if int(second) > MONTHS_PER_YEAR or int(first) == int(second):
        return _in_calendar(cell, year, first, second)
    raise ValueError(
        f"{shown(cell)} is not clear: the month may be the first number or the second; write it "
        f"as {year}-{int(first):02} or {year}-{int(second):02}"
    )


def _in_calendar(cell: str, year: str, month: str, day: str | None) -> str:
    """A month, if it and its day are in the calendar."""
    try:
        found = date(int(year), int(month), int(day or 1))
    except ValueError as error:
        what = "month" if day is None else "day"
        raise ValueError(
            f"{shown(cell)} is not a {what} of the calendar; write it such as 2027-01"
        ) from error
    return f"{found:%Y-%m}"


def category_of(cell: str) -> str:
    """The category of a cell in any case; a blank one is not assigned.

    Raises
    ------
    ValueError : with the categories that there are.
    """
    name = cell.strip().lower()
    if name and name not in COST_CATEGORIES:
        raise ValueError(
            f"{shown(cell)} is not one of {', '.join(COST_CATEGORIES)}; leave it blank for spend "
            "that belongs to none"
        )
    return name or UNASSIGNED


def amount_of(cell: str) -> Decimal:
    """The amount of a cell with a decimal point, below 0 for a credit.

    Raises
    ------
    ValueError : with what would do.

    Examples
    --------
    >>> amount_of("1204.50"), amount_of("-.5"), amount_of("3.5E-7")
    (Decimal('1204.50'), Decimal('-0.5'), Decimal('3.5E-7'))
    """
    number = cell.removeprefix("-")
    if "," in number:
        raise _no_amount(cell)
    return _amount(cell, number, below=cell != number)


def amount_written(cell: str, *, point: bool) -> Decimal:
    """The amount of a cell as people and spreadsheets write it, below 0 for a credit.

    Parameters
    ----------
    point : whether 1.204 has a decimal point, because the comma is taken; else it may have a
        thousands separator as well, and is refused.

    Raises
    ------
    ValueError : with what would do, also where it could be read in two ways.

    Examples
    --------
    >>> amount_written("1.204,50", point=False), amount_written("1,204.50", point=True)
    (Decimal('1204.50'), Decimal('1204.50'))
    >>> amount_written("(1204.50)", point=True), amount_written("\u22125,5", point=False)
    (Decimal('-1204.50'), Decimal('-5.5'))
    """
    credit = cell.startswith("(") and cell.endswith(")")
    number = cell[1:-1].strip() if credit else cell.lstrip(_MINUS)
    below = len(cell) - len(number) == 1
    if not credit and len(cell) - len(number) > 1:
        raise _no_amount(cell)
    if _ONE_GROUP.fullmatch(number) and not (point and "." in number):
        raise ValueError(
            f"{shown(cell)} could have a thousands separator or three decimals; write it without "
            "the one, or with two decimals"
        )
    if _GROUPS.fullmatch(number):
        last = max(number.rfind("."), number.rfind(","))
        whole, rest = number[:last], number[last + 1 :]
        decimals = number.count(number[last]) == 1
        number = re.sub("[.,]", "", whole) + (f".{rest}" if decimals else rest)
    return _amount(cell, number.replace(",", "."), below=credit or below)


def _amount(cell: str, number: str, *, below: bool) -> Decimal:
    """The value of a number with a decimal point.

    Parameters
    ----------
    cell : as it was written, for messages.
    """
    if len(cell) > LONGEST_AMOUNT or not _NUMBER.fullmatch(number):
        raise _no_amount(cell)
    value = Decimal(number)
    if value >= LARGEST_AMOUNT:
        raise ValueError(f"{shown(cell)} is too large; amounts are below {LARGEST_AMOUNT:,}")
    return -value if below else value


def _no_amount(cell: str) -> ValueError:
    return ValueError(
        f"{shown(cell)} is not an amount such as 1204.50; write it without currency sign, and a "
        "credit with a minus sign"
    )


def billed(cell: str) -> bool:
    """Whether a charge is no projection, by the cell that says whether it is one.

    Raises
    ------
    ValueError : it is one.
    """
    if cell.lower() in _TRUE:
        raise ValueError(
            f"is {shown(cell)}: this charge is a forecast, such as Tunecase writes itself, and was "
            "never billed; upload a provider's own file, or leave such rows out"
        )
    return True


def note_of(cell: str) -> str:
    """The note of a cell.

    Raises
    ------
    ValueError : too long, or with characters that cannot be shown.
    """
    if len(cell) > LONGEST_NOTE:
        raise ValueError(f"is longer than {LONGEST_NOTE} characters; shorten it")
    if not cell.isprintable():
        raise ValueError("holds characters that cannot be shown; use plain letters in one line")
    return cell


def rewritten(cell: str) -> bool:
    """Whether a spreadsheet has turned a month such as 2027-01 into Jan-27."""
    return _REWRITTEN.fullmatch(cell) is not None


def currency_of(cell: str, of_scenario: str) -> str:
    """The code of a currency that amounts can be converted from.

    Parameters
    ----------
    of_scenario : code of the currency that the scenario is shown in.

    Raises
    ------
    ValueError : another one, whose rate the scenario does not have.
    """
    known = dict.fromkeys((of_scenario, USD))
    if cell.upper() not in known:
        raise ValueError(
            f"{shown(cell)} cannot be converted: this scenario has a rate for "
            f"{' and '.join(known)} alone"
        )
    return cell.upper()


def shown(cell: str) -> str:
    """A cell as it may stand in a message."""
    return repr(cell[:40] + ("…" if len(cell) > 40 else ""))
