"""Addresses that came from outside."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit


def split(text: str) -> SplitResult:
    """The parts of an address; nothing where it is none, such as with a broken host.

    Examples
    --------
    >>> split(" /estimate?epochs=2 ").query, split("http://[").path
    ('epochs=2', '')
    """
    try:
        return urlsplit(text.strip())
    except ValueError:
        return urlsplit("")
