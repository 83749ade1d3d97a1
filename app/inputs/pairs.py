"""Members of a scenario as the pairs of a query or form, and back."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping
from typing import Any

from app.inputs.pilot import PILOT_CELL

SEQUENCE_FIELDS = frozenset({"methods", "accelerators", "providers"})

Pair = tuple[str, str]


def pairs_of(members: Mapping[str, Any]) -> list[Pair]:
    """The pairs that say the same as these members, in their order.

    Parameters
    ----------
    members : of a scenario, as its JSON holds them.
    """
    pairs: list[Pair] = []
    for name, value in members.items():
        if name == "assumptions":
            pairs += [(f"assumptions.{key}", repr(number)) for key, number in value.items()]
        elif name == "pilot":
            pairs += _pilot_pairs(value)
        elif name == "config_json":
            pairs.append((name, json.dumps(value, separators=(",", ":"))))
        elif isinstance(value, list):
            pairs += [(name, item) for item in value] or [(name, "")]
        elif isinstance(value, bool):
            pairs.append((name, "true" if value else "false"))
        elif isinstance(value, float):
            pairs.append((name, _number(value)))
        else:
            pairs.append((name, str(value)))
    return pairs


def _number(value: float) -> str:
    return repr(value).removesuffix(".0")


def _pilot_pairs(rows: Iterable[Mapping[str, Any]]) -> list[Pair]:
    """Cells of the pilot that are filled, as ``pilot.ROW.COLUMN``."""
    return [
        (f"pilot.{place}.{column}", _number(cell))
        for place, row in enumerate(rows)
        for column, cell in row.items()
        if cell is not None
    ]


def members_of(pairs: Iterable[Pair], names: Container[str]) -> dict[str, Any]:
    """The members that these pairs say, still to be validated.

    Parameters
    ----------
    names : of the fields that there are.

    Notes
    -----
    As `app.inputs.fields_from_pairs` tells.
    """
    fields: dict[str, Any] = {}
    assumptions: dict[str, str] = {}
    pilot: dict[int, dict[str, str]] = {}
    for name, value in pairs:
        cell = PILOT_CELL.fullmatch(name)
        if cell is not None:
            if value.strip():
                pilot.setdefault(int(cell["row"]), {})[cell["column"]] = value
        elif name.startswith("assumptions."):
            if value.strip():
                assumptions[name.removeprefix("assumptions.")] = value
        elif name in SEQUENCE_FIELDS:
            items: list[str] = fields.setdefault(name, [])
            if value.strip():
                items.append(value.strip())
        elif name in names and name != "pilot":
            fields[name] = value
    if assumptions:
        fields["assumptions"] = assumptions
    if pilot:
        fields["pilot"] = [pilot[place] for place in sorted(pilot)]
    return fields
