"""What would change the verdict: one input at a time, moved until the rule says something else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import log
from typing import Any

import numpy as np

from app.estimator.case import Programme, Value
from app.estimator.constants import ConstantValues
from app.estimator.decision import Contender, choice_of
from app.estimator.pilot_offer import TELLS_ALL, PilotOffer

Contenders = Mapping[str, Contender]

FURTHEST = 100.0
"""Changes beyond a hundredth and a hundred times are no use to anyone."""

LARGEST_SHIFT = 30.0
"""Assumption: no full fine-tuning is further from what is expected of it. [points]"""

SCANNED = 16
"""Steps of the first look on each side: a choice that holds only between two of them is missed."""

HALVINGS = 10
"""Of the step in which the choice changes: the value is good to a part in three thousand."""

MOST_TURNS = 4

PRICES = {
    "hallucination_cost_usd": "hallucination_usd",
    "incident_cost_usd": "incident_usd",
}
"""Inputs that an answer's worth is made of, with the member of `Value` that holds each."""


@dataclass(frozen=True, slots=True)
class Lever:
    """One figure that can be moved.

    Parameters
    ----------
    field : the input, as the scenario names it; gpu_price and gap are of the estimate.
    now : its present value.
    moved : the contenders at another value of it.
    shift : whether it moves by points, from 0, and not by a factor.
    spread : of a shift, what lies as near as doubling or halving a factor. [points]
    """

    field: str
    now: float
    moved: Callable[[float], Contenders]
    shift: bool = False
    spread: float = 1.0

    def distance(self, value: float) -> float:
        """How far a value is from the present one, comparable between levers."""
        return log(2) * abs(value) / self.spread if self.shift else abs(log(value / self.now))

    def scan(self, up: bool) -> tuple[float, ...]:
        """Values on one side, the nearest first."""
        if self.shift:
            steps = np.geomspace(LARGEST_SHIFT / 1000, LARGEST_SHIFT, SCANNED)
            return tuple((steps if up else -steps).tolist())
        factors = FURTHEST ** (np.arange(1, SCANNED + 1) / SCANNED)
        return tuple((self.now * (factors if up else 1 / factors)).tolist())


@dataclass(frozen=True, slots=True)
class Crossing:
    """Where moving a lever changes the choice.

    Parameters
    ----------
    value : the nearest one found with another choice.
    before : the furthest one found with the present choice.
    """

    lever: Lever
    value: float
    before: float
    becomes: str

    @property
    def up(self) -> bool:
        """Whether the figure has to grow."""
        return self.value > self.before

    @property
    def distance(self) -> float:
        """How far the change is from the present value."""
        return self.lever.distance(self.value)


