"""What a result rests on: every input and constant with its kind and source."""

from __future__ import annotations

from app.estimator.report import Assumption, Report
from app.web import result_sources, show_numbers, show_words
from app.web.choices import choice_label
from app.web.result_parts import AssumptionRow

KIND_LABELS = {
    "input": "You entered",
    "default": "Our default, not changed",
    "fact": "Published fact",
    "derived": "Derived from published figures",
    "assumption": "Our judgement",
    "fitted": "Fitted to published runs",
}
_LONGEST_TEXT = 120


def rows(report: Report) -> tuple[AssumptionRow, ...]:
    """The table of what the report rests on."""
    return tuple(_assumption(report, item) for item in report.assumptions)


def _plain_number(value: float) -> str:
    """A quantity or unit price with no more decimals than it has (at most four)."""
    text = show_numbers.number(value, 4)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _words(report: Report, item: Assumption) -> str:
    """A choice by its name, a price book by its label, and a long text by its beginning."""
    if item.key == "price_book":
        return report.price_book or "built-in list prices"
    text = choice_label(item.key, str(item.value))
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"


def worded(report: Report, item: Assumption) -> str:
    """The value of an assumption with its unit."""
    value = _words(report, item) if isinstance(item.value, str) else _plain_number(item.value)
    if not isinstance(item.value, str) and value == "0" and item.value != 0:
        value = show_numbers.significant(item.value)
    return show_words.with_unit(value, item.unit) if item.unit != "%" else f"{value}%"


def _assumption(report: Report, item: Assumption) -> AssumptionRow:
    return AssumptionRow(
        label=item.label,
        value=worded(report, item),
        kind=item.kind,
        kind_label=KIND_LABELS.get(item.kind, item.kind),
        changed=item.changed,
        source=result_sources.mark(report, item.source),
    )
