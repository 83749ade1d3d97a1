"""Prices of machines that a report pays for: one cell for each offer, whoever uses it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from app.estimator.hardware import PURCHASE_OPTIONS
from app.estimator.report import Report
from app.exports.feed_source import with_money
from app.exports.workbook.rows import (
    GPU_UNIT,
    LIVE_INPUTS,
    SERVING,
    USD,
    Row,
    benefit_rows,
    cost_rows,
)

PriceKey: TypeAlias = "tuple[str, str, str, str, float]"


@dataclass(frozen=True, slots=True)
class OfferPrice:
    """The price of one offer.

    Parameters
    ----------
    key : of the offer; valid_from : ISO date, empty where it is not known.
    """

    key: str
    label: str
    what: str
    usd_per_instance_hour: float
    valid_from: str = ""
    source_key: str = ""


def offer_prices(report: Report) -> tuple[OfferPrice, ...]:
    """Offers of the chosen plans and of serving, each once."""
    found: dict[str, OfferPrice] = {}
    for m, _ in with_money(report):
        if (plan := m.plan) is not None:
            option = PURCHASE_OPTIONS[plan.purchase_option]
            found[plan.offer_key] = OfferPrice(
                plan.offer_key,
                f"{plan.provider_name} {plan.instance}, {plan.region}, {option}",
                f"{plan.gpus_per_instance} x {plan.accelerator_name}",
                plan.usd_per_instance_hour,
                plan.price_valid_from,
                plan.price_source_key,
            )
    for m, money in with_money(report):
        if (served := money.serving) is not None:
            for key, usd in (
                (served.base_offer_key, served.base_usd_per_instance_hour),
                (served.tuned_offer_key, served.tuned_usd_per_instance_hour),
            ):
                if key not in found:
                    found[key] = _served(report, key, usd, m.label)
    return tuple(found.values())


@dataclass(frozen=True, slots=True)
class OtherPrice:
    """The price of something that is on a price list and is no machine, such as storage.

    Parameters
    ----------
    key : see `price_key`.
    """

    key: PriceKey
    label: str
    unit: str
    usd: float
    source_key: str


def price_key(row: Row) -> PriceKey | None:
    """What tells prices apart that no input and no machine sets; None for all others."""
    line = row.line
    named = any(LIVE_INPUTS[field][1] == USD for field in row.fields if field in LIVE_INPUTS)
    if line is None or named or row.unit == GPU_UNIT or row.key == SERVING:
        return None
    return row.key, line.provider, line.region, line.sku, line.unit_price_usd


def other_prices(report: Report) -> tuple[OtherPrice, ...]:
    """Such prices of all methods, each once."""
    found: dict[PriceKey, OtherPrice] = {}
    for _, money in with_money(report):
        for row in (*cost_rows(money), *benefit_rows(money)):
            if (key := price_key(row)) is not None and row.line is not None:
                sold = " ".join(part for part in (row.line.provider, row.line.sku) if part)
                label = f"{row.label} ({sold})" if sold else row.label
                found.setdefault(
                    key, OtherPrice(key, label, row.unit, row.line.unit_price_usd, row.source)
                )
    return tuple(found.values())


def _served(report: Report, key: str, usd: float, label: str) -> OfferPrice:
    """An offer that answers are given on."""
    for way in report.serving.ways if report.serving else ():
        if way.offer_key == key:
            return OfferPrice(
                key,
                f"{way.provider_name} {way.instance}, {way.region}, on demand",
                f"serving on {way.accelerator_name}",
                usd,
                way.price_valid_from,
                way.price_source_key,
            )
    return OfferPrice(key, f"{key}, on demand", f"serving of {label}", usd)
