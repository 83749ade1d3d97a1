"""A report as the result page shows it: texts in place of numbers, in reading order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import date

from app.estimator.report import Report
from app.web import (
    result_assumptions,
    result_bill,
    result_costs,
    result_currency,
    result_model,
    result_money,
    result_plans,
    result_purchase,
    result_risk,
    result_serving,
    result_sources,
    result_table,
    result_ways,
    show_dates,
    show_words,
)
from app.web.figure_cash_flow import cash_flow
from app.web.figure_cost_gain import cost_gain
from app.web.figure_memory import memory
from app.web.figures import name_of
from app.web.result_accuracy import accuracy
from app.web.result_arguments import arguments
from app.web.result_key_figures import key_figures
from app.web.result_parts import Misfit
from app.web.result_verdict import deciding
from app.web.result_view import BriefView, ResultView

SITUATION_LABELS = {
    "blank": "",
    "deep-domain": "Deep domain",
    "controlled-behaviour": "Controlled behaviour",
    "core-product": "Core product",
}


def brief(
    report: Report,
    today: date | None = None,
    unfitted: Mapping[str, str] | None = None,
    currency_names: Mapping[str, str] | None = None,
) -> BriefView:
    """What is shown of a report beside the form, ready to be laid out.

    Parameters
    ----------
    today : day to which the age of prices is counted; None is the day of the report.
    unfitted : GPUs of whose class of chips the fit has seen no run: name of the class by their key.
    currency_names : of currencies by their code.
    """
    day = today or date.fromisoformat(report.as_of)
    headline, because = show_words.first_sentence(show_words.typeset(report.verdict.headline))
    return BriefView(
        title=report.title,
        situation=SITUATION_LABELS.get(report.situation, ""),
        choice=report.verdict.choice,
        headline=headline,
        because=because,
        sentences=tuple(show_words.typeset(sentence) for sentence in report.verdict.sentences),
        deciding=deciding(report),
        currency=result_currency.line(report, currency_names),
        key_figures=key_figures(report),
        notes=(*result_purchase.notes(report, day), *result_model.notes(report, unfitted)),
        misfits=tuple(
            Misfit(name_of(m.method), m.reasons) for m in report.methods if not m.feasible
        ),
        cost_gain=cost_gain(report),
        methods=result_table.heads(report),
        rows=result_table.rows(report),
        software_line=result_model.software_line(report, unfitted),
        table_notes=result_table.notes(report),
    )


def view(
    report: Report,
    today: date | None = None,
    unfitted: Mapping[str, str] | None = None,
    currency_names: Mapping[str, str] | None = None,
) -> ResultView:
    """The whole report, ready to be laid out.

    Parameters
    ----------
    today, unfitted, currency_names : see `brief`.
    """
    day = today or date.fromisoformat(report.as_of)
    shown = brief(report, today, unfitted, currency_names)
    return ResultView(
        **{field.name: getattr(shown, field.name) for field in fields(shown)},
        accuracy=accuracy(report),
        arguments=arguments(report, shown.methods),
        serving=result_serving.view(report, day),
        cash_flow=cash_flow(report),
        memory=memory(report),
        money=result_money.view(report),
        risk=result_risk.view(report),
        costs_note=result_costs.note(report),
        costs=tuple(result_costs.table(report, m) for m in report.methods if m.cost_lines),
        plans=tuple(
            result_plans.view(report, m, m.plan, day) for m in report.methods if m.plan is not None
        ),
        ways=tuple(result_ways.table(report, m, day) for m in report.methods if m.ways),
        bill=result_bill.bill(report, shown.methods),
        model=tuple(result_model.model_details(report)),
        software=tuple(result_model.software_details(report)),
        assumptions=result_assumptions.rows(report),
        sources=result_sources.rows(report),
        basis=f"Computed for {show_dates.day(report.as_of)} with estimator "
        f"{report.estimator_version}, {prices(report)}, {report.draws:,} simulated cases, "
        f"seed {report.seed}.",
    )


def prices(report: Report) -> str:
    """Of which days the prices are, and whose, as part of a sentence.

    Notes
    -----
    The newest day on which a price held, and the oldest day of the chosen plans' prices.
    """
    days = [m.plan.price_valid_from for m in report.methods if m.plan is not None]
    said = f"prices of up to {show_dates.day(max([report.prices_as_of, *days]))}"
    if days:
        said += f", oldest price used of {show_dates.day(min(days))}"
    return f"{said} (price book {report.price_book})" if report.price_book else said
