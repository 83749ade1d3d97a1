"""A programme of round figures, and a plan of round hours, to be paid for in every way.

One run takes 10 h on 8 GPUs of one instance; a checkpoint is written in 0.02 h. Four experiments of
half a run, the release and 10% of failed runs: 3.3 runs before the first release. It comes after
6 weeks / 4.348 and 33 h / 730.5 h a month = 1.425 months; with two releases a year, later ones are
due at 7.425, 13.425 and 19.425 months of 24: 3 of 1.1 runs each. In all 6.6 runs, 66 h, 528
GPU-hours.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np

from app.estimator.architecture import Architecture
from app.estimator.calibration import uncalibrated
from app.estimator.case import Case, Market, Model, Programme, Value
from app.estimator.constants import constant_values
from app.estimator.fleet import fleet_of
from app.estimator.hardware import Offer, Source
from app.estimator.market import ManagedPrice, Server
from app.estimator.methods import Method
from app.estimator.planner import Choice, Planned, Task, evaluate
from app.estimator.plans import STRATEGIES, Layout, Space
from app.estimator.purchase import OPTIONS, billed
from app.estimator.schedule import schedule_of
from app.estimator.software import Software
from app.estimator.wall_clock import CHECKPOINTS_PER_RUN
from tests.estimator.planning import LORA, data_of, plans_of

DAY = date(2026, 11, 1)
AS_OF = date(2026, 11, 23)
SHOP = Source("a-shop", "A shop", "Somebody", "note", "example.org", DAY)
PROGRAMME = Programme(
    experiments=4,
    experiment_fraction=0.5,
    failed_fraction=0.1,
    engineer_weeks_full=6,
    engineer_weeks_adapter=6,
    engineer_week_usd=3500,
    data_preparation_usd=5000,
    releases_per_year=2,
    release_fixed_usd=1000,
)
VALUE = Value(
    base_accuracy_points=60.0,
    test_set_size=500,
    answers_per_month=100_000,
    value_per_correct_answer_usd=0.5,
    horizon_months=24,
    discount_rate_fraction=0.1,
    value_uncertainty_fraction=0.3,
    price_uncertainty_fraction=0.15,
)
HOURS = 10.0
CHECKPOINT_HOURS = 0.02


def server(**changes: Any) -> Server:
    """8 H100 for 300,000 to 350,000 USD, rated 10.2 kW."""
    said: dict[str, Any] = {
        "key": "a-server",
        "name": "Server of 8 H100",
        "accelerator": "H100-SXM-80GB",
        "gpus": 8,
        "low_usd": 300_000.0,
        "high_usd": 350_000.0,
        "power_w": 10_200.0,
        "inter_node_bytes_per_s": 50e9,
        "evidence": "quoted",
        "source": SHOP,
        "valid_from": DAY,
        "retrieved": DAY,
        "note": "",
    }
    return Server(**(said | changes))


def managed(key: str = "a.lora", **changes: Any) -> ManagedPrice:
    """LoRA of models up to 16 billion parameters for 0.48 USD a million tokens."""
    said: dict[str, Any] = {
        "key": key,
        "provider": "a",
        "provider_name": "Seller A",
        "label": "up to 16B",
        "method": "lora",
        "model": "",
        "low_billions": 0.0,
        "high_billions": 16.0,
        "usd_per_million_tokens": 0.48,
        "minimum_usd": 0.0,
        "hosting_usd_per_hour": None,
        "open_to_new": True,
        "evidence": "price-page",
        "source": SHOP,
        "valid_from": DAY,
        "retrieved": DAY,
        "note": "",
    }
    return ManagedPrice(**(said | changes))


def case_of_programme(
    architecture: Architecture,
    offers: list[Offer],
    market: Market | None = None,
    method: Method = LORA,
    constants: dict[str, float] | None = None,
    **changes: Any,
) -> Case:
    """A case with the programme above."""
    said: dict[str, Any] = {
        "title": "By hand",
        "situation": "blank",
        "task_group": "general",
        "model": Model(architecture, "A model", "a family", None),
        "data": data_of(),
        "methods": (method,),
        "fleet": fleet_of(offers),
        "reference_fleet": fleet_of(offers),
        "software": Software(),
        "space": Space(tuple(map(Layout, STRATEGIES)), offloads=(0,)),
        "max_gpus": 64,
        "deadline_hours": None,
        "budget_usd": None,
        "objective": "value",
        "programme": PROGRAMME,
        "value": VALUE,
        "evidence": (),
        "studies": {},
        "constants": constant_values(constants or {}),
        "calibration": uncalibrated(),
        "draws": 1000,
        "seed": 1,
        "as_of": AS_OF,
        "ledger": (),
        "market": market or Market(),
    }
    return Case(**(said | changes))


def bought(
    case: Case, offer: int = 0, *, nodes: int = 1, hours: float = HOURS
) -> tuple[Case, Method, Planned, Choice]:
    """The first method of a case, planned on one of its offers, with runs of so many hours."""
    method = case.methods[0]
    rented = case.fleet.offers[offer]
    shape = int(case.fleet.offer_shape[offer])
    gpus = nodes * rented.gpus_per_instance
    plans = plans_of("fsdp" if gpus > 1 else "single", shape=shape, gpus=gpus, nodes=nodes)
    task = Task(
        case.model.architecture,
        method,
        case.software,
        case.data,
        constant_values({**case.constants, "largest_oom_probability": 1.0}),
        case.calibration,
    )
    found = evaluate(task, case.fleet, plans)
    written = CHECKPOINTS_PER_RUN * CHECKPOINT_HOURS
    clock = replace(found.clock, checkpoints=np.array([written]), total=np.array([hours]))
    evaluation = replace(found, clock=clock)
    taken, paid = billed(
        np.array([OPTIONS.index(rented.purchase_option)]),
        evaluation.hours,
        evaluation.checkpoint_hours,
        plans.nodes,
        schedule_of(
            case.programme, case.programme.engineer_weeks(method), case.value.horizon_months
        ),
        case.constants,
    )
    usd = rented.usd_per_instance_hour * nodes * float(paid[0])
    choice = Choice(0, offer, usd, float(taken[0]), float(paid[0]))
    return case, method, Planned(evaluation, choice, choice, choice, (choice,), 1, 0, 0), choice
