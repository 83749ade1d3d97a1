"""Pieces that many families share, from the keys of a configuration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from app.catalog.families.fields import LONGEST, Fields, shown
from app.estimator.architecture import Architecture, Block, Outside
from app.estimator.errors import UnknownArchitecture
from app.estimator.layers import (
    Activation,
    Attention,
    Linear,
    Mlp,
    Norm,
    NormKind,
    Rope,
    RopeStyle,
    Scores,
)

ACTIVATIONS: dict[str, Activation] = {
    "silu": "silu",
    "swish": "silu",
    "gelu": "gelu",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu_new": "gelu_new",
    "gelu_fast": "gelu_fast",
    "quick_gelu": "quick_gelu",
    "relu": "relu",
    "relu2": "relu2",
    "xielu": "xielu",
}


@dataclass(frozen=True, slots=True)
class Decoder:
    """What a family makes of a configuration.

    Parameters
    ----------
    blocks : every block, in order.
    final_norm : the norm before the head.
    table, head : names of the token table and of the output head.
    The others are as in `Outside`.
    """

    blocks: tuple[Block, ...]
    final_norm: Norm | None
    table: str = "embed_tokens"
    head: str = "lm_head"
    head_bias: bool = False
    table_width: int | None = None
    positions: int = 0
    embedding_norm: Norm | None = None
    project_in: Linear | None = None
    project_out: Linear | None = None
    embedding_multiplier: Literal["", "inside", "outside"] = ""
    logit_multiplier: bool = False
    logit_softcap: bool = False
    position_key: str = "max_position_embeddings"
    width_key: str = "hidden_size"


Family = Callable[[Fields], Decoder]


def architecture(name: str, f: Fields, decoder: Decoder) -> Architecture:
    """Put a family's description together."""
    hidden, vocab = f.count(decoder.width_key), f.count("vocab_size")
    width = decoder.table_width or hidden
    return Architecture(
        name=name,
        model_type=f.model_type,
        hidden_size=hidden,
        vocab_size=vocab,
        tie_word_embeddings=f.flag("tie_word_embeddings"),
        groups=runs(decoder.blocks),
        outside=Outside(
            table=Linear(decoder.table, vocab, width, part="outside"),
            head=Linear(decoder.head, width, vocab, decoder.head_bias, part="outside"),
            positions=decoder.positions,
            embedding_norm=decoder.embedding_norm,
            final_norm=decoder.final_norm,
            project_in=decoder.project_in,
            project_out=decoder.project_out,
            embedding_multiplier=decoder.embedding_multiplier,
            logit_multiplier=decoder.logit_multiplier,
            logit_softcap=decoder.logit_softcap,
            hidden_size=hidden,
        ),
        max_position_embeddings=f.optional(decoder.position_key, most=LONGEST),
    )


def runs(blocks: Sequence[Block]) -> tuple[tuple[int, Block], ...]:
    """Group neighbours that are equal.

    Notes
    -----
    Many blocks are the same object, so that this is quick for deep models.
    """
    groups: list[tuple[int, Block]] = []
    for block in blocks:
        if groups and (groups[-1][1] is block or groups[-1][1] == block):
            groups[-1] = (groups[-1][0] + 1, block)
        else:
            groups.append((1, block))
    return tuple(groups)


def activation(f: Fields, key: str = "hidden_act") -> Activation:
    """The elementwise function of the feed-forward network."""
    named = f.text(key)
    if named not in ACTIVATIONS:
        raise UnknownArchitecture(
            key, f"is {shown(named)}; {', '.join(sorted(ACTIVATIONS))} are understood"
        )
    return ACTIVATIONS[named]


def heads(f: Fields) -> tuple[int, int]:
    """Query heads and key-value heads; null means one key-value head a query head. [count]"""
    query = f.count("num_attention_heads")
    shared = f.optional("num_key_value_heads") or query
    if query % shared:
        raise UnknownArchitecture(
            "num_key_value_heads",
            f"is {shared}; num_attention_heads ({query}) must be a multiple of "
            f"num_key_value_heads ({shared})",
        )
    return query, shared


def head_dim(f: Fields, stated: bool = True) -> int:
    """Width of one head, the hidden size over the heads where it is not stated."""
    given = f.optional("head_dim") if stated else None
    if given is not None:
        return given
    hidden, query = f.count("hidden_size"), f.count("num_attention_heads")
    if hidden % query:
        raise UnknownArchitecture(
            "head_dim",
            f"is absent and hidden_size ({hidden}) is not a multiple of "
            f"num_attention_heads ({query}); state head_dim",
        )
    return hidden // query


def rms(width: int, kind: NormKind = "rms", heads: int = 1) -> Norm:
    """A root-mean-square norm of the residual stream or of heads."""
    return Norm(kind, width, heads)


def layer_norm(width: int, bias: bool = True) -> Norm:
    """Torch's layer norm."""
    return Norm("layer", width, bias=bias)


