"""Use case: a saved scenario at today's prices beside the numbers that were shared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from app.catalog.catalog import Catalog
from app.catalog.price_changes import ListedPrice, PriceChange, changes, listed_price
from app.estimator.report import Report
from app.inputs import ScenarioInput
from app.services.book_access import INSTALLATION, Asker
from app.services.estimates import estimate
from app.services.offers_allowed import allows
from app.services.problems import InputProblems, Problem
from app.services.scenario_prices import ScenarioPrices
from app.services.scenarios import SharedScenario


@dataclass(frozen=True, slots=True)
class Repriced:
    """A saved scenario then and today.

    Parameters
    ----------
    before : as it was shared.
    after : the same scenario today; None where it cannot be estimated any more, for `problems`.
    changes : prices that differ, of the offers that the scenario may plan on.
    all_changes : prices that differ in the whole price list. [count]
    snapshot_known : whether the prices of then were kept; without them no change can be named.
    newer_version : number of the newest version of its price book, where it is pinned to an older
        one and the asker may use the book; the prices of today are then those of this version.
    reference : price book that today's prices are those of, empty for the built-in ones.
    """

    before: Report
    after: Report | None
    problems: tuple[Problem, ...]
    changes: tuple[PriceChange, ...]
    all_changes: int
    snapshot_known: bool
    newer_version: int | None
    reference: str


def reprice(
    shared: SharedScenario,
    catalog: Catalog,
    scenario_prices: ScenarioPrices,
    today: date,
    asker: Asker,
) -> Repriced:
    """The same scenario today.

    Notes
    -----
    Today's prices are those of the newest version of the price book for those who may use it.
    Whoever else has the link is answered with the version that it is pinned to: the book stays
    where it is, and of its prices only those of the chosen plans are seen.

    Raises
    ------
    Busy : see `estimate`.
    """
    scenario = shared.scenario
    after: Report | None = None
    problems: tuple[Problem, ...] = ()
    found: tuple[PriceChange, ...] = ()
    everything = 0
    then = scenario_prices.price_list(shared.price_list_hash)
    newer = scenario_prices.newer_version(scenario.price_book, asker)
    reference = scenario.price_book
    if newer is not None:
        reference = f"{reference.partition('@')[0]}@{newer}"
    try:
        prices = scenario_prices.priced(catalog, reference, INSTALLATION)
        if then is not None:
            now = [listed_price(offer) for offer in prices.listed]
            everything = len(changes(then, now))
            found = changes(allowed_prices(then, scenario), allowed_prices(now, scenario))
        after = estimate(scenario.model_copy(update={"price_book": reference}), prices, today)
    except InputProblems as error:
        problems = error.problems
    if scenario_prices.shown(scenario, asker) != scenario:
        seen = _planned(shared.report) | (_planned(after) if after else set())
        found = tuple(change for change in found if change.key in seen)
    return Repriced(
        before=shared.report,
        after=after,
        problems=problems,
        changes=found,
        all_changes=everything,
        snapshot_known=then is not None,
        newer_version=newer,
        reference=reference,
    )


def _planned(report: Report) -> set[str]:
    """Keys of the offers that the chosen plans rent."""
    return {m.plan.offer_key for m in report.methods if m.plan is not None}


def allowed_prices(prices: Iterable[ListedPrice], scenario: ScenarioInput) -> list[ListedPrice]:
    """Those of offers that a scenario may plan on, old ones included."""
    return [
        price
        for price in prices
        if price.can_be_planned
        and allows(scenario, price.tier, price.purchase_option, price.provider, price.accelerator)
    ]
