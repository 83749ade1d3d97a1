"""Inputs that were saved by earlier versions, with what they meant then.

A link never stops working for an upgrade, and never comes to mean something else.
"""

from __future__ import annotations

import json
from typing import Any

from app.inputs import ScenarioInput

INPUT_SCHEMA = 2
"""Raise it when stored inputs no longer satisfy ScenarioInput, or no longer mean the same, and
convert the older ones here; reports are converted in `report_schemas`."""


def read_input(text: str, saved_with: int) -> ScenarioInput:
    """The scenario that was stored, by this version or an earlier one.

    Parameters
    ----------
    saved_with : the `INPUT_SCHEMA` of then.
    """
    if saved_with == 1:
        members = json.loads(text)
        _from_1(members)
        text = json.dumps(members)
    return ScenarioInput.model_validate_json(text)


def _from_1(members: dict[str, Any]) -> None:
    """In schema 1 a price of storage or of traffic of 0 was left blank, which could not be said."""
    for name in ("storage_usd_per_gb_month", "egress_usd_per_gb"):
        if members.get(name) == 0:
            members[name] = None
