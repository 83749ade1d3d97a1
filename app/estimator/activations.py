"""Bytes that autograd keeps between forward and backward, and their peak, in bf16.

The plain stack of transformers modules: unfused normalisation and loss, no dropout, bf16 adapters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.estimator.adapters import Adapters
from app.estimator.architecture import Architecture
from app.estimator.flops import Attention

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Activations:
    """Activation memory of one model replica.

    Parameters
    ----------
    blocks : kept by the decoder blocks after the forward pass. [bytes]
    head : kept outside the blocks after the forward pass: final norm and loss. [bytes]
    recomputed_block : alive while one block runs again in the backward pass; 0 without
        checkpointing. [bytes]
    loss : further bytes alive at the peak around the loss. [bytes]
    """

    blocks: Floats
    head: Floats
    recomputed_block: Floats
    loss: Floats

    @property
    def saved(self) -> Floats:
        """Alive when the forward pass has ended. [bytes]"""
        return self.blocks + self.head

    @property
    def peak(self) -> Floats:
        """Highest bytes alive, without parameters and accumulated gradients. [bytes]"""
        return self.blocks + np.maximum(self.head + self.loss, self.recomputed_block)


def saved_bytes_per_token(
    architecture: Architecture,
    adapters: Adapters | None,
    sequence_length: ArrayLike,
    attention: Attention = "sdpa",
) -> Floats:
    """What one block keeps per token without checkpointing. [bytes/token]

    Notes
    -----
    Full fine-tuning with a flash kernel: 16H + 8 + 4q + 4kv + 4n + 8I. Two RMSNorms keep an fp32
    copy (4H), the normalised input (2H), the output (2H) and a scale (4) each; attention keeps
    queries, keys, values, output and one fp32 scale a head; the gated network keeps gate, activated
    gate, up and product. A frozen norm keeps no normalised input, a frozen linear not its own
    input; each adapter keeps its r inner values. Query and key norms (Qwen3) work like the others.
    The eager kernel keeps an fp32 and a bf16 copy of the scores and keys and values repeated for
    every query head.

    References
    ----------
    Korthikanti et al., "Reducing Activation Recomputation in Large Transformer Models",
    arXiv:2205.05198, section 4, for the method of counting; the terms are those of the modules of
    transformers, checked tensor by tensor in ``tests/reference/activations.json``.
    """
    length = np.asarray(sequence_length, dtype=np.float64)
    h, i = architecture.hidden_size, architecture.intermediate_size
    q, kv = architecture.query_width, architecture.key_value_width
    heads, kv_heads = architecture.num_attention_heads, architecture.num_key_value_heads
    kept = np.full(length.shape, 16.0 * h + 8 + 4 * q + 4 * kv + 4 * heads + 8 * i)
    if architecture.qk_norm:
        kept += 6 * (q + kv) + 4 * (heads + kv_heads)
    if attention == "eager":
        kept = kept + 6.0 * heads * length + 4 * (q - kv) - 4 * heads
    if adapters is None:
        return kept
    on = set(adapters.targets)
    kept = kept - 4.0 * h + 2.0 * adapters.rank * len(on)
    if architecture.qk_norm:
        kept = kept - 2.0 * (q + kv)
    if not on & {"q_proj", "k_proj", "v_proj"}:
        kept = kept - 2.0 * h
    if not on & {"gate_proj", "up_proj"}:
        kept = kept - 2.0 * h
    if "down_proj" not in on:
        kept = kept - 2.0 * i
    if "o_proj" not in on and attention == "eager":
        kept = kept - 2.0 * q
    return kept


def _lowest_block_saving(
    architecture: Architecture, adapters: Adapters, length: Floats, attention: Attention
) -> Floats:
    """What the lowest block need not keep, since nothing below the first adapter needs a gradient.

    [bytes/token]
    """
    on = set(adapters.targets)
    h, i = architecture.hidden_size, architecture.intermediate_size
    q, kv = architecture.query_width, architecture.key_value_width
    heads, kv_heads = architecture.num_attention_heads, architecture.num_key_value_heads
    by_query, by_key, by_value = ("q_proj" in on, "k_proj" in on, "v_proj" in on)
    attended = by_query or by_key or by_value
    after_attention = attended or "o_proj" in on
    saved = np.full(length.shape, 4.0 * h + 4)  # the first norm
    if architecture.qk_norm:
        saved = saved + (not by_query) * (4.0 * q + 4 * heads)
        saved = saved + (not by_key) * (4.0 * kv + 4 * kv_heads)
    if attention == "sdpa":
        # One kernel keeps all or nothing; its output is kept for an adapter behind it.
        if not attended:
            saved = saved + 2 * q + 4 * kv + 4 * heads + ("o_proj" not in on) * 2 * q
    else:
        saved = saved + (not by_value) * 2.0 * heads * length
        saved = saved + (not (by_query or by_key)) * (4.0 * heads * length + 2 * q)
        saved = saved + ((not by_query) + (not by_key)) * 2.0 * q
    if not after_attention:
        saved = saved + 4 * h + 4  # the second norm
        saved = saved + ("gate_proj" not in on) * 4 * i + ("up_proj" not in on) * 2 * i
    return saved


def activations(
    architecture: Architecture,
    adapters: Adapters | None,
    *,
    sequences: ArrayLike,
    sequence_length: ArrayLike,
    checkpointing: ArrayLike,
    attention: Attention = "sdpa",
) -> Activations:
    """Activation memory of one micro-batch on one replica. [bytes]

    Parameters
    ----------
    sequences, sequence_length : B sequences of S tokens; scalars or arrays that broadcast.
    checkpointing : whether only the input of each block is kept; scalar or array of bool.

    Notes
    -----
    Outside the blocks the loss keeps its fp32 log-probabilities, 4V a token, and reaches 12V a
    token at its peak. With checkpointing a block keeps 2H a token, and while it runs again it holds
    what it would have kept, and 4I + 2H (6I + 2H without an adapter on the feed-forward network) of
    temporaries.
    """
    length = np.asarray(sequence_length, dtype=np.float64)
    tokens = np.asarray(sequences, dtype=np.float64) * length
    recomputed = np.asarray(checkpointing, dtype=np.float64)
    h, i, vocab = (
        architecture.hidden_size,
        architecture.intermediate_size,
        architecture.vocab_size,
    )
    layers = architecture.num_hidden_layers
    per_token = saved_bytes_per_token(architecture, adapters, length, attention)
    mlp_adapted = adapters is None or bool(
        set(adapters.targets) & {"gate_proj", "up_proj", "down_proj"}
    )
    temporaries = np.asarray((4.0 if mlp_adapted else 6.0) * i + 2.0 * h)
    outside = 4.0 * h + 12 + (4.0 * h if adapters is None else 0.0)  # final norm, position ids
    rotary = 4.0 * architecture.head_dim * length  # one table for all sequences
    blocks = layers * tokens * (recomputed * 2.0 * h + (1 - recomputed) * per_token)
    loss = 8.0 * vocab * tokens
    if adapters is None:
        # With few tokens the gradient of the head, in flight, is larger than the loss itself.
        loss = np.maximum(loss, 2.0 * (vocab * h + h * tokens - vocab * tokens))
    else:
        blocks = blocks - (1 - recomputed) * tokens * _lowest_block_saving(
            architecture, adapters, length, attention
        )
    head = tokens * (4.0 * vocab + outside) + rotary
    if attention == "eager":
        # Recomputation keeps one causal mask for the model, and a block that runs again holds the
        # gradients of its scores on top of what it keeps.
        head = head + recomputed * 2.0 * length**2
        temporaries = temporaries + 6.0 * architecture.num_attention_heads * length
    if adapters is None and architecture.tie_word_embeddings:
        # The last tensors of the backward pass: two gradients of the table, and their sum.
        loss = np.maximum(loss, 6.0 * vocab * h - blocks - head)
    shape = np.broadcast_shapes(tokens.shape, recomputed.shape)
    return Activations(
        blocks=np.broadcast_to(blocks, shape),
        head=np.broadcast_to(head, shape),
        recomputed_block=np.broadcast_to(recomputed * tokens * (per_token + temporaries), shape),
        loss=np.broadcast_to(loss, shape),
    )
