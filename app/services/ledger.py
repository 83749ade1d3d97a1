"""The inputs of a scenario as rows of its report's assumptions."""

from __future__ import annotations

from app.estimator.report import Assumption
from app.inputs import ScenarioInput, told_of
from app.services.situations import SITUATIONS

BLANK = ScenarioInput()
_PRESETS = {situation.key: situation.scenario for situation in SITUATIONS}


def preset_of(situation: str) -> ScenarioInput:
    """What nobody entered: the inputs that a situation starts from."""
    return _PRESETS.get(situation, BLANK)


def ledger(
    scenario: ScenarioInput, price_book: str, own_comparisons: int = 0
) -> tuple[Assumption, ...]:
    """The inputs as rows of the report's assumptions: entered, or a default or preset of ours.

    Parameters
    ----------
    price_book : label of the one in force; a scenario holds only its key.
    own_comparisons : that `own_evidence` holds. [count]
    """
    rows = []
    preset = preset_of(scenario.situation)
    for name, field in ScenarioInput.model_fields.items():
        if name in {"title", "situation", "config_json", "assumptions"}:
            continue
        if name == "model" and scenario.config_json is not None:
            continue  # the shape comes from the config.json
        value = getattr(scenario, name)
        unit = told_of(name, "unit")
        changed = value != getattr(preset, name)
        shown: float | str
        if name == "price_book":
            shown = price_book or "built-in prices"
        elif name == "pilot":
            shown = _counted(len(scenario.pilot), "row")
        elif name == "own_evidence":
            shown = _counted(own_comparisons, "comparison")
        elif value is None:
            shown, unit = told_of(name, "blank"), ""
        elif isinstance(value, tuple):
            shown = ", ".join(value) or "all"
        elif isinstance(value, bool):
            shown = "yes" if value else "no"
        else:
            shown = value
        rows.append(
            Assumption(
                key=name,
                label=field.title or name,
                value=shown,
                unit=unit,
                kind="input" if changed else "default",
                source=field.description or "",
                changed=changed,
            )
        )
    return tuple(rows)


def _counted(count: int, what: str) -> str:
    """How many there are, in words."""
    return f"{count} {what}{'' if count == 1 else 's'}" if count else "none"
