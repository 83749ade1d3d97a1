"""Head-to-heads as a CSV file for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping

from app.catalog.catalog import Study
from app.estimator.evidence import HeadToHead
from app.exports.csv_text import spreadsheet_cell
from app.web.evidence_numbers import gap
from app.web.figure_recovery import Read

Value = str | int | float | bool | None

_COLUMNS: tuple[tuple[str, Callable[[HeadToHead], Value]], ...] = (
    ("result", lambda r: r.key),
    ("study", lambda r: r.study),
    ("group", lambda r: r.group),
    ("regime", lambda r: r.regime),
    ("distance", lambda r: r.distance),
    ("domain", lambda r: r.domain),
    ("base_model", lambda r: r.base_model),
    ("params_b", lambda r: r.params_b),
    ("metric", lambda r: r.metric),
    ("metric_kind", lambda r: r.metric_kind),
    ("test_set_size", lambda r: r.test_set_size),
    ("train_examples", lambda r: r.train_examples),
    ("train_tokens", lambda r: r.train_tokens),
    ("method", lambda r: r.method),
    ("rank", lambda r: r.rank),
    ("targets", lambda r: r.targets),
    ("base_points", lambda r: r.base),
    ("full_points", lambda r: r.full),
    ("adapter_points", lambda r: r.adapter),
    ("gap_points", gap),
    ("retention", lambda r: r.retention),
    ("base_same_harness", lambda r: None if r.base is None else r.base_same_harness),
)


def as_csv(
    rows: Iterable[HeadToHead],
    studies: Mapping[str, Study],
    shared: Mapping[str, int],
    read: Read,
) -> str:
    """One head-to-head a line, unit in the name of its column; no cell is read as a formula.

    Parameters
    ----------
    shared : see `evidence_numbers.sharing`.
    read : share of the gain of full that a row's adapter kept.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = [name for name, _ in _COLUMNS]
    names += ["recovery_fraction", "rows_with_this_full_model"]
    writer.writerow([*names, "study_title", "study_year", "source", "locator"])
    for row in rows:
        study = studies[row.study]
        values: list[Value] = [value(row) for _, value in _COLUMNS]
        values += [read(row), shared[row.key], study.title, study.year, study.address, row.locator]
        writer.writerow([_cell(value) for value in values])
    return out.getvalue()


def _cell(value: Value) -> str:
    """A number without the noise of binary fractions, a text without a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return spreadsheet_cell(value) if isinstance(value, str) else f"{value:.10g}"
