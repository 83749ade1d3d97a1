"""The tape by hand: what a few operations keep, and what is alive after each."""

from __future__ import annotations

import numpy as np
import pytest

from app.estimator import operations as op
from app.estimator.sizes import Size, per_token
from app.estimator.tape import Replay, Tape, Tensor
from app.estimator.walk import early_stop

WIDTH = per_token(8)
FLOP = per_token(1)


def weight(tape: Tape, *, trained: bool) -> Tensor:
    return tape.parameter((64, 0, 0, 0, 0), 2, trained=trained)


def tokens(size: Size) -> float:
    """Coefficient of the tokens. [bytes/token]"""
    return size[2]


@pytest.mark.parametrize(
    ("trained", "needs_grad", "kept", "products"),
    [(True, True, 1, 2), (True, False, 1, 1), (False, True, 0, 1), (False, False, 0, 0)],
)
def test_a_linear_keeps_its_input_for_its_weight(
    trained: bool, needs_grad: bool, kept: int, products: int
) -> None:
    tape = Tape()
    x = tape.made(WIDTH, 2, needs_grad=needs_grad)
    out = op.matmul(tape, x, weight(tape, trained=trained), WIDTH, FLOP)
    (node,) = tape.nodes
    assert node.saved.count(x.storage) == kept
    assert tokens(node.backward_flop) == products
    assert out.needs_grad == (trained or needs_grad)


def test_a_tensor_that_two_operations_keep_is_there_once() -> None:
    tape = Tape()
    x = tape.made(WIDTH, 2, needs_grad=True)
    inner = op.scale(tape, x)
    first = op.matmul(tape, inner, weight(tape, trained=True), WIDTH, FLOP)
    second = op.matmul(tape, inner, weight(tape, trained=True), WIDTH, FLOP)
    out = op.add(tape, first, second)
    replay = Replay(tape)
    replay.forward(tape.nodes, [s for n in tape.nodes for s in n.saved], stay=(out,))
    replay.drop(out.storage)
    assert tokens(replay.alive()) == 16  # inner, in two bytes an element


def test_views_share_the_storage_of_their_base() -> None:
    tape = Tape()
    base = op.scale(tape, tape.made(WIDTH, 2, needs_grad=True))
    left, right = op.parts(tape, base, [per_token(4), per_token(4)], together=True)
    assert left.storage == right.storage == base.storage
    assert left.name != right.name


def test_two_gradients_are_added_while_both_are_held() -> None:
    """x + x's copy: the peak of the backward pass is two gradients and their sum."""
    tape = Tape()
    x = tape.made(WIDTH, 2, needs_grad=True)
    inner = op.scale(tape, x)
    out = op.add(tape, op.scale(tape, inner), op.scale(tape, inner))
    replay = Replay(tape)
    replay.backward(tape.nodes, {out.name: replay.new(out.size)})
    assert replay.peaks()[:, 2].max() == 3 * 16
    assert tokens(replay.alive()) == 16  # the gradient of x


def test_gradients_of_parameters_leave_at_once() -> None:
    tape = Tape()
    x = tape.made(WIDTH, 2, needs_grad=False)
    out = op.matmul(tape, x, weight(tape, trained=True), WIDTH, FLOP)
    replay = Replay(tape)
    replay.keep(x.storage)
    replay.backward(tape.nodes, {out.name: replay.new(out.size)})
    assert replay.alive() == (0, 0, 0, 0, 0)
    assert replay.peaks()[:, 0].max() == 128  # the gradient of the weight, in flight


def test_nothing_runs_backward_below_what_is_trained() -> None:
    tape = Tape()
    x = tape.made(WIDTH, 2, needs_grad=False)
    frozen = op.matmul(tape, x, weight(tape, trained=False), WIDTH, FLOP)
    out = op.matmul(tape, frozen, weight(tape, trained=True), WIDTH, FLOP)
    replay = Replay(tape)
    replay.keep(frozen.storage)
    assert replay.backward(tape.nodes, {out.name: replay.new(out.size)}) == {}
    assert tokens(replay.flop) == 1


def test_a_recomputation_stops_before_the_last_product() -> None:
    """Its input is kept before it runs; an operation that keeps its output has to run."""
    tape = Tape()
    x = tape.made(WIDTH, 2, needs_grad=True)
    first = op.matmul(tape, x, weight(tape, trained=True), WIDTH, FLOP)
    second = op.matmul(tape, first, weight(tape, trained=True), WIDTH, FLOP)
    assert early_stop(tape.nodes) == 1
    op.pointwise(tape, second, keeps="output")
    assert early_stop(tape.nodes) == 3
    assert early_stop(()) == 0


def test_a_name_keeps_a_tensor_alive() -> None:
    tape = Tape()
    x = tape.made(WIDTH, 2)
    first = op.scale(tape, x)
    second = op.scale(tape, first)
    third = op.scale(tape, second)
    short, long = Replay(tape), Replay(tape)
    short.forward(tape.nodes, (), stay=(third,))
    tape.hold(first)
    long.forward(tape.nodes, (), stay=(third,))
    assert short.peaks()[:, 2].max() == 2 * 16
    assert long.peaks()[:, 2].max() == 3 * 16


def test_the_highest_before_anything_happens_is_nothing() -> None:
    assert np.array_equal(Replay(Tape()).peaks(), np.zeros((1, 5)))
