"""The software of a run, apart from its physics: stack, precision, optimizer, loss, adapter dtype.

The same GPUs run four times faster under one stack than under another, so the stack is an input.
What a stack does to a step is said here in physical terms (bytes held, bytes moved, kernels
launched); how well it does it are constants that are fitted to published runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from app.estimator.errors import InvalidSpec

FUSIONS = ("eager", "fused", "native")
"""How the operations between matrix products run: one kernel each; fused or compiled; or written by
hand in CUDA."""


@dataclass(frozen=True, slots=True)
class Precision:
    """What is held for every trained parameter.

    Parameters
    ----------
    weight_bytes, gradient_bytes, master_bytes, state_bytes : of one trained parameter; the state is
        one moment of AdamW. [bytes]
    compute_copy : the 16-bit weights that run are made anew from the held ones, block by block.
    autocast : matrix products cast their weights and inputs; the residual stream stays in fp32.
    """

    key: str
    label: str
    weight_bytes: float
    gradient_bytes: float
    master_bytes: float
    state_bytes: float
    compute_copy: bool = False
    autocast: bool = False


PRECISIONS: Mapping[str, Precision] = MappingProxyType(
    {
        p.key: p
        for p in (
            Precision(
                "bf16-mixed",
                "bf16 weights and gradients, fp32 master weights and states (DeepSpeed bf16)",
                2,
                2,
                4,
                4,
            ),
            Precision(
                "fp32-gradients",
                "bf16 weights, fp32 gradients, master weights and states (Megatron)",
                2,
                4,
                4,
                4,
            ),
            Precision(
                "fp32-sharded",
                "fp32 weights, gradients and states, bf16 copies to compute (FSDP mixed precision)",
                4,
                4,
                0,
                4,
                compute_copy=True,
            ),
            Precision(
                "fp32-autocast",
                "fp32 weights, gradients and states, bf16 by autocast (Trainer with bf16=True)",
                4,
                4,
                0,
                4,
                compute_copy=True,
                autocast=True,
            ),
            Precision("bf16", "everything in bf16 (pure bf16)", 2, 2, 0, 2),
        )
    }
)


@dataclass(frozen=True, slots=True)
class Optimizer:
    """An optimizer, by what it holds and moves for every trained parameter.

    Parameters
    ----------
    moments : states that are as large as the parameter. [count]
    state_bytes : of one moment, None for the precision's own. [bytes]
    extra_flop : matrix products of an update, in FLOP a parameter. [FLOP]
    paged : states live in host memory and are paged in.
    """

    key: str
    label: str
    moments: float
    state_bytes: float | None = None
    extra_flop: float = 0.0
    paged: bool = False


BLOCKWISE_8BIT_BYTES = 1.0 + 4.0 / 256.0
"""One byte and an fp32 scale for each 256 values: Dettmers et al., arXiv:2110.02861, section 2."""

MUON_FLOP = 30.0 * 1024
"""Five Newton-Schulz steps of three products: about 30 FLOP times the smaller side of a matrix,
taken as 1,024. Jordan et al., "Muon", 2024. Assumption: the smaller side."""

OPTIMIZERS: Mapping[str, Optimizer] = MappingProxyType(
    {
        o.key: o
        for o in (
            Optimizer("adamw", "AdamW", 2),
            Optimizer("adamw-bf16", "AdamW with bf16 states", 2, 2.0),
            Optimizer("adamw-8bit", "8-bit AdamW", 2, BLOCKWISE_8BIT_BYTES),
            Optimizer("paged-adamw-8bit", "paged 8-bit AdamW", 2, BLOCKWISE_8BIT_BYTES, paged=True),
            Optimizer("adafactor", "Adafactor (factored, no first moment)", 0.002),
            Optimizer("lion", "Lion", 1),
            Optimizer("muon", "Muon", 1, extra_flop=MUON_FLOP),
            Optimizer("sgd", "SGD without momentum", 0),
        )
    }
)

LOSSES: Mapping[str, str] = MappingProxyType(
    {
        "upcast": "logits in fp32, shifted and copied (transformers before 4.45, and forks)",
        "narrow": "logits and loss in 16 bits (GPT-like models of older versions, no autocast)",
        "plain": "logits in 16 bits, loss in fp32 (transformers 5)",
        "fused": "one kernel over whole logits (fused cross-entropy)",
        "chunked": "logits never whole (Liger fused linear or chunked cross-entropy)",
    }
)
"""Ways to compute the loss; the bytes that each holds per word and token are constants."""


@dataclass(frozen=True, slots=True)
class Stack:
    """A family of training software, with its usual settings.

    Parameters
    ----------
    note : what it stands for.
    frameworks : names of its programs in tables of runs.
    precision, optimizer, loss, adapter_dtype : what it uses unless told otherwise.
    fusion : one of `FUSIONS`.
    dispatch : time to launch a kernel against eager PyTorch. [ratio]
    trainer : whether a trainer's own work comes on top of every step.
    model_parallel : whether it runs tensor, pipeline, context and expert groups.
    keeps_input_gradients : with adapters under full sharding, the gradients of block inputs live
        until the backward pass has ended.
    overlaps_tensor : messages of tensor groups run beside matrix products.
    flash_version : generation of its attention kernel, one of `FLASH_VERSIONS`.
    """

    key: str
    label: str
    note: str
    frameworks: frozenset[str]
    precision: str
    optimizer: str
    loss: str
    adapter_dtype: str
    fusion: str
    dispatch: float
    trainer: bool
    model_parallel: bool = False
    keeps_input_gradients: bool = False
    overlaps_tensor: bool = False
    flash_version: int = 2


HUGGING_FACE = frozenset(
    {
        "trl",
        "hf-trainer",
        "transformers",
        "peft",
        "ms-swift",
        "llama-factory",
        "axolotl",
        "xtuner",
        "fsdp_qlora",
        "litgpt",
        "deepspeed",
        "optimum-habana",
    }
)
"""Programs around the modules of transformers."""

STACKS: Mapping[str, Stack] = MappingProxyType(
    {
        s.key: s
        for s in (
            Stack(
                "transformers",
                "Hugging Face Trainer or TRL",
                "transformers, peft, accelerate or DeepSpeed, LLaMA-Factory, ms-swift, axolotl",
                HUGGING_FACE,
                "bf16-mixed",
                "adamw",
                "plain",
                "bf16",
                fusion="eager",
                dispatch=1.0,
                trainer=True,
                keeps_input_gradients=True,
            ),
            Stack(
                "transformers-fused",
                "Hugging Face Trainer with fused kernels",
                "as above with Liger or other fused kernels for norm, rotation and loss",
                HUGGING_FACE,
                "bf16-mixed",
                "adamw",
                "chunked",
                "bf16",
                fusion="fused",
                dispatch=1.0,
                trainer=True,
                keeps_input_gradients=True,
            ),
            Stack(
                "torchtune",
                "torchtune",
                "torchtune recipes, compiled, with chunked loss",
                frozenset({"torchtune"}),
                "bf16",
                "adamw-bf16",
                "chunked",
                "bf16",
                fusion="fused",
                dispatch=0.6,
                trainer=False,
            ),
            Stack(
                "fsdp",
                "Tuned PyTorch FSDP",
                "llm-foundry, torchtitan, fms-fsdp and loops like them",
                frozenset({"llm-foundry", "torchtitan", "fms-fsdp"}),
                "fp32-sharded",
                "adamw",
                "plain",
                "bf16",
                fusion="eager",
                dispatch=0.6,
                trainer=False,
                model_parallel=True,
            ),
            Stack(
                "megatron",
                "NeMo or Megatron",
                "Megatron-LM, Megatron-Bridge, NeMo",
                frozenset({"nemo", "megatron-bridge", "megatron-lm"}),
                "fp32-gradients",
                "adamw",
                "fused",
                "bf16",
                fusion="fused",
                dispatch=0.6,
                trainer=False,
                model_parallel=True,
                overlaps_tensor=True,
                flash_version=3,
            ),
            Stack(
                "unsloth",
                "Unsloth",
                "hand-written kernels for one GPU",
                frozenset({"unsloth"}),
                "bf16-mixed",
                "adamw-8bit",
                "chunked",
                "bf16",
                fusion="fused",
                dispatch=0.8,
                trainer=True,
            ),
            Stack(
                "native",
                "Hand-written CUDA",
                "llmq and programs like it: an upper bound",
                frozenset({"llmq"}),
                "bf16",
                "adamw-bf16",
                "chunked",
                "bf16",
                fusion="native",
                dispatch=0.3,
                trainer=False,
            ),
        )
    }
)

FLASH_VERSIONS = (1, 2, 3)
"""Generations of fused attention kernels; cuDNN's on Hopper counts as the third."""

