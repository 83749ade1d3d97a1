"""Decoders whose attention and feed-forward network read the same input."""

from __future__ import annotations

from dataclasses import replace

from app.catalog.families.fields import Fields
from app.catalog.families.parts import (
    Decoder,
    activation,
    attention,
    gated,
    head_dim,
    heads,
    layer_norm,
    partial_rope,
    plain,
    windows,
)
from app.estimator.architecture import Block
from app.estimator.errors import UnknownArchitecture
from app.estimator.layers import Attention, Linear, Mlp, Norm, Rope


def cohere(f: Fields) -> Decoder:
    """Command R: one norm in fp32 without shift, rotation in fp32, logits scaled."""
    bias, dim = f.flag("attention_bias"), head_dim(f)
    query, shared = heads(f)
    norms: tuple[Norm | None, Norm | None] = (None, None)
    if f.flag("use_qk_norm"):
        norms = (
            Norm("mean_wide", dim, query, own_weights=True),
            Norm("mean_wide", dim, shared, own_weights=True),
        )
    norm = Norm("mean_wide", f.count("hidden_size"))
    block = Block(
        attention(f, bias=bias, output_bias=bias, rope="interleaved_wide", norms=norms),
        gated(f),
        attention_norm=norm,
        wiring="parallel",
    )
    return Decoder((block,) * f.layers("num_hidden_layers"), norm, logit_multiplier=True)


def cohere2(f: Fields) -> Decoder:
    """Command R7B and A: three sliding blocks to one that sees everything and does not rotate."""
    bias, dim = f.flag("attention_bias"), head_dim(f, stated=False)
    every = f.optional("sliding_window_pattern") or 4
    norm = Norm("mean_wide", f.count("hidden_size"))
    base = attention(f, dim=dim, bias=bias, output_bias=bias, rope="interleaved_wide")
    mlp = gated(f)
    sizes = windows(f, f.layers("num_hidden_layers"), lambda i: (i + 1) % every != 0)
    made = {
        size: Block(
            replace(base, window=size, rope=base.rope if size else None),
            mlp,
            attention_norm=norm,
            wiring="parallel",
        )
        for size in set(sizes)
    }
    return Decoder(tuple(made[size] for size in sizes), norm, logit_multiplier=True)


def phi(f: Fields) -> Decoder:
    """Phi 1 and 2: biases everywhere, half of each head is rotated."""
    hidden, dim = f.count("hidden_size"), head_dim(f)
    query, shared = heads(f)
    norms: tuple[Norm | None, Norm | None] = (None, None)
    if f.flag("qk_layernorm"):
        norms = Norm("layer", dim, query, bias=True), Norm("layer", dim, shared, bias=True)
    block = Block(
        attention(
            f,
            dim=dim,
            bias=True,
            output_bias=True,
            output="dense",
            rope=partial_rope(f, dim, 0.5),
            norms=norms,
        ),
        plain(hidden, f.count("intermediate_size"), activation(f), ("fc1", "fc2")),
        attention_norm=layer_norm(hidden),
        wiring="parallel",
    )
    return Decoder((block,) * f.layers("num_hidden_layers"), layer_norm(hidden), head_bias=True)


def gptj(f: Fields) -> Decoder:
    """GPT-J: biases on the feed-forward network and the head, scores in fp32."""
    hidden, query = f.count("n_embd"), f.count("n_head")
    dim = hidden // query
    inner = f.optional("n_inner") or 4 * hidden
    block = Block(
        Attention(
            tuple(
                Linear(f"{name}_proj", hidden, hidden, False, "attention", serves=name)
                for name in "qkv"
            ),
            Linear("out_proj", hidden, hidden, False, "attention"),
            query,
            query,
            dim,
            dim,
            rope=Rope(f.optional("rotary_dim") or dim, "gptj"),
            scores="wide",
            kernels=("eager",),
        ),
        plain(hidden, inner, activation(f, "activation_function"), ("fc_in", "fc_out")),
        attention_norm=layer_norm(hidden),
        wiring="parallel",
    )
    return Decoder(
        (block,) * f.layers("n_layer"),
        layer_norm(hidden),
        table="wte",
        head_bias=True,
        position_key="n_positions",
        width_key="n_embd",
    )


def gpt_neox(f: Fields) -> Decoder:
    """GPT-NeoX and Pythia: one matrix for q, k and v, a norm for each part."""
    hidden, dim = f.count("hidden_size"), head_dim(f)
    query, bias = f.count("num_attention_heads"), f.flag("attention_bias")
    share = f.number("rotary_pct")
    rope = partial_rope(f, dim, 0.25 if share is None else share)
    norm = layer_norm(hidden)
    block = Block(
        Attention(
            (Linear("query_key_value", hidden, 3 * hidden, bias, "attention", None, "qkv"),),
            Linear("dense", hidden, hidden, bias, "attention"),
            query,
            query,
            dim,
            dim,
            "fused",
            rope=rope,
        ),
        plain(
            hidden, f.count("intermediate_size"), activation(f), ("dense_h_to_4h", "dense_4h_to_h")
        ),
        attention_norm=norm,
        mlp_norm=norm,
        wiring="parallel" if f.flag("use_parallel_residual") else "sequential",
    )
    return Decoder(
        (block,) * f.layers("num_hidden_layers"), norm, table="embed_in", head="embed_out"
    )


def falcon(f: Fields) -> Decoder:
    """Falcon: one or a few key-value heads in the fused matrix; products without fused bias."""
    if f.flag("alibi"):
        raise UnknownArchitecture("alibi", "is true; Falcon with rotation is understood")
    hidden, query = f.count("hidden_size"), f.count("num_attention_heads")
    dim, bias, new = hidden // query, f.flag("bias"), f.flag("new_decoder_architecture")
    shared = query
    if new:
        shared = f.optional("num_kv_heads") or query
    elif f.flag("multi_query"):
        shared = 1
    norm, inner = layer_norm(hidden), f.optional("ffn_hidden_size") or 4 * hidden
    parallel = f.flag("parallel_attn")
    norms = f.optional("num_ln_in_parallel_attn") or (2 if new else 1)
    fused = Linear("query_key_value", hidden, (query + 2 * shared) * dim, bias, "attention")
    dense = Linear("dense", hidden, hidden, bias, "attention")
    up, down = (
        Linear("dense_h_to_4h", hidden, inner, bias),
        Linear("dense_4h_to_h", inner, hidden, bias),
    )
    block = Block(
        Attention(
            (replace(fused, serves="qkv", fused_bias=False),),
            replace(dense, fused_bias=False),
            query,
            shared,
            dim,
            dim,
            "fused",
            rope=Rope(dim),
            scores="in_place",
            split="broadcast" if new else ("index" if shared == 1 else "select"),
        ),
        Mlp(
            (replace(up, fused_bias=False), replace(down, fused_bias=False)),
            "plain",
            activation(f, "activation"),
        ),
        attention_norm=norm,
        mlp_norm=norm if not parallel or norms == 2 else None,
        wiring="parallel" if parallel or new else "sequential",
    )
    return Decoder((block,) * f.layers("num_hidden_layers"), norm, table="word_embeddings")
