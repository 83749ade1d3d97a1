"""Full fine-tuning against the better adapter method."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from app.estimator.break_even import break_evens
from app.estimator.case import Case
from app.estimator.decision import Contender, better_adapter
from app.estimator.finance import discounted, npv_usd, payback_months
from app.estimator.report import BreakEven, Comparison, IncrementalReport
from app.estimator.returns import irr
from app.estimator.uncertainty import distribution
from app.estimator.value import worth_by_gain
from app.estimator.worked import Worked, kept_weight

LARGEST_GAP = 1e6
"""Points beyond which a gap is not looked for; one that lies further is stated as this."""

HALVINGS = 40
"""Of an interval of 1 point or as wide as the gap itself."""


def compare(
    case: Case, worked: Mapping[str, Worked], contenders: Mapping[str, Contender]
) -> Comparison | None:
    """Full against LoRA, or against QLoRA where that is the better one or the only one.

    Parameters
    ----------
    contenders : the same methods as the verdict weighs them.
    """
    adapters = {key: worked[key] for key in ("lora", "qlora") if key in worked}
    if "full" not in worked or not adapters:
        return None
    full = worked["full"]
    decisive = case.constants["decisive_probability"]
    adapter = adapters[better_adapter({k: w.money.npv for k, w in adapters.items()}, decisive)]
    return Comparison(
        adapter_method=adapter.method.key,
        gap_points=distribution(full.gain - adapter.gain),
        break_even_gap_points=_break_even_gap(case, full, adapter),
        probability_full_beats_adapter=float(np.mean(full.money.npv > adapter.money.npv)),
        extra_cost_usd=full.costs.total_usd - adapter.costs.total_usd,
        incremental=_incremental(case, full, adapter),
        break_evens=_break_evens(case, contenders, adapter.method.key),
    )


def _break_evens(
    case: Case, contenders: Mapping[str, Contender], adapter: str
) -> tuple[BreakEven, ...]:
    return break_evens(contenders["full"], case.value, other=contenders[adapter])


def _incremental(case: Case, full: Worked, adapter: Worked) -> IncrementalReport:
    """What the money that full fine-tuning takes more brings back."""
    rate = case.value.discount_rate_fraction
    flows = full.ledger.net - adapter.ledger.net
    rates = irr(flows)
    return IncrementalReport(
        npv_usd=npv_usd(flows, rate),
        irr_fractions=rates.yearly,
        irr_note=rates.why_none,
        payback_months=payback_months(flows),
        discounted_payback_months=payback_months(discounted(flows, rate)),
    )


def _break_even_gap(case: Case, full: Worked, adapter: Worked) -> float | None:
    """Points that full fine-tuning has to add to the gain of the adapter, in every draw, to be
    worth as much; None where no gap is worth anything.

    Notes
    -----
    Gains are weighed by what a point turns out to be worth, so that the gap is exact. All else is
    held: cost, waiting, and what is forgotten outside the task.
    """
    value = case.value
    worth = worth_by_gain(value, full.use, kept_weight(case))
    present = full.money.present
    # What full fine-tuning is worth beside its answers and their growth.
    beside = float(present.npv.mean()) - float((worth(full.gain) * full.worth_factor).mean())
    needed = float(adapter.money.npv.mean()) - beside

    def short(gap: float) -> float:
        return float((worth(adapter.gain + gap) * full.worth_factor).mean()) - needed

    at_zero, at_one = short(0.0), short(1.0)
    if at_one <= at_zero:
        return None
    if value.growth_per_point_fraction == 0:
        gap = -at_zero / (at_one - at_zero)
        return min(max(gap, -LARGEST_GAP), LARGEST_GAP)
    # Growth bends the worth, which still rises with every point: the root is halved in.
    low, high = (0.0, 1.0) if at_zero < 0 else (-1.0, 0.0)
    while short(high) < 0 and high < LARGEST_GAP:
        low, high = high, 2 * high
    while short(low) > 0 and low > -LARGEST_GAP:
        low, high = 2 * low, low
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if short(middle) < 0 else (low, middle)
    return min(max(high, -LARGEST_GAP), LARGEST_GAP)
