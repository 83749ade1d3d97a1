"""Two scenarios side by side: what differs in what was asked, and what that did to the answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from app.estimator.currency import US_DOLLAR, Currency
from app.estimator.report import MethodReport, Report
from app.inputs import METHOD_LABELS, ScenarioInput
from app.web import addresses
from app.web import presenters as show
from app.web.choices import CHOICE_LABELS, choice_label
from app.web.contexts import ComparedSide, ComparisonView, Difference
from app.web.figures import currency_of, name_of

_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}")
_SHARED_PATH = re.compile(r"/s/([A-Za-z0-9_-]+)/?")
_SAME = "same"
TOTAL_LABEL = "Total cost"
_ROUNDS_TO_TWO = 1.5
"""From here a number without decimals is more than one."""
_SHOWN = re.compile(
    r"(?P<sign>[+−]?)(?:US\$|[€£]|[A-Z]{3}\s)?(?P<digits>[\d,]+(?:\.\d+)?)[\s%]*"
    r"(?P<unit>[A-Za-z]*)(?: CO₂e)?"
)
_UNITS = {
    "k": 1e3, "M": 1e6, "bn": 1e9, "tn": 1e12,
    "s": 1 / 3600, "min": 1 / 60, "h": 1.0, "days": 24.0, "years": 24.0 * 365,
    "kg": 1.0, "t": 1e3,
}  # fmt: skip


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


def _unit(name: str) -> str:
    extra = ScenarioInput.model_fields[name].json_schema_extra
    return str(extra.get("unit", "")) if isinstance(extra, dict) else ""


def _words(name: str, value: Any) -> str:
    """An input as it is read."""
    if name in CHOICE_LABELS:
        return choice_label(name, str(value))
    if name == "lengths" and value:
        return f"given ({show.plural(len(str(value).splitlines()), 'line')})"
    if name == "methods":
        return show.join_words([METHOD_LABELS.get(item, item) for item in value])
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return show.join_words([str(item) for item in value]) or "all"
    if isinstance(value, dict):
        return f"given ({show.plural(len(value), 'entry', 'entries')})"
    if isinstance(value, int | float):
        unit = _unit(name)
        text = f"{value:,.10g}"
        return (
            f"US${text}" if unit == "USD" else f"{text}{'' if unit == '%' else ' '}{unit}".strip()
        )
    return str(value) if value not in {None, ""} else show.NONE


def _inputs(left: Side, right: Side) -> tuple[Difference, ...]:
    found = []
    a, b = (side.scenario.model_dump(mode="json") for side in (left, right))
    # Its key says nothing to a reader.
    a["price_book"], b["price_book"] = (
        side.report.price_book or "built-in list prices" for side in (left, right)
    )
    for name, field in ScenarioInput.model_fields.items():
        if name in {"title", "situation", "assumptions"} or a[name] == b[name]:
            continue
        change = ""
        if all(isinstance(v, int | float) and not isinstance(v, bool) for v in (a[name], b[name])):
            more = b[name] - a[name]
            change = show.usd(more, plus=True)
            if _unit(name) != "USD":
                change = f"{more:+,.10g}".replace("-", "−")
        found.append(
            Difference(field.title or name, _words(name, a[name]), _words(name, b[name]), change)
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


def as_shown(text: str) -> float | None:
    """The number that a text says, in its base unit (dollars, hours, kg); None where it says none.

    Examples
    --------
    >>> as_shown("−US$31.2\\xa0k"), as_shown("24 min"), as_shown("+8.5 points"), as_shown("14%")
    (-31200.0, 0.4, 8.5, 14.0)
    >>> as_shown("€1,200"), as_shown("−CHF\\xa03.50"), as_shown("1.2\\xa0t CO₂e")
    (1200.0, -3.5, 1200.0)
    >>> as_shown("under 1%"), as_shown("—")
    (None, None)
    """
    found = _SHOWN.fullmatch(text)
    if found is None:
        return None
    size = float(found["digits"].replace(",", "")) * _UNITS.get(found["unit"], 1.0)
    return -size if found["sign"] == "−" else size


def _difference(
    label: str,
    left: float | None,
    right: float | None,
    write: Callable[[float | None], str],
    write_change: Callable[[float], str],
) -> Difference:
    """The change is that of the texts, so that a reader who subtracts finds the same."""
    one, other = write(left), write(right)
    change = ""
    if left is not None and right is not None:
        a, b = as_shown(one), as_shown(other)
        if one == other:
            change = _SAME
        elif a is not None and b is not None:
            change = write_change(b - a)
        else:
            change = "higher" if right > left else "lower"
    return Difference(label, one, other, change)


class _Money:
    """Amounts of both sides in one currency.

    Notes
    -----
    A change is taken between texts, so it is in the currency already.
    """

    def __init__(self, currency: Currency) -> None:
        self._currency = currency

    def whole(self, usd: float | None) -> str:
        return show.usd(usd, self._currency)

    def short(self, usd: float | None) -> str:
        return show.usd_short(usd, self._currency)

    def change(self, amount: float) -> str:
        return show.amount_short(amount, self._currency, plus=True)


def _carbon_change(value: float) -> str:
    return ("+" if value > 0 else "−") + show.carbon(abs(value))


def _points_change(value: float) -> str:
    return f"{show.points(value)} points"


def _percent_change(value: float) -> str:
    noun = "point" if abs(value) < _ROUNDS_TO_TWO else "points"
    return f"{show.number(value, 0, plus=True)} percentage {noun}"


def _months_change(value: float) -> str:
    return f"{show.number(value, 1, plus=True)} months"


def _hours_change(value: float) -> str:
    return ("+" if value > 0 else "−") + show.hours(abs(value))


def _verdicts(left: Report, right: Report, money: _Money) -> tuple[Difference, ...]:
    def choice(report: Report) -> str:
        return show.first_sentence(show.typeset(report.verdict.headline))[0].removesuffix(".")

    a, b = left.comparison, right.comparison
    rows = [
        Difference(
            "Verdict",
            choice(left),
            choice(right),
            _SAME if choice(left) == choice(right) else "changes",
        )
    ]
    if a is not None and b is not None:
        rows += [
            _difference(
                "Expected accuracy, full over adapter",
                a.gap_points.mean,
                b.gap_points.mean,
                lambda v: f"{show.points(v)} points",
                _points_change,
            ),
            _difference(
                "Chance that full is worth more",
                a.probability_full_beats_adapter,
                b.probability_full_beats_adapter,
                show.percent,
                _percent_change,
            ),
            _difference(
                "Extra cost of full",
                a.extra_cost_usd,
                b.extra_cost_usd,
                money.short,
                money.change,
            ),
        ]
    rows.append(
        _difference(
            "Perfect information would be worth",
            left.verdict.perfect_information_usd,
            right.verdict.perfect_information_usd,
            money.short,
            money.change,
        )
    )
    return tuple(rows)


def _method(
    a: MethodReport | None, b: MethodReport | None, money: _Money
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

    wanted: tuple[tuple[str, str, Callable[[float | None], str], Callable[[float], str]], ...] = (
        ("Expected accuracy gain", "gain", show.points, _points_change),
        (TOTAL_LABEL, "total_usd", money.whole, money.change),
        ("Cost per accuracy point", "usd_per_point", money.whole, money.change),
        ("Net present value", "npv", money.short, money.change),
        ("Payback", "payback_months", show.months, _months_change),
        ("Chance that it is the best choice", "probability_best", show.percent, _percent_change),
        ("One training run", "hours", show.hours, _hours_change),
        ("Carbon of one run", "carbon", show.carbon, _carbon_change),
    )
    return tuple(
        _difference(label, mean(a, what), mean(b, what), write, change)
        for label, what, write, change in wanted
        if what != "carbon" or mean(a, what) is not None or mean(b, what) is not None
    )


def compare(left: Side, right: Side) -> ComparisonView:
    """Both answers and their differences (right less left)."""
    a = {m.method: m for m in left.report.methods}
    b = {m.method: m for m in right.report.methods}
    money = _Money(currency_of(left.report))
    outcomes: list[tuple[str, tuple[Difference, ...]]] = [
        ("Verdict", _verdicts(left.report, right.report, money))
    ]
    outcomes += [
        (name_of(method), _method(a.get(method), b.get(method), money)) for method in {**a, **b}
    ]
    one, other = (
        ComparedSide(
            heading=side.heading,
            title=side.report.title or side.scenario.title or "Untitled scenario",
            headline=show.typeset(side.report.verdict.headline),
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
        said += f" at {show.significant(a.per_usd, 6)} per US dollar"
    if (a.code, a.per_usd) == (b.code, b.per_usd):
        return f"{said}."
    own = f"{b.code} at {show.significant(b.per_usd, 6)}" if a.code == b.code else b.code
    return f"{said}, as in the first; the sentence of the second is in {own}."
