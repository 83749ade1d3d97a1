"""Outside the blocks: adapters on table and head, and what a tied table costs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.catalog.config_json import architecture_from_config
from app.estimator.activations import Activations, activations
from app.estimator.adapters import Adapters, target_names
from app.estimator.architecture import Architecture
from app.estimator.flops import StepFlop, step_flop

SMALL: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "reference" / "small_configs.json").read_text()
)
LLAMA = architecture_from_config("llama", SMALL["llama"])
TOKENS = 2 * 48


def kept(architecture: Architecture, targets: str) -> Activations:
    adapters = Adapters(8, target_names(targets))
    return activations(architecture, adapters, sequences=2, sequence_length=48, checkpointing=0)


def flop(targets: str) -> StepFlop:
    adapters = Adapters(8, target_names(targets))
    return step_flop(LLAMA, adapters, sequences=2, sequence_length=48, checkpointing=0)


def test_an_adapted_head_needs_no_gradient_below_itself() -> None:
    head, width = flop("lm_head"), LLAMA.hidden_size + LLAMA.vocab_size
    plain = step_flop(LLAMA, None, sequences=2, sequence_length=48, checkpointing=0)
    assert float(head.forward - plain.forward) == 2 * TOKENS * 8 * width
    # Back through B to A, and both gradients of weights: three of the four products.
    assert float(head.backward) == 2 * TOKENS * 8 * (2 * LLAMA.vocab_size + LLAMA.hidden_size)
    assert float(kept(LLAMA, "lm_head").blocks) == 0


def test_an_adapted_table_sends_gradients_through_every_block() -> None:
    table, attention = flop("embed_tokens"), flop("attention")
    assert float(table.backward) > float(attention.backward) * 0.9
    assert float(kept(LLAMA, "embed_tokens").blocks) > 0


@pytest.mark.parametrize("targets", ["embed_tokens", "lm_head"])
def test_both_are_outside_the_blocks(targets: str) -> None:
    adapters = Adapters(8, target_names(targets))
    assert not adapters.on(LLAMA.largest_block)
    assert len(adapters.outside(LLAMA)) == 1


def test_two_gradients_of_a_tied_table_and_their_sum_can_be_the_peak() -> None:
    """Few tokens: nothing but the table is left at the end, three times."""
    tied = architecture_from_config("tied", SMALL["llama_tied"] | {"vocab_size": 100_000})
    here = activations(tied, None, sequences=1, sequence_length=1, checkpointing=2)
    table = 2 * tied.embedding_count
    assert 3 * table <= float(here.peak) <= 3.01 * table
