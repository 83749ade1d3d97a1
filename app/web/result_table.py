"""The methods side by side: a column for each, and what is read with them."""

from __future__ import annotations

from app.estimator.adapters import ALL_LINEARS, ATTENTION_LINEARS
from app.estimator.report import Comparison, IncrementalReport, MethodReport, Report
from app.web import (
    result_plans,
    result_purchase,
    show_amounts,
    show_numbers,
    show_units,
    show_words,
)
from app.web.figure_memory import has_range
from app.web.figures import currency_of, name_of, name_within
from app.web.result_parts import Cell, MethodHead, TableRow


def heads(report: Report) -> tuple[MethodHead, ...]:
    """The columns: name, rank and layers, and which one the verdict chose."""
    chosen = report.verdict.choice
    return tuple(
        MethodHead(m.method, name_of(m.method), _method_detail(m), m.method == chosen, m.feasible)
        for m in report.methods
    )


def _method_detail(m: MethodReport) -> str:
    if m.rank is None:
        return "all weights"
    names = frozenset((m.targets or "").replace(" ", "").split(","))
    targets = {
        frozenset(ALL_LINEARS): "all linear layers",
        frozenset(ATTENTION_LINEARS): "attention layers",
    }.get(names, m.targets)
    return f"rank {m.rank}, {targets}" if targets else f"rank {m.rank}"


def notes(report: Report) -> tuple[str, ...]:
    """What is read with the table: doing nothing, methods alike, where the gain is from."""
    found = []
    idle = idle_fraction(report)
    if idle is not None:
        found.append(f"Doing nothing is the best choice in {show_numbers.percent(idle)} of cases.")
    together = alike(report)
    if together:
        found.append(together)
    if report.comparison is not None and report.comparison.incremental is not None:
        found.append(_incremental(report, report.comparison, report.comparison.incremental))
    worse = [
        f"{name_within(m.method) if i else name_of(m.method)} in "
        f"{show_numbers.percent(m.accuracy.probability_worse_than_base)}"
        for i, m in enumerate(m for m in report.methods if m.accuracy is not None)
        if m.accuracy is not None
    ]
    if worse:
        found.append(
            f"{_basis_of_the_gain(report)} A model that tests below the base is not released: "
            f"{show_words.join_words(worse)} of cases."
        )
    return tuple(found)


def idle_fraction(report: Report) -> float | None:
    """How often doing nothing is the best choice; None where no method has a chance to compare.

    Of the chances as they are shown, so that a reader who adds all of them finds 100%.
    """
    able = [m.probability_best for m in report.methods if m.probability_best is not None]
    return max(0.0, round(1.0 - sum(round(chance, 2) for chance in able), 2)) if able else None


def alike(report: Report) -> str:
    """How often one of the adapter methods is best, as a sentence; empty where there is one."""
    adapters = [m for m in report.methods if m.probability_best is not None and m.rank is not None]
    if len(adapters) < 2:
        return ""
    # Of the chances as they are shown, so that a reader who adds them finds the same.
    either = sum(round(m.probability_best or 0.0, 2) for m in adapters)
    return (
        f"{show_words.join_words([name_of(m.method) for m in adapters], 'or')} is the best choice "
        f"in {show_numbers.percent(either)} of cases: methods this alike share their chances."
    )


def _incremental(report: Report, comparison: Comparison, found: IncrementalReport) -> str:
    """What the extra money of full fine-tuning brings back, as a sentence."""
    over = name_within(comparison.adapter_method)
    worth = show_amounts.usd_short(found.npv_usd, currency_of(report))
    said = f"Full fine-tuning instead of {over}: net present value {worth}, "
    if found.irr_fractions:
        several = "rates" if len(found.irr_fractions) > 1 else "rate"
        said += f"internal {several} of return {show_numbers.rates(found.irr_fractions)} a year"
    else:
        said += f"no internal rate of return ({found.irr_note})"
    if found.payback_months is None:
        return (
            f"{said}, and it does not pay back within {show_units.months(report.horizon_months)}."
        )
    return f"{said}, payback {show_units.months(found.payback_months)}."


