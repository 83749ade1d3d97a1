"""Reading a config.json: transformers' defaults, and refusals that name the key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.catalog.config_json import UNDERSTOOD, architecture_from_config
from app.catalog.families import FAMILIES, library
from app.catalog.families.fields import LAYER_KEYS
from app.estimator.architecture import Architecture, Block
from app.estimator.errors import UnknownArchitecture
from app.estimator.layers import Attention, Experts

SMALL: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "reference" / "small_configs.json").read_text()
)
BASE: dict[str, Any] = {
    "model_type": "llama",
    "hidden_size": 1024,
    "intermediate_size": 2816,
    "num_hidden_layers": 2,
    "num_attention_heads": 32,
    "vocab_size": 1000,
}
COUNTS = sorted(set(BASE) - {"model_type"})


def read(**changes: Any) -> Architecture:
    return architecture_from_config("a model", {**BASE, **changes})


def block(**changes: Any) -> Block:
    return read(**changes).groups[0][1]


def attention(**changes: Any) -> Attention:
    return block(**changes).attention


def refused(**changes: Any) -> UnknownArchitecture:
    with pytest.raises(UnknownArchitecture) as caught:
        read(**changes)
    return caught.value


# ---------------------------------------------------------------------------- defaults


@pytest.mark.parametrize(
    ("model_type", "heads", "head_dim"),
    [("llama", 32, 32), ("mistral", 8, 32), ("qwen2", 32, 32), ("qwen3", 32, 128)],
)
def test_defaults_of_absent_keys(model_type: str, heads: int, head_dim: int) -> None:
    architecture = read(model_type=model_type)
    found = architecture.groups[0][1].attention
    assert found.key_value_heads == heads
    assert found.head_dim == head_dim
    assert not architecture.tie_word_embeddings
    assert (found.query_norm is not None) == (model_type == "qwen3")


def test_an_empty_configuration_is_the_class_default() -> None:
    """The file that transformers saves leaves out what is as in the class."""
    architecture = architecture_from_config("Llama", {"model_type": "llama"})
    assert architecture.parameter_count == 6_738_415_616


# Custom code without a class; classes whose defaults leave the experts, or an odd width, open.
WITHOUT_DEFAULTS = {"qwen", "dots1", "glm4_moe"}


@pytest.mark.parametrize("family", sorted(set(FAMILIES) - WITHOUT_DEFAULTS))
def test_defaults_are_at_hand_for_every_family(family: str) -> None:
    assert architecture_from_config(family, {"model_type": family, "num_experts_per_tok": 2})
    assert library()[family].defaults


@pytest.mark.parametrize("model_type", ["llama", "mistral", "qwen2", "qwen3", "granite", "phi"])
def test_null_key_value_heads_means_one_a_query_head(model_type: str) -> None:
    assert attention(model_type=model_type, num_key_value_heads=None).key_value_heads == 32


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
        ("gemma", True, True, True, False),
        ("granite", True, True, True, True),
    ],
)
def test_biases_are_those_of_the_modules(
    model_type: str, stated: bool, qkv: bool, output: bool, mlp: bool
) -> None:
    found = block(model_type=model_type, attention_bias=stated, mlp_bias=stated)
    assert {linear.bias for linear in found.attention.projections} == {qkv}
    assert found.attention.output.bias == output
    assert {linear.bias for linear in found.mlp.linears} == {mlp}


def test_names_of_keys_in_other_families() -> None:
    old = {"model_type": "gpt2", "n_embd": 96, "n_layer": 3, "n_head": 6, "n_positions": 64}
    new = {
        "model_type": "gpt2",
        "hidden_size": 96,
        "num_hidden_layers": 3,
        "num_attention_heads": 6,
        "max_position_embeddings": 64,
    }
    assert architecture_from_config("a", old) == architecture_from_config("a", new)


@pytest.mark.parametrize("family", ["bloom", "falcon"])
def test_the_width_of_bloom_by_its_old_name(family: str) -> None:
    base = {"model_type": family, "num_hidden_layers": 2, "num_attention_heads": 16}
    expected = architecture_from_config("a model", {**base, "hidden_size": 1024})
    for named in ({"n_embed": 1024}, {"hidden_size": 1024, "n_embed": None}):
        assert architecture_from_config("a model", {**base, **named}) == expected


def test_a_quantized_checkpoint_has_the_same_shape() -> None:
    assert read(quantization_config={"bits": 4}) == read()


def test_own_code_of_a_family_that_the_library_has_is_not_looked_at() -> None:
    """transformers takes its own modules unless it is told to trust the file's."""
    assert read(auto_map={"AutoModelForCausalLM": "modeling.Mine"}) == read()


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


