"""The planner's task for benchmarks: one model on everything that can be rented, far and wide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from app.catalog.catalog import Catalog
from app.catalog.config_json import architecture_from_config
from app.estimator.case import Data
from app.estimator.constants import constant_values
from app.estimator.fleet import Fleet, fleet_of
from app.estimator.methods import Method
from app.estimator.planner import Limits, Planned, Task, plan_run
from app.estimator.plans import MICRO_BATCHES, Space, layouts_of
from app.estimator.schedule import Schedule
from app.estimator.software import usual_software

OPT_6_7B: Mapping[str, object] = {
    "model_type": "opt",
    "hidden_size": 4096,
    "word_embed_proj_dim": 4096,
    "ffn_dim": 16384,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "max_position_embeddings": 2048,
    "vocab_size": 50272,
}
"""Sizes of facebook/opt-6.7b."""

SEQUENCE_LENGTH = 8192
GLOBAL_BATCH = 2048
MOST_GPUS = 2048
FEWEST_PLANS = 200_000
BOOK_ROWS = 60_000
BOOK_LIMITS = Limits(MOST_GPUS, deadline_hours=24.0 * 60, budget_usd=1_000_000.0)

PROGRAMME = Schedule(
    runs_before=3.0,
    lost=0.1,
    engineering_months=1.5,
    releases_per_year=2.0,
    horizon_months=36,
)
"""Experiments, failed runs and later releases, over which a commitment is shared out."""


def planning_task(catalog: Catalog, seen: int) -> tuple[Task, Fleet, Space]:
    """Full fine-tuning under the stack with most layouts.

    Parameters
    ----------
    seen : another number makes a model of another width and another data set, so that nothing is
        remembered of the ones before.
    """
    config = {**OPT_6_7B, "ffn_dim": 16384 + 64 * seen}
    architecture = architecture_from_config(f"opt-6.7b-{seen}", config)
    software = usual_software("megatron")
    sequences = 500_000 + seen
    data = Data(
        examples=sequences,
        tokens_per_example=SEQUENCE_LENGTH,
        epochs=1.0,
        sequence_length=SEQUENCE_LENGTH,
        global_batch_sequences=GLOBAL_BATCH,
        packing="wrapped",
        tokens_per_epoch=float(sequences * SEQUENCE_LENGTH),
        sequences_per_epoch=float(sequences),
        computed_share=(1.0,) * len(MICRO_BATCHES),
    )
    task = Task(
        architecture,
        Method("full"),
        software,
        data,
        constant_values(catalog.calibration.constants),
        catalog.calibration,
    )
    fleet = fleet_of(catalog.offers)
    return task, fleet, Space(layouts_of(architecture, software, SEQUENCE_LENGTH))


class Planner:
    """Plans tasks one after the other, and holds on to the last answer as whoever asked does."""

    def __init__(self, catalog: Catalog, tasks: int) -> None:
        self.tasks = [planning_task(catalog, seen) for seen in range(tasks)]
        self.answer = self.plan(0)

    def plan(self, number: int) -> Planned:
        """Plan one task, and make sure that there were enough distinct plans."""
        task, fleet, space = self.tasks[number]
        self.answer = plan_run(task, fleet, space, Limits(MOST_GPUS), schedule=PROGRAMME)
        assert self.plans >= FEWEST_PLANS
        return self.answer

    @property
    def plans(self) -> int:
        """Distinct plans of the last answer. [count]"""
        return self.answer.evaluation.considered


class BookPlanner:
    """Plans on a price book as large as they come, within a deadline and a budget."""

    def __init__(self, catalog: Catalog, tasks: int) -> None:
        made = [planning_task(catalog, seen) for seen in range(tasks)]
        self.tasks = [(task, space) for task, _, space in made]
        self.fleet = book_fleet(catalog)

    def plan(self, number: int) -> Planned:
        """Plan one task, and make sure that its limits cut between the plans."""
        task, space = self.tasks[number]
        answer = plan_run(task, self.fleet, space, BOOK_LIMITS, schedule=PROGRAMME)
        assert answer.over_limits > 0
        assert answer.cheapest is not None
        return answer


def book_fleet(catalog: Catalog) -> Fleet:
    """As many offers as a large book has: those of the catalogue again, each at its own price."""
    generator = np.random.default_rng(0)
    offers = catalog.offers
    return fleet_of(
        [
            replace(
                offers[row % len(offers)],
                key=f"row-{row}",
                usd_per_instance_hour=offers[row % len(offers)].usd_per_instance_hour * factor,
            )
            for row, factor in enumerate(generator.uniform(0.8, 1.2, BOOK_ROWS))
        ]
    )
