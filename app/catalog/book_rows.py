"""Rows and discounts of price books as the database keeps them: one price, one text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import fields
from datetime import date
from decimal import Decimal
from typing import Any

from app.catalog.price_books import BookRow, Discount, Place

_COLUMNS = tuple(field.name for field in fields(BookRow))
_DECIMALS = (
    "gpu_memory_gib",
    "host_memory_gib",
    "inter_node_gbit_per_s",
    "usd_per_instance_hour",
)

# No text can hold it: within one, JSON writes a backslash before each quotation mark.
_DAY = re.compile(r'"valid_from":"[0-9-]*"')


def row_key(row: BookRow) -> str:
    """What names the place that a row prices."""
    return place_key(row.place)


def place_key(place: Place) -> str:
    """A place as one text; no line break can stand in any part of it."""
    return "\n".join(place)


def plain(number: Decimal) -> str:
    """A decimal in its shortest text, so that equal numbers are equal texts.

    Examples
    --------
    >>> plain(Decimal("98.320")), plain(Decimal("100"))
    ('98.32', '100')
    """
    return format(number.normalize(), "f")


def row_to_json(row: BookRow) -> str:
    """A row as text; equal rows give equal texts. What is not known is left out."""
    document: dict[str, Any] = {}
    for name in _COLUMNS:
        value = getattr(row, name)
        if value is None or value == "":
            continue
        if isinstance(value, Decimal):
            value = plain(value)
        elif isinstance(value, date):
            value = value.isoformat()
        document[name] = value
    return json.dumps(document, separators=(",", ":"))


def row_from_json(text: str) -> BookRow:
    """The row that was stored."""
    document = json.loads(text)
    for name in _DECIMALS:
        value = document.get(name)
        document[name] = None if value is None else Decimal(value)
    document.setdefault("vcpus", None)
    document["valid_from"] = date.fromisoformat(document["valid_from"])
    return BookRow(**document)


def same_but_for_its_day(before: str, after: str) -> bool:
    """Whether two stored rows differ in their date alone: the price was confirmed."""
    return _DAY.sub("", before) == _DAY.sub("", after)


def source_of(text: str) -> str:
    """Source of a stored row."""
    return str(json.loads(text)["source"])


def day_of(text: str) -> date:
    """Day on which a stored row was in force."""
    return date.fromisoformat(json.loads(text)["valid_from"])


def catalogue_format(source: str) -> str:
    """Format of the catalogue that a row was read from: the first word of its source.

    Examples
    --------
    >>> catalogue_format("skypilot aws/vms.csv"), catalogue_format("entered")
    ('skypilot', 'entered')
    """
    return source.partition(" ")[0]


def discounts_to_json(discounts: Iterable[Discount]) -> str:
    """Discounts as text."""
    return json.dumps([[d.provider, d.purchase_option, plain(d.percent)] for d in discounts])


def discounts_from_json(text: str) -> tuple[Discount, ...]:
    """The discounts that were stored."""
    return tuple(
        Discount(provider, option, Decimal(percent))
        for provider, option, percent in json.loads(text)
    )
