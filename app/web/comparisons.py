"""Two scenarios side by side: what differs in what was asked, and what that did to the answer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from app.estimator.currency import US_DOLLAR, Currency
from app.estimator.report import MethodReport, Report
from app.inputs import METHOD_LABELS, PILOT_SCORES, PilotRow, ScenarioInput, told_of
from app.web import addresses, show_amounts, show_numbers, show_words
from app.web.choices import CHOICE_LABELS, choice_label
from app.web.context_comparisons import ComparedSide, ComparisonView, Difference
from app.web.differences import (
    CARBON,
    HOURS,
    MONTHS,
    POINTS,
    PROBABILITY,
    SAME,
    Kind,
    difference,
    money,
)
from app.web.figures import currency_of, name_of

_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}")
_SHARED_PATH = re.compile(r"/s/([A-Za-z0-9_-]+)/?")
TOTAL_LABEL = "Total cost"


@dataclass(frozen=True, slots=True)
class Side:
    """One side, looked up."""

    heading: str
    scenario: ScenarioInput
    report: Report
    address: str
    basis: str
    pinned: bool


def read_side(text: str) -> tuple[str, list[tuple[str, str]]]:
    """What a person pasted: a share token (first part) or the pairs of a scenario (second).

    Examples
    --------
    >>> read_side("https://tunecase.example/s/abcdefghijklmnop")
    ('abcdefghijklmnop', [])
    >>> read_side("/result?epochs=2&lora_rank=8")
    ('', [('epochs', '2'), ('lora_rank', '8')])
    >>> read_side("epochs=2"), read_side("/estimate")
    (('', [('epochs', '2')]), ('', []))
    >>> read_side("abcdefghijklmnop")
    ('abcdefghijklmnop', [])
    """
    text = text.strip()
    address = addresses.split(text)
    shared = _SHARED_PATH.fullmatch(address.path)
    if shared:
        return shared.group(1), []
    if _TOKEN.fullmatch(text):
        return text, []
    query = address.query or (text if "=" in text and "?" not in text else "")
    return "", parse_qsl(query, keep_blank_values=True)


def looks_like_a_scenario(text: str) -> bool:
    """Whether the text can be read at all: a link, a token or a query string.

    Examples
    --------
    >>> looks_like_a_scenario("/estimate"), looks_like_a_scenario("the second one")
    (True, False)
    """
    token, pairs = read_side(text)
    return bool(token or pairs) or addresses.split(text).path in {"/estimate", "/result"}


def words(name: str, value: Any, currency: Currency = US_DOLLAR) -> str:
    """An input as it is read; an amount, which is entered in US dollars, in the currency too."""
    if name in CHOICE_LABELS:
        return choice_label(name, str(value))
    if name in {"lengths", "own_evidence"} and value:
        return f"given ({show_words.plural(len(str(value).splitlines()), 'line')})"
    if name == "pilot":
        return _pilot_words(value)
    if name == "methods":
        return show_words.join_words([METHOD_LABELS.get(item, item) for item in value])
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return show_words.join_words([str(item) for item in value]) or "all"
    if isinstance(value, dict):
        return f"given ({show_words.plural(len(value), 'entry', 'entries')})"
    if isinstance(value, int | float):
        return _with_unit(value, told_of(name, "unit"), currency)
    if value is None and told_of(name, "blank"):
        return told_of(name, "blank")
    return str(value) if value not in {None, ""} else show_numbers.NONE


def _with_unit(value: float, unit: str, currency: Currency) -> str:
    """A number as it is entered, with its unit.

    Examples
    --------
    >>> [_with_unit(value, unit, US_DOLLAR) for value, unit in ((8, "%"), (3, "weeks"))]
    ['8%', '3 weeks']
    >>> _with_unit(500, "USD a month", Currency("EUR", 2, 0.9))
    'US$500 (€450) a month'
    """
    money, _, per = unit.partition(" ")
    number = f"{value:,.10g}"
    if money == "USD":
        converted = "" if currency == US_DOLLAR else f" ({show_amounts.usd(value, currency)})"
        if converted and abs(value) < 100:
            converted = f" ({show_amounts.unit_price(value, currency)})"
        return f"US${number}{converted} {per}".strip()
    return f"{number}{'' if unit.startswith('%') else ' '}{unit}".strip()


def _pilot_words(rows: Sequence[Mapping[str, Any]]) -> str:
    """The scores of a pilot in a few words.

    Examples
    --------
    >>> _pilot_words([{"examples": 6000, "test_set_size": 500, "base_points": None,
    ...                "full_points": 55.0, "lora_points": 54.5, "qlora_points": None}])
    '6,000 examples: Full 55, LoRA 54.5'
    """
    said = []
    for row in rows:
        scores = [
            f"{PilotRow.model_fields[name].title} {row[name]:g}"
            for name in PILOT_SCORES
            if row[name] is not None
        ]
        said.append(f"{show_words.plural(row['examples'], 'example')}: {', '.join(scores)}")
    return "; ".join(said) or "none"


def inputs_of(side: Side) -> dict[str, Any]:
    """The members of a scenario, its price book by its name: the key says nothing to a reader."""
    found = side.scenario.model_dump(mode="json")
    found["price_book"] = side.report.price_book or "built-in list prices"
    return found


def _inputs(left: Side, right: Side) -> tuple[Difference, ...]:
    found = []
    a, b = (inputs_of(side) for side in (left, right))
    for name, field in ScenarioInput.model_fields.items():
        if name in {"title", "situation", "assumptions"} or a[name] == b[name]:
            continue
        change = ""
        if all(isinstance(v, int | float) and not isinstance(v, bool) for v in (a[name], b[name])):
            # As many digits as were entered, so that a reader can subtract them.
            more = b[name] - a[name]
            sign = "−" if more < 0 else "+"
            currency = US_DOLLAR.sign if told_of(name, "unit").startswith("USD") else ""
            change = f"{sign}{currency}{abs(more):,.10g}"
        found.append(
            Difference(field.title or name, words(name, a[name]), words(name, b[name]), change)
        )
    changed = {**a["assumptions"], **b["assumptions"]}
    for key in changed:
        one, other = a["assumptions"].get(key), b["assumptions"].get(key)
        if one != other:
            found.append(
                Difference(
                    key.replace("_", " "),
                    "our value" if one is None else f"{one:g}",
                    "our value" if other is None else f"{other:g}",
                    "",
                )
            )
    return tuple(found)


def _verdicts(left: Report, right: Report, amounts: Kind) -> tuple[Difference, ...]:
    def choice(report: Report) -> str:
        return show_words.first_sentence(show_words.typeset(report.verdict.headline))[
            0
        ].removesuffix(".")

    a, b = left.comparison, right.comparison
    one, other = choice(left), choice(right)
    rows = [Difference("Verdict", one, other, SAME if one == other else "changes")]
    if a is not None and b is not None:
        rows += [
            difference(
                "Expected accuracy, full over adapter", a.gap_points.mean, b.gap_points.mean, POINTS
            ),
            difference(
                "Chance that full is worth more",
                a.probability_full_beats_adapter,
                b.probability_full_beats_adapter,
                PROBABILITY,
            ),
            difference("Extra cost of full", a.extra_cost_usd, b.extra_cost_usd, amounts),
        ]
    rows.append(
        difference(
            "Knowing the outcome before choosing would be worth",
            left.verdict.perfect_information_usd,
            right.verdict.perfect_information_usd,
            amounts,
        )
    )
    return tuple(rows)


def _method(
    a: MethodReport | None, b: MethodReport | None, amounts: Kind
) -> tuple[Difference, ...]:
    def mean(m: MethodReport | None, what: str) -> float | None:
        if m is None:
            return None
        if what == "gain":
            return m.accuracy.gain_points.mean if m.accuracy else None
        if what == "npv":
            return m.npv_usd.mean if m.npv_usd else None
        if what == "hours":
            return m.plan.hours if m.plan else None
        if what == "carbon":
            return m.plan.energy.kg_co2e if m.plan and m.plan.energy else None
        found: float | None = getattr(m, what)
        return found

    wanted = (
        ("Expected accuracy gain", "gain", POINTS),
        (TOTAL_LABEL, "total_usd", amounts),
        ("Cost per accuracy point", "usd_per_point", amounts),
        ("Net present value", "npv", amounts),
        ("Payback", "payback_months", MONTHS),
        ("Payback, discounted", "discounted_payback_months", MONTHS),
        ("Chance that it is the best choice", "probability_best", PROBABILITY),
        ("Time to first release", "time_to_release_months", MONTHS),
        ("One training run", "hours", HOURS),
        ("Carbon of one run", "carbon", CARBON),
    )
    return tuple(
        difference(label, mean(a, what), mean(b, what), kind)
        for label, what, kind in wanted
        if what != "carbon" or mean(a, what) is not None or mean(b, what) is not None
    )


def compare(left: Side, right: Side) -> ComparisonView:
    """Both answers and their differences (right less left)."""
    a = {m.method: m for m in left.report.methods}
    b = {m.method: m for m in right.report.methods}
    amounts = money(currency_of(left.report))
    outcomes: list[tuple[str, tuple[Difference, ...]]] = [
        ("Verdict", _verdicts(left.report, right.report, amounts))
    ]
    outcomes += [
        (name_of(method), _method(a.get(method), b.get(method), amounts)) for method in {**a, **b}
    ]
    one, other = (
        ComparedSide(
            heading=side.heading,
            title=side.report.title or side.scenario.title or "Untitled scenario",
            headline=show_words.typeset(side.report.verdict.headline),
            address=side.address,
            basis=side.basis,
            pinned=side.pinned,
        )
        for side in (left, right)
    )
    inputs = _inputs(left, right)
    identical = not inputs and all(row.left == row.right for _, rows in outcomes for row in rows)
    return ComparisonView(
        (one, other), inputs, tuple(outcomes), _currency_note(left.report, right.report), identical
    )


def _currency_note(left: Report, right: Report) -> str:
    """In which currency both are compared; empty where both are in US dollars."""
    a, b = left.currency, right.currency
    if a.code == b.code == US_DOLLAR.code:
        return ""
    said = f"Amounts of both are in {a.code}"
    if a.code != US_DOLLAR.code:
        said += f" at {show_numbers.significant(a.per_usd, 6)} per US dollar"
    if (a.code, a.per_usd) == (b.code, b.per_usd):
        return f"{said}."
    own = f"{b.code} at {show_numbers.significant(b.per_usd, 6)}" if a.code == b.code else b.code
    return f"{said}, as in the first; the sentence of the second is in {own}."
