"""Use case: a saved scenario at today's prices beside the numbers that were shared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from app.catalog.catalog import Catalog
from app.catalog.price_changes import ListedPrice, PriceChange, changes, listed_price
from app.estimator.report import Report
from app.inputs import ScenarioInput
from app.services.estimates import estimate
from app.services.price_books import PriceBooks
from app.services.problems import InputProblems, Problem
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
        one. The prices of today are those of the pinned version.
    """

    before: Report
    after: Report | None
    problems: tuple[Problem, ...]
    changes: tuple[PriceChange, ...]
    all_changes: int
    snapshot_known: bool
    newer_version: int | None


def reprice(shared: SharedScenario, catalog: Catalog, books: PriceBooks, today: date) -> Repriced:
    """The same scenario today.

    Raises
    ------
    Busy : see `estimate`.
    """
    scenario = shared.scenario
    after: Report | None = None
    problems: tuple[Problem, ...] = ()
    found: tuple[PriceChange, ...] = ()
    everything = 0
    then = books.price_list(shared.price_list_hash)
    try:
        prices = books.priced(catalog, scenario.price_book)
        if then is not None:
            now = [listed_price(offer) for offer in prices.listed]
            everything = len(changes(then, now))
            found = changes(allowed_prices(then, scenario), allowed_prices(now, scenario))
        after = estimate(scenario, prices, today)
    except InputProblems as error:
        problems = error.problems
    return Repriced(
        before=shared.report,
        after=after,
        problems=problems,
        changes=found,
        all_changes=everything,
        snapshot_known=then is not None,
        newer_version=books.newer_version(scenario.price_book),
    )


def allowed_prices(prices: Iterable[ListedPrice], scenario: ScenarioInput) -> list[ListedPrice]:
    """Those of offers that a scenario may plan on, old ones included."""
    return [price for price in prices if price.can_be_planned and _allowed(price, scenario)]


def _allowed(price: ListedPrice, scenario: ScenarioInput) -> bool:
    """Whether the options of a scenario let an offer in. As in `app.services.estimates`."""
    return (
        (scenario.include_marketplace or price.tier != "marketplace")
        and (scenario.include_spot or price.purchase_option != "spot")
        and (scenario.include_reserved or not price.purchase_option.startswith("reserved"))
        and (scenario.include_capacity_blocks or price.purchase_option != "capacity-block")
        and (not scenario.accelerators or price.accelerator in scenario.accelerators)
        and (not scenario.providers or price.provider in scenario.providers)
    )
