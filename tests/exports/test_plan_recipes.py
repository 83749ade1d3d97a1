"""Every chosen plan has a recipe that says what the report says."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import pytest

from app.catalog.catalog import Catalog
from app.estimator.plans import layouts_of
from app.estimator.software import STACKS, Software
from app.exports.plans import OWN_MODEL, plans_report, recipe_input
from app.exports.recipe import EXAMPLE
from app.exports.recipe_megatron import STAGES, megatron_recipe
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


def test_megatron_is_told_of_stages_that_are_not_even(catalog: Catalog) -> None:
    # What TransformerConfig.__post_init__ and PipelineParallelLayerLayout.validate_layer_layout of
    # megatron-core 0.15.3 ask for.
    told = 0
    for entry in catalog.models.values():
        layers = entry.architecture.num_hidden_layers
        pipelines = {
            layout.pipeline
            for layout in layouts_of(entry.architecture, Software(stack="megatron"), 32_768)
        }
        for pipeline, ahead in itertools.product(pipelines - {1}, (None, 1)):
            model = SimpleNamespace(
                num_layers=layers,
                pipeline_model_parallel_size=pipeline,
                pipeline_model_parallel_layout=None,
                mtp_num_layers=ahead,
            )
            exec(STAGES, {"model": model})  # noqa: S102
            stages = model.pipeline_model_parallel_layout
            if stages is None:
                assert layers % pipeline == 0
                continue
            told += 1
            flat = [layer for stage in stages for layer in stage]
            assert len(stages) == pipeline
            assert flat[0] == "embedding"
            assert flat[1 : layers + 1] == ["decoder"] * layers
            assert flat[layers + 1 :] == ["mtp"] * (ahead or 0) + ["loss"]
            # and as the plan takes it: none is larger than an even share, rounded up
            sizes = [stage.count("decoder") for stage in stages]
            assert max(sizes) == -(-layers // pipeline)
            assert max(sizes) - min(sizes) == 1
    assert told > 20


def test_the_plan_of_an_uneven_pipeline_has_its_stages() -> None:
    recipe = replace(EXAMPLE, stack="megatron", strategy="zero1", pipeline=2)
    assert STAGES in megatron_recipe(recipe).files[-1].text
    assert STAGES not in megatron_recipe(replace(recipe, pipeline=1)).files[-1].text
