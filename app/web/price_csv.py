"""Prices as a CSV file for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from datetime import date

from app.estimator.hardware import Offer
from app.estimator.units import GIB
from app.exports.csv_text import spreadsheet_cell
from app.web.price_lists import Delivered, usd_per_pflop_hour

Value = str | int | float | None

_BEFORE: tuple[tuple[str, Callable[[Offer], Value]], ...] = (
    ("offer", lambda o: o.key),
    ("provider", lambda o: o.provider),
    ("provider_name", lambda o: o.provider_name),
    ("instance", lambda o: o.instance),
    ("accelerator", lambda o: o.accelerator.key),
    ("accelerator_name", lambda o: o.accelerator.name),
    ("gpus_per_instance", lambda o: o.gpus_per_instance),
    ("gpu_memory_gib", lambda o: o.memory_bytes / GIB),
    ("vcpus", lambda o: o.vcpus),
    ("host_memory_gib", lambda o: o.host_memory_bytes and o.host_memory_bytes / GIB),
    ("region", lambda o: o.region),
    ("purchase_option", lambda o: o.purchase_option),
    ("tier", lambda o: o.tier),
    ("trainable", lambda o: "yes" if o.trainable else "no"),
    ("usd_per_instance_hour", lambda o: o.usd_per_instance_hour),
    ("usd_per_gpu_hour", lambda o: o.usd_per_gpu_hour),
)
_AFTER: tuple[tuple[str, Callable[[Offer], Value]], ...] = (
    ("list_usd_per_instance_hour", lambda o: o.list_usd_per_instance_hour),
    ("discount_percent", lambda o: o.discount_fraction * 100 if o.price_book else None),
    ("price_book", lambda o: o.price_book),
    ("valid_from", lambda o: o.valid_from.isoformat()),
    ("retrieved", lambda o: o.retrieved.isoformat()),
    ("evidence", lambda o: o.evidence),
    ("source", lambda o: o.source.key),
    ("source_title", lambda o: o.source.title),
    ("source_locator", lambda o: o.source.locator),
)


def as_csv(offers: Iterable[Offer], delivered: Delivered, today: date) -> str:
    """One price a line, unit in the name of its column; no cell is read as a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = [name for name, _ in _BEFORE]
    names += ["usd_per_bf16_pflop_hour", *(name for name, _ in _AFTER), "age_days"]
    writer.writerow(names)
    for offer in offers:
        values: list[Value] = [read(offer) for _, read in _BEFORE]
        values.append(usd_per_pflop_hour(offer, delivered))
        values += [read(offer) for _, read in _AFTER]
        values.append((today - offer.valid_from).days)
        writer.writerow([_cell(value) for value in values])
    return out.getvalue()


def _cell(value: Value) -> str:
    """A number without the noise of binary fractions, a text without a formula."""
    if value is None:
        return ""
    return spreadsheet_cell(value) if isinstance(value, str) else f"{value:.10g}"
