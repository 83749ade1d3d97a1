"""Which model and which accelerator a measured run means, or why that cannot be said."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from app.catalog.catalog import Catalog
from app.catalog.config_json import architecture_from_config
from app.estimator.architecture import Architecture
from app.estimator.errors import EstimatorError
from app.estimator.hardware import Accelerator
from app.estimator.measured import MeasuredRun

Config = Mapping[str, object]

_FORMS = ("sxm", "pcie", "nvl")
"""Form factors: a name without one means the first of these that there is."""
_NO_CHIP = re.compile(r"[0-9]+gb|hbm.*")
"""A size or a kind of memory."""
_GATED_MATRICES = 3
"""Matrices of a gated feed-forward network: gate, up and down."""


class UnknownFact(Exception):  # noqa: N818 - its message is the reason of a skip
    """A model or accelerator that is not known; the message says why and what would do."""


def config_name(file_name: str) -> str:
    """The model that a configuration file is for: ``ORG__NAME.json`` is ORG/NAME.

    Examples
    --------
    >>> config_name("meta-llama__Llama-2-7b-hf.json")
    'meta-llama/Llama-2-7b-hf'
    """
    return file_name.removesuffix(".json").replace("__", "/", 1)


def architecture_of(
    run: MeasuredRun, catalog: Catalog, configs: Mapping[str, Config]
) -> Architecture:
    """The model of a run: built in, else from a given configuration, else from its shape.

    Raises
    ------
    UnknownFact : none of these, or a configuration that is not understood.
    """
    entry = catalog.models.get(run.model)
    if entry is not None:
        return entry.architecture
    try:
        if run.model in configs:
            return architecture_from_config(run.model, configs[run.model])
        if run.model_shape is not None:
            return architecture_from_config(run.model, config_of_shape(run.model_shape))
    except EstimatorError as error:
        of = run.model or "model_shape"
        raise UnknownFact(f"the configuration of {of} is not understood: {error}") from error
    raise UnknownFact(
        f"{run.model} is not built in; give its config.json as "
        f"{run.model.replace('/', '__', 1)}.json, or its model_shape"
    )


def config_of_shape(shape: Mapping[str, int | bool]) -> dict[str, object]:
    """A ``config.json`` of the family whose modules have that shape.

    Parameters
    ----------
    shape : the members of the column `model_shape`.

    Raises
    ------
    UnknownFact : no family is known to have that shape.

    Notes
    -----
    Two matrices in the feed-forward network and learned positions are GPT-2, as in the MPT models
    of llm-foundry, or GPT-BigCode where the heads share one key and value. Two without are
    StarCoder2. Three are the Llama family; with biases on query, key and value Qwen, whose
    configuration counts the gate and up widths as one.

    Examples
    --------
    >>> config_of_shape({"n_layers": 2, "hidden_size": 64, "n_heads": 4, "vocab_size": 100,
    ...                  "intermediate_size": 256, "mlp_matrices": 2, "learned_positions": 128,
    ...                  "bias": True})["model_type"]
    'gpt2'
    """
    heads = shape["n_heads"]
    key_value_heads = shape.get("n_kv_heads", heads)
    positions = shape.get("learned_positions")
    tied = bool(shape.get("tied_embeddings", False))
    bias = bool(shape.get("bias", False))
    gated = shape.get("mlp_matrices", _GATED_MATRICES) == _GATED_MATRICES
    common: dict[str, object] = {
        "vocab_size": shape["vocab_size"],
        "tie_word_embeddings": tied,
    }
    if positions is not None:
        if gated or not bias or key_value_heads not in (1, heads):
            raise UnknownFact(
                "model_shape: learned_positions go with mlp_matrices 2, bias true and n_kv_heads 1 "
                "or n_heads; give a config.json instead"
            )
        shared = key_value_heads == 1 != heads
        return common | {
            "model_type": "gpt_bigcode" if shared else "gpt2",
            "n_embd": shape["hidden_size"],
            "n_layer": shape["n_layers"],
            "n_head": heads,
            "n_inner": shape["intermediate_size"],
            "n_positions": positions,
            "activation_function": "gelu",
            **({"multi_query": True} if shared else {}),
        }
    common |= {
        "hidden_size": shape["hidden_size"],
        "intermediate_size": shape["intermediate_size"],
        "num_hidden_layers": shape["n_layers"],
        "num_attention_heads": heads,
    }
    if shape.get("qkv_bias") and gated and key_value_heads == heads:
        return common | {
            "model_type": "qwen",
            "intermediate_size": 2 * shape["intermediate_size"],
        }
    common["num_key_value_heads"] = key_value_heads
    if not gated:
        return common | {"model_type": "starcoder2", "use_bias": bias}
    if shape.get("qkv_bias"):
        return common | {"model_type": "qwen2"}
    return common | {"model_type": "llama", "attention_bias": bias, "mlp_bias": bias}


def accelerator_of(run: MeasuredRun, catalog: Catalog) -> Accelerator:
    """The accelerator of a run: by its key, else by the proxy, else by the name that it prints.

    Raises
    ------
    UnknownFact : no accelerator, or more than one, has that name, or too little is published of it.
    """
    keys = [name for name in (run.gpu, run.gpu_proxy) if name in catalog.accelerators]
    if not keys and not run.gpu:
        raise UnknownFact("gpu is blank; give a key of the accelerators, such as A100-SXM-80GB")
    chip = catalog.accelerators[keys[0] if keys else _nearest(run.gpu, catalog)]
    if not (chip.tdp_w and chip.pcie_bytes_per_s):
        raise UnknownFact(f"no power limit of {chip.name} is published, which a prediction needs")
    if chip.bf16_flop_per_s or not chip.fp16_flop_per_s:
        return chip
    # A chip without bf16 units trains in fp16, at that rate.
    return replace(chip, bf16_flop_per_s=chip.fp16_flop_per_s)


def _nearest(printed: str, catalog: Catalog) -> str:
    """The one key whose words hold all words of a printed name that are words of any key."""
    words = {key: _words(key) for key in catalog.accelerators}
    known = set().union(*words.values())
    printed_words = _words(printed)
    said = printed_words & known
    if not any(map(_names_a_chip, said)) or any(map(_names_a_chip, printed_words - known)):
        raise UnknownFact(f"GPU {printed!r} is not known; give a key such as H100-SXM-80GB")
    able = [key for key, of_key in words.items() if said <= of_key]
    # The workstation card of two of one name is meant only where its name says so.
    able = [key for key in able if "ws" in said or "ws" not in words[key]]
    # "H100" alone: data centres build with the SXM module far more often than with the card.
    for form in _FORMS:
        if len(able) > 1 and not said & set(_FORMS):
            able = [key for key in able if form in words[key]] or able
    if len(able) != 1:
        could = f"; it may be {', '.join(able)}" if able else ""
        raise UnknownFact(f"GPU {printed!r} is not known{could}: give one of the keys")
    return able[0]


def _names_a_chip(word: str) -> bool:
    """Whether a word is like a100 or 4090: a digit in three or more characters, and no size."""
    return len(word) > 2 and any(map(str.isdigit, word)) and not _NO_CHIP.fullmatch(word)


def _words(name: str) -> set[str]:
    """Words of a name in lower case; a number stays with its unit or its family.

    Examples
    --------
    >>> sorted(_words("NVIDIA A100-SXM4-80 GiB")), sorted(_words("Intel Gaudi 2"))
    (['80gb', 'a100', 'nvidia', 'sxm'], ['gaudi2', 'intel'])
    """
    joined = re.sub(r"([0-9]+)\s*gi?b\b", r"\1gb", name.lower())
    joined = re.sub(r"\bsxm[0-9]\b", "sxm", joined)
    joined = re.sub(r"gaudi[\s-]*([0-9])", r"gaudi\1", joined)
    return set(re.findall(r"[a-z0-9]+", joined))
