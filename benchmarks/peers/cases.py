"""Measured runs as cases for a peer: what ran, on what, and the figure that was measured."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

GIB = 2**30
MEMORY = ("peak_allocated_gib", "peak_reserved_gib", "smi_gib", "peak_unspecified_gib")
SPEED = "tokens_per_s_per_gpu"
GRADES = ("A", "B")

ATTENTION_TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj")
GATED_TARGETS = ("gate_proj", "up_proj", "down_proj")
GATED_FAMILIES = ("llama", "mistral", "mixtral", "qwen2", "qwen3", "qwen3_moe", "granite")
QKV_BIAS_FAMILIES = ("qwen2",)
QK_NORM_FAMILIES = ("qwen3", "qwen3_moe")

# config.json as columns: what the product knows without a file.
BUILT_IN = Path(__file__).parents[2] / "app/catalog/models/configs"


@dataclass(frozen=True, slots=True)
class Shape:
    """The dimensions of a decoder.

    Parameters
    ----------
    model_type : as in ``config.json``; ``gated`` or ``classic`` where no configuration is known.
    hidden_size, intermediate_size, vocab_size, head_dim : widths. [count]
    n_layers, n_heads, n_kv_heads : blocks and heads. [count]
    tied_embeddings : the output head shares the token table.
    mlp_matrices : 3 for a gated feed-forward network, otherwise 2. [count]
    bias, qkv_bias : on all linears and norms; on query, key and value only.
    qk_norm : an RMSNorm of width `head_dim` on queries and on keys.
    learned_positions : rows of the position table. [count]
    norms_per_layer : [count]
    head_bias : of the output head.
    n_experts, experts_per_token : 1 for a dense model. [count]
    stated_params : the parameter count as published. [count]
    """

    model_type: str
    hidden_size: int
    intermediate_size: int
    vocab_size: int
    head_dim: int
    n_layers: int
    n_heads: int
    n_kv_heads: int
    tied_embeddings: bool
    mlp_matrices: int = 3
    bias: bool = False
    qkv_bias: bool = False
    qk_norm: bool = False
    learned_positions: int = 0
    norms_per_layer: int = 2
    head_bias: bool = False
    n_experts: int = 1
    experts_per_token: int = 1
    stated_params: int | None = None

    @property
    def n_params(self) -> int:
        """All parameters: as published, otherwise counted. [count]

        Examples
        --------
        >>> Shape("llama", 4096, 14336, 128256, 128, 32, 32, 8, tied_embeddings=False).n_params
        8030261248
        """
        if self.stated_params is not None:
            return self.stated_params
        hidden, width = self.hidden_size, self.intermediate_size
        queries, values = self.n_heads * self.head_dim, self.n_kv_heads * self.head_dim
        attention = 2 * hidden * queries + 2 * hidden * values
        expert = self.mlp_matrices * hidden * width
        router = self.n_experts * hidden if self.n_experts > 1 else 0
        norm = 2 * hidden if self.bias else hidden
        layer = attention + self.n_experts * expert + router + self.norms_per_layer * norm
        if self.bias or self.qkv_bias:
            layer += queries + 2 * values
        if self.bias:
            layer += 2 * hidden + (self.mlp_matrices - 1) * width
        if self.qk_norm:
            layer += 2 * self.head_dim
        tables = 1 if self.tied_embeddings else 2
        outside = (tables * self.vocab_size + self.learned_positions) * hidden + norm
        return outside + self.n_layers * layer + (self.vocab_size if self.head_bias else 0)


@dataclass(frozen=True, slots=True)
class Case:
    """One measured figure and its run. None or an empty text is what the source does not state.

    Parameters
    ----------
    id, run, quality, model, metric : as in the table.
    measured : bytes for a metric of memory; otherwise tokens a second and GPU. [bytes or 1/s]
    shape, n_params : of the model, where known.
    method : ``full``, ``lora``, ``qlora`` or ``dora``.
    lora_rank : [count]
    lora_targets : names of the linears that carry adapters.
    trains_embeddings : beside the adapters.
    gpu : the accelerator, or the nearest known one.
    gpu_memory_gib : [GiB]
    n_gpus : [count]
    strategy : ``single``, ``ddp``, ``zero1`` to ``zero3``, ``fsdp``, ``megatron`` or ``other``.
    split : the largest of the tensor, pipeline, context and expert parallel sizes. [count]
    offload, act_ckpt, optimizer, weights_dtype, compute, attention : as in the table.
    seq_len : [tokens]
    micro_batch : [sequences]
    fused_loss : the logits are never whole.
    double_quantization : of the 4-bit scales.
    """

    id: str
    run: str
    quality: str
    model: str
    metric: str
    measured: float
    shape: Shape | None
    n_params: int | None
    method: str
    lora_rank: int | None
    lora_targets: tuple[str, ...]
    trains_embeddings: bool
    gpu: str
    gpu_memory_gib: float | None
    n_gpus: int | None
    strategy: str
    split: int
    offload: str
    seq_len: int | None
    micro_batch: int | None
    act_ckpt: str
    optimizer: str
    weights_dtype: str
    compute: str
    attention: str
    fused_loss: bool
    double_quantization: bool


def shape_from_config(config: Mapping[str, object]) -> Shape | None:
    """The dimensions in a ``config.json``; None for a family that is not counted here."""
    family = str(config.get("model_type", ""))
    if family not in (*GATED_FAMILIES, "phi"):
        return None

    def count(*names: str) -> int | None:
        found = (config.get(name) for name in names)
        return next((int(str(value)) for value in found if value not in (None, "")), None)

    def required(*names: str) -> int:
        value = count(*names)
        if value is None:
            raise ValueError(f"the configuration lacks {names[0]}")
        return value

    hidden, heads = required("hidden_size"), required("num_attention_heads")
    experts = count("num_local_experts", "num_experts") or 1
    return Shape(
        model_type=family,
        hidden_size=hidden,
        intermediate_size=required(
            *(["moe_intermediate_size"] * (experts > 1)), "intermediate_size"
        ),
        vocab_size=required("vocab_size"),
        head_dim=count("head_dim") or hidden // heads,
        n_layers=required("num_hidden_layers"),
        n_heads=heads,
        n_kv_heads=count("num_key_value_heads") or heads,
        tied_embeddings=config.get("tie_word_embeddings") in (True, "yes"),
        mlp_matrices=3 if family in GATED_FAMILIES else 2,
        bias=family == "phi",
        qkv_bias=family in QKV_BIAS_FAMILIES,
        qk_norm=family in QK_NORM_FAMILIES,
        norms_per_layer=1 if family == "phi" else 2,
        head_bias=family == "phi",
        n_experts=experts,
        experts_per_token=count("num_experts_per_tok") or 1,
    )


def shape_from_row(printed: str) -> Shape:
    """The dimensions that the table itself gives, as JSON."""
    given = json.loads(printed)
    return Shape(
        model_type="gated" if given["mlp_matrices"] == 3 else "classic",
        head_dim=given["hidden_size"] // given["n_heads"],
        stated_params=given.get("n_params"),
        bias=given.get("bias", False),
        qkv_bias=given.get("qkv_bias", False),
        learned_positions=given.get("learned_positions", 0),
        **{
            name: given[name]
            for name in (
                "hidden_size",
                "intermediate_size",
                "vocab_size",
                "n_layers",
                "n_heads",
                "n_kv_heads",
                "tied_embeddings",
                "mlp_matrices",
            )
        },
    )


def targets(printed: str, mlp_matrices: int) -> tuple[str, ...]:
    """The linears that carry adapters.

    Examples
    --------
    >>> targets("attention", 3)
    ('q_proj', 'k_proj', 'v_proj', 'o_proj')
    >>> targets("all-linear", 2)
    ('q_proj', 'k_proj', 'v_proj', 'o_proj', 'up_proj', 'down_proj')
    """
    if printed == "attention":
        return ATTENTION_TARGETS
    if printed == "all-linear":
        return ATTENTION_TARGETS + (GATED_TARGETS if mlp_matrices == 3 else GATED_TARGETS[1:])
    return tuple(name.strip() for name in printed.split(",") if name.strip())


def case_from_row(row: Mapping[str, str], shape: Shape | None) -> Case:
    """One row of the table of measured runs."""

    def text(name: str) -> str:
        return row.get(name, "").strip()

    def count(name: str) -> int | None:
        return int(float(text(name))) if text(name) else None

    gpu = text("gpu") if text("gpu_known") != "no" else text("gpu_proxy")
    memory = re.search(r"-(\d+)GB$", gpu)
    value = float(text("value"))
    return Case(
        id=text("id"),
        run=text("run"),
        quality=text("quality"),
        model=text("model"),
        metric=text("metric"),
        measured=value * GIB if text("metric") in MEMORY else value,
        shape=shape,
        n_params=None if shape is None else shape.n_params,
        method=text("method"),
        lora_rank=count("lora_rank"),
        lora_targets=targets(text("lora_targets"), 3 if shape is None else shape.mlp_matrices),
        trains_embeddings=text("trains_embeddings") == "yes",
        gpu=gpu,
        gpu_memory_gib=float(memory[1]) if memory else None,
        n_gpus=count("n_gpus"),
        strategy=text("strategy"),
        split=max(count(name) or 1 for name in ("tp", "pp", "cp", "ep")),
        offload=text("offload") or "none",
        seq_len=count("seq_len"),
        micro_batch=count("micro_batch"),
        act_ckpt=text("act_ckpt"),
        optimizer=text("optimizer"),
        weights_dtype=text("weights_dtype"),
        compute=text("compute"),
        attention=text("attention"),
        fused_loss=text("fused_loss") == "yes",
        double_quantization="double quant" in text("variant"),
    )


def scored(rows: list[dict[str, str]]) -> Iterator[dict[str, str]]:
    """The rows to score: grades A and B; all metrics of memory, and tokens/s once a run."""
    timed: set[str] = set()
    for row in rows:
        if row["quality"] not in GRADES:
            continue
        if row["metric"] in MEMORY:
            yield row
        elif row["metric"] == SPEED and row["run"] not in timed:
            timed.add(row["run"])
            yield row


def read_cases(table: Path, models: Path | None) -> list[Case]:
    """The cases of a table of measured runs.

    Parameters
    ----------
    table : CSV with one figure a row.
    models : folder with ``ORG__NAME.json`` configurations for models that are not built in.
    """
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))

    def shape_of(row: Mapping[str, str]) -> Shape | None:
        if row.get("model_shape"):
            return shape_from_row(row["model_shape"])
        model = row["model"]
        for folder in (models, BUILT_IN):
            file = folder / f"{model.replace('/', '__')}.json" if folder else None
            if file is not None and file.is_file():
                return shape_from_config(json.loads(file.read_text(encoding="utf-8")))
        return None

    return [case_from_row(row, shape_of(row)) for row in scored(rows)]
