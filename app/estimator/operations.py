"""The operations of torch that decoders are made of: what each keeps, and how it goes backward.

Each function puts one operation on a tape. What is kept and what a backward pass makes on its way
are those of torch 2.13 (``derivatives.yaml`` and the kernels that a bf16 model runs), read from the
dispatched operations of small models.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.estimator.sizes import Size, per_token, plus, times
from app.estimator.tape import Gradients, Raw, Replay, Tape, Tensor

FP32 = 4
BF16 = 2


def broadcast(a: Size, b: Size) -> Size:
    """Elements of two tensors together: those of the one that depends on more."""
    return max(a, b, key=lambda size: size[::-1])


def cast(t: Tape, x: Tensor, width: int) -> Tensor:
    """To another type; the same tensor where it has it already."""
    if x.width == width:
        return x
    out = t.made(x.elements, width)

    def rule(r: Replay, _: tuple[int, ...]) -> Gradients:
        return (r.new(x.size),)

    t.run((x,), (out,), (), rule)
    return out


def copy(t: Tape, x: Tensor, elements: Size | None = None) -> Tensor:
    """A copy in another layout, repeated where `elements` says so."""
    out = t.made(x.elements if elements is None else elements, x.width)
    repeated = out.elements != x.elements

    def rule(r: Replay, g: tuple[int, ...]) -> Gradients:
        return (r.new(x.size) if repeated else r.passed_on(g[0]),)

    t.run((x,), (out,), (), rule)
    return out


def add(t: Tape, x: Tensor, y: Tensor) -> Tensor:
    """A sum; keeps nothing."""
    elements = broadcast(x.elements, y.elements)
    width = max(x.width, y.width)
    out = t.made(elements, width)

    def rule(r: Replay, g: tuple[int, ...]) -> Gradients:
        return [Raw(r.passed_on(g[0]), elements, width) if z.needs_grad else None for z in (x, y)]

    t.run((x, y), (out,), (), rule)
    return out


def subtract(t: Tape, x: Tensor, y: Tensor) -> Tensor:
    """A difference; keeps nothing, and makes a negative gradient for the second."""
    out = t.made(x.elements, x.width)

    def rule(r: Replay, g: tuple[int, ...]) -> Gradients:
        first = r.passed_on(g[0]) if x.needs_grad else None
        return first, Raw(r.new(x.size), x.elements, x.width) if y.needs_grad else None

    t.run((x, y), (out,), (), rule)
    return out


def multiply(t: Tape, x: Tensor, y: Tensor) -> Tensor:
    """A product, element by element; keeps each factor that the other's gradient needs."""
    elements = broadcast(x.elements, y.elements)
    width = max(x.width, y.width)
    out = t.made(elements, width)
    saved = [b for a, b in ((x, y), (y, x)) if a.needs_grad]

    def rule(r: Replay, _: tuple[int, ...]) -> Gradients:
        raw = [r.new(out.size) if z.needs_grad else None for z in (x, y)]
        return [None if g is None else Raw(g, elements, width) for g in raw]

    t.run((x, y), (out,), saved, rule)
    return out


def scale(t: Tape, x: Tensor) -> Tensor:
    """A product with, or quotient by, a number of the program; keeps nothing."""
    out = t.made(x.elements, x.width)

    def rule(r: Replay, _: tuple[int, ...]) -> Gradients:
        return (r.new(x.size),)

    t.run((x,), (out,), (), rule)
    return out


def pointwise(
    t: Tape, x: Tensor, *, keeps: str, temporaries: int = 0, workspace: int = 0
) -> Tensor:
    """A function of one tensor.

    Parameters
    ----------
    keeps : ``input``, ``output``, or blank for nothing.
    temporaries, workspace : further tensors of that size that the backward and the forward pass
        make on their way. [count]
    """
    out = t.made(x.elements, x.width)

    def rule(r: Replay, _: tuple[int, ...]) -> Gradients:
        on_the_way = [r.new(x.size) for _ in range(temporaries)]
        gradient = r.new(x.size)
        for storage in on_the_way:
            r.drop(storage)
        return (gradient,)

    kept = {"input": (x,), "output": (out,)}.get(keeps, ())
    t.run((x,), (out,), kept, rule, workspace=times(x.size, workspace))
    return out


def masked(t: Tape, x: Tensor, mask: Tensor) -> Tensor:
    """A copy with some values replaced; keeps the mask."""
    out = t.made(x.elements, x.width)

    def rule(r: Replay, _: tuple[int, ...]) -> Gradients:
        return r.new(x.size), None

    t.run((x, mask), (out,), (mask,), rule)
    return out


def clamp_in_place(t: Tape, x: Tensor) -> Tensor:
    """Clipped where it lies; a copy of what it was is kept."""
    before = t.made(x.elements, x.width)
    t.run((), (before,))
    out = t.view(x, x.elements)

    def rule(r: Replay, _: tuple[int, ...]) -> Gradients:
        return r.new(x.size), None

    t.run((x, before), (out,), (before,), rule)
    return out


def square(t: Tape, x: Tensor) -> Tensor:
    """The second power; backward makes the first power and its double on the way."""
    return pointwise(t, x, keeps="input", temporaries=2)


def reduce(t: Tape, x: Tensor, elements: Size, *, is_view: bool = False) -> Tensor:
    """A sum or mean along an axis; keeps nothing.

    Parameters
    ----------
    is_view : its gradient is a view of the incoming one, repeated; otherwise it is made.
    """
    out = t.made(elements, x.width)

    def rule(r: Replay, g: tuple[int, ...]) -> Gradients:
        return (r.passed_on(g[0]) if is_view else r.new(x.size),)

    t.run((x,), (out,), (), rule)
    return out


