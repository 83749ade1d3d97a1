"""What a model asks of the GPUs that serve it: bytes read, bytes kept, FLOP, messages."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from app.estimator.architecture import Architecture
from app.estimator.fleet import Floats
from app.estimator.layers import Attention

BF16_BYTES = 2.0
REDUCTIONS_PER_LAYER = 2
"""Sums over the GPUs of a tensor-parallel group: behind attention and behind the feed-forward
network (Shoeybi et al., arXiv:1909.08053, section 3)."""
LATENT = "kv_a_proj_with_mqa"
"""The linear whose output latent attention keeps instead of keys and values."""


@dataclass(frozen=True, slots=True)
class Cache:
    """Keys and values of equal layers.

    Parameters
    ----------
    layers : [count]
    bytes_per_token : of all these layers together. [bytes]
    window : tokens that are kept at most, None for all. [tokens]
    shards : GPUs that it can be divided over; beyond them it is repeated. [count]
    """

    layers: int
    bytes_per_token: float
    window: int | None
    shards: int


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model in use.

    Parameters
    ----------
    weight_bytes : all weights. [bytes]
    dense_bytes : read for every step, whatever the batch: all but the token table and the routed
        experts. [bytes]
    expert_bytes : routed experts. [bytes]
    expert_share : share of them that one token visits; 0 without experts.
    caches : keys and values, by kind of layer.
    token_flop : products of all blocks for one token; head_flop : of the output head. [FLOP]
    score_flop : of one query and one key, through all layers. [FLOP]
    layers : [count]
    message_bytes : what one GPU sends for one token through all layers, before the factor of a
        ring. [bytes]
    """

    weight_bytes: float
    dense_bytes: float
    expert_bytes: float
    expert_share: float
    caches: tuple[Cache, ...]
    token_flop: float
    head_flop: float
    score_flop: float
    layers: int
    message_bytes: float

    def read_bytes(self, batch: Floats) -> Floats:
        """Weights that one step reads. [bytes]

        Notes
        -----
        An expert is read once any of the batch visits it: 1 - (1 - share)^batch of them.
        Assumption: visits are spread evenly and independently.
        """
        visited = 1.0 - (1.0 - self.expert_share) ** batch
        return np.asarray(self.dense_bytes + self.expert_bytes * visited, dtype=np.float64)

    def cache_bytes(self, tokens: float, gpus: Floats) -> Floats:
        """Keys and values of one sequence over all GPUs of a replica, repetitions included. [bytes]

        Parameters
        ----------
        tokens : of the sequence. [tokens]
        gpus : of a replica. (n,) [count]

        Examples
        --------
        Llama 2 7B keeps 2 x 32 layers x 32 heads x 128 x 2 bytes a token.

        >>> layers = Cache(32, 2 * 32 * 32 * 128 * 2.0, None, 32)
        >>> model = ServedModel(0, 0, 0, 0, (layers,), 0, 0, 0, 32, 0)
        >>> float(model.cache_bytes(1, np.array([1.0]))[0])
        524288.0
        """
        total = np.zeros_like(gpus, dtype=np.float64)
        for cache in self.caches:
            kept = tokens if cache.window is None else min(tokens, cache.window)
            total += kept * cache.bytes_per_token * np.maximum(1.0, gpus / cache.shards)
        return total


@lru_cache(maxsize=64)
def served_model(
    architecture: Architecture, weight_width: float = BF16_BYTES, cache_width: float = BF16_BYTES
) -> ServedModel:
    """The model as it is served.

    Parameters
    ----------
    weight_width, cache_width : bytes of one weight, and of one value that is kept. [bytes]

    Notes
    -----
    Keys and values of a token: (kv heads x key width + kv heads x value width) in each layer;
    under latent attention the latent vector and the rotated part of the key alone.

    References
    ----------
    Ainslie et al., arXiv:2305.13245 (grouped queries); DeepSeek-AI, arXiv:2405.04434, section 2.1
    (latent attention).
    """
    caches: list[Cache] = []
    experts = visited = token = score = 0.0
    for count, block in architecture.groups:
        a = block.attention
        width, shards = _cache_width(a)
        caches.append(Cache(count, count * width * cache_width, a.window, shards))
        score += count * 2.0 * a.heads * (a.head_dim + a.value_head_dim)
        for linear in block.linears:
            active = linear.weight_count * linear.active_copies / linear.copies
            token += count * 2.0 * active
            if linear.part == "experts":
                experts += count * linear.weight_count
                visited += count * active
    head = architecture.outside.head
    table = 0 if architecture.tie_word_embeddings else architecture.embedding_count
    layers = architecture.num_hidden_layers
    return ServedModel(
        weight_bytes=architecture.parameter_count * weight_width,
        dense_bytes=(architecture.parameter_count - table - experts) * weight_width,
        expert_bytes=experts * weight_width,
        expert_share=visited / experts if experts else 0.0,
        caches=tuple(caches),
        token_flop=token,
        head_flop=2.0 * head.weight_count,
        score_flop=score,
        layers=layers,
        message_bytes=REDUCTIONS_PER_LAYER * layers * architecture.hidden_size * BF16_BYTES,
    )


def _cache_width(a: Attention) -> tuple[int, int]:
    """Values that one layer keeps of a token, and GPUs that they can be divided over. [count]"""
    if a.layout == "latent":
        latent = next(linear for linear in a.projections if linear.name == LATENT)
        return latent.out_features, 1
    return a.key_value_heads * (a.head_dim + a.value_head_dim), a.key_value_heads
