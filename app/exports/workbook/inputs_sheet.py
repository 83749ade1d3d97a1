"""The sheet of inputs: every figure that a formula uses, in a named cell that may be changed."""

from __future__ import annotations

from dataclasses import dataclass

from app.estimator.report import Assumption, Report
from app.estimator.report_money import Timeline
from app.exports.feed_source import with_money
from app.exports.workbook.live import Live, choose, live, words
from app.exports.workbook.paper import Sheet, day_number
from app.exports.workbook.prices import (
    OfferPrice,
    OtherPrice,
    PriceKey,
    offer_prices,
    other_prices,
)
from app.exports.workbook.rows import (
    COUNT,
    LIVE_INPUTS,
    PERCENT,
    TEXT,
    USD,
    WHOLE,
    used_fields,
)

STYLES = {PERCENT: "in_percent", USD: "in_price", COUNT: "in_count", WHOLE: "in_count"}
HEADERS = (
    *("Input", "Value", "Unit", "From", "Name of the cell", "What it is"),
    *("As exported", "Since then"),
)
VALUE, EXPORTED, SINCE = 1, 6, 7
FIRST_ROW = 4
CHANGED = "changed"
EXPORTED_STYLES = {
    "in_percent": "held_percent",
    "in_price": "held_price",
    "in_count": "held_count",
    "in_date": "held_date",
    "in_text": "held_text",
}
ORIGIN = {"input": "yours", "default": "default"}


@dataclass(frozen=True, slots=True)
class Inputs:
    """Named cells.

    Parameters
    ----------
    cells : by name; a formula speaks of them by it.
    prices : of an instance-hour, by key of the offer.
    gpu_hours : price of a GPU-hour of training, by method.
    others : of what is no machine, by `price_key`.
    changed : how many yellow cells hold something else than at export. [count]
    """

    cells: dict[str, Live]
    prices: dict[str, Live]
    gpu_hours: dict[str, Live]
    others: dict[PriceKey, Live]
    changed: Live

    def __getitem__(self, name: str) -> Live:
        return self.cells[name]

    def of_field(self, field: str) -> Live:
        """The cell of a field of the scenario."""
        return self.cells[LIVE_INPUTS[field][0]]


def write_inputs(sheet: Sheet, report: Report, timeline: Timeline) -> Inputs:
    """Fill the sheet."""
    rows = {a.key: a for a in report.assumptions}
    cells: dict[str, Live] = {}
    sheet.text(0, 0, "Inputs", "title")
    sheet.text(
        1,
        0,
        "Change a yellow cell, and everything recalculates. Each has a name, which formulas use.",
        "note",
    )
    sheet.texts(3, 0, HEADERS, "head")
    at = FIRST_ROW
    sheet.text(at, 0, "First day of month 1")
    start = _yellow(sheet, at, day_number(timeline.start), "in_date")
    cells["start"] = sheet.book.name("start_date", start)
    month = rows.get("start_month")
    sheet.texts(at, 2, ("date", ORIGIN.get(month.kind, "") if month else "", "start_date"), "unit")
    sheet.text(at, 5, "Month 0, what is paid at the start, falls on it.", "small")
    at += 1
    used = used_fields(report)
    for field, (name, kind) in LIVE_INPUTS.items():
        if field not in used or (found := rows.get(field)) is None:
            continue
        cells[name] = _write_input(sheet, at, found, name, kind)
        at += 1
    sheet.text(at, 0, f"{report.currency.code} for one US dollar")
    rate = _yellow(sheet, at, report.currency.per_usd, "in_price")
    cells["currency_per_usd"] = sheet.book.name("currency_per_usd", rate)
    sheet.texts(
        at, 2, (report.currency.code, report.currency.valid_from, "currency_per_usd"), "unit"
    )
    at = _write_rates(sheet, at + 2, cells)
    prices = _write_prices(sheet, at + 1, offer_prices(report), report)
    at += 3 + len(prices)
    gpu_hours = _write_gpu_hours(sheet, at, report, prices)
    at += 2 + len(gpu_hours)
    others = _write_others(sheet, at, other_prices(report), report)
    range_ = sheet.column_range(FIRST_ROW, at + len(others), SINCE)
    changed = Live(f'COUNTIF({range_},"{CHANGED}")', 0.0)
    _write_held(sheet, at + 2 + len(others), report, used)
    sheet.widths(52, 18, 28, 12, 30, 90, 18, 12)
    sheet.lay_out(freeze=(4, 1), repeat=4)
    return Inputs(cells, prices, gpu_hours, others, changed)


