"""Which inputs differ between two scenarios, and which of them are counted together."""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.estimator.bridge import Group, grouped
from app.inputs import ScenarioInput

MOST_STEPS = 12
"""Changes that are counted one by one; more are counted by step of the form."""

WORTHLESS = frozenset({"title", "situation", "currency", "exchange_rate_per_usd"})
"""Inputs that no value in US dollars depends on."""

NOISE = ("draws", "seed")
"""Inputs that say nothing about the case: what they move is chance."""

TOGETHER = (
    Group("Base model", ("model", "config_json")),
    Group("Lengths of the examples", ("tokens_per_example", "longest_example_tokens", "lengths")),
    Group("Evaluation during training", ("evaluation_examples", "evaluations_per_run")),
    Group("Believed errors", ("hallucination_percent", "hallucination_cost_usd")),
    Group("Incidents", ("violation_percent", "incident_percent", "incident_cost_usd")),
    Group("Answers outside the task", ("other_answers_per_month", "other_value_usd")),
    Group("Where it may run", ("accelerators", "providers")),
    Group("Work written off", ("capitalised_percent", "write_off_months")),
    Group("Money of which year", ("money_terms", "inflation_percent")),
    Group("Draws and seed", NOISE),
)
"""Inputs that say something only together: one of a factor and a price alone is worth nothing."""

_SECTIONS = (
    ("title", "The question"),
    ("model", "Model and data"),
    ("methods", "Methods"),
    ("accelerators", "Infrastructure"),
    ("stack", "Software"),
    ("objective", "Choice of the plan"),
    ("experiments", "Programme"),
    ("serving", "Serving"),
    ("answers_per_month", "Value"),
    ("assumptions", "Changed assumptions"),
)
"""Parts of the form by the input that each begins with, `NOISE` apart."""


@dataclass(frozen=True, slots=True)
class Change:
    """One input that differs; `before` and `after` are members of the two scenarios."""

    field: str
    label: str
    before: object
    after: object


def changed_groups(
    a: ScenarioInput,
    b: ScenarioInput,
    *,
    book_first: bool = False,
    book_last: bool = False,
    most: int = MOST_STEPS,
) -> tuple[Group, ...]:
    """The inputs that differ, in the order of the form, as they are counted.

    Parameters
    ----------
    book_first, book_last : whether the price book is changed before or after everything else; both
        where nothing may be computed in between.
    most : changes that are counted one by one; more are counted by part of the form.
    """
    changed = [
        name
        for name in ScenarioInput.model_fields
        if name not in WORTHLESS and getattr(a, name) != getattr(b, name)
    ]
    if changed and book_first and book_last:
        return (Group("All changes" if len(changed) > 1 else "", tuple(changed)),)
    apart = [name for name in changed if name == "price_book" and (book_first or book_last)]
    others = [name for name in changed if name not in apart]
    groups = grouped(others, TOGETHER, sections(), most)
    book = tuple(Group("", (name,)) for name in apart)
    return (*book, *groups) if book_first else (*groups, *book)


def sections() -> tuple[Group, ...]:
    """The inputs by part of the form, in its order; draws and seed are a part of their own."""
    starts = dict(_SECTIONS)
    found: list[Group] = []
    for name in ScenarioInput.model_fields:
        if name in starts:
            found.append(Group(starts[name], ()))
        if name in NOISE:
            continue
        found[-1] = replace(found[-1], members=(*found[-1].members, name))
    return (*found, Group("Draws and seed", NOISE))


def changes_of(group: Group, a: ScenarioInput, b: ScenarioInput) -> tuple[Change, ...]:
    """The inputs of a group on both sides."""
    return tuple(
        Change(name, _label(name), getattr(a, name), getattr(b, name)) for name in group.members
    )


def _label(name: str) -> str:
    return ScenarioInput.model_fields[name].title or name
