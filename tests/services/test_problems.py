"""Every problem of validation is a plain sentence at its pointer."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from app.inputs import ScenarioInput
from app.services.problems import problems_from_validation


def problems(document: Any) -> dict[str, str]:
    with pytest.raises(ValidationError) as caught:
        ScenarioInput.model_validate(document)
    return {p.pointer: p.message for p in problems_from_validation(caught.value)}


@pytest.mark.parametrize(
    ("document", "pointer", "said"),
    [
        ({"epochs": 0}, "/epochs", "Epochs must be more than 0 (got 0)."),
        ({"epochs": float("nan")}, "/epochs", "finite"),
        ({"epochs": float("inf")}, "/epochs", "finite"),
        ({"epochs": "many"}, "/epochs", "must be a number, such as 2.5 (got many)."),
        ({"examples": -5}, "/examples", "must be 1 or more (got -5)."),
        ({"examples": 1.5}, "/examples", "must be a whole number"),
        ({"examples": 10**18}, "/examples", "must be 10,000,000,000 or less"),
        ({"examples": float("inf")}, "/examples", "finite"),
        ({"methods": []}, "/methods", "must have at least one entry"),
        ({"methods": ["lora", "dora"]}, "/methods/1", "must be one of 'full', 'lora' or 'qlora'"),
        ({"methods": "lora"}, "/methods", "must be a list"),
        ({"task_group": "easy"}, "/task_group", "must be one of 'narrow'"),
        ({"epoch": 3}, "/epoch", "is not a known field"),
        ({"title": "x" * 121}, "/title", "must be at most 120 characters long"),
        ({"model": "   "}, "/model", "must not be empty"),
        ({"include_marketplace": "perhaps"}, "/include_marketplace", "must be true or false"),
        (
            {"pilot": [{"examples": 5, "test_set_size": 10, "lora_points": 101}]},
            "/pilot/0/lora_points",
            "Pilot, row 1, LoRA: must be 100 or less (got 101).",
        ),
        ({"pilot": [{"examples": 5, "test_set_size": 10}]}, "/pilot/0", "at least one score"),
        (
            {"pilot": [{"full_points": 5, "test_set_size": 10}]},
            "/pilot/0/examples",
            "Pilot, row 1, Training examples: is missing; give a value.",
        ),
        ({"pilot": 3}, "/pilot", "Pilot must be a list of rows"),
        ({"pilot": [3]}, "/pilot/0", "Pilot, row 1 must be a JSON object"),
        ({"config_json": "{oops"}, "/config_json", "is not valid JSON (line 1, column 2"),
        ({"config_json": "[1]"}, "/config_json", "must be a JSON object"),
        ({"config_json": "{" + "x" * 9000}, "/config_json", "must be at most 8,000 characters"),
        ({"assumptions": {"a": "b"}}, "/assumptions/a", "must be a number"),
        ({"a/b~c": 1}, "/a~1b~0c", "is not a known field"),
        ([], "", "must be a JSON object"),
        ("text", "", "must be a JSON object"),
        ({"seed": None}, "/seed", "must be a whole number"),
    ],
)
def test_what_is_said(document: Any, pointer: str, said: str) -> None:
    found = problems(document)
    assert set(found) == {pointer}
    assert said in found[pointer]
    assert found[pointer].endswith(".")
    assert "Input should" not in found[pointer]


def test_several_at_once() -> None:
    found = problems({"epochs": -1, "examples": 0, "nonsense": 1, "lora_rank": "wide"})
    assert set(found) == {"/epochs", "/examples", "/nonsense", "/lora_rank"}


def test_a_label_is_used_rather_than_a_name() -> None:
    assert problems({"lora_rank": 0})["/lora_rank"].startswith("LoRA rank must be 1 or more")


def test_a_config_with_a_huge_number_is_refused_in_our_words() -> None:
    said = problems({"config_json": '{"hidden_size": ' + "9" * 5000 + "}"})["/config_json"]
    assert "set_int_max_str_digits" not in said


def test_long_values_are_cut() -> None:
    said = problems({"epochs": "x" * 5000})["/epochs"]
    assert len(said) < 200


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("price_book", "nonsense", "must be the key of a price book"),
        ("currency", "euro", "must be the three capital letters of ISO 4217, such as EUR"),
    ],
)
def test_a_form_of_its_own_is_said_in_words(field: str, value: str, said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ScenarioInput.model_validate({field: value})
    [problem] = problems_from_validation(caught.value)
    assert problem.pointer == f"/{field}"
    assert said in problem.message
    assert "pattern" not in problem.message
