"""One page for a board: the verdict, its figures, one chart and what it rests on.

Everything on it can grow only so far, so that it stays one page: texts are cut at a word, and the
tables have a fixed number of rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import segno

from app.estimator.leading import leading_method
from app.estimator.report import Assumption, MethodReport, Report, Turn
from app.inputs import TASK_GROUP_LABELS
from app.web import (
    result_assumptions,
    result_currency,
    result_table,
    results,
    show_amounts,
    show_dates,
    show_numbers,
    show_units,
    show_words,
)
from app.web.figure_cash_flow import CashFlowDrawing, cash_flow
from app.web.figures import Figure, Frame, currency_of, name_of, name_within
from app.web.result_knowing import after_tax
from app.web.result_parts import KeyFigure
from app.web.result_verdict import PILOT_CHOICES, rivals

CHART = Frame(760, 262, 76, 620, 14, 210)
MOST_TITLE = 120
MOST_NAME = 70
MOST_WORDS = 330
"""Characters that the sentences below the headline may take."""
MOST_LINE = 160
MOST_ASSUMPTIONS = 5

USUAL_ASSUMPTIONS = (
    "value_per_correct_answer_usd",
    "answers_per_month",
    "base_accuracy_points",
    "incident_cost_usd",
    "hallucination_cost_usd",
    "margin_per_answer_usd",
    "engineer_weeks_adapter",
    "engineer_weeks_full",
    "engineer_week_usd",
    "data_preparation_usd",
    "release_fixed_usd",
    "horizon_months",
    "discount_rate_percent",
)
"""What money hangs on most, after the inputs that would turn the verdict: those that were entered
first. Assumption."""


@dataclass(frozen=True, slots=True)
class BoardRow:
    """One method in a line, or doing nothing, which has the key neither.

    `gain_range` and `npv_range` are 80% ranges, and may be empty.
    """

    method: str
    label: str
    chosen: bool
    total: str
    npv: str
    npv_range: str
    payback: str
    best: str
    gain: str
    gain_range: str


@dataclass(frozen=True, slots=True)
class BoardAssumption:
    """One input that the answer hangs on; `note` is why it is here, or whose figure it is."""

    label: str
    value: str
    note: str


@dataclass(frozen=True, slots=True)
class QrCode:
    """A square code.

    Parameters
    ----------
    size : of a side with its quiet zone. [modules]
    d : its dark modules as a path, a unit for each.
    """

    size: int
    d: str


@dataclass(frozen=True, slots=True)
class BoardView:
    """Everything on the page.

    Parameters
    ----------
    subject : who or what it is about: model, data, task.
    because : one or two sentences of the verdict.
    alike : what is read with the chances of methods that share them; may be empty.
    link : absolute address; empty where the result was not saved.
    """

    title: str
    day: str
    subject: str
    headline: str
    because: str
    figures: tuple[KeyFigure, ...]
    rows: tuple[BoardRow, ...]
    alike: str
    cash_flow: Figure[CashFlowDrawing] | None
    assumptions: tuple[BoardAssumption, ...]
    sources: tuple[str, ...]
    link: str
    code: QrCode | None


def view(
    report: Report, *, title: str, day: date | str, link: str, names: Mapping[str, str]
) -> BoardView:
    """The page of a report.

    Parameters
    ----------
    day : on which it was computed or saved.
    link : absolute address of the saved result, or empty.
    names : of currencies by their code.
    """
    headline, rest = show_words.first_sentence(show_words.typeset(report.verdict.headline))
    return BoardView(
        title=clipped(title or report.title or "Untitled scenario", MOST_TITLE),
        day=show_dates.day(day),
        subject=_subject(report),
        headline=headline,
        because=_because(report, rest),
        figures=tuple(_figures(report)),
        rows=(*(_row(report, m) for m in report.methods), *_nothing(report)),
        alike=result_table.alike(report),
        cash_flow=cash_flow(report, CHART),
        assumptions=_assumptions(report),
        sources=tuple(_sources(report, names)),
        link=link,
        code=qr_code(link) if link else None,
    )


def clipped(text: str, most: int) -> str:
    """A text of at most so many characters, cut at a word where there is one.

    Examples
    --------
    >>> clipped("Contract review", 40), clipped("Contract review", 12), clipped("x" * 9, 5)
    ('Contract review', 'Contract…', 'xxxx…')
    """
    if len(text) <= most:
        return text
    cut = text[: most - 1]
    at_word = cut.rpartition(" ")[0]
    return f"{(at_word if len(at_word) > most // 2 else cut).rstrip(' ,;:.')}…"


def _subject(report: Report) -> str:
    data = report.data
    task = TASK_GROUP_LABELS.get(report.evidence.task_group, "") if report.evidence else ""
    situation = results.SITUATION_LABELS.get(report.situation, "")
    return " · ".join(
        part
        for part in (
            clipped(report.model.label, MOST_NAME),
            f"{show_words.plural(data.examples, 'training example')} of "
            f"{show_words.plural(data.tokens_per_example, 'token')}",
            situation or task.partition(":")[0],
            f"{show_units.months(report.horizon_months)} at "
            f"{show_numbers.share(report.discount_rate_fraction)} a year",
        )
        if part
    )


def _because(report: Report, rest: str) -> str:
    """The rest of the headline, and the next sentence where there is room for it."""
    said = clipped(rest, MOST_WORDS)
    for sentence in report.verdict.sentences[:1]:
        longer = f"{said} {show_words.typeset(sentence)}".strip()
        if len(longer) <= MOST_WORDS:
            said = longer
    return said


def _figures(report: Report) -> Iterator[KeyFigure]:
    """Worth, cost, payback, chance and what a pilot would bring."""
    leader = leading_method(report)
    currency = currency_of(report)
    horizon = show_units.months(report.horizon_months)
    if leader is not None:
        name = name_within(leader.method)
        if leader.npv_usd is not None:
            yield KeyFigure(
                f"Net present value, {name}",
                show_amounts.usd_short(leader.npv_usd.mean, currency),
                show_units.span(leader.npv_usd, currency=currency),
                f"over {horizon}",
            )
        yield KeyFigure(
            f"Total cost, {name}",
            show_amounts.usd_short(leader.total_usd, currency),
            show_units.span(leader.total_usd_range, currency=currency)
            if leader.total_usd_range
            else "",
            f"over {horizon}, undiscounted",
        )
        yield KeyFigure(
            f"Payback, {name}",
            show_units.months(leader.payback_months)
            if leader.payback_months is not None
            else "none",
            "",
            f"pays within {horizon} in {show_numbers.percent(leader.probability_pays)} of cases",
        )
    yield from _chance(report)
    yield from _pilot(report)


def _chance(report: Report) -> Iterator[KeyFigure]:
    verdict = report.verdict
    if verdict.choice in PILOT_CHOICES and report.comparison is not None:
        over = name_within(report.comparison.adapter_method)
        yield KeyFigure(
            f"Chance that full beats {over}",
            show_numbers.percent(report.comparison.probability_full_beats_adapter),
            "",
            "too close to call before a pilot",
        )
    elif verdict.probability is not None:
        chance = show_numbers.percent(verdict.probability)
        if verdict.choice == "neither":
            said = f"over {show_units.months(report.horizon_months)}"
            yield KeyFigure("Chance that doing nothing is best", chance, "", said)
            return
        yield KeyFigure(
            f"Chance that {name_within(verdict.choice)} is worth more",
            chance,
            "",
            f"than {show_words.join_words(rivals(report))}",
        )


def _pilot(report: Report) -> Iterator[KeyFigure]:
    """What a pilot is worth; in reports that do not say, what knowing the outcome would be."""
    currency = currency_of(report)
    designs = report.risk.information.designs if report.risk is not None else ()
    design = next((found for found in designs if found.default), None)
    if design is not None:
        yield KeyFigure(
            "Worth of a pilot",
            show_amounts.usd_short(design.value_usd, currency),
            "",
            f"before its cost of {show_amounts.usd_short(design.cost_usd, currency)}"
            f"{after_tax(report)}",
        )
        return
    cost = report.verdict.pilot_usd
    most = show_amounts.usd_short(report.verdict.perfect_information_usd, currency)
    if cost is None:
        yield KeyFigure("Worth of knowing the outcome", most, "", "before choosing, at most")
        return
    note = f"GPU time of a small one: {show_amounts.usd_short(cost, currency)}"
    yield KeyFigure("Worth of a pilot, at most", most, "", note)


def _row(report: Report, m: MethodReport) -> BoardRow:
    currency = currency_of(report)
    payback = show_units.months(m.payback_months) if m.payback_months is not None else "none"
    return BoardRow(
        method=m.method,
        label=name_of(m.method),
        chosen=m.method == report.verdict.choice,
        total=show_amounts.usd_short(m.total_usd, currency),
        npv=show_amounts.usd_short(m.npv_usd.mean if m.npv_usd else None, currency),
        npv_range=show_units.span(m.npv_usd, currency=currency) if m.npv_usd else "",
        payback=payback if m.feasible else "does not fit",
        best=show_numbers.percent(m.probability_best),
        gain=f"{show_numbers.points(m.accuracy.gain_points.mean)} points"
        if m.accuracy
        else show_numbers.NONE,
        gain_range=show_units.span(m.accuracy.gain_points, "points") if m.accuracy else "",
    )


def _nothing(report: Report) -> Iterator[BoardRow]:
    """What everything is measured against, so that the chances of being best reach 100%."""
    idle = result_table.idle_fraction(report)
    if idle is not None:
        zero = show_amounts.usd_short(0.0, currency_of(report))
        yield BoardRow(
            method="neither",
            label="Doing nothing",
            chosen=report.verdict.choice == "neither",
            total=zero,
            npv=zero,
            npv_range="",
            payback=show_numbers.NONE,
            best=show_numbers.percent(idle),
            gain=show_numbers.NONE,
            gain_range="",
        )


_WEEKS = {"engineer_weeks_full": "full", "engineer_weeks_adapter": "adapter"}
"""Work of one kind of method alone."""


def _assumptions(report: Report) -> tuple[BoardAssumption, ...]:
    """First those of which another value alone turns the verdict, then what money hangs on most."""
    known = {item.key: item for item in report.assumptions if item.kind in {"input", "default"}}
    turns = {turn.field: turn for turn in report.verdict.turns}
    usual = [known[key] for key in USUAL_ASSUMPTIONS if key in known]
    # What is 0 says nothing to a reader, unless it was entered.
    usual = [item for item in usual if item.changed or item.value]
    fitting = {"full" if m.rank is None else "adapter" for m in report.methods if m.feasible}
    usual = [item for item in usual if item.key not in _WEEKS or _WEEKS[item.key] in fitting]
    usual.sort(key=lambda item: not item.changed)
    keys = [key for key in turns if key in known] + [item.key for item in usual]
    chosen = [known[key] for key in dict.fromkeys(keys)][:MOST_ASSUMPTIONS]
    return tuple(_assumption(report, item, turns.get(item.key)) for item in chosen)


def _assumption(report: Report, item: Assumption, turn: Turn | None) -> BoardAssumption:
    note = "as entered" if item.changed else "our default"
    if turn is not None:
        needed = show_units.quantity(turn.needed, turn.unit, currency_of(report), signed=False)
        side = "above" if turn.needed > turn.now else "below"
        # Plans and servers are held: a new estimate with other traffic plans them anew.
        held = ", as now planned" if turn.field == "answers_per_month" else ""
        note += f"; the verdict changes {side} {needed}{held}"
    return BoardAssumption(item.label, clipped(_value(report, item), MOST_NAME), note)


def _value(report: Report, item: Assumption) -> str:
    """An amount as entered and in the currency of the page; anything else as on the result page."""
    money, _, per = item.unit.partition(" ")
    if money == "USD" and not isinstance(item.value, str):
        return show_amounts.entered_price(item.value, per, currency_of(report))
    return result_assumptions.worded(report, item)


def _sources(report: Report, names: Mapping[str, str]) -> Iterator[str]:
    """Of which day facts are, and how it was computed: a line each."""
    said = results.prices(report)
    yield clipped(f"{said[:1].upper()}{said[1:]}.", MOST_LINE)
    currency = result_currency.line(report, names)
    if currency is not None:
        yield f"{currency.text}."
    if report.evidence is not None:
        count = show_words.plural(report.evidence.studies, "published study", "published studies")
        pilot = ", and a pilot of your own" if report.pilot is not None else ""
        yield f"Expected accuracy from {count} of this kind of task{pilot}."
    yield (
        f"Ranges are 80% of {report.draws:,} simulated cases. Estimator "
        f"{report.estimator_version}, facts {report.catalog_hash[:12]}."
    )


def qr_code(text: str) -> QrCode:
    """The text as a QR code (ISO/IEC 18004), with the quiet zone of four modules.

    Examples
    --------
    >>> code = qr_code("https://tunecase.example/s/abc")
    >>> code.size, code.d[:8]
    (37, 'M4 4h7v1')
    """
    made = segno.make_qr(text, error="m")
    size = len(made.matrix) + 8
    runs: list[str] = []
    for y, row in enumerate(made.matrix, start=4):
        x = 0
        while x < len(row):
            length = 0
            while x + length < len(row) and row[x + length]:
                length += 1
            if length:
                runs.append(f"M{x + 4} {y}h{length}v1h-{length}z")
            x += max(length, 1)
    return QrCode(size, "".join(runs))
