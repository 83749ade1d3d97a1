"""Gemma 1 to 3: embeddings scaled, norms scaled by one plus the weight, gated gelu."""

from __future__ import annotations

from dataclasses import replace

from app.catalog.families.fields import Fields
from app.catalog.families.parts import (
    Decoder,
    activation,
    attention,
    gated,
    head_norms,
    rms,
    windows,
)
from app.estimator.architecture import Block
from app.estimator.layers import Rope


def gemma(f: Fields) -> Decoder:
    """Gemma: ``gelu`` stands for its tanh form."""
    bias = f.flag("attention_bias")
    norm = rms(f.count("hidden_size"), "rms_plus_one")
    act = activation(f)
    block = Block(
        attention(f, bias=bias, output_bias=bias),
        gated(f, act="gelu_tanh" if act == "gelu" else act),
        attention_norm=norm,
        mlp_norm=norm,
    )
    return Decoder((block,) * f.layers("num_hidden_layers"), norm, embedding_multiplier="inside")


def gemma2(f: Fields) -> Decoder:
    """Gemma 2: scores and logits are capped, which the sdpa kernel cannot do."""
    cap = f.number("attn_logit_softcapping") is not None
    return _four_norms(f, capped=cap, every=2, kernels=("eager",))


def gemma3(f: Fields) -> Decoder:
    """Gemma 3 (text): norms on heads; five sliding blocks to one that sees everything."""
    return _four_norms(f, every=f.optional("sliding_window_pattern") or 6, by_head=True)


def _four_norms(
    f: Fields,
    *,
    every: int,
    kernels: tuple[str, ...] = ("sdpa", "eager"),
    capped: bool = False,
    by_head: bool = False,
) -> Decoder:
    """Blocks with norms before and after each part; each `every`-th sees everything."""
    bias, dim = f.flag("attention_bias"), f.count("head_dim")
    norm = rms(f.count("hidden_size"), "rms_plus_one")
    base = attention(
        f,
        bias=bias,
        output_bias=bias,
        norms=head_norms(f, dim, "rms_plus_one") if by_head else (None, None),
        softcap=capped,
        kernels=kernels,
    )
    mlp = gated(f, act=activation(f, "hidden_activation"))
    sizes = windows(f, f.layers("num_hidden_layers"), lambda i: (i + 1) % every != 0)
    made = {
        size: Block(
            replace(base, window=size, rope=Rope(dim, table=int(by_head and size is not None))),
            mlp,
            attention_norm=norm,
            mlp_norm=norm,
            attention_post_norm=norm,
            mlp_post_norm=norm,
        )
        for size in set(sizes)
    }
    return Decoder(
        tuple(made[size] for size in sizes),
        norm,
        embedding_multiplier="inside",
        logit_softcap=f.number("final_logit_softcapping") is not None,
    )
