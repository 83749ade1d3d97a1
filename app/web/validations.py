"""Measured runs beside predictions, as pages show them: rows, summaries, filters, factors, CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from urllib.parse import urlencode

from app.estimator.measured import MEMORY_METRICS, METRIC_LABELS, METRIC_UNITS, SPEED_METRIC
from app.estimator.recalibration import MEMORY, TIME, Multiplier
from app.estimator.scoring import Score
from app.exports.csv_text import spreadsheet_cell
from app.services.own_runs import Check
from app.services.validation import ValidationReport, ValidationRow, scores
from app.web import show_numbers, show_words
from app.web.forms import Option, Pairs
from app.web.scatter import NEAR, Scatter, scatters

MOST_ROWS_SHOWN = 1_000
TIME_KEY = "cluster_time_factor"
MEMORY_KEY = "cluster_memory_factor"
METHOD_NAMES = {"full": "Full", "lora": "LoRA", "qlora": "QLoRA", "dora": "DoRA"}
SOURCE_NAMES = {
    "answerai": "Answer.AI fsdp_qlora",
    "dgxstation": "NVIDIA DGX Station",
    "easyctx": "EasyContext",
    "fms": "IBM fms-acceleration (Hugging Face)",
    "litgpt": "LitGPT",
    "llmfoundry": "MosaicML llm-foundry",
    "llmq": "llmq",
    "llmqlf": "LLaMA-Factory, by llmq",
    "mbridge": "NVIDIA Megatron-Bridge",
    "mlperf": "MLPerf Training",
    "peft": "Hugging Face PEFT",
    "qwen1": "Qwen (Hugging Face)",
    "swift2": "ms-swift",
    "torchtune": "torchtune",
    "xtuner": "XTuner",
}
KIND_NAMES = {"memory": "Memory", "speed": "Tokens/s"}
SHORTCUTS = (
    ("MLPerf, Llama 2 70B", {"source": "mlperf"}),
    ("8 GPUs", {"gpus": "8"}),
    ("torchtune", {"source": "torchtune"}),
    ("Hugging Face", {"source": "fms"}),
    ("Megatron", {"source": "mbridge"}),
)
"""Filters that readers ask for, with their names."""


@dataclass(frozen=True, slots=True)
class RunRow:
    """One measured figure beside its prediction.

    Parameters
    ----------
    error : signed percentage, or a word where there is none.
    level : near, far or skipped.
    note : why it was skipped, or what else a reader should know.
    """

    id: str
    source: str
    model: str
    method: str
    hardware: str
    metric: str
    measured: str
    predicted: str
    interval: str
    error: str
    level: str
    note: str


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """Figures of one group of rows."""

    name: str
    detail: str
    rows: str
    skipped: str
    median: str
    p90: str
    coverage: str
    width: str


@dataclass(frozen=True, slots=True)
class RunsView:
    """Everything that is shown of a report.

    Parameters
    ----------
    more : how many rows are not shown, 0 for none.
    """

    sentences: tuple[str, ...]
    charts: tuple[Scatter, ...]
    summary: tuple[ScoreRow, ...]
    sources: tuple[ScoreRow, ...]
    rows: tuple[RunRow, ...]
    more: int
    unscored: str


@dataclass(frozen=True, slots=True)
class Select:
    """A choice of the filter."""

    name: str
    label: str
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """A named address."""

    label: str
    address: str


@dataclass(frozen=True, slots=True)
class PublishedView:
    """The published runs on the method page.

    Parameters
    ----------
    view : None where the filter leaves nothing.
    whole : whether nothing is filtered out.
    """

    view: RunsView | None
    whole: bool
    filters: tuple[Select, ...]
    shortcuts: tuple[Link, ...]
    download: str


@dataclass(frozen=True, slots=True)
class FactorView:
    """A factor that the own runs suggest."""

    label: str
    factor: str
    range: str
    basis: str
    effect: str


@dataclass(frozen=True, slots=True)
class CheckView:
    """The result of a check of own runs.

    Parameters
    ----------
    estimate : address of an estimate with the factors, empty where there are none.
    """

    view: RunsView
    factors: tuple[FactorView, ...]
    estimate: str


def runs_view(rows: Sequence[ValidationRow], unscored: Mapping[str, int]) -> RunsView:
    """Rows of a report, with their charts and figures.

    Parameters
    ----------
    rows : at least one.
    unscored : what was read but not scored, by the reason.
    """
    by_source = scores(rows, "source", "metric")
    return RunsView(
        sentences=tuple(_sentence(kind, found) for kind, found in _by_kind(rows).items()),
        charts=scatters(rows, "runs"),
        summary=tuple(
            _score_row(METRIC_LABELS[metric], METHOD_NAMES.get(method, method), found)
            for (metric, method), found in scores(rows, "metric", "method").items()
        ),
        sources=tuple(
            _score_row(SOURCE_NAMES.get(source, source), METRIC_LABELS[metric], found)
            for (source, metric), found in by_source.items()
        )
        if len({source for source, _ in by_source}) > 1
        else (),
        rows=tuple(_run_row(row) for row in rows[:MOST_ROWS_SHOWN]),
        more=max(0, len(rows) - MOST_ROWS_SHOWN),
        unscored=show_words.join_words(
            [f"{reason} ({count:,})" for reason, count in unscored.items()]
        ),
    )


def published_view(report: ValidationReport, asked: Pairs) -> PublishedView:
    """The published runs that a filter leaves.

    Parameters
    ----------
    asked : pairs of the address; unknown names and blank values filter nothing.
    """
    chosen = {name: value for name, value in asked if name in _FILTERS and value}
    kept = filtered(report.rows, asked)
    filters = []
    for name, (label, read, written) in _FILTERS.items():
        known = sorted({read(row) for row in report.rows}, key=lambda v: _order(v, written))
        options = [Option("", "All", name not in chosen)]
        options += [
            Option(value, written.get(value, value), value == chosen.get(name)) for value in known
        ]
        filters.append(Select(name, label, tuple(options)))
    return PublishedView(
        view=runs_view(kept, report.unscored) if kept else None,
        whole=not chosen,
        filters=tuple(filters),
        shortcuts=tuple(
            Link(label, f"/method?{urlencode(pairs)}#runs") for label, pairs in SHORTCUTS
        ),
        download="/method/runs.csv" + (f"?{urlencode(chosen)}" if chosen else ""),
    )


def _order(value: str, written: Mapping[str, str]) -> tuple[int, str]:
    """Numbers by size, words by what is written for them."""
    return (int(value), "") if value.isdigit() else (0, written.get(value, value).lower())


def filtered(rows: Sequence[ValidationRow], asked: Pairs) -> list[ValidationRow]:
    """The rows that agree with the pairs of an address."""
    chosen = [(_FILTERS[name][1], value) for name, value in asked if name in _FILTERS and value]
    return [row for row in rows if all(read(row) == value for read, value in chosen)]


def check_view(check: Check, scenario: Pairs) -> CheckView:
    """The result of a check of own runs.

    Parameters
    ----------
    scenario : the estimate that the factors are carried into, without them.
    """
    keys = {TIME: TIME_KEY, MEMORY: MEMORY_KEY}
    found = [(keys[kind], multiplier) for kind, multiplier in check.multipliers.items()]
    carried = [(name, value) for name, value in scenario if name not in _ASSUMPTIONS]
    carried += [(f"assumptions.{key}", f"{multiplier.factor:.3f}") for key, multiplier in found]
    return CheckView(
        view=runs_view(check.report.rows, check.report.unscored),
        factors=tuple(_factor(multiplier) for _, multiplier in found),
        estimate=f"/estimate?{urlencode(carried)}" if found else "",
    )


def as_csv(rows: Sequence[ValidationRow]) -> str:
    """All columns of the rows; no cell is read as a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = [field.name for field in fields(ValidationRow)]
    writer.writerow(names)
    for row in rows:
        writer.writerow([_cell(getattr(row, name)) for name in names])
    return out.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return spreadsheet_cell(str(value)) if isinstance(value, str) else repr(value)


