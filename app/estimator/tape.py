"""A tape of tensor operations that follows autograd with sizes instead of numbers.

Running a description on a `Tape` records, as torch would, which tensors are made, which need a
gradient, which are kept for the backward pass and by whom (views share the storage of their base),
and which matrix products run forward and backward. Replaying the record gives the bytes alive after
every operation of the forward pass, of a recomputation that stops early, and of the backward pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from app.estimator.sizes import NOTHING, Floats, Size, plus, times, total, undominated


@dataclass(slots=True)
class Tensor:
    """A tensor of a walk.

    Parameters
    ----------
    name : tells it from every other tensor of the tape, views included.
    storage : whose bytes it shows.
    elements : [count]
    width : bytes of one element. [bytes]
    needs_grad : whether a gradient flows to it.
    is_parameter : counted elsewhere; its gradient leaves as soon as it is complete.
    """

    name: int
    storage: int
    elements: Size
    width: int
    needs_grad: bool
    is_parameter: bool = False

    @property
    def size(self) -> Size:
        """Its storage, when it was made for it. [bytes]"""
        return times(self.elements, self.width)


class Raw(NamedTuple):
    """A gradient that is still to be brought to the shape and type of its tensor.

    Parameters
    ----------
    storage : its bytes.
    elements, width : [count], [bytes]
    """

    storage: int
    elements: Size
    width: int


Gradients = Sequence[int | Raw | None]
BackwardRule = Callable[["Replay", tuple[int, ...]], Gradients]


@dataclass(slots=True)
class Node:
    """One operation.

    Parameters
    ----------
    inputs, outputs : tensors.
    saved : storages kept for the backward pass.
    saves_output : the operation has to have run before the last of them can be kept.
    product : ``matrix`` or ``attention`` for what selective checkpointing does not run again.
    flop, backward_flop : of the products. [FLOP]
    rule : makes gradients of the inputs from those of the outputs; None where none is needed.
    workspace : alive during the operation alone. [bytes]
    """

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    saved: tuple[int, ...] = ()
    saves_output: bool = False
    product: str = ""
    flop: Size = NOTHING
    backward_flop: Size = NOTHING
    rule: BackwardRule | None = None
    workspace: Size = NOTHING


@dataclass(slots=True)
class Tape:
    """The record of one walk.

    Parameters
    ----------
    sizes : bytes of every storage; those of parameters and of tensors from outside are nothing.
    nodes : in the order in which they ran.
    named : tensors so far. [count]
    """

    sizes: list[Size] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    named: int = 0

    def parameter(self, elements: Size, width: int, *, trained: bool) -> Tensor:
        """A parameter."""
        return self._tensor(self._storage(NOTHING), elements, width, trained, is_parameter=True)

    def outer(self, elements: Size, width: int) -> Tensor:
        """A tensor that something else made and counts."""
        return self._tensor(self._storage(NOTHING), elements, width, needs_grad=False)

    def made(self, elements: Size, width: int, *, needs_grad: bool = False) -> Tensor:
        """A tensor with a storage of its own, before it is put on the tape by `run`."""
        return self._tensor(self._storage(times(elements, width)), elements, width, needs_grad)

    def view(self, base: Tensor, elements: Size) -> Tensor:
        """A part of another tensor, before it is put on the tape by `run`."""
        return self._tensor(base.storage, elements, base.width, needs_grad=False)

    def _tensor(
        self,
        storage: int,
        elements: Size,
        width: int,
        needs_grad: bool,
        *,
        is_parameter: bool = False,
    ) -> Tensor:
        self.named += 1
        return Tensor(self.named, storage, elements, width, needs_grad, is_parameter)

    def run(
        self,
        inputs: tuple[Tensor, ...],
        outputs: tuple[Tensor, ...],
        saved: Iterable[Tensor] = (),
        rule: BackwardRule | None = None,
        *,
        product: str = "",
        flop: Size = NOTHING,
        backward_flop: Size = NOTHING,
        workspace: Size = NOTHING,
    ) -> None:
        """Record an operation; its outputs need a gradient where an input does."""
        needed = rule is not None and any(x.needs_grad for x in inputs)
        for output in outputs:
            output.needs_grad = needed
        made = {output.storage for output in outputs}
        kept = tuple(x.storage for x in saved) if needed else ()
        self.nodes.append(
            Node(
                inputs,
                outputs,
                kept,
                any(x in made for x in kept),
                product,
                flop,
                backward_flop if needed else NOTHING,
                rule if needed else None,
                workspace,
            )
        )

    def hold(self, *tensors: Tensor) -> None:
        """Keep tensors alive until here, as a local name of the modelled code does."""
        self.nodes.append(Node(tensors, ()))

    def _storage(self, size: Size) -> int:
        self.sizes.append(size)
        return len(self.sizes) - 1


class Replay:
    """Bytes alive while a record is run, operation by operation.

    Parameters
    ----------
    tape : the record.

    Notes
    -----
    Gradients get storages of their own, with the number of their holders. A second gradient for the
    same tensor is added into a new storage, as torch does while both are still held.
    """

    def __init__(self, tape: Tape) -> None:
        self._sizes = list(tape.sizes)
        self._holders = [0] * len(self._sizes)
        self._changed: list[int] = []
        self._signs: list[int] = []
        self.flop = NOTHING
        self.attention_flop = NOTHING

    # ------------------------------------------------------------------ bytes

    def new(self, size: Size) -> int:
        """Make a storage with one holder."""
        storage = len(self._sizes)
        self._sizes.append(size)
        self._holders.append(1)
        self._changed.append(storage)
        self._signs.append(1)
        return storage

    def keep(self, storage: int, holders: int = 1) -> None:
        """Add holders; the first one brings the storage to life."""
        if not self._holders[storage]:
            self._changed.append(storage)
            self._signs.append(1)
        self._holders[storage] += holders

    def drop(self, storage: int) -> None:
        """Take a holder away; with the last one the storage goes."""
        self._holders[storage] -= 1
        if not self._holders[storage]:
            self._changed.append(storage)
            self._signs.append(-1)

    def size(self, storage: int) -> Size:
        """Bytes of a storage."""
        return self._sizes[storage]

    def alive(self) -> Size:
        """What is alive now. [bytes]"""
        return total(self._sizes[i] for i, held in enumerate(self._holders) if held)

    def mark(self) -> int:
        """A point in time, for `peaks`."""
        return len(self._changed)

    def peaks(self, begin: int = 0) -> Floats:
        """The sizes that can be the highest after a point in time, shape (n, 5).

        Notes
        -----
        Only what is alive when something is about to go can be the highest.
        """
        if begin == len(self._changed):
            return np.array([self.alive()])
        signs = np.array(self._signs)
        over_time = np.cumsum(np.array(self._sizes)[self._changed] * signs[:, None], axis=0)
        falls = np.append(signs[1:] < 0, True)
        falls[:begin] = False
        if begin:
            falls[begin - 1] = True
        return undominated(over_time[falls])

    # ------------------------------------------------------------------ forward

    def forward(
        self,
        nodes: Sequence[Node],
        kept: Iterable[int],
        *,
        stay: Iterable[Tensor] = (),
        there: frozenset[int] = frozenset(),
        stop: int | None = None,
    ) -> None:
        """Run operations; afterwards only what is kept, and `stay`, has got more holders.

        Parameters
        ----------
        kept : storages to keep, once for each time they are named.
        there : storages that are still alive from an earlier run.
        stop : operations that run; what later ones would have used lives until then.
        """
        last = {}
        for i, node in enumerate(nodes):
            for tensor in (*node.inputs, *node.outputs):
                last[tensor.storage] = i
        ending: dict[int, list[int]] = {}
        for storage, i in last.items():
            ending.setdefault(min(i, len(nodes[:stop]) - 1), []).append(storage)
        saved = Counter(kept)
        for tensor in stay:
            saved[tensor.storage] += 1
        begun: set[int] = set()
        made = {tensor.storage for node in nodes for tensor in node.outputs}
        for storage, count in saved.items():
            if storage not in made or storage in there:
                self.keep(storage, count)
        for i, node in enumerate(nodes[:stop]):
            for tensor in node.outputs:
                storage = tensor.storage
                if storage not in begun and storage not in there and storage in made:
                    begun.add(storage)
                    self.keep(storage, 1 + saved[storage])
            if node.workspace is not NOTHING:
                self.drop(self.new(node.workspace))
            for storage in ending.get(i, ()):
                if storage in begun:
                    self.drop(storage)

    # ------------------------------------------------------------------ backward

    def backward(
        self,
        nodes: Sequence[Node],
        start: dict[int, int],
        *,
        before_saved: Callable[[], None] | None = None,
    ) -> dict[int, int]:
        """Run the backward pass of operations.

        Parameters
        ----------
        start : gradients that are there, by the name of their tensor; held once.
        before_saved : called once before the first operation that needs a kept tensor.

        Returns
        -------
        Gradients of tensors that no operation made.
        """
        gradients, recomputed = dict(start), False
        for node in reversed(nodes):
            if node.rule is None:
                continue
            found = [gradients.pop(x.name, None) for x in node.outputs]
            if all(gradient is None for gradient in found):
                continue
            if node.saved and before_saved is not None and not recomputed:
                before_saved()
                recomputed = True
            incoming = tuple(-1 if g is None else g for g in found)
            outgoing = node.rule(self, incoming)
            if recomputed:
                self._release(node)
            fitting = [
                None if raw is None else self._fitted(raw, tensor)
                for tensor, raw in zip(node.inputs, outgoing, strict=True)
            ]
            self.flop = plus(self.flop, node.backward_flop)
            if node.product == "attention":
                self.attention_flop = plus(self.attention_flop, node.backward_flop)
            for gradient in incoming:
                if gradient >= 0:
                    self.drop(gradient)
            if not recomputed:
                self._release(node)
            for tensor, fit in zip(node.inputs, fitting, strict=True):
                if fit is not None:
                    self._arrive(tensor, fit, gradients)
        return gradients

    def _release(self, node: Node) -> None:
        """Let go of what an operation has kept.

        Notes
        -----
        A recomputed tensor is handed out once, and goes before the gradients are cast; a kept one
        stays until the operation is done.
        """
        for storage in node.saved:
            self.drop(storage)

    def _fitted(self, gradient: int | Raw, tensor: Tensor) -> int:
        """Sum and cast a gradient to what its tensor is."""
        if not isinstance(gradient, Raw):
            return gradient
        storage, elements, width = gradient
        if elements != tensor.elements:
            summed = self.new(times(tensor.elements, width))
            self.drop(storage)
            storage = summed
        if width != tensor.width:
            cast = self.new(tensor.size)
            self.drop(storage)
            storage = cast
        return storage

    def _arrive(self, tensor: Tensor, gradient: int, gradients: dict[int, int]) -> None:
        """Hand a gradient on: to a parameter, or to be added to what is there."""
        key = tensor.name
        if tensor.is_parameter:
            self.drop(gradient)
            return
        if key in gradients:
            there = gradients[key]
            total = self.new(self.size(gradient))
            self.drop(there)
            self.drop(gradient)
            gradient = total
        gradients[key] = gradient

    def passed_on(self, gradient: int) -> int:
        """The same gradient for an input."""
        self.keep(gradient)
        return gradient