def parts(
    t: Tape, x: Tensor, sizes: Sequence[Size], *, together: bool, copies: bool = False
) -> tuple[Tensor, ...]:
    """Views of parts of a tensor.

    Parameters
    ----------
    together : one operation makes all (``split``), and its backward pass joins the gradients;
        otherwise each is one (``slice``, ``select``), whose gradient is padded to the whole.
    copies : the parts are copies (indexing by a list).
    """
    outs = tuple(t.made(s, x.width) if copies else t.view(x, s) for s in sizes)
    if together:

        def joined(r: Replay, _: tuple[int, ...]) -> Gradients:
            return (r.new(x.size),)

        t.run((x,), outs, (), joined)
        return outs
    for out in outs:

        def padded(r: Replay, _: tuple[int, ...]) -> Gradients:
            return (r.new(x.size),)

        t.run((x,), (out,), (), padded)
    return outs


def join(t: Tape, pieces: Sequence[Tensor]) -> Tensor:
    """Tensors side by side; their gradients are views of the incoming one."""
    elements = pieces[0].elements
    for piece in pieces[1:]:
        elements = plus(elements, piece.elements)
    out = t.made(elements, max(piece.width for piece in pieces))

    def rule(r: Replay, g: tuple[int, ...]) -> Gradients:
        return [
            Raw(r.passed_on(g[0]), piece.elements, out.width) if piece.needs_grad else None
            for piece in pieces
        ]

    t.run(tuple(pieces), (out,), (), rule)
    return out


def matmul(
    t: Tape,
    x: Tensor,
    weight: Tensor,
    out_elements: Size,
    flop: Size,
    *,
    bias: Tensor | None = None,
    weight_first: bool = True,
) -> Tensor:
    """A matrix product with a parameter.

    Parameters
    ----------
    flop : of the forward product; each gradient takes as much again. [FLOP]
    weight_first : the gradient of the weight is made before that of `x`.
    """
    width = x.width
    out = t.made(out_elements, width)
    saved = ([x] if weight.needs_grad else []) + ([weight] if x.needs_grad else [])
    inputs = (x, weight) if bias is None else (x, weight, bias)

    def rule(r: Replay, _: tuple[int, ...]) -> Gradients:
        made: dict[int, int] = {}
        order = (weight, x) if weight_first else (x, weight)
        for tensor in order:
            if tensor.needs_grad:
                made[tensor.name] = r.new(times(tensor.elements, width))
        if bias is not None and bias.needs_grad:
            made[bias.name] = r.new(times(bias.elements, width))
        return [Raw(made[z.name], z.elements, width) if z.name in made else None for z in inputs]

    times_back = int(weight.needs_grad) + int(x.needs_grad)
    t.run(
        inputs,
        (out,),
        saved,
        rule,
        product="matrix",
        flop=flop,
        backward_flop=times(flop, times_back),
    )
    return out


def bmm(t: Tape, x: Tensor, y: Tensor, out_elements: Size, flop: Size) -> Tensor:
    """A batch of matrix products of two activations; keeps each for the other's gradient."""
    width = max(x.width, y.width)
    out = t.made(out_elements, width)
    saved = [b for a, b in ((x, y), (y, x)) if a.needs_grad]

    def rule(r: Replay, _: tuple[int, ...]) -> Gradients:
        return [r.new(z.size) if z.needs_grad else None for z in (x, y)]

    t.run(
        (x, y),
        (out,),
        saved,
        rule,
        product="attention",
        flop=flop,
        backward_flop=times(flop, int(x.needs_grad) + int(y.needs_grad)),
    )
    return out


def flash_attention(
    t: Tape,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    heads: int,
    out_elements: Size,
    flop: Size,
    mask: Tensor | None = None,
) -> Tensor:
    """The fused kernel: keeps its inputs, its output and a scale a head; all gradients or none.

    References
    ----------
    Dao et al., "FlashAttention", arXiv:2205.14135, algorithm 4: five products backward, for the
    scores are computed again.
    """
    out = t.made(out_elements, query.width)
    scales = t.made(per_token(heads), FP32)

    def rule(r: Replay, _: tuple[int, ...]) -> Gradients:
        made = [r.new(z.size) for z in (query, key, value)]
        for gradient, z in zip(made, (query, key, value), strict=True):
            if not z.needs_grad:
                r.drop(gradient)
        gradients: list[int | None] = [
            g if z.needs_grad else None for g, z in zip(made, (query, key, value), strict=True)
        ]
        return gradients if mask is None else [*gradients, None]

    masks = () if mask is None else (mask,)
    t.run(
        (query, key, value, *masks),
        (out, scales),
        (query, key, value, *masks, out, scales),
        rule,
        product="attention",
        flop=flop,
        backward_flop=times(flop, 2.5),
    )
    return out


def softmax(t: Tape, x: Tensor, width: int) -> Tensor:
    """Probabilities in a wider or the same type; the input is cast first, and not kept."""
    return pointwise(t, cast(t, x, width), keeps="output")


def layer_norm_kernel(
    t: Tape, x: Tensor, weight: Tensor | None, bias: Tensor | None, rows: Size
) -> Tensor:
    """Torch's layer norm: keeps its input and two statistics a row."""
    out = t.made(x.elements, x.width)
    mean, spread = t.made(rows, x.width), t.made(rows, x.width)
    learned = tuple(z for z in (weight, bias) if z is not None)

    def rule(r: Replay, _: tuple[int, ...]) -> Gradients:
        made: list[int | None] = [r.new(z.size) if z.needs_grad else None for z in (x, *learned)]
        return made

    t.run((x, *learned), (out, mean, spread), (x, mean, spread), rule)
    return out
