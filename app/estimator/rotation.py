"""Rotary position embedding, in the ways in which transformers writes it."""

from __future__ import annotations

from app.estimator import operations as op
from app.estimator.layers import Rope
from app.estimator.modules import Modules
from app.estimator.operations import FP32
from app.estimator.sizes import per_position, per_token, times
from app.estimator.tape import Tensor


def rotated(m: Modules, x: Tensor, rope: Rope, dim: int, tables: tuple[Tensor, Tensor]) -> Tensor:
    """Rotate the first part of every head."""
    t, share = m.tape, rope.width / dim
    if rope.style == "complex":
        wide = op.cast(t, x, FP32)
        out = op.multiply(t, wide, tables[0])
        return op.cast(t, out, x.width)
    turned, rest = x, None
    if rope.joined:
        sizes = [times(x.elements, share), times(x.elements, 1.0 - share)]
        turned, rest = op.parts(t, x, sizes, together=False)
    if rope.style in ("pairs", "two_halves"):
        out = _rotate_halves(m, turned, rope, tables)
    else:
        out = _rotate(m, turned, rope, tables)
    return out if rest is None else op.join(t, [out, rest])


def _rotate(m: Modules, x: Tensor, rope: Rope, tables: tuple[Tensor, Tensor]) -> Tensor:
    """``x cos + half(x) sin``, in fp32 in some families."""
    t = m.tape
    cos, sin = tables
    late = rope.style == "half_wide"
    wide = op.cast(t, x, FP32) if rope.style in ("half_wide", "interleaved_wide") else x
    plain = op.multiply(t, wide, cos)
    source = x if late else wide
    first, second = op.parts(t, source, [times(x.elements, 0.5)] * 2, together=False)
    half = op.join(t, [op.scale(t, second), first])
    if late:
        half = op.cast(t, half, FP32)
    out = op.add(t, plain, op.multiply(t, half, sin))
    return op.cast(t, out, x.width)


def _rotate_halves(m: Modules, x: Tensor, rope: Rope, tables: tuple[Tensor, Tensor]) -> Tensor:
    """Both halves turned by four products, and joined."""
    t = m.tape
    cos, sin = tables
    together = rope.style == "two_halves"
    first, second = op.parts(t, x, [times(x.elements, 0.5)] * 2, together=together)
    left = op.add(t, op.multiply(t, first, cos), op.multiply(t, second, sin))
    right = op.add(t, op.multiply(t, second, cos), op.multiply(t, first, sin))
    return op.join(t, [left, right])


def cosines_and_sines(m: Modules, rope: Rope) -> tuple[Tensor, Tensor]:
    """Cosines and sines: those of the whole model, or copies that each block makes."""
    t = m.tape
    if rope.style == "gptj":
        both = per_token(rope.width)
    elif rope.style in ("interleaved", "half_wide"):
        both = per_position(rope.width)
    else:
        table = t.outer(per_position(rope.width), rope.table_width)
        return table, table
    cos, sin = t.made(both, rope.table_width), t.made(both, rope.table_width)
    t.run((), (cos, sin))
    return cos, sin
