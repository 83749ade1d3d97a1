"""What a file is called once it is saved."""

from __future__ import annotations

import re
import unicodedata

LONGEST_NAME = 60


def plain_name(title: str) -> str:
    """A title as part of a name that every file system takes: letters, digits and hyphens of ASCII.

    Examples
    --------
    >>> plain_name("Vertragsprüfung: 2027/Q1"), plain_name("../..")
    ('vertragsprufung-2027-q1', '')
    """
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:LONGEST_NAME].strip("-")


def disposition(name: str) -> str:
    """The header that has a browser save the file under that name."""
    return f'attachment; filename="{name}"'
