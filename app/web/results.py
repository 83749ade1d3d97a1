"""A report as the result page shows it: texts in place of numbers, in reading order."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from app.estimator.adapters import ALL_LINEARS, ATTENTION_LINEARS
from app.estimator.report import (
    Assumption,
    CostLine,
    MethodReport,
    PlanReport,
    Report,
)
from app.web import figures
from app.web import presenters as show
from app.web.figures import name_of
from app.web.result_parts import (
    AssumptionRow,
    Cell,
    CostRow,
    CostTable,
    Detail,
    KeyFigure,
    MethodHead,
    Misfit,
    PlanView,
    ResultView,
    SourceMark,
    SourceRow,
    TableRow,
    TimePart,
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
}
_MOST_POINTS = 100
_NO_GAP_POINTS = 0.05
"""A gap that is written 0.0, as in the verdict."""


def view(report: Report, today: date | None = None) -> ResultView:
    """The report, ready to be laid out.

    Parameters
    ----------
    today : day to which the age of prices is counted; None is the day of the report.
    """
    day = today or date.fromisoformat(report.as_of)
    chosen = report.verdict.choice
    headline, because = show.first_sentence(show.typeset(report.verdict.headline))
    return ResultView(
        title=report.title,
        situation=SITUATION_LABELS.get(report.situation, ""),
        choice=chosen,
        headline=headline,
        because=because,
        sentences=tuple(show.typeset(sentence) for sentence in report.verdict.sentences),
        key_figures=_key_figures(report),
        methods=tuple(
            MethodHead(
                m.method, name_of(m.method), _method_detail(m), m.method == chosen, m.feasible
            )
            for m in report.methods
        ),
        rows=_rows(report),
        table_notes=_table_notes(report),
        misfits=tuple(
            Misfit(name_of(m.method), m.reasons) for m in report.methods if not m.feasible
        ),
        cost_gain=figures.cost_gain(report),
        cash_flow=figures.cash_flow(report),
        memory=figures.memory(report),
        costs=tuple(_cost_table(report, m) for m in report.methods if m.cost_lines),
        plans=tuple(_plan(report, m, m.plan, day) for m in report.methods if m.plan is not None),
        model=_model(report),
        assumptions=tuple(_assumption(report, a) for a in report.assumptions),
        sources=tuple(
            SourceRow(
                anchor=anchor(s.key),
                title=s.title,
                publisher=s.publisher,
                locator=s.locator,
                url=s.locator if s.locator.startswith(("https://", "http://")) else "",
                retrieved=show.day(s.retrieved),
            )
            for s in report.sources
        ),
        notes=report.notes,
        basis=f"Computed for {show.day(report.as_of)} with estimator {report.estimator_version}, "
        f"{prices(report)}, {report.draws:,} simulated cases, "
        f"seed {report.seed}.",
    )


def prices(report: Report) -> str:
    """When the prices of the chosen plans were read, as part of a sentence."""
    read = [m.plan.price_valid_from for m in report.methods if m.plan is not None]
    return f"prices read {show.days_between(read or [report.prices_as_of])}"


def anchor(source_key: str) -> str:
    """The id of a source on the page.

    Examples
    --------
    >>> anchor("arXiv:2405.09673")
    'source-arXiv-2405-09673'
    """
    return "source-" + "".join(c if c.isascii() and c.isalnum() else "-" for c in source_key)


def _source(report: Report, text: str) -> SourceMark:
    for source in report.sources:
        if source.key == text:
            return SourceMark(source.title, anchor(source.key))
    if text == "input":
        return SourceMark("input or our default", "assumptions")
    return SourceMark("our assumption" if text == "assumption" else text)


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
    leader = figures.leading_method(report)
    compared = report.comparison
    if leader is not None and leader.npv_usd is not None:
        found.append(
            KeyFigure(
                f"Net present value, {_within_sentence(leader.method)}",
                show.usd_short(leader.npv_usd.mean),
                show.span(leader.npv_usd),
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
                show.usd_short(compared.extra_cost_usd),
                "",
                f"over {horizon}",
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
                show.usd_short(leader.total_usd),
                show.span(leader.total_usd_range),
                f"over {horizon}",
            )
        )
    return tuple(found)


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


def _batch(plan: PlanReport) -> str:
    kept = "no checkpointing" if plan.checkpointing == "none" else "checkpointing"
    return f"micro-batch {plan.micro_batch}, {kept}"


def _rows(report: Report) -> tuple[TableRow, ...]:
    """The side-by-side table; a method that does not fit says so once, in the first row."""
    methods = report.methods
    horizon = show.months(report.horizon_months)

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
        return Cell(show.usd(m.usd_per_point))

    def payback(m: MethodReport) -> Cell:
        if m.payback_months is None and m.cash_flow is not None:
            return Cell(show.NONE, note=f"not within {horizon}")
        return Cell(show.months(m.payback_months))

    def npv(m: MethodReport) -> Cell:
        if m.npv_usd is None:
            return Cell(show.NONE)
        return Cell(show.usd_short(m.npv_usd.mean), show.span(m.npv_usd))

    def run_hours(m: MethodReport) -> Cell:
        if m.plan is None:
            return Cell(show.NONE)
        return Cell(show.hours(m.plan.hours), show.span(m.plan.hours_range, "hours"))

    def gpus(m: MethodReport) -> Cell:
        if m.plan is None:
            return Cell(show.NONE)
        return Cell(f"{m.plan.gpus} × {m.plan.accelerator_name}")

    def memory(m: MethodReport) -> Cell:
        if m.plan is None:
            return Cell(show.NONE)
        return Cell(
            show.gib(m.plan.memory_bytes),
            note=f"of {show.gib(m.plan.memory_capacity_bytes)}; {_batch(m.plan)}",
        )

    def total(m: MethodReport) -> Cell:
        spread = m.total_usd_range
        if spread is None:
            return Cell(show.usd(m.total_usd))
        if show.usd_short(spread.p10) == show.usd_short(spread.p90):
            return Cell(show.usd(m.total_usd), note="as entered; only GPU time varies")
        return Cell(show.usd(m.total_usd), show.span(spread))

    table = (
        ("Expected accuracy gain", gain, True),
        ("Expected accuracy", final, False),
        (f"Total cost, {horizon}", total, True),
        ("Cost per accuracy point", per_point, True),
        ("Cost before the first release", lambda m: Cell(show.usd(m.upfront_usd)), False),
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
        (
            "Cost of one run",
            lambda m: Cell(show.usd(m.plan.usd if m.plan else None)),
            False,
        ),
        ("GPUs", gpus, False),
        ("Memory per GPU", memory, False),
        (
            "Trained parameters",
            lambda m: Cell(
                show.count_short(m.trainable_parameters),
                note=show.share(m.trainable_fraction, trim=False),
            ),
            False,
        ),
    )
    return tuple(
        TableRow(label, tuple(make(m) for m in methods), strong) for label, make, strong in table
    )


def _plain_number(value: float) -> str:
    """A quantity or unit price with no more decimals than it has (at most four)."""
    text = show.number(value, 4)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _unit_price(value: float) -> str:
    whole, _, decimals = show.number(value, 4).partition(".")
    return f"US${whole}.{decimals.rstrip('0').ljust(2, '0')}"


def _cost_row(report: Report, line: CostLine, amount: float) -> CostRow:
    return CostRow(
        label=line.label,
        when={"once": "once", "recurring": "over the horizon"}.get(line.when, line.when),
        quantity=show.number(line.quantity, 2).removesuffix(".00"),
        unit=line.unit,
        unit_price=_unit_price(line.unit_price_usd),
        amount=show.usd(amount, cents=True),
        source=_source(report, line.source),
    )


def _cost_table(report: Report, m: MethodReport) -> CostTable:
    amounts, total = show.rounded_to_sum([line.usd for line in m.cost_lines])
    return CostTable(
        method=m.method,
        label=name_of(m.method),
        rows=tuple(
            _cost_row(report, line, amount)
            for line, amount in zip(m.cost_lines, amounts, strict=True)
        ),
        total=show.usd(total, cents=True),
    )


def _plan_words(plan: PlanReport) -> str:
    where = f"{plan.nodes} × {plan.instance}" if plan.nodes > 1 else plan.instance
    return f"{plan.gpus} × {plan.accelerator_name} at {plan.provider_name} ({where})"


def _other_plans(m: MethodReport, chosen: PlanReport) -> Iterable[Detail]:
    """The plans that another aim would have chosen, each once."""
    found: dict[PlanReport, list[str]] = {}
    for label, other in (
        ("Best value", m.best_value), ("Cheapest", m.cheapest), ("Fastest", m.fastest),
    ):  # fmt: skip
        if other is not None and other != chosen:
            found.setdefault(other, []).append(label)
    for plan, labels in found.items():
        yield Detail(
            show.join_words([labels[0], *(label.lower() for label in labels[1:])]),
            f"{_plan_words(plan)}: {show.hours(plan.hours)}, {show.usd(plan.usd)} a run",
        )


def _plan(report: Report, m: MethodReport, plan: PlanReport, today: date) -> PlanView:
    age = (today - date.fromisoformat(plan.price_valid_from)).days
    level, words = show.price_age(plan.price_valid_from, age)
    step = plan.step_time
    total = step.total_s or 1.0
    parts = (
        ("Matrix products", step.matrix_products_s),
        ("Attention", step.attention_s),
        ("Memory-bound operations", step.memory_bound_s),
        ("Communication", step.communication_s),
        ("Optimizer", step.optimizer_s),
    )
    checkpointing = {"none": "none", "full": "full (activations recomputed)"}
    details = [
        Detail("Region and terms", f"{plan.region}, {plan.tier.replace('-', ' ')} price"),
        Detail(
            "Price",
            f"{show.usd(plan.usd_per_instance_hour, cents=True)} per instance-hour "
            f"({plan.gpus_per_instance} × {plan.accelerator_name}), "
            f"{show.usd(plan.usd_per_gpu_hour, cents=True)} per GPU-hour",
        ),
        Detail(
            "One run",
            f"{show.hours(plan.hours)} ({show.span(plan.hours_range, 'hours')}), "
            f"{show.number(plan.gpu_hours, 1)} GPU-hours, {show.usd(plan.usd, cents=True)}",
        ),
        Detail("Parallel layout", plan.strategy_label),
        Detail(
            "Batch",
            f"micro-batch {plan.micro_batch} × {show.plural(plan.gpus, 'GPU')} × "
            + show.plural(plan.gradient_accumulation_steps, "accumulation step"),
        ),
        Detail(
            "Memory of one GPU",
            f"{show.gib(plan.memory_bytes)} of {show.gib(plan.memory_capacity_bytes)}, at its peak "
            f"{figures.PEAKS[plan.memory_peak]}",
        ),
        Detail("Checkpointing", checkpointing.get(plan.checkpointing, plan.checkpointing)),
        Detail(
            "Speed",
            f"{show.number(plan.tokens_per_s)} tokens/s, model FLOP utilisation "
            f"{show.share(plan.model_flop_utilisation_fraction)}",
        ),
    ]
    if m.flop is not None:
        details.append(
            Detail(
                "Work",
                f"{show.power_of_ten(m.flop.run_flop, 'FLOP')} a run; a step takes "
                f"{show.share(m.flop.ratio_to_full, 3)} of the FLOP of full fine-tuning",
            )
        )
    details.append(
        Detail("Plans", f"{m.plans_that_fit:,} of {m.plans_considered:,} considered fit in memory")
    )
    return PlanView(
        method=m.method,
        label=name_of(m.method),
        headline=_plan_words(plan),
        price_level=level,
        price_words=words,
        price_source=_source(report, plan.price_source_key),
        details=tuple(details),
        time_parts=tuple(
            TimePart(label, show.seconds(value), show.share(value / total, trim=False))
            for label, value in parts
        ),
        time_total=show.seconds(step.total_s),
        alternatives=tuple(_other_plans(m, plan)),
    )


def _model(report: Report) -> tuple[Detail, ...]:
    model, data = report.model, report.data
    return (
        Detail("Base model", model.label),
        Detail("Parameters", f"{model.parameters:,} ({show.count_short(model.parameters)})"),
        Detail(
            "Shape",
            f"{model.layers} layers, width {model.hidden_size:,}, vocabulary {model.vocab_size:,}",
        ),
        Detail(
            "Training data",
            f"{data.examples:,} examples × {data.tokens_per_example:,} tokens × "
            f"{show.significant(data.epochs)} epochs = {show.count_short(data.tokens_per_run)} "
            "tokens a run",
        ),
        Detail(
            "Steps",
            f"{data.steps_per_run:,} steps of {data.global_batch_sequences:,} sequences of "
            f"{data.sequence_length:,} tokens",
        ),
        Detail(
            "Worth of one accuracy point",
            f"{show.usd(report.value_per_point_month_usd)} a month",
        ),
    )


def _assumption(report: Report, item: Assumption) -> AssumptionRow:
    value = item.value if isinstance(item.value, str) else _plain_number(item.value)
    if not isinstance(item.value, str) and value == "0" and item.value != 0:
        value = show.significant(item.value)
    return AssumptionRow(
        label=item.label,
        value=f"{value} {item.unit}".strip() if item.unit != "%" else f"{value}%",
        kind=item.kind,
        kind_label=KIND_LABELS.get(item.kind, item.kind),
        changed=item.changed,
        source=_source(report, item.source),
    )
