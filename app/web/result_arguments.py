"""The arguments that leaders hear, in numbers: what each method does to them, and in money."""

from __future__ import annotations

from dataclasses import dataclass

from app.estimator.currency import Currency
from app.estimator.report import ArgumentReport, ArgumentValue, Report
from app.inputs import ScenarioInput
from app.web import result_sources, show_amounts, show_numbers, show_units, show_words
from app.web.figures import currency_of
from app.web.result_parts import MethodHead, SourceMark


@dataclass(frozen=True, slots=True)
class ArgumentCell:
    """One method: the quantity with its 80% range, and what it costs or earns over the horizon."""

    value: str
    range: str
    money: str
    earns: bool


@dataclass(frozen=True, slots=True)
class FieldLink:
    """An input of the builder: its name and the id of its control."""

    label: str
    field_id: str


@dataclass(frozen=True, slots=True)
class ArgumentRow:
    """One argument.

    Parameters
    ----------
    quantity : what its numbers are, with their unit.
    counted : whether it is in the money.
    enter : inputs to fill in so that it is; none where it is counted.
    """

    key: str
    label: str
    quantity: str
    counted: bool
    enter: tuple[FieldLink, ...]
    cells: tuple[ArgumentCell, ...]
    note: str
    source: SourceMark


@dataclass(frozen=True, slots=True)
class ArgumentsView:
    """The section; `left_out` says how many are not counted, as a sentence."""

    methods: tuple[MethodHead, ...]
    rows: tuple[ArgumentRow, ...]
    horizon: str
    left_out: str


def arguments(report: Report, heads: tuple[MethodHead, ...]) -> ArgumentsView | None:
    """All arguments, those in the money first; None in reports that do not say."""
    if not report.arguments:
        return None
    able = tuple(head for head in heads if head.feasible)
    currency = currency_of(report)
    found = sorted(report.arguments, key=lambda argument: not _stands(argument))
    waiting = [argument.label for argument in found if not _stands(argument)]
    return ArgumentsView(
        methods=able,
        rows=tuple(_row(report, argument, able, currency) for argument in found),
        horizon=show_units.months(report.horizon_months),
        left_out=_left_out(waiting),
    )


def _stands(argument: ArgumentReport) -> bool:
    """Whether it is in the money, or says what it has to say without any."""
    return argument.counted or not argument.inputs


def _left_out(labels: list[str]) -> str:
    if not labels:
        return ""
    names = show_words.join_words([f"“{label}”" for label in labels])
    one = len(labels) == 1
    return (
        f"{names} {'is' if one else 'are'} not counted, because what drives "
        f"{'it' if one else 'them'} is 0."
    )


def _row(
    report: Report,
    argument: ArgumentReport,
    heads: tuple[MethodHead, ...],
    currency: Currency,
) -> ArgumentRow:
    by_method = {value.method: value for value in argument.values}
    stands = _stands(argument)
    return ArgumentRow(
        key=argument.key,
        label=argument.label,
        quantity=argument.quantity_label,
        counted=stands,
        enter=() if stands else tuple(_link(name) for name in _unset(report, argument)),
        cells=tuple(_cell(argument, by_method.get(head.method), currency) for head in heads),
        note=show_words.typeset(argument.note),
        source=result_sources.mark(report, argument.source),
    )


def _unset(report: Report, argument: ArgumentReport) -> tuple[str, ...]:
    """The inputs that are 0, which keep it out of the money; all of them where none is."""
    values = {item.key: item.value for item in report.assumptions}
    zero = tuple(name for name in argument.inputs if values.get(name) == 0)
    return zero or argument.inputs


def _link(name: str) -> FieldLink:
    field = ScenarioInput.model_fields.get(name)
    return FieldLink(field.title or name if field is not None else name, f"f-{name}")


def _cell(
    argument: ArgumentReport, found: ArgumentValue | None, currency: Currency
) -> ArgumentCell:
    """One method of an argument; a gain has its sign, other points have none."""
    if found is None:
        return ArgumentCell(show_numbers.NONE, "", "", earns=False)

    def write(value: float | None) -> str:
        signed = argument.key == "accuracy"
        return show_units.quantity(value, argument.unit, currency, signed=signed)

    between = ""
    if found.p10 is not None and found.p90 is not None:
        low, high = write(found.p10), write(found.p90)
        between = f"{low.removesuffix(f' {argument.unit}')} to {high}" if low != high else ""
    return ArgumentCell(
        value=write(found.quantity),
        range=between,
        money=_money(found.usd, currency),
        earns=found.usd is not None and found.usd < 0,
    )


def _money(usd: float | None, currency: Currency) -> str:
    """What it costs, or earns, in words: a sign would have to be explained.

    Examples
    --------
    >>> from app.estimator.currency import US_DOLLAR
    >>> _money(12_300, US_DOLLAR), _money(-450_000, US_DOLLAR), _money(0, US_DOLLAR)
    ('costs US$12.3\\xa0k', 'earns US$450\\xa0k', '')
    """
    if usd is None or round(usd) == 0:
        return ""
    return f"{'costs' if usd > 0 else 'earns'} {show_amounts.usd_short(abs(usd), currency)}"
