"""Made-up head-to-heads, and small priors, so that every figure of a test can be worked by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from app.estimator.accuracy import AccuracyTask
from app.estimator.evidence import HeadToHead
from app.estimator.evidence_fit import Prior
from app.estimator.evidence_rows import COMMON


def row(study: str = "one", group: str = "skill", **changes: Any) -> HeadToHead:
    """One comparison: 40 before, 60 after full fine-tuning, 55 after LoRA of rank 16."""
    fields: dict[str, Any] = {
        "key": f"{study}-row",
        "study": study,
        "group": group,
        "domain": "code",
        "base_model": "m",
        "metric": "accuracy",
        "metric_kind": "share",
        "method": "lora",
        "rank": 16,
        "targets": "all-linear",
        "base": 40.0,
        "full": 60.0,
        "adapter": 55.0,
        "retention": False,
        "base_same_harness": True,
        "locator": "table 1",
        "test_set_size": 1_000,
    }
    return HeadToHead(**(fields | changes))


def one_setting(**changes: Any) -> Prior:
    """A prior whose spreads are known: a grid of one setting."""
    fields: dict[str, Any] = {
        "mean": np.zeros(len(COMMON)),
        "sd": np.full(len(COMMON), 0.4),
        "study": ((0.2,), 0.4),
        "arm_value": ((1.5,), 3.0),
        "row": ((0.1,), 0.3),
        "run": ((0.8,), 3.0),
        "factor": (0.8,),
        "between_studies": 0.3,
        "between_cases": 0.6,
        "own_share": 0.5,
        "most_rows": 1_000.0,
    }
    return Prior(**(fields | changes))


def task(group: str = "skill", **changes: Any) -> AccuracyTask:
    """A case: half of 1,000 questions right, rank 16 on all layers."""
    fields: dict[str, Any] = {
        "group": group,
        "distance": "medium",
        "base_points": 50.0,
        "test_set_size": 1_000,
        "tokens_per_run": 1e7,
        "examples": 10_000,
        "trainable_parameters": {"lora": 40_000_000, "qlora": 40_000_000},
        "rank": {"lora": 16, "qlora": 16},
        "targets": {"lora": ("all-linear",), "qlora": ("all-linear",)},
    }
    return AccuracyTask(**(fields | changes))
