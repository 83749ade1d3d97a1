"""Actual spend beside the plan, in texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from app.estimator.currency import Currency
from app.estimator.report import Report
from app.estimator.variance import UNASSIGNED, Compared, MonthVariance, VarianceReport
from app.services.actual_files import ActualRow
from app.services.actuals import Actuals, PlanAgainstActual
from app.web import show_amounts, show_dates, show_numbers, show_words
from app.web.actual_notes import notes
from app.web.actual_words import (
    CATEGORIES,
    difference_share,
    month_name,
    months_said,
    sentence,
)
from app.web.figure_actuals import PlanActualDrawing, plan_against_actual
from app.web.figures import Figure, currency_of, name_of
from app.web.forms import Option, ProblemView
from app.web.price_views import PriceFigure

SMALLEST_MARKED = 0.005
"""Share of all that was planned for the reported months from which a difference is marked."""
MOST_NOTES = 3
"""Notes of one month that are shown."""


@dataclass(frozen=True, slots=True)
class ActualsFormView:
    """The form, as it was typed.

    Parameters
    ----------
    shown : whether whoever has the link is to see the spend.
    amounts : the columns that hold amounts.
    categories : what a category may be.
    """

    methods: tuple[Option, ...]
    shown: bool
    pasted: str
    amounts: str
    categories: str
    file_errors: tuple[str, ...]
    pasted_errors: tuple[str, ...]
    method_errors: tuple[str, ...]
    problems: tuple[ProblemView, ...]


@dataclass(frozen=True, slots=True)
class VarianceRow:
    """One month or category.

    Parameters
    ----------
    spent : words where nothing was reported.
    level : over or under where the difference is large enough to matter, else empty.
    details : notes of the rows of a month.
    """

    label: str
    planned: str
    spent: str
    difference: str
    share: str
    level: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ActualsView:
    """Everything that is said of actual spend.

    Parameters
    ----------
    uploaded : what was uploaded and when, as a sentence.
    gap : which months are not compared, as a sentence; empty where none is left out.
    months : to the last one reported; months outside of the plan, and the rest of it, at the end.
    categories : empty where no row names one.
    total : of the reported months; None where there is none.
    """

    sentence: str
    gap: str
    uploaded: str
    plan: str
    figures: tuple[PriceFigure, ...]
    figure: Figure[PlanActualDrawing] | None
    months: tuple[VarianceRow, ...]
    rest: tuple[VarianceRow, ...]
    categories: tuple[VarianceRow, ...]
    total: VarianceRow | None
    notes: tuple[str, ...]


def view(found: PlanAgainstActual, today: date, names: Mapping[str, str]) -> ActualsView | None:
    """What is shown of the spend; None where there is none for this reader.

    Parameters
    ----------
    names : of currencies by code.
    """
    actuals, variance = found.actuals, found.variance
    if actuals is None or variance is None:
        return None
    report = found.shared.report
    currency = currency_of(report)
    months, categories, total = _tables(variance, actuals, currency)
    return ActualsView(
        sentence=sentence(variance, actuals.method, currency),
        gap=_gap(variance),
        uploaded=_uploaded(actuals, owned=found.owned),
        plan=_plan(report, actuals.method, variance),
        figures=_figures(variance, currency),
        figure=plan_against_actual(variance, actuals.method, currency),
        months=months,
        rest=_rest(variance, currency),
        categories=categories,
        total=total,
        notes=notes(report, actuals, variance, currency, today, names),
    )


def _tables(
    found: VarianceReport, actuals: Actuals, currency: Currency
) -> tuple[tuple[VarianceRow, ...], tuple[VarianceRow, ...], VarianceRow | None]:
    """Months to the last one reported, categories, and the total of both."""
    if found.to_date is None:
        return (), (), None
    shown = [m for m in found.months if m.label <= found.last_reported]
    months = [
        (m.label, m.compared, _notes_of(actuals.file.rows, m.label))
        for m in shown
        if m.compared is not None
    ]
    rows, total = _compared_rows(
        [(month_name(label), compared, notes) for label, compared, notes in months],
        found.to_date,
        currency,
    )
    by_label = {label: row for (label, _, _), row in zip(months, rows, strict=True)}
    categories, _ = _compared_rows(
        [(CATEGORIES[c.category], c.compared, ()) for c in found.by_category],
        found.to_date,
        currency,
    )
    whole = tuple(by_label.get(m.label) or _not_reported(m, currency) for m in shown)
    return whole, categories, total


def _compared_rows(
    parts: Sequence[tuple[str, Compared, tuple[str, ...]]], whole: Compared, currency: Currency
) -> tuple[tuple[VarianceRow, ...], VarianceRow]:
    """Rows whose amounts, as they are shown, add up to those of the total below them."""
    smallest_usd = SMALLEST_MARKED * abs(whole.planned_usd)
    digits = currency.digits
    planned, all_planned = show_numbers.rounded_to_sum(
        [currency.of(compared.planned_usd) for _, compared, _ in parts], digits
    )
    spent, all_spent = show_numbers.rounded_to_sum(
        [currency.of(compared.actual_usd) for _, compared, _ in parts], digits
    )

    def row(
        label: str, of: Compared, plan: float, actual: float, details: tuple[str, ...] = ()
    ) -> VarianceRow:
        marked = abs(of.difference_usd) >= smallest_usd > 0
        return VarianceRow(
            label=label,
            planned=show_amounts.amount(plan, currency, cents=True),
            spent=show_amounts.amount(actual, currency, cents=True),
            difference=show_amounts.amount(
                round(actual - plan, digits), currency, cents=True, plus=True
            ),
            share=difference_share(of, trim=False),
            level="" if not marked else "over" if of.difference_usd > 0 else "under",
            details=details,
        )

    rows = tuple(
        row(label, compared, plan, actual, details)
        for (label, compared, details), plan, actual in zip(parts, planned, spent, strict=True)
    )
    return rows, row("Reported months", whole, all_planned, all_spent)


def _not_reported(month: MonthVariance, currency: Currency) -> VarianceRow:
    planned = show_amounts.usd(month.planned_usd, currency, cents=True)
    return VarianceRow(
        month_name(month.label), planned, "not reported", show_numbers.NONE, show_numbers.NONE, ""
    )


def _label(report: Report, method: str) -> str:
    label = next((m.label for m in report.methods if m.method == method), name_of(method))
    return label[0].lower() + label[1:] if method == "full" else label


def _plan(report: Report, method: str, found: VarianceReport) -> str:
    label = _label(report, method)
    if found.billed_only:
        return (
            f"The plan is what providers are expected to be paid for {label}, before tax: the rest "
            "of its cost is on no provider's bill."
        )
    return f"The plan is the expected cost of {label} as it is paid, before tax."


def _gap(found: VarianceReport) -> str:
    if not found.not_reported:
        return ""
    return f"Not reported, and left out of both: {months_said(found.not_reported)}."


def _uploaded(actuals: Actuals, *, owned: bool) -> str:
    """What was uploaded and when; the name of the file is for its owner."""
    at = f"{show_dates.day(actuals.uploaded_at)}, {actuals.uploaded_at:%H:%M} UTC"
    what = show_words.plural(actuals.file.read_rows, "amount")
    if owned and actuals.file_name:
        return f"{what} of {actuals.file_name}, uploaded on {at}."
    return f"{what}, uploaded on {at}."


def _figures(found: VarianceReport, currency: Currency) -> tuple[PriceFigure, ...]:
    to_date, completion = found.to_date, found.completion
    if to_date is None or completion is None:
        return ()
    until = month_name(found.last_reported)
    away = completion.unchanged_usd - completion.plan_usd
    at_rate = completion.at_this_rate_usd
    return (
        PriceFigure(
            f"Spent to the end of {until}",
            show_amounts.usd(to_date.actual_usd, currency),
            f"planned for the same months: {show_amounts.usd(to_date.planned_usd, currency)}",
        ),
        PriceFigure(
            "Spent beyond the plan" if away >= 0 else "Spent below the plan",
            show_amounts.usd(abs(to_date.difference_usd), currency),
            "too little was planned for a share"
            if difference_share(to_date) == show_numbers.NONE
            else f"{difference_share(to_date)} of what was planned",
        ),
        PriceFigure(
            "At completion, the rest as planned",
            show_amounts.usd(completion.unchanged_usd, currency),
            f"whole plan: {show_amounts.usd(completion.plan_usd, currency)}",
        ),
        PriceFigure(
            "At completion, the rest at this rate",
            show_amounts.usd(at_rate, currency),
            "too little is planned or spent to say"
            if completion.rate is None
            else f"{show_numbers.number(completion.rate, 2)} spent for each 1.00 planned",
        ),
    )


def _rest(found: VarianceReport, currency: Currency) -> tuple[VarianceRow, ...]:
    """What stands after the months that are compared: the rest of the plan, and what is outside."""
    later = [m for m in found.months if m.label > found.last_reported]
    rows = []
    if later:
        name = f"Rest of the plan, {show_words.plural(len(later), 'month')}"
        planned = sum(m.planned_usd for m in later)
        rows.append(
            VarianceRow(
                name,
                show_amounts.usd(planned, currency, cents=True),
                show_numbers.NONE,
                show_numbers.NONE,
                show_numbers.NONE,
                "",
            )
        )
    rows += [
        VarianceRow(
            f"{month_name(month.label)}, {why}",
            show_numbers.NONE,
            show_amounts.usd(month.usd, currency, cents=True),
            show_numbers.NONE,
            show_numbers.NONE,
            "",
        )
        for why, months in (("not begun", found.not_begun), ("outside of the plan", found.outside))
        for month in months
    ]
    return tuple(rows)


def _notes_of(rows: Sequence[ActualRow], month: str) -> tuple[str, ...]:
    """The notes of one month, the first ones of many."""
    said = list(
        dict.fromkeys(
            f"{CATEGORIES[row.category]}: {row.note}" if row.category != UNASSIGNED else row.note
            for row in rows
            if row.month == month and row.note
        )
    )
    more = len(said) - MOST_NOTES
    return (
        *said[:MOST_NOTES],
        *([f"and {show_words.plural(more, 'note')} more"] if more > 0 else []),
    )
