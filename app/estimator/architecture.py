"""A decoder as runs of equal blocks and the parts outside them, and its counts.

A description says which layers there are and how they are joined; it holds no formulas. Counts are
sums over it. FLOP and bytes come from running it op by op (`app.estimator.profile`). How a Hugging
Face configuration becomes a description is the business of ``app/catalog/families``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from app.estimator.errors import InvalidSpec
from app.estimator.layers import Attention, Experts, Linear, Mlp, Norm


@dataclass(frozen=True, slots=True)
class Block:
    """One decoder block: attention and a feed-forward network around a residual stream.

    Parameters
    ----------
    wiring : ``sequential`` one after the other; ``parallel`` both on the same input; ``post`` with
        the norm on the sum (OPT-350m).
    attention_norm, mlp_norm : norms before each part; a parallel block without `mlp_norm` shares
        the first.
    attention_post_norm, mlp_post_norm : norms on what each part returns.
    residual_multiplier : what each part returns is scaled.
    """

    attention: Attention
    mlp: Mlp | Experts
    attention_norm: Norm | None = None
    mlp_norm: Norm | None = None
    attention_post_norm: Norm | None = None
    mlp_post_norm: Norm | None = None
    wiring: Literal["sequential", "parallel", "post"] = "sequential"
    residual_multiplier: bool = False

    @property
    def linears(self) -> tuple[Linear, ...]:
        """All linears, attention first."""
        return (*self.attention.linears, *self.mlp.linears)

    @property
    def norms(self) -> tuple[Norm, ...]:
        """All norms."""
        every = (
            self.attention_norm,
            self.attention.query_norm,
            self.attention.key_norm,
            self.attention_post_norm,
            self.mlp_norm,
            self.mlp_post_norm,
        )
        return tuple(norm for norm in every if norm is not None)

    @property
    def is_moe(self) -> bool:
        """Whether the feed-forward network is a mixture of experts."""
        return isinstance(self.mlp, Experts)

    @property
    def linear_weight_count(self) -> int:
        """Weights of all linears, without biases. [count]"""
        return sum(linear.weight_count for linear in self.linears)

    @property
    def parameter_count(self) -> int:
        """All parameters. [count]"""
        return (
            sum(linear.parameter_count for linear in self.linears)
            + sum(norm.parameter_count for norm in self.norms)
            + self.attention.extra_count
            + self.mlp.extra_count
        )

    @property
    def active_parameter_count(self) -> int:
        """Parameters that one token meets: all but the experts that it does not visit. [count]"""
        unvisited = sum(x.parameter_count - x.active_parameter_count for x in self.linears)
        return self.parameter_count - unvisited

    @property
    def expert_weight_count(self) -> int:
        """Weights of the routed experts, without biases. [count]"""
        return sum(linear.weight_count for linear in self.linears if linear.part == "experts")

    @property
    def quantizable_count(self) -> int:
        """Weights that 4-bit loading quantizes: ``nn.Linear`` modules, not fused experts. [count]

        References
        ----------
        bitsandbytes integration of transformers (``replace_with_bnb_linear``): every ``nn.Linear``
        and ``Conv1D`` except the output head; experts and routers are bare parameters.
        """
        return sum(
            linear.weight_count for linear in self.linears if linear.part in ("attention", "mlp")
        )


@dataclass(frozen=True, slots=True)
class Outside:
    """What is not in a block: token table, positions, first and last norm, head, loss.

    Parameters
    ----------
    table : the token table, with `in_features` words.
    head : the output head; its weights are those of the table where they are tied.
    positions : learned positions. [count]
    embedding_norm, final_norm : None where there is none.
    project_in, project_out : linears between a narrow table and the blocks (OPT-350m).
    embedding_multiplier : embeddings are scaled, inside the table's module or behind it.
    logit_multiplier, logit_softcap : logits are scaled, or capped by tanh.
    hidden_size : width of the residual stream. [count]
    """

    table: Linear
    head: Linear
    positions: int = 0
    embedding_norm: Norm | None = None
    final_norm: Norm | None = None
    project_in: Linear | None = None
    project_out: Linear | None = None
    embedding_multiplier: Literal["", "inside", "outside"] = ""
    logit_multiplier: bool = False
    logit_softcap: bool = False
    hidden_size: int = 0


@dataclass(frozen=True, slots=True)
class Architecture:
    """A decoder: runs of equal blocks, and the parts outside them.

    Parameters
    ----------
    name : what to call the model.
    model_type : the family's name in transformers.
    hidden_size, vocab_size : [count]
    tie_word_embeddings : the output head shares the token table.
    groups : runs of equal blocks in order, each with its length.
    outside : what is not in a block.
    max_position_embeddings : longest sequence the checkpoint was made for. [tokens]
    """

    name: str
    model_type: str
    hidden_size: int
    vocab_size: int
    tie_word_embeddings: bool
    groups: tuple[tuple[int, Block], ...]
    outside: Outside
    max_position_embeddings: int | None = None
    _hash: int = field(init=False, repr=False, compare=False, default=0)

    def __post_init__(self) -> None:
        if not self.groups or any(count < 1 for count, _ in self.groups):
            raise InvalidSpec("num_hidden_layers must be 1 or more")
        shape = (self.groups, self.outside, self.tie_word_embeddings)
        object.__setattr__(self, "_hash", hash((self.name, self.model_type, shape)))

    def __hash__(self) -> int:
        return self._hash

    @property
    def num_hidden_layers(self) -> int:
        """Decoder blocks. [count]"""
        return sum(count for count, _ in self.groups)

    @property
    def blocks(self) -> dict[Block, int]:
        """Each different block and how many there are of it. [count]"""
        found: dict[Block, int] = {}
        for count, block in self.groups:
            found[block] = found.get(block, 0) + count
        return found

    @property
    def largest_block(self) -> Block:
        """The block with the most parameters."""
        return max(self.blocks, key=lambda block: block.parameter_count)

    @property
    def linear_weight_count(self) -> int:
        """Weights of all linears of all blocks, without biases. [count]"""
        return sum(n * block.linear_weight_count for n, block in self.groups)

    @property
    def quantizable_count(self) -> int:
        """Weights that 4-bit loading quantizes: the blocks' linear modules. [count]"""
        return sum(n * block.quantizable_count for n, block in self.groups)

    @property
    def embedding_count(self) -> int:
        """Parameters of the token table. [count]"""
        return self.outside.table.weight_count

    @property
    def head_count(self) -> int:
        """Parameters of the output head; its bias alone where it shares the token table. [count]"""
        head = self.outside.head
        shared = head.weight_count if self.tie_word_embeddings else 0
        return head.parameter_count - shared

    @property
    def outside_count(self) -> int:
        """Parameters outside the blocks, head and table included. [count]"""
        o = self.outside
        parts = (o.embedding_norm, o.final_norm, o.project_in, o.project_out)
        return (
            self.embedding_count
            + self.head_count
            + o.positions * self.hidden_size
            + sum(part.parameter_count for part in parts if part is not None)
        )

    @property
    def parameter_count(self) -> int:
        """Distinct parameters of the whole model. [count]

        Notes
        -----
        Equal to the sum over distinct parameters of transformers'
        ``AutoModelForCausalLM.from_config`` (``tests/reference/parameters.json``).
        """
        return self.outside_count + sum(n * b.parameter_count for n, b in self.groups)

    @property
    def active_parameter_count(self) -> int:
        """Parameters less the experts that a token does not visit. [count]"""
        return self.outside_count + sum(n * b.active_parameter_count for n, b in self.groups)
