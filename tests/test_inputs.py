"""ScenarioInput: what it takes, what it refuses, and that a link says the same as the form."""

from __future__ import annotations

import json
import math
from typing import Any, Literal, get_args, get_origin
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.estimator.constants import CONSTANTS
from app.estimator.evidence import Distance
from app.estimator.methods import LABELS
from app.estimator.plans import CHECKPOINTING
from app.estimator.software import COMPUTES, LOSSES, OPTIMIZERS, PRECISIONS, STACKS
from app.estimator.tokens import PACKINGS
from app.inputs import (
    METHOD_LABELS,
    MOST_PILOT_ROWS,
    PILOT_SCORES,
    TASK_GROUP_LABELS,
    Method,
    PilotRow,
    ScenarioInput,
    TaskGroup,
    fields_from_pairs,
    number_of,
    told_of,
)
from app.inputs.kinds import Fields

USUAL = {
    name: field.default
    for name, field in ScenarioInput.model_fields.items()
    if field.annotation in (int, float)
}
"""The numbers and their defaults."""


SCHEMA = ScenarioInput.model_json_schema()["properties"]


def from_query(query: str) -> ScenarioInput:
    return ScenarioInput.model_validate(fields_from_pairs(parse_qsl(query, keep_blank_values=True)))


def _numbers(name: str) -> st.SearchStrategy[Any]:
    """Any number that the field takes."""
    schema = SCHEMA[name]
    choices = schema.get("anyOf", [schema])
    either = [_within(kind) for kind in choices if kind["type"] != "null"]
    return st.one_of(*either, *([st.none()] if len(choices) > len(either) else []))


