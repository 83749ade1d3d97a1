"""The sheets of assumptions and sources: the whole ledger of the report, and how to read it all."""

from __future__ import annotations

from app.estimator.report import Report
from app.exports.workbook.paper import Sheet

KINDS = {
    "input": "yours",
    "default": "default, not changed",
    "fact": "sourced fact",
    "derived": "derived from published figures",
    "fitted": "fitted to published runs",
    "assumption": "our judgement",
}
LEDGER_HEADS = ("Assumption", "Value", "Unit", "Kind", "Source or reason", "Key")
SOURCE_HEADS = ("Source", "Publisher", "Where", "Retrieved", "Key")


def write_assumptions(sheet: Sheet, report: Report) -> None:
    """Every number that the report rests on, and every source that it cites."""
    titles = {s.key: f"{s.title} ({s.publisher}, {s.retrieved})" for s in report.sources}
    sheet.text(0, 0, "Assumptions and sources", "title")
    sheet.texts(2, 0, LEDGER_HEADS, "head")
    at = 3
    for found in report.assumptions:
        sheet.text(at, 0, found.label, "wrap")
        if isinstance(found.value, str):
            sheet.text(at, 1, found.value, "words")
        else:
            sheet.number(at, 1, float(found.value), "plain")
        kind = KINDS.get(found.kind, found.kind)
        if found.changed and found.kind != "input":
            kind += ", changed"
        sheet.texts(at, 2, (found.unit, kind), "unit")
        sheet.text(at, 4, titles.get(found.source, found.source), "small")
        sheet.text(at, 5, found.key, "small")
        at += 1
    last = at - 1
    sheet.worksheet.autofilter(2, 0, last, len(LEDGER_HEADS) - 1)
    at += 1
    sheet.text(at, 0, "Sources", "section")
    sheet.texts(at + 1, 0, SOURCE_HEADS, "head")
    for place, source in enumerate(report.sources, at + 2):
        sheet.text(place, 0, source.title, "wrap")
        sheet.text(place, 1, source.publisher, "wrap")
        sheet.text(place, 2, source.locator, "small")
        sheet.text(place, 3, source.retrieved)
        sheet.text(place, 4, source.key, "small")
    sheet.widths(56, 18, 24, 24, 70, 34)
    sheet.lay_out(freeze=(3, 1), repeat=3)
