"""Make the reference tables from the libraries themselves, not from formulas.

The tests compare the estimator with ``parameters.json``, ``flops.json``, ``activations.json`` and
``families.json``; this script is where those files come from, and the defaults of absent keys in
``app/catalog/families/defaults.json``. It needs about an hour on one core, and an environment of
its own, because the product depends on none of these libraries::

    python3.11 -m venv reference-env
    reference-env/bin/pip install torch==2.13.0 transformers==5.23.0 peft==0.21.2 accelerate==1.15.0
    reference-env/bin/python tests/reference/make_tables.py parameters flops activations families

(The CPU build of torch is enough and much smaller.) No weights are read and no kernel runs:
parameters are counted on the meta device, the rest on fake tensors.

Parameters
    Every model of ``configs.json`` from ``AutoModelForCausalLM.from_config``; adapters are what
    ``peft.get_peft_model`` creates.
FLOP
    ``torch.utils.flop_counter.FlopCounterMode`` around forward and around backward. Its matrix
    products only; both attention paths count the full score matrix. The fused kernel that torch
    chooses on a CPU has no formula there, so it is given the library's own formula for fused
    attention.
Families
    All of the above on small models of every family (``small_configs.json``), for one and for two
    sequences, so that nothing has to be continued: depth, peak and all.
Activations
    Every storage that an operation creates is followed until it is freed. ``saved`` is what is
    alive once the loss exists; ``peak`` the highest amount alive in the step. Parameters, inputs
    and gradients that have reached ``.grad`` are outside both. Measured without the FLOP counter,
    which keeps recomputed tensors alive.

FLOP and ``saved`` are measured at two depths and continued linearly to the model's own, which is
exact: ``saved`` is checked against the full depth of the models in `FULL_DEPTH`. A peak moves from
one place to another as the depth grows, so ``peak`` is measured at full depth, and for those alone.
"""

from __future__ import annotations

import argparse
import dataclasses
import gc
import json
import re
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

import peft
import torch
import transformers
from peft import LoraConfig, get_peft_model
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import (
    FlopCounterMode,
    register_flop_formula,
    sdpa_backward_flop_count,
    sdpa_flop_count,
)
from transformers import AutoConfig, AutoModelForCausalLM, masking_utils
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.pytorch_utils import Conv1D

# On real tensors the model looks whether several sequences are packed, finds one, and leaves the
# mask to the causal kernel. A fake tensor has no values to look at, so the answer is given here.
masking_utils.find_packed_sequence_indices = lambda *_, **__: None

HERE = Path(__file__).parent
VERSIONS = {
    "torch": torch.__version__,
    "transformers": transformers.__version__,
    "peft": peft.__version__,
}
RANKS = (8, 16, 64, 256)
TARGETS: dict[str, str | list[str]] = {
    "qv": ["q_proj", "v_proj"],
    "attn": ["q_proj", "k_proj", "v_proj", "o_proj"],
    "all_linear": "all-linear",
    "mlp": ["gate_proj", "up_proj", "down_proj"],
    "o": ["o_proj"],
}
COUNTED_TARGETS = ("qv", "attn", "all_linear")
METHODS = ("full", "lora_all_linear", "lora_qv")
# Where the lowest adapter sits decides how far down the backward pass has to go.
FLOP_METHODS = (*METHODS, "lora_mlp", "lora_o")
MEASURED = (
    "HuggingFaceTB/SmolLM2-135M",
    "meta-llama/Llama-3.2-1B",
    "meta-llama/Llama-2-7b-hf",
    "meta-llama/Meta-Llama-3.1-8B",
    "meta-llama/Meta-Llama-3.1-70B",
    "mistralai/Mistral-7B-v0.3",
    "Qwen/Qwen2-7B",
    "Qwen/Qwen2.5-0.5B",
    "Qwen/Qwen3-8B",
)
FULL_DEPTH = (
    "HuggingFaceTB/SmolLM2-135M",
    "meta-llama/Llama-3.2-1B",
    "meta-llama/Meta-Llama-3.1-8B",
    "Qwen/Qwen2.5-0.5B",
    "Qwen/Qwen3-8B",
)
LENGTHS = (512, 2048, 8192)
SMALL_SIZES = ((1, 56), (2, 48))
SMALL_RANK = 8
DROPOUTS = (
    "attention_dropout",
    "attn_pdrop",
    "dropout",
    "embd_pdrop",
    "embed_dropout",
    "emb_pdrop",
    "hidden_dropout",
    "resid_dropout",
    "resid_pdrop",
    "residual_dropout",
)
ATTENTION_MODULES = ("self_attn", "attn", "attention", "self_attention")
QUERY_VALUE = (
    ("q_proj", "v_proj"),
    ("q_b_proj", "kv_b_proj"),
    ("q_proj", "kv_b_proj"),
    ("qkv_proj",),
    ("query_key_value",),
    ("c_attn",),
    ("Wqkv",),
)
CANNOT_RUN = ("does not support an attention", "'tuple' object has no attribute 'dtype'")
CHOSEN = ("num_experts_per_tok", "moe_k")
UNREAD = ("attention_dropout", "hidden_dropout", "initializer_range")
COLUMNS = {
    "flops": ["attention", "checkpointing", "method", "sequence_length", "forward", "backward"],
    "activations": ["attention", "checkpointing", "method", "sequence_length", "saved", "peak"],
    "families": [
        "attention",
        "checkpointing",
        "method",
        "sequences",
        "sequence_length",
        "forward",
        "backward",
        "saved",
        "peak",
    ],
}
DEPTHS = (2, 4)

