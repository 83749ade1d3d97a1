"""A report as the result page shows it: texts in place of numbers, in reading order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from app.estimator.adapters import ALL_LINEARS, ATTENTION_LINEARS
from app.estimator.report import Assumption, MethodReport, Report
from app.estimator.tokens import PACKINGS
from app.web import presenters as show
from app.web import (
    result_bill,
    result_costs,
    result_currency,
    result_plans,
    result_purchase,
    result_sources,
    result_ways,
)
from app.web.choices import choice_label
from app.web.figure_cash_flow import cash_flow
from app.web.figure_cost_gain import cost_gain
from app.web.figure_memory import has_range, memory
from app.web.figures import currency_of, leading_method, name_of
from app.web.result_parts import (
    AssumptionRow,
    Cell,
    Detail,
    KeyFigure,
    MethodHead,
    Misfit,
    ResultView,
    TableRow,
)

SITUATION_LABELS = {
    "blank": "",
    "deep-domain": "Deep domain",
    "controlled-behaviour": "Controlled behaviour",
    "core-product": "Core product",
}
KIND_LABELS = {
    "input": "You entered",
    "default": "Our default, not changed",
    "fact": "Published fact",
    "derived": "Derived from published figures",
    "assumption": "Our judgement",
    "fitted": "Fitted to published runs",
}
_ATTENTION = {"sdpa": "in one kernel (flash)", "eager": "written out"}
_MOST_POINTS = 100
_LONGEST_TEXT = 120
_NO_GAP_POINTS = 0.05
"""A gap that is written 0.0, as in the verdict."""


def view(
    report: Report,
    today: date | None = None,
    unfitted: Mapping[str, str] | None = None,
    currency_names: Mapping[str, str] | None = None,
) -> ResultView:
    """The report, ready to be laid out.

    Parameters
    ----------
    today : day to which the age of prices is counted; None is the day of the report.
    unfitted : GPUs of whose class of chips the fit has seen no run: name of the class by their key.
    currency_names : of currencies by their code.
    """
    day = today or date.fromisoformat(report.as_of)
    chosen = report.verdict.choice
    heads = tuple(
        MethodHead(m.method, name_of(m.method), _method_detail(m), m.method == chosen, m.feasible)
        for m in report.methods
    )
    headline, because = show.first_sentence(show.typeset(report.verdict.headline))
    return ResultView(
        title=report.title,
        situation=SITUATION_LABELS.get(report.situation, ""),
        choice=chosen,
        headline=headline,
        because=because,
        sentences=tuple(show.typeset(sentence) for sentence in report.verdict.sentences),
        currency=result_currency.line(report, currency_names),
        key_figures=_key_figures(report),
        methods=heads,
        rows=_rows(report),
        table_notes=_table_notes(report),
        misfits=tuple(
            Misfit(name_of(m.method), m.reasons) for m in report.methods if not m.feasible
        ),
        cost_gain=cost_gain(report),
        cash_flow=cash_flow(report),
        memory=memory(report),
        costs=tuple(result_costs.table(report, m) for m in report.methods if m.cost_lines),
        plans=tuple(
            result_plans.view(report, m, m.plan, day) for m in report.methods if m.plan is not None
        ),
        ways=tuple(result_ways.table(report, m, day) for m in report.methods if m.ways),
        bill=result_bill.bill(report, heads),
        model=tuple(_model(report)),
        software=tuple(_software(report)),
        software_line=software_line(report, unfitted),
        assumptions=tuple(_assumption(report, a) for a in report.assumptions),
        sources=result_sources.rows(report),
        notes=(*result_purchase.notes(report, day), *_notes(report, unfitted)),
        basis=f"Computed for {show.day(report.as_of)} with estimator {report.estimator_version}, "
        f"{prices(report)}, {report.draws:,} simulated cases, "
        f"seed {report.seed}.",
    )


def prices(report: Report) -> str:
    """Of which days the prices are, and whose, as part of a sentence.

    Notes
    -----
    The newest day on which a price held, and the oldest day of the chosen plans' prices.
    """
    days = [m.plan.price_valid_from for m in report.methods if m.plan is not None]
    said = f"prices of up to {show.day(max([report.prices_as_of, *days]))}"
    if days:
        said += f", oldest price used of {show.day(min(days))}"
    return f"{said} (price book {report.price_book})" if report.price_book else said


def _method_detail(m: MethodReport) -> str:
    if m.rank is None:
        return "all weights"
    names = frozenset((m.targets or "").replace(" ", "").split(","))
    targets = {
        frozenset(ALL_LINEARS): "all linear layers",
        frozenset(ATTENTION_LINEARS): "attention layers",
    }.get(names, m.targets)
    return f"rank {m.rank}, {targets}" if targets else f"rank {m.rank}"


def _within_sentence(method: str) -> str:
    return name_of(method).lower() if method == "full" else name_of(method)


def _key_figures(report: Report) -> tuple[KeyFigure, ...]:
    found: list[KeyFigure] = []
    horizon = show.months(report.horizon_months)
    currency = currency_of(report)
    leader = leading_method(report)
    compared = report.comparison
    if leader is not None and leader.npv_usd is not None:
        found.append(
            KeyFigure(
                f"Net present value, {_within_sentence(leader.method)}",
                show.usd_short(leader.npv_usd.mean, currency),
                show.span(leader.npv_usd, currency=currency),
                f"over {horizon} at {show.share(report.discount_rate_fraction)} a year",
            )
        )
        found.append(
            KeyFigure(
                f"Payback, {_within_sentence(leader.method)}",
                show.months(leader.payback_months) if leader.payback_months is not None else "none",
                "",
                f"chance that it pays within {horizon}: {show.percent(leader.probability_pays)}",
            )
        )
    if compared is not None:
        adapter = name_of(compared.adapter_method)
        found.append(
            KeyFigure(
                f"Expected accuracy, full over {adapter}",
                f"{show.points(compared.gap_points.mean)} points",
                show.span(compared.gap_points, "points"),
                _break_even(report),
            )
        )
        found.append(
            KeyFigure(
                "Chance that full is worth more",
                show.percent(compared.probability_full_beats_adapter),
                "",
                f"than {adapter}: share of simulated cases with the higher net present value",
            )
        )
        found.append(
            KeyFigure(
                f"Extra cost of full over {adapter}",
                show.usd_short(compared.extra_cost_usd, currency),
                "",
                _bought(report, ("full", compared.adapter_method), f"over {horizon}"),
            )
        )
    elif leader is not None and leader.accuracy is not None:
        found.append(
            KeyFigure(
                f"Expected gain, {_within_sentence(leader.method)}",
                f"{show.points(leader.accuracy.gain_points.mean)} points",
                show.span(leader.accuracy.gain_points, "points"),
                "accuracy over the base model",
            )
        )
        found.append(
            KeyFigure(
                f"Total cost, {_within_sentence(leader.method)}",
                show.usd_short(leader.total_usd, currency),
                show.span(leader.total_usd_range, currency=currency),
                _bought(report, (leader.method,), f"over {horizon}"),
            )
        )
    return tuple(found)


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
    parts = [f"{_within_sentence(method)} {kind}" for method, kind in kinds.items() if kind]
    return f"{note}; {show.join_words(parts)}"


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
    return f"both are worth the same at {show.points(threshold)} points"


def _table_notes(report: Report) -> tuple[str, ...]:
    found = []
    able = [m for m in report.methods if m.probability_best is not None]
    if able:
        idle = max(0.0, 1.0 - sum(m.probability_best or 0.0 for m in able))
        found.append(f"Doing nothing is the best choice in {show.percent(idle)} of cases.")
    adapters = [m for m in able if m.rank is not None]
    if len(adapters) > 1:
        # Of the chances as they are shown, so that a reader who adds them finds the same.
        either = sum(round(m.probability_best or 0.0, 2) for m in adapters)
        found.append(
            f"{show.join_words([name_of(m.method) for m in adapters], 'or')} is the best choice in "
            f"{show.percent(either)} of cases: methods this alike share their chances."
        )
    worse = [
        f"{_within_sentence(m.method) if i else name_of(m.method)} in "
        f"{show.percent(m.accuracy.probability_worse_than_base)}"
        for i, m in enumerate(m for m in report.methods if m.accuracy is not None)
        if m.accuracy is not None
    ]
    if worse:
        found.append(
            "The accuracy gain comes from published studies, mostly of models with 7 to 8 billion "
            "parameters; it does not depend on your data size or model. A model that tests below "
            f"the base is not released: {show.join_words(worse)} of cases."
        )
    return tuple(found)


def _rows(report: Report) -> tuple[TableRow, ...]:
    """The side-by-side table; a method that does not fit says so once, in the first row."""
    methods = report.methods
    horizon = show.months(report.horizon_months)
    currency = currency_of(report)

    def gain(m: MethodReport) -> Cell:
        if m.accuracy is None:
            return Cell(show.NONE, note="does not fit" if not m.feasible else "")
        return Cell(
            f"{show.points(m.accuracy.gain_points.mean)} pts",
            show.span(m.accuracy.gain_points, "points"),
        )

    def final(m: MethodReport) -> Cell:
        if m.accuracy is None:
            return Cell(show.NONE)
        low, high = m.accuracy.final_points.p10, m.accuracy.final_points.p90
        return Cell(
            f"{show.number(m.accuracy.final_points.mean, 1)}%",
            f"{show.number(low, 1)} to {show.number(high, 1)}",
        )

    def per_point(m: MethodReport) -> Cell:
        if m.usd_per_point is None and m.accuracy is not None:
            return Cell(show.NONE, note="no gain expected")
        return Cell(show.usd(m.usd_per_point, currency))

    def payback(m: MethodReport) -> Cell:
        if m.payback_months is None and m.cash_flow is not None:
            return Cell(show.NONE, note=f"not within {horizon}")
        return Cell(show.months(m.payback_months))

    def npv(m: MethodReport) -> Cell:
        if m.npv_usd is None:
            return Cell(show.NONE)
        return Cell(
            show.usd_short(m.npv_usd.mean, currency), show.span(m.npv_usd, currency=currency)
        )

    def run_hours(m: MethodReport) -> Cell:
        if m.plan is None:
            return Cell(show.NONE)
        return Cell(
            show.hours(m.plan.hours),
            show.span(m.plan.hours_range, "hours"),
            f"{show.number(m.plan.gpu_hours, 1)} GPU-hours",
        )

    def gpus(m: MethodReport) -> Cell:
        if m.plan is None:
            return Cell(show.NONE)
        bought = result_plans.option_tag(m.plan.purchase_option, m.plan.tier)
        return Cell(f"{m.plan.gpus} × {m.plan.accelerator_name}", note=bought)

    def held(m: MethodReport) -> Cell:
        if m.plan is None:
            return Cell(show.NONE)
        return Cell(
            show.gib(m.plan.memory_bytes),
            show.span(m.plan.memory_range_bytes, "gib") if has_range(m.plan) else "",
            f"of {show.gib(m.plan.memory_capacity_bytes)}; {result_plans.batch(m.plan)}",
        )

    def runs_out(m: MethodReport) -> Cell:
        if m.plan is None or not has_range(m.plan):
            return Cell(show.NONE)
        return Cell(show.percent(m.plan.probability_out_of_memory))

    def carbon(m: MethodReport) -> Cell:
        energy = m.plan.energy if m.plan is not None else None
        if energy is None:
            return Cell(show.NONE)
        if energy.kg_co2e is None:
            return Cell(show.energy(energy.kwh), note="carbon not known: region not stated")
        return Cell(
            show.carbon(energy.kg_co2e), note=f"{show.energy(energy.kwh)}, {energy.grid_label}"
        )

    def programme(m: MethodReport) -> Cell:
        if m.programme_gpu_hours is None:
            return Cell(show.NONE)
        return Cell(show.number(m.programme_gpu_hours), note="GPU-hours of all runs")

    def total(m: MethodReport) -> Cell:
        spread, bought = m.total_usd_range, result_purchase.at_prices(m.plan)
        amount = show.usd(m.total_usd, currency)
        if spread is None:
            return Cell(amount, note=bought)
        if show.usd_short(spread.p10, currency) == show.usd_short(spread.p90, currency):
            said = "as entered; only GPU time varies"
            return Cell(amount, note=f"{said}, {bought}" if bought else said)
        return Cell(amount, show.span(spread, currency=currency), bought)

    def one_run(m: MethodReport) -> Cell:
        usd = m.plan.usd if m.plan else None
        return Cell(show.usd(usd, currency), note=result_purchase.at_prices(m.plan))

    table = (
        ("Expected accuracy gain", gain, True),
        ("Expected accuracy", final, False),
        (f"Total cost, {horizon}", total, True),
        ("Cost per accuracy point", per_point, True),
        ("Cost before the first release", lambda m: Cell(show.usd(m.upfront_usd, currency)), False),
        ("Net present value", npv, True),
        ("Payback", payback, False),
        ("Chance that it pays", lambda m: Cell(show.percent(m.probability_pays)), False),
        (
            "Chance that it is the best choice",
            lambda m: Cell(show.percent(m.probability_best)),
            True,
        ),
        ("Time to first release", lambda m: Cell(show.months(m.time_to_release_months)), False),
        ("One training run", run_hours, False),
        ("Cost of one run", one_run, False),
        (f"GPU time of the programme, {horizon}", programme, False),
        ("Carbon of one run", carbon, False),
        ("GPUs", gpus, False),
        ("Memory per GPU", held, False),
        ("Chance of running out of memory", runs_out, False),
        (
            "Trained parameters",
            lambda m: Cell(
                show.count_short(m.trainable_parameters),
                note=show.share(m.trainable_fraction, trim=False),
            ),
            False,
        ),
    )
    measured = any(m.plan is not None and m.plan.energy is not None for m in methods)
    return tuple(
        TableRow(label, tuple(make(m) for m in methods), strong)
        for label, make, strong in table
        if measured or make is not carbon
    )


def _plain_number(value: float) -> str:
    """A quantity or unit price with no more decimals than it has (at most four)."""
    text = show.number(value, 4)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _model(report: Report) -> Iterator[Detail]:
    model, data = report.model, report.data
    yield Detail("Base model", model.label)
    yield Detail("Parameters", f"{model.parameters:,} ({show.count_short(model.parameters)})")
    if model.active_parameters < model.parameters:
        yield Detail(
            "Active parameters",
            f"{model.active_parameters:,} ({show.count_short(model.active_parameters)}): a token "
            f"meets {show.share(model.active_parameters / model.parameters)} of them (mixture of "
            "experts)",
        )
    yield Detail(
        "Shape",
        f"{model.layers} layers, width {model.hidden_size:,}, vocabulary {model.vocab_size:,}",
    )
    yield Detail(
        "Training data",
        f"{data.examples:,} examples × {data.tokens_per_example:,} tokens × "
        f"{show.significant(data.epochs)} epochs; {show.count_short(data.tokens_per_run)} tokens a "
        "run, without padding",
    )
    yield Detail(
        "Steps",
        f"{data.steps_per_run:,} steps of {data.global_batch_sequences:,} sequences of up to "
        f"{data.sequence_length:,} tokens",
    )
    if report.schema > 1:
        yield Detail("How examples become sequences", PACKINGS.get(data.packing, data.packing))
        yield Detail(
            "Padding and cuts",
            f"{show.share(data.padding_fraction)} of the computed tokens is padding (at "
            f"micro-batch 1); {show.share(data.truncated_fraction)} of the examples are cut",
        )
        yield Detail(
            "Evaluation during a run",
            f"{show.count_short(data.evaluation_tokens_per_run)} tokens"
            if data.evaluation_tokens_per_run
            else "none",
        )
    yield Detail(
        "Worth of one accuracy point",
        f"{show.usd(report.value_per_point_month_usd, currency_of(report))} a month",
    )


def _software(report: Report) -> Iterator[Detail]:
    """What runs a step; nothing in reports of the first schema, which do not say."""
    software = report.software
    if not software.stack:
        return
    yield Detail("Training software", software.label)
    yield Detail("Precision of full fine-tuning", software.precision_label)
    yield Detail("Optimizer", software.optimizer_label)
    yield Detail("Loss", software.loss_label)
    yield Detail("Adapters", f"held in {software.adapter_dtype}")
    yield Detail("Matrix products", f"in {software.compute}")
    yield Detail("Attention", _ATTENTION.get(software.attention, software.attention))


def software_line(report: Report, unfitted: Mapping[str, str] | None = None) -> str:
    """The software of a step, and whether the fit has seen runs of it and of the GPUs.

    Parameters
    ----------
    unfitted : see `view`.
    """
    software = report.software
    if not software.stack:
        return ""
    sure = {
        (True, True): "calibrated on published runs",
        (True, False): "times calibrated on published runs, memory not: its ranges are wider",
        (False, True): "memory calibrated on published runs, times not: their ranges are wider",
        (False, False): "not calibrated on any published run: ranges are wider",
    }[software.time_calibrated, software.memory_calibrated]
    line = f"Training software: {software.label}, {sure}."
    classes = _unfitted(report, unfitted)
    if classes and software.time_calibrated:
        line += f" None of the runs behind the times is of {show.join_words(list(classes))} GPUs."
    return line


def _unfitted(report: Report, unfitted: Mapping[str, str] | None) -> dict[str, list[str]]:
    """Classes of chips of the chosen plans that the fit has seen no run of, with their methods."""
    found: dict[str, list[str]] = {}
    for m in report.methods:
        name = (unfitted or {}).get(m.plan.accelerator) if m.plan is not None else None
        if name is not None:
            found.setdefault(name, []).append(_within_sentence(m.method))
    return found


def _notes(report: Report, unfitted: Mapping[str, str] | None) -> tuple[str, ...]:
    """What to know first: the notes of the report, and what follows from its GPUs and software."""
    notes = list(report.notes)
    for name, methods in _unfitted(report, unfitted).items():
        notes.append(
            f"The plans of {show.join_words(methods)} are on {name} GPUs, and no run of that "
            "class was part of the fit: their hours are carried over from other classes. The "
            "method page shows how far off known runs are, by GPU."
        )
    adapters = any(m.rank is not None for m in report.methods)
    if report.software.adapter_dtype != "fp32" or not adapters:
        return tuple(notes)
    return (
        *notes,
        "Adapters are held in fp32, as peft does by default: each keeps an fp32 copy of its input "
        "for the backward pass, so LoRA can hold more activation memory than full fine-tuning.",
    )


def _words(report: Report, item: Assumption) -> str:
    """A choice by its name, a price book by its label, and a long text by its beginning."""
    if item.key == "price_book":
        return report.price_book or "built-in list prices"
    text = choice_label(item.key, str(item.value))
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"


def _assumption(report: Report, item: Assumption) -> AssumptionRow:
    value = _words(report, item) if isinstance(item.value, str) else _plain_number(item.value)
    if not isinstance(item.value, str) and value == "0" and item.value != 0:
        value = show.significant(item.value)
    return AssumptionRow(
        label=item.label,
        value=f"{value} {item.unit}".strip() if item.unit != "%" else f"{value}%",
        kind=item.kind,
        kind_label=KIND_LABELS.get(item.kind, item.kind),
        changed=item.changed,
        source=result_sources.mark(report, item.source),
    )
