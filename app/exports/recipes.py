"""Launch recipes: the chosen plan as files that a training stack reads.

Option names were read in the released packages that each recipe names; a stack that cannot do what
the estimate assumed is said so, setting by setting.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from types import MappingProxyType

from app.exports.recipe import (
    InvalidRecipe,
    Ledger,
    Recipe,
    RecipeFile,
    RecipeInput,
    Setting,
)
from app.exports.recipe_megatron import megatron_recipe
from app.exports.recipe_torchtitan import torchtitan_recipe
from app.exports.recipe_torchtune import torchtune_recipe
from app.exports.recipe_transformers import transformers_recipe
from app.exports.recipe_unsloth import unsloth_recipe

__all__ = [
    "InvalidRecipe",
    "Recipe",
    "RecipeFile",
    "RecipeInput",
    "Setting",
    "launch_recipe",
    "recipe_of",
]


def _native(recipe: RecipeInput) -> Recipe:
    ledger = Ledger(recipe)
    why = "no recipe: every hand-written program has settings of its own"
    for field in fields(recipe):
        ledger.missing(field.name, why)
    return ledger.finished((), f"Hand-written CUDA: {why}. The settings that were assumed:")


_STACKS: Mapping[str, Callable[[RecipeInput], Recipe]] = MappingProxyType(
    {
        "transformers": transformers_recipe,
        "transformers-fused": transformers_recipe,
        "torchtune": torchtune_recipe,
        "fsdp": torchtitan_recipe,
        "megatron": megatron_recipe,
        "unsloth": unsloth_recipe,
        "native": _native,
    }
)


def recipe_of(recipe: RecipeInput) -> Recipe:
    """The recipe of a plan for its stack."""
    return _STACKS[recipe.stack](recipe)


def launch_recipe(recipe: RecipeInput) -> tuple[RecipeFile, ...]:
    """The files of the recipe, `settings.txt` first: where each setting is said.

    Examples
    --------
    >>> from app.exports.recipe import EXAMPLE
    >>> [file.name for file in launch_recipe(EXAMPLE)]
    ['settings.txt', 'launch.sh', 'accelerate.yaml', 'train.py']
    """
    return recipe_of(recipe).files
