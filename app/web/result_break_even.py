"""Break-even figures of the result page: where choices are worth as much as each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.estimator.currency import Currency
from app.estimator.report import BreakEven, MethodReport, Report
from app.web import show_amounts, show_numbers
from app.web.figures import currency_of, name_of

GPU_PRICE = "gpu_price"
LABELS = {
    "answers_per_month": "Answers a month",
    "value_per_correct_answer_usd": "Worth of one more right answer",
    GPU_PRICE: "Price of GPU time",
}
ALWAYS, NEVER = "at any", "at none"
"""Where a choice is worth more, or less, at all values of a figure."""


@dataclass(frozen=True, slots=True)
class BreakEvenRow:
    """One figure: what it is now, and from where on each choice is worth more."""

    label: str
    now: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BreakEvenView:
    """The table; `columns` name the choices, and `note` what is held."""

    columns: tuple[str, ...]
    rows: tuple[BreakEvenRow, ...]
    note: str


def view(report: Report) -> BreakEvenView | None:
    """The methods that stand, against each other and against doing nothing; None without any."""
    against = report.comparison
    stand = [
        m
        for m in report.methods
        if m.break_evens and (against is None or m.method in ("full", against.adapter_method))
    ]
    if not stand:
        return None
    currency = currency_of(report)
    columns = [f"{name_of(m.method)} pays" for m in stand]
    found: list[tuple[Sequence[BreakEven], bool]] = [
        (m.break_evens, m.npv_usd is not None and m.npv_usd.mean > 0) for m in stand
    ]
    if against is not None and against.incremental is not None:
        columns.insert(0, f"Full instead of {name_of(against.adapter_method)}")
        found.insert(0, (against.break_evens, against.incremental.npv_usd > 0))
    rows = tuple(
        BreakEvenRow(
            LABELS[key],
            _now(key, stand, currency),
            tuple(_cell(key, points, better, currency) for points, better in found),
        )
        for key in LABELS
        # That no price of GPUs turns it is worth a row; figures that are 0 have nothing to turn.
        if key == GPU_PRICE or any(point.key == key for points, _ in found for point in points)
    )
    return BreakEvenView(
        tuple(columns),
        rows,
        "Each figure alone, from a hundredth to a hundred times what it is now, everything else as "
        "expected. Plans, releases and what serving costs are held, so a new estimate there can "
        "differ a little. To pay is to be worth more than doing nothing.",
    )


def _now(key: str, stand: Sequence[MethodReport], currency: Currency) -> str:
    """The figure today; of GPU prices that differ by plan, each."""
    nows = [p.now for m in stand for p in m.break_evens if p.key == key]
    if key == GPU_PRICE and not nows:
        nows = [m.plan.usd_per_gpu_hour for m in stand if m.plan is not None]
    written = dict.fromkeys(_writer(key, currency)(now) for now in nows)
    return ", ".join(written) or "—"


def _writer(key: str, currency: Currency) -> Callable[[float], str]:
    if key == "answers_per_month":
        return lambda value: show_numbers.significant(value, 3)
    if key == GPU_PRICE:
        return lambda value: f"{show_amounts.unit_price(value, currency)} an hour"
    return lambda value: show_amounts.unit_price(value, currency)


def _cell(key: str, points: Sequence[BreakEven], better: bool, currency: Currency) -> str:
    """From where on a choice is worth more.

    Parameters
    ----------
    better : whether it is worth more now, which holds for all values where there is no point.
    """
    point = next((p for p in points if p.key == key), None)
    if point is None:
        return ALWAYS if better else NEVER
    side = "above" if point.above else "below"
    if key == GPU_PRICE:
        # Plans differ in price, and in their unit where several are meant: all cells have one unit.
        return f"{side} {show_numbers.significant(point.value / point.now, 3)} times today's"
    return f"{side} {_writer(key, currency)(point.value)}"