aten = torch.ops.aten


@register_flop_formula(aten._grouped_mm)
def _grouped(left: Any, right: Any, *_: Any, out_shape: Any = None, **__: Any) -> int:
    """Every row of the tokens meets one expert; a weight's gradient sums over them."""
    return int(2 * left[0] * left[1] * right[-1])


@register_flop_formula(aten._scaled_dot_product_flash_attention_for_cpu)
def _fused_forward(query: Any, key: Any, value: Any, *_: Any, **__: Any) -> int:
    return int(sdpa_flop_count(query, key, value))


@register_flop_formula(aten._scaled_dot_product_flash_attention_for_cpu_backward)
def _fused_backward(gradient: Any, query: Any, key: Any, value: Any, *_: Any, **__: Any) -> int:
    return int(sdpa_backward_flop_count(gradient, query, key, value))


class LiveBytes(TorchDispatchMode):
    """Bytes alive in storages that operations inside this mode created."""

    def __init__(self, outside: torch.nn.Module) -> None:
        super().__init__()
        # A gradient may be handed on as it is, so a parameter's storage is known by identity.
        tensors = [*outside.parameters(), *outside.buffers()]
        self._outside = {t.untyped_storage()._cdata for t in tensors}
        self._alive: dict[int, int] = {}
        self.now = 0
        self.peak = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(out):
            if isinstance(leaf, torch.Tensor):
                self._follow(leaf.untyped_storage())
        self.peak = max(self.peak, self.now)
        return out

    def _follow(self, storage: torch.UntypedStorage) -> None:
        key = storage._cdata
        if key in self._outside or key in self._alive:
            return
        self._alive[key] = storage.nbytes()
        self.now += storage.nbytes()
        weakref.finalize(storage, self._freed, key)

    def _freed(self, key: int) -> None:
        self.now -= self._alive.pop(key, 0)


@cache
def _configurations() -> dict[str, dict[str, Any]]:
    """All configurations, real and small, by name."""
    files = (HERE / "configs.json", HERE / "small_configs.json")
    return {name: fields for file in files for name, fields in json.loads(file.read_text()).items()}


def configuration(name: str, layers: int | None = None) -> Any:
    """Configuration of a model, with another depth where one is given."""
    fields = dict(_configurations()[name]) | dict.fromkeys(DROPOUTS, 0.0)
    if layers is not None:
        fields["num_hidden_layers"] = layers
    config = AutoConfig.for_model(fields.pop("model_type"), **fields)
    config.use_cache = False
    return config


def target_modules(model: Any, targets: str) -> str | list[str]:
    """What `targets` means for a model: its attention, or the matrices of queries and values."""
    linears = [
        name.split(".")[-2:]
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear | Conv1D) and "." in name
    ]
    inside = {leaf: f"{parent}.{leaf}" for parent, leaf in linears if parent in ATTENTION_MODULES}
    if targets == "attn":
        return sorted(inside.values())
    if targets == "qv":
        for names in QUERY_VALUE:
            if set(names) <= set(inside):
                return [inside[name] for name in names]
    return TARGETS[targets]


def adapted(model: Any, targets: str, rank: int) -> Any:
    """The model with bf16 adapters."""
    lora = LoraConfig(
        r=rank,
        lora_alpha=2 * rank,
        lora_dropout=0.0,
        target_modules=target_modules(model, targets),
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, lora, autocast_adapter_dtype=False)


