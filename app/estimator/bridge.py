"""From one net present value to another, one change after another: a sum that is exact.

Changes are made one after the other, so each is worth what it does on top of those before it. What
two of them do only together falls to the later one; another order shares it out differently, and
the total stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from app.estimator.exact import grid_of, on_grid

RECOMMENDED = "recommended"
"""In place of a method: whichever one each answer leads with."""

SMALLEST_USD = 1e-30
"""Amounts are told apart down to a tiny part of it: no smaller one is money."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What a scenario is worth once some of the changes are made.

    Parameters
    ----------
    npv_usd : expected net present value of each method that fits, by its key. [USD]
    leader : key of the method that the answer leads with; empty where nothing fits.
    """

    npv_usd: Mapping[str, float]
    leader: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """One bar of the waterfall: a change, or several that can only be counted together.

    Parameters
    ----------
    first, last : places of its changes, both included; the first change has place 0.
    method_before, method_after : whose value it is; they differ only for the recommended one.
    change_usd : after less before, exactly.
    alone_usd : what the change does without those before it; None where that was not computed, or
        where several are counted together.
    """

    first: int
    last: int
    method_before: str
    method_after: str
    before_usd: float
    after_usd: float
    change_usd: float
    alone_usd: float | None


@dataclass(frozen=True, slots=True)
class MethodBridge:
    """The waterfall of one method, or of the recommended one.

    Parameters
    ----------
    method : key of a method, or `RECOMMENDED`.
    change_usd : to less from, and the sum of the spans' changes: exactly, in whatever order.
    """

    method: str
    from_usd: float
    to_usd: float
    change_usd: float
    spans: tuple[Span, ...]


def bridges(
    stages: Sequence[Stage], alone: Sequence[Stage | None] = (), base: int = 0
) -> tuple[MethodBridge, ...]:
    """The waterfall of the recommended method and of each that fits at both ends.

    Parameters
    ----------
    stages : before the first change, after it, after the second, ... At least one.
    alone : a scenario with one change alone, for each change; empty, or None for those that were
        not computed.
    base : place of the stage that these changes were made to.

    Notes
    -----
    Amounts are rounded to multiples of one power of two (`exact.grid_of`), which changes a value by
    less than a part in 10^13 of the sum of all of them.

    Examples
    --------
    >>> steps = [Stage({"lora": 10.0}, "lora"), Stage({}, ""), Stage({"lora": 7.5}, "lora")]
    >>> [(s.first, s.last, s.change_usd) for s in bridges(steps)[1].spans]
    [(0, 1, -2.5)]
    """
    start, end = stages[0], stages[-1]
    methods = [method for method in start.npv_usd if method in end.npv_usd]
    if start.leader and end.leader:
        methods.insert(0, RECOMMENDED)
    # Every difference of two levels, and every sum of changes, stays below this size.
    sizes = [
        sum(map(abs, stage.npv_usd.values())) for stage in (*stages, *alone) if stage is not None
    ]
    grid = grid_of(max(4 * sum(sizes), SMALLEST_USD))
    exact = [_on(grid, stage) for stage in stages]
    exact_alone = [None if stage is None else _on(grid, stage) for stage in alone]
    exact_alone += [None] * (len(stages) - 1 - len(alone))
    return tuple(_bridge(method, exact, exact_alone, base) for method in methods)


def _on(grid: float, stage: Stage) -> Stage:
    return Stage({k: float(on_grid(usd, grid)) for k, usd in stage.npv_usd.items()}, stage.leader)


def _at(stage: Stage, method: str) -> tuple[str, float] | None:
    """Whose value counts at a stage, and that value; None where it does not fit."""
    key = stage.leader if method == RECOMMENDED else method
    return (key, stage.npv_usd[key]) if key in stage.npv_usd else None


def _bridge(
    method: str, stages: Sequence[Stage], alone: Sequence[Stage | None], base: int
) -> MethodBridge:
    # A change after which the method fits nowhere is counted together with the next ones.
    at = [(place, found) for place, stage in enumerate(stages) if (found := _at(stage, method))]
    began = _at(stages[base], method)
    spans = []
    for (begin, (key_a, before)), (end, (key_b, after)) in pairwise(at):
        single = alone[begin] if end == begin + 1 else None
        by_itself = None if single is None else _at(single, method)
        spans.append(
            Span(
                first=begin,
                last=end - 1,
                method_before=key_a,
                method_after=key_b,
                before_usd=before,
                after_usd=after,
                change_usd=after - before,
                alone_usd=by_itself[1] - began[1] if by_itself and began else None,
            )
        )
    first, last = at[0][1][1], at[-1][1][1]
    return MethodBridge(method, first, last, last - first, tuple(spans))


@dataclass(frozen=True, slots=True)
class Group:
    """Members that are changed together.

    Parameters
    ----------
    label : what they are called; empty where each of them speaks for itself.
    members : in the order of the form.
    """

    label: str
    members: tuple[str, ...]


def grouped(
    changed: Sequence[str],
    together: Sequence[Group],
    sections: Sequence[Group],
    most: int,
) -> tuple[Group, ...]:
    """Changed members as groups, each in the place of its first member.

    Parameters
    ----------
    changed : in the order of the form.
    together : members that mean something only together. One of them that changed alone, and every
        other member, is a group without a label.
    sections : parts of the form; they are the groups where there would be more than `most`. A
        member of none of them stays alone.

    Examples
    --------
    >>> a, b = Group("Incidents", ("violations", "incident_cost")), Group("Value", ("worth",))
    >>> grouped(["violations", "worth", "incident_cost"], [a], [b], 12)
    (Group(label='Incidents', members=('violations', 'incident_cost')), \
Group(label='', members=('worth',)))
    """
    found = _by(changed, together)
    return found if len(found) <= most else _by(changed, sections)


def _by(changed: Sequence[str], groups: Sequence[Group]) -> tuple[Group, ...]:
    of = {member: place for place, group in enumerate(groups) for member in group.members}
    gathered: dict[int | str, list[str]] = {}
    for member in changed:
        gathered.setdefault(of.get(member, member), []).append(member)
    return tuple(
        Group(
            groups[key].label if isinstance(key, int) and len(members) > 1 else "", tuple(members)
        )
        for key, members in gathered.items()
    )
