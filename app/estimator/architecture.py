"""The shape of a gated dense decoder, and its exact parameter counts.

Covered: pre-norm decoders with grouped-query attention and a gated (three-matrix) feed-forward
network: Llama 2 and 3, Mistral, Qwen2 and 2.5, Qwen3, SmolLM2 and models with the same modules.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.estimator.errors import InvalidSpec


@dataclass(frozen=True, slots=True)
class Linear:
    """One linear layer of a decoder block: ``y = x W^T (+ b)``."""

    name: str
    in_features: int
    out_features: int
    bias: bool

    @property
    def weight_count(self) -> int:
        """Weights without bias. [count]"""
        return self.in_features * self.out_features

    @property
    def parameter_count(self) -> int:
        """Weights and bias. [count]"""
        return self.weight_count + (self.out_features if self.bias else 0)


@dataclass(frozen=True, slots=True)
class Architecture:
    """A gated dense decoder, in the field names of a Hugging Face ``config.json``.

    Parameters
    ----------
    hidden_size, intermediate_size, vocab_size : widths. [count]
    num_hidden_layers : decoder blocks. [count]
    num_attention_heads, num_key_value_heads, head_dim : attention shape. [count]
    tie_word_embeddings : the output head shares the token table.
    qkv_bias, output_bias, mlp_bias : biases of the linears.
    qk_norm : an RMSNorm of width `head_dim` on queries and on keys (Qwen3).
    max_position_embeddings : longest sequence the checkpoint was made for. [tokens]

    Examples
    --------
    >>> llama = Architecture("meta-llama/Meta-Llama-3.1-8B", "llama", 4096, 14336, 32, 32, 8, 128,
    ...                      128256, False)
    >>> llama.parameter_count
    8030261248
    """

    name: str
    model_type: str
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    vocab_size: int
    tie_word_embeddings: bool
    qkv_bias: bool = False
    output_bias: bool = False
    mlp_bias: bool = False
    qk_norm: bool = False
    max_position_embeddings: int | None = None

    def __post_init__(self) -> None:
        for field in (
            "hidden_size",
            "intermediate_size",
            "num_hidden_layers",
            "num_attention_heads",
            "num_key_value_heads",
            "head_dim",
            "vocab_size",
        ):
            if getattr(self, field) < 1:
                raise InvalidSpec(f"{field} must be 1 or more, not {getattr(self, field)}")
        if self.num_attention_heads % self.num_key_value_heads:
            raise InvalidSpec(
                f"num_attention_heads ({self.num_attention_heads}) must be a multiple of "
                f"num_key_value_heads ({self.num_key_value_heads})"
            )

    @property
    def query_width(self) -> int:
        """Width of all query heads together. [count]"""
        return self.num_attention_heads * self.head_dim

    @property
    def key_value_width(self) -> int:
        """Width of all key heads together, equal to that of the values. [count]"""
        return self.num_key_value_heads * self.head_dim

    @property
    def linears(self) -> tuple[Linear, ...]:
        """The linear layers of one block, in the order in which they run."""
        h, i, q, kv = (
            self.hidden_size,
            self.intermediate_size,
            self.query_width,
            self.key_value_width,
        )
        return (
            Linear("q_proj", h, q, self.qkv_bias),
            Linear("k_proj", h, kv, self.qkv_bias),
            Linear("v_proj", h, kv, self.qkv_bias),
            Linear("o_proj", q, h, self.output_bias),
            Linear("gate_proj", h, i, self.mlp_bias),
            Linear("up_proj", h, i, self.mlp_bias),
            Linear("down_proj", i, h, self.mlp_bias),
        )

    @property
    def linear_weight_count(self) -> int:
        """Weights of all linears of one block, without biases. [count]"""
        return sum(linear.weight_count for linear in self.linears)

    @property
    def block_parameter_count(self) -> int:
        """Parameters of one block: linears, biases and norms. [count]"""
        norms = 2 * self.hidden_size + (2 * self.head_dim if self.qk_norm else 0)
        return sum(linear.parameter_count for linear in self.linears) + norms

    @property
    def embedding_count(self) -> int:
        """Parameters of the token table. [count]"""
        return self.vocab_size * self.hidden_size

    @property
    def head_count(self) -> int:
        """Parameters of the output head; 0 where it shares the token table. [count]"""
        return 0 if self.tie_word_embeddings else self.embedding_count

    @property
    def parameter_count(self) -> int:
        """Distinct parameters of the whole model. [count]

        Notes
        -----
        Equal to the sum over distinct parameters of transformers'
        ``AutoModelForCausalLM.from_config`` for the families that this module covers
        (``tests/reference/parameters.json``).
        """
        return (
            self.embedding_count
            + self.head_count
            + self.num_hidden_layers * self.block_parameter_count
            + self.hidden_size  # final norm
        )

    @property
    def quantizable_count(self) -> int:
        """Weights that 4-bit loading quantizes: the blocks' linears, not table, head or norms.

        References
        ----------
        bitsandbytes integration of transformers (``replace_with_bnb_linear``): every ``nn.Linear``
        except the output head.
        """
        return self.num_hidden_layers * self.linear_weight_count
