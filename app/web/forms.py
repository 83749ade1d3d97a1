"""The builder's form, made from the metadata of ScenarioInput: labels live there, not here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from app.catalog.catalog import Catalog
from app.estimator.constants import CONSTANTS
from app.inputs import (
    LORA_TARGET_CHOICES,
    METHOD_LABELS,
    SEQUENCE_FIELDS,
    ScenarioInput,
    number_of,
    told_of,
)
from app.services.book_infos import BookInfo
from app.services.ledger import preset_of
from app.services.problems import Problem
from app.web import show_numbers
from app.web.choices import CHOICE_LABELS, choice_label
from app.web.form_steps import STEPS
from app.web.pilot_fields import PilotTable, id_of, table, typed_rows

Pairs = Sequence[tuple[str, str]]

_GROUPED_NUMBER = re.compile(r"\s*[1-9]\d{0,2}(,\d{3})+(\.\d+)?\s*")
_WHOLE = re.compile(r"-?\d+\.0")
_TEXT_FIELDS = frozenset(
    {"title", "model", "config_json", "lengths", "own_evidence", "lora_targets", "qlora_targets"}
)
_PREFIXES = {"USD": "US$"}
"""Units that stand before their number, by the first word of the unit."""


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of a list."""

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class OptionGroup:
    """Choices under a heading; an empty heading means none."""

    label: str
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class FieldView:
    """One field as it is shown.

    Parameters
    ----------
    control : text, number, textarea, config (a textarea and a file), select, checkbox or checks.
    changed : differs from our default; `default` says what that was.
    error : what is wrong with it, empty when nothing is.
    """

    name: str
    id: str
    control: str
    label: str
    help: str
    prefix: str
    """what stands before the number"""
    unit: str
    """what stands after it"""
    value: str
    default: str
    changed: bool
    error: str
    blank: str
    """what counts where a number is left blank; empty where it may not be"""
    inputmode: str
    maxlength: int | None
    groups: tuple[OptionGroup, ...]
    suggestions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MoreView:
    """Fields behind their name; open where one was changed or is wrong."""

    id: str
    label: str
    fields: tuple[FieldView, ...]
    open: bool


@dataclass(frozen=True, slots=True)
class StepView:
    """One fieldset as it is shown."""

    key: str
    number: int
    legend: str
    intro: str
    pilot: PilotTable | None
    fields: tuple[FieldView, ...]
    more: tuple[MoreView, ...]


@dataclass(frozen=True, slots=True)
class ProblemView:
    """One entry of the error summary; `field_id` is where it links to, if anywhere."""

    message: str
    field_id: str


@dataclass(frozen=True, slots=True)
class FormView:
    """The whole form."""

    situation: str
    steps: tuple[StepView, ...]
    assumptions: tuple[FieldView, ...]
    assumptions_open: bool
    problems: tuple[ProblemView, ...]


