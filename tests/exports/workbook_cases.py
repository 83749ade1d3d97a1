"""Scenarios whose workbooks are recalculated, and what a user then types into them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from app.catalog.catalog import Catalog
from app.estimator.report import Report
from app.inputs import ScenarioInput
from app.services.estimates import estimate

TODAY = date(2026, 11, 23)
SHORT: dict[str, Any] = {
    "methods": ("full", "lora"),
    "horizon_months": 15,
    "objective": "cheapest",
    "draws": 1_000,
}
"""Quick to recalculate."""
RICH: dict[str, Any] = SHORT | {
    "answers_per_month": 150_000,
    "growth_percent": 20,
    "value_per_correct_answer_usd": 0.5,
    "hallucination_percent": 10,
    "hallucination_cost_usd": 3,
    "violation_percent": 2,
    "incident_percent": 5,
    "incident_cost_usd": 500,
    "other_answers_per_month": 20_000,
    "other_value_usd": 0.2,
    "latency_value_usd_per_second": 0.01,
    "engineer_week_usd": 4_000,
    "data_preparation_usd": 9_000,
    "releases_per_year": 4,
    "release_fixed_usd": 2_500,
    "adapter_release_percent": 60,
    "artefact_year_usd": 1_200,
    "delay_cost_usd_per_month": 3_000,
    "discount_rate_percent": 10,
    "tax_percent": 25,
    "capitalised_percent": 40,
    "write_off_months": 9,
    "inflation_percent": 3,
    "fiscal_year_start": 4,
    "start_month": "2027-02",
    "currency": "EUR",
    "adoption_ramp_months": 4,
    "adoption_uncertainty_percent": 30,
    "serving": "none",
}
"""Every line, tax, inflation, capitalisation and a ramp."""
SERVED: dict[str, Any] = RICH | {
    "serving": "unmerged",
    "variants": 5,
    "answers_per_month": 748_000_000,
    "value_per_correct_answer_usd": 0.001,
    "growth_percent": 10,
    # How long an answer takes follows from the load; it is held, and so of no worth here.
    "latency_value_usd_per_second": 0,
}
"""Adapters on one shared base, slower than it; a model of its own for each variant of full."""
ONLY_OFFER = "lambda.gpu-8x-h100-sxm5.all.on-demand"

Facts = Callable[[Catalog, str], Catalog]


def unchanged(catalog: Catalog, _: str) -> Catalog:
    """The facts as they are."""
    return catalog


def one_offer(catalog: Catalog, _: str) -> Catalog:
    """Nothing but one instance of 8 GPUs, to train and to serve on."""
    return replace(catalog, offers=tuple(o for o in catalog.offers if o.key == ONLY_OFFER))


def one_dearer(catalog: Catalog, key: str) -> Catalog:
    """The same, a tenth dearer."""
    return dearer(one_offer(catalog, key), key)


def dearer(catalog: Catalog, key: str) -> Catalog:
    """The facts with one offer a tenth dearer."""
    offers = tuple(
        replace(offer, usd_per_instance_hour=1.1 * offer.usd_per_instance_hour)
        if offer.key == key
        else offer
        for offer in catalog.offers
    )
    return replace(catalog, offers=offers)


def reserved(catalog: Catalog, _: str) -> Catalog:
    """Nothing but reservations of a year."""
    offers = tuple(o for o in catalog.offers if o.purchase_option == "reserved-1y")
    return replace(catalog, offers=offers)


@dataclass(frozen=True)
class Case:
    """A scenario as exported.

    Parameters
    ----------
    facts : what is made of the catalogue.
    """

    scenario: Mapping[str, Any]
    facts: Facts = unchanged

    def report(self, catalog: Catalog) -> Report:
        """Its report."""
        return estimate(ScenarioInput(**self.scenario), self.facts(catalog, ""), TODAY)


@dataclass(frozen=True)
class Change:
    """What a user types into the workbook of a case, and the scenario that says the same.

    Parameters
    ----------
    typed : by name of the cell; a number beginning with x is a factor on what stands there.
    sensitivity : row of the sensitivity sheet that tells the same at +10%; may be empty.
    """

    base: str
    typed: Mapping[str, Any]
    scenario: Mapping[str, Any]
    facts: Facts = unchanged
    sensitivity: str = ""

    def report(self, catalog: Catalog, before: Report) -> Report:
        """What Tunecase says of the changed scenario."""
        plan = before.methods[0].plan
        assert plan is not None
        scenario = ScenarioInput(**{**CASES[self.base].scenario, **self.scenario})
        return estimate(scenario, self.facts(catalog, plan.offer_key), TODAY)


FROM_NOTHING = {
    "data_preparation_usd": 12_000.0,
    "release_fixed_usd": 900.0,
    "artefact_year_usd": 700.0,
    "delay_cost_usd_per_month": 350.0,
}
CASES: dict[str, Case] = {
    "default": Case({"methods": ("full", "lora", "qlora"), "title": "Contract review"}),
    "rich": Case(RICH),
    "real, growth by accuracy": Case(
        RICH
        | {
            "money_terms": "real",
            "write_off_months": 60,
            "growth_per_point_percent": 0.5,
            "margin_per_answer_usd": 0.05,
        }
    ),
    "free storage": Case(
        SHORT | {"serving": "none", "storage_usd_per_gb_month": 0, "egress_usd_per_gb": 0}
    ),
    "variants": Case(SERVED, one_offer),
    "many variants": Case(
        SERVED | {"variants": 70, "latency_value_usd_per_second": 0.01}, one_offer
    ),
    "reserved, storage": Case(
        RICH
        | {
            "methods": ("lora",),
            "include_reserved": True,
            "storage_usd_per_gb_month": 0.05,
            "egress_usd_per_gb": 0.2,
        },
        reserved,
    ),
    "loss, never released": Case(
        SHORT | {"answers_per_month": 10, "title": "=1+1", "engineer_weeks_full": 150}
    ),
}
CHANGES: dict[str, Change] = {
    "rate": Change(
        "rich", {"discount_rate": 0.11}, {"discount_rate_percent": 11}, sensitivity="Discount rate"
    ),
    "gpu": Change("variants", {"instance_hour_usd_1": "x1.1"}, {}, one_dearer),
    "week": Change(
        "rich",
        {"engineer_week_usd": 4_400},
        {"engineer_week_usd": 4_400},
        sensitivity="Price of an engineer-week",
    ),
    "worth": Change(
        "rich",
        {"value_per_correct_answer_usd": 0.8},
        {"value_per_correct_answer_usd": 0.8},
    ),
    # Costs that were 0 as exported.
    "from nothing": Change(
        "default",
        FROM_NOTHING,
        FROM_NOTHING,
    ),
    "storage that was free": Change(
        "free storage",
        {"storage_usd_per_gb_month": 0.04, "egress_usd_per_gb": 0.15},
        {"storage_usd_per_gb_month": 0.04, "egress_usd_per_gb": 0.15},
    ),
    "volume": Change(
        "variants",
        {"answers_per_month": 822_800_000},
        {"answers_per_month": 822_800_000},
        one_offer,
        sensitivity="Answers a month, and the GPUs that serve them",
    ),
    "terms": Change(
        "rich",
        {
            "tax_rate": 0.31,
            "inflation": 0.05,
            "capitalised_share": 0.8,
            "write_off_months": 6,
            "fiscal_year_start": 10,
            "start_date": date(2027, 9, 1),
            "answers_growth": 0.5,
        },
        {
            "tax_percent": 31,
            "inflation_percent": 5,
            "capitalised_percent": 80,
            "write_off_months": 6,
            "fiscal_year_start": 10,
            "start_month": "2027-09",
            "growth_percent": 50,
        },
    ),
}
