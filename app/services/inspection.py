"""Use case: what one training step of a model takes, exactly, without planning it."""

from __future__ import annotations

from dataclasses import dataclass

from app.estimator.activations import activations
from app.estimator.architecture import Architecture
from app.estimator.flops import Attention, step_flop
from app.estimator.methods import Method


@dataclass(frozen=True, slots=True)
class Parameters:
    """Counts of the base model, and what the method trains. [count]"""

    total: int
    embedding: int
    active_per_token: int
    trainable: int


@dataclass(frozen=True, slots=True)
class Flop:
    """One step; `backward` excludes `recompute`, `step` is the sum. [FLOP]"""

    forward: int
    backward: int
    recompute: int
    step: int


@dataclass(frozen=True, slots=True)
class ActivationBytes:
    """One GPU, unsharded; `peak` is without parameters and accumulated gradients. [bytes]"""

    saved_for_backward: int
    peak: int


@dataclass(frozen=True, slots=True)
class Inspection:
    """Exact figures of one step of the plain transformers and peft stack in bf16."""

    parameters: Parameters
    flop: Flop
    activation_bytes: ActivationBytes


def inspect_step(
    architecture: Architecture,
    method: Method,
    *,
    sequence_length: int,
    micro_batch: int,
    checkpointing: bool,
    attention: Attention,
) -> Inspection:
    """Parameters, FLOP and activation bytes of one step of B sequences of S tokens.

    Notes
    -----
    QLoRA counts as LoRA; dequantization is 0 FLOP.
    """
    flop = step_flop(
        architecture,
        method.adapters,
        sequences=micro_batch,
        sequence_length=sequence_length,
        checkpointing=checkpointing,
        attention=attention,
    )
    kept = activations(
        architecture,
        method.adapters,
        sequences=micro_batch,
        sequence_length=sequence_length,
        checkpointing=checkpointing,
        attention=attention,
    )
    return Inspection(
        Parameters(
            total=architecture.parameter_count,
            embedding=architecture.embedding_count,
            active_per_token=architecture.active_parameter_count,
            trainable=method.trainable_parameters(architecture),
        ),
        Flop(
            forward=round(float(flop.forward)),
            backward=round(float(flop.backward)),
            recompute=round(float(flop.recompute)),
            step=round(float(flop.step)),
        ),
        ActivationBytes(saved_for_backward=round(float(kept.saved)), peak=round(float(kept.peak))),
    )
