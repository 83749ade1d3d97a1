"""The sheet of sensitivities: net present values with one figure changed, as live formulas."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from app.exports.workbook.comparison_sheet import VOLUME_LINES, Side, present_of
from app.exports.workbook.inputs_sheet import Inputs
from app.exports.workbook.lines_sheet import Line
from app.exports.workbook.live import Live, live, present_value
from app.exports.workbook.paper import Sheet
from app.exports.workbook.rows import GPU_UNIT, SERVING
from app.exports.workbook.serving_sheet import Rent

STEPS = (-0.3, -0.2, -0.1, 0.1, 0.2, 0.3)
SHOWN = 0.2
"""The change that the chart shows."""
LABEL, FIRST = 0, 1
DELTA = FIRST + len(STEPS) + 1
"""First of two columns: what the shown change takes away or adds."""
CHART_ROWS = 16
"""Rows that the chart of a method takes."""
SMALLEST_USD = 0.005
"""Swing below which a figure has no row."""

LINEAR: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "Worth of an answer that is right instead of wrong",
        ("right_answers", "believed_errors", "incidents", "won_right_answers"),
    ),
    ("Margin of an answer", ("won_answers",)),
    ("Worth of a second", ("waiting",)),
    ("Worth of answers on other tasks", ("forgotten",)),
    ("Price of an engineer-week", ("engineering",)),
    ("Data preparation", ("data_preparation",)),
    ("Checks of a release", ("release_checks", "retraining_checks")),
    ("Governance of an artefact", ("governance",)),
    ("Cost of a month's delay", ("delay",)),
    ("Price of serving", (SERVING,)),
    ("Price of storage and traffic", ("storage", "egress")),
)
"""Figures that the net present value is linear in, and the lines that follow each."""

At = Callable[[float, Live], Live]
"""Net present value with a figure changed by a step, which is also in a cell."""


@dataclass(frozen=True, slots=True)
class Tornado:
    """Where the rows of one method stand, for its chart."""

    label: str
    heading: int
    first: int
    last: int


def write_sensitivity(
    sheet: Sheet, sides: Sequence[Side], inputs: Inputs, rents: Mapping[str, Rent]
) -> tuple[Tornado, ...]:
    """Fill the sheet; the widest swing of each method first, as exported."""
    sheet.text(0, 0, "Sensitivity", "title")
    sheet.text(
        1,
        0,
        "Net present value [USD] with one figure changed, all else as in Inputs. Plan, hardware "
        "and release months are held.",
    )
    sheet.text(3, LABEL, "One figure changed by", "head")
    steps = sheet.numbers(3, FIRST, STEPS, "head_step")
    sheet.text(3, DELTA - 1, "", "head")
    sheet.texts(3, DELTA, (f"{SHOWN:.0%} less moves it by", f"{SHOWN:.0%} more"), "head_right")
    found = []
    at = 5
    for side in sides:
        sheet.text(at, LABEL, side.label, "section")
        first = at + 1
        rows = _widest_first(side, _figures(side, inputs, rents.get(side.method)))
        npv = side.flows.returns.npv
        for row, (label, at_step) in enumerate(rows, first):
            sheet.text(row, LABEL, label)
            terms = [at_step(step, cell) for step, cell in zip(STEPS, steps, strict=True)]
            cells = sheet.formulas(row, FIRST, terms, "usd")
            ends = [cells[STEPS.index(step)] - npv for step in (-SHOWN, SHOWN)]
            sheet.formulas(row, DELTA, ends, "usd")
        if rows:
            found.append(Tornado(side.label, at, first, first + len(rows) - 1))
        at = max(first + len(rows), first + CHART_ROWS) + 1
    sheet.widths(48, *[16.0] * len(STEPS), 3, 18, 18)
    sheet.lay_out(freeze=(4, 1), repeat=4)
    return tuple(found)


def _widest_first(side: Side, figures: Sequence[tuple[str, At]]) -> list[tuple[str, At]]:
    """Figures that matter, by how far the shown change moves the net present value."""
    npv = side.flows.returns.npv.number

    def swing(figure: tuple[str, At]) -> float:
        moved = (figure[1](step, Live("", step)).number for step in (-SHOWN, SHOWN))
        return max(abs(value - npv) for value in moved)

    kept = [figure for figure in figures if swing(figure) > SMALLEST_USD]
    return sorted(kept, key=swing, reverse=True)


def _figures(side: Side, inputs: Inputs, rent: Rent | None) -> list[tuple[str, At]]:
    """Every figure that can be changed, with what it makes of the net present value."""
    lines, returns = side.lines, side.flows.returns

    def linear(of: Sequence[Line]) -> At:
        worth = present_of(of)
        return lambda _, cell: returns.npv + cell * worth

    def rate(_: float, cell: Live) -> Live:
        yearly = inputs["discount_rate"] * (1 + cell)
        return present_value((1 + yearly) ** (live(1) / 12) - 1, returns.net)

    def volume(step: float, cell: Live) -> Live:
        answers = returns.npv + cell * present_of(lines.of(*VOLUME_LINES))
        if rent is None:
            return answers
        more = rent.extra[round(1 + step, 1)] - rent.extra[1.0]
        return answers - more * lines.month_usd

    gpus = [line for line in lines.lines if line.row.unit == GPU_UNIT]
    figures: list[tuple[str, At]] = [
        ("Discount rate", rate),
        ("Answers a month, and the GPUs that serve them", volume),
        ("Price of GPUs for training", linear(gpus)),
    ]
    for label, keys in LINEAR:
        if of := lines.of(*keys):
            figures.append((label, linear(of)))
    return figures
