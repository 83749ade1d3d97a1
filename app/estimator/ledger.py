"""The ledger of one method: every expected line by month, taxed and discounted, summing exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.estimator.errors import EstimatorError
from app.estimator.exact import grid_of, on_grid
from app.estimator.finance import discount_factors
from app.estimator.flows import Costs, Flow

Floats = NDArray[np.float64]

MOST_USD = 1e13
"""Of all lines of one method: up to it, what `app.estimator.exact` rounds is below a cent."""


class TooMuchMoney(EstimatorError):  # noqa: N818
    """Lines that come to more than `MOST_USD`; the message names the largest."""

    def __init__(self, label: str, usd: float) -> None:
        super().__init__(
            f"“{label}” comes to US${usd:,.0f} over the horizon. Beyond US${MOST_USD:,.0f} in all, "
            "amounts are no longer exact to the cent: check what it is made of."
        )


@dataclass(frozen=True, slots=True)
class Ledger:
    """Expected money of one method. All arrays are on one grid of `app.estimator.exact`.

    Parameters
    ----------
    costs : on this grid too.
    benefits, benefit_amounts : lines, and what each brings by month. (benefits, months + 1) [USD]
    capex, opex, depreciation, tax, net, present : by month, as
        `app.estimator.report_money.MoneyReport` says. (months + 1,) [USD]
    """

    costs: Costs
    benefits: tuple[Flow, ...]
    benefit_amounts: Floats
    capex: Floats
    opex: Floats
    depreciation: Floats
    tax: Floats
    net: Floats
    present: Floats

    @property
    def benefit(self) -> Floats:
        """(months + 1,) [USD]"""
        return np.asarray(self.benefit_amounts.sum(axis=0))

    @property
    def benefit_usd(self) -> float:
        """Over the horizon, before tax. [USD]"""
        return float(self.benefit_amounts.sum())

    @property
    def npv_usd(self) -> float:
        """Net present value of the expected flows, which is the mean of that of the draws. [USD]"""
        return float(self.present.sum())

    def brought_by(self, *keys: str) -> float:
        """What lines of benefit bring over the horizon, before tax. [USD]"""
        chosen = [flow.key in keys for flow in self.benefits]
        return float(self.benefit_amounts[chosen].sum())


def ledger_of(costs: Costs, benefits: Sequence[Flow], annual_rate: float) -> Ledger:
    """Tax, net flow and present value of expected costs and benefits.

    Raises
    ------
    TooMuchMoney : they come to more than `MOST_USD`.

    Notes
    -----
    net = benefit - capex - opex - tax, tax = rate x (benefit - opex - capital costs that are not
    capitalised - depreciation): see `app.estimator.accounting`.
    """
    accounting, months = costs.accounting, len(costs.live_by_month) - 1
    index = accounting.price_index(months)
    brought = np.array([flow.quantity_by_month * flow.unit_price_usd for flow in benefits]) * index
    size_of = np.concatenate([np.abs(brought).sum(axis=1), np.abs(costs.amounts).sum(axis=1)])
    if size_of.sum() > MOST_USD:
        largest = int(np.argmax(size_of))
        raise TooMuchMoney([*benefits, *costs.flows][largest].label, float(size_of[largest]))
    grid = grid_of(float(size_of.sum()))
    costs, brought = costs.on(grid), on_grid(brought, grid)
    capex, opex, benefit = costs.capital(), costs.running(), brought.sum(axis=0)
    written = on_grid(accounting.written_off(capex, costs.release_month), grid)
    saved = accounting.tax_saved(capex, opex, costs.release_month)
    tax = on_grid(accounting.tax_fraction * benefit - saved, grid)
    net = benefit - capex - opex - tax
    present = on_grid(net * discount_factors(annual_rate, months), grid)
    return Ledger(costs, tuple(benefits), brought, capex, opex, written, tax, net, present)