def _within(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    low, high = schema.get("minimum", schema.get("exclusiveMinimum")), schema["maximum"]
    if schema["type"] == "integer":
        return st.integers(low, high)
    return st.floats(low, high, exclude_min="exclusiveMinimum" in schema)


# A query string cannot carry a lone surrogate, and surrounding blanks are stripped on purpose.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60).map(str.strip)
lines = texts.filter(str.isprintable)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
points = st.none() | st.floats(0, 100)
pilot_rows = st.fixed_dictionaries(
    {
        "examples": st.integers(1, 10**10),
        "test_set_size": st.integers(10, 10**7),
        "base_points": points,
        "full_points": points,
        "lora_points": points,
        "qlora_points": points,
    }
).filter(lambda row: any(row[name] is not None for name in PILOT_SCORES))
SPECIAL: dict[str, st.SearchStrategy[Any]] = {
    "title": lines,
    "model": lines.filter(bool),
    "lengths": texts,
    "own_evidence": texts,
    "pilot": st.lists(pilot_rows, max_size=MOST_PILOT_ROWS),
    "lora_targets": texts,
    "qlora_targets": texts,
    "config_json": st.none() | st.dictionaries(texts, json_values, max_size=4),
    "methods": st.lists(st.sampled_from(get_args(Method)), min_size=1, unique=True).map(tuple),
    "accelerators": st.lists(texts.filter(bool), max_size=4, unique=True).map(tuple),
    "providers": st.lists(texts.filter(bool), max_size=4, unique=True).map(tuple),
    "price_book": st.from_regex(r"([A-Za-z0-9_-]{32}(@[1-9][0-9]{0,8})?)?", fullmatch=True),
    "currency": st.from_regex(r"[A-Z]{3}", fullmatch=True),
    "start_month": st.from_regex(r"((19|20|21)[0-9]{2}-(0[1-9]|1[0-2]))?", fullmatch=True),
    "assumptions": st.dictionaries(
        st.sampled_from(sorted(CONSTANTS)), st.floats(allow_nan=False), max_size=4
    ),
}


def _any(name: str) -> st.SearchStrategy[Any]:
    """Any value that the field takes."""
    annotation = ScenarioInput.model_fields[name].annotation
    if name in SPECIAL:
        return SPECIAL[name]
    if annotation is bool:
        return st.booleans()
    if get_origin(annotation) is Literal:
        return st.sampled_from(get_args(annotation))
    return _numbers(name)


FIELDS = {name: _any(name) for name in ScenarioInput.model_fields}
scenarios = st.fixed_dictionaries({}, optional=FIELDS).map(ScenarioInput.model_validate)


@given(scenario=scenarios)
def test_a_link_says_the_same_as_the_scenario(scenario: ScenarioInput) -> None:
    assert from_query(scenario.to_query()) == scenario


@given(scenario=scenarios)
def test_json_says_the_same_as_the_scenario(scenario: ScenarioInput) -> None:
    document = json.loads(json.dumps(scenario.model_dump(mode="json")))
    assert ScenarioInput.model_validate(document) == scenario


def test_the_defaults_are_valid_and_make_an_empty_link() -> None:
    defaults = ScenarioInput()
    assert defaults.objective == "value"
    assert defaults.to_query() == ""
    assert ScenarioInput.model_validate(defaults.model_dump(mode="json")) == defaults
    for name, field in ScenarioInput.model_fields.items():
        assert field.title, name
        assert field.description, name


@pytest.mark.parametrize(
    "fields",
    [
        {"price_book": "short"},
        {"price_book": "x" * 33},
        {"price_book": "x" * 32 + "@0"},
        {"price_book": "x" * 32 + "@"},
        {"price_book": "x" * 32 + "@1\n2"},
        {"price_book": "é" * 32},
        {"currency": "eur"},
        {"currency": "EURO"},
        {"currency": ""},
        {"exchange_rate_per_usd": -1},
        {"exchange_rate_per_usd": float("inf")},
        {"exchange_rate_per_usd": float("nan")},
    ],
)
def test_a_price_book_or_currency_that_cannot_be(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        ScenarioInput.model_validate(fields)
    assert [error["loc"] for error in caught.value.errors()] == [tuple(fields)]


def test_fields_come_by_subject_in_every_form() -> None:
    """Links, JSON and messages keep one order, and no part hides what another declares."""
    parts = [part for part in reversed(ScenarioInput.__mro__) if issubclass(part, Fields)]
    firsts = [next(iter(own)) for part in parts if (own := part.__annotations__)]
    assert firsts == [
        "title",
        "model",
        "methods",
        "accelerators",
        "experiments",
        "serving",
        "answers_per_month",
        "value_uncertainty_percent",
        "adoption_ramp_months",
        "draws",
    ]
    declared = [name for part in parts for name in part.__annotations__]
    assert list(ScenarioInput.model_fields) == declared
    assert len(set(declared)) == len(declared)
    assert list(ScenarioInput.model_json_schema()["properties"]) == declared
    link = ScenarioInput().model_copy(update={name: n + 1 for name, n in USUAL.items()}).to_query()
    assert [name for name, _ in parse_qsl(link)] == [name for name in declared if name in USUAL]
    with pytest.raises(ValidationError) as caught:
        ScenarioInput.model_validate(dict.fromkeys(reversed(declared), object()))
    assert [error["loc"][0] for error in caught.value.errors()] == declared


@pytest.mark.parametrize("name", ["title", "model"])
def test_a_name_is_one_line(name: str) -> None:
    with pytest.raises(ValidationError, match="one line of text") as caught:
        ScenarioInput.model_validate({name: "two\nlines"})
    assert [error["loc"] for error in caught.value.errors()] == [(name,)]


@pytest.mark.parametrize("name", ["accelerators", "providers"])
def test_each_choice_counts_once(name: str) -> None:
    chosen = ScenarioInput.model_validate({name: ["b", "a", "b"]})
    assert getattr(chosen, name) == ("b", "a")


def test_a_blank_entry_says_none() -> None:
    assert fields_from_pairs([("providers", "")]) == {"providers": []}
    assert fields_from_pairs([("providers", ""), ("providers", "aws")]) == {"providers": ["aws"]}
    # No box ticked is not the default of all three.
    with pytest.raises(ValidationError, match="at least 1"):
        from_query("methods=")


def test_a_pilot_in_a_form() -> None:
    """Cells may come in any order and be blank; so may whole rows. What is no cell is left out."""
    found = fields_from_pairs(
        [
            ("pilot.10.examples", "900"),
            ("pilot.2.lora_points", "71.5"),
            ("pilot.2.examples", "500"),
            ("pilot.2.full_points", " "),
            ("pilot.10.base_points", "60"),
            ("pilot.0.examples", ""),
            ("pilot.-1.examples", "3"),
            ("pilot.x.examples", "3"),
            ("pilot.1.colour", "3"),
            ("pilot.1", "3"),
            ("pilot", "3"),
        ]
    )
    assert found == {
        "pilot": [
            {"lora_points": "71.5", "examples": "500"},
            {"examples": "900", "base_points": "60"},
        ]
    }
    assert fields_from_pairs([("pilot.0.examples", ""), ("pilot.0.lora_points", "")]) == {}


@pytest.mark.parametrize(
    ("pilot", "place"),
    [
        ([{"examples": 500, "test_set_size": 100}], ("pilot", 0)),
        ([{"examples": 0, "test_set_size": 100, "lora_points": 1}], ("pilot", 0, "examples")),
        ([{"examples": 5, "test_set_size": 9, "lora_points": 1}], ("pilot", 0, "test_set_size")),
        ([{"examples": 5, "test_set_size": 10, "lora_points": 101}], ("pilot", 0, "lora_points")),
        ([{"examples": 5, "test_set_size": 10, "score": 1}], ("pilot", 0, "score")),
        ([{"examples": 5, "test_set_size": 10, "full_points": 1}] * 11, ("pilot",)),
        ({"examples": 5}, ("pilot",)),
        ("500", ("pilot",)),
    ],
)
def test_a_pilot_that_cannot_be(pilot: object, place: tuple[object, ...]) -> None:
    with pytest.raises(ValidationError) as caught:
        ScenarioInput.model_validate({"pilot": pilot})
    assert place in [error["loc"] for error in caught.value.errors()]


def test_every_column_of_a_pilot_says_what_it_is() -> None:
    for name, field in PilotRow.model_fields.items():
        assert field.title, name
        assert field.description, name


def test_a_huge_pilot_costs_nothing() -> None:
    with pytest.raises(ValidationError) as caught:
        ScenarioInput.model_validate({"pilot": [{"examples": "x"}] * 100_000})
    assert len(caught.value.errors()) == 1


def test_names_that_are_not_fields_are_left_out() -> None:
    assert from_query("utm_source=mail&epochs=2&gclid=1") == ScenarioInput(epochs=2)


def test_a_blank_assumption_is_left_out() -> None:
    assert from_query("assumptions.start_up_hours=&assumptions.context_gib=1") == (
        ScenarioInput(assumptions={"context_gib": 1})
    )


def test_an_assumption_beside_one_without_a_key() -> None:
    for query in (
        "assumptions=x&assumptions.context_gib=1",
        "assumptions.context_gib=1&assumptions=x",
    ):
        assert from_query(query) == ScenarioInput(assumptions={"context_gib": 1})
    with pytest.raises(ValidationError, match="assumptions"):
        from_query("assumptions=x")


def test_repeated_entries_count_once() -> None:
    assert from_query("methods=lora&methods=full&methods=lora").methods == ("lora", "full")


NUMBERS = sorted(name for name in ScenarioInput.model_fields if number_of(name))


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -1, 1e300, "1e309", "", "x"])
def test_absurd_numbers_are_refused(name: str, value: object) -> None:
    if name in {"growth_percent", "inflation_percent"} and value == -1:
        return  # answers may shrink, and prices fall
    if value == "" and told_of(name, "blank"):
        assert getattr(ScenarioInput.model_validate({name: value}), name) is None
        return
    with pytest.raises(ValidationError) as caught:
        ScenarioInput.model_validate({name: value})
    assert [error["loc"] for error in caught.value.errors()] == [(name,)]


