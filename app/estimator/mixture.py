"""A mixture of experts as operations on a tape: routing, grouped products, adapted tensors."""

from __future__ import annotations

from app.estimator import operations as op
from app.estimator.architecture import Block
from app.estimator.layers import Experts, Linear
from app.estimator.modules import Modules
from app.estimator.operations import BF16, FP32
from app.estimator.sizes import NOTHING, Size, fixed, per_token, times
from app.estimator.tape import Gradients, Raw, Replay, Tape, Tensor

INTEGER = 8
"""Bytes of an index."""


def mixture(m: Modules, x: Tensor, experts: Experts, block: Block) -> Tensor:
    """The mixture of one block, from the normed input.

    Notes
    -----
    The grouped kernels of transformers 5: tokens are sorted by expert, two products run over all
    experts' tensors, and the results go back to their tokens. Llama 4 has every expert compute
    every token.
    """
    t = m.tape
    if experts.routing == "dense":
        return _every_expert(m, x, experts, block)
    shared = None
    if experts.shared is not None and experts.shared_first:
        shared = m.mlp(x, experts.shared, block)
    weights = _route(m, x, experts, block)
    out = _grouped(m, x, weights, experts, block)
    if experts.shared is not None and shared is None:
        shared = m.mlp(x, experts.shared, block)
    if shared is not None:
        if experts.shared_gate is not None:
            gate = op.pointwise(t, m.linear(x, experts.shared_gate, block), keeps="output")
            shared = op.multiply(t, shared, gate)
        out = op.add(t, out, shared)
    t.hold(x)
    return out


# ---------------------------------------------------------------------------- adapted tensors


def _rank(m: Modules, linear: Linear, block: Block) -> int:
    """Rank of the adapter on a linear, 0 where it has none."""
    if m.adapters is None or not m.adapters.adapts(linear, block):
        return 0
    return m.adapters.rank * linear.rank_factor


def _expert_weight(m: Modules, linear: Linear, block: Block) -> Tensor:
    """The experts' tensor, with ``W + B A`` formed for all experts where it is adapted.

    References
    ----------
    peft 0.21.2, ``tuners/lora/layer.py``, ParamWrapper: a parametrization, computed once when it is
    registered and once when the tensor is read.
    """
    t = m.tape
    rank = _rank(m, linear, block)
    if not rank:
        return m.weight(linear.weight_count)
    copies, inner, outer = linear.copies, linear.in_features, linear.out_features
    down = t.parameter(fixed(rank * inner * copies), m.width, trained=True)
    up = t.parameter(fixed(rank * outer * copies), m.width, trained=True)
    whole = fixed(float(linear.weight_count))
    flop = times(whole, 2.0 * rank)
    out = t.made(whole, m.width)

    def rule(r: Replay, _: tuple[int, ...]) -> Gradients:
        made = []
        for factor in (up, down):
            product = r.new(factor.size)
            made.append(r.new(factor.size))
            r.drop(product)
        return made

    t.run(
        (up, down),
        (out,),
        (up, down),
        rule,
        product="matrix",
        flop=flop,
        backward_flop=times(flop, 2.0),
    )
    return out


def _router_weight(m: Modules, linear: Linear, block: Block) -> Tensor:
    """The router's matrix, with its adapter added where it has one."""
    t = m.tape
    base = m.weight(linear.weight_count)
    rank = _rank(m, linear, block)
    if not rank:
        return base
    down = op.cast(t, t.parameter(fixed(rank * linear.in_features), m.width, trained=True), FP32)
    up = op.cast(t, t.parameter(fixed(rank * linear.out_features), m.width, trained=True), FP32)
    whole = fixed(float(linear.weight_count))
    delta = op.bmm(t, up, down, whole, times(whole, 2.0 * rank))
    return op.add(t, base, op.cast(t, op.scale(t, delta), m.width))


# ---------------------------------------------------------------------------- routing


