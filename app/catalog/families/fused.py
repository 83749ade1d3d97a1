"""Decoders with fused matrices: Phi-3, GLM, and the custom code of Qwen 1."""

from __future__ import annotations

from app.catalog.families.fields import Fields
from app.catalog.families.parts import (
    Decoder,
    attention,
    gated_fused,
    head_dim,
    heads,
    partial_rope,
    rms,
)
from app.estimator.architecture import Block
from app.estimator.layers import Attention, Linear, Mlp, Rope


def phi3(f: Fields) -> Decoder:
    """Phi-3 and Phi-4: one matrix for queries, keys and values, one for gate and up."""
    hidden, dim = f.count("hidden_size"), head_dim(f)
    query, shared = heads(f)
    norm = rms(hidden)
    block = Block(
        Attention(
            (
                Linear(
                    "qkv_proj", hidden, (query + 2 * shared) * dim, False, "attention", None, "qkv"
                ),
            ),
            Linear("o_proj", query * dim, hidden, False, "attention"),
            query,
            shared,
            dim,
            dim,
            "fused",
            rope=partial_rope(f, dim, 1.0),
            window=f.optional("sliding_window", least=0) or None,
            split="slice",
        ),
        gated_fused(f),
        attention_norm=norm,
        mlp_norm=norm,
    )
    return Decoder((block,) * f.layers("num_hidden_layers"), norm)


def glm(f: Fields) -> Decoder:
    """GLM-4 9B: half of each head is rotated, in pairs."""
    return _glm(f, post_norms=False)


def glm4(f: Fields) -> Decoder:
    """GLM-4-0414: as GLM, with norms behind each part."""
    return _glm(f, post_norms=True)


def _glm(f: Fields, *, post_norms: bool) -> Decoder:
    dim = head_dim(f)
    norm = rms(f.count("hidden_size"))
    after = norm if post_norms else None
    block = Block(
        attention(
            f,
            bias=f.flag("attention_bias"),
            rope=partial_rope(f, dim, 0.5, "interleaved"),
        ),
        gated_fused(f),
        attention_norm=norm,
        mlp_norm=norm,
        attention_post_norm=after,
        mlp_post_norm=after,
    )
    return Decoder((block,) * f.layers("num_hidden_layers"), norm)


def qwen(f: Fields) -> Decoder:
    """Qwen 1 (its own code): one biased matrix for q, k and v; ``intermediate_size`` is of both.

    References
    ----------
    ``modeling_qwen.py`` of Qwen/Qwen-7B: ``c_attn`` with bias, ``c_proj``, and ``w1``, ``w2`` of
    half the intermediate size each; ``no_bias`` speaks of the others.
    """
    hidden, query = f.count("hidden_size"), f.count("num_attention_heads")
    dim = f.optional("kv_channels") or hidden // query
    inner, bias = f.count("intermediate_size") // 2, not f.flag("no_bias")
    norm = rms(hidden)
    block = Block(
        Attention(
            (Linear("c_attn", hidden, 3 * query * dim, True, "attention", None, "qkv"),),
            Linear("c_proj", query * dim, hidden, bias, "attention"),
            query,
            query,
            dim,
            dim,
            "fused",
            rope=Rope(dim),
            split="split",
        ),
        Mlp(
            (
                Linear("w1", hidden, inner, bias),
                Linear("w2", hidden, inner, bias),
                Linear("c_proj", inner, hidden, bias),
            ),
            "gated",
        ),
        attention_norm=norm,
        mlp_norm=norm,
    )
    return Decoder(
        (block,) * f.layers("num_hidden_layers"), norm, table="wte", position_key="seq_length"
    )
