"""Llama and the decoders that differ from it in a few details."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from app.catalog.families.fields import Fields
from app.catalog.families.parts import (
    Decoder,
    activation,
    attention,
    gated,
    head_dim,
    head_norms,
    heads,
    layer_norm,
    partial_rope,
    plain,
    rms,
    windows,
)
from app.estimator.architecture import Block
from app.estimator.layers import Attention, Mlp, Norm, NormKind, RopeStyle


def _pre_norm(
    f: Fields,
    attention: Attention,
    mlp: Mlp,
    kind: NormKind = "rms",
    *,
    residual_multiplier: bool = False,
) -> Block:
    """A block with one norm before each part."""
    norm = rms(f.count("hidden_size"), kind)
    return Block(
        attention,
        mlp,
        attention_norm=norm,
        mlp_norm=norm,
        residual_multiplier=residual_multiplier,
    )


def _same(f: Fields, block: Block) -> Decoder:
    """A decoder of equal blocks."""
    return Decoder((block,) * f.layers("num_hidden_layers"), block.attention_norm)


def llama(f: Fields) -> Decoder:
    """Llama: ``attention_bias`` is on all four projections."""
    bias = f.flag("attention_bias")
    return _same(
        f,
        _pre_norm(f, attention(f, bias=bias, output_bias=bias), gated(f, bias=f.flag("mlp_bias"))),
    )


def mistral(f: Fields) -> Decoder:
    """Mistral: no biases, whatever the file says; one window for all blocks."""
    window = f.optional("sliding_window", least=0) or None
    return _same(f, _pre_norm(f, attention(f, window=window), gated(f)))


def ministral(f: Fields) -> Decoder:
    """Ministral: windows by ``layer_types``."""
    return _by_window(f, attention(f), lambda _: True)


def ministral3(f: Fields) -> Decoder:
    """Ministral 3: queries are scaled by position."""
    window = f.optional("sliding_window", least=0) or None
    return _same(f, _pre_norm(f, attention(f, window=window, query_scale=True), gated(f)))


def qwen2(f: Fields) -> Decoder:
    """Qwen2: biases on queries, keys and values, whatever ``attention_bias`` says."""
    return _by_window(f, attention(f, bias=True), _qwen_slides(f))


def qwen3(f: Fields) -> Decoder:
    """Qwen3: ``attention_bias`` on all four projections, norms on heads."""
    bias, dim = f.flag("attention_bias"), head_dim(f)
    return _by_window(
        f, attention(f, bias=bias, output_bias=bias, norms=head_norms(f, dim)), _qwen_slides(f)
    )


def cwm(f: Fields) -> Decoder:
    """Code World Model: every fourth block sees everything."""
    return _by_window(f, attention(f), lambda i: i % 4 != 0)


def smollm3(f: Fields) -> Decoder:
    """SmolLM3: some blocks do not rotate."""
    bias, layers = f.flag("attention_bias"), f.layers("num_hidden_layers")
    block = _pre_norm(
        f, attention(f, bias=bias, output_bias=bias), gated(f, bias=f.flag("mlp_bias"))
    )
    still = replace(block, attention=replace(block.attention, rope=None))
    every = f.optional("no_rope_layer_interval") or layers + 1
    rotates = f.numbers("no_rope_layers") or tuple(int((i + 1) % every != 0) for i in range(layers))
    return Decoder(
        tuple(block if turn else still for turn in rotates[:layers]), block.attention_norm
    )


def granite(f: Fields) -> Decoder:
    """Granite: embeddings, residuals and logits are scaled."""
    bias = f.flag("attention_bias")
    block = _pre_norm(
        f,
        attention(f, bias=bias, output_bias=bias),
        gated(f, bias=f.flag("mlp_bias")),
        residual_multiplier=True,
    )
    return replace(_same(f, block), embedding_multiplier="outside", logit_multiplier=True)


def seed_oss(f: Fields) -> Decoder:
    """Seed-OSS: the output projection has a bias of its own key."""
    return _same(
        f,
        _pre_norm(
            f,
            attention(f, bias=f.flag("attention_bias"), output_bias=f.flag("attention_out_bias")),
            gated(f, bias=f.flag("mlp_bias")),
        ),
    )


def helium(f: Fields) -> Decoder:
    """Helium: interleaved rotation, norms scaled in fp32."""
    bias = f.flag("attention_bias")
    return _same(
        f,
        _pre_norm(
            f,
            attention(f, bias=bias, rope="interleaved"),
            gated(f, bias=f.flag("mlp_bias")),
            "rms_wide",
        ),
    )


def hunyuan_dense(f: Fields) -> Decoder:
    """Hunyuan dense: norms on heads after the rotation."""
    bias, dim = f.flag("attention_bias"), head_dim(f)
    return _same(
        f,
        _pre_norm(
            f,
            attention(
                f, bias=bias, output_bias=bias, norm_after_rope=True, norms=head_norms(f, dim)
            ),
            gated(f),
        ),
    )


def ernie(f: Fields) -> Decoder:
    """ERNIE 4.5: one key for all biases, rotation in fp32."""
    bias = f.flag("use_bias")
    style: RopeStyle = "half_wide"
    return _same(
        f,
        _pre_norm(f, attention(f, bias=bias, output_bias=bias, rope=style), gated(f, bias=bias)),
    )


def arcee(f: Fields) -> Decoder:
    """AFM of Arcee: two linears in the feed-forward network."""
    bias = f.flag("attention_bias")
    return _same(f, _pre_norm(f, attention(f, bias=bias, output_bias=bias), _up_down(f)))


def apertus(f: Fields) -> Decoder:
    """Apertus: two linears with a learned activation, norms on heads."""
    bias, dim = f.flag("attention_bias"), head_dim(f)
    act = activation(f)
    mlp = replace(
        plain(f.count("hidden_size"), f.count("intermediate_size"), act, _UP_DOWN, bias=False),
        extra_count=2 if act == "xielu" else 0,
    )
    return _same(
        f, _pre_norm(f, attention(f, bias=bias, output_bias=bias, norms=head_norms(f, dim)), mlp)
    )


def nemotron(f: Fields) -> Decoder:
    """Nemotron: layer norms scaled by one plus the weight, half of each head is rotated."""
    bias, dim = f.flag("attention_bias"), head_dim(f)
    norm = Norm("layer_plus_one", f.count("hidden_size"), bias=True)
    block = Block(
        attention(f, bias=bias, output_bias=bias, rope=partial_rope(f, dim, 0.5)),
        _up_down(f),
        attention_norm=norm,
        mlp_norm=norm,
    )
    return _same(f, block)


def starcoder2(f: Fields) -> Decoder:
    """StarCoder2: layer norms, one key for all biases."""
    bias, hidden = f.flag("use_bias"), f.count("hidden_size")
    window = f.optional("sliding_window", least=0) or None
    block = Block(
        attention(f, bias=bias, output_bias=bias, window=window),
        plain(hidden, f.count("intermediate_size"), activation(f), ("c_fc", "c_proj"), bias),
        attention_norm=layer_norm(hidden),
        mlp_norm=layer_norm(hidden),
    )
    return _same(f, block)


def stablelm(f: Fields) -> Decoder:
    """StableLM: layer norms, a quarter of each head is rotated, parallel in some sizes."""
    hidden = f.count("hidden_size")
    query, shared = heads(f)
    dim = head_dim(f, stated=False)
    norms: tuple[Norm | None, Norm | None] = (None, None)
    if f.flag("qk_layernorm"):
        norms = (
            Norm("layer", dim, query, own_weights=True),
            Norm("layer", dim, shared, own_weights=True),
        )
    parallel = f.flag("use_parallel_residual")
    block = Block(
        attention(
            f, dim=dim, bias=f.flag("use_qkv_bias"), rope=partial_rope(f, dim, 0.25), norms=norms
        ),
        gated(f),
        attention_norm=layer_norm(hidden),
        mlp_norm=None if parallel else layer_norm(hidden),
        wiring="parallel" if parallel else "sequential",
    )
    return _same(f, block)


_UP_DOWN = ("up_proj", "down_proj")


def _up_down(f: Fields) -> Mlp:
    return plain(
        f.count("hidden_size"),
        f.count("intermediate_size"),
        activation(f),
        _UP_DOWN,
        bias=f.flag("mlp_bias"),
    )


def _qwen_slides(f: Fields) -> Callable[[int], bool]:
    first = f.optional("max_window_layers", least=0) or 0
    slides = f.flag("use_sliding_window")
    return lambda i: slides and i >= first


def _by_window(f: Fields, base: Attention, slides: Callable[[int], bool]) -> Decoder:
    """Pre-norm blocks whose windows follow a pattern."""
    mlp = gated(f)
    sizes = windows(f, f.layers("num_hidden_layers"), slides)
    made = {
        size: _pre_norm(f, replace(base, window=size) if size else base, mlp) for size in set(sizes)
    }
    blocks = tuple(made[size] for size in sizes)
    return Decoder(blocks, blocks[0].attention_norm)
