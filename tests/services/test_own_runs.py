"""Own runs are checked like the published ones, and give factors that those hold back."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from app.catalog.catalog import Catalog
from app.services import own_runs
from app.services.own_runs import ValidationService
from app.services.problems import Busy, InputProblems
from app.services.slots import Slots
from app.web.validation_pages import EXAMPLE
from tests.services.predictions import off_by

SMOL = {
    "model_type": "llama", "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30,
    "num_attention_heads": 9, "num_key_value_heads": 3, "vocab_size": 49152,
    "tie_word_embeddings": True,
}  # fmt: skip


@pytest.fixture(scope="module")
def service(catalog: Catalog) -> ValidationService:
    """Everything is predicted a quarter too high."""
    return ValidationService(catalog, off_by(1.25))


def test_published_runs_are_predicted_once(catalog: Catalog) -> None:
    calls: list[str] = []

    def predict(run: Any, *rest: Any) -> Any:
        calls.append(run.run)
        return off_by(1.1)(run, *rest)

    service = ValidationService(catalog, predict)
    together = [threading.Thread(target=service.published) for _ in range(4)]
    for thread in together:
        thread.start()
    for thread in together:
        thread.join()
    assert len(calls) == len(set(calls)) > 400
    assert service.published() is service.published()
    assert set(service.published().spreads) == {"time", "memory"}


def test_own_runs_give_factors_for_time_and_memory(service: ValidationService) -> None:
    found = service.check(EXAMPLE.encode(), "mine.csv", {})
    assert [row.skipped for row in found.report.rows] == [None] * 3
    assert set(found.multipliers) == {"time", "memory"}
    # fewer tokens a second than predicted: more time; less memory than predicted: less memory
    assert 1 < found.multipliers["time"].factor < found.multipliers["time"].raw
    assert 1 > found.multipliers["memory"].factor > found.multipliers["memory"].raw
    assert found.multipliers["time"].runs == 2


def test_models_that_are_not_built_in_come_with_their_configuration(
    service: ValidationService,
) -> None:
    cases = EXAMPLE.replace("meta-llama/Meta-Llama-3.1-8B", "org/smol").encode()
    without = service.check(cases, "mine.csv", {}).report
    assert all(row.skipped and "org__smol.json" in row.skipped for row in without.rows)
    configs = {"org__smol.json": json.dumps(SMOL).encode()}
    assert not service.check(cases, "mine.csv", configs).report.skips


def test_all_problems_come_with_their_field(service: ValidationService) -> None:
    with pytest.raises(InputProblems) as caught:
        service.check(b"id\n1\n", "mine.csv", {"a.json": b"[]", "b.json": b"{", "c.json": b"{}"})
    said = [(problem.pointer, problem.message) for problem in caught.value.problems]
    assert ("/configs", "a.json holds no JSON object; give the model's config.json.") in said
    assert ("/configs", "b.json holds no JSON object; give the model's config.json.") in said
    assert any(pointer == "/cases" and "metric" in message for pointer, message in said)
    many = {f"{n}.json": b"{}" for n in range(own_runs.MOST_CONFIGS + 1)}
    with pytest.raises(InputProblems, match="101 files are too many"):
        service.check(EXAMPLE.encode(), "mine.csv", many)


def test_too_many_checks_wait_and_are_turned_away(
    service: ValidationService, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.published()
    monkeypatch.setattr(own_runs, "CHECKS", Slots(0, 0.01))
    with pytest.raises(Busy):
        service.check(EXAMPLE.encode(), "mine.csv", {})
