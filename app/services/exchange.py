"""The currency of a scenario, and what one US dollar buys of it."""

from __future__ import annotations

from app.catalog.catalog import Catalog
from app.estimator.currency import US_DOLLAR, Currency
from app.estimator.market import ExchangeRate
from app.inputs import ScenarioInput
from app.services.problems import Problem

FARTHEST = 10.0
"""How many times an entered rate may lie above or below the dated one. No currency of the table
moves as far while its rate is in use; a rate that is upside down or of another currency often does.
"""


def currency_of(
    scenario: ScenarioInput, catalog: Catalog, problems: list[Problem]
) -> tuple[Currency, ExchangeRate | None]:
    """The currency of a scenario, and the fact behind its rate; None where it needs none."""
    code, entered = scenario.currency, scenario.exchange_rate_per_usd
    rate = catalog.exchange_rates.get(code)
    if code == US_DOLLAR.code:
        if entered not in (0, 1):
            problems.append(
                Problem("/exchange_rate_per_usd", "One US dollar is one US dollar: leave it at 0.")
            )
        return US_DOLLAR, None
    if rate is None:
        known = ", ".join(sorted({*catalog.exchange_rates, US_DOLLAR.code}))
        problems.append(Problem("/currency", f"{code!r} is not a known currency; use {known}."))
        return US_DOLLAR, None
    if not entered:
        return Currency(code, rate.digits, rate.per_usd), rate
    if not rate.per_usd / FARTHEST <= entered <= rate.per_usd * FARTHEST:
        problems.append(
            Problem(
                "/exchange_rate_per_usd",
                f"{entered:g} {code} for one US dollar is more than {FARTHEST:g} times away from "
                f"the {rate.per_usd:g} {code} of {rate.valid_from.isoformat()}: enter how many "
                f"{code} one dollar buys, or 0 for that rate.",
            )
        )
    return Currency(code, rate.digits, entered), None
