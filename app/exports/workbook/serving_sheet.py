"""The sheet of serving: from the load to the rent of GPUs, so that a changed volume moves it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.estimator.report import MethodReport
from app.estimator.report_money import ServingDrivers
from app.estimator.serving_fleet import EXACT_MODELS
from app.estimator.units import HOURS_PER_MONTH, SECONDS_PER_HOUR
from app.exports.workbook.calendar_sheet import Calendar
from app.exports.workbook.inputs_sheet import Inputs
from app.exports.workbook.live import Live, Span, average, least, live, most, whole_up
from app.exports.workbook.paper import Sheet

FACTORS = (1.0, 0.7, 0.8, 0.9, 1.1, 1.2, 1.3)
"""On the volume: as it is, and for the sensitivity."""
LABEL, FIRST = 0, 1


@dataclass(frozen=True, slots=True)
class Rent:
    """Monthly rent beyond the base model, at each factor on the volume. [USD]"""

    extra: Mapping[float, Live]


def write_serving(
    sheet: Sheet,
    methods: tuple[tuple[MethodReport, ServingDrivers], ...],
    inputs: Inputs,
    calendar: Calendar,
) -> dict[str, Rent]:
    """Fill the sheet; the rent of each method, by its key."""
    sheet.text(0, 0, "Serving", "title")
    sheet.text(
        1,
        0,
        "Whole replicas for the busiest hour, on whole instances, for all hours of a month; the "
        "tuned models less the base model. Hardware and its throughput are held (green).",
        "note",
    )
    sheet.text(3, LABEL, "Volume over that of the inputs", "head")
    factors = sheet.numbers(3, FIRST, FACTORS, "head_right")
    sheet.text(4, LABEL, "Answers a month, mean over the horizon")
    mean = inputs["answers_per_month"] * average(calendar.load_growth)
    means = sheet.formulas(4, FIRST, [mean * factor for factor in factors], "count")
    sheet.text(5, LABEL, "Answers a second in the busiest hour")
    seconds = HOURS_PER_MONTH * SECONDS_PER_HOUR
    peaks = sheet.formulas(5, FIRST, [m / seconds * inputs["peak_factor"] for m in means], "factor")
    found, at = {}, 7
    for m, drivers in methods:
        found[m.method], at = _method(sheet, at, m, drivers, inputs, peaks)
        at += 1
    sheet.widths(64, *[16.0] * len(FACTORS))
    sheet.lay_out(freeze=(4, 1), repeat=4)
    return found


def _method(
    sheet: Sheet, at: int, m: MethodReport, drivers: ServingDrivers, inputs: Inputs, peaks: Span
) -> tuple[Rent, int]:
    """One method: the base model, then the tuned ones."""
    sheet.text(at, LABEL, m.label, "section")
    base, at = _side(
        sheet,
        at + 1,
        "Base model",
        1,
        drivers.base_answers_per_s,
        drivers.base_replicas_per_instance,
        inputs.prices[drivers.base_offer_key],
        inputs,
        peaks,
    )
    tuned, at = _side(
        sheet,
        at,
        "Tuned",
        drivers.tuned_models,
        drivers.tuned_answers_per_s,
        drivers.tuned_replicas_per_instance,
        inputs.prices[drivers.tuned_offer_key],
        inputs,
        peaks,
    )
    sheet.text(at, LABEL, "Rent a month beyond the base model, never below 0 [USD]", "text_total")
    extra = sheet.formulas(
        at, FIRST, [most(t - b, 0) for t, b in zip(tuned, base, strict=True)], "usd_total"
    )
    return Rent(dict(zip(FACTORS, extra, strict=True))), at + 1


def _side(
    sheet: Sheet,
    at: int,
    name: str,
    models: int,
    answers_per_s: float,
    per_instance: float,
    price: Live,
    inputs: Inputs,
    peaks: Span,
) -> tuple[Span, int]:
    """Replicas, instances and rent of one way to serve; and the next free row."""
    at_least = inputs["least_replicas"]
    held = []
    for place, (label, value) in enumerate(
        (
            ("different models that are resident", float(models)),
            ("answers a second of one replica", answers_per_s),
            ("replicas on one instance", per_instance),
        )
    ):
        sheet.text(at + place, LABEL, f"{name}: {label}")
        held.append(sheet.number(at + place, FIRST, value, "held_factor"))
    count, throughput, each = held
    at += 3
    sheet.text(at, LABEL, f"{name}: load over what one replica serves")
    loads = sheet.formulas(at, FIRST, [peak / throughput for peak in peaks], "factor")
    at += 1
    first = at
    tables: list[list[Live]] = [[] for _ in loads]
    for number in range(1, min(models, EXACT_MODELS) + 1):
        sheet.text(at, LABEL, f"{name}: replicas of {number} model{'s' if number > 1 else ''}")
        row = sheet.formulas(
            at,
            FIRST,
            [number * most(at_least, whole_up(load / number)) for load in loads],
            "whole",
        )
        for table, cell in zip(tables, row, strict=True):
            table.append(cell)
        at += 1
    needed = []
    for place, (table, load) in enumerate(zip(tables, loads, strict=True)):
        column = sheet.column(first, FIRST + place, [cell.number for cell in table])
        if models > EXACT_MODELS:
            bound = whole_up(load + least(count, load / at_least) - 1)
            needed.append(most(column, count * at_least, bound))
        else:
            needed.append(most(column))
    sheet.text(at, LABEL, f"{name}: replicas, a model more never needing less")
    replicas = sheet.formulas(at, FIRST, needed, "whole")
    sheet.text(at + 1, LABEL, f"{name}: instances")
    instances = sheet.formulas(at + 1, FIRST, [whole_up(r / each) for r in replicas], "whole")
    sheet.text(at + 2, LABEL, f"{name}: rent a month [USD]")
    rents = [i * (price * live(HOURS_PER_MONTH)) for i in instances]
    return sheet.formulas(at + 2, FIRST, rents, "usd"), at + 3