def rows(report: Report) -> tuple[TableRow, ...]:
    """The side-by-side table; a method that does not fit says so once, in the first row."""
    methods = report.methods
    horizon = show_units.months(report.horizon_months)
    currency = currency_of(report)
    taxed = report.timeline is not None and report.timeline.tax_fraction > 0

    def gain(m: MethodReport) -> Cell:
        if m.accuracy is None:
            return Cell(show_numbers.NONE, note="does not fit" if not m.feasible else "")
        return Cell(
            f"{show_numbers.points(m.accuracy.gain_points.mean)} pts",
            show_units.span(m.accuracy.gain_points, "points"),
        )

    def final(m: MethodReport) -> Cell:
        if m.accuracy is None:
            return Cell(show_numbers.NONE)
        low, high = m.accuracy.final_points.p10, m.accuracy.final_points.p90
        return Cell(
            f"{show_numbers.number(m.accuracy.final_points.mean, 1)}%",
            f"{show_numbers.number(low, 1)} to {show_numbers.number(high, 1)}",
        )

    def per_point(m: MethodReport) -> Cell:
        if m.usd_per_point is None and m.accuracy is not None:
            return Cell(show_numbers.NONE, note="no gain expected")
        return Cell(show_amounts.usd(m.usd_per_point, currency))

    def payback(m: MethodReport) -> Cell:
        if m.payback_months is None and m.cash_flow is not None:
            return Cell(show_numbers.NONE, note=f"not within {horizon}")
        return Cell(show_units.months(m.payback_months))

    def discounted(m: MethodReport) -> Cell:
        if m.discounted_payback_months is None and m.payback_months is not None:
            return Cell(show_numbers.NONE, note=f"not within {horizon}")
        return Cell(show_units.months(m.discounted_payback_months))

    def rate(m: MethodReport) -> Cell:
        dated = "" if m.money is None else show_numbers.rates(m.money.xirr_fractions)
        note = f"by dates (XIRR) {dated}" if dated not in {"", show_numbers.NONE} else ""
        return Cell(show_numbers.rates(m.irr_fractions), note=m.irr_note or note)

    def roi(m: MethodReport) -> Cell:
        if m.roi_fraction is None:
            return Cell(show_numbers.NONE)
        note = "benefit less cost, over cost"
        return Cell(
            show_numbers.rates([m.roi_fraction]), note=f"before tax; {note}" if taxed else note
        )

    def npv(m: MethodReport) -> Cell:
        if m.npv_usd is None:
            return Cell(show_numbers.NONE)
        return Cell(
            show_amounts.usd_short(m.npv_usd.mean, currency),
            show_units.span(m.npv_usd, currency=currency),
        )

    def run_hours(m: MethodReport) -> Cell:
        if m.plan is None:
            return Cell(show_numbers.NONE)
        return Cell(
            show_units.hours(m.plan.hours),
            show_units.span(m.plan.hours_range, "hours"),
            f"{show_numbers.number(m.plan.gpu_hours, 1)} GPU-hours",
        )

    def gpus(m: MethodReport) -> Cell:
        if m.plan is None:
            return Cell(show_numbers.NONE)
        bought = result_plans.option_tag(m.plan.purchase_option, m.plan.tier)
        return Cell(f"{m.plan.gpus} × {m.plan.accelerator_name}", note=bought)

    def held(m: MethodReport) -> Cell:
        if m.plan is None:
            return Cell(show_numbers.NONE)
        return Cell(
            show_units.gib(m.plan.memory_bytes),
            show_units.span(m.plan.memory_range_bytes, "gib") if has_range(m.plan) else "",
            f"of {show_units.gib(m.plan.memory_capacity_bytes)}; {result_plans.batch(m.plan)}",
        )

    def runs_out(m: MethodReport) -> Cell:
        if m.plan is None or not has_range(m.plan):
            return Cell(show_numbers.NONE)
        return Cell(show_numbers.percent(m.plan.probability_out_of_memory))

    def carbon(m: MethodReport) -> Cell:
        energy = m.plan.energy if m.plan is not None else None
        if energy is None:
            return Cell(show_numbers.NONE)
        if energy.kg_co2e is None:
            return Cell(show_units.energy(energy.kwh), note="carbon not known: region not stated")
        return Cell(
            show_units.carbon(energy.kg_co2e),
            note=f"{show_units.energy(energy.kwh)}, {energy.grid_label}",
        )

    def programme(m: MethodReport) -> Cell:
        if m.programme_gpu_hours is None:
            return Cell(show_numbers.NONE)
        return Cell(show_numbers.number(m.programme_gpu_hours), note="GPU-hours of all runs")

    def total(m: MethodReport) -> Cell:
        spread, bought = m.total_usd_range, result_purchase.at_prices(m.plan)
        amount = show_amounts.usd(m.total_usd, currency)
        if spread is None:
            return Cell(amount, note=bought)
        if show_amounts.usd_short(spread.p10, currency) == show_amounts.usd_short(
            spread.p90, currency
        ):
            said = "as entered; only GPU time varies"
            return Cell(amount, note=f"{said}, {bought}" if bought else said)
        note = f"range of GPU time; {bought}" if bought else "range of GPU time"
        return Cell(amount, show_units.span(spread, currency=currency), note)

    def one_run(m: MethodReport) -> Cell:
        usd = m.plan.usd if m.plan else None
        return Cell(show_amounts.usd(usd, currency), note=result_purchase.at_prices(m.plan))

    table = (
        ("Expected accuracy gain", gain, True),
        ("Expected accuracy", final, False),
        (f"Total cost, {horizon}", total, True),
        ("Cost per accuracy point", per_point, True),
        (
            "Cost before the first release",
            lambda m: Cell(show_amounts.usd(m.upfront_usd, currency)),
            False,
        ),
        ("Net present value", npv, True),
        ("Payback", payback, False),
        ("Payback, discounted", discounted, False),
        ("Internal rate of return, a year", rate, False),
        (f"Return on investment, {horizon}", roi, False),
        ("Chance that it pays", lambda m: Cell(show_numbers.percent(m.probability_pays)), False),
        (
            "Chance that it is the best choice",
            lambda m: Cell(show_numbers.percent(m.probability_best)),
            True,
        ),
        (
            "Time to first release",
            lambda m: Cell(show_units.months(m.time_to_release_months)),
            False,
        ),
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
                show_numbers.count_short(m.trainable_parameters),
                note=show_numbers.share(m.trainable_fraction, trim=False),
            ),
            False,
        ),
    )
    said = any(m.irr_fractions or m.irr_note for m in methods)
    measured = any(m.plan is not None and m.plan.energy is not None for m in methods)
    return tuple(
        TableRow(label, tuple(make(m) for m in methods), strong)
        for label, make, strong in table
        if (measured or make is not carbon) and (said or make not in (discounted, rate, roi))
    )


def _basis_of_the_gain(report: Report) -> str:
    """Where the expected accuracy comes from."""
    studies = (
        "The accuracy gain comes from published studies, mostly of models with 7 to 8 billion "
        "parameters"
    )
    if report.pilot is not None:
        return f"{studies}, updated by your pilot."
    if report.evidence is not None and report.evidence.own_rows:
        return f"{studies}, and from your own comparisons; a pilot would update it."
    if report.evidence is not None:
        return f"{studies}; a pilot of your own would update it."
    return f"{studies}; it does not depend on your data size or model."
