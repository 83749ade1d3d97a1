"""What may stand in a cell of actual spend: a month, a category, an amount, a currency, a note."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

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
_TRUE = frozenset({"true", "yes", "1"})
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?")
_REWRITTEN = re.compile(r"([A-Za-z]{3})-([0-9]{2})")
_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def month_of(cell: str) -> str:
    """The month of a cell: a month, a day in it, or a month as spreadsheets rewrite it.

    Raises
    ------
    ValueError : with what would do.

    Examples
    --------
    >>> month_of("2027-03"), month_of("2027-03-31"), month_of("2027-03-01T00:00:00Z")
    ('2027-03', '2027-03', '2027-03')
    >>> month_of("2027-03-01 00:00:00 UTC"), month_of("2027-03-01 00:00:00.000 +0000")
    ('2027-03', '2027-03')
    >>> month_of("Mar-27")
    '2027-03'
    """
    found = _MONTH.fullmatch(cell)
    if found:
        try:
            date.fromisoformat(f"{found[1]}-{found[2] or '01'}")
        except ValueError as error:
            raise ValueError(f"{shown(cell)} is not a day of the calendar") from error
        return found[1]
    changed = _REWRITTEN.fullmatch(cell)
    if changed and changed[1].lower() in _NAMES:
        return f"20{changed[2]}-{_NAMES.index(changed[1].lower()) + 1:02}"
    raise ValueError(
        f"{shown(cell)} is not a month such as 2027-01, or a day in it such as 2027-01-31"
    )


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
    """The amount of a cell, below 0 for a credit.

    Raises
    ------
    ValueError : with what would do.

    Examples
    --------
    >>> amount_of("1204.50"), amount_of("-20"), amount_of("3.5E-7")
    (Decimal('1204.50'), Decimal('-20'), Decimal('3.5E-7'))
    """
    if len(cell) > LONGEST_AMOUNT or not _NUMBER.fullmatch(cell):
        raise ValueError(
            f"{shown(cell)} is not an amount such as 1204.50; write it without currency sign and "
            "thousands separators, and a credit with a minus sign"
        )
    value = Decimal(cell)
    if abs(value) >= LARGEST_AMOUNT:
        raise ValueError(f"{shown(cell)} is too large; amounts are below {LARGEST_AMOUNT:,}")
    return value


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
    return ascii(cell[:40] + ("…" if len(cell) > 40 else ""))
