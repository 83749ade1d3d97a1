"""Attention as operations on a tape: projections, positions, scores, values."""

from __future__ import annotations

from app.estimator import operations as op
from app.estimator.architecture import Block
from app.estimator.layers import Attention, Rope
from app.estimator.modules import Modules
from app.estimator.operations import BF16, FP32
from app.estimator.rotation import cosines_and_sines, rotated
from app.estimator.sizes import Size, per_position, per_score, per_token
from app.estimator.tape import Gradients, Raw, Replay, Tensor


def attention(m: Modules, x: Tensor, block: Block) -> tuple[Tensor, Tensor | None]:
    """Attention from the normed input; the probabilities too, where they were made."""
    t, a = m.tape, block.attention
    fused = m.linear(x, a.projections[0], block) if a.layout == "fused" else None
    query, key, value = _heads(m, x, fused, block)
    mixed, probabilities = _mix(m, query, key, value, a)
    out = m.linear(mixed, a.output, block)
    t.hold(x, mixed, query, key, value)
    if fused is not None:
        t.hold(fused)
    return out, probabilities


def _heads(
    m: Modules, x: Tensor, fused: Tensor | None, block: Block
) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values as the kernel gets them."""
    a = block.attention
    if a.layout == "latent":
        return _latent_heads(m, x, block)
    if fused is not None:
        query, key, value = _split(m, fused, a)
    else:
        made = {p.serves: m.linear(x, p, block) for p in a.projections}
        query, key, value = made["q"], made["k"], made["v"]
    if a.clamp:
        query, key, value = (op.clamp_in_place(m.tape, z) for z in (query, key, value))
    return (*_positions(m, query, key, a), value)


def _positions(m: Modules, query: Tensor, key: Tensor, a: Attention) -> tuple[Tensor, Tensor]:
    """Norms, rotation and scaling of queries and keys."""
    t = m.tape
    if not a.norm_after_rope:
        query, key = m.norm(query, a.query_norm), m.norm(key, a.key_norm)
    query, key = _turned(m, query, key, a.rope, a.head_dim)
    if a.norm_after_rope:
        query, key = m.norm(query, a.query_norm), m.norm(key, a.key_norm)
    if a.query_scale:
        scaled = op.multiply(t, query, t.outer(per_position(1), FP32))
        query = op.cast(t, scaled, query.width)
    return query, key


def _turned(
    m: Modules, query: Tensor, key: Tensor, rope: Rope | None, dim: int
) -> tuple[Tensor, Tensor]:
    """Queries and keys rotated, where they are."""
    if rope is None:
        return query, key
    tables = cosines_and_sines(m, rope)
    turned = rotated(m, query, rope, dim, tables), rotated(m, key, rope, dim, tables)
    m.tape.hold(query, key)
    return turned


def _split(m: Modules, fused: Tensor, a: Attention) -> tuple[Tensor, Tensor, Tensor]:
    """Take queries, keys and values out of the fused matrix."""
    t = m.tape
    sizes = [
        per_token(a.query_width),
        per_token(a.key_value_width),
        per_token(a.key_value_heads * a.value_head_dim),
    ]
    if a.split == "index":
        (query,) = op.parts(t, fused, sizes[:1], together=False)
        key, value = op.parts(t, fused, sizes[1:], together=False, copies=True)
        return query, key, value
    if a.split == "broadcast":
        (query,) = op.parts(t, fused, sizes[:1], together=False)
        key, value = op.parts(t, fused, sizes[1:], together=False, copies=True)
        return (
            op.copy(t, query),
            op.copy(t, key, per_token(a.query_width)),
            op.copy(t, value, per_token(a.query_width)),
        )
    query, key, value = op.parts(t, fused, sizes, together=a.split == "split")
    return query, key, value


def _latent_heads(m: Modules, x: Tensor, block: Block) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values from narrow vectors; all heads share a part of each key."""
    t, a = m.tape, block.attention
    *to_query, down, up = a.projections
    turned = a.rope.width if a.rope is not None else 0
    still = a.head_dim - turned
    query = m.linear(x, to_query[0], block)
    if len(to_query) > 1:
        query = m.linear(m.norm(query, a.query_norm), to_query[1], block)
    q_still, q_turned = op.parts(
        t, query, [per_token(a.heads * still), per_token(a.heads * turned)], together=True
    )
    both = m.linear(x, down, block)
    narrow, k_turned = op.parts(
        t, both, [per_token(up.in_features), per_token(turned)], together=True
    )
    narrow = m.norm(narrow, a.key_norm)
    q_turned, k_turned = _turned(m, q_turned, k_turned, a.rope, turned)
    query = op.join(t, [q_still, q_turned])
    wide = m.linear(narrow, up, block)
    k_still, value = op.parts(
        t,
        wide,
        [per_token(a.heads * still), per_token(a.heads * a.value_head_dim)],
        together=True,
    )
    key = _join_copies(m, k_still, k_turned, per_token(a.query_width))
    return query, key, value


