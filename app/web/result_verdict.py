"""What stands behind the verdict: its chance, the numbers that decide it, what would turn it."""

from __future__ import annotations

from dataclasses import dataclass

from app.estimator.currency import Currency
from app.estimator.report import DecidingNumber, Report
from app.estimator.verdict_setting import nothing_pays
from app.web import show_numbers, show_units, show_words
from app.web.figures import currency_of, name_of, name_within

PILOT_CHOICES = frozenset({"pilot", "undecided"})
"""Choices that ask for a measurement first; reports of earlier schemas call it undecided."""


def choice_name(choice: str, methods: int = 2, *, measured: bool = False) -> str:
    """What a verdict is called, alone.

    Parameters
    ----------
    methods : that fit; measured : a pilot was entered.

    Examples
    --------
    >>> choice_name("lora"), choice_name("pilot"), choice_name("neither"), choice_name("neither", 3)
    ('LoRA', 'Run a pilot first', 'Neither pays', 'None pays')
    """
    if choice in PILOT_CHOICES:
        return "Measure again before choosing" if measured else "Run a pilot first"
    if choice == "neither":
        return nothing_pays(methods)
    return name_of(choice)


@dataclass(frozen=True, slots=True)
class NumberView:
    """One of the numbers that decide; `note` says what it is held against."""

    label: str
    value: str
    note: str


@dataclass(frozen=True, slots=True)
class DecidingView:
    """Everything below the words of the verdict; all empty in reports that do not say.

    Parameters
    ----------
    chance : how probable it is that the verdict is right, as a sentence.
    turns : what would change it, a sentence each.
    """

    chance: str
    numbers: tuple[NumberView, ...]
    turns: tuple[str, ...]


def deciding(report: Report) -> DecidingView:
    """What the verdict rests on."""
    currency = currency_of(report)
    return DecidingView(
        chance=_chance(report),
        numbers=tuple(_number(number, currency) for number in report.verdict.numbers),
        turns=tuple(show_words.typeset(turn.sentence) for turn in report.verdict.turns),
    )


def _chance(report: Report) -> str:
    """The probability of the verdict in words."""
    chance, choice = report.verdict.probability, report.verdict.choice
    if chance is None or choice in PILOT_CHOICES:
        return ""  # the words of a verdict that asks to measure say what is open
    said = show_numbers.percent(chance)
    if choice == "neither":
        return f"Doing nothing is the best choice in {said} of the simulated cases."
    name = name_within(choice)
    return (
        f"{name[:1].upper()}{name[1:]} is worth more than {show_words.join_words(rivals(report))} "
        f"in {said} of the simulated cases."
    )


def rivals(report: Report) -> list[str]:
    """What the chosen method is held against by its chance, in words."""
    if report.comparison is None:
        return ["doing nothing"]
    adapter = report.comparison.adapter_method
    other = adapter if report.verdict.choice == "full" else "full"
    return [name_within(other), "doing nothing"]


def _number(number: DecidingNumber, currency: Currency) -> NumberView:
    return NumberView(
        number.label,
        show_units.quantity(number.value, number.unit, currency, signed=False),
        show_words.typeset(number.note),
    )
