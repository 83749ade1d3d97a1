"""Low-rank adapters: which linears they sit on, and how many parameters they have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from app.estimator.architecture import Architecture, Block
from app.estimator.errors import InvalidSpec
from app.estimator.layers import Linear

ALL_LINEARS = ("all-linear",)
"""Every linear that peft's ``all-linear`` finds; the output head is none of them."""

ATTENTION_LINEARS = ("attention",)
"""Every linear inside the attention module."""

KNOWN_NAMES = (
    "q_proj",
    "k_proj",
    "v_proj",
    "o_proj",
    "gate_proj",
    "up_proj",
    "down_proj",
    "qkv_proj",
    "gate_up_proj",
    "query_key_value",
    "dense",
    "dense_h_to_4h",
    "dense_4h_to_h",
    "c_attn",
    "c_proj",
    "c_fc",
    "out_proj",
    "fc1",
    "fc2",
    "fc_in",
    "fc_out",
    "Wqkv",
    "q_a_proj",
    "q_b_proj",
    "kv_a_proj_with_mqa",
    "kv_b_proj",
    "gate",
    "router",
    "shared_expert_gate",
    "input_linear",
    "output_linear",
    "w1",
    "w2",
    "w3",
    "embed_tokens",
    "lm_head",
)
"""Names that some decoder family has. `Adapters.check` says whether a model has them."""

SERVED = {"q_proj": "q", "k_proj": "k", "v_proj": "v"}

AdapterDtype = Literal["bf16", "fp32"]


def target_names(targets: str) -> tuple[str, ...]:
    """Names of the linears that `targets` stands for, without repetition.

    Parameters
    ----------
    targets : ``all-linear``, ``attention``, or names separated by commas.

    Raises
    ------
    InvalidSpec : an empty list or a name that no decoder has.

    Examples
    --------
    >>> target_names("v_proj, q_proj")
    ('q_proj', 'v_proj')
    """
    if targets in (*ALL_LINEARS, *ATTENTION_LINEARS):
        return (targets,)
    named = {name.strip() for name in targets.split(",") if name.strip()}
    unknown = sorted(named - set(KNOWN_NAMES))
    if unknown or not named:
        raise InvalidSpec(
            f"unknown target {', '.join(unknown) or '(none)'}; use all-linear, attention, or names "
            f"from {', '.join(KNOWN_NAMES)}"
        )
    return tuple(name for name in KNOWN_NAMES if name in named)


@dataclass(frozen=True, slots=True)
class Adapters:
    """LoRA adapters of one rank on the same linears of every block.

    Parameters
    ----------
    rank : inner width. [count] >= 1
    targets : what is adapted, as `target_names` gives it. ``q_proj``, ``k_proj`` and ``v_proj``
        mean the matrix that computes them where the three are fused or latent.
    dtype : of the adapters; peft's own default on a bf16 model is fp32.
    dora : weight-decomposed adapters, with a magnitude for every output.

    References
    ----------
    Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", arXiv:2106.09685, section 4.1;
    Liu et al., "DoRA: Weight-Decomposed Low-Rank Adaptation", arXiv:2402.09353, section 4.
    """

    rank: int
    targets: tuple[str, ...]
    dtype: AdapterDtype = "bf16"
    dora: bool = False

    def __post_init__(self) -> None:
        if self.rank < 1:
            raise InvalidSpec(f"rank must be 1 or more, not {self.rank}")
        target_names(",".join(self.targets))

    def on(self, block: Block) -> tuple[Linear, ...]:
        """The adapted linears of one block.

        Raises
        ------
        InvalidSpec : a part of a fused expert tensor without its other part.
        """
        return tuple(linear for linear in block.linears if self.adapts(linear, block))

    def adapts(self, linear: Linear, block: Block) -> bool:
        """Whether one linear of `block` has an adapter."""
        found = linear.adapter_name
        if not found:
            return False
        if self.targets == ALL_LINEARS:
            return True
        if self.targets == ATTENTION_LINEARS:
            return linear.part == "attention"
        parts = found.split("+")
        named = [part in self.targets for part in parts]
        if any(named) and not all(named):
            raise InvalidSpec(
                f"{' and '.join(parts)} are one tensor in this model; name both or neither"
            )
        return all(named) or self._serves(linear, block)

    def outside(self, architecture: Architecture) -> tuple[Linear, ...]:
        """The adapted table and head, where they are named."""
        outside = architecture.outside
        if self.targets == ALL_LINEARS:
            linears = (outside.project_in, outside.project_out)
            return tuple(linear for linear in linears if linear is not None)
        names = {"embed_tokens": outside.table, "lm_head": outside.head}
        return tuple(linear for name, linear in names.items() if name in self.targets)

    def parameters_per_block(self, block: Block) -> int:
        """Adapter parameters of one block: ``sum of r (in + out)``. [count]"""
        return sum(self._count(linear) for linear in self.on(block))

    def parameter_count(self, architecture: Architecture) -> int:
        """Adapter parameters of the whole model, as peft creates them. [count]

        Raises
        ------
        InvalidSpec : a name that the model does not have.
        """
        self.check(architecture)
        inside = sum(count * self.parameters_per_block(b) for count, b in architecture.groups)
        return inside + sum(self._count(linear) for linear in self.outside(architecture))

    def check(self, architecture: Architecture) -> None:
        """Refuse names that no linear of the model answers to."""
        if self.targets in (ALL_LINEARS, ATTENTION_LINEARS):
            return
        found = set()
        for block in architecture.blocks:
            for linear in self.on(block):
                found |= set(linear.adapter_name.split("+"))
                found |= {name for name, letter in SERVED.items() if letter in linear.serves}
        found |= {"embed_tokens", "lm_head"}
        missing = [name for name in self.targets if name not in found]
        if missing:
            names = {linear.adapter_name for b in architecture.blocks for linear in b.linears}
            has = sorted({part for name in names for part in name.split("+") if part})
            raise InvalidSpec(
                f"{architecture.name} has no {', '.join(missing)}; it has {', '.join(has)}"
            )

    def _serves(self, linear: Linear, block: Block) -> bool:
        """Whether a named projection that the block does not have apart is a part of `linear`."""
        own = {other.name for other in block.linears}
        return any(
            letter in linear.serves and name not in own and name in self.targets
            for name, letter in SERVED.items()
        )

    def _count(self, linear: Linear) -> int:
        magnitude = linear.out_features * linear.copies if self.dora else 0
        return linear.adapter_count(self.rank) + magnitude
