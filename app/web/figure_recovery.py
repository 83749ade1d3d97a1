"""The chart of what adapters kept of the gain of full fine-tuning, by kind of task and rank."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.estimator.accuracy import Range
from app.estimator.evidence import HeadToHead
from app.web import show_numbers, show_words
from app.web.charts import Scale, nice_ticks, text_width
from app.web.evidence_numbers import Weighed, weighed
from app.web.evidence_query import RANK_LABELS, rank_range
from app.web.evidence_words import GROUPS, WITHIN, percent_span, whole_percent
from app.web.figures import SMALL, DataTable, Figure, Frame, Tick

Read = Callable[[HeadToHead], float | None]

MODEL, ALL, RANK = "model", "all", "rank"
"""Kinds of lanes: what the model expects, all rows of a kind of task, and those of a rank."""
LEAST, MOST = -0.5, 1.75
"""Shares that are drawn; what lies beyond ends at the edge with an arrow."""
_ROW, _HEADING = 19.0, 27.0


@dataclass(frozen=True, slots=True)
class RecoveryLane:
    """One mean with its range.

    Parameters
    ----------
    kind : `MODEL`, `ALL` or `RANK`.
    below, above : whether the range goes on beyond the drawing.
    text : the numbers, drawn where there is room.
    """

    kind: str
    group: str
    label: str
    y: float
    x: float
    low: float
    high: float
    below: bool
    above: bool
    text: str


@dataclass(frozen=True, slots=True)
class RecoveryHeading:
    """A kind of task."""

    label: str
    y: float


@dataclass(frozen=True, slots=True)
class RecoveryDrawing:
    """Lanes below one another; 100% is as much as full fine-tuning gained."""

    frame: Frame
    x_ticks: tuple[Tick, ...]
    nothing_x: float
    equal_x: float
    headings: tuple[RecoveryHeading, ...]
    lanes: tuple[RecoveryLane, ...]
    label_x: float
    text_x: float | None
    x_title: str


@dataclass(frozen=True, slots=True)
class _Line:
    kind: str
    group: str
    label: str
    mean: float
    low: float
    high: float
    studies: str
    rows: str


def recovery_figure(
    rows: Sequence[HeadToHead],
    read: Read,
    expected: Mapping[str, Range],
    rank: int,
    left_out: str,
) -> Figure[RecoveryDrawing] | None:
    """Means over studies; None where no row tells a share.

    Parameters
    ----------
    rows : those that count; read : their recovery.
    expected : by kind of task, what the model expects of one more study at `rank`.
    left_out : which rows do not count, as a sentence.
    """
    lines = [line for group in GROUPS for line in _lines(group, rows, read, expected, rank)]
    if not any(line.kind == ALL for line in lines):
        return None
    conclusion = _conclusion(lines)
    return Figure(
        key="recovery",
        title="Share of the gain of full fine-tuning that adapters kept",
        conclusion=conclusion,
        caption=f"{conclusion} Marks are means over studies, every study weighing the same; lines "
        "hold 80% of the rows. Diamonds with dashed lines: what our model expects of one more "
        f"study at rank {rank}, with its 80% range. {left_out}",
        wide=_drawing(lines, 760),
        narrow=_drawing(lines, 400),
        legend=(),
        table=DataTable(
            ("Kind of task", "What", "Share kept", "80% of it", "Studies", "Rows"),
            tuple(
                (
                    GROUPS[line.group],
                    line.label,
                    whole_percent(line.mean),
                    percent_span(line.low, line.high),
                    line.studies,
                    line.rows,
                )
                for line in lines
            ),
        ),
    )


def _lines(
    group: str, rows: Iterable[HeadToHead], read: Read, expected: Mapping[str, Range], rank: int
) -> list[_Line]:
    """All rows of a kind of task, then by rank where there are several, then the model."""
    mine = [row for row in rows if row.group == group]
    every = weighed(mine, read)
    if every is None:
        return []
    lines = [_measured(ALL, group, "all ranks", every)]
    by_rank = [
        (label, found)
        for key, label in RANK_LABELS.items()
        if (found := weighed((row for row in mine if rank_range(row.rank) == key), read))
    ]
    if len(by_rank) > 1:
        lines += [_measured(RANK, group, _rank_label(label), found) for label, found in by_rank]
    if group in expected:
        at = expected[group]
        label = f"model, rank {rank}"
        lines.append(
            _Line(
                MODEL, group, label, at.mean, at.p10, at.p90, show_numbers.NONE, show_numbers.NONE
            )
        )
    return lines


def _rank_label(label: str) -> str:
    return "no rank stated" if label == "not stated" else f"rank {label}"


def _measured(kind: str, group: str, label: str, found: Weighed) -> _Line:
    return _Line(
        kind, group, label, found.mean, found.low, found.high, f"{found.studies}", f"{found.rows}"
    )


def _conclusion(lines: Sequence[_Line]) -> str:
    parts = [
        f"{whole_percent(line.mean)} in {WITHIN[line.group]} "
        f"({show_words.plural(int(line.studies), 'study', 'studies')})"
        for line in lines
        if line.kind == ALL
    ]
    return f"Adapters kept {show_words.join_words(parts)}."


def _drawing(lines: Sequence[_Line], width: int) -> RecoveryDrawing:
    wide = width > 500
    label_width = max(text_width(line.label, SMALL) for line in lines)
    texts = [_text(line) for line in lines]
    beside = max(text_width(text, SMALL) for text in texts) + 14 if wide else 14.0
    left, right = round(label_width + 22, 1), round(width - beside, 1)
    shown = [v for line in lines for v in (line.low, line.high, line.mean)]
    ticks = nice_ticks(max(LEAST, min(0.0, *shown)), min(MOST, max(1.0, *shown)), 5 if wide else 3)
    x = Scale(ticks[0], ticks[-1], left, right)

    def at(value: float) -> float:
        return x(min(max(value, x.low), x.high))

    y, group = 4.0, ""
    headings, lanes = [], []
    for line, text in zip(lines, texts, strict=True):
        if line.group != group:
            group = line.group
            headings.append(RecoveryHeading(GROUPS[group], y + 16))
            y += _HEADING
        lanes.append(
            RecoveryLane(
                kind=line.kind,
                group=line.group,
                label=line.label,
                y=y + _ROW / 2,
                x=at(line.mean),
                low=at(line.low),
                high=at(line.high),
                below=line.low < x.low,
                above=line.high > x.high,
                text=text,
            )
        )
        y += _ROW
    bottom = y + 4
    return RecoveryDrawing(
        frame=Frame(width, int(bottom + 48), left, right, 4.0, bottom),
        x_ticks=tuple(Tick(x(v), whole_percent(v)) for v in ticks),
        nothing_x=at(0.0),
        equal_x=at(1.0),
        headings=tuple(headings),
        lanes=tuple(lanes),
        label_x=10.0,
        text_x=right + 12 if wide else None,
        x_title="Share of the gain kept",
    )


def _text(line: _Line) -> str:
    text = f"{whole_percent(line.mean)} ({percent_span(line.low, line.high)})"
    if line.kind == MODEL:
        return text
    studies = show_words.plural(int(line.studies), "study", "studies")
    return f"{text}, {show_words.plural(int(line.rows), 'row')} of {studies}"
