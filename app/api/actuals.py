"""Actual spend of the API: upload it, read it beside the plan, remove it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from app.api.actual_schemas import ActualsIn, ActualsOut, actuals_in_schema
from app.api.dependencies import OPTIONAL_BEARER, PRIVATE, ActualsDep, WorkspaceKey
from app.api.errors import ABSENT, ABSENT_ACTUALS, NO_MONEY, UNUSABLE_ACTUALS
from app.services.actual_files import LARGEST_BYTES, ActualFile, read_actuals
from app.services.problems import ActualsProblems, UnknownActuals, problems_from_validation

router = APIRouter()

LARGEST_ACTUALS_BYTES = LARGEST_BYTES + 64 * 1024
CSV, JSON = "text/csv", "application/json"
FILE_NAME = "body"
"""What a CSV body is called in messages."""
EXAMPLE_CSV = "month,category,amount_usd,note\n2027-01,people,30250.00,\n2027-01,serving,1204.50,\n"
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            CSV: {"schema": {"type": "string"}, "example": EXAMPLE_CSV},
            JSON: {"schema": actuals_in_schema()},
        },
    }
}


async def _body(request: Request) -> tuple[str, bytes]:
    """Media type and content of the body."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind, await request.body()


BodyDep = Annotated[tuple[str, bytes], Depends(_body)]


def _reader(kind: str, content: bytes) -> Callable[[str], ActualFile]:
    """What reads the body, given the currency of the scenario.

    Raises
    ------
    HTTPException, RequestValidationError : neither CSV nor JSON, or no valid JSON.
    ActualsProblems : JSON of another form, each problem at its member.
    """
    if kind == CSV:
        return lambda currency: read_actuals(content, FILE_NAME, currency)
    if kind != JSON:
        raise HTTPException(415, f"Send {CSV} or {JSON}, and say which in Content-Type.")
    try:
        return ActualsIn.model_validate(json.loads(content)).file
    except ValidationError as error:
        raise ActualsProblems(problems_from_validation(error)) from error
    except json.JSONDecodeError as error:
        said = {"type": "json_invalid", "loc": ("body", error.pos), "ctx": {"error": error.msg}}
        raise RequestValidationError([said]) from error
    except (ValueError, RecursionError) as error:
        raise HTTPException(400) from error


@router.put(
    "/scenarios/{token}/actuals",
    responses={**ABSENT, **UNUSABLE_ACTUALS, **NO_MONEY},
    openapi_extra=BODY,
)
def put_actuals(
    token: str,
    body: BodyDep,
    actuals: ActualsDep,
    workspace_key: WorkspaceKey,
    response: Response,
    method: Annotated[
        str,
        Query(
            max_length=40,
            description="Whose plan; by default as before, and at first the recommended one.",
        ),
    ] = "",
    shown: Annotated[
        bool | None,
        Query(
            description="Show the spend to whoever has the link of the scenario; by default as "
            "before, and at first not."
        ),
    ] = None,
) -> ActualsOut:
    """Upload what was spent by month, in the place of what was uploaded before.

    CSV with a header of month, amount_usd (or amount and currency) and optionally category and
    note; a FOCUS cost file, which is summed by month and compared with what providers are to be
    paid; or JSON. All of it is taken, or nothing.
    Needs the key of the workspace that saved the scenario.
    """
    response.headers.update(PRIVATE)
    found = actuals.upload(token, workspace_key, _reader(*body), method=method, shown=shown)
    return ActualsOut.of(found)


@router.get(
    "/scenarios/{token}/actuals",
    responses={410: ABSENT[410], **ABSENT_ACTUALS},
    openapi_extra=OPTIONAL_BEARER,
)
def read_actuals_of_scenario(
    token: str, actuals: ActualsDep, workspace_key: WorkspaceKey, response: Response
) -> ActualsOut:
    """What was spent beside what was planned, by month and category.

    For the workspace that saved the scenario; for others only where it shows its spend.
    """
    response.headers.update(PRIVATE)
    found = actuals.get(token, workspace_key)
    if found.actuals is None:
        raise UnknownActuals(token)
    return ActualsOut.of(found)


@router.delete(
    "/scenarios/{token}/actuals",
    status_code=204,
    responses={**ABSENT, 403: UNUSABLE_ACTUALS[403]},
)
def remove_actuals(token: str, actuals: ActualsDep, workspace_key: WorkspaceKey) -> None:
    """Forget what was uploaded; once more does nothing.

    Needs the key of the workspace that saved the scenario.
    """
    actuals.remove(token, workspace_key)
