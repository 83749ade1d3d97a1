"""Every chosen plan has a recipe that says what the report says."""

from __future__ import annotations

from datetime import date

import pytest

from app.catalog.catalog import Catalog
from app.estimator.software import STACKS
from app.exports.plans import OWN_MODEL, plans_report, recipe_input
from app.inputs import ScenarioInput
from app.services.estimates import estimate

TODAY = date(2026, 11, 23)


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"model": "meta-llama/Meta-Llama-3.1-70B", "max_gpus": 128},
        {"model": "mistralai/Mixtral-8x7B-v0.1", "train_embeddings": True, "allow_offload": True},
    ],
    ids=["small", "large", "experts"],
)
def test_a_plan_is_launched_as_it_was_estimated(
    stack: str, changes: dict[str, object], catalog: Catalog
) -> None:
    scenario = ScenarioInput.model_validate({"stack": stack, "max_gpus": 32, **changes})
    report = estimate(scenario, catalog, TODAY)
    found = plans_report(report, ("embed_tokens", "lm_head") if scenario.train_embeddings else ())
    for m, plans in zip(report.methods, found.methods, strict=True):
        assert plans.plan == m.plan
        assert plans.recipe_refused == ""
        if m.plan is None:
            assert plans.recipe is None
            continue
        made = recipe_input(report, m, m.plan)
        assert made.gpus == m.plan.gpus
        assert made.data_parallel == m.plan.data_parallel
        assert made.global_batch * made.steps >= report.data.sequences_per_run
        assert plans.recipe is not None
        assert plans.recipe.files[0].name == "settings.txt"


def test_a_model_by_its_config_has_a_path_to_fill_in(catalog: Catalog) -> None:
    config = {
        "model_type": "llama", "hidden_size": 2048, "intermediate_size": 5632, "vocab_size": 32000,
        "num_hidden_layers": 22, "num_attention_heads": 32, "num_key_value_heads": 4,
        "tie_word_embeddings": False, "hidden_act": "silu", "max_position_embeddings": 2048,
    }  # fmt: skip
    report = estimate(ScenarioInput(config_json=config, methods=("lora",)), catalog, TODAY)
    m = report.methods[0]
    assert m.plan is not None
    assert recipe_input(report, m, m.plan).model == OWN_MODEL
