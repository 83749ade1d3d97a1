"""Bytes and kernels of the operations between matrix products, for one block and one token.

In eager PyTorch each of them reads and writes memory on its own; at training sizes they take a
fifth to a third of the time. What follows counts the kernels that the modules of transformers
launch and the bytes that each reads and writes, in 16 bits or fp32 as they do it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from app.estimator.architecture import Architecture, Block
from app.estimator.layers import Experts, Mlp, Norm, Rope

BACKWARD_PASSES = 2.0
"""A backward kernel reads what forward read, and the gradient, and writes as much: about twice."""


LOOPED_EXPERT_KERNELS = 12.0


@dataclass(frozen=True, slots=True)
class Traffic:
    """Of the forward pass.

    Parameters
    ----------
    bytes_per_token : read and written. [bytes/token]
    kernels : launches, matrix products included. [count]
    """

    bytes_per_token: float
    kernels: float

    def __add__(self, other: Traffic) -> Traffic:
        return Traffic(self.bytes_per_token + other.bytes_per_token, self.kernels + other.kernels)

    def times(self, count: float) -> Traffic:
        """The same, several times."""
        return Traffic(self.bytes_per_token * count, self.kernels * count)


NOTHING = Traffic(0.0, 0.0)


def _norm(norm: Norm | None, *, autocast: bool) -> Traffic:
    """A norm: torch's layer norm is one kernel, the others are written out in fp32.

    Autocast runs layer norms in fp32: to fp32 (2+4), norm (4+4), to 16 bits (4+2).
    """
    if norm is None:
        return NOTHING
    values = float(norm.width * norm.heads)
    if norm.kind in ("layer", "layer_plus_one"):
        wide = norm.upcast or autocast
        return Traffic((20.0 if wide else 4.0) * values, 3.0 if wide else 1.0)
    # to fp32 (2+4), square (4+4), mean (4), scale (4+4), to 16 bits (4+2), weight (2+2)
    return Traffic(32.0 * values, 8.0)


def _rope(rope: Rope | None, heads: int, key_value_heads: int) -> Traffic:
    """Rotation: two products, a rotated copy and a sum, for queries and for keys."""
    if rope is None:
        return NOTHING
    return Traffic(20.0 * rope.width * (heads + key_value_heads), 10.0)


_ACTIVATION = {"gelu_new": (32.0, 8.0), "gelu_fast": (32.0, 8.0), "gelu_bloom": (32.0, 8.0)}
"""Activations that are written out; the others are one kernel of 2 + 2 bytes."""


def _mlp(mlp: Mlp) -> Traffic:
    """Activation, and the product with the gate."""
    width = float(mlp.linears[-1].in_features)
    moved, kernels = _ACTIVATION.get(mlp.activation, (4.0, 1.0))
    product = 6.0 if mlp.layout != "plain" else 0.0
    return Traffic((moved + product) * width, kernels + (product > 0) + len(mlp.linears))


def _experts(experts: Experts) -> Traffic:
    """Routing, sorting tokens by expert, the experts' activation, and adding up."""
    visits = experts.gate_up.active_copies
    width, hidden = float(experts.down.in_features), float(experts.down.out_features)
    moved = visits * (10.0 * width + 3 * 4.0 * hidden) + 12.0 * experts.router.out_features
    shared = NOTHING if experts.shared is None else _mlp(experts.shared)
    return Traffic(moved, 20.0) + shared


@lru_cache(maxsize=512)
def block_traffic(block: Block, *, autocast: bool = False) -> Traffic:
    """Forward traffic of one block.

    Parameters
    ----------
    autocast : layer norms run in fp32 and cast on both sides.

    Notes
    -----
    Norms, rotation, activation, two residual sums (2 + 2 + 2 bytes a value). Attention itself is
    one kernel. Assumption: linears fold their bias in.

    References
    ----------
    Ivanov et al., "Data Movement Is All You Need", arXiv:2007.00072, for the method of counting.
    """
    a = block.attention
    hidden = float(a.output.out_features)
    traffic = Traffic(12.0 * hidden, 2.0 + len(a.linears) + 1.0)
    for norm in block.norms:
        traffic += _norm(norm, autocast=autocast)
    traffic += _rope(a.rope, a.heads, a.key_value_heads)
    return traffic + (_experts(block.mlp) if isinstance(block.mlp, Experts) else _mlp(block.mlp))


@lru_cache(maxsize=512)
def model_traffic(architecture: Architecture, *, autocast: bool = False) -> Traffic:
    """Forward traffic of all blocks."""
    total = NOTHING
    for block, count in architecture.blocks.items():
        total += block_traffic(block, autocast=autocast).times(count)
    return total


@lru_cache(maxsize=512)
def looped_expert_kernels(architecture: Architecture) -> float:
    """Launches that experts add where they run one after the other, forward. [count]

    Notes
    -----
    For each expert: find its tokens, gather them, three products, activation, gate, weight, and add
    them back. Every expert is launched, also for few tokens.
    """
    return sum(
        LOOPED_EXPERT_KERNELS * count * block.mlp.gate_up.copies
        for block, count in architecture.blocks.items()
        if isinstance(block.mlp, Experts)
    )


@lru_cache(maxsize=512)
def cast_bytes_per_token(architecture: Architecture) -> float:
    """Bytes that products in fp8 add, forward and backward together. [bytes/token]

    Notes
    -----
    Every linear's input and output gradient is read in 16 bits and written in 8, and once more
    transposed: 2 + 1 + 1.

    References
    ----------
    NVIDIA Transformer Engine, ``Float8CurrentScaling`` and ``DelayedScaling``: fp8 products on
    Hopper take both operands in one layout, so each tensor is kept in two.
    """
    return sum(
        4.0 * count * linear.active_copies * (linear.in_features + linear.out_features)
        for block, count in architecture.blocks.items()
        for linear in block.linears
    )