def _yellow(sheet: Sheet, at: int, value: float | str, style: str) -> Live:
    """A cell to change, and beside it what it held at export and whether it still does."""
    if isinstance(value, str):
        sheet.text(at, VALUE, value, style)
        sheet.text(at, EXPORTED, value, EXPORTED_STYLES[style])
    else:
        sheet.number(at, VALUE, value, style)
        sheet.number(at, EXPORTED, value, EXPORTED_STYLES[style])
    cell, exported = (sheet.cell(at, col, value) for col in (VALUE, EXPORTED))
    same = choose(f"{cell.text}={exported.text}", True, words(""), words(CHANGED))
    sheet.formula(at, SINCE, same, "text")
    return cell


def _write_input(sheet: Sheet, at: int, found: Assumption, name: str, kind: str) -> Live:
    """One input, in the cell that is named for it."""
    sheet.text(at, 0, found.label, "wrap")
    if kind == TEXT or isinstance(found.value, str):
        cell = _yellow(sheet, at, str(found.value), "in_text")
        if name == "money_terms":
            sheet.worksheet.data_validation(
                at, 1, at, 1, {"validate": "list", "source": ["nominal", "real"]}
            )
    else:
        value = found.value / 100 if kind == PERCENT else float(found.value)
        cell = _yellow(sheet, at, value, STYLES[kind])
        _only_numbers(sheet, at, found.label, kind)
    unit = "share, shown as %" if kind == PERCENT else found.unit
    sheet.texts(at, 2, (unit, ORIGIN.get(found.kind, found.kind), name), "unit")
    sheet.text(at, 5, found.source, "small")
    return sheet.book.name(name, cell)


def _only_numbers(sheet: Sheet, at: int, label: str, kind: str) -> None:
    """Refuse what is no number of its kind, with words that say what would do."""
    what = {
        PERCENT: (-0.99, "a share such as 12%"),
        WHOLE: (1, "a whole number such as 12"),
        COUNT: (0, "a number such as 1200"),
        USD: (0, "an amount such as 12.50"),
    }[kind]
    sheet.worksheet.data_validation(
        at,
        1,
        at,
        1,
        {
            "validate": "integer" if kind == WHOLE else "decimal",
            "criteria": ">=",
            "value": what[0],
            "error_title": "This cannot be used",
            "error_message": f"{label[:150]}: enter {what[1]}.",
        },
    )


def _write_rates(sheet: Sheet, at: int, cells: dict[str, Live]) -> int:
    """What follows from the inputs at once, and constants of the calendar; the next free row."""
    sheet.texts(at, 0, ("What follows from them", "Value", "Unit", "", "Name", ""), "head")
    monthly = (1 + cells["discount_rate"]) ** (live(1) / 12) - 1
    error = cells["value_per_correct_answer_usd"]
    error = error + cells["hallucination_share"] * cells["hallucination_cost_usd"]
    error = error + cells["violation_share"] * cells["incident_share"] * cells["incident_cost_usd"]
    for name, label, term, style, unit in (
        ("monthly_rate", "Monthly rate, (1 + yearly)^(1/12) - 1", monthly, "factor", "a month"),
        (
            "usd_per_error",
            "Worth of an answer that is right instead of wrong, with errors and incidents",
            error,
            "price",
            "USD",
        ),
    ):
        at += 1
        sheet.text(at, 0, label, "wrap")
        cells[name] = sheet.book.name(name, sheet.formula(at, 1, term, style))
        sheet.texts(at, 2, (unit, "formula", name), "unit")
    return at + 1


