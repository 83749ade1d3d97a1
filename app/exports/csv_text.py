"""CSV text that spreadsheets, databases and programs read alike, and in which nothing is run.

UTF-8 without a byte order mark, one header row, commas, a decimal point, lines that end as RFC 4180
has them. A blank cell means that a value is not known; zero is written as 0.0.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

Value = str | int | float | bool | None

_SIGNS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")


def guarded(text: str) -> str:
    """Text that a spreadsheet never takes for a formula, whatever it begins with.

    References
    ----------
    OWASP, "CSV Injection": a cell that begins with one of = + - @ (in full width too), tab,
    carriage return or line feed is preceded by a single quote. Leading blanks do not hide a sign.

    Examples
    --------
    >>> guarded("=1+1"), guarded(" @x"), guarded("-5"), guarded("LoRA")
    ("'=1+1", "' @x", "'-5", 'LoRA')
    """
    if text.lstrip(" \u00a0").startswith(("\t", "\r", "\n")) or text.lstrip().startswith(_SIGNS):
        return "'" + text
    return text


def spreadsheet_cell(text: str) -> str:
    """The same, but a cell that is a number as a whole keeps its sign.

    Examples
    --------
    >>> spreadsheet_cell("=1+1"), spreadsheet_cell("-0.12"), spreadsheet_cell("lora")
    ("'=1+1", '-0.12', 'lora')
    """
    return text if _NUMBER.fullmatch(text) else guarded(text)


def csv_text(names: Sequence[str], rows: Iterable[Sequence[Value]]) -> str:
    """A table with its header.

    Parameters
    ----------
    names : of the columns.
    rows : as many values as there are columns. A float is written with as many digits as give the
        very same number when it is read as float64; text is `guarded`.

    Examples
    --------
    >>> csv_text(("label", "usd"), [("-x", -0.1), ("a, b", None)])
    'label,usd\\r\\n\\'-x,-0.1\\r\\n"a, b",\\r\\n'
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(names)
    writer.writerows([cell(value) for value in row] for row in rows)
    return out.getvalue()


def cell(value: Value) -> str:
    """One value as it stands in the file."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return guarded(value) if isinstance(value, str) else repr(value)
