"""What groups, methods and shares of the evidence are called on its page."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from app.web import show_numbers

GROUPS: Mapping[str, str] = MappingProxyType(
    {
        "narrow": "Narrow task",
        "general": "Chat and instructions",
        "skill": "Code and mathematics",
        "far": "Far domain or language",
        "continued": "Continued pretraining",
        "rl": "Reinforcement learning",
    }
)
"""Short names of the kinds of task."""
WITHIN: Mapping[str, str] = MappingProxyType(
    {
        "narrow": "narrow tasks",
        "general": "chat and instructions",
        "skill": "code and mathematics",
        "far": "far domains or languages",
        "continued": "continued pretraining",
        "rl": "reinforcement learning",
    }
)
"""The same within a sentence, after "in"."""
METHODS: Mapping[str, str] = MappingProxyType(
    {
        "lora": "LoRA",
        "qlora": "QLoRA",
        "lora-8bit": "LoRA on 8 bits",
        "dora": "DoRA",
        "pissa": "PiSSA",
        "lora-ga": "LoRA-GA",
        "rslora": "rsLoRA",
        "lora+": "LoRA+",
        "adalora": "AdaLoRA",
    }
)
METRIC_KINDS: Mapping[str, str] = MappingProxyType(
    {"share": "share of right answers", "overlap": "overlap of texts", "judge": "judged mark"}
)


def method_name(method: str) -> str:
    """What a method is called; itself where it has no other name.

    Examples
    --------
    >>> method_name("lora-ga"), method_name("new")
    ('LoRA-GA', 'new')
    """
    return METHODS.get(method, method)


def whole_percent(fraction: float) -> str:
    """A share that may lie below 0 or above 1.

    Examples
    --------
    >>> whole_percent(0.954), whole_percent(-0.123), whole_percent(1.7)
    ('95%', '−12%', '170%')
    """
    return show_numbers.number(fraction * 100) + "%"


def percent_span(low: float, high: float) -> str:
    """A range of shares.

    Examples
    --------
    >>> percent_span(0.087, 0.966), percent_span(-0.2, 0.3)
    ('9 to 97%', '−20 to 30%')
    """
    return f"{show_numbers.number(low * 100)} to {show_numbers.number(high * 100)}%"


def points_span(low: float, high: float) -> str:
    """A range of points, with signs.

    Examples
    --------
    >>> points_span(-5.83, 4.0)
    '−5.8 to +4.0'
    """
    return f"{show_numbers.points(low)} to {show_numbers.points(high)}"
