"""DeepSeek-V2 and V3: attention over latent vectors, and experts."""

from __future__ import annotations

from app.catalog.families.experts import dense_then_sparse, experts, grouped
from app.catalog.families.fields import Fields
from app.catalog.families.parts import Decoder, gated, rms
from app.estimator.layers import Attention, Linear, Part, Rope, RopeStyle


def deepseek_v2(f: Fields) -> Decoder:
    """DeepSeek-V2: softmax scores, complex rotation."""
    width = f.count("moe_intermediate_size")
    shared = f.optional("n_shared_experts", least=0) or 0
    mixture = experts(
        f,
        count="n_routed_experts",
        width=width,
        names="qwen",
        routing="softmax_wide",
        scaled=True,
        shared=gated(f, width=width * shared, adapted=False) if shared else None,
    )
    f.value("norm_topk_prob")
    first = f.optional("first_k_dense_replace", least=0) or 0
    return dense_then_sparse(
        f,
        _latent(f, "complex"),
        mixture,
        gated(f, bias=f.flag("mlp_bias"), adapted=False),
        first,
    )


def deepseek_v3(f: Fields) -> Decoder:
    """DeepSeek-V3 and R1, without the extra prediction layers, as transformers builds it."""
    f.refuse_unless("moe_layer_freq", 1, None)
    style: RopeStyle = "pairs" if f.value("rope_interleave") in (True, None) else "half"
    return dense_then_sparse(
        f,
        _latent(f, style),
        grouped(f, shared=f.count("n_shared_experts")),
        gated(f, adapted=False),
        f.optional("first_k_dense_replace", least=0) or 0,
    )


def _latent(f: Fields, style: RopeStyle) -> Attention:
    """Multi-head latent attention: queries, keys and values from narrow vectors.

    References
    ----------
    DeepSeek-AI, "DeepSeek-V2", arXiv:2405.04434, section 2.1.
    """
    hidden, query = f.count("hidden_size"), f.count("num_attention_heads")
    narrow, wide = f.optional("q_lora_rank"), f.count("kv_lora_rank")
    still, turned, value = (
        f.count("qk_nope_head_dim"),
        f.count("qk_rope_head_dim"),
        f.count("v_head_dim"),
    )
    bias: bool = f.flag("attention_bias")
    part: Part = "attention"
    dim = still + turned
    down = (
        Linear("kv_a_proj_with_mqa", hidden, wide + turned, bias, part),
        Linear("kv_b_proj", wide, query * (still + value), False, part, serves="v"),
    )
    if narrow is None:
        up: tuple[Linear, ...] = (Linear("q_proj", hidden, query * dim, False, part, serves="q"),)
    else:
        up = (
            Linear("q_a_proj", hidden, narrow, bias, part),
            Linear("q_b_proj", narrow, query * dim, False, part, serves="q"),
        )
    return Attention(
        (*up, *down),
        Linear("o_proj", query * value, hidden, bias, part),
        query,
        query,
        dim,
        value,
        "latent",
        query_norm=rms(narrow) if narrow else None,
        key_norm=rms(wide),
        rope=Rope(turned, style),
    )
