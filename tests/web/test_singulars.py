"""One of a thing is written in the singular."""

from __future__ import annotations

import html
import re

import pytest
from fastapi.testclient import TestClient

PLURALS = (
    "answers|examples|epochs|experiments|GPUs|later releases|layers|months|points|questions|runs"
    "|sequences|steps|studies|tokens|training examples|weeks"
)
ONE_OF_MANY = re.compile(rf"(?<![\d.,])\b1 ({PLURALS})\b|\bis (two|three)\b")
ONES = (
    "experiments=1&max_gpus=1&engineer_weeks_adapter=1&engineer_weeks_full=1&horizon_months=1"
    "&epochs=1&examples=1&tokens_per_example=1&answers_per_month=1&completion_tokens=1"
    "&global_batch_sequences=1&test_questions=1"
)


@pytest.mark.parametrize("page", ["/result", "/result/board"])
@pytest.mark.parametrize("query", [ONES, "task_group=rl"])
def test_one_of_a_thing_is_not_many(page: str, query: str, reader: TestClient) -> None:
    got = reader.get(f"{page}?{query}")
    assert got.status_code == 200
    texts = [" ".join(html.unescape(x).split()) for x in re.split(r"<[^>]+>", got.text)]
    assert not [text for text in texts if ONE_OF_MANY.search(text)]
