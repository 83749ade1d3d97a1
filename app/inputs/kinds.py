"""What the fields are made of: kinds of value, forms of text, and what all parts have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from app.estimator.methods import LABELS

Method = Literal["full", "lora", "qlora"]
StackKey = Literal[
    "transformers", "transformers-fused", "torchtune", "fsdp", "megatron", "unsloth", "native"
]
Situation = Literal["blank", "deep-domain", "controlled-behaviour", "core-product"]

TASK_GROUP_LABELS: Mapping[str, str] = {
    "narrow": "Narrow task: extraction, classification, SQL, summaries, a fixed format",
    "general": "General instruction following, chat",
    "skill": "A skill: code or mathematics",
    "far": "Far domain or new language: specialist knowledge that the base model lacks",
    "continued": "Continued pretraining on a large raw corpus",
    "rl": "Reinforcement learning from verifiable rewards",
}
METHOD_LABELS = LABELS
LORA_TARGET_CHOICES = ("all-linear", "attention", "q_proj,v_proj")

PRICE_BOOK_PATTERN = r"^([A-Za-z0-9_-]{32}(@[1-9][0-9]{0,8})?)?$"
"""Nothing for the built-in prices, or the key of a price book, with ``@`` and its version where the
scenario is pinned to one."""

CURRENCY_PATTERN = r"^[A-Z]{3}$"

MONTH_PATTERN = r"^((19|20|21)[0-9]{2}-(0[1-9]|1[0-2]))?$"
"""Nothing, or a month as 2027-01."""

Name = Annotated[str, Field(max_length=200)]
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
Usd = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]


def none_if_blank(value: object) -> object:
    """A form sends a field that was left blank as an empty text."""
    return None if isinstance(value, str) and not value.strip() else value


UsdOrBlank = Annotated[Usd | None, BeforeValidator(none_if_blank)]
"""An amount that may be left out, where 0 is one as well."""


class Fields(BaseModel):
    """The fields of one subject."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        str_strip_whitespace=True,
        str_max_length=20_000,
        protected_namespaces=(),
    )
