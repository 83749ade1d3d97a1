"""The page on which somebody checks their own runs, and the files beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import UploadFile
from starlette.responses import HTMLResponse, Response

from app.catalog.measured import LARGEST_BYTES
from app.services.own_runs import MOST_CONFIGS, ValidationService
from app.services.problems import InputProblems, Problem
from app.web import validations
from app.web.context_evidence import Validate
from app.web.context_frame import Layout
from app.web.forms import ProblemView
from app.web.templating import Renderer

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

PRIVATE = {"Cache-Control": "private, no-store"}
LARGEST_UPLOAD_BYTES = 2 * LARGEST_BYTES
"""Of a request with a table and configurations."""
LONGEST_SCENARIO = 60_000
FIELD_IDS = {"/cases": "f-cases", "/configs": "f-configs"}

EXAMPLE = """\
id,run,model,method,lora_rank,lora_targets,gpu,n_gpus,strategy,seq_len,packed,micro_batch,\
grad_accum,act_ckpt,optimizer,weights_dtype,compute,framework,metric,value
mine-1-memory,mine-1,meta-llama/Meta-Llama-3.1-8B,lora,16,all-linear,A100-SXM-80GB,1,single,4096,\
yes,4,4,full,adamw-fp32,bf16,bf16,trl,peak_allocated_gib,38.2
mine-1-speed,mine-1,meta-llama/Meta-Llama-3.1-8B,lora,16,all-linear,A100-SXM-80GB,1,single,4096,\
yes,4,4,full,adamw-fp32,bf16,bf16,trl,tokens_per_s_per_gpu,3150
mine-2-speed,mine-2,meta-llama/Meta-Llama-3.1-8B,full,,,H100-SXM-80GB,8,fsdp,4096,yes,2,8,full,\
adamw-fp32,fp32,bf16,torchtune,tokens_per_s_per_gpu,6400
"""
"""A file to begin with; its figures are made up."""


@dataclass(frozen=True, slots=True)
class Upload:
    """What the form sent.

    Parameters
    ----------
    configs : contents by file name.
    scenario : query string of the estimate that factors are carried into.
    """

    pasted: str
    file: bytes
    file_name: str
    configs: dict[str, bytes]
    scenario: str
    as_file: bool


async def upload(request: Request) -> Upload:
    """Read the form; its files may be larger than the texts of other forms."""
    async with request.form(
        max_files=MOST_CONFIGS + 2, max_fields=10, max_part_size=LARGEST_BYTES + 1
    ) as sent:
        cases = sent.get("file")
        configs = {
            item.filename: await item.read()
            for item in sent.getlist("configs")
            if isinstance(item, UploadFile) and item.filename
        }
        has_file = isinstance(cases, UploadFile) and bool(cases.filename)
        return Upload(
            pasted=_text(sent.get("cases")),
            file=await cases.read() if has_file and isinstance(cases, UploadFile) else b"",
            file_name=(cases.filename or "") if isinstance(cases, UploadFile) else "",
            configs=configs,
            scenario=_text(sent.get("scenario")),
            as_file=sent.get("format") == "csv",
        )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


@router.get("/validate")
def form(request: Request, scenario: str = "") -> Response:
    """The form."""
    return _page(request, pasted="", scenario=scenario)


@router.post("/validate")
def check(request: Request, sent: Annotated[Upload, Depends(upload)]) -> Response:
    """Own runs beside their predictions, as a page or as a file."""
    service: ValidationService = request.app.state.validation
    try:
        name, content = _cases(sent)
        found = service.check(content, name, sent.configs)
    except InputProblems as error:
        problems = tuple(
            ProblemView(p.message, FIELD_IDS.get(p.pointer, "")) for p in error.problems
        )
        return _page(request, sent.pasted, sent.scenario, problems=problems)
    if not found.report.rows:
        message = "No row is graded A or B and has a metric that is predicted; nothing to check."
        return _page(
            request, sent.pasted, sent.scenario, problems=(ProblemView(message, "f-cases"),)
        )
    if sent.as_file:
        return csv_file(validations.as_csv(found.report.rows), "predicted.csv", PRIVATE)
    pairs = parse_qsl(sent.scenario[:LONGEST_SCENARIO])
    return _page(request, sent.pasted, sent.scenario, validations.check_view(found, pairs))


def _cases(sent: Upload) -> tuple[str, bytes]:
    """Name and content of the table.

    Raises
    ------
    InputProblems : there is none, or there are two.
    """
    if bool(sent.file_name) == bool(sent.pasted.strip()):
        raise InputProblems(
            [Problem("/cases", "Choose a CSV file, or paste its lines; one of both.")]
        )
    if sent.file_name:
        return sent.file_name, sent.file
    return "pasted text", sent.pasted.strip().encode("utf-8", "replace")


@router.get("/validate/example.csv")
def example() -> Response:
    """A table to begin with."""
    return csv_file(EXAMPLE, "runs.csv", {"Cache-Control": "public, max-age=3600"})


@router.get("/method/runs.csv")
def published(request: Request) -> Response:
    """The published runs beside their predictions, with the filter of the method page."""
    service: ValidationService = request.app.state.validation
    rows = validations.filtered(service.published().report.rows, request.query_params.multi_items())
    return csv_file(validations.as_csv(rows), "published.csv", {"Cache-Control": "no-cache"})


def csv_file(text: str, name: str, headers: dict[str, str]) -> Response:
    """A CSV file that browsers save."""
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers | disposition)


def _page(
    request: Request,
    pasted: str,
    scenario: str,
    result: validations.CheckView | None = None,
    problems: tuple[ProblemView, ...] = (),
) -> Response:
    render: Renderer = request.app.state.render
    title = "Please check the form" if problems else "Check your own runs"
    indexed = request.method == "GET" and not request.url.query
    return render(
        "pages/validate.html",
        Validate(
            Layout(title, "validate", indexed=indexed),
            problems,
            pasted,
            scenario[:LONGEST_SCENARIO],
            result,
        ),
        status=422 if problems else 200,
        headers=PRIVATE,
    )
