"""Use case: the plans of a scenario, over all its offers or over some of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

from app.catalog.catalog import Catalog
from app.catalog.config_json import architecture_from_config
from app.estimator.fleet import fleet_of
from app.estimator.hardware import PURCHASE_OPTIONS, Offer
from app.estimator.report import Report
from app.inputs import ScenarioInput
from app.services.cases import case_of
from app.services.estimates import estimate, report_of
from app.services.problems import InputProblems, Problem


@dataclass(frozen=True, slots=True)
class Filters:
    """Which offers are planned on; an empty text stands for all.

    Parameters
    ----------
    provider, gpu : keys, as in the catalogue.
    region : as the provider calls it.
    option : one of `PURCHASE_OPTIONS`.
    """

    provider: str = ""
    region: str = ""
    gpu: str = ""
    option: str = ""

    @property
    def any(self) -> bool:
        """Whether something is left out."""
        return bool(self.provider or self.region or self.gpu or self.option)

    def pass_on(self, offer: Offer) -> bool:
        """Whether an offer is planned on."""
        return (
            self.provider in {"", offer.provider}
            and self.region in {"", offer.region}
            and self.gpu in {"", offer.accelerator.key}
            and self.option in {"", offer.purchase_option}
        )


@dataclass(frozen=True, slots=True)
class FilterChoices:
    """What can be filtered by among the offers of a scenario: values with their names."""

    providers: tuple[tuple[str, str], ...]
    regions: tuple[tuple[str, str], ...]
    gpus: tuple[tuple[str, str], ...]
    options: tuple[tuple[str, str], ...]


def plan_choices(scenario: ScenarioInput, catalog: Catalog, today: date) -> FilterChoices:
    """Providers, regions, GPUs and purchase options of the offers that the scenario allows.

    Raises
    ------
    InputProblems : the scenario cannot be estimated.
    """
    offers = case_of(scenario, catalog, today).fleet.offers

    def named(pair: Callable[[Offer], tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        return tuple(sorted({pair(offer) for offer in offers}, key=lambda p: p[1].lower()))

    return FilterChoices(
        providers=named(lambda offer: (offer.provider, offer.provider_name)),
        regions=named(lambda offer: (offer.region, offer.region)),
        gpus=named(lambda offer: (offer.accelerator.key, offer.accelerator.name)),
        options=named(lambda o: (o.purchase_option, PURCHASE_OPTIONS[o.purchase_option])),
    )


def plan(scenario: ScenarioInput, filters: Filters, catalog: Catalog, today: date) -> Report:
    """The report of a scenario whose plans pass the filters; without any, its plain report.

    Raises
    ------
    InputProblems : the scenario cannot be estimated, no offer passes, or nothing fits.
    """
    if not filters.any:
        return estimate(scenario, catalog, today)
    case = case_of(scenario, catalog, today)
    offers = [offer for offer in case.fleet.offers if filters.pass_on(offer)]
    if not offers:
        first = next(
            name for name in ("provider", "region", "gpu", "option") if getattr(filters, name)
        )
        raise InputProblems(
            [
                Problem(
                    f"/{first}",
                    "No offer that the scenario allows passes this filter; choose fewer of "
                    "provider, region, GPU and purchase option.",
                )
            ]
        )
    return report_of(replace(case, fleet=fleet_of(offers)), catalog)


def trained_tables(scenario: ScenarioInput, catalog: Catalog) -> tuple[str, ...]:
    """The tables that are trained beside adapters: the head only where it is one of its own."""
    if not scenario.train_embeddings:
        return ()
    if scenario.config_json is not None:
        architecture = architecture_from_config(scenario.model, scenario.config_json)
    else:
        architecture = catalog.models[scenario.model].architecture
    return ("embed_tokens",) if architecture.tie_word_embeddings else ("embed_tokens", "lm_head")
