"""Low-rank adapters: which linears they sit on, and how many parameters they have."""

from __future__ import annotations

from dataclasses import dataclass

from app.estimator.architecture import Architecture, Linear
from app.estimator.errors import InvalidSpec

ATTENTION_LINEARS = ("q_proj", "k_proj", "v_proj", "o_proj")
ALL_LINEARS = (*ATTENTION_LINEARS, "gate_proj", "up_proj", "down_proj")


def target_names(targets: str) -> tuple[str, ...]:
    """Names of the linears that `targets` stands for, in the order of the block.

    Parameters
    ----------
    targets : ``all-linear``, ``attention``, or names separated by commas.

    Raises
    ------
    InvalidSpec : an empty list or a name that the block does not have.

    Examples
    --------
    >>> target_names("v_proj, q_proj")
    ('q_proj', 'v_proj')
    """
    if targets == "all-linear":
        return ALL_LINEARS
    if targets == "attention":
        return ATTENTION_LINEARS
    named = {name.strip() for name in targets.split(",") if name.strip()}
    unknown = sorted(named - set(ALL_LINEARS))
    if unknown or not named:
        raise InvalidSpec(
            f"unknown target {', '.join(unknown) or '(none)'}; use all-linear, attention, or names "
            f"from {', '.join(ALL_LINEARS)}"
        )
    return tuple(name for name in ALL_LINEARS if name in named)


@dataclass(frozen=True, slots=True)
class Adapters:
    """LoRA adapters of one rank on the same linears of every block.

    Parameters
    ----------
    rank : inner width. [count] >= 1
    targets : names of the adapted linears, as `target_names` gives them.

    References
    ----------
    Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", arXiv:2106.09685, section 4.1.
    """

    rank: int
    targets: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.rank < 1:
            raise InvalidSpec(f"rank must be 1 or more, not {self.rank}")
        target_names(",".join(self.targets))

    def on(self, architecture: Architecture) -> tuple[Linear, ...]:
        """The adapted linears of one block."""
        return tuple(linear for linear in architecture.linears if linear.name in self.targets)

    def parameters_per_block(self, architecture: Architecture) -> int:
        """Adapter parameters of one block: ``sum of r (in + out)``. [count]"""
        return self.rank * sum(
            linear.in_features + linear.out_features for linear in self.on(architecture)
        )

    def parameter_count(self, architecture: Architecture) -> int:
        """Adapter parameters of the whole model, as peft creates them. [count]"""
        return architecture.num_hidden_layers * self.parameters_per_block(architecture)
