"""FLOP of one training step. One multiply-add is two; matrix products only.

Attention is counted over the full score matrix; a causal kernel does half of it
(`causal_saving_flop`). Forward, backward and recomputation are apart, so that a method's saving can
be seen where it is: adapters save the weight gradients of frozen layers and what lies below the
first adapter, nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from numpy.typing import ArrayLike

from app.estimator.adapters import Adapters
from app.estimator.architecture import Architecture
from app.estimator.profile import evaluate
from app.estimator.sizes import Floats

Attention = Literal["sdpa", "eager"]


@dataclass(frozen=True, slots=True)
class StepFlop:
    """FLOP of one step on one model replica; linear layers and attention apart.

    Parameters
    ----------
    forward, backward, recompute : all products. [FLOP]
    attention_forward, attention_backward, attention_recompute : the score and value products, which
        are part of the above. [FLOP]
    """

    forward: Floats
    backward: Floats
    recompute: Floats
    attention_forward: Floats
    attention_backward: Floats
    attention_recompute: Floats

    @property
    def step(self) -> Floats:
        """All FLOP of the step. [FLOP]"""
        return self.forward + self.backward + self.recompute

    @property
    def attention(self) -> Floats:
        """Score and value products of the whole step, over the full score matrix. [FLOP]"""
        return self.attention_forward + self.attention_backward + self.attention_recompute

    @property
    def linear(self) -> Floats:
        """Everything but attention. [FLOP]"""
        return self.step - self.attention

    @property
    def causal_saving_flop(self) -> Floats:
        """What a kernel saves that skips the masked half of the scores. [FLOP]"""
        return self.attention / 2


def step_flop(
    architecture: Architecture,
    adapters: Adapters | None,
    *,
    sequences: ArrayLike,
    sequence_length: ArrayLike,
    checkpointing: ArrayLike,
    attention: Attention = "sdpa",
) -> StepFlop:
    """FLOP of one step. [FLOP]

    Parameters
    ----------
    adapters : None for full fine-tuning.
    sequences, sequence_length : B sequences of S tokens; scalars or arrays that broadcast. [count]
    checkpointing : 0 none, 1 selective, 2 full; true is full. Scalar or array.
    attention : kernel; where transformers has no fused one for the model, eager is taken.

    Notes
    -----
    A walk over the operations of one block of each kind (`app.estimator.profile`). Backward
    products run where a tensor needs their result, so that nothing runs below the lowest adapter.
    Non-reentrant recomputation stops at the last tensor that is kept. Dropout 0.

    References
    ----------
    Kaplan et al., arXiv:2001.08361, section 2.1 (2 FLOP a weight and token forward, 4 backward);
    Hu et al., arXiv:2106.09685; torch.utils.checkpoint (early stop). Checked against
    torch.utils.flop_counter on transformers and peft models: ``tests/reference/flops.json``.
    """
    rows = evaluate(
        lambda mode, sizes: [sizes @ row for row in (*mode.flop, *mode.attention_flop)],
        architecture,
        adapters,
        sequences=sequences,
        sequence_length=sequence_length,
        checkpointing=checkpointing,
        kernel=attention,
    )
    return StepFlop(*rows)
