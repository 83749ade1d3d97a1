"""Prices of machines that a report pays for: one cell for each offer, whoever uses it."""

from __future__ import annotations

from dataclasses import dataclass

from app.estimator.hardware import PURCHASE_OPTIONS
from app.estimator.report import Report
from app.exports.workbook.rows import with_money


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
