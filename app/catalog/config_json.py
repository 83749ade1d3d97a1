"""Hugging Face ``config.json`` to `Architecture`; what is not understood is refused by name."""

from __future__ import annotations

from collections.abc import Mapping

from app.estimator.architecture import Architecture
from app.estimator.errors import InvalidSpec, UnknownArchitecture

UNDERSTOOD = ("llama", "mistral", "qwen2", "qwen3")
LARGEST_COUNT = 10_000_000
EXPERT_KEYS = ("num_local_experts", "num_experts", "n_routed_experts", "moe_intermediate_size")

# Defaults of transformers 5.23.0 where a key is absent.
# A key that is there as null, or absent for llama, means one key-value head a query head.
DEFAULT_KEY_VALUE_HEADS = {"mistral": 8, "qwen2": 32, "qwen3": 32}
DEFAULT_HEAD_DIM = {"qwen3": 128}


def architecture_from_config(name: str, config: Mapping[str, object]) -> Architecture:
    """Read the shape of a decoder from its configuration.

    Parameters
    ----------
    name : what to call the model.
    config : the parsed ``config.json``; of a multi-modal model the text part is read.

    Raises
    ------
    UnknownArchitecture : naming the key that was not understood, and what would do.

    Notes
    -----
    Biases follow the modules of transformers 5.23.0. Qwen2 always has biases on the query, key
    and value projections and none on the output projection, whatever ``attention_bias`` says.
    Llama and Qwen3 put ``attention_bias`` on all four. Mistral has none. ``mlp_bias`` is read by
    Llama alone.

    Examples
    --------
    >>> smol = {"model_type": "llama", "hidden_size": 576, "intermediate_size": 1536,
    ...         "num_hidden_layers": 30, "num_attention_heads": 9, "num_key_value_heads": 3,
    ...         "vocab_size": 49152, "tie_word_embeddings": True}
    >>> architecture_from_config("SmolLM2 135M", smol).parameter_count
    134515008
    """
    text, model_type = _text_part(config)
    _refuse_unknown_modules(text)
    heads = _required_count(text, "num_attention_heads")
    hidden = _required_count(text, "hidden_size")
    attention_bias = _flag(text, "attention_bias")
    mlp_bias = _flag(text, "mlp_bias")
    positions = _optional_count(text, "max_position_embeddings")
    fields = {
        "intermediate_size": _required_count(text, "intermediate_size"),
        "num_hidden_layers": _required_count(text, "num_hidden_layers"),
        "num_key_value_heads": _key_value_heads(text, model_type, heads),
        "head_dim": _head_dim(text, model_type, hidden, heads),
        "vocab_size": _required_count(text, "vocab_size"),
    }
    tied = _flag(text if "tie_word_embeddings" in text else config, "tie_word_embeddings")
    try:
        return Architecture(
            name=name,
            model_type=model_type,
            hidden_size=hidden,
            num_attention_heads=heads,
            tie_word_embeddings=tied,
            qkv_bias=model_type == "qwen2" or (model_type in ("llama", "qwen3") and attention_bias),
            output_bias=model_type in ("llama", "qwen3") and attention_bias,
            mlp_bias=model_type == "llama" and mlp_bias,
            qk_norm=model_type == "qwen3",
            max_position_embeddings=positions,
            **fields,
        )
    except InvalidSpec as error:
        raise UnknownArchitecture("num_key_value_heads", str(error)) from error


def _text_part(config: Mapping[str, object]) -> tuple[Mapping[str, object], str]:
    """Find the part of the configuration that describes an understood decoder."""
    model_type = config.get("model_type")
    text = config.get("text_config")
    if model_type not in UNDERSTOOD and isinstance(text, Mapping):
        config, model_type = text, text.get("model_type")
    if isinstance(model_type, str) and model_type in UNDERSTOOD:
        return config, model_type
    found = "is absent" if model_type is None else f"is {_shown(model_type)}"
    raise UnknownArchitecture("model_type", f"{found}; understood are {', '.join(UNDERSTOOD)}")


def _refuse_unknown_modules(config: Mapping[str, object]) -> None:
    """Refuse keys that say that the layers are not those of the plain decoder."""
    for key in EXPERT_KEYS:
        if config.get(key) is not None:
            raise UnknownArchitecture(
                key, "mixture-of-experts layers are not understood; use a dense model"
            )
    activation = config.get("hidden_act", "silu")
    if activation not in ("silu", "swish"):
        raise UnknownArchitecture("hidden_act", f"is {_shown(activation)}; silu is understood")
    custom = config.get("auto_map")
    if isinstance(custom, Mapping) and "AutoModelForCausalLM" in custom:
        raise UnknownArchitecture(
            "auto_map", "the model brings its own code, so its layers are not known from here"
        )


def _key_value_heads(config: Mapping[str, object], model_type: str, heads: int) -> int:
    """Number of key-value heads, by transformers' defaults where the key is absent."""
    if "num_key_value_heads" not in config:
        return DEFAULT_KEY_VALUE_HEADS.get(model_type, heads)
    count = _optional_count(config, "num_key_value_heads")
    return heads if count is None else count


def _head_dim(config: Mapping[str, object], model_type: str, hidden: int, heads: int) -> int:
    """Width of one head, by transformers' defaults where the key is absent."""
    stated = _optional_count(config, "head_dim")
    if stated is not None:
        return stated
    if model_type in DEFAULT_HEAD_DIM:
        return DEFAULT_HEAD_DIM[model_type]
    if hidden % heads:
        raise UnknownArchitecture(
            "head_dim",
            f"is absent and hidden_size ({hidden}) is not a multiple of "
            f"num_attention_heads ({heads}); state head_dim",
        )
    return hidden // heads


def _required_count(config: Mapping[str, object], key: str) -> int:
    """Read a whole number that must be there."""
    count = _optional_count(config, key)
    if count is None:
        raise UnknownArchitecture(key, "is absent; a whole number is needed")
    return count


def _optional_count(config: Mapping[str, object], key: str) -> int | None:
    """Read a whole number of 1 to ten million, None where it is absent or null."""
    value = config.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LARGEST_COUNT:
        raise UnknownArchitecture(
            key, f"is {_shown(value)}; a whole number of 1 to {LARGEST_COUNT} is needed"
        )
    return value


def _flag(config: Mapping[str, object], key: str) -> bool:
    """Read true or false; absent or null is false, as in transformers."""
    value = config.get(key)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise UnknownArchitecture(key, f"is {_shown(value)}; true or false is needed")
    return value


def _shown(value: object) -> str:
    """A value as it is quoted in a message, cut to a readable length."""
    try:
        text = repr(value)
    except ValueError:  # an integer too long to print
        return "too long to show"
    return text if len(text) <= 60 else text[:57] + "..."