def _write_prices(
    sheet: Sheet, at: int, prices: tuple[OfferPrice, ...], report: Report
) -> dict[str, Live]:
    """Prices of machines, one row for each offer that is paid for."""
    titles = {source.key: source.title for source in report.sources}
    sheet.texts(
        at, 0, ("Prices of machines", "USD/instance-hour", "What", "From", "Name", "Source"), "head"
    )
    found: dict[str, Live] = {}
    for place, price in enumerate(prices, 1):
        row, name = at + place, f"instance_hour_usd_{place}"
        sheet.text(row, 0, price.label, "wrap")
        cell = _yellow(sheet, row, price.usd_per_instance_hour, "in_price")
        _only_numbers(sheet, row, price.label, USD)
        sheet.texts(row, 2, (price.what, price.valid_from, name), "unit")
        sheet.text(row, 5, titles.get(price.source_key, price.source_key), "small")
        found[price.key] = sheet.book.name(name, cell)
    return found


def _write_others(
    sheet: Sheet, at: int, prices: tuple[OtherPrice, ...], report: Report
) -> dict[PriceKey, Live]:
    """Prices of what is no machine, such as storage."""
    titles = {source.key: source.title for source in report.sources}
    sheet.texts(at, 0, ("Other prices", "USD", "Unit", "", "Name", "Source"), "head")
    found: dict[PriceKey, Live] = {}
    for place, price in enumerate(prices, 1):
        row, name = at + place, f"{price.key[0]}_usd_{place}"
        sheet.text(row, 0, price.label, "wrap")
        cell = _yellow(sheet, row, price.usd, "in_price")
        _only_numbers(sheet, row, price.label, USD)
        sheet.texts(row, 2, (price.unit, "price list", name), "unit")
        sheet.text(row, 5, titles.get(price.source_key, price.source_key), "small")
        found[price.key] = sheet.book.name(name, cell)
    return found


def _write_gpu_hours(
    sheet: Sheet, at: int, report: Report, prices: dict[str, Live]
) -> dict[str, Live]:
    """What a GPU-hour of training costs each method, from the price of its instance."""
    sheet.texts(at, 0, ("Price of a GPU-hour of training", "USD", "", "", "Name", ""), "head")
    found: dict[str, Live] = {}
    for place, (m, _) in enumerate(with_money(report), 1):
        if m.plan is None:
            continue
        name = f"gpu_hour_usd_{m.method}"
        sheet.text(at + place, 0, m.label)
        term = prices[m.plan.offer_key] / m.plan.gpus_per_instance
        found[m.method] = sheet.book.name(name, sheet.formula(at + place, 1, term, "price"))
        sheet.texts(at + place, 2, (f"{m.plan.gpus_per_instance} GPUs", "formula", name), "unit")
    return found


def _write_held(sheet: Sheet, at: int, report: Report, used: frozenset[str]) -> None:
    """The other inputs, which a plan or a simulation stands on: changed in Tunecase."""
    sheet.texts(
        at,
        0,
        ("Other inputs, not used by formulas", "Value", "Unit", "From", "", "What it is"),
        "head",
    )
    sheet.text(
        at + 1,
        0,
        "Plans, release months and expected accuracy rest on them, or they price what is left out "
        "here at 0: change them in Tunecase and export anew.",
        "note",
    )
    at += 2
    for found in report.assumptions:
        if found.kind not in ORIGIN or found.key in {*(used & LIVE_INPUTS.keys()), "start_month"}:
            continue
        sheet.text(at, 0, found.label, "wrap")
        if isinstance(found.value, str):
            sheet.text(at, 1, found.value, "held_text")
        else:
            sheet.number(at, 1, float(found.value), "held_price")
        sheet.texts(at, 2, (found.unit, ORIGIN[found.kind], ""), "unit")
        sheet.text(at, 5, found.source, "small")
        at += 1