def test_there_are_numbers_to_refuse() -> None:
    assert len(NUMBERS) > 25
    numeric = {"integer", "number"}
    kinds = {
        name: {kind.get("type") for kind in schema.get("anyOf", [schema])}
        for name, schema in SCHEMA.items()
    }
    assert [name for name in sorted(kinds) if kinds[name] & numeric] == NUMBERS
    # Whatever may be blank says what that stands for.
    for name in NUMBERS:
        assert ("null" in kinds[name]) == bool(told_of(name, "blank")), name


def test_overflow_in_json_is_refused() -> None:
    for document in ('{"epochs": 1e309}', '{"epochs": NaN}', '{"examples": 1e309}'):
        with pytest.raises(ValidationError):
            ScenarioInput.model_validate(json.loads(document))


def test_unknown_members_are_refused() -> None:
    with pytest.raises(ValidationError, match="extra_forbidden"):
        ScenarioInput.model_validate({"epoch": 3})


PRICES = ("storage_usd_per_gb_month", "egress_usd_per_gb")


@pytest.mark.parametrize("name", PRICES)
def test_a_price_that_is_blank_is_not_one_of_nothing(name: str) -> None:
    """Blank is as published, and what a link leaves out; 0 is free, and is said."""
    blank, free = (ScenarioInput.model_validate({name: value}) for value in (None, 0))
    assert blank == ScenarioInput()
    assert from_query(f"{name}=") == from_query(f"{name}=+") == blank
    assert blank.to_query() == ""
    assert free != blank
    assert free.to_query() == f"{name}=0"
    assert from_query(free.to_query()) == free
    assert json.loads(blank.model_dump_json())[name] is None
    assert json.loads(free.model_dump_json())[name] == 0


