"""Published runs of serving, and what adapters cost there, as typed rows."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from typing import ClassVar, Literal, TypeVar

from pydantic import Field

from app.catalog.tables import CatalogError, Row, problem, read_table
from app.estimator.hardware import Source

FOLDER = Path(__file__).parent / "measured"


class ServingRun(Row):
    """One published figure of one replica under load.

    Parameters
    ----------
    dtype : of weights and of the products; with fp8 the cache is fp8 too.
    prompt_tokens, completion_tokens : mean of an answer. [tokens]
    concurrency : answers at once; None for as many as fit. [count]
    requests_per_s : rate at which requests came; None without a pause. [1/s]
    metric : output tokens of the replica a second, or time between two tokens of an answer.
    purpose : fit, or test (never seen by the fit).
    """

    key_column: ClassVar[str] = "run"

    run: str
    model: str
    accelerator: str
    gpus: int = Field(ge=1, le=16)
    dtype: Literal["bf16", "fp16", "fp8"]
    software: str
    prompt_tokens: int = Field(ge=1)
    completion_tokens: int = Field(ge=1)
    concurrency: int | None = Field(None, ge=1)
    requests_per_s: float | None = Field(None, gt=0)
    metric: Literal["output_tokens_per_s", "ms_per_token"]
    value: float = Field(gt=0)
    purpose: Literal["fit", "test"]
    source: str
    locator: str
    retrieved: date
    note: str | None = None


class AdapterFact(Row):
    """What adapters that are not merged cost, or what sharing one base gains."""

    key_column: ClassVar[str] = "fact"

    fact: str
    quantity: Literal[
        "throughput_loss", "gain_over_dedicated", "gain_over_naive", "added_ms_per_token"
    ]
    value: float = Field(ge=0)
    unit: Literal["fraction", "ratio", "ms"]
    software: str
    accelerator: str | None = None
    model: str | None = None
    source: str
    locator: str
    retrieved: date
    note: str | None = None


class ServingSource(Row):
    """Where figures of serving were read."""

    key_column: ClassVar[str] = "source"

    source: str
    title: str
    publisher: str
    locator: str
    retrieved: date
    note: str | None = None


_Sourced = TypeVar("_Sourced", ServingRun, AdapterFact)


@cache
def serving_runs(folder: Path = FOLDER) -> tuple[ServingRun, ...]:
    """The published runs.

    Raises
    ------
    CatalogError : the table cannot be used, or names a source that is not there.
    """
    path = folder / "serving_throughput.csv"
    return _with_sources(path, read_table(path, ServingRun), folder)


@cache
def adapter_facts(folder: Path = FOLDER) -> tuple[AdapterFact, ...]:
    """What adapters cost in use.

    Raises
    ------
    CatalogError : as above.
    """
    path = folder / "serving_adapters.csv"
    return _with_sources(path, read_table(path, AdapterFact), folder)


@cache
def serving_sources(folder: Path = FOLDER) -> dict[str, Source]:
    """The sources of both tables by key."""
    return {
        row.source: Source(
            row.source, row.title, row.publisher, "benchmark", row.locator, row.retrieved
        )
        for _, row in read_table(folder / "serving_sources.csv", ServingSource)
    }


def _with_sources(
    path: Path, rows: list[tuple[int, _Sourced]], folder: Path
) -> tuple[_Sourced, ...]:
    known = serving_sources(folder)
    problems = [
        problem(path, line, "source", f"{row.source!r} is not in serving_sources.csv; add it there")
        for line, row in rows
        if row.source not in known
    ]
    if problems:
        raise CatalogError(problems)
    return tuple(row for _, row in rows)
