"""The route that tells what each change between two scenarios moved."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Response
from pydantic import BaseModel, ConfigDict, Field, PlainValidator, StringConstraints

from app.api.dependencies import (
    OPTIONAL_BEARER,
    PRIVATE,
    CatalogDep,
    PricesDep,
    ScenariosDep,
    WorkspaceKey,
)
from app.api.errors import ABSENT, UNUSABLE
from app.estimator.bridge import MethodBridge
from app.inputs import ScenarioInput
from app.services.bridges import Bridge, Bridges, End
from app.services.problems import InputProblems, Problem
from app.services.scenarios import ScenarioService

router = APIRouter()

_SHARED = r"^[A-Za-z0-9_-]{16,64}$"
Token = Annotated[str, StringConstraints(pattern=_SHARED)]


def _read_end(value: object) -> ScenarioInput | str:
    """A scenario, or the token of one that was saved."""
    if not isinstance(value, str):
        return ScenarioInput.model_validate(value)
    if re.fullmatch(_SHARED, value) is None:
        raise ValueError("must be a scenario, or the token of a saved one")
    return value


EndIn = Annotated[
    ScenarioInput | str,
    PlainValidator(_read_end, json_schema_input_type=ScenarioInput | Token),
]


class BridgeIn(BaseModel):
    """Two ends."""

    model_config = ConfigDict(extra="forbid")

    from_: EndIn = Field(
        alias="from",
        title="From",
        description="A scenario, which is computed today, or the token of a saved one, with the "
        "numbers that were shared.",
    )
    to: EndIn = Field(title="To", description="The same of the second.")
    alone: bool = Field(
        False,
        title="Alone",
        description="Also compute what each change does without those before it.",
    )


class ChangeOut(BaseModel):
    """One input that differs."""

    field: str
    label: str
    before: Any = Field(description="As the scenario has it.")
    after: Any


class StepOut(BaseModel):
    """One change, or several that mean something only together."""

    key: str = Field(
        description="`tables` (studies, other prices, the estimator), `prices` (of rented GPUs, "
        "and their age), or the first input that changes."
    )
    label: str
    day: str = Field(
        description="Of tables and prices, the day of the shared answer; empty for inputs."
    )
    back: bool = Field(description="Whether it leads from today to that day.")
    changes: list[ChangeOut]


class SpanOut(BaseModel):
    """What one step moved, or several that can only be counted together."""

    first: int = Field(description="Place of its first step; that of all steps begins with 0.")
    last: int = Field(
        description="Place of its last step. More than the first where the method fits nowhere in "
        "between."
    )
    method_before: str = Field(description="Whose value it is.")
    method_after: str = Field(description="Another one only for `recommended`.")
    before_usd: float
    after_usd: float
    change_usd: float = Field(description="After less before, exactly.")
    alone_usd: float | None = Field(
        description="What the step does without those before it; null where it was not asked for, "
        "or cannot be told."
    )


class MethodBridgeOut(BaseModel):
    """The waterfall of one method."""

    method: str = Field(
        description="Key of a method, or `recommended`: whichever one each answer leads with."
    )
    from_usd: float = Field(description="Expected net present value of the first.")
    to_usd: float
    change_usd: float = Field(description="The sum of the changes of all spans, exactly.")
    spans: list[SpanOut]

    @classmethod
    def of(cls, bridge: MethodBridge) -> MethodBridgeOut:
        """From the service's answer."""
        return cls(
            method=bridge.method,
            from_usd=bridge.from_usd,
            to_usd=bridge.to_usd,
            change_usd=bridge.change_usd,
            spans=[
                SpanOut(
                    first=span.first,
                    last=span.last,
                    method_before=span.method_before,
                    method_after=span.method_after,
                    before_usd=span.before_usd,
                    after_usd=span.after_usd,
                    change_usd=span.change_usd,
                    alone_usd=span.alone_usd,
                )
                for span in bridge.spans
            ],
        )


class BridgeOut(BaseModel):
    """From one answer to another, change by change."""

    steps: list[StepOut] = Field(description="In the order in which the changes are made.")
    methods: list[MethodBridgeOut] = Field(
        description="The recommended method first, then each that fits at both ends."
    )
    left_out: list[str] = Field(description="Methods that fit at one end alone.")

    @classmethod
    def of(cls, bridge: Bridge, *, books: bool) -> BridgeOut:
        """From the service's answer.

        Parameters
        ----------
        books : whether the price books behind both ends may be named.
        """
        return cls(
            steps=[
                StepOut(
                    key=step.key,
                    label=step.label,
                    day=step.day,
                    back=step.back,
                    changes=[
                        ChangeOut(
                            field=change.field,
                            label=change.label,
                            before=None if hidden else change.before,
                            after=None if hidden else change.after,
                        )
                        for change in step.changes
                        for hidden in (change.field == "price_book" and not books,)
                    ],
                )
                for step in bridge.steps
            ],
            methods=[MethodBridgeOut.of(method) for method in bridge.methods],
            left_out=list(bridge.left_out),
        )


EXAMPLES: dict[str, Any] = {
    "more answers, dearer engineers": {
        "summary": "Two scenarios of today",
        "value": {
            "from": {"methods": ["full", "lora"], "answers_per_month": 100_000},
            "to": {
                "methods": ["full", "lora"],
                "answers_per_month": 120_000,
                "engineer_week_usd": 4_000,
            },
        },
    },
}


def _end(name: str, asked: ScenarioInput | str, made: Bridges, saved: ScenarioService) -> End:
    if isinstance(asked, str):
        return End.saved(saved.get(asked))
    try:
        return made.end(asked)
    except InputProblems as error:
        raise InputProblems(
            Problem(f"/{name}{problem.pointer}", problem.message) for problem in error.problems
        ) from error


def _at_ends(asked: BridgeIn, error: InputProblems) -> InputProblems:
    """What is wrong with both ends together, at the members of each that can be changed."""
    problems: list[Problem] = []
    for name, end in (("from", asked.from_), ("to", asked.to)):
        for problem in error.problems:
            pointer = f"/{name}" if isinstance(end, str) else f"/{name}{problem.pointer}"
            if pointer not in {found.pointer for found in problems}:
                problems.append(Problem(pointer, problem.message))
    return InputProblems(problems)


@router.post("/bridges", responses={**UNUSABLE, **ABSENT}, openapi_extra=OPTIONAL_BEARER)
def create_bridge(
    asked: Annotated[BridgeIn, Body(openapi_examples=EXAMPLES)],
    catalog: CatalogDep,
    prices: PricesDep,
    scenarios: ScenariosDep,
    workspace_key: WorkspaceKey,
    response: Response,
) -> BridgeOut:
    """How much each change between two scenarios moved the net present value of each method.

    Changes are made one after another in the order of the form, so what two of them do only
    together falls to the later one; their sum is the difference, exactly. More than a dozen are
    counted by part of the form, and so are fewer with many draws over a long horizon; what would
    take too long even so is refused. Nothing is stored. A price book of a workspace needs its key.
    """
    response.headers.update(PRIVATE)
    made = Bridges(catalog, prices, datetime.now(UTC).date(), workspace_key)
    start = _end("from", asked.from_, made, scenarios)
    finish = _end("to", asked.to, made, scenarios)
    try:
        found = made.between(start, finish, alone=asked.alone)
    except InputProblems as error:
        raise _at_ends(asked, error) from error
    books = all(
        prices.shown(end.scenario, workspace_key) == end.scenario for end in (start, finish)
    )
    return BridgeOut.of(found, books=books)