def _route(m: Modules, x: Tensor, experts: Experts, block: Block) -> Tensor:
    """Weights of the chosen experts for every token."""
    t, linear = m.tape, experts.router
    many, chosen = linear.out_features, experts.gate_up.active_copies
    weight = _router_weight(m, linear, block)
    wide_product = experts.routing in ("sigmoid_groups", "softmax_wide")
    source = x
    if wide_product:
        source, weight = op.cast(t, x, FP32), op.cast(t, weight, FP32)
    bias = m.weight(many) if linear.bias else None
    logits = op.matmul(
        t, source, weight, per_token(many), per_token(2.0 * many * linear.in_features), bias=bias
    )
    if experts.routing in ("topk_softmax", "topk_softmax_wide"):
        wide = op.cast(t, logits, FP32) if experts.routing == "topk_softmax_wide" else logits
        best = _chosen(t, wide, chosen)
        weights = op.cast(t, op.pointwise(t, best, keeps="output"), x.width)
    else:
        scores = op.pointwise(t, op.cast(t, logits, FP32), keeps="output")
        best = _chosen(t, scores, chosen)
        if experts.normalised:
            best = _normalised(t, best)
        weights = op.scale(t, best) if experts.scaled else best
        if experts.routing == "softmax_narrow":
            weights = op.cast(t, weights, x.width)
    t.hold(logits, best)
    return weights


def _chosen(t: Tape, scores: Tensor, chosen: float) -> Tensor:
    """The best scores of every token; keeps their indices."""
    out = t.made(per_token(chosen), scores.width)
    indices = t.made(per_token(chosen), INTEGER)

    def rule(r: Replay, _: tuple[int, ...]) -> Gradients:
        zeros = r.new(scores.size)
        gradient = r.new(scores.size)
        r.drop(zeros)
        return (gradient,)

    t.run((scores,), (out, indices), (indices,), rule)
    return out


def _normalised(t: Tape, weights: Tensor) -> Tensor:
    """Weights over their sum; keeps a copy of what they were."""
    total = op.reduce(t, weights, per_token(1), is_view=True)
    out = t.made(weights.elements, weights.width)

    def rule(r: Replay, _: tuple[int, ...]) -> Gradients:
        by_total = r.new(weights.size)
        return r.new(weights.size), Raw(by_total, weights.elements, weights.width)

    t.run((weights, total), (out,), (weights, total), rule)
    return out


# ---------------------------------------------------------------------------- products


def _grouped(m: Modules, x: Tensor, weights: Tensor, experts: Experts, block: Block) -> Tensor:
    """Tokens sorted by expert, two grouped products, and back."""
    t, chosen = m.tape, experts.gate_up.active_copies
    for linear in (experts.down, experts.gate_up):
        rank = _rank(m, linear, block)
        if rank:
            whole = fixed(float(linear.weight_count))
            t.run(
                (),
                (),
                (),
                product="matrix",
                flop=times(whole, 2.0 * rank),
                workspace=times(whole, m.width),
            )
    order = _integers(t, chosen)
    position = _integers(t, chosen)
    values = _integers(t, chosen)
    rows = _gather(t, x, position, times(x.elements, chosen))
    row_weights = _gather(t, weights, order, weights.elements)
    histogram = t.made(per_token(chosen), FP32)
    t.run((), (histogram,))
    up_bias = _bias_rows(m, experts.gate_up, values)
    both = _expert_product(m, rows, experts.gate_up, block, up_bias)
    inner = _gate(m, both, experts)
    down_bias = _bias_rows(m, experts.down, values)
    t.hold(*up_bias)
    narrow = _expert_product(m, inner, experts.down, block, down_bias)
    weighted = op.multiply(t, narrow, row_weights)
    back = _integers(t, chosen, workspace=True)
    returned = _gather(t, weighted, back, weighted.elements)
    out = op.reduce(t, returned, x.elements)
    final = op.cast(t, out, x.width)
    t.hold(rows, *down_bias, narrow, row_weights, returned, out, order, values, histogram)
    return final


def _integers(t: Tape, chosen: float, *, workspace: bool = False) -> Tensor:
    """Indices for every token and chosen expert."""
    out = t.made(per_token(chosen), INTEGER)
    t.run((), (out,), workspace=out.size if workspace else NOTHING)
    return out


