"""The bill of infrastructure as the result page shows it: lines by kind, methods side by side."""

from __future__ import annotations

from collections.abc import Sequence

from app.estimator.report import MethodReport, Report
from app.estimator.report_plans import BillEntry
from app.web import show_numbers, show_units
from app.web.result_parts import BillGroup, BillRow, BillTable, Cell, MethodHead

GROUPS = {
    "compute": "Machines",
    "memory": "GPU memory",
    "links": "Links, in one direction",
    "host": "Host memory",
    "storage": "Storage",
    "network": "Network traffic",
    "skills": "Skills",
}
"""Headings by the first part of a line's key."""
_OURS = "our assumption"
_IN_GIB = {"memory", "host"}


def bill(report: Report, heads: Sequence[MethodHead]) -> BillTable | None:
    """One table over all methods that have a plan; None where no report has a bill.

    Parameters
    ----------
    heads : of all methods of the report, in their order.
    """
    pairs = zip(report.methods, heads, strict=True)
    able = [(m, head) for m, head in pairs if m.infrastructure]
    if not able:
        return None
    groups = []
    for key in dict.fromkeys(_group(entry) for m, _ in able for entry in m.infrastructure):
        rows = tuple(_rows(key, [m for m, _ in able]))
        groups.append(BillGroup(key, GROUPS.get(key, key.capitalize()), rows))
    return BillTable(tuple(head for _, head in able), tuple(groups))


def _group(entry: BillEntry) -> str:
    return entry.key.partition(".")[0]


def _rows(group: str, methods: Sequence[MethodReport]) -> list[BillRow]:
    by_method = [
        {entry.key: entry for entry in m.infrastructure if _group(entry) == group} for m in methods
    ]
    rows = []
    for key in _in_order([list(entries) for entries in by_method]):
        found = [entries.get(key) for entries in by_method]
        notes = {_note(entry) for entry in found if entry is not None}
        labels = dict.fromkeys(entry.label for entry in found if entry is not None)
        shared = notes.pop() if len(notes) == 1 else ""
        rows.append(
            BillRow(
                label=" or ".join([*labels][:1] + [text.lower() for text in [*labels][1:]]),
                note=shared,
                cells=tuple(
                    Cell(show_numbers.NONE)
                    if entry is None
                    else Cell(quantity(entry), note="" if shared else _note(entry))
                    for entry in found
                ),
            )
        )
    return rows


def _in_order(lists: Sequence[Sequence[str]]) -> list[str]:
    """The keys of all lists, each list's order kept.

    Examples
    --------
    >>> _in_order([["a", "c"], ["a", "b", "c"]])
    ['a', 'b', 'c']
    """
    found: list[str] = []
    for keys in lists:
        at = 0
        for key in keys:
            if key in found:
                at = found.index(key) + 1
            else:
                found.insert(at, key)
                at += 1
    return found


def _note(entry: BillEntry) -> str:
    parts = [entry.note, _OURS if entry.source == "assumption" and entry.unit != "skill" else ""]
    return "; ".join(part for part in parts if part)


def quantity(entry: BillEntry) -> str:
    """The quantity of a line in the unit that a person would use.

    Examples
    --------
    >>> quantity(BillEntry("links.a", "A", 9e11, "bytes/s", "", ""))
    '900\\xa0GB/s'
    """
    if entry.unit == "bytes":
        write = show_units.gib if _group(entry) in _IN_GIB else show_units.data_size
        return write(entry.quantity)
    if entry.unit == "bytes/s":
        return f"{show_units.data_size(entry.quantity)}/s"
    if entry.unit == "skill":
        return "needed"
    text = show_numbers.number(entry.quantity, 1).removesuffix(".0")
    one = entry.unit.removesuffix("s") if text == "1" else entry.unit
    return f"{text} {one}".strip()
