"""FLOP of one training step. One multiply-add is two; matrix products only.

Attention is counted over the full score matrix; a causal kernel does half of it
(`causal_saving_flop`). Forward, backward and recomputation are apart, so that a method's saving can
be seen where it is: adapters save the weight gradients of frozen layers and what lies below the
first adapter, nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.estimator.adapters import Adapters
from app.estimator.architecture import Architecture

Attention = Literal["sdpa", "eager"]
Floats = NDArray[np.float64]

ATTENTION_BACKWARD_RATIO = {"sdpa": 2.5, "eager": 2.0}
"""Backward over forward: a flash kernel computes the scores again (five products instead of four).
Dao et al., "FlashAttention", arXiv:2205.14135, algorithm 4; torch.utils.flop_counter counts so."""


@dataclass(frozen=True, slots=True)
class StepFlop:
    """FLOP of one step on one model replica; linear layers and attention apart.

    Parameters
    ----------
    forward, backward, recompute : all products. [FLOP]
    attention_forward, attention_backward, attention_recompute : the score and value products, which
        are part of the above. [FLOP]
    """

    forward: Floats
    backward: Floats
    recompute: Floats
    attention_forward: Floats
    attention_backward: Floats
    attention_recompute: Floats

    @property
    def step(self) -> Floats:
        """All FLOP of the step. [FLOP]"""
        return self.forward + self.backward + self.recompute

    @property
    def attention(self) -> Floats:
        """Score and value products of the whole step, over the full score matrix. [FLOP]"""
        return self.attention_forward + self.attention_backward + self.attention_recompute

    @property
    def linear(self) -> Floats:
        """Everything but attention. [FLOP]"""
        return self.step - self.attention

    @property
    def causal_saving_flop(self) -> Floats:
        """What a kernel saves that skips the masked half of the scores. [FLOP]"""
        return self.attention / 2


def _first_block_saving(
    architecture: Architecture, adapters: Adapters, attention: Attention
) -> tuple[float, float]:
    """Backward products that the lowest block need not do: linear and attention, per token.

    Nothing below the first adapter needs a gradient. The walk below follows autograd through one
    block: a product is skipped when the tensor that its gradient belongs to does not need one. The
    second figure is a share of the attention's forward products.
    """
    on = set(adapters.targets)
    q, k, v = ("q_proj" in on, "k_proj" in on, "v_proj" in on)
    attended = q or k or v
    after_attention = attended or "o_proj" in on
    gated = after_attention or "gate_proj" in on or "up_proj" in on
    input_needs_gradient = {
        "q_proj": False,
        "k_proj": False,
        "v_proj": False,
        "o_proj": attended,
        "gate_proj": after_attention,
        "up_proj": after_attention,
        "down_proj": gated,
    }
    linear = 0.0
    for layer in architecture.linears:
        if not input_needs_gradient[layer.name]:
            linear += 2.0 * layer.weight_count
            if layer.name in on:
                linear += 2.0 * adapters.rank * layer.in_features
    if attention == "sdpa":
        # The flash backward is one kernel: all of it or nothing.
        return linear, 0.0 if attended else ATTENTION_BACKWARD_RATIO["sdpa"]
    needed = (v, q or k, q, k)  # dV, dP, dQ, dK; each is half of the forward products
    return linear, 0.5 * (4 - sum(needed))


def step_flop(
    architecture: Architecture,
    adapters: Adapters | None,
    *,
    sequences: ArrayLike,
    sequence_length: ArrayLike,
    checkpointing: ArrayLike,
    attention: Attention = "sdpa",
) -> StepFlop:
    """FLOP of one step. [FLOP]

    Parameters
    ----------
    adapters : None for full fine-tuning.
    sequences, sequence_length : B sequences of S tokens; scalars or arrays that broadcast. [count]
    checkpointing : whether every block is recomputed in the backward pass; scalar or array of bool.
    attention : kernel, see `ATTENTION_BACKWARD_RATIO`.

    Notes
    -----
    With T = B S tokens, P weights and E adapter parameters a block, A = 4 T S q, L blocks, V words,
    H width and b the attention ratio:

    - forward: L (2TP + A + 2TE) + 2TVH
    - backward, full: L (4TP + bA) + 4TVH
    - backward, adapters: L (2TP + bA + 4TE) + 2TVH - what the lowest block need not do
    - recomputation: L (2TP + A + 2TE - s). With non-reentrant early stop nothing after the last
      saved tensor runs again: s = 2THI where ``down_proj`` has no adapter, 2TrH where it has one.
      Checkpointing makes the embedding output need a gradient, so the lowest block saves nothing.

    Valid for gated dense decoders without a norm after the feed-forward network; dropout 0.

    References
    ----------
    Kaplan et al., arXiv:2001.08361, section 2.1 (2 FLOP a weight and token forward, 4 backward);
    Hu et al., arXiv:2106.09685; torch.utils.checkpoint (early stop). Checked against
    torch.utils.flop_counter on transformers and peft models: ``tests/reference/flops.json``.

    Examples
    --------
    >>> tiny = Architecture("tiny", "llama", 8, 16, 2, 2, 1, 4, 32, True)
    >>> float(step_flop(tiny, None, sequences=1, sequence_length=4, checkpointing=False).forward)
    12288.0
    """
    length = np.asarray(sequence_length, dtype=np.float64)
    tokens = np.asarray(sequences, dtype=np.float64) * length
    recomputed = np.asarray(checkpointing, dtype=np.float64)
    layers = architecture.num_hidden_layers
    hidden = architecture.hidden_size
    weights = float(architecture.linear_weight_count)
    head = 2.0 * tokens * architecture.embedding_count
    scores = 4.0 * tokens * length * architecture.query_width
    ratio = ATTENTION_BACKWARD_RATIO[attention]
    adapter = float(adapters.parameters_per_block(architecture)) if adapters else 0.0

    attention_forward = layers * scores
    attention_backward = layers * ratio * scores
    forward = layers * (2 * tokens * weights + 2 * tokens * adapter) + attention_forward + head
    if adapters is None:
        linear_backward = layers * 4 * tokens * weights + 2 * head
        last = 2.0 * architecture.intermediate_size * hidden
    else:
        saved_linear, saved_scores = _first_block_saving(architecture, adapters, attention)
        lowest_saves = 1.0 - recomputed
        linear_backward = (
            layers * (2 * tokens * weights + 4 * tokens * adapter)
            + head
            - lowest_saves * tokens * saved_linear
        )
        attention_backward = attention_backward - lowest_saves * saved_scores * scores
        last = (
            2.0
            * hidden
            * (adapters.rank if "down_proj" in adapters.targets else architecture.intermediate_size)
        )
    attention_recompute = recomputed * attention_forward
    recompute = (
        recomputed * layers * tokens * (2 * weights + 2 * adapter - last) + attention_recompute
    )
    shape = np.broadcast_shapes(tokens.shape, recomputed.shape)
    return StepFlop(
        forward=np.broadcast_to(forward, shape),
        backward=np.broadcast_to(linear_backward + attention_backward, shape),
        recompute=np.broadcast_to(recompute, shape),
        attention_forward=np.broadcast_to(attention_forward, shape),
        attention_backward=np.broadcast_to(attention_backward, shape),
        attention_recompute=np.broadcast_to(attention_recompute, shape),
    )
