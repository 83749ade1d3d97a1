"""How the file is called and typed."""

from __future__ import annotations

from app.exports import file_names

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def file_name(title: str) -> str:
    """A name for the file that every system takes.

    Examples
    --------
    >>> file_name("Vertragsprüfung: 2027/Q1"), file_name("../..")
    ('tunecase-vertragsprufung-2027-q1.xlsx', 'tunecase.xlsx')
    """
    words = file_names.plain_name(title)
    return f"tunecase-{words}.xlsx" if words else "tunecase.xlsx"


def disposition(title: str) -> str:
    """The header that has a browser save the file under that name."""
    return file_names.disposition(file_name(title))