# ---------------------------------------------------------------------------- patterns of blocks


def windows(**changes: Any) -> list[int | None]:
    return [b.attention.window for count, b in read(**changes).groups for _ in range(count)]


def test_patterns_of_windows() -> None:
    gemma = {"model_type": "gemma3_text", "num_hidden_layers": 12, "sliding_window": 512}
    assert windows(**gemma) == ([512] * 5 + [None]) * 2
    assert windows(**gemma, sliding_window_pattern=3) == ([512] * 2 + [None]) * 4
    types = ["full_attention", "sliding_attention"] * 6
    assert windows(**gemma, layer_types=types) == [None, 512] * 6
    assert windows(model_type="mistral", sliding_window=64) == [64, 64]
    assert windows(model_type="mistral", sliding_window=None) == [None, None]
    qwen = {"model_type": "qwen2", "sliding_window": 64, "max_window_layers": 1}
    assert windows(**qwen, use_sliding_window=True) == [None, 64]
    assert windows(**qwen, use_sliding_window=False) == [None, None]


def test_dense_and_sparse_blocks() -> None:
    architecture = architecture_from_config("mix", SMALL["qwen3_moe_mix"])
    assert [(n, b.is_moe) for n, b in architecture.groups] == [
        (1, False),
        (1, True),
        (1, False),
        (1, True),
    ]
    assert sum(architecture.blocks.values()) == architecture.num_hidden_layers == 4
    assert len(architecture.blocks) == 2
    assert architecture.largest_block.is_moe


def test_the_experts_of_a_block() -> None:
    mixture = architecture_from_config("moe", SMALL["deepseek_v3"]).largest_block.mlp
    assert isinstance(mixture, Experts)
    assert mixture.gate_up.copies == 8
    assert mixture.gate_up.active_copies == 2
    assert mixture.shared is not None


def test_the_rotated_share_of_a_head_in_files_of_every_age() -> None:
    old = attention(model_type="phi3", partial_rotary_factor=0.5)
    new = attention(model_type="phi3", rope_parameters={"partial_rotary_factor": 0.5})
    assert old.rope == new.rope
    assert old.rope is not None
    assert old.rope.width == 16
    whole = attention(model_type="phi3").rope
    assert whole is not None
    assert whole.width == 32


def test_norms_on_heads_by_their_key() -> None:
    for normed in (True, False):
        config = SMALL["glm4_moe"] | {"use_qk_norm": normed}
        found = architecture_from_config("glm", config).largest_block.attention
        assert (found.query_norm is not None) == normed


# ---------------------------------------------------------------------------- refusals


@pytest.mark.parametrize("model_type", ["t5", "roberta", "bert", "mamba", "", None, 7, ["llama"]])
def test_unknown_model_types_are_told_which_are_understood(model_type: object) -> None:
    error = refused(model_type=model_type)
    assert error.field == "model_type"
    assert error.message.endswith(f"understood are {', '.join(UNDERSTOOD)}")


def test_an_unknown_text_part_is_refused() -> None:
    error = refused(model_type="gemma9", text_config={**BASE, "model_type": "gemma9_text"})
    assert error.message.startswith("is 'gemma9_text'")


@pytest.mark.parametrize("key", COUNTS)
def test_null_where_a_count_is_needed(key: str) -> None:
    assert str(refused(**{key: None})) == f"{key}: is absent; a whole number is needed"


@pytest.mark.parametrize("key", [*COUNTS, "num_key_value_heads", "head_dim"])
@pytest.mark.parametrize(
    "value",
    [True, "32", 32.0, 0, -1, float("nan"), float("inf"), 10_000_001, [32], {}],
)
def test_counts_of_the_wrong_kind(key: str, value: object) -> None:
    error = refused(**{key: value})
    assert error.field == key
    assert "whole number of 1 to 10000000 is needed" in error.message or "at most" in error.message
    assert len(error.message) < 200