def crossings(
    levers: tuple[Lever, ...], constants: ConstantValues, offer: PilotOffer = TELLS_ALL
) -> tuple[Crossing, ...]:
    """The changes of one figure alone that change the choice, the most reachable first.

    Parameters
    ----------
    offer : the pilot that could be run first.

    Notes
    -----
    The rule is asked again on the same draws, so what is found is exact for them, but for weeks of
    engineering (`app.estimator.later`). Everything else is held: the plans and the offers they run
    on, how the model is served and what that costs, the learning curves, and the releases where no
    weeks of engineering put them off. Assumption: the outcomes of a pilot say of moved worths what
    they say of the present ones, moved and stretched alike. At most `MOST_TURNS`; the nearer side
    of a figure goes before the other side of any.
    """
    if not levers:
        return ()
    sides = [_Side(lever, up) for lever in levers for up in (True, False)]
    rule = partial(choice_of, constants=constants, offer=offer)
    present = rule(levers[0].moved(sides[0].before))
    found: dict[int, list[Crossing]] = {}
    # By distance over all figures: nothing is asked beyond what can still be among the kept.
    steps = sorted(
        (side.lever.distance(value), number, value)
        for number, side in enumerate(sides)
        for value in side.lever.scan(side.up)
    )
    for _, number, value in steps:
        side = sides[number]
        if side.crossed:
            continue
        nearest = sorted(min(c.distance for c in both) for both in found.values())
        if len(nearest) >= MOST_TURNS and side.distance >= nearest[MOST_TURNS - 1]:
            break
        becomes = rule(side.lever.moved(value))
        if becomes == present:
            side.before = value
            continue
        side.crossed = True
        crossing = _halved(side.lever, present, side.before, value, becomes, rule)
        found.setdefault(number // 2, []).append(crossing)
    kept = sorted(
        (place > 0, crossing.distance, number, place)
        for number, both in found.items()
        for place, crossing in enumerate(_by_distance(both))
    )[:MOST_TURNS]
    return tuple(_by_distance([_by_distance(found[n])[place] for _, _, n, place in kept]))


@dataclass
class _Side:
    """One side of a lever while it is looked at; `before` is the furthest without a change."""

    lever: Lever
    up: bool
    crossed: bool = False
    before: float = field(init=False)

    def __post_init__(self) -> None:
        self.before = 0.0 if self.lever.shift else self.lever.now

    @property
    def distance(self) -> float:
        return self.lever.distance(self.before)


def _by_distance(found: Sequence[Crossing]) -> list[Crossing]:
    return sorted(found, key=lambda crossing: crossing.distance)


def _halved(
    lever: Lever,
    present: str,
    before: float,
    value: float,
    becomes: str,
    rule: Callable[[Contenders], str],
) -> Crossing:
    """The change between two values, halved in."""
    for _ in range(HALVINGS):
        middle = (before + value) / 2 if lever.shift else float(np.sqrt(before * value))
        at_middle = rule(lever.moved(middle))
        if at_middle == present:
            before = middle
        else:
            value, becomes = middle, at_middle
    return Crossing(lever, value, before, becomes)


def levers_of(
    contenders: Contenders, adapter: str | None, value: Value, programme: Programme
) -> tuple[Lever, ...]:
    """The figures that can be moved.

    Parameters
    ----------
    adapter : the adapter method that stands against full fine-tuning; None without both.
    """
    every = set(contenders)
    levers = []
    if value.answers_per_month > 0:
        move = partial(_more_answers, contenders, value.answers_per_month)
        levers.append(Lever("answers_per_month", value.answers_per_month, move))
    levers.append(Lever("gpu_price", 1.0, partial(_dearer_gpus, contenders)))
    if any(contender.terms is None for contender in contenders.values()):
        return tuple(levers)
    for name, member in PRICES.items():
        now = float(getattr(value, member))
        if _priced(value, member, 2 * now).usd_per_error > value.usd_per_error > 0:
            levers.append(Lever(name, now, partial(_dearer_errors, contenders, value, member)))
    for name, keys, weeks in (
        ("engineer_weeks_full", every & {"full"}, programme.engineer_weeks_full),
        ("engineer_weeks_adapter", every - {"full"}, programme.engineer_weeks_adapter),
    ):
        if keys and weeks > 0:
            levers.append(Lever(name, weeks, partial(_longer, contenders, keys)))
    if adapter is not None and "full" in contenders:
        spread = float(np.std(effective_gain(contenders["full"]) - _gain(contenders, adapter)))
        levers.append(Lever("gap", 0.0, partial(_better_full, contenders), True, max(spread, 1.0)))
    return tuple(levers)


def effective_gain(contender: Contender, points: float = 0.0) -> np.ndarray:
    """Gain that is put to use, if the score were so many points higher. (draws,) [points]

    Notes
    -----
    A model that tests below the base is not released, and no score is above 100.
    """
    assert contender.terms is not None  # noqa: S101 - asked for only where there are terms
    terms = contender.terms
    return np.asarray(np.minimum(np.maximum(terms.gain + points, 0.0), terms.room))


def _gain(contenders: Contenders, key: str) -> np.ndarray:
    return effective_gain(contenders[key])


def _more_answers(contenders: Contenders, now: float, answers: float) -> Contenders:
    return {
        key: replace(c, volume_pv=c.volume_pv * (answers / now)) for key, c in contenders.items()
    }


def _dearer_gpus(contenders: Contenders, factor: float) -> Contenders:
    return {
        key: replace(c, gpu_pv=c.gpu_pv * factor, run_usd=c.run_usd * factor)
        for key, c in contenders.items()
    }


def _priced(value: Value, member: str, usd: float) -> Value:
    """The same worth at another price of an error."""
    changed: dict[str, Any] = {member: usd}
    return replace(value, **changed)


def _dearer_errors(contenders: Contenders, value: Value, member: str, usd: float) -> Contenders:
    more = _priced(value, member, usd).usd_per_error / value.usd_per_error - 1
    return {
        key: replace(c, volume_pv=c.volume_pv + more * c.terms.answer_pv) if c.terms else c
        for key, c in contenders.items()
    }


def _longer(contenders: Contenders, keys: set[str], weeks: float) -> Contenders:
    """With so many weeks of engineering, which are paid and put the release off."""
    return {key: _at_weeks(c, weeks) if key in keys else c for key, c in contenders.items()}


def _at_weeks(contender: Contender, weeks: float) -> Contender:
    if contender.terms is None:
        return contender
    present = contender.terms.at_weeks(weeks)
    return replace(
        contender,
        volume_pv=present.volume,
        other_pv=present.other,
        gpu_pv=present.gpu,
        fixed_pv=present.fixed,
    )


def _better_full(contenders: Contenders, points: float) -> Contenders:
    full = contenders["full"]
    assert full.terms is not None  # noqa: S101 - asked for only where there are terms
    worth_of = full.terms.worth_of
    more = worth_of(effective_gain(full, points)) - worth_of(effective_gain(full))
    better = replace(full, volume_pv=full.volume_pv + full.terms.value_factor * more)
    return {**contenders, "full": better}