ADAPTER_STATE_BYTES = 4.0
"""One moment of an adapter's parameter: DeepSpeed and autocast keep it in fp32."""

COMPUTES = ("bf16", "fp8", "fp4")
"""What matrix products of the blocks run in."""


@dataclass(frozen=True, slots=True)
class Software:
    """The software of one run.

    Parameters
    ----------
    stack : key of `STACKS`.
    precision : key of `PRECISIONS`, for full fine-tuning; adapters are held in `adapter_dtype`.
    optimizer : key of `OPTIMIZERS`.
    loss : key of `LOSSES`.
    adapter_dtype : ``fp32`` (peft's default without autocast, which keeps fp32 copies of inputs)
        or ``bf16`` (autocast).
    compute : one of `COMPUTES`.
    attention : ``sdpa`` (flash) or ``eager``.
    flash_version : generation of the attention kernel, None for the stack's own.
    compiled : kernels between products are fused by a compiler, whatever the stack does by itself.
    wide_stream : the residual stream is in fp32, as where embeddings and norms were raised to it
        (peft's ``prepare_model_for_kbit_training`` without sharding).
    plain_loop : a training loop without a trainer's own work around each step.
    multi_tensor_update : the update goes over lists of tensors and holds one more copy of a state,
        as before one fused kernel was the default.
    looped_experts : experts of a mixture run one after the other, not as grouped products.

    Raises
    ------
    InvalidSpec : an unknown key.
    """

    stack: str = "transformers"
    precision: str = "bf16-mixed"
    optimizer: str = "adamw"
    loss: str = "plain"
    adapter_dtype: str = "fp32"
    compute: str = "bf16"
    attention: str = "sdpa"
    flash_version: int | None = None
    compiled: bool = False
    plain_loop: bool = False
    wide_stream: bool = False
    looped_experts: bool = False
    multi_tensor_update: bool = False

    def __post_init__(self) -> None:
        for name, known in (
            ("stack", tuple(STACKS)),
            ("precision", tuple(PRECISIONS)),
            ("optimizer", tuple(OPTIMIZERS)),
            ("loss", tuple(LOSSES)),
            ("adapter_dtype", ("fp32", "bf16")),
            ("compute", COMPUTES),
            ("attention", ("sdpa", "eager")),
        ):
            if getattr(self, name) not in known:
                raise InvalidSpec(
                    f"unknown {name} {getattr(self, name)}; use one of {', '.join(known)}"
                )

    @property
    def kernels(self) -> Stack:
        """The stack."""
        return STACKS[self.stack]

    @property
    def fusion(self) -> str:
        """How the operations between products run, one of `FUSIONS`."""
        own = self.kernels.fusion
        return "fused" if self.compiled and own == "eager" else own

    @property
    def has_trainer(self) -> bool:
        """Whether a trainer's own work comes on top of every step."""
        return self.kernels.trainer and not self.plain_loop

    @property
    def held(self) -> Precision:
        """The precision."""
        return PRECISIONS[self.precision]

    @property
    def update(self) -> Optimizer:
        """The optimizer."""
        return OPTIMIZERS[self.optimizer]

    @property
    def flash(self) -> int:
        """Generation of the attention kernel."""
        return self.flash_version or self.kernels.flash_version

    def state_bytes(self, *, full: bool) -> float:
        """Optimizer states of one trained parameter; those of adapters are in fp32. [bytes]"""
        one = self.update.state_bytes
        if one is None:
            one = self.held.state_bytes if full else ADAPTER_STATE_BYTES
        return self.update.moments * one

    def saved_bytes_per_parameter(self, *, full: bool) -> float:
        """What a checkpoint to resume from holds of one trained parameter. [bytes]"""
        weights = self.held.weight_bytes + self.held.master_bytes if full else self.adapter_bytes
        return weights + self.state_bytes(full=full)

    @property
    def adapter_bytes(self) -> float:
        """One adapter parameter. [bytes]"""
        return 4.0 if self.adapter_dtype == "fp32" else 2.0


def usual_software(stack: str) -> Software:
    """A stack with its usual settings.

    Examples
    --------
    >>> usual_software("torchtune").optimizer
    'adamw-bf16'
    """
    if stack not in STACKS:
        raise InvalidSpec(f"unknown stack {stack}; use one of {', '.join(STACKS)}")
    s = STACKS[stack]
    return Software(s.key, s.precision, s.optimizer, s.loss, s.adapter_dtype)
