"""Plan against actual: what was spent, month by month, beside what a scenario expected.

The plan is the cash cost of one method before tax. All sums are exact: amounts are rounded to one
binary fraction first (`app.estimator.exact`), so months, categories and totals agree to the bit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from operator import mul

from app.estimator.accounting import REAL
from app.estimator.exact import grid_of, on_grid
from app.estimator.report_money import MoneyReport, Timeline
from app.estimator.units import MONTHS_PER_YEAR

DELAY = "delay"
"""The category of what waiting costs: a chance that is lost, which nobody sends a bill for."""

COST_CATEGORIES = (
    "data",
    "experiments",
    "training",
    "idle",
    "evaluation",
    "people",
    "compliance",
    "storage",
    "network",
    "serving",
    "retraining",
    DELAY,
)
"""Categories of the lines of costs, see `MoneyLine`."""

UNASSIGNED = ""
"""The category of spend that names none."""

MOST = 0.5
"""Share of the deviation from which one category is said to account for most of it."""
OFFSET = 0.1
"""Share of the whole difference from which what deviates against it counts: what deviates with it
is then more than the whole, and no category is most of that."""
OFFSET_OF_PLAN = 0.005
"""Share of the plan below which deviations that offset each other are not worth naming."""


@dataclass(frozen=True, slots=True)
class Spend:
    """What was spent on one category in one month.

    Parameters
    ----------
    month : "2027-01"; any month, of the plan or not.
    category : one of `COST_CATEGORIES` or `UNASSIGNED`.
    usd : below 0 for a credit.
    """

    month: str
    category: str
    usd: float


@dataclass(frozen=True, slots=True)
class PlannedCosts:
    """The cash cost of one method by calendar month.

    Parameters
    ----------
    months : labels, "2027-01". (months,)
    usd_by_category : categories that cost something, in the order of `COST_CATEGORIES`; each
        (months,).
    left_out_usd : what is planned for delay, where it is not part of the plan here.
    inflated : whether a plan in money of month 0 was brought to the money of each month.
    billed_only : whether it is what providers are paid alone.
    unbilled_usd : what is planned beside that, and is paid to no provider.
    """

    months: tuple[str, ...]
    usd_by_category: Mapping[str, tuple[float, ...]]
    left_out_usd: float
    inflated: bool
    billed_only: bool = False
    unbilled_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class Compared:
    """Planned and actual of the same months.

    Parameters
    ----------
    difference_usd : actual - planned; above 0 more was spent than planned.
    difference_fraction : of what was planned; None where nothing was.
    """

    planned_usd: float
    actual_usd: float
    difference_usd: float
    difference_fraction: float | None


@dataclass(frozen=True, slots=True)
class CategoryVariance:
    """One category over the same months; the blank one is spend that names none."""

    category: str
    compared: Compared


@dataclass(frozen=True, slots=True)
class MonthVariance:
    """One calendar month of the plan.

    Parameters
    ----------
    compared : None where nothing was reported, which is not the same as nothing spent.
    by_category : empty where nothing was reported, or where no row names a category.
    cumulative_planned_usd : of all months so far, reported or not.
    cumulative_outlook_usd : actual where it was reported, planned where it was not. Its distance
        from the cumulative plan is the difference of the reported months alone.
    """

    label: str
    planned_usd: float
    compared: Compared | None
    by_category: tuple[CategoryVariance, ...]
    cumulative_planned_usd: float
    cumulative_outlook_usd: float


@dataclass(frozen=True, slots=True)
class OutsideMonth:
    """Spend in a month that is not compared; no figure of the comparison counts it."""

    label: str
    usd: float


@dataclass(frozen=True, slots=True)
class Completion:
    """What the whole plan would come to, in two ways.

    Parameters
    ----------
    plan_usd : the whole plan; BAC, budget at completion.
    unchanged_usd : actual to date, and the rest as planned.
    rate : actual to date over planned to date, 1 / CPI; None where one of both is not above 0.
    at_this_rate_usd : actual to date, and the rest at this rate.
    """

    plan_usd: float
    unchanged_usd: float
    rate: float | None
    at_this_rate_usd: float | None


@dataclass(frozen=True, slots=True)
class VarianceReport:
    """Plan against actual.

    Parameters
    ----------
    months : of the plan.
    last_reported : label of the last month of the plan with spend; empty where there is none.
    not_reported : months of the plan before it without any row: left out of what is compared.
    outside : months with spend that the plan does not have.
    not_begun : months of the plan with spend that lie ahead: they count as not reported.
    to_date : the reported months; None where there is none.
    by_category : the same, a category each; empty where no row names one.
    driver : category that accounts for most of the difference; None where no single one does,
        where categories offset each other, or where spend without a category leaves it open.
    offsets : where categories offset each other, the largest deviation of either direction, the
        larger first; else empty.
    completion : None where nothing was reported.
    left_out_usd, inflated, billed_only, unbilled_usd : see `PlannedCosts`.
    """

    months: tuple[MonthVariance, ...]
    last_reported: str
    not_reported: tuple[str, ...]
    outside: tuple[OutsideMonth, ...]
    to_date: Compared | None
    by_category: tuple[CategoryVariance, ...]
    driver: str | None
    completion: Completion | None
    left_out_usd: float
    inflated: bool
    not_begun: tuple[OutsideMonth, ...] = ()
    billed_only: bool = False
    unbilled_usd: float = 0.0
    offsets: tuple[CategoryVariance, ...] = ()


def planned_costs(
    money: MoneyReport,
    timeline: Timeline,
    reported: Collection[str] = (),
    *,
    billed_only: bool = False,
) -> PlannedCosts:
    """What a method is planned to cost in each calendar month, as it would be paid.

    Parameters
    ----------
    reported : categories that actual spend names. Delay is planned only where it is among them:
        what waiting costs is a chance that is lost, and no invoice.
    billed_only : only what a provider is paid, which is all that its bill can hold.

    Notes
    -----
    Money of month 0 is paid on the first day of month 1, so it stands in that calendar month. A
    plan in real terms (money of month 0) is multiplied by (1 + inflation)^(m / 12), since actual
    spend is in the money of its month.
    """
    inflation = timeline.inflation_fraction if timeline.money_terms == REAL else 0.0
    months = len(timeline.months)
    sums: dict[str, list[float]] = {}
    rise = [(1.0 + inflation) ** (month / MONTHS_PER_YEAR) for month in range(months + 1)]
    left_out_usd = unbilled_usd = 0.0
    for line in money.lines:
        if line.side != "cost":
            continue
        if billed_only and not line.provider:
            unbilled_usd += fsum(map(mul, line.usd_by_month, rise))
            continue
        if line.category == DELAY and DELAY not in reported:
            left_out_usd += fsum(map(mul, line.usd_by_month, rise))
            continue
        months_of = sums.setdefault(line.category, [0.0] * months)
        for month, usd in enumerate(line.usd_by_month):
            months_of[max(month - 1, 0)] += usd * rise[month]
    order = {category: at for at, category in enumerate(COST_CATEGORIES)}
    return PlannedCosts(
        months=tuple(period.label for period in timeline.months),
        usd_by_category={
            category: tuple(sums[category])
            for category in sorted(sums, key=lambda c: order.get(c, len(order)))
            if any(sums[category])
        },
        left_out_usd=left_out_usd,
        inflated=inflation != 0,
        billed_only=billed_only,
        unbilled_usd=unbilled_usd,
    )


def variance(planned: PlannedCosts, spends: Iterable[Spend], present: str = "") -> VarianceReport:
    """Actual spend beside the plan.

    Parameters
    ----------
    present : label of the present month. What is dated after it has not been spent yet, and is not
        compared. Empty where no month lies ahead.

    Notes
    -----
    A month with a row is reported; a category without one in such a month counts as nothing spent.
    A month before the last reported one that has no row at all is not reported: neither its plan
    nor a spend of 0 is part of what is compared.

    EAC, the estimate at completion, is actual + planned rest where what deviated so far is taken to
    be past, and actual + planned rest x actual / planned, which is BAC / CPI, where it is taken to
    go on. Both take the work that was planned for the reported months to be done (earned value =
    planned value): spend alone cannot tell.

    References
    ----------
    [1] PMI, "The Standard for Earned Value Management", ANSI/PMI 19-006-2019: EAC = AC + BAC - EV,
    and EAC = BAC / CPI.
    [2] SAE EIA-748, "Earned Value Management Systems": estimates at completion.

    Examples
    --------
    >>> plan = PlannedCosts(("2027-01", "2027-02"), {"serving": (100.0, 100.0)}, 0.0, False)
    >>> found = variance(plan, [Spend("2027-01", "serving", 120.0)])
    >>> found.to_date.difference_usd, found.completion.unchanged_usd
    (20.0, 220.0)
    >>> found.completion.at_this_rate_usd
    240.0
    """
    spends = list(spends)
    plan = planned.usd_by_category
    sizes = [abs(usd) for months in plan.values() for usd in months]
    grid = grid_of(fsum([*sizes, *(abs(spend.usd) for spend in spends)]))
    by_category = {category: on_grid(months, grid).tolist() for category, months in plan.items()}
    actual: Mapping[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for spend, usd in zip(spends, on_grid([s.usd for s in spends], grid).tolist(), strict=True):
        actual[spend.month][spend.category] += usd
    sums = {label: sum(of.values()) for label, of in actual.items()}
    ahead = {label for label in actual if present and label > present}
    actual = {label: of for label, of in actual.items() if label not in ahead}
    named = any(s.category != UNASSIGNED for s in spends if s.month not in ahead)
    months = _months(planned.months, by_category, actual, named)
    reported = [month for month in months if month.compared is not None]
    last = reported[-1].label if reported else ""
    to_date = _sum([m.compared for m in reported if m.compared is not None]) if reported else None
    categories = _to_date_by_category(reported)
    return VarianceReport(
        months=tuple(months),
        last_reported=last,
        not_reported=tuple(m.label for m in months if m.label < last and m.compared is None),
        outside=tuple(
            OutsideMonth(label, sums[label]) for label in sorted(sums.keys() - set(planned.months))
        ),
        to_date=to_date,
        by_category=categories,
        driver=None if to_date is None else _driver(to_date, categories),
        completion=None if to_date is None else _completion(months, to_date),
        left_out_usd=planned.left_out_usd,
        inflated=planned.inflated,
        not_begun=tuple(
            OutsideMonth(label, sums[label]) for label in sorted(ahead & set(planned.months))
        ),
        billed_only=planned.billed_only,
        unbilled_usd=planned.unbilled_usd,
        offsets=() if to_date is None else _offsets(to_date, categories),
    )


def _compared(planned_usd: float, actual_usd: float) -> Compared:
    difference = actual_usd - planned_usd
    fraction = difference / planned_usd if planned_usd > 0 else None
    return Compared(planned_usd, actual_usd, difference, fraction)


def _sum(parts: Sequence[Compared]) -> Compared:
    return _compared(sum(p.planned_usd for p in parts), sum(p.actual_usd for p in parts))


def _months(
    labels: Sequence[str],
    planned: Mapping[str, Sequence[float]],
    actual: Mapping[str, Mapping[str, float]],
    named: bool,
) -> list[MonthVariance]:
    """The months of the plan.

    Parameters
    ----------
    named : whether any row of any month names a category.
    """
    found = []
    so_far = outlook = 0.0
    for at, label in enumerate(labels):
        plan = {category: usd_by_month[at] for category, usd_by_month in planned.items()}
        total = sum(plan.values())
        compared: Compared | None = None
        categories: tuple[CategoryVariance, ...] = ()
        if label in actual:
            spent = actual[label]
            compared = _compared(total, sum(spent.values()))
            if named:
                categories = _categories(plan, spent)
        so_far += total
        outlook += total if compared is None else compared.actual_usd
        found.append(MonthVariance(label, total, compared, categories, so_far, outlook))
    return found


def _categories(
    plan: Mapping[str, float], spent: Mapping[str, float]
) -> tuple[CategoryVariance, ...]:
    """Every category that is planned or spent on, the unassigned last."""
    both = [*dict.fromkeys([*plan, *COST_CATEGORIES, UNASSIGNED])]
    return tuple(
        CategoryVariance(c, _compared(plan.get(c, 0.0), spent.get(c, 0.0)))
        for c in both
        if plan.get(c, 0.0) or c in spent
    )


def _to_date_by_category(reported: Sequence[MonthVariance]) -> tuple[CategoryVariance, ...]:
    parts: dict[str, list[Compared]] = {}
    for month in reported:
        for found in month.by_category:
            parts.setdefault(found.category, []).append(found.compared)
    order = [*dict.fromkeys([*COST_CATEGORIES, *sorted(parts)])]
    order.sort(key=lambda category: category == UNASSIGNED)
    return tuple(CategoryVariance(c, _sum(parts[c])) for c in order if c in parts)


def _driver(to_date: Compared, categories: Sequence[CategoryVariance]) -> str | None:
    """The category that most of the difference belongs to."""
    total = to_date.difference_usd
    same = [c for c in categories if c.compared.difference_usd * total > 0]
    offset = _offset_usd(categories) > OFFSET * abs(total)
    if not same or _is_open(categories) or offset:
        return None
    sizes = [_size(c) for c in same]
    largest = max(same, key=_size)
    return largest.category if _size(largest) > MOST * sum(sizes) else None


def _offsets(
    to_date: Compared, categories: Sequence[CategoryVariance]
) -> tuple[CategoryVariance, ...]:
    """The largest deviation of either direction, where both matter."""
    least = max(OFFSET * abs(to_date.difference_usd), OFFSET_OF_PLAN * abs(to_date.planned_usd))
    if _is_open(categories) or _offset_usd(categories) <= least:
        return ()
    more = max(categories, key=lambda c: c.compared.difference_usd)
    less = min(categories, key=lambda c: c.compared.difference_usd)
    return tuple(sorted((more, less), key=_size, reverse=True))


def _is_open(categories: Sequence[CategoryVariance]) -> bool:
    """Whether spend without a category leaves open what deviates."""
    return any(c.category == UNASSIGNED and c.compared.actual_usd for c in categories)


def _offset_usd(categories: Sequence[CategoryVariance]) -> float:
    """What more on some categories and less on others take from each other. [USD]"""
    differences = [c.compared.difference_usd for c in categories]
    return min(sum(d for d in differences if d > 0), -sum(d for d in differences if d < 0))


def _size(of: CategoryVariance) -> float:
    return abs(of.compared.difference_usd)


def _completion(months: Sequence[MonthVariance], to_date: Compared) -> Completion:
    whole = months[-1].cumulative_planned_usd
    rest = whole - to_date.planned_usd
    rate = None
    if to_date.planned_usd > 0 and to_date.actual_usd > 0:
        rate = to_date.actual_usd / to_date.planned_usd
    return Completion(
        plan_usd=whole,
        unchanged_usd=to_date.actual_usd + rest,
        rate=rate,
        at_this_rate_usd=None if rate is None else to_date.actual_usd + rest * rate,
    )