def cleaned(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Pairs as a person typed them, with the thousands separators of numbers taken out.

    Examples
    --------
    >>> cleaned([("examples", "50,000"), ("title", "1,000 things"), ("epochs", "0,125")])
    [('examples', '50000'), ('title', '1,000 things'), ('epochs', '0,125')]
    """
    return [
        (
            name,
            value.replace(",", "").strip()
            if name not in _TEXT_FIELDS and _GROUPED_NUMBER.fullmatch(value)
            else value,
        )
        for name, value in pairs
    ]


def field_id(pointer: str, pilot_rows: Sequence[int] = ()) -> str:
    """The id of the control that a problem belongs to; empty for the whole form.

    Parameters
    ----------
    pilot_rows : places of the rows of the pilot that are not blank.

    Examples
    --------
    >>> field_id("/epochs"), field_id("/methods/0"), field_id("/assumptions/fabric_efficiency")
    ('f-epochs', 'f-methods', 'f-assumptions-fabric_efficiency')
    >>> field_id("/assumptions"), field_id(""), field_id("/pilot/1/lora_points", [0, 2])
    ('step-assumptions', '', 'f-pilot-2-lora_points')
    """
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    if not parts:
        return ""
    if parts[0] == "assumptions":
        known = len(parts) > 1 and parts[1] in CONSTANTS
        return f"f-assumptions-{parts[1]}" if known else "step-assumptions"
    if parts[0] == "pilot":
        return id_of(parts[1:], pilot_rows)
    return f"f-{parts[0]}" if parts[0] in ScenarioInput.model_fields else ""


def _text(value: Any) -> str:
    """A default as it would be typed."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:g}" if abs(value) < 1e6 else f"{value:.0f}"
    return str(value)


def _values_of(name: str, field: FieldInfo) -> tuple[str, ...]:
    """The values of a field that has choices, in the order of their labels."""
    known = _literal_values(field)
    labelled = [value for value in CHOICE_LABELS.get(name, {}) if value in known]
    return tuple(dict.fromkeys([*labelled, *map(str, known)]))


def _literal_values(field: FieldInfo) -> tuple[str, ...]:
    return get_args(field.annotation) if get_origin(field.annotation) is Literal else ()


def _book_choices(books: Sequence[BookInfo], chosen: str) -> list[tuple[str, str, str]]:
    """The built-in prices and the price books; a version that a scenario is pinned to stays."""
    found = [("", "", "Built-in list prices")]
    for heading, shared in (("Your price books", False), ("Of this installation", True)):
        found += [(heading, book.token, book.name) for book in books if book.installation is shared]
    token, _, version = chosen.partition("@")
    if chosen and chosen not in {value for _, value, _ in found}:
        name = next((book.name for book in books if book.token == token), "Price book of a link")
        found.append(
            ("Of this scenario", chosen, f"{name}, version {version}" if version else name)
        )
    return found


def _choices(
    name: str, field: FieldInfo, catalog: Catalog, books: Sequence[BookInfo], chosen: str
) -> list[tuple[str, str, str]]:
    """Heading, value and label of every choice of a field."""
    match name:
        case "price_book":
            return _book_choices(books, chosen)
        case "currency":
            rates = catalog.exchange_rates.values()
            return [
                ("", r.code, f"{r.code}: {r.name}") for r in sorted(rates, key=lambda r: r.code)
            ]
        case "model":
            return [(m.family, key, m.label) for key, m in catalog.models.items()]
        case "methods":
            return [("", key, label) for key, label in METHOD_LABELS.items()]
        case "accelerators":
            offered = {offer.accelerator.key for offer in catalog.offers}
            return [
                (a.vendor, key, a.name.removeprefix(a.vendor).strip())
                for key, a in catalog.accelerators.items()
                if key in offered
            ]
        case "providers":
            names = {offer.provider: offer.provider_name for offer in catalog.offers}
            return [("", key, names[key]) for key in sorted(names, key=lambda k: names[k].lower())]
        case _:
            return [("", value, choice_label(name, value)) for value in _values_of(name, field)]


def _groups(choices: list[tuple[str, str, str]], chosen: set[str]) -> tuple[OptionGroup, ...]:
    grouped: dict[str, list[Option]] = {}
    for heading, value, label in choices:
        grouped.setdefault(heading, []).append(Option(value, label, value in chosen))
    return tuple(OptionGroup(heading, tuple(options)) for heading, options in grouped.items())


def _control(name: str, field: FieldInfo) -> str:
    if name in SEQUENCE_FIELDS:
        return "checks"
    if name == "config_json":
        return "config"
    if name in {"lengths", "own_evidence"}:
        return "textarea"
    if name in {"model", "price_book", "currency"} or _literal_values(field):
        return "select"
    if field.annotation is bool:
        return "checkbox"
    return "number" if number_of(name) else "text"


def _maxlength(field: FieldInfo) -> int | None:
    for rule in field.metadata:
        length = getattr(rule, "max_length", None)
        if isinstance(length, int):
            return length
    return None


def _field(
    name: str,
    typed: Mapping[str, Sequence[str]],
    errors: Mapping[str, str],
    catalog: Catalog,
    books: Sequence[BookInfo],
    preset: ScenarioInput,
) -> FieldView:
    """One field as it is shown.

    Parameters
    ----------
    preset : what its value is compared with; an address that lacks it means the default.
    """
    field = ScenarioInput.model_fields[name]
    control = _control(name, field)
    default, usual = field.get_default(call_default_factory=True), getattr(preset, name)
    given = [value for value in typed.get(name, ()) if value.strip()]
    if control == "checks":
        chosen = set(given if name in typed else default)
        value = ""
        changed = name in typed and chosen != set(usual)
    else:
        value = typed[name][-1] if typed.get(name) else _text(default)
        if control == "number" and _WHOLE.fullmatch(value):
            value = value.removesuffix(".0")  # canonical addresses write 48.0; nobody types that
        if control == "checkbox":
            value = "true" if value.lower() in {"true", "1", "on", "yes"} else ""
        chosen = {value}
        changed = value.strip() != (_text(usual) if control != "checkbox" else "true" * usual)
    choices = []
    if control in {"select", "checks"}:
        choices = _choices(name, field, catalog, books, value)
    known = {choice for _, choice, _ in choices}
    # What was chosen elsewhere (a link, the API) stays visible, so that it can be taken out.
    choices += [("Not listed", item, item) for item in sorted(chosen - known) if choices and item]
    prefix, unit = _around(told_of(name, "unit"))
    labels = {choice: label for _, choice, label in choices}
    return FieldView(
        name=name,
        id=f"f-{name}",
        control=control,
        label=field.title or name,
        help=field.description or "",
        prefix=prefix,
        unit=unit,
        value=value,
        default=labels.get(_text(usual), _text(usual)) if control != "checks" else "",
        changed=changed,
        error=errors.get(f"f-{name}", ""),
        blank=told_of(name, "blank"),
        inputmode="numeric" if number_of(name) is int else "decimal",
        maxlength=_maxlength(field) if control == "text" else None,
        groups=_groups(choices, chosen),
        suggestions=LORA_TARGET_CHOICES if name.endswith("_targets") else (),
    )


def _around(unit: str) -> tuple[str, str]:
    """What of a unit stands before its number, and what after it.

    Examples
    --------
    >>> _around("USD"), _around("USD a month"), _around("runs")
    (('US$', ''), ('US$', 'a month'), ('', 'runs'))
    """
    first, _, rest = unit.partition(" ")
    return (_PREFIXES[first], rest) if first in _PREFIXES else ("", unit)


def _assumption_field(
    key: str, typed: Mapping[str, Sequence[str]], errors: Mapping[str, str]
) -> FieldView:
    constant = CONSTANTS[key]
    name = f"assumptions.{key}"
    value = typed[name][-1] if typed.get(name) else ""
    limits = (
        f"{show_numbers.significant(constant.low)} to {show_numbers.significant(constant.high)}"
    )
    return FieldView(
        name=name,
        id=f"f-assumptions-{key}",
        control="number",
        label=constant.label,
        help=f"{constant.source} ({limits})",
        prefix="",
        unit=constant.unit,
        value=value,
        default=f"{constant.value:g}",
        changed=bool(value.strip()),
        error=errors.get(f"f-assumptions-{key}", ""),
        blank=f"{constant.value:g}",
        inputmode="decimal",
        maxlength=None,
        groups=(),
        suggestions=(),
    )


def form(
    pairs: Pairs,
    catalog: Catalog,
    problems: Sequence[Problem] = (),
    books: Sequence[BookInfo] = (),
) -> FormView:
    """The form as it was typed, with what is wrong beside each field.

    Parameters
    ----------
    pairs : names and values as sent; what is missing shows its default.
    books : price books to choose from.
    """
    typed: dict[str, list[str]] = {}
    for name, value in pairs:
        typed.setdefault(name, []).append(value)
    preset = preset_of(typed.get("situation", [""])[-1])
    rows = list(typed_rows(pairs))
    errors: dict[str, str] = {}
    for problem in problems:
        where = field_id(problem.pointer, rows)
        errors[where] = f"{errors[where]} {problem.message}" if where in errors else problem.message

    def fields(names: Iterable[str]) -> tuple[FieldView, ...]:
        return tuple(_field(name, typed, errors, catalog, books, preset) for name in names)

    steps = tuple(
        StepView(
            key=step.key,
            number=number,
            legend=step.legend,
            intro=step.intro,
            pilot=table(pairs, errors) if step.pilot else None,
            fields=fields(step.fields),
            more=tuple(
                _more(f"step-{step.key}-more-{place}", more.label, fields(more.fields))
                for place, more in enumerate(step.more, start=1)
            ),
        )
        for number, step in enumerate(STEPS, start=1)
    )
    assumptions = tuple(_assumption_field(key, typed, errors) for key in CONSTANTS)
    return FormView(
        situation=typed.get("situation", ["blank"])[-1],
        steps=steps,
        assumptions=assumptions,
        assumptions_open=any(field.changed or field.error for field in assumptions)
        or "step-assumptions" in errors,
        problems=tuple(ProblemView(p.message, field_id(p.pointer, rows)) for p in problems),
    )


def _more(key: str, label: str, fields: tuple[FieldView, ...]) -> MoreView:
    return MoreView(key, label, fields, any(field.changed or field.error for field in fields))
