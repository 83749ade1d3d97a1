"""How the file is called and typed."""

from __future__ import annotations

import re
import unicodedata

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LONGEST_NAME = 60


def file_name(title: str) -> str:
    """A name for the file that every system takes: letters, digits and hyphens of ASCII.

    Examples
    --------
    >>> file_name("Vertragsprüfung: 2027/Q1"), file_name("../..")
    ('tunecase-vertragsprufung-2027-q1.xlsx', 'tunecase.xlsx')
    """
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:LONGEST_NAME].strip("-")
    return f"tunecase-{words}.xlsx" if words else "tunecase.xlsx"


def disposition(title: str) -> str:
    """The header that has a browser save the file under that name."""
    return f'attachment; filename="{file_name(title)}"'
