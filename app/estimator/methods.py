"""The compared methods: full fine-tuning, LoRA, and QLoRA (LoRA on a 4-bit frozen base)."""

from __future__ import annotations

from dataclasses import dataclass

from app.estimator.adapters import Adapters
from app.estimator.architecture import Architecture
from app.estimator.errors import InvalidSpec

LABELS = {"full": "Full fine-tuning", "lora": "LoRA", "qlora": "QLoRA"}

BF16_BYTES = 2.0
FP32_BYTES = 4.0
NF4_BYTES = 0.5
NF4_CONSTANT_BITS = 0.127
"""Bits per parameter of double-quantized constants: Dettmers et al., arXiv:2305.14314, sec. 3."""


@dataclass(frozen=True, slots=True)
class Method:
    """One way to train.

    Parameters
    ----------
    key : full, lora or qlora.
    adapters : None for full fine-tuning, required otherwise.
    trains_embeddings : with adapters, token table and head are trained too, each on a copy (peft's
        ``modules_to_save``), as new words need.
    """

    key: str
    adapters: Adapters | None = None
    trains_embeddings: bool = False

    def __post_init__(self) -> None:
        if self.key not in LABELS:
            raise InvalidSpec(f"unknown method {self.key}; use full, lora or qlora")
        if (self.key == "full") != (self.adapters is None):
            raise InvalidSpec("adapters belong to lora and qlora, and only to them")

    @property
    def label(self) -> str:
        """Name for a reader, with the rank."""
        name = LABELS[self.key]
        return name if self.adapters is None else f"{name} (rank {self.adapters.rank})"

    @property
    def quantized(self) -> bool:
        """Whether the frozen linears are held in 4 bits."""
        return self.key == "qlora"

    def trainable_parameters(self, architecture: Architecture) -> int:
        """Parameters that the optimizer updates. [count]"""
        if self.adapters is None:
            return architecture.parameter_count
        extra = 0
        if self.trains_embeddings:
            extra = architecture.embedding_count + architecture.outside.head.weight_count
        return self.adapters.parameter_count(architecture) + extra

    def adapter_parameters(self, architecture: Architecture) -> int:
        """Parameters that are added to the model. [count]"""
        return 0 if self.adapters is None else self.trainable_parameters(architecture)

    def base_bytes(self, architecture: Architecture) -> float:
        """The base model's weights as they are held for the forward pass. [bytes]

        Notes
        -----
        bf16, or NF4 for the linears of the blocks, experts included; table, head and norms stay in
        16 bits.
        """
        if not self.quantized:
            return BF16_BYTES * architecture.parameter_count
        rest = architecture.parameter_count - architecture.linear_weight_count
        return NF4_BYTES * architecture.linear_weight_count + BF16_BYTES * rest
