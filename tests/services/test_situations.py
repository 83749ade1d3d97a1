"""The ready-made situations: valid, different, and each a whole scenario."""

from __future__ import annotations

from urllib.parse import parse_qsl

from app.inputs import ScenarioInput, fields_from_pairs
from app.services.situations import SITUATIONS


def test_three_situations_that_can_be_carried_in_a_link() -> None:
    assert [ready.key for ready in SITUATIONS] == [
        "deep-domain",
        "controlled-behaviour",
        "core-product",
    ]
    for ready in SITUATIONS:
        assert ready.scenario.situation == ready.key
        assert ready.scenario.title
        assert ready.question.endswith("?")
        pairs = parse_qsl(ready.scenario.to_query(), keep_blank_values=True)
        assert ScenarioInput.model_validate(fields_from_pairs(pairs)) == ready.scenario


def test_all_compare_the_same_methods() -> None:
    assert {ready.scenario.methods for ready in SITUATIONS} == {("full", "lora", "qlora")}
