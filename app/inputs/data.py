"""The model that is tuned, and the data that it is tuned on."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from app.inputs.config_text import config_from_text
from app.inputs.kinds import Fields


class DataFields(Fields):
    """Base model, training set, and how examples become sequences."""

    model: str = Field(
        "meta-llama/Meta-Llama-3.1-8B",
        min_length=1,
        max_length=200,
        title="Base model",
        description="A built-in model, or any name when a config.json is given below.",
    )
    config_json: Annotated[dict[str, Any] | None, BeforeValidator(config_from_text)] = Field(
        None,
        title="config.json",
        description="Optional: the Hugging Face config.json of a model that is not listed. It "
        "replaces the model chosen above.",
    )
    examples: int = Field(
        50_000,
        ge=1,
        le=10_000_000_000,
        title="Training examples",
        description="Documents or conversations in the training set.",
    )
    tokens_per_example: int = Field(
        900,
        ge=1,
        le=10_000_000,
        title="Tokens per example",
        description="Mean length. English: about 1.3 tokens a word.",
        json_schema_extra={"unit": "tokens"},
    )
    epochs: float = Field(
        3,
        gt=0,
        le=1_000,
        allow_inf_nan=False,
        title="Epochs",
        description="How often each example is seen in one run.",
    )
    sequence_length: int = Field(
        2048,
        ge=64,
        le=131_072,
        title="Sequence length",
        description="Longest sequence; longer examples are cut.",
        json_schema_extra={"unit": "tokens"},
    )
    global_batch_sequences: int = Field(
        64,
        ge=1,
        le=65_536,
        title="Global batch",
        description="Sequences per optimizer step, over all GPUs.",
        json_schema_extra={"unit": "sequences"},
    )

    packing: Literal["wrapped", "packed", "grouped", "padded", "padded-to-max"] = Field(
        "wrapped",
        title="How examples become sequences",
        description="Wrapped and packed sequences hold no padding, or little; padded ones compute "
        "padding like text.",
    )
    longest_example_tokens: int = Field(
        0,
        ge=0,
        le=10_000_000,
        title="Longest usual example",
        description="The length that 95% of the examples stay below; 0 if you do not know. It says "
        "how much is padded or cut.",
        json_schema_extra={"unit": "tokens"},
    )
    lengths: str = Field(
        "",
        max_length=20_000,
        title="Lengths of your examples",
        description="Optional: one length a line, or a length and how many examples have it. It "
        "replaces the two figures above.",
    )
    evaluation_examples: int = Field(
        500,
        ge=0,
        le=10_000_000,
        title="Evaluation set during training",
        description="Examples that are scored in one evaluation pass.",
        json_schema_extra={"unit": "examples"},
    )
    evaluations_per_run: int = Field(
        3,
        ge=0,
        le=10_000,
        title="Evaluation passes",
        description="In one run.",
        json_schema_extra={"unit": "a run"},
    )
    train_embeddings: bool = Field(
        False,
        title="Adapters train the token table and head too",
        description="Needed where new words are added; each is trained on a copy of its own.",
    )
