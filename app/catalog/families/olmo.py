"""OLMo 1 to 3 and EXAONE 4: no learned norms, or norms behind each part."""

from __future__ import annotations

from dataclasses import replace

from app.catalog.families.fields import Fields
from app.catalog.families.parts import (
    Decoder,
    attention,
    gated,
    head_dim,
    head_norms,
    rms,
    wide_norms,
    windows,
)
from app.estimator.architecture import Block
from app.estimator.layers import Norm, Rope


def olmo(f: Fields) -> Decoder:
    """OLMo: layer norms without weights, in fp32."""
    bias = f.flag("attention_bias")
    norm = Norm("layer", f.count("hidden_size"), weight=False, upcast=True)
    block = Block(
        attention(
            f,
            bias=bias,
            output_bias=bias,
            rope="half_mixed",
            clamp=f.number("clip_qkv") is not None,
        ),
        gated(f),
        attention_norm=norm,
        mlp_norm=norm,
    )
    return Decoder((block,) * f.layers("num_hidden_layers"), norm)


def olmo2(f: Fields) -> Decoder:
    """OLMo 2: norms behind each part, and over all queries and all keys."""
    sizes = (None,) * f.layers("num_hidden_layers")
    return _olmo2(f, sizes)


def olmo3(f: Fields) -> Decoder:
    """OLMo 3: as OLMo 2, three sliding blocks to one that sees everything."""
    return _olmo2(f, windows(f, f.layers("num_hidden_layers"), lambda i: (i + 1) % 4 != 0))


def exaone4(f: Fields) -> Decoder:
    """EXAONE 4: norms behind each part and on heads; blocks that see everything do not rotate."""
    hidden, dim = f.count("hidden_size"), head_dim(f)
    every = f.optional("sliding_window_pattern", least=0) or 0
    sliding = f.optional("sliding_window", least=0) or None
    sizes = windows(
        f, f.layers("num_hidden_layers"), lambda i: bool(every) and (i + 1) % every != 0
    )
    base = attention(f, norms=head_norms(f, dim))
    mlp, norm = gated(f), rms(hidden)
    made = {}
    for size in set(sizes):
        turned = base if size or not sliding else replace(base, rope=None)
        made[size] = Block(
            replace(turned, window=size), mlp, attention_post_norm=norm, mlp_post_norm=norm
        )
    return Decoder(tuple(made[size] for size in sizes), norm)


def _olmo2(f: Fields, sizes: tuple[int | None, ...]) -> Decoder:
    bias, dim = f.flag("attention_bias"), head_dim(f)
    base = attention(
        f,
        bias=bias,
        output_bias=bias,
        rope="half_mixed",
        norms=wide_norms(f, dim, "rms_wide"),
    )
    mlp, norm = gated(f), rms(f.count("hidden_size"), "rms_wide")
    made = {
        size: Block(
            replace(base, window=size, rope=Rope(dim, "half_mixed", table=int(size is not None))),
            mlp,
            attention_post_norm=norm,
            mlp_post_norm=norm,
        )
        for size in set(sizes)
    }
    return Decoder(tuple(made[size] for size in sizes), norm)
