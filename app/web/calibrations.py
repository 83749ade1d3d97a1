"""How the fitted constants were found, and how far predictions of left-out runs were off."""

from __future__ import annotations

from dataclasses import dataclass

from app.catalog.calibration import CalibrationDocument, CurvePoint, ErrorEntry
from app.web import show_dates, show_numbers
from app.web.charts import Scale, path
from app.web.figures import DataTable, Frame, Tick
from app.web.validations import METHOD_NAMES, SOURCE_NAMES

SPLIT_NAMES = {
    "group": "Known software, new model, GPU or method",
    "source": "A source never seen",
    "chip": "A class of GPUs never seen",
}
TARGET_NAMES = {
    "time": "Tokens/s",
    "allocated": "Memory, allocated",
    "reserved": "Memory, reserved or seen by the driver",
}


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """Errors of runs that the fit had not seen."""

    split: str
    target: str
    detail: str
    grade: str
    rows: str
    median: str
    p90: str
    coverage: str
    width: str


@dataclass(frozen=True, slots=True)
class CurveDrawing:
    """Predicted probability to the right, observed share upwards; on the diagonal both agree."""

    frame: Frame
    ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    diagonal: str
    line: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """The chart of the probability of running out of memory, with its words and numbers."""

    key: str
    title: str
    conclusion: str
    wide: CurveDrawing
    narrow: CurveDrawing
    table: DataTable


@dataclass(frozen=True, slots=True)
class CalibrationView:
    """The calibration as the method page shows it."""

    fitted_on: str
    data_hash: str
    sentence: str
    errors: tuple[ErrorRow, ...]
    sources: tuple[ErrorRow, ...]
    curve: Curve


def calibration_view(found: CalibrationDocument) -> CalibrationView:
    """The calibration in words, tables and a chart."""
    folds = found.folds
    return CalibrationView(
        fitted_on=show_dates.day(found.fitted_on),
        data_hash=found.data_hash[:12],
        sentence=f"{len(found.constants)} constants were fitted on {found.rows['time']:,} speeds "
        f"and {found.rows['memory']:,} memory peaks. Each row below is the error of runs that "
        "were left out of the fit that predicts them: "
        f"{folds['time_group'] + folds['memory_group']} groups of model, GPU and method inside "
        f"known software, then {folds['time_source'] + folds['memory_source']} whole sources.",
        errors=tuple(_row(entry) for entry in found.errors if not entry.source),
        sources=tuple(_row(entry) for entry in found.errors if entry.source),
        curve=_curve(found),
    )


def _row(entry: ErrorEntry) -> ErrorRow:
    return ErrorRow(
        split=SPLIT_NAMES.get(entry.split, entry.split),
        target=TARGET_NAMES.get(entry.target, entry.target),
        detail=SOURCE_NAMES.get(entry.source, entry.source)
        or METHOD_NAMES.get(entry.method, entry.method),
        grade=entry.grade,
        rows=show_numbers.number(entry.n),
        median=show_numbers.share(entry.median_ape),
        p90=show_numbers.share(entry.p90_ape),
        coverage=f"{entry.coverage80:.0%}",
        width=show_numbers.share(entry.median_width),
    )


def _curve(found: CalibrationDocument) -> Curve:
    tested = found.out_of_memory
    points = [point for point in tested.curve if point.n]
    return Curve(
        key="out-of-memory",
        title="Out of memory: predicted probability against what happened",
        conclusion=f"{tested.n:,} cases: peaks that are known, against cards of many sizes. The "
        "mean squared error of the predicted probability is "
        f"{show_numbers.significant(tested.brier, 2)}, against "
        f"{show_numbers.significant(tested.base_rate_brier, 2)} for always saying how often it "
        "happens. Where the points lie above the line, runs fail more often than predicted.",
        wide=_drawing(points, 560, 380),
        narrow=_drawing(points, 400, 340),
        table=DataTable(
            ("Predicted", "Ran out of memory", "Cases"),
            tuple(
                (f"{p.predicted:.0%}", f"{p.observed:.0%}", show_numbers.number(p.n))
                for p in points
            ),
        ),
    )


def _drawing(points: list[CurvePoint], width: int, height: int) -> CurveDrawing:
    left, right, top, bottom = 52.0, width - 24.0, 10.0, height - 48.0
    x, y = Scale(0, 1, left, right), Scale(0, 1, bottom, top)
    shares = (0.0, 0.25, 0.5, 0.75, 1.0)
    drawn = [(x(point.predicted), y(point.observed)) for point in points]
    return CurveDrawing(
        frame=Frame(width, height, left, right, top, bottom),
        ticks=tuple(Tick(x(share), f"{share:.0%}") for share in shares),
        y_ticks=tuple(Tick(y(share), f"{share:.0%}") for share in shares),
        diagonal=f"M{left:g} {bottom:g}L{right:g} {top:g}",
        line=path([px for px, _ in drawn], [py for _, py in drawn]) if drawn else "",
        points=tuple(drawn),
    )
