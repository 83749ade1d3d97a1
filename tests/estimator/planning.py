"""Decoders, plans and tasks that several tests share."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from app.catalog.config_json import architecture_from_config
from app.estimator.adapters import ALL_LINEARS, Adapters
from app.estimator.architecture import Architecture
from app.estimator.calibration import Calibration, uncalibrated
from app.estimator.case import Data
from app.estimator.constants import ConstantValues, constant_values
from app.estimator.methods import Method
from app.estimator.planner import Task
from app.estimator.plans import CHECKPOINTING, MICRO_BATCHES, OFFLOADS, STRATEGIES, Plans
from app.estimator.software import Software

LLAMA_2_7B: dict[str, object] = {
    "model_type": "llama",
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "vocab_size": 32000,
    "tie_word_embeddings": False,
}
LLAMA_3_8B = LLAMA_2_7B | {
    "intermediate_size": 14336,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
}
SMALL_MIXTURE: dict[str, object] = {
    "model_type": "mixtral",
    "hidden_size": 512,
    "intermediate_size": 1024,
    "num_hidden_layers": 4,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "num_local_experts": 8,
    "num_experts_per_tok": 2,
    "vocab_size": 1000,
    "tie_word_embeddings": False,
}
CONFIGS: dict[str, dict[str, object]] = {
    "llama": LLAMA_2_7B,
    "tied": LLAMA_2_7B
    | {
        "hidden_size": 576,
        "intermediate_size": 1536,
        "num_hidden_layers": 30,
        "num_attention_heads": 9,
        "num_key_value_heads": 3,
        "vocab_size": 49152,
        "tie_word_embeddings": True,
    },
    "window": LLAMA_3_8B | {"model_type": "mistral", "sliding_window": 4096, "vocab_size": 32000},
    "mixture": SMALL_MIXTURE,
    "gpt2": {
        "model_type": "gpt2",
        "n_embd": 768,
        "n_layer": 12,
        "n_head": 12,
        "n_positions": 1024,
        "vocab_size": 50257,
    },
}

FULL = Method("full")
LORA = Method("lora", Adapters(16, ALL_LINEARS))
QLORA = Method("qlora", Adapters(16, ALL_LINEARS))
METHODS = {"full": FULL, "lora": LORA, "qlora": QLORA}


@cache
def decoder(key: str) -> Architecture:
    """One of `CONFIGS`."""
    return architecture_from_config(key, CONFIGS[key])


def plans_of(strategy: str = "single", **columns: Any) -> Plans:
    """Plans from columns that broadcast; what is not said is 1, and nothing is recomputed."""
    said: dict[str, Any] = {
        "shape": 0,
        "nodes": 1,
        "gpus": 1,
        "strategy": STRATEGIES.index(strategy),
        "tensor": 1,
        "pipeline": 1,
        "context": 1,
        "expert": 1,
        "micro_batch": 1,
        "accumulation": 1,
        "checkpointing": "none",
        "offload": "none",
    } | columns
    for key, names in (("checkpointing", CHECKPOINTING), ("offload", OFFLOADS)):
        if isinstance(said[key], str):
            said[key] = names.index(said[key])
    arrays = np.broadcast_arrays(*(np.atleast_1d(value) for value in said.values()))
    return Plans(*(array.astype(np.int64) for array in arrays))


def data_of(**changes: Any) -> Data:
    """50,000 examples of 900 tokens, three times, in full sequences of 2,048."""
    said: dict[str, Any] = {
        "examples": 50_000,
        "tokens_per_example": 900,
        "epochs": 3,
        "sequence_length": 2048,
        "global_batch_sequences": 64,
    } | changes
    tokens = said["examples"] * said["tokens_per_example"]
    return Data(
        packing="wrapped",
        tokens_per_epoch=float(tokens),
        sequences_per_epoch=tokens / said["sequence_length"],
        computed_share=(1.0,) * len(MICRO_BATCHES),
        **said,
    )


def task_of(
    architecture: Architecture,
    method: Method = LORA,
    constants: ConstantValues | None = None,
    software: Software | None = None,
    data: Data | None = None,
    calibration: Calibration | None = None,
) -> Task:
    """A task with constants before any fit."""
    return Task(
        architecture,
        method,
        software or Software(),
        data or data_of(),
        constants or constant_values(),
        calibration or uncalibrated(),
    )
