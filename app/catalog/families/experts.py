"""Mixtures of experts: a router and fused expert tensors in place of the feed-forward network.

peft 0.21 adapts the fused tensors of families whose checkpoints held every expert apart: it maps
the old names of the projections to the tensors, and no plain linear of that name is adapted then.
Other families keep their experts frozen.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from app.catalog.families.fields import Fields
from app.catalog.families.parts import (
    Decoder,
    activation,
    attention,
    gated,
    head_dim,
    head_norms,
    heads,
    partial_rope,
    rms,
    wide_norms,
)
from app.estimator.architecture import Block
from app.estimator.errors import UnknownArchitecture
from app.estimator.layers import Attention, Experts, Linear, Mlp, Norm, Routing

Names = Literal["mixtral", "qwen", ""]
TARGETS: dict[str, tuple[str, str, str]] = {
    "mixtral": ("gate", "w1+w3", "w2"),
    "qwen": ("gate", "gate_proj+up_proj", "down_proj"),
    "": ("", "", ""),
}


def experts(
    f: Fields,
    *,
    count: str,
    width: int,
    names: Names,
    routing: Routing = "softmax",
    router: str = "gate",
    router_bias: bool = False,
    bias: bool = False,
    normalised: bool = False,
    scaled: bool = False,
    shared: Mlp | None = None,
    shared_gate: Linear | None = None,
    shared_first: bool = False,
    gate_style: Literal["silu", "clamped"] = "silu",
) -> Experts:
    """The mixture of one block."""
    hidden, many, chosen = f.count("hidden_size"), f.count(count), f.count("num_experts_per_tok")
    if chosen > many:
        raise UnknownArchitecture("num_experts_per_tok", f"is {chosen}, more than {many} experts")
    to_router, to_gate_up, to_down = TARGETS[names]
    return Experts(
        router=Linear(router, hidden, many, router_bias, "router", to_router),
        gate_up=Linear(
            "gate_up_proj",
            hidden,
            2 * width,
            bias,
            "experts",
            to_gate_up,
            copies=many,
            active_copies=chosen,
            rank_factor=2,
        ),
        down=Linear(
            "down_proj",
            width,
            hidden,
            bias,
            "experts",
            to_down,
            copies=many,
            active_copies=chosen,
        ),
        routing=routing,
        activation=activation(f),
        normalised=normalised,
        scaled=scaled,
        shared=shared,
        shared_gate=shared_gate,
        shared_first=shared_first,
        gate_style=gate_style,
    )


def mixtral(f: Fields) -> Decoder:
    """Mixtral: the weights of the chosen experts sum to one, in fp32."""
    mixture = experts(
        f,
        count="num_local_experts",
        width=f.count("intermediate_size"),
        names="mixtral",
        normalised=True,
    )
    window = f.optional("sliding_window", least=0) or None
    return _same(f, _block(f, attention(f, window=window), mixture))


def minimax_m2(f: Fields) -> Decoder:
    """MiniMax M2: sigmoid scores, norms over all queries and all keys."""
    dim = head_dim(f)
    mixture = experts(
        f,
        count="num_local_experts",
        width=f.count("intermediate_size"),
        names="mixtral",
        routing="sigmoid",
        normalised=True,
    )
    base = attention(
        f,
        norms=wide_norms(f, dim),
        rope=partial_rope(f, dim, 1.0),
    )
    return _same(f, _block(f, base, mixture))


def qwen2_moe(f: Fields) -> Decoder:
    """Qwen1.5-MoE: a shared expert with a gate of its own; peft leaves the experts alone."""
    hidden = f.count("hidden_size")
    mixture = experts(
        f,
        count="num_experts",
        width=f.count("moe_intermediate_size"),
        names="",
        routing="softmax_narrow",
        normalised=f.flag("norm_topk_prob"),
        shared=gated(f, width=f.count("shared_expert_intermediate_size")),
        shared_gate=Linear("shared_expert_gate", hidden, 1),
        shared_first=True,
    )
    base = attention(f, bias=f.flag("qkv_bias"))
    return _sparse(f, base, mixture, gated(f))


def qwen3_moe(f: Fields) -> Decoder:
    """Qwen3-MoE: norms on heads, no shared expert."""
    bias, dim = f.flag("attention_bias"), head_dim(f)
    base = attention(
        f,
        bias=bias,
        output_bias=bias,
        norms=head_norms(f, dim),
    )
    mixture = experts(
        f,
        count="num_experts",
        width=f.count("moe_intermediate_size"),
        names="qwen",
        routing="softmax_narrow",
        normalised=f.flag("norm_topk_prob"),
    )
    return _sparse(f, base, mixture, gated(f, adapted=False))


def olmoe(f: Fields) -> Decoder:
    """OLMoE: norms over all queries and all keys."""
    bias, dim = f.flag("attention_bias"), head_dim(f)
    base = attention(
        f,
        bias=bias,
        output_bias=bias,
        norms=wide_norms(f, dim),
        clamp=f.number("clip_qkv") is not None,
    )
    mixture = experts(
        f,
        count="num_experts",
        width=f.count("intermediate_size"),
        names="qwen",
        routing="softmax_narrow",
        normalised=f.flag("norm_topk_prob"),
    )
    return _same(f, _block(f, base, mixture))


def granitemoe(f: Fields) -> Decoder:
    """Granite MoE, with a shared network in some sizes; residuals and logits are scaled."""
    bias, hidden = f.flag("attention_bias"), f.count("hidden_size")
    inner = f.optional("shared_intermediate_size", least=0) or 0
    shared = None
    if inner:
        shared = Mlp(
            (Linear("input_linear", hidden, 2 * inner), Linear("output_linear", inner, hidden)),
            "fused",
            activation(f),
        )
    mixture = experts(
        f,
        count="num_local_experts",
        width=f.count("intermediate_size"),
        names="",
        router="router",
        routing="topk_softmax_wide",
        shared=shared,
    )
    block = _block(f, attention(f, bias=bias, output_bias=bias), mixture)
    block = replace(block, residual_multiplier=True)
    return replace(_same(f, block), embedding_multiplier="outside", logit_multiplier=True)


def gpt_oss(f: Fields) -> Decoder:
    """gpt-oss: biases on experts and router, a sink for each head, eager kernel alone."""
    bias = f.flag("attention_bias")
    mixture = experts(
        f,
        count="num_local_experts",
        width=f.count("intermediate_size"),
        names="",
        router="router",
        router_bias=True,
        bias=True,
        routing="topk_softmax",
        gate_style="clamped",
    )
    dim = head_dim(f)
    base = attention(
        f,
        bias=bias,
        output_bias=bias,
        rope="two_halves",
        scores="sinks",
        sinks=True,
        kernels=("eager",),
    )
    layers = f.layers("num_hidden_layers")
    types = f.texts("layer_types", layers) or tuple(
        "full_attention" if i % 2 else "sliding_attention" for i in range(layers)
    )
    size = f.optional("sliding_window", least=0) or None
    norm = rms(f.count("hidden_size"), "rms_wide")
    made = {
        window: Block(
            replace(base, window=window, head_dim=dim), mixture, attention_norm=norm, mlp_norm=norm
        )
        for window in (None, size)
    }
    return Decoder(tuple(made[None if name == "full_attention" else size] for name in types), norm)


def llama4(f: Fields) -> Decoder:
    """Llama 4 (text): every expert computes every token, scaled by its score; norms after rope."""
    bias, dim = f.flag("attention_bias"), head_dim(f)
    hidden, layers = f.count("hidden_size"), f.layers("num_hidden_layers")
    many, inner = f.count("num_local_experts"), f.count("intermediate_size")
    step = f.optional("interleave_moe_layer_step") or 1
    sparse = f.numbers("moe_layers")
    with_experts = set(range(step - 1, layers, step) if sparse is None else sparse)
    every = f.optional("no_rope_layer_interval") or 4
    rotates = f.numbers("no_rope_layers") or tuple(int((i + 1) % every != 0) for i in range(layers))
    if len(rotates) < layers:
        raise UnknownArchitecture("no_rope_layers", f"names {len(rotates)} of {layers} layers")
    chosen = f.count("num_experts_per_tok")
    if chosen > many:
        raise UnknownArchitecture("num_experts_per_tok", f"is {chosen}, more than {many} experts")
    normed = f.flag("use_qk_norm")
    query, shared = heads(f)
    norms = Norm("l2", dim, query, weight=False), Norm("l2", dim, shared, weight=False)
    norm = rms(hidden)
    mixture = Experts(
        router=Linear("router", hidden, many, False, "router"),
        gate_up=Linear(
            "gate_up_proj",
            hidden,
            2 * inner,
            False,
            "experts",
            "",
            copies=many,
            active_copies=chosen,
        ),
        down=Linear(
            "down_proj",
            inner,
            hidden,
            False,
            "experts",
            "",
            copies=many,
            active_copies=chosen,
        ),
        routing="dense",
        shared=gated(f),
        activation=activation(f),
    )
    dense = gated(f, width=f.count("intermediate_size_mlp"))
    made: dict[tuple[bool, bool], Block] = {}
    blocks = []
    for i in range(layers):
        kind = (bool(rotates[i]), i in with_experts)
        if kind not in made:
            made[kind] = Block(
                attention(
                    f,
                    bias=bias,
                    output_bias=bias,
                    rope="complex" if kind[0] else None,
                    norms=norms if normed and kind[0] else (None, None),
                    norm_after_rope=True,
                    scores="narrow",
                    query_scale=f.flag("attn_temperature_tuning") and not kind[0],
                    window=f.optional("attention_chunk_size") if kind[0] else None,
                ),
                mixture if kind[1] else dense,
                attention_norm=norm,
                mlp_norm=norm,
            )
        blocks.append(made[kind])
    return Decoder(tuple(blocks), norm)


def dense_then_sparse(
    f: Fields, base: Attention, mixture: Experts, dense: Mlp, first: int
) -> Decoder:
    """The first few blocks are dense."""
    layers = f.layers("num_hidden_layers")
    plain, sparse = _block(f, base, dense), _block(f, base, mixture)
    blocks = (plain,) * min(first, layers) + (sparse,) * max(layers - first, 0)
    return Decoder(blocks, plain.attention_norm)


def grouped(f: Fields, *, shared: int, scaled: bool = True) -> Experts:
    """The mixture of DeepSeek-V3: sigmoid scores, the best groups of experts first."""
    width = f.count("moe_intermediate_size")
    return experts(
        f,
        count="n_routed_experts",
        width=width,
        names="qwen",
        routing="sigmoid_groups",
        normalised=f.flag("norm_topk_prob"),
        scaled=scaled,
        shared=gated(f, width=width * shared, adapted=False) if shared else None,
    )


def dots1(f: Fields) -> Decoder:
    """dots.llm1: attention of Qwen3, experts of DeepSeek-V3."""
    bias, dim = f.flag("attention_bias"), head_dim(f)
    base = attention(
        f,
        bias=bias,
        output_bias=bias,
        norms=head_norms(f, dim),
    )
    return dense_then_sparse(
        f,
        base,
        grouped(f, shared=f.count("n_shared_experts")),
        gated(f, adapted=False),
        f.optional("first_k_dense_replace", least=0) or 0,
    )


def glm4_moe(f: Fields) -> Decoder:
    """GLM-4.5: half of each head is rotated, experts of DeepSeek-V3."""
    dim = head_dim(f)
    norms: tuple[Norm | None, Norm | None] = (None, None)
    if f.flag("use_qk_norm"):
        norms = head_norms(f, dim)
    base = attention(f, bias=f.flag("attention_bias"), rope=partial_rope(f, dim, 0.5), norms=norms)
    return dense_then_sparse(
        f,
        base,
        grouped(f, shared=f.count("n_shared_experts")),
        gated(f, adapted=False),
        f.optional("first_k_dense_replace", least=0) or 0,
    )


def _block(f: Fields, base: Attention, mlp: Mlp | Experts) -> Block:
    norm = rms(f.count("hidden_size"))
    return Block(base, mlp, attention_norm=norm, mlp_norm=norm)


def _same(f: Fields, block: Block) -> Decoder:
    return Decoder((block,) * f.layers("num_hidden_layers"), block.attention_norm)


def _sparse(f: Fields, base: Attention, mixture: Experts, dense: Mlp) -> Decoder:
    """Blocks with experts at every ``decoder_sparse_step``, but for ``mlp_only_layers``."""
    step = f.optional("decoder_sparse_step") or 1
    only = set(f.numbers("mlp_only_layers") or ())
    plain, sparse = _block(f, base, dense), _block(f, base, mixture)
    blocks = tuple(
        sparse if i not in only and (i + 1) % step == 0 else plain
        for i in range(f.layers("num_hidden_layers"))
    )
    return Decoder(blocks, plain.attention_norm)
