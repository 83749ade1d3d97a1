"""Costs in time: quantity x unit price by month, and what they sum to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from app.estimator.accounting import PLAIN, Accounting
from app.estimator.exact import grid_of, on_grid
from app.estimator.report import CostLine

Floats = NDArray[np.float64]

GPU_LINES = frozenset({"experiments", "release_run", "failed_runs", "retraining"})
"""Lines of the GPU time that runs use."""

IDLE_LINES = frozenset({"idle_commitment", "idle_retraining"})
"""Lines of the GPU time that is paid for and stays idle."""

PAID_GPU_LINES = GPU_LINES | IDLE_LINES

ROUNDING = 1e-9
"""Share of an amount by which rounding may move it."""


@dataclass(frozen=True, slots=True)
class Seller:
    """Who is paid for something on a price list, and for what; all empty for nobody.

    Parameters
    ----------
    provider : its key; sku : key of the offer or product.
    """

    provider: str = ""
    region: str = ""
    sku: str = ""


NOBODY = Seller()


@dataclass(frozen=True, slots=True)
class Flow:
    """One cost in time: quantity x unit price, when it is paid.

    Parameters
    ----------
    category : as `app.estimator.report_money.MoneyLine` lists them.
    quantity_by_month : (months + 1,)
    unit_price_usd : in prices of month 0. [USD]
    when : once (until the first release) or recurring.
    inputs : fields of the scenario that its price, or its quantity, is.
    seller : of what is bought from a price list.
    fixed_price : whether its price is fixed at the start, for all months.
    """

    key: str
    label: str
    category: str
    quantity_by_month: Floats
    unit: str
    unit_price_usd: float
    when: str
    source: str
    inputs: tuple[str, ...] = ()
    seller: Seller = NOBODY
    fixed_price: bool = False

    @property
    def is_capital(self) -> bool:
        """Whether it is paid at the start for what stays: work until the first release that is no
        contract over months."""
        return self.when == "once" and not self.fixed_price

    @property
    def quantity(self) -> float:
        """Over the horizon, in `unit`."""
        return float(self.quantity_by_month.sum())


def cost_line(flow: Flow, usd: float) -> CostLine:
    """A flow as a line of the bill.

    Parameters
    ----------
    usd : what it comes to over the horizon; its price is the mean one where prices rise.
    """
    quantity = flow.quantity
    at_list = quantity * flow.unit_price_usd
    listed = abs(usd - at_list) <= ROUNDING * at_list or quantity == 0
    return CostLine(
        flow.key,
        flow.label,
        quantity,
        flow.unit,
        flow.unit_price_usd if listed else usd / quantity,
        usd,
        flow.when,
        flow.source,
    )


@dataclass(frozen=True, slots=True)
class Costs:
    """Costs of a programme and their place in time.

    Parameters
    ----------
    flows, amounts : what is paid, and how much of it in every month, on one grid of
        `app.estimator.exact`: whatever is summed of it is exact. (flows, months + 1) [USD]
    live_by_month : share of each month in which the release is in use. (months + 1,)
    release_month : time to the first release. [months]
    later_releases : after the first, within the horizon. [count]
    accounting : how costs are taxed.
    """

    flows: tuple[Flow, ...]
    amounts: Floats
    live_by_month: Floats
    release_month: float
    later_releases: int
    accounting: Accounting = PLAIN

    def of(self, keys: Collection[str], *, among: bool = True) -> Floats:
        """What flows of these keys take by month, or all others. (months + 1,) [USD]"""
        chosen = [(flow.key in keys) == among for flow in self.flows]
        return np.asarray(self.amounts[chosen].sum(axis=0))

    def capital(self, keys: Collection[str] = (), *, among: bool = False) -> Floats:
        """Capital costs of these keys, or of all others, by month. (months + 1,) [USD]"""
        return self._part(True, keys, among=among)

    def running(self, keys: Collection[str] = (), *, among: bool = False) -> Floats:
        """All costs that are not capital, likewise. (months + 1,) [USD]"""
        return self._part(False, keys, among=among)

    def _part(self, is_capital: bool, keys: Collection[str], *, among: bool) -> Floats:
        chosen = [
            flow.is_capital == is_capital and (flow.key in keys) == among for flow in self.flows
        ]
        return np.asarray(self.amounts[chosen].sum(axis=0))

    @property
    def lines(self) -> tuple[CostLine, ...]:
        """Those that cost something, and the release run; they sum to `total_usd`, exactly."""
        return tuple(
            cost_line(flow, float(usd))
            for flow, usd in zip(self.flows, self.amounts.sum(axis=1), strict=True)
            if usd > 0 or flow.key == "release_run"
        )

    @property
    def gpu_by_month(self) -> Floats:
        """GPU cost at the listed price and the estimated time, when it is paid. (months + 1,)"""
        return self.of(PAID_GPU_LINES)

    @property
    def fixed_by_month(self) -> Floats:
        """What does not depend on GPU price and training time. (months + 1,) [USD]"""
        return self.of(PAID_GPU_LINES, among=False)

    @property
    def gpu_net_by_month(self) -> Floats:
        """GPU cost less the tax that it saves. (months + 1,) [USD]"""
        return self._net(among=True)

    @property
    def fixed_net_by_month(self) -> Floats:
        """All other cost less the tax that it saves. (months + 1,) [USD]"""
        return self._net(among=False)

    def _net(self, *, among: bool) -> Floats:
        capital = self.capital(PAID_GPU_LINES, among=among)
        running = self.running(PAID_GPU_LINES, among=among)
        return self.accounting.after_tax(capital, running, self.release_month)

    @property
    def total_usd(self) -> float:
        """Cost over the horizon, undiscounted, before tax. [USD]"""
        return float(self.amounts.sum())

    @property
    def gpu_usd(self) -> float:
        """What of the total is GPU time. [USD]"""
        return float(self.gpu_by_month.sum())

    @property
    def other_usd_by_category(self) -> dict[str, float]:
        """What of the total is not GPU time, in the order of the flows. [USD]"""
        found: dict[str, float] = {}
        for flow, usd in zip(self.flows, self.amounts.sum(axis=1), strict=True):
            if flow.key not in PAID_GPU_LINES:
                found[flow.category] = found.get(flow.category, 0.0) + float(usd)
        return found

    @property
    def upfront_usd(self) -> float:
        """Cost of the work until the first release, whenever it is paid. [USD]"""
        once = [flow.when == "once" for flow in self.flows]
        return float(self.amounts[once].sum())

    def on(self, grid: float) -> Costs:
        """The same on another grid."""
        return replace(self, amounts=_amounts(self.flows, self.accounting, grid))


def costs_of(
    flows: Sequence[Flow],
    live_by_month: Floats,
    release_month: float,
    later_releases: int,
    accounting: Accounting = PLAIN,
) -> Costs:
    """Costs from their flows, those of nothing left out, in prices of the month they are paid in.

    Notes
    -----
    What there is some of stays even where its price is 0, so that a workbook can price it.
    """
    size = sum(float(np.abs(flow.quantity_by_month).sum()) * flow.unit_price_usd for flow in flows)
    peak = float(accounting.price_index(len(live_by_month) - 1).max())
    amounts = _amounts(flows, accounting, grid_of(size * peak))
    kept = [bool(f.quantity_by_month.any()) or f.key == "release_run" for f in flows]
    return Costs(
        tuple(flow for flow, keep in zip(flows, kept, strict=True) if keep),
        amounts[kept],
        live_by_month,
        release_month,
        later_releases,
        accounting,
    )


def _amounts(flows: Sequence[Flow], accounting: Accounting, grid: float) -> Floats:
    quantities = np.array([flow.quantity_by_month for flow in flows])
    prices = np.array([flow.unit_price_usd for flow in flows])
    months = quantities.shape[1] - 1
    indices = accounting.price_index(months), accounting.contract_index(months)
    index = np.array([indices[flow.fixed_price] for flow in flows])
    return on_grid(quantities * prices[:, None] * index, grid)
