"""What the choices of the input model are called."""

from __future__ import annotations

from collections.abc import Mapping

from app.estimator.software import LOSSES, OPTIMIZERS, PRECISIONS, STACKS
from app.estimator.tokens import PACKINGS
from app.estimator.wording import sentence_start
from app.inputs import TASK_GROUP_LABELS

_USUAL = "Usual for the software"
CHOICE_LABELS: Mapping[str, Mapping[str, str]] = {
    "task_group": TASK_GROUP_LABELS,
    "domain_distance": {
        "usual": "Usual for the kind of task",
        "near": "Near: form, style or a skill that it has",
        "medium": "Medium: skills that it saw in part",
        "far": "Far: a language or knowledge that it hardly saw",
    },
    "lora_variant": {
        "plain": "Plain LoRA",
        "dora": "DoRA",
        "pissa": "PiSSA",
        "lora-ga": "LoRA-GA",
        "rslora": "rsLoRA",
    },
    "serving": {
        "auto": "Auto: whichever is cheaper",
        "merged": "Merged: a model for each variant",
        "unmerged": "Unmerged: all on one base",
        "none": "Leave serving out",
    },
    "objective": {"value": "Best value", "cheapest": "Cheapest", "fastest": "Fastest"},
    "packing": PACKINGS,
    "stack": {key: stack.label for key, stack in STACKS.items()},
    "precision": {"usual": _USUAL} | {key: found.label for key, found in PRECISIONS.items()},
    "optimizer": {"usual": _USUAL} | {key: found.label for key, found in OPTIMIZERS.items()},
    "loss": {"usual": _USUAL, **LOSSES},
    "adapter_dtype": {"usual": _USUAL, "fp32": "fp32", "bf16": "bf16"},
    "compute": {"bf16": "bf16", "fp8": "fp8"},
    "checkpointing": {
        "any": "Any",
        "none": "None: all activations are kept",
        "selective": "Selective: all but products is recomputed",
        "full": "Full: all is recomputed",
    },
}
"""By field, then by value."""
_AS_WRITTEN = ("bf16", "fp32", "fp8", "rsLoRA", "torchtune")
"""What labels begin with that have no capital letter."""


def choice_label(name: str, value: str) -> str:
    """What a value of a field is called; the value itself where it has no other name.

    Examples
    --------
    >>> choice_label("loss", "usual"), choice_label("stack", "torchtune"), choice_label("seed", "1")
    ('Usual for the software', 'torchtune', '1')
    """
    label = CHOICE_LABELS.get(name, {}).get(value)
    if label is None or label.startswith(_AS_WRITTEN):
        return label or value
    return sentence_start(label)
