"""The modules of transformers and peft as operations on a tape.

Each function runs what the module's ``forward`` runs, in that order (transformers 5.23, peft
0.21.2). `Tape.hold` stands where a local name of the modelled code keeps a tensor alive.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.estimator import operations as op
from app.estimator.adapters import Adapters
from app.estimator.architecture import Block
from app.estimator.layers import Activation, Linear, Mlp, Norm
from app.estimator.operations import BF16, FP32
from app.estimator.sizes import (
    Size,
    fixed,
    times,
)
from app.estimator.tape import Tape, Tensor


@dataclass(slots=True)
class Modules:
    """Runs modules of one block, or of the parts outside, on a tape.

    Parameters
    ----------
    tape : where operations are recorded.
    adapters : None for full fine-tuning.
    kernel : ``sdpa`` or ``eager``.
    masked : the fused kernel gets a mask, since a window is shorter than the sequence.
    batched : there are several sequences.
    width : bytes of a weight. [bytes]
    """

    tape: Tape
    adapters: Adapters | None
    kernel: str
    masked: bool = False
    batched: bool = False
    width: int = BF16

    def weight(self, count: float, width: int | None = None) -> Tensor:
        """A parameter of the base model."""
        trained = self.adapters is None
        return self.tape.parameter(fixed(count), width or self.width, trained=trained)

    # ------------------------------------------------------------------ linears

    def linear(self, x: Tensor, linear: Linear, block: Block | None = None) -> Tensor:
        """A linear layer, with its adapter where it has one."""
        rows = times(x.elements, 1.0 / linear.in_features)
        base = self._product(x, linear, rows)
        adapters = self.adapters
        if adapters is None or block is None or not adapters.adapts(linear, block):
            return base
        return self.adapted(x, base, linear, rows, adapters)

    def adapted(
        self, x: Tensor, base: Tensor, linear: Linear, rows: Size, adapters: Adapters
    ) -> Tensor:
        """``base + scale * B(A(x))``; adapters in fp32 work on a copy of their input in fp32."""
        t, rank = self.tape, adapters.rank
        width = FP32 if adapters.dtype == "fp32" else x.width
        down = t.parameter(fixed(rank * linear.in_features), width, trained=True)
        up = t.parameter(fixed(rank * linear.out_features), width, trained=True)
        inner = op.cast(t, x, width)
        low = op.matmul(
            t, inner, down, times(rows, rank), times(rows, 2.0 * rank * linear.in_features)
        )
        high = op.matmul(
            t,
            low,
            up,
            times(rows, linear.out_features),
            times(rows, 2.0 * rank * linear.out_features),
        )
        out = op.add(t, base, op.scale(t, high))
        t.hold(base)
        return op.cast(t, out, base.width)

    def _product(self, x: Tensor, linear: Linear, rows: Size) -> Tensor:
        t = self.tape
        weight = self.weight(linear.in_features * linear.out_features)
        bias = self.weight(linear.out_features) if linear.bias else None
        out = op.matmul(
            t,
            x,
            weight,
            times(rows, linear.out_features),
            times(rows, 2.0 * linear.in_features * linear.out_features),
            bias=bias if linear.fused_bias else None,
            weight_first=bias is None,
        )
        return out if linear.fused_bias or bias is None else op.add(t, out, bias)

    # ------------------------------------------------------------------ norms

    def norm(self, x: Tensor, norm: Norm | None) -> Tensor:
        """A normalisation, where there is one."""
        if norm is None:
            return x
        t = self.tape
        rows = times(x.elements, 1.0 / norm.width)
        learned = norm.width * (norm.heads if norm.own_weights else 1)
        weight = self.weight(learned) if norm.weight else None
        bias = self.weight(learned) if norm.bias else None
        if norm.kind == "layer" and norm.own_weights:
            return self._layer_norm_by_head(x, norm, rows)
        if norm.kind in ("layer", "layer_plus_one"):
            wide = op.cast(t, x, FP32) if norm.upcast else x
            if norm.kind == "layer_plus_one" and weight is not None:
                weight = op.scale(t, weight)
            out = op.layer_norm_kernel(t, wide, weight, bias, rows)
            return op.cast(t, out, x.width)
        wide = op.cast(t, x, FP32)
        if norm.kind == "mean_wide":
            mean = op.reduce(t, wide, rows)
            variance = op.reduce(t, op.square(t, op.subtract(t, wide, mean)), rows)
            wide = op.subtract(t, wide, mean)
        else:
            variance = op.reduce(t, op.square(t, wide), rows)
        spread = op.pointwise(t, op.scale(t, variance), keeps="output", temporaries=2)
        normed = op.multiply(t, wide, spread)
        if weight is None:
            return op.cast(t, normed, x.width)
        if norm.kind == "rms":
            out = op.multiply(t, weight, op.cast(t, normed, x.width))
            t.hold(normed, variance)
            return out
        if norm.kind in ("rms_plus_one", "mean_wide"):
            weight = op.cast(t, weight, FP32)
        if norm.kind == "rms_plus_one":
            weight = op.scale(t, weight)
        out = op.multiply(t, weight, normed)
        t.hold(normed)
        return op.cast(t, out, x.width)

    def _layer_norm_by_head(self, x: Tensor, norm: Norm, rows: Size) -> Tensor:
        """A layer norm of its own for every head: taken apart, normed, joined."""
        t, one = self.tape, 1.0 / norm.heads
        pieces = op.parts(t, x, [times(x.elements, one)] * norm.heads, together=True)
        return op.join(
            t,
            [
                op.layer_norm_kernel(
                    t,
                    piece,
                    self.weight(norm.width),
                    self.weight(norm.width) if norm.bias else None,
                    times(rows, one),
                )
                for piece in pieces
            ],
        )

    # ------------------------------------------------------------------ elementwise

    def activation(self, x: Tensor, kind: Activation) -> Tensor:
        """The function between the linears of a feed-forward network."""
        t = self.tape
        if kind in ("silu", "gelu", "gelu_tanh"):
            return op.pointwise(t, x, keeps="input")
        if kind == "gelu_bloom":
            return op.pointwise(t, x, keeps="input", temporaries=4, workspace=2)
        if kind == "relu":
            return op.pointwise(t, x, keeps="output")
        if kind == "relu2":
            return op.square(t, op.pointwise(t, x, keeps="output"))
        if kind == "quick_gelu":
            return op.multiply(t, x, op.pointwise(t, op.scale(t, x), keeps="output"))
        if kind in ("gelu_new", "gelu_fast"):
            return self._gelu_by_hand(x)
        return self._xielu(x)

    def _gelu_by_hand(self, x: Tensor) -> Tensor:
        """``0.5 x (1 + tanh(c (x + 0.044715 x^3)))``, an operation at a time."""
        t = self.tape
        half = op.scale(t, x)
        inner = op.add(t, x, op.scale(t, op.square(t, x)))
        curve = op.pointwise(t, op.scale(t, inner), keeps="output")
        return op.multiply(t, half, op.scale(t, curve))

    def _xielu(self, x: Tensor) -> Tensor:
        """The learned activation of Apertus: a square for x > 0, an exponential elsewhere."""
        t = self.tape
        is_positive = t.made(x.elements, 1)
        t.run((), (is_positive,))
        right = op.add(t, op.multiply(t, op.multiply(t, x, self.weight(1)), x), op.scale(t, x))
        curve = op.pointwise(t, op.pointwise(t, x, keeps="input"), keeps="output")
        left = op.multiply(t, op.subtract(t, curve, x), self.weight(1))
        left = op.add(t, left, op.scale(t, x))
        return op.add(t, op.masked(t, right, is_positive), left)

    # ------------------------------------------------------------------ feed-forward

    def mlp(self, x: Tensor, mlp: Mlp, block: Block) -> Tensor:
        """A dense feed-forward network."""
        t = self.tape
        if mlp.layout == "plain":
            inner = self.activation(self.linear(x, mlp.linears[0], block), mlp.activation)
        elif mlp.layout == "gated":
            gate = self.activation(self.linear(x, mlp.linears[0], block), mlp.activation)
            inner = op.multiply(t, gate, self.linear(x, mlp.linears[1], block))
        else:
            both = self.linear(x, mlp.linears[0], block)
            gate, up = op.parts(t, both, [times(both.elements, 0.5)] * 2, together=True)
            inner = op.multiply(t, up, self.activation(gate, mlp.activation))
        out = self.linear(inner, mlp.linears[-1], block)
        t.hold(x)
        return out
