"""The chosen plans as the result page shows them: where, how, how long, in how much memory."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from app.estimator.currency import Currency
from app.estimator.hardware import PURCHASE_OPTIONS, TIERS
from app.estimator.report import MethodReport, Report
from app.estimator.report_plans import EnergyReport, PlanReport
from app.web import (
    result_folds,
    result_sources,
    show_amounts,
    show_dates,
    show_numbers,
    show_units,
    show_words,
)
from app.web.figure_memory import PEAKS, has_range
from app.web.figures import currency_of, name_of
from app.web.result_parts import Detail, PlanView, TimePart

CHECKPOINTING = {
    "none": "none",
    "selective": "selective (outputs of products are kept, the rest is recomputed)",
    "full": "full (activations recomputed)",
}
_SHORTEST_PART_H = 1 / 3600
"""A part of a run shorter than a second is not worth a word. [h]"""
OFFLOADS = {
    "none": "none",
    "optimizer": "optimizer states in host memory",
    "parameters": "weights and optimizer states in host memory",
}


def headline(plan: PlanReport) -> str:
    """What is rented, in a few words."""
    where = f"{plan.nodes} × {plan.instance}" if plan.nodes > 1 else plan.instance
    bought = option_tag(plan.purchase_option, plan.tier)
    said = f"{where}, {bought}" if bought else where
    return f"{plan.gpus} × {plan.accelerator_name} at {plan.provider_name} ({said})"


def option_tag(option: str, tier: str) -> str:
    """How an offer is bought where that is not on demand at a firm price list; else nothing.

    Examples
    --------
    >>> option_tag("on-demand", "list"), option_tag("spot", "spot")
    ('', 'spot')
    >>> option_tag("spot", "marketplace"), option_tag("on-demand", "marketplace")
    ('marketplace, spot', 'marketplace')
    """
    label = "" if option == "on-demand" else PURCHASE_OPTIONS.get(option, option)
    if tier != "marketplace":
        return label
    return f"{TIERS[tier]}, {label}" if label else TIERS[tier]


def _terms(plan: PlanReport) -> str:
    """Option and tier in words, each once."""
    option = PURCHASE_OPTIONS.get(plan.purchase_option, plan.purchase_option)
    tier = TIERS.get(plan.tier, f"{plan.tier} price")
    return tier if option in tier else f"{option}, {tier}"


def _price(plan: PlanReport, currency: Currency) -> str:
    """What an instance costs, and what a price book takes off."""
    said = (
        f"{show_amounts.usd(plan.usd_per_instance_hour, currency, cents=True)} per instance-hour "
        f"({plan.gpus_per_instance} × {plan.accelerator_name}), "
        f"{show_amounts.usd(plan.usd_per_gpu_hour, currency, cents=True)} per GPU-hour"
    )
    listed = plan.list_usd_per_instance_hour
    if listed:
        less = 1.0 - plan.usd_per_instance_hour / listed
        change = f"{show_numbers.share(abs(less), 3)} {'less' if less >= 0 else 'more'} than "
        said += f"; {change}the list price of {show_amounts.usd(listed, currency, cents=True)}"
    return f"{said}; price book {plan.price_book}" if plan.price_book else said


def batch(plan: PlanReport) -> str:
    """Micro-batch and checkpointing, for a cell of a table."""
    kept = {
        "none": "no checkpointing", "selective": "selective checkpointing", "full": "checkpointing",
    }[plan.checkpointing]  # fmt: skip
    return f"micro-batch {plan.micro_batch}, {kept}"


def layout(plan: PlanReport) -> str:
    """How the GPUs share the model.

    Notes
    -----
    Expert groups lie across the replicas, so they are named apart from the product.
    """
    if plan.gpus == 1:
        return "one GPU"
    sizes = [
        f"{name} {size}"
        for name, size in (
            ("tensor", plan.tensor_parallel),
            ("pipeline", plan.pipeline_parallel),
            ("context", plan.context_parallel),
        )
        if size > 1
    ]
    if plan.data_parallel > 1:
        product = " × ".join([f"data {plan.data_parallel}", *sizes])
        said = f"{product}; {plan.strategy_label}"
    else:
        said = f"{' × '.join(sizes)}: one replica over all GPUs"
    if plan.expert_parallel > 1:
        said += f"; experts over groups of {plan.expert_parallel}"
    return said


def view(report: Report, m: MethodReport, plan: PlanReport, today: date) -> PlanView:
    """The chosen plan of one method.

    Parameters
    ----------
    today : day to which the age of its price is counted.
    """
    age = (today - date.fromisoformat(plan.price_valid_from)).days
    level, words = show_dates.price_age(plan.price_valid_from, age)
    step = plan.step_time
    total = step.total_s or 1.0
    parts = (
        ("Matrix products", step.matrix_products_s),
        ("Attention", step.attention_s),
        ("Memory-bound operations", step.memory_bound_s),
        ("Communication", step.communication_s),
        ("Optimizer", step.optimizer_s),
        ("Launches, idle stages, trainer", step.overhead_s),
    )
    return PlanView(
        method=m.method,
        label=name_of(m.method),
        headline=headline(plan),
        summary=f"{show_units.hours(plan.hours)} and "
        f"{show_amounts.usd(plan.usd, currency_of(report))} a run",
        opened=result_folds.opened(report) == m.method,
        price_level=level,
        price_words=words,
        price_source=result_sources.mark(report, plan.price_source_key),
        details=tuple(_details(report, m, plan)),
        time_parts=tuple(
            TimePart(
                label, show_units.seconds(value), show_numbers.share(value / total, trim=False)
            )
            for label, value in parts
            # Reports of the first schema do not know the last part.
            if report.schema > 1 or value
        ),
        time_total=show_units.seconds(step.total_s),
        alternatives=tuple(_others(m, plan, currency_of(report))),
    )


def _details(report: Report, m: MethodReport, plan: PlanReport) -> Iterator[Detail]:
    currency = currency_of(report)
    yield Detail(
        "Region and terms",
        f"{show_words.region(plan.region)}, {_terms(plan)}",
    )
    yield Detail("Price", _price(plan, currency))
    yield Detail(
        "One run",
        f"{show_units.hours(plan.hours)} ({show_units.span(plan.hours_range, 'hours')}), "
        f"{show_numbers.number(plan.gpu_hours, 1)} GPU-hours, "
        f"{show_amounts.usd(plan.usd, currency, cents=True)}",
    )
    if plan.idle_fraction > 0:
        yield Detail(
            "Paid but idle",
            f"{show_numbers.share(plan.idle_fraction)} of the GPU time that is paid for over the "
            "programme; the cost of a run includes its share",
        )
    if report.schema > 1:
        clock = plan.wall_clock
        parts = (
            ("steps", clock.training_h),
            ("evaluation", clock.evaluation_h),
            ("writing checkpoints", clock.checkpoints_h),
            ("start-up", clock.start_up_h),
            ("failures of machines, expected", clock.failures_h),
            ("interruptions of spot instances, expected", clock.interruptions_h),
        )
        yield Detail(
            "What the run's time is",
            ", ".join(
                f"{show_units.hours(hours)} {what}"
                for what, hours in parts
                if hours >= _SHORTEST_PART_H
            ),
        )
    if plan.energy is not None:
        yield from _energy(report, plan.energy)
    if m.programme_gpu_hours is not None:
        yield Detail(
            "Whole programme",
            f"{show_numbers.number(m.programme_gpu_hours)} GPU-hours: all runs over "
            f"{show_units.months(report.horizon_months)}, experiments and failed runs included",
        )
    yield Detail("Parallel layout", layout(plan))
    yield Detail(
        "Batch",
        f"micro-batch {plan.micro_batch} × {show_words.plural(plan.data_parallel, 'replica')} × "
        + show_words.plural(plan.gradient_accumulation_steps, "accumulation step"),
    )
    yield Detail(
        "Memory of one GPU",
        f"{show_units.gib(plan.memory_bytes)} of {show_units.gib(plan.memory_capacity_bytes)}, at "
        f"its peak {PEAKS[plan.memory_peak]}",
    )
    if has_range(plan):
        yield Detail(
            "How sure",
            f"80% range {show_units.span(plan.memory_range_bytes, 'gib')}; chance of running out "
            f"of memory: {show_numbers.percent(plan.probability_out_of_memory)}",
        )
        yield Detail(
            "Allocated, reserved",
            f"{show_units.gib(plan.memory_allocated_bytes)} by tensors, "
            f"{show_units.gib(plan.memory_reserved_bytes)} by the allocator; the rest is the GPU "
            "context",
        )
    yield Detail("Checkpointing", CHECKPOINTING.get(plan.checkpointing, plan.checkpointing))
    if plan.offload != "none":
        yield Detail(
            "Offload",
            f"{OFFLOADS[plan.offload]}: {show_units.gib(plan.host_memory_bytes)} for each GPU",
        )
    yield Detail(
        "Speed",
        f"{show_numbers.number(plan.tokens_per_s)} tokens/s, model FLOP utilisation "
        f"{show_numbers.share(plan.model_flop_utilisation_fraction)}",
    )
    if m.flop is not None:
        yield Detail(
            "Work",
            f"{show_units.power_of_ten(m.flop.run_flop, 'FLOP')} a run; a step takes "
            f"{show_numbers.share(m.flop.ratio_to_full, 3)} of the FLOP of full fine-tuning",
        )
    yield Detail("Plans", counts(m))


def _energy(report: Report, energy: EnergyReport) -> Iterator[Detail]:
    yield Detail(
        "Electricity of one run",
        f"{show_units.energy(energy.kwh)} at the meter: "
        f"{show_numbers.number(energy.power_w_per_gpu)} W a GPU with its share of the host, PUE "
        f"{show_numbers.significant(energy.pue)}",
    )
    if energy.kg_co2e is None or energy.g_co2e_per_kwh is None:
        yield Detail("Carbon of one run", "not known: region not stated")
        return
    read = result_sources.mark(report, energy.grid_source_key).text
    yield Detail(
        "Carbon of one run",
        f"{show_units.carbon(energy.kg_co2e)} at {show_numbers.number(energy.g_co2e_per_kwh)} "
        f"g/kWh ({energy.grid_label}; {read})",
    )


def counts(m: MethodReport) -> str:
    """How many plans were considered, and what became of them.

    Notes
    -----
    Reports of the first schema do not say why plans were left out.
    """
    said = f"{m.plans_that_fit:,} of {m.plans_considered:,} considered fit"
    why = [
        f"{count:,} {reason}"
        for count, reason in (
            (m.plans_out_of_memory, "run out of memory"),
            (m.plans_over_limits, "pass the deadline or the budget"),
        )
        if count
    ]
    return f"{said}; {show_words.join_words(why)}" if why else said


def _others(m: MethodReport, chosen: PlanReport, currency: Currency) -> Iterator[Detail]:
    """The plans that another aim would have chosen, each once."""
    found: dict[PlanReport, list[str]] = {}
    for label, other in (
        ("Best value", m.best_value), ("Cheapest", m.cheapest), ("Fastest", m.fastest),
    ):  # fmt: skip
        if other is not None and other != chosen:
            found.setdefault(other, []).append(label)
    for plan, labels in found.items():
        yield Detail(
            show_words.join_words([labels[0], *(label.lower() for label in labels[1:])]),
            f"{headline(plan)}: {show_units.hours(plan.hours)}, "
            f"{show_amounts.usd(plan.usd, currency)} a run",
        )