def _gather(t: Tape, x: Tensor, index: Tensor, elements: Size) -> Tensor:
    """Rows by index; keeps the index. Backward scatters into zeros."""
    out = t.made(elements, x.width)

    def rule(r: Replay, _: tuple[int, ...]) -> Gradients:
        zeros = r.new(x.size)
        gradient = r.new(x.size)
        r.drop(zeros)
        return gradient, None

    t.run((x, index), (out,), (index,), rule)
    return out


def _bias_rows(m: Modules, linear: Linear, index: Tensor) -> tuple[Tensor, ...]:
    """The biases of the chosen experts, a row for each row; nothing where there are none."""
    if not linear.bias:
        return ()
    bias = m.weight(linear.out_features * linear.copies)
    return (_gather(m.tape, bias, index, times(index.elements, linear.out_features)),)


def _expert_product(
    m: Modules, x: Tensor, linear: Linear, block: Block, bias: tuple[Tensor, ...]
) -> Tensor:
    """One grouped product over the tensors of all experts, with their biases."""
    t = m.tape
    rows = times(x.elements, 1.0 / linear.in_features)
    out = op.matmul(
        t,
        x,
        _expert_weight(m, linear, block),
        times(rows, linear.out_features),
        times(rows, 2.0 * linear.in_features * linear.out_features),
    )
    return _add_in_place(t, out, *bias) if bias else out


def _add_in_place(t: Tape, x: Tensor, y: Tensor) -> Tensor:
    """``x += y``: the sum lives where `x` did."""
    out = t.view(x, x.elements)

    def rule(r: Replay, g: tuple[int, ...]) -> Gradients:
        return [r.passed_on(g[0]) if z.needs_grad else None for z in (x, y)]

    t.run((x, y), (out,), (), rule)
    return out


def _gate(m: Modules, both: Tensor, experts: Experts) -> Tensor:
    """Gate and up of the experts, joined."""
    t, half = m.tape, times(both.elements, 0.5)
    if experts.gate_style == "silu":
        gate, up = op.parts(t, both, [half, half], together=True)
        return op.multiply(t, m.activation(gate, experts.activation), up)
    gate, up = op.parts(t, both, [half, half], together=False)
    gate = op.pointwise(t, gate, keeps="input", temporaries=1)
    up = op.pointwise(t, up, keeps="input", temporaries=1)
    curve = op.pointwise(t, op.scale(t, gate), keeps="output")
    glu = op.multiply(t, gate, curve)
    out = op.multiply(t, op.scale(t, up), glu)
    t.hold(gate, up, glu)
    return out


def _every_expert(m: Modules, x: Tensor, experts: Experts, block: Block) -> Tensor:
    """Llama 4: all experts on all tokens, each scaled by its score, and the shared network."""
    t, many = m.tape, experts.router.out_features
    logits = m.linear(x, experts.router, block)
    best = _chosen(t, logits, experts.gate_up.active_copies)
    spread = op.copy(t, best, per_token(many))
    scores = op.cast(t, op.pointwise(t, op.cast(t, spread, FP32), keeps="output"), BF16)
    repeated = op.copy(t, x, times(x.elements, many))
    rows = op.multiply(t, repeated, scores)
    each = per_token(float(many))
    up_shape = times(each, experts.gate_up.out_features)
    both = op.matmul(
        t,
        rows,
        m.weight(experts.gate_up.weight_count),
        up_shape,
        times(up_shape, 2.0 * experts.gate_up.in_features),
    )
    inner = _gate(m, both, experts)
    down_shape = times(each, experts.down.out_features)
    out = op.matmul(
        t,
        inner,
        m.weight(experts.down.weight_count),
        down_shape,
        times(down_shape, 2.0 * experts.down.in_features),
    )
    t.hold(both)
    shared = () if experts.shared is None else (m.mlp(x, experts.shared, block),)
    total = op.reduce(t, out, x.elements)
    return _add_in_place(t, *shared, total) if shared else total