def _join_copies(m: Modules, first: Tensor, second: Tensor, elements: Size) -> Tensor:
    """Two tensors copied into a new one, the second one repeated for every head."""
    t = m.tape
    out = t.made(elements, first.width)

    def rule(r: Replay, g: tuple[int, ...]) -> Gradients:
        return [
            Raw(r.passed_on(g[0]), piece.elements, out.width)
            if piece is first
            else r.new(piece.size)
            for piece in (first, second)
        ]

    t.run((first, second), (out,), (), rule)
    return out


def _mix(
    m: Modules, query: Tensor, key: Tensor, value: Tensor, a: Attention
) -> tuple[Tensor, Tensor | None]:
    """Values mixed by the scores of queries and keys.

    Notes
    -----
    A fused kernel is taken for keys wider than values (latent attention): on a GPU torch has one,
    the memory-efficient one. On a CPU it falls back to fp32 scores, which is not estimated.
    """
    t = m.tape
    kernel = m.kernel if m.kernel in a.kernels else "eager"
    out = per_token(a.value_width)
    flop = per_score(2.0 * (a.query_width + a.value_width))
    if kernel == "sdpa" and a.split == "index":
        return _math(m, query, key, value, a), None
    if kernel == "sdpa":
        if m.masked and _repeats(query, key, a):
            key = op.copy(t, key, per_token(a.query_width))
            value = op.copy(t, value, per_token(a.value_width))
        mask = (
            _sdpa_mask(
                m,
            )
            if m.masked
            else None
        )
        mixed = op.flash_attention(t, query, key, value, a.heads, out, flop, mask)
        # The output has the layout of the queries.
        return (op.copy(t, mixed) if a.by_head else mixed), None
    return _eager(m, query, key, value, a)


def _repeats(query: Tensor, key: Tensor, a: Attention) -> bool:
    """Whether keys and values are copied for every query head; one head is shown many times."""
    return key.elements != query.elements and a.key_value_heads > 1


def _folded(m: Modules, x: Tensor, *, strided: bool) -> Tensor:
    """As one matrix for each sequence and head, copied where that is no view of it."""
    return op.copy(m.tape, x) if strided and m.batched else x


def _sdpa_mask(m: Modules) -> Tensor:
    """The mask as the fused kernel wants it, made anew in every block."""
    t = m.tape
    mask = t.made(per_score(1), BF16)
    t.run((), (mask,))
    return mask