def kind_of(metric: str) -> str:
    """Memory or speed.

    Examples
    --------
    >>> kind_of("smi_gib"), kind_of("tokens_per_s_per_gpu")
    ('memory', 'speed')
    """
    return "speed" if metric == SPEED_METRIC else "memory"


_FILTERS: Mapping[str, tuple[str, Callable[[ValidationRow], str], Mapping[str, str]]] = {
    "source": ("Source", lambda row: row.source, SOURCE_NAMES),
    "method": ("Method", lambda row: row.method, METHOD_NAMES),
    "kind": ("Figure", lambda row: kind_of(row.metric), KIND_NAMES),
    "gpu": ("GPU", lambda row: row.accelerator or row.gpu, {}),
    "gpus": ("GPUs of the run", lambda row: str(row.gpus), {}),
}
"""Name in the address: label, what it compares, and the words for its values."""
_ASSUMPTIONS = {f"assumptions.{TIME_KEY}", f"assumptions.{MEMORY_KEY}"}


def _by_kind(rows: Sequence[ValidationRow]) -> dict[str, Score]:
    kinds = {}
    for kind, metrics in (("memory", MEMORY_METRICS), ("speed", (SPEED_METRIC,))):
        of_kind = [row for row in rows if row.metric in metrics]
        if of_kind:
            kinds[kind] = scores(of_kind)[()]
    return kinds


