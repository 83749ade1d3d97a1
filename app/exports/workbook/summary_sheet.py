"""The first sheet: the verdict, and the figures of all methods side by side."""

from __future__ import annotations

from collections.abc import Sequence

from app.estimator.report import MethodReport, Report
from app.exports.workbook.comparison_sheet import Compared, Side
from app.exports.workbook.inputs_sheet import Inputs
from app.exports.workbook.live import Live, choose, words
from app.exports.workbook.paper import Sheet

LABEL, FIRST = 0, 1
FRESH = "The words above are of the export. No input has been changed since, so they hold."
STALE = (
    "OUT OF DATE: the words above are of the export, and inputs changed since: ",
    ". Figures below follow them, words do not; estimate anew in Tunecase.",
)
"""Said of the verdict once inputs are changed, around their number."""
SIMULATED = "Simulated by Tunecase; not recalculated here"


def write_summary(
    sheet: Sheet,
    report: Report,
    sides: Sequence[Side],
    compared: Compared,
    inputs: Inputs,
    off: Live,
    link: str,
) -> int:
    """Fill the sheet; and the first row that is free for charts.

    Parameters
    ----------
    off : how far all sums are off together. [USD]
    """
    sheet.text(0, 0, report.title or "Full fine-tuning or LoRA?", "title")
    sheet.worksheet.merge_range(1, 0, 1, 5, "", sheet.book.styles["verdict"])
    sheet.text(1, 0, report.verdict.headline, "verdict")
    sheet.worksheet.set_row(1, 34)
    at = 2
    for sentence in report.verdict.sentences:
        sheet.text(at, 0, sentence, "held_words")
        at += 1
    at = _whether_it_holds(sheet, at, inputs)
    left = [m.label for m in report.methods if m.money is None]
    if left:
        sheet.text(at, 0, f"Left out, since nothing fits it: {', '.join(left)}.")
        at += 1
    if link:
        sheet.link(at, 0, link)
        at += 1
    at = _figures(sheet, at + 1, report, sides, compared, inputs)
    methods = {m.method: m for m in report.methods}
    at = _simulated(sheet, at + 1, report, [methods[side.method] for side in sides])
    sheet.text(at + 1, LABEL, "Sums of lines, months, quarters and years")
    sheet.formula(at + 1, FIRST, off, "check")
    currency = report.currency
    if currency.code != "USD":
        sheet.text(
            at + 2,
            LABEL,
            f"Amounts in {currency.code} here, in US dollars on the other sheets; the rate is in "
            "Inputs.",
        )
    sheet.widths(54, *[20.0] * max(len(sides), 3), 14, 14)
    sheet.lay_out(freeze=(1, 0), repeat=1)
    # Charts begin on a page of their own.
    sheet.worksheet.set_h_pagebreaks([at + 4])
    return at + 4


def _whether_it_holds(sheet: Sheet, at: int, inputs: Inputs) -> int:
    """Whether the words above are still of the inputs, as a formula; and the next free row."""
    stale = Live(f'"{STALE[0]}"&{inputs.changed.text}&"{STALE[1]}"', "")
    fresh = choose(f"{inputs.changed.text}=0", inputs.changed.number == 0, words(FRESH), stale)
    sheet.formula(at, LABEL, fresh, "text")
    sheet.worksheet.conditional_format(
        *(at, LABEL, at, LABEL),
        {
            "type": "text",
            "criteria": "begins with",
            "value": STALE[0],
            "format": sheet.book.styles["stale"],
        },
    )
    return at + 1


def _figures(
    sheet: Sheet,
    at: int,
    report: Report,
    sides: Sequence[Side],
    compared: Compared,
    inputs: Inputs,
) -> int:
    """The table of figures that recalculate; and the next free row."""
    fx = inputs["currency_per_usd"]
    sheet.text(at, LABEL, f"Over {report.horizon_months} months, expected", "head")
    sheet.texts(at, FIRST, [side.label for side in sides], "head_right")

    def row(label: str, terms: Sequence[Live], style: str, look: str = "text") -> None:
        nonlocal at
        at += 1
        sheet.text(at, LABEL, label, "text_total" if style.endswith("total") else look)
        sheet.formulas(at, FIRST, terms, style)

    costs = [side.flows.cost_usd for side in sides]
    benefits = [side.flows.benefit_usd for side in sides]
    returns = [side.flows.returns for side in sides]
    row("Total cost of ownership", [cost * fx for cost in costs], "shown")
    row(
        "of it until the first release",
        [side.flows.capex_usd * fx for side in sides],
        "shown",
        "part",
    )
    row("Benefit", [benefit * fx for benefit in benefits], "shown")
    row("Tax", [side.flows.tax_usd * fx for side in sides], "shown")
    row("Net present value", [found.npv * fx for found in returns], "shown_total")
    row(
        "Internal rate of return, a year; of several the lowest",
        [found.irr for found in returns],
        "percent",
    )
    row("The same of the dated flows (XIRR)", [found.xirr for found in returns], "percent")
    row("Payback, months", [found.payback for found in returns], "count")
    row("Discounted payback, months", [found.discounted_payback for found in returns], "count")
    row(
        "Return on investment, (benefit - cost) / cost, before tax",
        [
            choose(f"{cost.text}>0", cost.number > 0, (benefit - cost) / cost, words("none"))
            for cost, benefit in zip(costs, benefits, strict=True)
        ],
        "percent",
    )
    row(
        "Break-even answers a month, with serving as it is",
        [compared.volume[side.label] for side in sides],
        "count",
    )
    row(
        "Break-even price of a GPU-hour of training, USD",
        [compared.gpu[side.label] for side in sides],
        "usd",
    )
    if compared.gap is not None and compared.returns is not None:
        held = " (value of Tunecase)" if compared.gap_held else ""
        row(f"Break-even gap of full over the adapter, points{held}", [compared.gap], "count")
        difference = compared.returns
        row("Full less adapter: net present value", [difference.npv * fx], "shown")
        row("Full less adapter: internal rate of return, a year", [difference.irr], "percent")
        row("Full less adapter: payback, months", [difference.payback], "count")
    return at + 1


def _simulated(sheet: Sheet, at: int, report: Report, methods: Sequence[MethodReport]) -> int:
    """The table of figures that do not recalculate; and the next free row."""
    per_usd = report.currency.per_usd
    sheet.text(at, LABEL, SIMULATED, "head")
    sheet.texts(at, FIRST, [m.label for m in methods], "head_right")
    rows: list[tuple[str, str, list[float | None]]] = []
    for name, label in (("p10", "P10"), ("p50", "P50"), ("p90", "P90")):
        values = [getattr(m.npv_usd, name, None) for m in methods]
        rows.append(
            (
                f"Net present value, {label}",
                "simulated_shown",
                [None if value is None else value * per_usd for value in values],
            )
        )
    rows += [
        ("Chance that it pays", "simulated_percent", [m.probability_pays for m in methods]),
        (
            "Chance that it is best of all",
            "simulated_percent",
            [m.probability_best for m in methods],
        ),
    ]
    for label, style, values in rows:
        at += 1
        sheet.text(at, LABEL, label)
        for col, value in enumerate(values, FIRST):
            if value is None:
                sheet.text(at, col, "none", "words")
            else:
                sheet.number(at, col, value, style)
    if report.comparison is not None:
        at += 1
        sheet.text(at, LABEL, "Chance that full beats the adapter")
        sheet.number(
            at, FIRST, report.comparison.probability_full_beats_adapter, "simulated_percent"
        )
    return at + 1