def _math(m: Modules, query: Tensor, key: Tensor, value: Tensor, a: Attention) -> Tensor:
    """The fallback of the fused kernel, in fp32: one key head cannot serve many in others."""
    t, width = m.tape, query.width
    mask = _sdpa_mask(
        m,
    )
    query, key, value = (op.cast(t, x, FP32) for x in (query, key, value))
    left, right = op.scale(t, query), op.scale(t, key)
    whole = per_token(a.query_width)
    folded = _folded(m, left, strided=True)
    right = op.copy(t, right, whole) if m.batched else right
    scores = op.bmm(t, folded, right, per_score(a.heads), per_score(2.0 * a.query_width))
    scores = op.add(t, scores, mask)
    probabilities = op.pointwise(t, scores, keeps="output")
    narrow = t.made(per_score(a.heads), width)
    t.run((), (narrow,))
    spread = op.copy(t, value, per_token(a.value_width)) if m.batched else value
    mixed = op.bmm(
        t, probabilities, spread, per_token(a.value_width), per_score(2.0 * a.value_width)
    )
    out = op.cast(t, mixed, width)
    t.hold(left, query, key, value, narrow, mask)
    return op.copy(t, out)


def _eager(
    m: Modules, query: Tensor, key: Tensor, value: Tensor, a: Attention
) -> tuple[Tensor, Tensor]:
    """Scores, probabilities and values one operation at a time."""
    t, width = m.tape, query.width
    repeats = _repeats(query, key, a)
    if repeats:
        key = op.copy(t, key, per_token(a.query_width))
        value = op.copy(t, value, per_token(a.value_width))
    if a.scores in ("wide", "wide_where"):
        query, key = op.cast(t, query, FP32), op.cast(t, key, FP32)
    if a.scores == "scaled_query":
        query = op.scale(t, query)
    left = _folded(m, query, strided=not a.by_head)
    right = _folded(m, key, strided=not (a.by_head or repeats))
    if right.elements != query.elements and m.batched:
        right = op.copy(t, key, query.elements)
    scores = op.bmm(t, left, right, per_score(a.heads), per_score(2.0 * a.query_width))
    product = scores
    scores = _adjusted(m, scores, a)
    if a.scores == "sinks":
        probabilities = _with_sinks(m, scores, a)
    elif a.scores in ("narrow", "in_place"):
        probabilities = op.pointwise(t, scores, keeps="output")
    else:
        probabilities = op.softmax(t, scores, FP32)
    narrow = op.cast(t, probabilities, width)
    t.hold(scores)
    spread = _folded(m, value, strided=not repeats)
    if spread.elements != per_token(a.value_width) and m.batched:
        spread = op.copy(t, value, per_token(a.value_width))
    mixed = op.bmm(t, narrow, spread, per_token(a.value_width), per_score(2.0 * a.value_width))
    out = op.copy(t, mixed)
    if a.scores == "alibi_fused":
        t.hold(product, scores)
    if a.scores == "alibi_add":
        t.hold(scores)
    return out, narrow


def _adjusted(m: Modules, scores: Tensor, a: Attention) -> Tensor:
    """Scaled, capped, biased and masked scores."""
    t = m.tape
    mask = t.outer(per_score(1), BF16)
    if a.scores not in ("wide_where", "alibi_fused", "scaled_query", "in_place"):
        scores = op.scale(t, scores)
    if a.softcap:
        scores = op.scale(t, op.pointwise(t, op.scale(t, scores), keeps="output"))
    if a.scores == "alibi_add":
        scores = op.add(t, scores, t.outer(per_position(a.heads), FP32))
        return op.masked(t, scores, mask)
    if a.scores == "wide_where":
        scores = op.masked(t, scores, mask)
    return op.add(t, scores, mask)


def _with_sinks(m: Modules, scores: Tensor, a: Attention) -> Tensor:
    """Probabilities with one more column for the sink, which is cut off again."""
    t = m.tape
    sinks = t.view(m.weight(a.heads), per_token(a.heads))
    sinks.needs_grad = m.adapters is None
    wide = op.join(t, [scores, sinks])
    best, places = t.made(per_token(a.heads), BF16), t.made(per_token(a.heads), 8)

    def rule(r: Replay, _: tuple[int, ...]) -> Gradients:
        return (r.new(wide.size),)

    t.run((wide,), (best, places), (places,), rule)
    shifted = op.subtract(t, wide, best)
    probabilities = op.pointwise(t, shifted, keeps="output")
    (cut,) = op.parts(t, probabilities, [scores.elements], together=False)
    t.hold(shifted)
    return cut
