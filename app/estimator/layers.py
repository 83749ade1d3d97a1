"""What a decoder block is made of: linears, norms, rotation, attention, feed-forward networks.

Descriptions, without formulas: what each says is read by the counts of `app.estimator.architecture`
and by the walk of `app.estimator.walk`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from app.estimator.errors import InvalidSpec

Part = Literal["attention", "mlp", "router", "experts", "outside"]
NormKind = Literal["rms", "rms_wide", "rms_plus_one", "l2", "layer", "layer_plus_one", "mean_wide"]
RopeStyle = Literal[
    "half",
    "half_mixed",
    "half_wide",
    "interleaved",
    "interleaved_wide",
    "gptj",
    "pairs",
    "complex",
    "two_halves",
]
Activation = Literal[
    "silu", "gelu", "gelu_tanh", "gelu_new", "gelu_fast", "gelu_bloom", "quick_gelu", "relu",
    "relu2", "xielu",
]  # fmt: skip
Scores = Literal[
    "plain",
    "narrow",
    "wide",
    "wide_where",
    "scaled_query",
    "in_place",
    "alibi_add",
    "alibi_fused",
    "sinks",
]
Routing = Literal[
    "softmax",
    "softmax_narrow",
    "softmax_wide",
    "topk_softmax",
    "topk_softmax_wide",
    "sigmoid",
    "sigmoid_groups",
    "dense",
]


@dataclass(frozen=True, slots=True)
class Linear:
    """One linear layer, or the same layer of many experts held as one tensor.

    Parameters
    ----------
    name : its name in transformers, without the path.
    in_features, out_features : widths. [count]
    bias : whether it has one.
    part : the module that it belongs to.
    target : the name by which peft finds it, blank where peft cannot adapt it; None for `name`.
    serves : which of the query, key and value projections it computes, as letters of ``qkv``.
    copies : experts held. [count]
    active_copies : experts that each token visits. [count]
    rank_factor : the adapter's rank over the rank asked for, 2 where two projections are fused.
    fused_bias : the product adds the bias itself; Falcon adds it apart.
    """

    name: str
    in_features: int
    out_features: int
    bias: bool = False
    part: Part = "mlp"
    target: str | None = None
    serves: str = ""
    copies: int = 1
    active_copies: float = 1.0
    rank_factor: int = 1
    fused_bias: bool = True

    def __post_init__(self) -> None:
        for name in ("in_features", "out_features", "copies"):
            if getattr(self, name) < 1:
                raise InvalidSpec(f"{name} of {self.name} must be 1 or more")

    @property
    def weight_count(self) -> int:
        """Weights of all copies, without biases. [count]"""
        return self.in_features * self.out_features * self.copies

    @property
    def parameter_count(self) -> int:
        """Weights and biases of all copies. [count]"""
        return self.weight_count + (self.out_features * self.copies if self.bias else 0)

    @property
    def active_parameter_count(self) -> int:
        """Parameters that one token meets. [count]"""
        return round(self.parameter_count * self.active_copies / self.copies)

    @property
    def adapter_name(self) -> str:
        """The name by which peft finds it, blank where it cannot be adapted."""
        return self.name if self.target is None else self.target

    def adapter_count(self, rank: int) -> int:
        """Parameters of a low-rank adapter on it: ``r (in + out)`` for every copy. [count]"""
        return rank * self.rank_factor * self.copies * (self.in_features + self.out_features)


@dataclass(frozen=True, slots=True)
class Norm:
    """A normalisation over the last axis.

    Parameters
    ----------
    kind : how it is computed, which decides what it keeps. ``rms`` and ``rms_wide`` scale by a
        weight after and before going back to 16 bits; ``rms_plus_one`` by one plus the weight in
        fp32; ``l2`` has no weight; ``layer`` is torch's kernel, ``mean_wide`` one in fp32 by hand.
    width : values that are normalised together. [count]
    heads : vectors of that width a token, 1 for the residual stream. [count]
    weight, bias : learned scale and shift.
    own_weights : every head has weights of its own.
    upcast : the input goes through fp32 first (``layer`` only).
    """

    kind: NormKind
    width: int
    heads: int = 1
    weight: bool = True
    bias: bool = False
    own_weights: bool = False
    upcast: bool = False

    @property
    def parameter_count(self) -> int:
        """Scales and shifts. [count]"""
        return self.width * (self.heads if self.own_weights else 1) * (self.weight + self.bias)


@dataclass(frozen=True, slots=True)
class Rope:
    """Rotary position embedding of the first `width` values of each head.

    Parameters
    ----------
    style : how it is computed, which decides what is kept.
    joined : the turned part is joined with the rest of the head, even where there is none.
    table : which of the model's tables of cosines and sines it reads.
    """

    width: int
    style: RopeStyle = "half"
    joined: bool = False
    table: int = 0

    @property
    def table_width(self) -> int:
        """Bytes of one cosine. [bytes]"""
        return 4 if self.style in ("half_mixed", "half_wide", "complex") else 2


@dataclass(frozen=True, slots=True)
class Attention:
    """Multi-head attention with separate, fused or latent projections.

    Parameters
    ----------
    projections : the linears before the score product, in the order in which they run.
    output : the linear behind it.
    heads, key_value_heads : [count]
    head_dim : width of one query and one key. [count]
    value_head_dim : width of one value. [count]
    layout : ``separate`` q, k and v; one ``fused`` matrix; ``latent`` for multi-head latent.
    query_norm, key_norm : norms on queries and keys, or on the latent vectors.
    norm_after_rope : the norms above follow the rotation.
    rope : None without rotation.
    scores : how the eager kernel makes probabilities of scores.
    softcap, sinks : a cap by tanh on the scores; a learned score of no key for each head.
    window : keys that a query sees at most, None for all. [tokens]
    kernels : the implementations that transformers has for it.
    split : how a fused matrix is taken apart.
    clamp : queries, keys and values are clipped.
    query_scale : queries are multiplied by a factor that depends on the position.
    """

    projections: tuple[Linear, ...]
    output: Linear
    heads: int
    key_value_heads: int
    head_dim: int
    value_head_dim: int
    layout: Literal["separate", "fused", "latent"] = "separate"
    query_norm: Norm | None = None
    key_norm: Norm | None = None
    norm_after_rope: bool = False
    rope: Rope | None = None
    scores: Scores = "plain"
    softcap: bool = False
    sinks: bool = False
    window: int | None = None
    kernels: tuple[str, ...] = ("sdpa", "eager")
    split: Literal["split", "slice", "select", "index", "broadcast"] = "split"
    clamp: bool = False
    query_scale: bool = False

    def __post_init__(self) -> None:
        if min(self.heads, self.key_value_heads, self.head_dim, self.value_head_dim) < 1:
            raise InvalidSpec("heads and their widths must be 1 or more")
        if self.heads % self.key_value_heads:
            raise InvalidSpec(
                f"num_attention_heads ({self.heads}) must be a multiple of "
                f"num_key_value_heads ({self.key_value_heads})"
            )

    @property
    def query_width(self) -> int:
        """Width of all query heads together, that of the score product. [count]"""
        return self.heads * self.head_dim

    @property
    def value_width(self) -> int:
        """Width of the values of all query heads together. [count]"""
        return self.heads * self.value_head_dim

    @property
    def key_value_width(self) -> int:
        """Width of all key heads together. [count]"""
        return self.key_value_heads * self.head_dim

    @property
    def always_masked(self) -> bool:
        """Whether the fused kernel gets a mask whatever the window (Falcon)."""
        return self.scores == "in_place"

    @property
    def by_head(self) -> bool:
        """Whether queries and keys lie head after head, not token after token."""
        return self.layout == "latent" or (self.rope is not None and self.rope.joined)

    @property
    def linears(self) -> tuple[Linear, ...]:
        """All linears, in the order in which they run."""
        return (*self.projections, self.output)

    @property
    def extra_count(self) -> int:
        """Parameters that are neither linear nor norm. [count]"""
        return self.heads if self.sinks else 0


@dataclass(frozen=True, slots=True)
class Mlp:
    """A feed-forward network: ``up`` alone, ``gate`` and ``up``, or both as one fused matrix.

    Parameters
    ----------
    linears : in the order in which they run; the last one goes back to the residual stream.
    layout : ``plain`` has one activation between two linears, ``gated`` a third linear, ``fused``
        gate and up in one matrix.
    extra_count : parameters of the activation. [count]
    """

    linears: tuple[Linear, ...]
    layout: Literal["plain", "gated", "fused"]
    activation: Activation = "silu"
    extra_count: int = 0


@dataclass(frozen=True, slots=True)
class Experts:
    """A mixture of experts: a router, experts as fused tensors, and experts for every token.

    Parameters
    ----------
    router : scores every expert.
    gate_up, down : the experts' two matrices, with `Linear.copies` experts.
    routing : how scores become weights.
    normalised : the weights of the chosen experts are made to sum to one.
    scaled : the weights are multiplied by a constant.
    shared : a network that every token passes.
    shared_gate : a linear whose sigmoid scales the shared network.
    shared_first : the shared network runs before the router.
    gate_style : ``silu`` of gate times up, or the clamped variant of gpt-oss.
    """

    router: Linear
    gate_up: Linear
    down: Linear
    routing: Routing = "softmax"
    normalised: bool = False
    scaled: bool = False
    shared: Mlp | None = None
    shared_gate: Linear | None = None
    shared_first: bool = False
    gate_style: Literal["silu", "clamped"] = "silu"
    activation: Activation = "silu"

    @property
    def linears(self) -> tuple[Linear, ...]:
        """All linears, in the order in which they run."""
        gate = () if self.shared_gate is None else (self.shared_gate,)
        shared = () if self.shared is None else self.shared.linears
        experts = (self.router, self.gate_up, self.down)
        return (*shared, *experts, *gate) if self.shared_first else (*experts, *shared, *gate)

    @property
    def extra_count(self) -> int:
        """Parameters that are neither linear nor norm. [count]"""
        return 0 if self.shared is None else self.shared.extra_count
