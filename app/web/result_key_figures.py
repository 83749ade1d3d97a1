"""The three to five figures below the verdict."""

from __future__ import annotations

from collections.abc import Sequence

from app.estimator.leading import leading_method
from app.estimator.report import Report
from app.web import result_purchase, show_amounts, show_numbers, show_units, show_words
from app.web.figures import currency_of, name_of, name_within
from app.web.result_knowing import after_tax, default_pilot
from app.web.result_parts import KeyFigure
from app.web.result_verdict import PILOT_CHOICES

_MOST_FIGURES = 5
_MOST_POINTS = 100
_NO_GAP_POINTS = 0.05
"""A gap that is written 0.0, as in the verdict."""


def key_figures(report: Report) -> tuple[KeyFigure, ...]:
    """Worth, payback, expected gap, chance and extra cost; or those of a method that is alone."""
    found: list[KeyFigure] = []
    horizon = show_units.months(report.horizon_months)
    currency = currency_of(report)
    leader = leading_method(report)
    compared = report.comparison
    if leader is not None and leader.npv_usd is not None:
        found.append(
            KeyFigure(
                f"Net present value, {name_within(leader.method)}",
                show_amounts.usd_short(leader.npv_usd.mean, currency),
                show_units.span(leader.npv_usd, currency=currency),
                f"over {horizon} at {show_numbers.share(report.discount_rate_fraction)} a year",
            )
        )
        found.append(
            KeyFigure(
                f"Payback, {name_within(leader.method)}",
                show_units.months(leader.payback_months)
                if leader.payback_months is not None
                else "none",
                "",
                f"chance that it pays within {horizon}: "
                f"{show_numbers.percent(leader.probability_pays)}",
            )
        )
    if compared is not None:
        adapter = name_of(compared.adapter_method)
        found.append(
            KeyFigure(
                f"Expected accuracy, full over {adapter}",
                f"{show_numbers.points(compared.gap_points.mean)} points",
                show_units.span(compared.gap_points, "points"),
                _break_even(report),
            )
        )
        if all(number.key != "probability_full" for number in report.verdict.numbers):
            found.append(
                KeyFigure(
                    "Chance that full is worth more",
                    show_numbers.percent(compared.probability_full_beats_adapter),
                    "",
                    f"than {adapter}: share of simulated cases with the higher net present value",
                )
            )
        found.append(
            KeyFigure(
                f"Extra cost of full over {adapter}",
                show_amounts.usd_short(compared.extra_cost_usd, currency),
                "",
                _bought(report, ("full", compared.adapter_method), f"over {horizon}"),
            )
        )
    elif leader is not None and leader.accuracy is not None:
        found.append(
            KeyFigure(
                f"Expected gain, {name_within(leader.method)}",
                f"{show_numbers.points(leader.accuracy.gain_points.mean)} points",
                show_units.span(leader.accuracy.gain_points, "points"),
                "accuracy over the base model",
            )
        )
        found.append(
            KeyFigure(
                f"Total cost, {name_within(leader.method)}",
                show_amounts.usd_short(leader.total_usd, currency),
                show_units.span(leader.total_usd_range, currency=currency),
                _bought(report, (leader.method,), f"over {horizon}"),
            )
        )
    if len(found) < _MOST_FIGURES and (pilot := _pilot(report)) is not None:
        found.append(pilot)
    return tuple(found)


def _pilot(report: Report) -> KeyFigure | None:
    """What a pilot would be worth; None where the words of the verdict ask for one already."""
    if report.risk is None or report.verdict.choice in PILOT_CHOICES:
        return None
    default = default_pilot(report.risk.information.designs)
    if default is None:
        return None
    currency = currency_of(report)
    return KeyFigure(
        "A pilot first would be worth",
        show_amounts.usd_short(default.value_usd, currency),
        "",
        f"for {show_amounts.usd_short(default.cost_usd, currency)}{after_tax(report)}: "
        f"{show_numbers.share(default.data_fraction)} of the data, "
        f"{show_words.plural(default.test_questions, 'question')}",
    )


def _bought(report: Report, methods: Sequence[str], note: str) -> str:
    """A note of an amount with the kinds of price behind it, where they are no firm list prices."""
    kinds = {
        m.method: result_purchase.at_prices(m.plan) for m in report.methods if m.method in methods
    }
    said = list(dict.fromkeys(kind for kind in kinds.values() if kind))
    if not said:
        return note
    if len(kinds) == 1 or (len(said) == 1 and all(kinds.values())):
        return f"{note}, {said[0]}"
    parts = [f"{name_within(method)} {kind}" for method, kind in kinds.items() if kind]
    return f"{note}; {show_words.join_words(parts)}"


def _break_even(report: Report) -> str:
    """At which gap full and the adapter are worth the same; nothing where neither pays."""
    compared = report.comparison
    if compared is None or report.verdict.choice == "neither":
        return ""
    threshold = compared.break_even_gap_points
    if threshold is None or threshold > _MOST_POINTS:
        return "no gap in accuracy would pay for full fine-tuning"
    if abs(threshold) < _NO_GAP_POINTS:
        return "both cost about the same"
    return f"both are worth the same at {show_numbers.points(threshold)} points"
