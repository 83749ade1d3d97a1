"""Reports that were saved by earlier versions, in the form of today's.

What an earlier report did not say stays unsaid: pages leave it out, and `schema` keeps the number
that the report was saved with.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from app.estimator.currency import US_DOLLAR
from app.estimator.flows import GPU_LINES
from app.estimator.report import Report


@cache
def _reports() -> TypeAdapter[Report]:
    """Made when the first report is opened, so that a server need not wait for it to start."""
    return TypeAdapter(Report)


def read_report(text: str) -> Report:
    """The report that was stored, by this version or an earlier one."""
    document = json.loads(text)
    saved_with = document["schema"]
    if saved_with == 1:
        _from_1(document)
    if saved_with <= 2:
        _from_2(document)
    if saved_with <= 3:
        _from_3(document)
    if saved_with <= 4:
        _from_4(document)
        text = json.dumps(document)
    return _reports().validate_json(text)


def _from_1(report: dict[str, Any]) -> None:
    """Schema 1 knew one stack, sharded data parallelism alone, no padding, and no range of memory.

    Notes
    -----
    A range of no width says that there is none; an empty stack that none was stated.
    """
    report["model"]["active_parameters"] = report["model"]["parameters"]
    report["data"] |= {
        "packing": "wrapped",
        "padding_fraction": 0.0,
        "truncated_fraction": 0.0,
        "evaluation_tokens_per_run": 0.0,
    }
    unstated = dict.fromkeys(
        (
            *("stack", "label", "precision", "precision_label", "optimizer", "optimizer_label"),
            *("loss", "loss_label", "adapter_dtype", "compute", "attention"),
        ),
        "",
    )
    report["software"] = {**unstated, "time_calibrated": False, "memory_calibrated": False}
    for method in report["methods"]:
        considered, fitting = method["plans_considered"], method["plans_that_fit"]
        method |= {
            "plans_out_of_memory": considered - fitting,
            "plans_over_limits": 0,
            "frontier": [],
            "infrastructure": [],
            "programme_gpu_hours": sum(
                line["quantity"] for line in method["cost_lines"] if line["key"] in GPU_LINES
            )
            if method["plan"]
            else None,
        }
        for name in ("plan", "cheapest", "fastest", "best_value"):
            if method[name]:
                _plan_from_1(method[name])


def _plan_from_1(plan: dict[str, Any]) -> None:
    held = plan["memory_bytes"]
    plan |= {
        "data_parallel": plan["gpus"],
        "tensor_parallel": 1,
        "pipeline_parallel": 1,
        "context_parallel": 1,
        "expert_parallel": 1,
        "offload": "none",
        "memory_range_bytes": {"mean": held, "p10": held, "p50": held, "p90": held},
        "memory_allocated_bytes": held,
        "memory_reserved_bytes": held,
        "probability_out_of_memory": 0.0,
        "host_memory_bytes": 0.0,
    }
    plan["step_time"]["overhead_s"] = 0.0
    # Its hours were steps and start-up, which it did not tell apart.
    plan["wall_clock"] = {
        "training_h": plan["hours"],
        "evaluation_h": 0.0,
        "checkpoints_h": 0.0,
        "start_up_h": 0.0,
        "failures_h": 0.0,
    }


def _from_2(report: dict[str, Any]) -> None:
    """Schema 2 knew no price books, no spot and no reservations, and showed US dollars.

    Notes
    -----
    Its capacity blocks were paid by the hour, so nothing of them was idle.
    """
    report["price_book"] = ""
    report["currency"] = {
        "code": US_DOLLAR.code,
        "digits": US_DOLLAR.digits,
        "per_usd": US_DOLLAR.per_usd,
        "valid_from": "",
        "source_key": "",
    }
    for method in report["methods"]:
        method |= {"ways": [], "buying": None}
        for point in method["frontier"]:
            point |= _bought(point["offer_key"])
        for name in ("plan", "cheapest", "fastest", "best_value"):
            if method[name]:
                _plan_from_2(method[name])


def _bought(offer_key: str) -> dict[str, str]:
    """Option and tier of an offer that schema 2 could plan on, of which it kept the key alone."""
    if offer_key.endswith(".capacity-block"):
        return {"purchase_option": "capacity-block", "tier": "capacity-block"}
    return {"purchase_option": "on-demand", "tier": ""}


def _plan_from_2(plan: dict[str, Any]) -> None:
    plan |= {
        "purchase_option": _bought(plan["offer_key"])["purchase_option"],
        "list_usd_per_instance_hour": None,
        "discount_fraction": 0.0,
        "price_book": "",
        "idle_fraction": 0.0,
        "energy": None,
    }
    plan["wall_clock"]["interruptions_h"] = 0.0


def _from_3(report: dict[str, Any]) -> None:
    """Schema 3 knew no pilots, arguments, serving and rates of return, and said no probability with
    its verdict."""
    report |= {"evidence": None, "pilot": None, "arguments": [], "serving": None}
    report["verdict"] |= {"probability": None, "pilot_usd": None, "numbers": [], "turns": []}
    if report["comparison"]:
        report["comparison"]["incremental"] = None
    for method in report["methods"]:
        method |= {"discounted_payback_months": None, "irr_fractions": [], "irr_note": ""}
        if method["accuracy"]:
            method["accuracy"] |= {"prior_points": None, "recovery": None, "learning_curve": None}


def _from_4(report: dict[str, Any]) -> None:
    """Schema 4 kept no lines by month, no calendar, no risk beyond its ranges and no worth of a
    pilot."""
    report |= {"timeline": None, "risk": None}
    report["verdict"]["pilot_value_usd"] = None
    for method in report["methods"]:
        method |= {"money": None, "break_evens": []}
    if report["comparison"]:
        report["comparison"]["break_evens"] = []
