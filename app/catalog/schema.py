"""The columns of the tables of models and evidence, with ranges that catch a wrong unit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from app.catalog.cells import (
    Billions,
    Count,
    Day,
    Millions,
    Note,
    Points,
    Rank,
    Slug,
    Tokens,
    Year,
    YesNo,
)
from app.catalog.tables import Row
from app.estimator.evidence import Distance, TaskGroup

MetricKind = Literal["share", "overlap", "judge"]
Method = Literal[
    "lora",
    "qlora",
    "dora",
    "pissa",
    "lora-ga",
    "rslora",
    "lora+",
    "adalora",
    "lora-8bit",
]

# ---------------------------------------------------------------------------- models


class ArchitectureRow(Row):
    """models/architectures.csv: a built-in model, and where its configuration was read."""

    key_column: ClassVar[str] = "model"

    model: str
    label: str
    family: str
    source: Slug
    retrieved: Day
    note: Note

    @property
    def file_name(self) -> str:
        """Its configuration in models/configs, as published or translated to those names."""
        return self.model.replace("/", "__") + ".json"


# ---------------------------------------------------------------------------- evidence


class StudyRow(Row):
    """evidence/studies.csv: one published study."""

    key_column: ClassVar[str] = "study"

    study: Slug
    title: str
    authors_short: str
    year: Year
    kind: Literal["paper", "benchmark"]
    address: str
    retrieved: Day
    note: Note

    def faults(self) -> Iterator[tuple[str, str]]:
        """The address can be opened."""
        if not self.address.startswith("https://"):
            yield "address", f"{self.address!r} must begin with https://"


class BenchmarkRow(Row):
    """evidence/benchmarks.csv: how many questions a metric is of."""

    key_column: ClassVar[str] = "metric"

    metric: str
    questions: Count
    address: str
    retrieved: Day
    note: Note

    def faults(self) -> Iterator[tuple[str, str]]:
        """The address can be opened."""
        if not self.address.startswith("https://"):
            yield "address", f"{self.address!r} must begin with https://"


class ResultRow(Row):
    """evidence/results.csv: one score of the base, the full and the adapter model."""

    key_column: ClassVar[str] = "result"

    result: Slug
    study: Slug
    locator: str
    base_model: str
    params_b: Billions
    group: TaskGroup
    distance: Distance | None
    domain: str
    metric: str
    metric_kind: MetricKind
    base_points: Points | None
    full_points: Points
    adapter_points: Points
    method: Method
    rank: Rank | None
    targets: Note
    trainable_m: Millions | None
    train_examples: Tokens | None
    train_tokens: Tokens | None
    retention: YesNo
    base_same_harness: YesNo | None
    full_same_study: YesNo
    note: Note

    def faults(self) -> Iterator[tuple[str, str]]:
        """The harness of the base score is known exactly where there is a base score."""
        if (self.base_points is None) != (self.base_same_harness is None):
            yield (
                "base_same_harness",
                "is yes or no where base_points is given and blank where it is not",
            )
