"""A bridge between two answers as it is read: a sentence, a waterfall and its numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from app.estimator.bridge import RECOMMENDED, MethodBridge, Span
from app.estimator.currency import Currency
from app.estimator.leading import leading_method
from app.services.bridge_inputs import NOISE
from app.services.bridges import Bridge, BridgeStep
from app.web import comparisons, show_amounts, show_dates, show_words
from app.web.bridge_view import BridgeChoice, BridgeRow, BridgeView, ChangedInput
from app.web.comparisons import Side
from app.web.differences import money
from app.web.figure_waterfall import Level, WaterfallDrawing, ticks, waterfall
from app.web.figures import DataTable, Figure, currency_of, name_of, name_within

_SAID = 3
"""Changes that the sentence names; the others are summed up."""

ORDER = (
    "Changes are made one after another, in the order of the form. What two of them do only "
    "together falls to the later one: another order would share it out differently, and the total "
    "would stay."
)

NOT_ALONE = (
    "What each change does alone is not computed here: that takes about twice as many estimates."
)

_UNITS = ((1e15, 1e9, "\u00a0bn"), (1e12, 1e6, "\u00a0M"), (1e9, 1e3, "\u00a0k"))
"""Amounts from which on a unit is used, its size and its sign: nobody reads fifteen digits."""


class _Amounts:
    """Amounts in whole units, or with minor ones where all are small, or in thousands and more
    where they are huge; they add up as shown.
    """

    def __init__(self, bridge: MethodBridge, currency: Currency) -> None:
        levels = [bridge.from_usd, *(span.after_usd for span in bridge.spans)]
        self.currency = currency
        largest = max(map(abs, map(currency.of, levels)))
        self.decimals = currency.digits if largest < 1_000 else 0
        self._unit, self._suffix = next(
            ((unit, suffix) for limit, unit, suffix in _UNITS if largest >= limit), (1.0, "")
        )
        self._write: Callable[[float, int, bool], str] = money(currency).scale(0.0).write

    def rounded(self, usd: float) -> float:
        """An amount of US dollars in the currency, as it is shown."""
        return round(self.currency.of(usd) / self._unit, self.decimals) * self._unit + 0.0

    def change(self, span: Span) -> float:
        """The difference of the two amounts that are shown."""
        return round(self.rounded(span.after_usd) - self.rounded(span.before_usd), self.decimals)

    def text(self, amount: float, *, plus: bool = False) -> str:
        """An amount that is in the currency already."""
        return self._write(amount / self._unit + 0.0, self.decimals, plus) + self._suffix

    def ticks(self, values: Sequence[float]) -> list[str]:
        """Amounts of an axis, in three digits where those tell each of them, or else in all that
        they have.
        """
        if all(_is_short(value) for value in values):
            return [show_amounts.amount_short(value, self.currency, trim=True) for value in values]
        scaled = [value / self._unit for value in values]
        decimals = next(
            (d for d in range(_MOST_DECIMALS) if all(_is_near(x, round(x, d)) for x in scaled)),
            _MOST_DECIMALS,
        )
        return [self._write(x + 0.0, decimals, False) + self._suffix for x in scaled]


_MOST_DECIMALS = 6


def _is_short(value: float) -> bool:
    """Whether `amount_short` writes all digits that a round value has."""
    exact = _is_near(value, float(f"{value:.3g}"))
    return exact and (abs(value) >= 1_000 or value == round(value))


def _is_near(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)


def view(
    bridge: Bridge,
    left: Side,
    right: Side,
    method: str,
    address_of: Callable[[str], str],
    *,
    without_alone: bool = False,
) -> BridgeView | None:
    """The waterfall of a method; None where nothing lies between the two answers.

    Parameters
    ----------
    method : key of a method, or anything else for the one that the second answer leads with.
    address_of : the page with the waterfall of another method.
    without_alone : whether it would take too long to look at each change alone.
    """
    if not bridge.methods:
        return None
    chosen = _chosen(bridge, right, method)
    amounts = _Amounts(chosen, currency_of(left.report))
    rows = tuple(_row(bridge, span, amounts, left, right) for span in chosen.spans)
    changes = [amounts.change(span) for span in chosen.spans]
    first, second = left.heading, right.heading
    start, end = amounts.rounded(chosen.from_usd), amounts.rounded(chosen.to_usd)
    noise = _noise(bridge, chosen)
    sentence = _sentence(chosen, amounts, rows, changes, noise)
    return BridgeView(
        heading=f"How each change moved the net present value, {_name(chosen.method)}",
        sentence=sentence,
        choices=_choices(bridge, chosen, address_of),
        figure=_figure(chosen, amounts, rows, changes, (first, second), sentence)
        if any(changes)
        else None,
        first=first,
        from_value=amounts.text(start),
        rows=rows,
        second=second,
        to_value=amounts.text(end),
        total=_change(amounts, round(end - start, amounts.decimals)),
        has_alone=any(row.alone for row in rows),
        notes=tuple(_notes(bridge, chosen, rows, changes, without_alone)),
    )


def _chosen(bridge: Bridge, right: Side, method: str) -> MethodBridge:
    by_method = {found.method: found for found in bridge.methods}
    leader = leading_method(right.report)
    wanted = (method, leader.method if leader is not None else "", RECOMMENDED)
    return next((by_method[key] for key in wanted if key in by_method), bridge.methods[0])


def _name(method: str) -> str:
    return "recommended method" if method == RECOMMENDED else name_within(method)


def _choices(
    bridge: Bridge, chosen: MethodBridge, address_of: Callable[[str], str]
) -> tuple[BridgeChoice, ...]:
    """Each method; the recommended one only where it is not the same all the way."""
    offered = [
        found
        for found in bridge.methods
        if found is chosen
        or found.method != RECOMMENDED
        or len({key for span in found.spans for key in (span.method_before, span.method_after)}) > 1
    ]
    if len(offered) < 2:
        return ()
    return tuple(
        BridgeChoice(
            "Whichever is recommended" if found.method == RECOMMENDED else name_of(found.method),
            address_of(found.method),
            found is chosen,
        )
        for found in offered
    )


def _row(bridge: Bridge, span: Span, amounts: _Amounts, left: Side, right: Side) -> BridgeRow:
    steps = bridge.steps[span.first : span.last + 1]
    alone = ""
    if span.alone_usd is not None:
        alone = _change(amounts, amounts.rounded(span.alone_usd))
    return BridgeRow(
        label=show_words.join_words([_step_label(step) for step in steps])
        + (", together" if len(steps) > 1 else "")
        + (", noise of the simulation" if _is_noise(steps) else ""),
        inputs=tuple(
            found for step in steps for found in _inputs(step, left, right, amounts.currency)
        ),
        change=_change(amounts, amounts.change(span)),
        alone=alone,
        after=amounts.text(amounts.rounded(span.after_usd)),
    )


def _change(amounts: _Amounts, change: float) -> str:
    return amounts.text(change, plus=True) if change else "no change"


def _step_label(step: BridgeStep) -> str:
    if not step.day:
        return step.label
    day = show_dates.day(step.day)
    return f"{step.label}, {f'back to {day}' if step.back else f'since {day}'}"


def _is_noise(steps: Sequence[BridgeStep]) -> bool:
    """Whether only draws or seed change, so that what moves is chance."""
    changes = [change.field for step in steps for change in step.changes]
    return bool(changes) and not any(step.day for step in steps) and set(changes) <= set(NOISE)


def _noise(bridge: Bridge, chosen: MethodBridge) -> frozenset[int]:
    """Places of the spans that are noise."""
    return frozenset(
        place
        for place, span in enumerate(chosen.spans)
        if _is_noise(bridge.steps[span.first : span.last + 1])
    )


def _inputs(
    step: BridgeStep, left: Side, right: Side, currency: Currency
) -> tuple[ChangedInput, ...]:
    a, b = (comparisons.inputs_of(side) for side in (left, right))
    return tuple(
        ChangedInput(
            change.label,
            comparisons.words(change.field, a[change.field], currency),
            comparisons.words(change.field, b[change.field], currency),
        )
        for change in step.changes
    )


def _sentence(
    chosen: MethodBridge,
    amounts: _Amounts,
    rows: Sequence[BridgeRow],
    changes: Sequence[float],
    noise: frozenset[int],
) -> str:
    """What the changes did, the largest ones first; noise, which is none of them, apart."""
    start, end = amounts.rounded(chosen.from_usd), amounts.rounded(chosen.to_usd)
    total = round(end - start, amounts.decimals)
    whose = f"The net present value of {_of(chosen.method)}"
    if total:
        moved = "rises" if total > 0 else "falls"
        said = f"{whose} {moved} by {amounts.text(abs(total))}, to {amounts.text(end)}"
    else:
        said = f"{whose} stays at {amounts.text(end)}"
    chance = round(math.fsum(changes[place] for place in noise), amounts.decimals)
    moving = [place for place, change in enumerate(changes) if change and place not in noise]
    moving.sort(key=lambda place: -abs(changes[place]))
    if not moving:
        if chance:
            return f"{said}: that is noise of the simulation, from other draws or another seed."
        return f"{said}: none of the changes moves it."
    named = moving[: _SAID if len(moving) > _SAID + 1 else _SAID + 1]
    parts = [f"{_in_a_sentence(rows[place])} {_does(amounts, changes[place])}" for place in named]
    rest = [changes[place] for place in moving if place not in named]
    if rest:
        together = round(sum(rest), amounts.decimals)
        what = f"the other {len(rest)} changes together"
        parts.append(
            f"{what} {_does(amounts, together, many=True)}" if together else f"{what} cancel out"
        )
    said = f"{said}: {show_words.join_words(parts)}."
    if chance:
        said += (
            f" Other draws or another seed {_does(amounts, chance, many=True)}, which is noise of "
            "the simulation."
        )
    return said


def _of(method: str) -> str:
    return "the recommended method" if method == RECOMMENDED else name_within(method)


def _does(amounts: _Amounts, change: float, *, many: bool = False) -> str:
    verb = "add" if change > 0 else "take"
    return f"{verb}{'' if many else 's'} {amounts.text(abs(change))}"


_SHORT = 40


def _in_a_sentence(row: BridgeRow) -> str:
    """A change by its name and, where it is one short input, both values."""
    said = f"“{row.label}”"
    if len(row.inputs) == 1:
        [found] = row.inputs
        if max(len(found.before), len(found.after)) <= _SHORT:
            return f"{said} ({found.after} instead of {found.before})"
    return said


def _notes(
    bridge: Bridge,
    chosen: MethodBridge,
    rows: Sequence[BridgeRow],
    changes: Sequence[float],
    without_alone: bool,
) -> list[str]:
    """What is read with the waterfall."""
    said = [ORDER] if len(rows) > 1 else []
    if without_alone and len(rows) > 1:
        said.append(NOT_ALONE)
    together = [span for span in chosen.spans if span.last > span.first]
    if together:
        alone = dict.fromkeys(_alone(bridge, span) for span in together)
        said.append(
            f"{show_words.join_words(list(alone))}: "
            "with those changes alone the method fits nowhere or cannot be computed, so they are "
            "counted together with the next one."
        )
    switches = [span for span in chosen.spans if span.method_before != span.method_after]
    said += [
        f"At “{rows[chosen.spans.index(span)].label}” the answer turns from "
        f"{name_within(span.method_before)} to {name_within(span.method_after)}; that row holds "
        "the difference between the two as well."
        for span in switches
    ]
    still = [row.label for row, change in zip(rows, changes, strict=True) if not change]
    if still and any(changes):
        said.append(f"Not in the chart, as it moves nothing: {show_words.join_words(still)}.")
    if bridge.left_out:
        names = show_words.join_words([name_of(method) for method in bridge.left_out])
        said.append(f"Without a waterfall, as only one of the two answers has it: {names}.")
    return said


def _alone(bridge: Bridge, span: Span) -> str:
    steps = bridge.steps[span.first : span.last]
    return show_words.join_words([f"“{_step_label(step)}”" for step in steps])


def _figure(
    chosen: MethodBridge,
    amounts: _Amounts,
    rows: Sequence[BridgeRow],
    changes: Sequence[float],
    ends: tuple[str, str],
    sentence: str,
) -> Figure[WaterfallDrawing]:
    start, end = amounts.rounded(chosen.from_usd), amounts.rounded(chosen.to_usd)
    spans = chosen.spans
    levels = [Level(ends[0], spans[0].method_before, start, start, amounts.text(start))]
    for row, span, change in zip(rows, spans, changes, strict=True):
        if change:
            before = amounts.rounded(span.before_usd)
            levels.append(Level(row.label, "", before, before + change, row.change))
    levels.append(Level(ends[1], spans[-1].method_after, end, end, amounts.text(end)))

    def drawing(*, narrow: bool) -> WaterfallDrawing:
        values = ticks(levels, 3 if narrow else 5)
        labels = list(zip(values, amounts.ticks(values), strict=True))
        return waterfall(levels, labels, "Net present value", narrow=narrow)

    wide = drawing(narrow=False)
    table_rows = [(ends[0], "", amounts.text(start))]
    table_rows += [(row.label, row.change, row.after) for row in rows]
    table_rows.append((ends[1], "", amounts.text(end)))
    return Figure(
        key="waterfall",
        title=f"What each change moved, {_name(chosen.method)}",
        conclusion=sentence,
        caption="Expected net present value. Each bar begins where the one above it ended"
        f"{'.' if wide.zero_x is not None else '; the axis does not begin at zero.'}",
        wide=wide,
        narrow=drawing(narrow=True),
        legend=(),
        table=DataTable(("", "Change", "Net present value"), tuple(table_rows)),
    )