def test_a_pasted_config_becomes_an_object() -> None:
    assert ScenarioInput.model_validate({"config_json": ' {"a": [1]} '}).config_json == {"a": [1]}
    assert ScenarioInput.model_validate({"config_json": "  "}).config_json is None


@pytest.mark.parametrize("text", ["[1]", "3", '"x"', "{", "[" * 4000, "null"])
def test_a_pasted_config_that_is_none(text: str) -> None:
    if text == "null":
        assert ScenarioInput.model_validate({"config_json": text}).config_json is None
        return
    with pytest.raises(ValidationError) as caught:
        ScenarioInput.model_validate({"config_json": text})
    assert caught.value.errors()[0]["loc"][0] == "config_json"


def test_names_agree_with_the_estimator() -> None:
    assert set(get_args(TaskGroup)) == set(TASK_GROUP_LABELS)
    assert set(get_args(Method)) == set(LABELS) == set(METHOD_LABELS)
    assert dict(METHOD_LABELS).keys() == LABELS.keys()
    choices = {
        name: get_args(field.annotation) for name, field in ScenarioInput.model_fields.items()
    }
    assert set(choices["stack"]) == set(STACKS)
    assert set(choices["precision"]) == {"usual", *PRECISIONS}
    assert set(choices["optimizer"]) == {"usual", *OPTIMIZERS}
    assert set(choices["packing"]) == set(PACKINGS)
    assert set(choices["domain_distance"]) == {"usual", *get_args(Distance)}
    assert set(choices["checkpointing"]) == {"any", *CHECKPOINTING}
    # What older versions did, and what no chip of a planner is for, is for measured runs only.
    assert set(choices["loss"]) == {"usual", *LOSSES} - {"narrow"}
    assert set(choices["compute"]) == set(COMPUTES) - {"fp4"}
