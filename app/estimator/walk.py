"""One block, run on a tape and replayed in every mode of checkpointing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from app.estimator import operations as op
from app.estimator.adapters import Adapters
from app.estimator.architecture import Block
from app.estimator.attention import attention
from app.estimator.layers import Experts
from app.estimator.mixture import mixture
from app.estimator.modules import Modules
from app.estimator.operations import BF16
from app.estimator.sizes import Floats, Size, per_token, total
from app.estimator.tape import Node, Replay, Tape, Tensor

NONE, SELECTIVE, FULL = 0, 1, 2
"""Checkpointing: keep everything; keep the outputs of products; keep the input of a block."""

PRODUCTS = frozenset({"matrix", "attention"})


@dataclass(frozen=True, slots=True)
class Phase:
    """What one block, or the part behind the blocks, holds in one mode of checkpointing.

    Parameters
    ----------
    kept : alive between forward and backward. [bytes]
    forward_peaks, backward_peaks : can be the highest while it runs, over what is alive before it;
        shape (n, 5). [bytes]
    """

    kept: Size
    forward_peaks: Floats
    backward_peaks: Floats


@dataclass(frozen=True, slots=True)
class Flop:
    """Products of one walk. [FLOP]

    Parameters
    ----------
    forward, backward : each once.
    recompute : what runs again where only the input is kept. Selective checkpointing runs no
        product again.
    """

    forward: Size
    backward: Size
    recompute: Size


@dataclass(frozen=True, slots=True)
class BlockWalk:
    """One variant of a block.

    Parameters
    ----------
    flop, attention_flop : all products, and those of scores and values among them.
    phases : by mode of checkpointing.
    keeps_input : whether autograd keeps the tensor that the block gets.
    needs_grad : whether a gradient flows to its output.
    """

    flop: Flop
    attention_flop: Flop
    phases: tuple[Phase, Phase, Phase]
    keeps_input: bool
    needs_grad: bool


def run_block(m: Modules, x: Tensor, block: Block) -> Tensor:
    """One block on the tape of `m`."""
    t = m.tape
    if block.wiring == "parallel":
        return _parallel(m, x, block)
    first, second = block.attention_norm, block.mlp_norm
    late = block.wiring == "post"
    normed = x if late else m.norm(x, first)
    attended, probabilities = attention(m, normed, block)
    attended = m.norm(attended, block.attention_post_norm)
    if block.residual_multiplier:
        attended = op.scale(t, attended)
    middle = op.add(t, x, attended)
    middle = m.norm(middle, first if late else None)
    normed = m.norm(middle, None if late else second)
    fed = m.norm(_feed_forward(m, normed, block), block.mlp_post_norm)
    if block.residual_multiplier:
        fed = op.scale(t, fed)
    out = m.norm(op.add(t, middle, fed), second if late else None)
    if probabilities is not None:
        t.hold(probabilities)
    return out


def _parallel(m: Modules, x: Tensor, block: Block) -> Tensor:
    """Attention and feed-forward network on the same input, or each on its own norm of it."""
    t = m.tape
    normed = m.norm(x, block.attention_norm)
    attended, probabilities = attention(m, normed, block)
    other = normed if block.mlp_norm is None else m.norm(x, block.mlp_norm)
    fed = _feed_forward(m, other, block)
    out = op.add(t, op.add(t, attended, fed), x)
    t.hold(normed, *(() if probabilities is None else (probabilities,)))
    return out


def _feed_forward(m: Modules, x: Tensor, block: Block) -> Tensor:
    if isinstance(block.mlp, Experts):
        return mixture(m, x, block.mlp, block)
    return m.mlp(x, block.mlp, block)


@lru_cache(maxsize=512)
def walk_block(
    block: Block,
    adapters: Adapters | None,
    kernel: str,
    *,
    masked: bool,
    batched: bool,
    input_needs_grad: bool,
) -> BlockWalk:
    """Run one variant of a block and replay it.

    Parameters
    ----------
    masked : the fused kernel gets a mask, since a window is shorter than the sequence.
    batched : there are several sequences.
    input_needs_grad : whether anything before the block is trained.
    """
    tape = Tape()
    m = Modules(tape, adapters, kernel, masked, batched)
    hidden = block.attention.output.out_features
    x = tape.made(per_token(hidden), BF16, needs_grad=input_needs_grad)
    out = run_block(m, x, block)
    nodes = tape.nodes
    stop = early_stop(nodes)
    plain, replay = _kept(tape, x, out)
    return BlockWalk(
        Flop(_forward(nodes), replay.flop, _forward(nodes[:stop])),
        Flop(
            _forward(nodes, "attention"),
            replay.attention_flop,
            _forward(nodes[:stop], "attention"),
        ),
        (
            plain,
            _recomputed(tape, x, out, stop, selective=True),
            _recomputed(tape, x, out, stop, selective=False),
        ),
        any(x.storage in node.saved for node in nodes),
        out.needs_grad,
    )


def _forward(nodes: Sequence[Node], product: str = "") -> Size:
    return total(node.flop for node in nodes if product in ("", node.product))


def early_stop(nodes: Sequence[Node]) -> int:
    """How many operations run again: up to the one that keeps the last tensor.

    References
    ----------
    torch.utils.checkpoint, non-reentrant, ``set_checkpoint_early_stop``: a tensor is kept before
    its operation runs, unless it is the operation's own output.
    """
    last = max((i for i, node in enumerate(nodes) if node.saved), default=-1)
    return last + 1 if last >= 0 and nodes[last].saves_output else max(last, 0)


def _kept(tape: Tape, x: Tensor, out: Tensor) -> tuple[Phase, Replay]:
    """Everything that autograd keeps is kept."""
    nodes, replay = tape.nodes, Replay(tape)
    replay.keep(x.storage)
    replay.forward(nodes, [s for node in nodes for s in node.saved], stay=(out,))
    forward_peaks = replay.peaks()
    replay.drop(x.storage)
    replay.drop(out.storage)
    kept, middle = replay.alive(), replay.mark()
    if out.needs_grad:
        replay.backward(nodes, {out.name: replay.new(out.size)})
    return Phase(kept, forward_peaks, replay.peaks(middle)), replay


def _recomputed(tape: Tape, x: Tensor, out: Tensor, stop: int, *, selective: bool) -> Phase:
    """The input of the block is kept; with `selective`, the outputs of products too."""
    nodes, replay = tape.nodes, Replay(tape)
    products = [
        output.storage
        for node in nodes
        if selective and node.product in PRODUCTS
        for output in node.outputs
    ]
    replay.keep(x.storage)
    replay.forward(nodes, products, stay=(out,))
    forward_peaks = replay.peaks()
    replay.drop(out.storage)
    kept, middle = replay.alive(), replay.mark()

    def again() -> None:
        saved = [s for node in nodes for s in node.saved]
        replay.forward(nodes, saved, there=frozenset(products), stop=stop)
        for storage in products:
            replay.drop(storage)

    if out.needs_grad:
        replay.backward(nodes, {out.name: replay.new(out.size)}, before_saved=again)
    return Phase(kept, forward_peaks, replay.peaks(middle))