def partial_rope(f: Fields, dim: int, default: float, style: RopeStyle = "half") -> Rope:
    """Rotation of a part of each head; newer files keep the share among the rope's parameters."""
    share = f.number("partial_rotary_factor")
    for group in ("rope_parameters", "rope_scaling"):
        if share is None and isinstance(f.value(group), dict):
            share = f.part(group).number("partial_rotary_factor")
    return Rope(int(dim * (default if share is None else share)), style, joined=True)


def attention(
    f: Fields,
    *,
    dim: int | None = None,
    bias: bool = False,
    output_bias: bool = False,
    output: str = "o_proj",
    rope: RopeStyle | Rope | None = "half",
    norms: tuple[Norm | None, Norm | None] = (None, None),
    norm_after_rope: bool = False,
    window: int | None = None,
    scores: Scores = "plain",
    softcap: bool = False,
    sinks: bool = False,
    clamp: bool = False,
    query_scale: bool = False,
    kernels: tuple[str, ...] = ("sdpa", "eager"),
) -> Attention:
    """Attention with three separate projections.

    Parameters
    ----------
    dim : width of one head, read from the keys where it is None.
    norms : of queries and of keys.
    The others are as in `Attention`.
    """
    hidden = f.count("hidden_size")
    query, shared = heads(f)
    dim = head_dim(f) if dim is None else dim
    if norms != (None, None):
        f.value("use_qk_norm")  # the key says what the family does anyway
    return Attention(
        projections=(
            Linear("q_proj", hidden, query * dim, bias, "attention", serves="q"),
            Linear("k_proj", hidden, shared * dim, bias, "attention", serves="k"),
            Linear("v_proj", hidden, shared * dim, bias, "attention", serves="v"),
        ),
        output=Linear(output, query * dim, hidden, output_bias, "attention"),
        heads=query,
        key_value_heads=shared,
        head_dim=dim,
        value_head_dim=dim,
        query_norm=norms[0],
        key_norm=norms[1],
        norm_after_rope=norm_after_rope,
        rope=Rope(dim, rope) if isinstance(rope, str) else rope,
        window=window,
        scores=scores,
        softcap=softcap,
        sinks=sinks,
        clamp=clamp,
        query_scale=query_scale,
        kernels=kernels,
    )


def head_norms(f: Fields, dim: int, kind: NormKind = "rms") -> tuple[Norm, Norm]:
    """Root-mean-square norms of each query and each key."""
    query, shared = heads(f)
    return rms(dim, kind, query), rms(dim, kind, shared)


def wide_norms(f: Fields, dim: int, kind: NormKind = "rms") -> tuple[Norm, Norm]:
    """Root-mean-square norms over all queries and over all keys."""
    query, shared = heads(f)
    return rms(query * dim, kind), rms(shared * dim, kind)


def gated(
    f: Fields,
    *,
    bias: bool = False,
    width: int | None = None,
    act: Activation | None = None,
    adapted: bool = True,
) -> Mlp:
    """``down(act(gate(x)) * up(x))``."""
    hidden = f.count("hidden_size")
    inner = f.count("intermediate_size") if width is None else width
    target = None if adapted else ""
    return Mlp(
        (
            Linear("gate_proj", hidden, inner, bias, target=target),
            Linear("up_proj", hidden, inner, bias, target=target),
            Linear("down_proj", inner, hidden, bias, target=target),
        ),
        "gated",
        act or activation(f),
    )


def gated_fused(f: Fields) -> Mlp:
    """``down(act(gate) * up)`` with gate and up in one matrix."""
    hidden, inner = f.count("hidden_size"), f.count("intermediate_size")
    return Mlp(
        (Linear("gate_up_proj", hidden, 2 * inner), Linear("down_proj", inner, hidden)),
        "fused",
        activation(f),
    )


def plain(
    hidden: int, inner: int, act: Activation, names: tuple[str, str], bias: bool = True
) -> Mlp:
    """``down(act(up(x)))``."""
    return Mlp(
        (Linear(names[0], hidden, inner, bias), Linear(names[1], inner, hidden, bias)), "plain", act
    )


def windows(f: Fields, layers: int, default: Callable[[int], bool]) -> tuple[int | None, ...]:
    """Sliding window of every block: by ``layer_types``, else by the library's pattern.

    Parameters
    ----------
    default : whether the block of that index slides where the types are not given.
    """
    size = f.optional("sliding_window", least=0) or None
    types = f.texts("layer_types", layers)
    if types is None:
        return tuple(size if default(i) else None for i in range(layers))
    for name in types:
        if name not in ("full_attention", "sliding_attention", "chunked_attention"):
            raise UnknownArchitecture("layer_types", f"holds {shown(name)}, which is not known")
    return tuple(size if name == "sliding_attention" else None for name in types)