def _sentence(kind: str, found: Score) -> str:
    what = "Memory" if kind == "memory" else "Tokens/s"
    counted = show_words.plural(found.n, "row")
    if found.skipped == found.n:
        return f"{what}: {counted}, none of which could be predicted."
    skipped = (
        f", {found.skipped} of them skipped (each counts as an error of 100%)"
        if found.skipped
        else ""
    )
    if found.n == 1:
        inside = (
            ""
            if found.coverage80 is None
            else (
                ", and its measured value lies in the 80% range"
                if found.coverage80
                else ", and its measured value lies outside the 80% range"
            )
        )
        return (
            f"{what}: 1 row. The prediction is {show_numbers.share(found.median_ape)} off{inside}."
        )
    coverage = (
        ""
        if found.coverage80 is None
        else f" {found.coverage80:.0%} of the measured values lie in the 80% range."
    )
    return (
        f"{what}: {counted}{skipped}. Half of the predictions are within "
        f"{show_numbers.share(found.median_ape)} of what was measured, nine in ten within "
        f"{show_numbers.share(found.p90_ape)}.{coverage}"
    )


def _score_row(name: str, detail: str, found: Score) -> ScoreRow:
    return ScoreRow(
        name=name,
        detail=detail,
        rows=show_numbers.number(found.n),
        skipped=show_numbers.number(found.skipped),
        median=show_numbers.share(found.median_ape),
        p90=show_numbers.share(found.p90_ape),
        coverage=show_numbers.NONE if found.coverage80 is None else f"{found.coverage80:.0%}",
        width=show_numbers.share(found.median_width),
    )


def _run_row(row: ValidationRow) -> RunRow:
    as_printed = row.gpu if row.accelerator and row.gpu != row.accelerator else ""
    notes = [
        row.skipped or "",
        "" if row.known_stack is not False else "software that nothing was calibrated on",
        f"printed as {as_printed}" if as_printed else "",
        "graded B" if row.quality == "B" else "",
    ]
    outside = (
        row.low is not None and row.high is not None and not row.low <= row.measured <= row.high
    )
    if outside:
        notes.insert(0, "outside the 80% range")
    if row.error is None:
        error, level = "skipped", "skipped"
    else:
        error = show_numbers.number(row.error * 100, 1, plus=True) + "%"
        level = "near" if abs(row.error) <= NEAR else "far"
    unit = METRIC_UNITS[row.metric]
    settings = [] if row.sequence_length is None else [f"{row.sequence_length:,} tokens"]
    return RunRow(
        id=row.id,
        source=SOURCE_NAMES.get(row.source, row.source),
        model=row.model,
        method=METHOD_NAMES.get(row.method, row.method),
        hardware=", ".join(
            [f"{row.gpus:,} × {row.accelerator or row.gpu or 'GPU not stated'}", *settings]
        ),
        metric=METRIC_LABELS[row.metric],
        measured=f"{show_numbers.significant(row.measured, 4)} {unit}",
        predicted=show_numbers.significant(row.predicted, 4),
        interval=show_numbers.NONE
        if row.low is None
        else f"{show_numbers.significant(row.low)} to {show_numbers.significant(row.high)}",
        error=error,
        level=level,
        note="; ".join(note for note in notes if note),
    )


def _factor(found: Multiplier) -> FactorView:
    time = found.kind == TIME
    taken = "take" if time else "need"
    what = "the estimated time" if time else "the estimated memory"
    return FactorView(
        label="Step time" if time else "Memory of a GPU",
        factor=f"× {found.factor:.2f}",
        range=f"80% range {found.low:.2f} to {found.high:.2f}",
        basis=f"Your {show_words.plural(found.runs, 'run')} "
        f"{taken}{'s' if found.runs == 1 else ''} {found.raw:.2f} times {what} on average; "
        f"{found.weight:.0%} of that is kept, the rest is left to the published runs.",
        effect=f"Median error {show_numbers.share(found.before)} before"
        + (
            "; a second run is needed to tell what it is after."
            if found.after is None
            else f", {show_numbers.share(found.after)} after, each run judged by the factor of the "
            "others."
            + (
                " It does not help these runs: measure more before you use it."
                if found.after >= found.before
                else ""
            )
        ),
    )
