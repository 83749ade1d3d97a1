"""The map of what a point is worth against how many answers there are, with its words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from app.estimator.report import Report
from app.estimator.report_risk import Stretch, ValueMap
from app.estimator.wording import sentence_start
from app.web import figure_value_map as drawn
from app.web import show_amounts, show_numbers, show_words
from app.web.figure_value_map import ADAPTER, FULL, NEITHER, MapDrawing
from app.web.figures import DataTable, Figure, currency_of, name_of, name_within, tag, writer


def figure(report: Report) -> Figure[MapDrawing] | None:
    """The map; None where answers are worth nothing."""
    found = report.risk.value_map if report.risk is not None else None
    if found is None:
        return None
    currency = currency_of(report)
    write = writer(currency)
    against = report.comparison
    names = _names(report, found)
    titles = ("Worth of a point more, for 1,000 answers", "Answers a month")
    wide, narrow = (
        drawn.drawing(
            found,
            currency.per_usd,
            {kind: sentence_start(name) for kind, name in names.items()},
            titles,
            size,
            most,
            write,
            compared=against is not None,
        )
        for size, most in (((760, 430), 8), ((400, 400), 3))
    )
    conclusion = _conclusion(report, found, names)
    dashed = (
        " The dashed line follows the edges of the cells that are nearest to where full "
        f"fine-tuning and {name_of(against.adapter_method)} are worth the same."
        if against is not None and wide.break_even
        else ""
    )
    return Figure(
        key="value-map",
        title=_title(found, names),
        conclusion=conclusion,
        caption="Each cell shows the choice with the highest expected net present "
        f"value.{dashed} A point more is one answer in a hundred that is "
        "right instead of wrong. Plans, releases and serving are held as they are; both scales are "
        "logarithmic.",
        wide=wide,
        narrow=narrow,
        legend=(),
        lead=conclusion,
        table=DataTable(
            ("Answers a month", *(write(currency.of(v)) for v in found.value_per_point_usd)),
            tuple(
                (
                    show_numbers.significant(answers, 3),
                    *("Neither" if best == NEITHER else tag(best) for best in row),
                )
                for answers, row in zip(found.answers_per_month, found.best, strict=True)
            ),
        ),
    )


def _names(report: Report, found: ValueMap) -> dict[str, str]:
    """What the kinds of choice are called within a sentence; one adapter stands on a map."""
    against = report.comparison
    on_map = {best for row in found.best for best in row}
    on_map |= {stretch.best for stretch in (*found.along_value, *found.along_answers)}
    on_map -= {FULL, NEITHER}
    stands = on_map or ({against.adapter_method} if against is not None else {"lora"})
    return {
        FULL: name_within(FULL),
        ADAPTER: name_of(next(iter(stands))),
        NEITHER: "doing nothing",
    }


def _middle(values: Sequence[float], now: float) -> int:
    return min(range(len(values)), key=lambda i: abs(values[i] / now - 1))


def _along(found: ValueMap) -> tuple[list[tuple[str, float]], list[tuple[str, float]]]:
    """Choices along the worth of a point, and along the answers, through the scenario.

    Notes
    -----
    Exact, so that a choice that holds between two cells is not lost; from the cells in reports that
    were saved without.
    """
    if found.along_value and found.along_answers:
        return _kinds_along(found.along_value), _kinds_along(found.along_answers)
    kinds = drawn.kinds_of(found)
    row = _middle(found.answers_per_month, found.now_answers_per_month)
    column = _middle(found.value_per_point_usd, found.now_value_per_point_usd)
    by_value = drawn.stretches(kinds[row], found.value_per_point_usd, found.lead_usd[row])
    by_answers = drawn.stretches(
        [line[column] for line in kinds],
        found.answers_per_month,
        [line[column] for line in found.lead_usd],
    )
    # Two figures are all that steps can say.
    return [(kind, _two(at)) for kind, at in by_value], [
        (kind, _two(at)) for kind, at in by_answers
    ]


def _kinds_along(stretches: Sequence[Stretch]) -> list[tuple[str, float]]:
    """Stretches by the kinds of choice on the map, adapters as one."""
    said: list[tuple[str, float]] = []
    for stretch in stretches:
        kind = stretch.best if stretch.best in {FULL, NEITHER} else ADAPTER
        if not said or said[-1][0] != kind:
            said.append((kind, stretch.start))
    return said


def _kinds(found: ValueMap) -> set[str]:
    """Kinds of choice in the cells and between them."""
    along = {kind for line in _along(found) for kind, _ in line}
    return along | {kind for row in drawn.kinds_of(found) for kind in row}


def _title(found: ValueMap, names: Mapping[str, str]) -> str:
    kinds = _kinds(found)
    if FULL in kinds:
        return "Where full fine-tuning is worth most"
    if ADAPTER in kinds:
        return f"Where {names[ADAPTER]} is worth most"
    return "What answers would have to be worth"


def _conclusion(report: Report, found: ValueMap, names: Mapping[str, str]) -> str:
    """Where choices change along both axes through the scenario."""
    currency = currency_of(report)
    by_worth, by_answers = _along(found)
    answers = show_words.with_unit(
        show_numbers.count_short(found.now_answers_per_month), "answers a month"
    )
    now = show_amounts.usd_short(found.now_value_per_point_usd, currency)
    edges = (
        show_amounts.usd_short(found.value_per_point_usd[0], currency),
        show_amounts.usd_short(found.value_per_point_usd[-1], currency),
    )
    said = [
        _sentence(
            names,
            by_worth,
            f"With {answers}",
            lambda at: (
                f"{_about(at, lambda v: show_amounts.usd_short(v, currency, trim=True))} a point"
            ),
            f"from {edges[0]} to {edges[1]} a point",
        ),
        _sentence(
            names,
            by_answers,
            f"With {now} a point",
            lambda at: f"{_about(at, show_numbers.count_short)} answers a month",
            f"from {show_numbers.count_short(_two(found.answers_per_month[0]))} to "
            f"{show_numbers.count_short(_two(found.answers_per_month[-1]))} answers a month",
        ),
    ]
    kinds = _kinds(found)
    if FULL in kinds and ADAPTER not in kinds and report.comparison is not None:
        said.append(f"{sentence_start(names[ADAPTER])} is worth most nowhere on the map.")
    if ADAPTER in kinds and FULL not in kinds and report.comparison is not None:
        said.append("Full fine-tuning is worth most nowhere on the map.")
    return " ".join(said).replace(" a point", " a point for 1,000 answers", 1)


def _two(value: float) -> float:
    """Two significant digits."""
    return float(f"{value:.2g}")


def _about(value: float, write: Callable[[float], str]) -> str:
    return f"about {write(float(f'{value:.3g}'))}"


def _sentence(
    names: Mapping[str, str],
    parts: Sequence[tuple[str, float]],
    lead: str,
    write: Callable[[float], str],
    everywhere: str,
) -> str:
    """One line through the map in words."""
    if len(parts) == 1:
        return f"{lead}, {names[parts[0][0]]} is worth most throughout, {everywhere}."
    kinds = [kind for kind, _ in parts]
    only = "only " if kinds[-1] == FULL and FULL not in kinds[:-1] else ""
    said = [f"{names[kinds[-1]]} is worth most {only}above {write(parts[-1][1])}"]
    said += [
        f"{names[kind]} from {write(at)} up to there"
        if i == 0
        else f"{names[kind]} from {write(at)}"
        for i, (kind, at) in enumerate(reversed(parts[1:-1]))
    ]
    said.append(f"{names[kinds[0]]} below")
    return f"{lead}, {', '.join(said[:-1])}, and {said[-1]}."
