"""The columns of a table of measured runs, and what may stand in their cells."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from app.estimator.measured import SCORED_METRICS

LARGEST_COUNT: Final = 10**12
METRICS: Final = (
    *SCORED_METRICS,
    "mfu_percent",
    "hfu_percent",
    "tflops_per_gpu",
    "wall_clock_s",
    "other",
)
SHAPE_COUNTS: Final = (
    "n_layers",
    "hidden_size",
    "n_heads",
    "n_kv_heads",
    "vocab_size",
    "intermediate_size",
    "mlp_matrices",
    "learned_positions",
    "n_params",
)
SHAPE_FLAGS: Final = ("tied_embeddings", "bias", "qkv_bias")
SHAPE_REQUIRED: Final = ("n_layers", "hidden_size", "n_heads", "vocab_size", "intermediate_size")

Reader = Callable[[str], Any]
"""Makes a value of a cell, or raises `WrongCell`."""


class WrongCell(Exception):  # noqa: N818 - carries a sentence, never leaves the reading
    """What is wrong with one cell, and what would do."""


def _text(cell: str) -> str:
    return cell


def _count(cell: str) -> int | None:
    """A whole number from 1, None where the cell is blank."""
    if not cell:
        return None
    if not re.fullmatch(r"[0-9]{1,13}", cell) or not 1 <= int(cell) <= LARGEST_COUNT:
        raise WrongCell(f"{shown(cell)} is not a whole number from 1, such as 8")
    return int(cell)


def _size(cell: str) -> int:
    """A whole number from 1, which is 1 where the cell is blank."""
    return _count(cell) or 1


def _needed(cell: str) -> int:
    count = _count(cell)
    if count is None:
        raise WrongCell("is blank; a whole number from 1 is needed")
    return count


def yes_no(cell: str) -> bool | None:
    """Yes or no, None where the cell is blank."""
    if cell not in {"", "yes", "no"}:
        raise WrongCell(f"{shown(cell)} is not yes or no")
    return None if not cell else cell == "yes"


def one_of(*known: str) -> Reader:
    """One of some words, or blank."""

    def read(cell: str) -> str:
        if cell and cell not in known:
            raise WrongCell(f"{shown(cell)} is not one of {', '.join(known)}")
        return cell

    return read


def number(cell: str) -> float:
    """A finite number."""
    if not cell:
        raise WrongCell("is blank; a number is needed")
    plain = re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?", cell)
    if not plain or not math.isfinite(float(cell)):
        raise WrongCell(f"{shown(cell)} is not a finite number such as 12.5")
    return float(cell)


def _shape(cell: str) -> Mapping[str, int | bool] | None:
    """The shape of a model as a flat JSON object, None where the cell is blank."""
    if not cell:
        return None
    try:
        shape = json.loads(cell)
    except (ValueError, RecursionError):
        shape = None
    if not isinstance(shape, dict):
        raise WrongCell('is not a JSON object such as {"n_layers": 32, "hidden_size": 4096, ...}')
    for key, value in shape.items():
        if key in SHAPE_FLAGS:
            good, wanted = isinstance(value, bool), "true or false"
        elif key in SHAPE_COUNTS:
            whole = isinstance(value, int) and not isinstance(value, bool)
            good, wanted = whole and 1 <= value <= 10**15, "a whole number from 1"
        else:
            known = ", ".join((*SHAPE_COUNTS, *SHAPE_FLAGS))
            raise WrongCell(f"the key {shown(key)} is not known; the keys are {known}")
        if not good:
            raise WrongCell(f"{key} must be {wanted}")
    if missing := [key for key in SHAPE_REQUIRED if key not in shape]:
        raise WrongCell(f"lacks {', '.join(missing)}")
    return shape


def shown(text: str) -> str:
    """A cell as it is quoted in a message."""
    return repr(text if len(text) <= 60 else text[:57] + "...")


CONFIGURATION: Final[Mapping[str, tuple[str, Reader]]] = {
    "model": ("model", _text),
    "model_shape": ("model_shape", _shape),
    "method": ("method", one_of("full", "lora", "qlora", "dora")),
    "task": ("task", one_of("finetune", "pretrain")),
    "lora_rank": ("lora_rank", _count),
    "lora_targets": ("lora_targets", _text),
    "trains_embeddings": ("trains_embeddings", yes_no),
    "gpu": ("gpu", _text),
    "gpu_proxy": ("gpu_proxy", _text),
    "n_gpus": ("gpus", _needed),
    "strategy": (
        "strategy",
        one_of("single", "ddp", "zero1", "zero2", "zero3", "fsdp", "megatron", "other"),
    ),
    "tp": ("tensor", _size),
    "pp": ("pipeline", _size),
    "cp": ("context", _size),
    "ep": ("expert", _size),
    "vp": ("virtual_pipeline", _size),
    "dp": ("data_parallel", _count),
    "offload": (
        "offload",
        one_of("none", "optimizer", "parameters", "both", "activations", "yes"),
    ),
    "offload_detail": ("offload_detail", _text),
    "seq_len": ("sequence_length", _count),
    "real_tokens_per_seq": ("real_tokens_per_sequence", _count),
    "packed": ("packed", one_of("yes", "no", "pretrain-stream")),
    "micro_batch": ("micro_batch", _count),
    "grad_accum": ("accumulation", _count),
    "global_batch": ("global_batch", _count),
    "act_ckpt": ("checkpointing", one_of("none", "selective", "full", "offloaded")),
    "optimizer": (
        "optimizer",
        one_of(
            "adamw",
            "adamw-fp32",
            "adamw-bf16",
            "adamw-8bit",
            "paged-adamw-8bit",
            "adafactor",
            "lion",
            "muon",
            "sgd",
        ),
    ),
    "weights_dtype": (
        "weights_dtype",
        one_of("fp32", "bf16", "fp16", "nf4", "int4", "int8", "fp8", "fp4"),
    ),
    "master_weights": ("master_weights", yes_no),
    "compute": ("compute", one_of("bf16", "fp16", "fp8", "fp4", "tf32", "fp32")),
    "attention": ("attention", one_of("flash", "sdpa", "eager")),
    "fused_loss": ("fused_loss", yes_no),
    "compile": ("compiled", yes_no),
    "variant": ("variant", _text),
    "framework": ("framework", _text),
    "framework_detail": ("framework_detail", _text),
    "source": ("reference", _text),
    "locator": ("locator", _text),
    "year": ("year", _count),
}
"""Columns that say how a run was made, each with the field of `MeasuredRun` and its reader."""

ROW_COLUMNS: Final = ("id", "run", "metric", "value", "quality", "unit_ambiguous")
"""Columns that say what was measured."""
REQUIRED: Final = ("id", "method", "gpu", "n_gpus", "seq_len", "metric", "value")
"""Columns that must be in the header, beside `model` or `model_shape`."""
NO_DISTINCTION: Final = frozenset({"source", "locator", "year", "framework_detail"})
"""Columns that may differ between rows of one run: the first row stands."""
