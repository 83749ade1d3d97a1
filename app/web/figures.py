"""What all charts of a report share: frames, ticks, words and the numbers beside a drawing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from app.estimator.currency import Currency
from app.estimator.report import Report
from app.inputs import METHOD_LABELS
from app.web import show_amounts

SMALL = 12.5
"""Size of the smaller text in a drawing. [px of the viewBox]"""
_SHORT = {"full": "Full"}
"""Where a direct label has little room."""

Drawing = TypeVar("Drawing")


@dataclass(frozen=True, slots=True)
class Tick:
    """A grid line and its label."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Frame:
    """Size of a drawing and the rectangle that data is drawn in. [px]"""

    width: int
    height: int
    left: float
    right: float
    top: float
    bottom: float


@dataclass(frozen=True, slots=True)
class DataTable:
    """The numbers of a chart, for those who read them instead."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Figure(Generic[Drawing]):
    """A chart in two shapes (wide, and narrow for phones), with its words and numbers.

    Parameters
    ----------
    lead : the conclusion, where it stands above the drawing; empty where the caption says it.
    """

    key: str
    title: str
    conclusion: str
    caption: str
    wide: Drawing
    narrow: Drawing
    legend: tuple[tuple[int, str], ...]
    table: DataTable
    lead: str = ""


def currency_of(report: Report) -> Currency:
    """What amounts of the report are written in; the report itself holds US dollars."""
    found = report.currency
    return Currency(found.code, found.digits, found.per_usd)


class Write(Protocol):
    """Writes an amount that is in the shown currency already; see `writer`."""

    def __call__(self, value: float, *, trim: bool = False) -> str: ...


def writer(currency: Currency) -> Write:
    """Short amounts of a currency, as drawings have them.

    Examples
    --------
    >>> writer(Currency("EUR", 2, 0.9))(91_000, trim=True)
    '€91\\xa0k'
    """

    def write(value: float, *, trim: bool = False) -> str:
        return show_amounts.amount_short(value, currency, trim=trim)

    return write


_FIGURES = {
    "gpu_price": "GPU prices",
    "price": "GPU prices",
    "training_time": "training time",
    "time": "training time",
    "accuracy": "accuracy",
    "value": "the worth of an answer",
    "adoption": "the number of answers",
}


def within(figure: str) -> str:
    """The name of an uncertain figure within a sentence, by its key.

    Examples
    --------
    >>> within("value"), within("time")
    ('the worth of an answer', 'training time')
    """
    return _FIGURES.get(figure, figure.replace("_", " "))


def name_of(method: str) -> str:
    """What a reader calls a method, without its rank.

    Examples
    --------
    >>> name_of("full"), name_of("lora")
    ('Full fine-tuning', 'LoRA')
    """
    return METHOD_LABELS.get(method, method)


def name_within(method: str) -> str:
    """The name of a method within a sentence.

    Examples
    --------
    >>> name_within("full"), name_within("qlora")
    ('full fine-tuning', 'QLoRA')
    """
    return name_of(method).lower() if method == "full" else name_of(method)


def tag(method: str) -> str:
    """The shortest name of a method."""
    return _SHORT.get(method, name_of(method))
