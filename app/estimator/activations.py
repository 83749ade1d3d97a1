"""Bytes that autograd keeps between forward and backward, and their peak, in bf16.

The plain stack of transformers and peft modules: unfused normalisation and loss, no dropout.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from app.estimator.adapters import AdapterDtype, Adapters
from app.estimator.architecture import Architecture
from app.estimator.flops import Attention
from app.estimator.profile import Mode, evaluate, largest
from app.estimator.sizes import Floats


@dataclass(frozen=True, slots=True)
class Activations:
    """Activation memory of one model replica.

    Parameters
    ----------
    blocks : kept by the decoder blocks after the forward pass. [bytes]
    head : kept outside the blocks after the forward pass: final norm, loss, tables. [bytes]
    recomputed_block : further bytes alive at most while one block runs backward, and again before
        it where it is checkpointed. [bytes]
    loss : further bytes alive at the peak around the loss, over `blocks` and `head`. [bytes]
    peak : highest bytes alive, without parameters and accumulated gradients. [bytes]
    """

    blocks: Floats
    head: Floats
    recomputed_block: Floats
    loss: Floats
    peak: Floats

    @property
    def saved(self) -> Floats:
        """Alive when the forward pass has ended. [bytes]"""
        return self.blocks + self.head


def activations(
    architecture: Architecture,
    adapters: Adapters | None,
    *,
    sequences: ArrayLike,
    sequence_length: ArrayLike,
    checkpointing: ArrayLike,
    attention: Attention = "sdpa",
    adapter_dtype: AdapterDtype | None = None,
) -> Activations:
    """Activation memory of one micro-batch on one replica. [bytes]

    Parameters
    ----------
    sequences, sequence_length : B sequences of S tokens; scalars or arrays that broadcast.
    checkpointing : 0 none, 1 selective (outputs of products are kept), 2 full (the input of each
        block is kept); true is full. Scalar or array.
    attention : kernel; where transformers has no fused one for the model, eager is taken.
    adapter_dtype : of the adapters, where it is not that of `adapters`.

    Notes
    -----
    A walk over the operations of one block of each kind (`app.estimator.profile`).

    References
    ----------
    Korthikanti et al., "Reducing Activation Recomputation in Large Transformer Models",
    arXiv:2205.05198, sections 4 and 5, for the method of counting; what each operation keeps is
    checked tensor by tensor in ``tests/reference/activations.json``.
    """
    if adapters is not None and adapter_dtype is not None:
        adapters = replace(adapters, dtype=adapter_dtype)
    blocks, head, block, loss, peak = evaluate(
        _figures,
        architecture,
        adapters,
        sequences=sequences,
        sequence_length=sequence_length,
        checkpointing=checkpointing,
        kernel=attention,
    )
    return Activations(blocks, head, block, loss, peak)


def saved_bytes_per_token(
    architecture: Architecture,
    adapters: Adapters | None,
    sequence_length: ArrayLike,
    attention: Attention = "sdpa",
) -> Floats:
    """What a block keeps per token without checkpointing, on average. [bytes/token]"""
    length = np.asarray(sequence_length, dtype=np.float64)
    kept = activations(
        architecture,
        adapters,
        sequences=1,
        sequence_length=length,
        checkpointing=0,
        attention=attention,
    )
    return kept.blocks / (architecture.num_hidden_layers * length)


def _figures(mode: Mode, sizes: Floats) -> list[Floats]:
    """The fields of `Activations`, in their order."""
    blocks, head = sizes @ mode.blocks, sizes @ mode.ends
    in_a_block = np.maximum(largest(mode.block_peaks, sizes), 0.0)
    around_loss = np.maximum(largest(mode.loss_peaks, sizes) - head, 0.0)
    return [blocks, head, in_a_block, around_loss, largest(mode.peaks, sizes)]
