"""A measured run in the estimator's own terms: method, software, hardware and plan.

What a publication does not state is filled in by what its software does unless told otherwise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import ceil

import numpy as np

from app.estimator.adapters import Adapters, target_names
from app.estimator.architecture import Architecture
from app.estimator.errors import EstimatorError, InvalidSpec
from app.estimator.fleet import Fleet, Integers
from app.estimator.hardware import CHIPS, FABRIC_LINKS, Accelerator
from app.estimator.measured import MeasuredRun
from app.estimator.methods import Method
from app.estimator.plans import CHECKPOINTING, OFFLOADS, STRATEGIES, Plans
from app.estimator.software import STACKS, Software, usual_software

FRAMEWORK_STACKS = {
    framework: stack.key
    for stack in reversed(tuple(STACKS.values()))
    for framework in stack.frameworks
}
"""Stack of each framework known by name; another one is taken as the Trainer."""

DEFAULT_RANK = 16
"""Taken where no rank is stated. Assumption."""

TRANSFORMERS_5_YEAR = 2026
"""Runs published before it had older versions of transformers: the loss made fp32 copies of the
logits, AdamW went over lists of tensors, and experts ran one after the other. A run without a year
is taken as of today."""

NARROW_LOSS_FAMILIES = ("gpt2", "gpt_bigcode", "gpt_neo", "gptj", "opt", "bloom", "falcon", "mpt")
"""Families whose modules did not raise the logits to fp32 before the loss."""

EAGER_STACKS = ("transformers", "transformers-fused")

PLAIN_LOOPS = ("peft", "transformers", "fsdp_qlora", "litgpt")
"""Frameworks that are a loop of their own around the modules of transformers."""

FLASH_1_FRAMEWORKS = ("llm-foundry",)
FLASH_1_YEAR = 2023
"""Frameworks whose runs up to this year used the first generation of fused attention kernels
(``attn_impl: triton``); the second came out in July 2023 (arXiv:2307.08691)."""

LONGEST_OF_A_BATCH = 1.6
"""Longest of about four samples over their mean, which is what padded batches compute. Assumption:
lengths spread like text does (log-normal with a deviation of 0.5)."""

# Assumption: networks that clusters of each generation usually have, of one instance of eight.
INSTANCE_GPUS = 8
RACK_GPUS = 72
NETWORK_GBIT_PER_S = {"ampere": 1600.0, "hopper": 3200.0, "blackwell": 3200.0, "cdna": 3200.0}
OTHER_NETWORK_GBIT_PER_S = 100.0


class CannotPredict(EstimatorError):  # noqa: N818
    """A run that cannot be predicted; the message says what is missing or not modelled."""


@dataclass(frozen=True, slots=True)
class Observed:
    """One run, ready to be evaluated.

    Parameters
    ----------
    sequence_length, computed_length : what memory must hold, and what is computed on average; they
        differ where samples are padded to the longest of a batch. [tokens]
    real_share : real tokens over computed ones, where the source counts real ones.
    """

    method: Method
    software: Software
    fleet: Fleet
    plans: Plans
    sequence_length: int
    computed_length: int
    real_share: float
    virtual_pipeline: int


def observe(run: MeasuredRun, architecture: Architecture, accelerator: Accelerator) -> Observed:
    """Translate a run.

    Raises
    ------
    CannotPredict : a method, length or layout that is not stated or not modelled.
    """
    if run.sequence_length is None:
        raise CannotPredict("the sequence length is not stated")
    if accelerator.bf16_flop_per_s <= 0:
        raise CannotPredict(f"no bf16 peak is known for {accelerator.name}")
    method = _method(run, architecture)
    software = software_of(run, method, architecture.model_type)
    real = run.real_tokens_per_sequence if run.packed == "no" else None
    computed = run.sequence_length
    if real is not None:
        computed = min(computed, max(1, round(real * LONGEST_OF_A_BATCH)))
    return Observed(
        method=method,
        software=software,
        fleet=_fleet(run, accelerator),
        plans=_plan(run, _gpus_per_instance(accelerator)),
        sequence_length=run.sequence_length,
        computed_length=computed,
        real_share=min(1.0, (real or computed) / computed),
        virtual_pipeline=max(run.virtual_pipeline, 1),
    )


def _method(run: MeasuredRun, architecture: Architecture) -> Method:
    """The method with its adapters; DoRA runs as LoRA, which it extends by one vector a linear."""
    if run.method == "full":
        return Method("full")
    if run.method not in ("lora", "qlora", "dora"):
        raise CannotPredict(f"the method {run.method or '(not stated)'} is not modelled")
    targets = run.lora_targets or "all-linear"
    names = re.sub(r"[\s;|+]+", ",", targets)
    try:
        adapters = Adapters(run.lora_rank or DEFAULT_RANK, target_names(names))
        adapters.parameter_count(architecture)
    except InvalidSpec as error:
        raise CannotPredict(f"the adapters are not understood: {error}") from error
    key = "qlora" if run.weights_dtype in ("nf4", "int4") or run.method == "qlora" else "lora"
    return Method(key, adapters, bool(run.trains_embeddings))


def software_of(run: MeasuredRun, method: Method, model_type: str) -> Software:
    """The software of a run, from what is stated and what its stack usually does.

    Parameters
    ----------
    model_type : the family, since older modules of transformers differ in how they made the loss.
    """
    variant = run.variant.lower()
    stack = FRAMEWORK_STACKS.get(run.framework, "transformers")
    kernels = "foak" in variant or "liger" in variant
    if stack == "transformers" and kernels:
        stack = "transformers-fused"
    usual = usual_software(stack)
    older = stack in EAGER_STACKS and run.year is not None and run.year < TRANSFORMERS_5_YEAR
    autocast = "autocast" in variant
    in_16_bits = model_type in NARROW_LOSS_FAMILIES and not autocast
    if run.fused_loss:
        loss = "chunked"
    elif older and in_16_bits:
        loss = "narrow"
    elif stack == "transformers-fused":
        # Fused cross-entropy patches the loss of Llama-like modules only.
        loss = "upcast" if model_type in NARROW_LOSS_FAMILIES else "fused"
    elif older:
        loss = "upcast"
    elif run.fused_loss is False and stack in ("torchtune", "unsloth"):
        loss = "plain"
    else:
        loss = usual.loss
    optimizer = {
        "adamw-fp32": "adamw",
        "adamw": "adamw",
        "adamw-bf16": "adamw-bf16",
        "adamw-8bit": "adamw-8bit",
        "paged-adamw-8bit": "paged-adamw-8bit",
        "adafactor": "adafactor",
        "lion": "lion",
        "muon": "muon",
        "sgd": "sgd",
    }.get(run.optimizer, usual.optimizer)
    precision = usual.precision
    if run.weights_dtype == "fp32":
        precision = "fp32-sharded" if run.master_weights else "fp32-autocast"
    elif run.weights_dtype == "bf16":
        precision = "bf16" if run.master_weights is False else usual.precision
    if autocast and method.adapters is None and run.gpus > 1:
        # Under FSDP, accelerate raises trained weights to fp32 where autocast is asked for.
        precision, optimizer = "fp32-sharded", "adamw"
    # Plain peft holds its adapters in fp32; DeepSpeed, autocast and other stacks make them bf16.
    in_fp32 = "fp32 adapters" in variant or (
        run.framework in ("trl", "peft", "transformers")
        and "bf16 adapters" not in variant
        and not ("accelerated" in variant or (autocast and "baseline" not in variant))
    )
    early = run.year is not None and run.year <= FLASH_1_YEAR
    return Software(
        stack=stack,
        precision=precision,
        optimizer=optimizer,
        loss=loss,
        adapter_dtype="fp32" if in_fp32 else "bf16",
        compute=run.compute if run.compute in ("fp8", "fp4") else "bf16",
        attention="eager" if run.attention == "eager" else "sdpa",
        multi_tensor_update="adamw foreach" in variant or (older and "adamw fused" not in variant),
        looped_experts=older,
        compiled=bool(run.compiled),
        wide_stream="baseline" in variant and run.gpus == 1 and method.quantized,
        plain_loop=run.framework in PLAIN_LOOPS,
        flash_version=1 if run.framework in FLASH_1_FRAMEWORKS and early else None,
    )


def _gpus_per_instance(accelerator: Accelerator) -> int:
    """Instances of eight, or a rack of 72 where NVLink spans it. [count]"""
    return RACK_GPUS if accelerator.key.startswith(("GB200", "GB300")) else INSTANCE_GPUS


def _fleet(run: MeasuredRun, accelerator: Accelerator) -> Fleet:
    """One shape, with the links that such machines usually have."""
    per_instance = min(run.gpus, _gpus_per_instance(accelerator))
    fabric = accelerator.link in (*FABRIC_LINKS, "roce")
    inside = accelerator.link_bytes_per_s if fabric else accelerator.pcie_bytes_per_s
    network = NETWORK_GBIT_PER_S.get(accelerator.chip, OTHER_NETWORK_GBIT_PER_S)
    return Fleet(
        offers=(),
        offer_shape=np.array([], dtype=np.int64),
        offer_usd_per_instance_hour=np.array([]),
        offer_option=np.array([], dtype=np.int64),
        accelerators=(accelerator,),
        memory_bytes=np.array([accelerator.memory_bytes]),
        memory_bytes_per_s=np.array([accelerator.memory_bytes_per_s]),
        bf16_flop_per_s=np.array([accelerator.bf16_flop_per_s]),
        gpus_per_instance=np.array([per_instance]),
        intra_node_bytes_per_s=np.array([inside]),
        fabric=np.array([fabric]),
        pcie_bytes_per_s=np.array([accelerator.pcie_bytes_per_s]),
        host_memory_bytes=np.array([np.nan]),
        tdp_w=np.array([accelerator.tdp_w]),
        geforce=np.array([accelerator.is_geforce]),
        chip=np.array([CHIPS.index(accelerator.chip)]),
        inter_node_bytes_per_s=np.array([network * 1e9 / 8 * per_instance / INSTANCE_GPUS]),
    )


def _plan(run: MeasuredRun, per_instance: int) -> Plans:
    """The one plan of a run; a batch that is not stated follows from the others, or is one."""
    model = run.tensor * run.pipeline * run.context
    replicas = run.data_parallel or max(1, run.gpus // model)
    micro, accumulation = run.micro_batch, run.accumulation
    if micro is None:
        if run.global_batch and accumulation:
            micro = max(1, round(run.global_batch / (replicas * accumulation)))
        else:
            micro = 1
    if accumulation is None:
        whole = run.global_batch or micro * replicas
        accumulation = max(1, round(whole / (replicas * micro)))
    strategy = {
        "single": "single",
        "ddp": "ddp",
        "zero1": "zero1",
        "zero2": "zero2",
        "zero3": "fsdp",
        "fsdp": "fsdp",
        "megatron": "zero1",
    }.get(run.strategy, "single" if run.gpus == 1 else "fsdp")
    if run.gpus == 1:
        strategy = "single"
    offload = {"optimizer": "optimizer", "both": "parameters", "parameters": "parameters"}.get(
        run.offload, "parameters" if run.offload == "yes" else "none"
    )
    # llmq counts products that run again as selective; only whole blocks are full there.
    products = run.framework == "llmq" and any(part in run.variant for part in ("ffn", "att"))
    mode = {"selective": "full"}.get(run.checkpointing) if products else None
    mode = mode or {"selective": "selective", "full": "full", "offloaded": "full"}.get(
        run.checkpointing, "none"
    )

    def one(value: int) -> Integers:
        return np.array([value], dtype=np.int64)

    return Plans(
        shape=one(0),
        nodes=one(ceil(run.gpus / per_instance)),
        gpus=one(run.gpus),
        strategy=one(STRATEGIES.index(strategy)),
        tensor=one(run.tensor),
        pipeline=one(run.pipeline),
        context=one(run.context),
        expert=one(run.expert),
        micro_batch=one(micro),
        accumulation=one(accumulation),
        checkpointing=one(CHECKPOINTING.index(mode)),
        offload=one(OFFLOADS.index(offload)),
    )