def test_a_number_too_long_to_print() -> None:
    assert refused(hidden_size=10**5000).message.startswith("is too long to show")


def test_too_many_layers() -> None:
    assert refused(num_hidden_layers=10_001).message == "is 10001; at most 10000 is understood"


@pytest.mark.parametrize("key", ["tie_word_embeddings", "attention_bias", "mlp_bias"])
@pytest.mark.parametrize("value", [1, 0, "true", []])
def test_flags_of_the_wrong_kind(key: str, value: object) -> None:
    error = refused(**{key: value})
    assert error.field == key
    assert error.message.endswith("true or false is needed")


@pytest.mark.parametrize("key", sorted(LAYER_KEYS))
def test_keys_that_change_the_layers_of_another_family_are_refused(key: str) -> None:
    """Never a guess: a Llama with experts is no Llama that is known."""
    error = refused(**{key: 8})
    assert error.field == key
    assert "understood with llama" in error.message
    assert read(**{key: None}) == read(**{key: False}) == read()


@pytest.mark.parametrize(
    ("model_type", "key", "value"),
    [
        ("falcon", "alibi", True),
        ("bloom", "apply_residual_connection_post_layernorm", True),
        ("gpt2", "add_cross_attention", True),
        ("deepseek_v3", "moe_layer_freq", 2),
        ("gemma3_text", "layer_types", ["full_attention", "linear_attention"]),
        ("gemma3_text", "layer_types", ["full_attention"]),
        ("gemma3_text", "layer_types", "full_attention"),
        ("smollm3", "no_rope_layers", [1, "no"]),
        ("smollm3", "no_rope_layers", 3),
        ("mixtral", "num_experts_per_tok", 9),
        ("olmo", "clip_qkv", "much"),
        ("mpt", "attn_config", {"attn_type": "multiquery_attention"}),
        ("mpt", "attn_config", "triton"),
        ("phi", "hidden_act", 3),
        ("stablelm", "partial_rotary_factor", "half"),
    ],
)
def test_what_a_family_does_not_know(model_type: str, key: str, value: object) -> None:
    assert refused(model_type=model_type, **{key: value}).field == key


@pytest.mark.parametrize(("key", "value"), [("no_rope_layers", [1]), ("num_experts_per_tok", 500)])
def test_lists_that_are_too_short_and_experts_that_are_not_there(key: str, value: object) -> None:
    with pytest.raises(UnknownArchitecture) as caught:
        architecture_from_config("a model", {"model_type": "llama4_text", key: value})
    assert caught.value.field == key


def test_other_activations_are_refused() -> None:
    error = refused(hidden_act="snake")
    assert error.field == "hidden_act"
    assert error.message.startswith("is 'snake'; gelu, ")


def test_heads_that_do_not_divide_in_a_fused_matrix() -> None:
    config = SMALL["falcon_new"] | {"num_kv_heads": 4}
    with pytest.raises(UnknownArchitecture, match=r"heads \(6\) must be a multiple"):
        architecture_from_config("falcon", config)


def test_widths_that_do_not_divide() -> None:
    assert refused(num_attention_heads=30).field == "head_dim"
    error = refused(num_key_value_heads=5)
    assert error.field == "num_key_value_heads"
    assert "must be a multiple" in error.message


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just({})
)


@settings(deadline=None)
@given(
    st.sampled_from(sorted(SMALL)),
    st.dictionaries(
        st.sampled_from([*BASE, "num_key_value_heads", "head_dim", "hidden_act", "text_config"]),
        VALUES,
    ),
)
def test_any_configuration_is_read_or_refused(name: str, changes: dict[str, object]) -> None:
    try:
        architecture = architecture_from_config("a model", {**SMALL[name], **changes})
    except UnknownArchitecture as error:
        assert error.field  # noqa: PT017 - either outcome is right
    else:
        assert architecture.parameter_count > 0


@settings(deadline=None)
@given(st.sampled_from(sorted(SMALL)), st.data())
def test_any_value_of_a_key_of_the_family_is_read_or_refused(
    name: str, data: st.DataObject
) -> None:
    key = data.draw(st.sampled_from(sorted(SMALL[name])))
    try:
        architecture_from_config("a model", {**SMALL[name], key: data.draw(VALUES)})
    except UnknownArchitecture as error:
        assert error.field  # noqa: PT017 - either outcome is right
