"""What is known of a field beside its label and help: for forms, tables and comparisons."""

from __future__ import annotations

from types import UnionType
from typing import Annotated, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from app.inputs.scenario import ScenarioInput


def field_of(name: str) -> FieldInfo:
    """The field of this name."""
    return ScenarioInput.model_fields[name]


def told_of(name: str, what: str) -> str:
    """What the schema tells of a field under a key of its own; empty where it tells nothing.

    Parameters
    ----------
    what : unit, or blank: what a number stands for that was left blank.

    Examples
    --------
    >>> told_of("deadline_hours", "unit"), told_of("egress_usd_per_gb", "blank")
    ('h', 'as published')
    >>> told_of("title", "unit")
    ''
    """
    extra = field_of(name).json_schema_extra
    return str(extra.get(what, "")) if isinstance(extra, dict) else ""


def number_of(name: str) -> type[int | float] | None:
    """The kind of number that a field takes, also where it may be blank; None where it takes none.

    Examples
    --------
    >>> number_of("examples"), number_of("egress_usd_per_gb"), number_of("include_spot")
    (<class 'int'>, <class 'float'>, None)
    """
    annotation = field_of(name).annotation
    either = get_args(annotation) if get_origin(annotation) in {Union, UnionType} else (annotation,)
    for kind in either:
        plain = get_args(kind)[0] if get_origin(kind) is Annotated else kind
        if plain is int:
            return int
        if plain is float:
            return float
    return None