def distinct(model: Any, *, trainable: bool = False) -> int:
    """Parameters, each counted once."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad or not trainable)


def active(model: Any) -> int:
    """Parameters less the experts that a token does not visit."""
    config = model.config
    chosen = next((v for k in CHOSEN if (v := getattr(config, k, None))), None)
    unvisited = 0
    for name, parameter in model.named_parameters():
        if ".experts." in name and chosen is not None:
            unvisited += parameter.numel() * (parameter.shape[0] - chosen) // parameter.shape[0]
    return distinct(model) - unvisited


def parameters(name: str) -> dict[str, Any]:
    """Counts of one model and of its adapters."""
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(configuration(name), dtype=torch.bfloat16)
        record: dict[str, Any] = {
            "total": distinct(model),
            "embedding": model.get_input_embeddings().weight.numel(),
            "active": active(model),
            "lora": {},
        }
        for targets in COUNTED_TARGETS:
            counts = record["lora"][targets] = {}
            for rank in RANKS:
                wrapped = adapted(model, targets, rank)
                counts[str(rank)] = distinct(wrapped, trainable=True)
                model = wrapped.unload()
    return record


@contextmanager
def fake_model(
    name: str,
    layers: int | None,
    method: str,
    attention: str,
    *,
    checkpointing: bool,
    rank: int = 16,
) -> Iterator[Any]:
    """A bf16 model on fake tensors, ready to train."""
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(
            configuration(name, layers), attn_implementation=attention, dtype=torch.bfloat16
        )
        with suppress(ValueError):  # raised where there are no experts to set it for
            model.set_experts_implementation("grouped_mm")
        model.train()
        if checkpointing:
            model.activation_checkpointing_enable()
        if method != "full":
            # On the meta device peft leaves its adapters in fp32.
            model = adapted(model, method.removeprefix("lora_"), rank).to(torch.bfloat16)
    with FakeTensorMode():
        _move_to_fake_cpu(model)
        for parameter in model.parameters():
            if parameter.requires_grad:
                # Reached .grad: from here on it is not counted, so it need not be kept either.
                parameter.register_post_accumulate_grad_hook(_drop_gradient)
        yield model


def _move_to_fake_cpu(model: torch.nn.Module) -> None:
    """Replace meta tensors by fake ones on the CPU, whose kernels the counters know."""
    made: dict[int, torch.nn.Parameter] = {}  # a tied table stays one tensor
    for module in model.modules():
        for key, old in module._parameters.items():
            if old is not None:
                if id(old) not in made:
                    data = torch.empty(old.shape, dtype=old.dtype, device="cpu")
                    made[id(old)] = torch.nn.Parameter(data, requires_grad=old.requires_grad)
                module._parameters[key] = made[id(old)]
        for key, buffer in module._buffers.items():
            if buffer is not None:
                module._buffers[key] = torch.empty(buffer.shape, dtype=buffer.dtype, device="cpu")


def _drop_gradient(parameter: torch.Tensor) -> None:
    parameter.grad = None


def count_flop(model: Any, length: int, sequences: int = 1) -> tuple[int, int]:
    """FLOP of forward and of backward, recomputation included."""
    tokens = torch.zeros((sequences, length), dtype=torch.long)
    with FlopCounterMode(display=False) as forward:
        loss = model(input_ids=tokens, labels=tokens).loss
    with FlopCounterMode(display=False) as backward:
        loss.backward()
    return forward.get_total_flops(), backward.get_total_flops()


def count_bytes(model: Any, length: int, sequences: int = 1) -> tuple[int, int]:
    """Bytes alive after forward, and the highest number alive."""
    tokens = torch.zeros((sequences, length), dtype=torch.long)
    with LiveBytes(model) as live:
        loss = model(input_ids=tokens, labels=tokens).loss
        gc.collect()
        saved = live.now
        loss.backward()
    return saved, live.peak


def full_depth(measured: list[int], layers: int) -> int:
    """A straight line through the two depths, continued."""
    low, high = measured
    step, rest = divmod(high - low, DEPTHS[1] - DEPTHS[0])
    if rest:
        raise ValueError(f"not linear in depth: {measured}")
    return low + step * (layers - DEPTHS[0])


def records(name: str, *, flop: bool) -> Iterator[list[Any]]:
    """Rows of one model; the columns are those of `make`."""
    layers = configuration(name).num_hidden_layers
    count = count_flop if flop else count_bytes
    for attention in ("sdpa", "eager"):
        for checkpointing in (False, True):
            for method in FLOP_METHODS if flop else METHODS:
                at_depth: dict[int, list[tuple[int, int]]] = {}
                depths = [*DEPTHS, layers] if not flop and name in FULL_DEPTH else [*DEPTHS]
                for depth in depths:
                    with fake_model(
                        name, depth, method, attention, checkpointing=checkpointing
                    ) as model:
                        at_depth[depth] = [count(model, length) for length in LENGTHS]
                for i, length in enumerate(LENGTHS):
                    first, second = (
                        full_depth([at_depth[d][i][part] for d in DEPTHS], layers)
                        if part == 0 or flop
                        else None
                        for part in (0, 1)
                    )
                    if layers in at_depth:
                        if at_depth[layers][i][0] != first:
                            raise ValueError(f"not linear in depth: {name}, {method}, {length}")
                        second = at_depth[layers][i][1]
                    yield [attention, checkpointing, method, length, first, second]


def small_records(name: str) -> Iterator[list[Any]]:
    """Rows of one small model, at its own depth; the columns are those of `make`.

    A case that transformers or peft cannot run is left out: a model without the fused kernel, or
    adapters on the router of Llama 4.
    """
    for attention in ("sdpa", "eager"):
        for checkpointing in (False, True):
            for method in METHODS:
                for sequences, length in SMALL_SIZES:
                    case = partial(
                        fake_model,
                        name,
                        None,
                        method,
                        attention,
                        checkpointing=checkpointing,
                        rank=SMALL_RANK,
                    )
                    try:
                        with case() as model:
                            flop = count_flop(model, length, sequences)
                        with case() as model:
                            saved = count_bytes(model, length, sequences)
                    except (ValueError, AttributeError) as error:
                        if not any(known in str(error) for known in CANNOT_RUN):
                            raise
                        continue
                    yield [attention, checkpointing, method, sequences, length, *flop, *saved]


# Names that a class reads in `__post_init__`; published BLOOM checkpoints state their width so.
OLD_NAMES = {family: {"n_embed": "hidden_size"} for family in ("bloom", "falcon")}


def defaults() -> dict[str, dict[str, Any]]:
    """What absent keys stand for in the configuration classes of the families that are read."""
    families = Path(__file__).parents[2] / "app/catalog/families"
    source = "".join(file.read_text() for file in families.glob("*.py"))
    read = set(re.findall(r'"([a-z0-9_]+)"', source))
    found = {}
    for family in sorted(read & set(CONFIG_MAPPING)):
        cls = CONFIG_MAPPING[family]
        values = {field.name: field.default for field in dataclasses.fields(cls)}
        plain = {k: v for k, v in values.items() if isinstance(v, bool | int | float | str)}
        found[family] = {
            "defaults": {k: v for k, v in plain.items() if k in read and k not in UNREAD},
            "aliases": dict(cls.attribute_map) | OLD_NAMES.get(family, {}),
        }
    (families / "defaults.json").write_text(json.dumps(found, indent=1) + "\n")
    return found


ABOUT = {
    "parameters": "Distinct parameters on the meta device; adapters as peft creates them, by "
    "targets and rank.",
    "flops": "FLOP of one step of one sequence: forward, and backward with any recomputation. "
    "Adapters of rank 16.",
    "activations": "Bytes alive after forward (saved) and at most (peak, null where it was not "
    "measured at full depth), for one sequence. Adapters of rank 16 in bf16.",
    "families": "Small models of every family: FLOP forward, and backward with any recomputation; "
    "bytes alive after forward (saved) and at most (peak). Adapters of rank 8 in bf16.",
}


def make(table: str, names: list[str]) -> None:
    """Write one table, a line for each record so that changes can be read."""
    lines = []
    for name in names:
        if table == "parameters":
            lines.append(f"    {json.dumps(name)}: {json.dumps(parameters(name))}")
            continue
        made = small_records(name) if table == "families" else records(name, flop=table == "flops")
        rows = ",\n".join("      " + json.dumps(row, separators=(",", ":")) for row in made)
        lines.append(f"    {json.dumps(name)}: [\n{rows}\n    ]")
    head = [f'  "versions": {json.dumps(VERSIONS)}', f'  "about": {json.dumps(ABOUT[table])}']
    if table in COLUMNS:
        head.append(f'  "columns": {json.dumps(COLUMNS[table])}')
    body = ",\n".join(lines)
    members = ",\n".join([*head, f'  "models": {{\n{body}\n  }}'])
    (HERE / f"{table}.json").write_text(f"{{\n{members}\n}}\n")


def main() -> None:
    """Make the tables that are named."""
    parser = argparse.ArgumentParser(description="Make the reference tables.")
    parser.add_argument("tables", nargs="+", choices=[*ABOUT, "defaults"])
    small = list(json.loads((HERE / "small_configs.json").read_text()))
    names = {"parameters": list(_configurations()), "families": small}
    for table in parser.parse_args().tables:
        if table == "defaults":
            defaults()
        else:
            make(table, names.get(table, list(MEASURED)))


if __name__ == "__main__":
    main()
