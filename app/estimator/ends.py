"""What runs before the first block and behind the last one: embedding, head and loss."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from app.estimator import operations as op
from app.estimator.adapters import Adapters
from app.estimator.architecture import Outside
from app.estimator.layers import Linear
from app.estimator.modules import Modules
from app.estimator.operations import BF16, FP32
from app.estimator.sizes import Size, fixed, per_position, per_token, total
from app.estimator.tape import Gradients, Replay, Tape, Tensor
from app.estimator.walk import Flop, Phase

LABEL = 8
"""Bytes of a word's number."""


@dataclass(frozen=True, slots=True)
class End:
    """One end of the model.

    Parameters
    ----------
    flop : its products.
    phase : bytes over what is alive before it.
    needs_grad : whether a gradient flows through it.
    left : a gradient of the table that stays alive until the embedding's is there. [bytes]
    """

    flop: Flop
    phase: Phase
    needs_grad: bool
    left: Size


@lru_cache(maxsize=256)
def walk_embedding(
    outside: Outside,
    adapters: Adapters | None,
    adapted: tuple[Linear, ...],
    tied: bool,
    hooked: bool,
) -> End:
    """From words to the first block.

    Parameters
    ----------
    adapted : table, head and projections with an adapter.
    tied : the head has left a gradient of the table, to which this one is added.
    hooked : what the table gives is made to need a gradient, as checkpointing does.
    """
    tape = Tape()
    m = Modules(tape, adapters, "sdpa")
    table = tape.parameter(fixed(outside.table.weight_count), BF16, trained=adapters is None)
    table.is_parameter = not tied
    x = _look_up(tape, table, per_token(outside.table.out_features))
    if outside.embedding_multiplier == "inside":
        x = op.scale(tape, x)
    looked_up = x
    if outside.table in adapted and adapters is not None:
        x = _adapted_table(m, x, outside.table, adapters)
    x.needs_grad = x.needs_grad or hooked
    if outside.project_in is not None:
        x = _projected(m, x, outside.project_in, adapted)
    if outside.embedding_multiplier == "outside":
        x = op.scale(tape, x)
    if outside.positions:
        places = m.weight(outside.positions * outside.hidden_size)
        x = op.add(tape, x, _look_up(tape, places, per_position(outside.hidden_size)))
    x = m.norm(x, outside.embedding_norm)
    nodes, replay = tape.nodes, Replay(tape)
    is_leaf = hooked and adapters is not None and x is not looked_up
    stay = (x, looked_up) if is_leaf else (x,)
    replay.forward(nodes, [s for node in nodes for s in node.saved], stay=stay)
    forward_peaks = replay.peaks()
    replay.drop(x.storage)
    kept, middle = replay.alive(), replay.mark()
    if x.needs_grad:
        start = {x.name: replay.new(x.size)}
        if tied and table.needs_grad:
            start[table.name] = replay.new(table.size)
        replay.backward(nodes, start)
    flop = Flop(total(n.flop for n in nodes), replay.flop, fixed(0))
    return End(flop, Phase(kept, forward_peaks, replay.peaks(middle)), x.needs_grad, fixed(0))


@lru_cache(maxsize=256)
def walk_head(
    outside: Outside,
    adapters: Adapters | None,
    adapted: tuple[Linear, ...],
    tied: bool,
    input_needs_grad: bool,
) -> End:
    """From the last block to the loss of transformers: fp32 logits, log-softmax, cross-entropy."""
    tape = Tape()
    m = Modules(tape, adapters, "sdpa")
    words = outside.head.out_features
    x = tape.made(per_token(outside.hidden_size), BF16, needs_grad=input_needs_grad)
    hidden = m.norm(x, outside.final_norm)
    if outside.project_out is not None:
        hidden = _projected(m, hidden, outside.project_out, adapted)
    weight = tape.parameter(fixed(outside.head.weight_count), BF16, trained=adapters is None)
    weight.is_parameter = not tied
    bias = m.weight(words) if outside.head.bias else None
    logits = op.matmul(
        tape,
        hidden,
        weight,
        per_token(words),
        per_token(2.0 * outside.head.weight_count),
        bias=bias,
        weight_first=bias is None,
    )
    if outside.head in adapted and adapters is not None:
        logits = m.adapted(hidden, logits, outside.head, per_token(1), adapters)
    if outside.logit_multiplier:
        logits = op.scale(tape, logits)
    if outside.logit_softcap:
        capped = op.pointwise(tape, op.scale(tape, logits), keeps="output")
        logits = op.scale(tape, capped)
    wide = op.cast(tape, logits, FP32)
    labels = tape.made(per_token(1), LABEL)
    tape.run((), (labels,))
    loss = _cross_entropy(tape, op.pointwise(tape, wide, keeps="output"), labels)
    tape.hold(logits, hidden, wide)
    nodes, replay = tape.nodes, Replay(tape)
    replay.keep(x.storage)
    replay.forward(nodes, [s for node in nodes for s in node.saved], stay=(loss,))
    forward_peaks = replay.peaks()
    replay.drop(x.storage)
    kept, middle = replay.alive(), replay.mark()
    found = replay.backward(nodes, {loss.name: replay.new(loss.size)})
    left = weight.size if weight.name in found else fixed(0)
    flop = Flop(total(n.flop for n in nodes), replay.flop, fixed(0))
    return End(flop, Phase(kept, forward_peaks, replay.peaks(middle)), loss.needs_grad, left)


def _look_up(t: Tape, table: Tensor, elements: Size) -> Tensor:
    """Rows of a table; its gradient is as large as the table."""
    out = t.made(elements, table.width)

    def rule(r: Replay, _: tuple[int, ...]) -> Gradients:
        return (r.new(table.size),)

    t.run((table,), (out,), (), rule)
    return out


def _projected(m: Modules, x: Tensor, linear: Linear, adapted: tuple[Linear, ...]) -> Tensor:
    base = m.linear(x, linear)
    if linear not in adapted or m.adapters is None:
        return base
    return m.adapted(x, base, linear, per_token(1), m.adapters)


def _adapted_table(m: Modules, x: Tensor, table: Linear, adapters: Adapters) -> Tensor:
    """Looked up in A, multiplied by B, scaled and added."""
    t, rank = m.tape, adapters.rank
    down = t.parameter(fixed(rank * table.in_features), BF16, trained=True)
    up = t.parameter(fixed(rank * table.out_features), BF16, trained=True)
    low = _look_up(t, down, per_token(rank))
    flop = per_token(2.0 * rank * table.out_features)
    high = op.matmul(t, low, up, per_token(table.out_features), flop)
    return op.add(t, x, op.scale(t, high))


def _cross_entropy(t: Tape, log_probabilities: Tensor, labels: Tensor) -> Tensor:
    """The mean of the chosen log-probabilities; keeps them and the labels."""
    out = t.made(fixed(1), FP32)

    def rule(r: Replay, _: tuple[int, ...]) -> Gradients:
        return r.new(log_probabilities.size), None

    t.run((log_probabilities, labels), (out,), (log_probabilities, labels), rule)
    return out
