"""Reading a config.json: transformers' defaults, and refusals that name the key."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.catalog.config_json import UNDERSTOOD, architecture_from_config
from app.estimator.architecture import Architecture
from app.estimator.errors import UnknownArchitecture

BASE: dict[str, Any] = {
    "model_type": "llama",
    "hidden_size": 1024,
    "intermediate_size": 2816,
    "num_hidden_layers": 2,
    "num_attention_heads": 32,
    "vocab_size": 1000,
}
REQUIRED = sorted(set(BASE) - {"model_type"})


def read(**changes: Any) -> Architecture:
    return architecture_from_config("a model", {**BASE, **changes})


def refused(**changes: Any) -> UnknownArchitecture:
    with pytest.raises(UnknownArchitecture) as caught:
        read(**changes)
    return caught.value


@pytest.mark.parametrize(
    ("model_type", "heads", "head_dim"),
    [("llama", 32, 32), ("mistral", 8, 32), ("qwen2", 32, 32), ("qwen3", 32, 128)],
)
def test_defaults_of_absent_keys(model_type: str, heads: int, head_dim: int) -> None:
    architecture = read(model_type=model_type)
    assert architecture.num_key_value_heads == heads
    assert architecture.head_dim == head_dim
    assert architecture.max_position_embeddings is None
    assert not architecture.tie_word_embeddings
    assert architecture.qk_norm == (model_type == "qwen3")


@pytest.mark.parametrize("model_type", UNDERSTOOD)
def test_null_key_value_heads_means_one_a_query_head(model_type: str) -> None:
    assert read(model_type=model_type, num_key_value_heads=None).num_key_value_heads == 32


@pytest.mark.parametrize(
    ("model_type", "stated", "qkv", "output", "mlp"),
    [
        ("llama", False, False, False, False),
        ("llama", True, True, True, True),
        ("mistral", True, False, False, False),
        ("qwen2", False, True, False, False),
        ("qwen2", True, True, False, False),
        ("qwen3", False, False, False, False),
        ("qwen3", True, True, True, False),
    ],
)
def test_biases_are_those_of_the_modules(
    model_type: str, stated: bool, qkv: bool, output: bool, mlp: bool
) -> None:
    architecture = read(model_type=model_type, attention_bias=stated, mlp_bias=stated)
    assert (architecture.qkv_bias, architecture.output_bias, architecture.mlp_bias) == (
        qkv,
        output,
        mlp,
    )


def test_a_quantized_checkpoint_has_the_same_shape() -> None:
    assert read(quantization_config={"bits": 4}) == read()


def test_silu_by_either_name() -> None:
    assert read(hidden_act="swish") == read(hidden_act="silu") == read()


def test_the_text_part_of_a_multi_modal_model_is_read() -> None:
    config = {
        "model_type": "mistral3",
        "vision_config": {"hidden_size": 7},
        "text_config": {**BASE, "model_type": "mistral"},
        "tie_word_embeddings": True,
    }
    architecture = architecture_from_config("a model", config)
    assert architecture.model_type == "mistral"
    assert architecture.tie_word_embeddings
    config["text_config"]["tie_word_embeddings"] = False
    assert not architecture_from_config("a model", config).tie_word_embeddings


@pytest.mark.parametrize("model_type", ["gpt2", "", None, 7, ["llama"], "Llama"])
def test_unknown_model_types_are_told_which_are_understood(model_type: object) -> None:
    error = refused(model_type=model_type)
    assert error.field == "model_type"
    assert error.message.endswith("understood are llama, mistral, qwen2, qwen3")


def test_an_unknown_text_part_is_refused() -> None:
    error = refused(model_type="gemma3", text_config={**BASE, "model_type": "gemma3_text"})
    assert error.message.startswith("is 'gemma3_text'")


@pytest.mark.parametrize("key", REQUIRED)
def test_required_keys(key: str) -> None:
    assert str(refused(**{key: None})) == f"{key}: is absent; a whole number is needed"


@pytest.mark.parametrize("key", [*REQUIRED, "num_key_value_heads", "head_dim"])
@pytest.mark.parametrize(
    "value",
    [True, "32", 32.0, 0, -1, float("nan"), float("inf"), 10_000_001, [32], {}],
)
def test_counts_of_the_wrong_kind(key: str, value: object) -> None:
    error = refused(**{key: value})
    assert error.field == key
    assert "a whole number of 1 to 10000000 is needed" in error.message
    assert len(error.message) < 200


def test_a_number_too_long_to_print() -> None:
    assert refused(hidden_size=10**5000).message.startswith("is too long to show")


@pytest.mark.parametrize("key", ["tie_word_embeddings", "attention_bias", "mlp_bias"])
@pytest.mark.parametrize("value", [1, 0, "true", []])
def test_flags_of_the_wrong_kind(key: str, value: object) -> None:
    error = refused(**{key: value})
    assert error.field == key
    assert error.message.endswith("true or false is needed")


@pytest.mark.parametrize("key", ["num_local_experts", "num_experts", "n_routed_experts"])
def test_experts_are_refused(key: str) -> None:
    error = refused(**{key: 8})
    assert error.field == key
    assert "mixture-of-experts" in error.message
    assert read(**{key: None}) == read()


def test_other_activations_are_refused() -> None:
    assert str(refused(hidden_act="gelu")) == "hidden_act: is 'gelu'; silu is understood"


def test_models_with_their_own_code_are_refused() -> None:
    assert refused(auto_map={"AutoModelForCausalLM": "modeling.Mine"}).field == "auto_map"


def test_widths_that_do_not_divide() -> None:
    assert refused(num_attention_heads=30).field == "head_dim"
    error = refused(num_key_value_heads=5)
    assert error.field == "num_key_value_heads"
    assert "must be a multiple" in error.message


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([*BASE, "num_key_value_heads", "head_dim", "hidden_act", "text_config"]),
        st.one_of(
            st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just({})
        ),
    )
)
def test_any_configuration_is_read_or_refused(changes: dict[str, object]) -> None:
    try:
        architecture = architecture_from_config("a model", {**BASE, **changes})
    except UnknownArchitecture as error:
        assert error.field  # noqa: PT017 - either outcome is right
    else:
        assert architecture.parameter_count > 0
