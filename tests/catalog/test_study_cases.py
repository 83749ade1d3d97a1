"""Head-to-heads in a file of one's own: what is read, what is skipped, what is refused."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

import pytest

from app.catalog.study_cases import StudyCases, read_study_cases
from app.catalog.tables import CatalogError
from app.estimator.evidence import HeadToHead

PLAIN = {
    "id": "X-1",
    "study": "Doe 2027 Something",
    "source": "https://arxiv.org/abs/2701.00001",
    "locator": "Table 2",
    "base_model": "Llama-3-8B",
    "params_b": "8",
    "domain": "code",
    "regime": "IFT",
    "train_examples": "20000",
    "metric": "HumanEval",
    "base_score": "0.3",
    "full_score": "0.55",
    "lora_score": "0.5",
    "method_detail": "lora; r=16; targets=q,v; trainable_m=40",
    "unit": "0-1",
    "notes": "",
}


def read(*rows: Mapping[str, str]) -> StudyCases:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(PLAIN))
    writer.writeheader()
    writer.writerows({**PLAIN, **row} for row in rows)
    return read_study_cases(stream.getvalue().encode(), "cases.csv", {"HumanEval": 164})


def one(**changes: str) -> HeadToHead:
    return read(changes).rows[0]


def test_a_row_as_it_is_read() -> None:
    found = one()
    assert (found.base, found.full, found.adapter) == pytest.approx((30, 55, 50))
    assert (found.group, found.distance, found.metric_kind) == ("skill", "medium", "share")
    assert (found.method, found.rank, found.targets) == ("lora", 16, "q+v")
    assert found.attention_only
    assert (found.trainable, found.train_examples, found.train_tokens) == (40e6, 20_000, None)
    assert (found.study, found.test_set_size) == ("doe-2027-something", 164)
    assert found.base_same_harness
    assert found.full_same_study
    assert not found.retention


@pytest.mark.parametrize(
    ("unit", "score", "points"),
    [
        ("0-1", "0.5", 50),
        ("percent", "50", 50),
        ("score_1_10", "5", 50),
        # The geometric mean of the probability of a token.
        ("ppl", "4", 25),
    ],
)
def test_every_unit_becomes_points(unit: str, score: str, points: float) -> None:
    found = one(unit=unit, lora_score=score, full_score=score, base_score="")
    assert found.adapter == pytest.approx(points)
    assert found.base is None


@pytest.mark.parametrize(("scores", "full"), [(("0.5", "0.4"), 50), (("50", "0.4"), 50)])
def test_without_a_unit_scores_up_to_one_are_fractions(
    scores: tuple[str, str], full: float
) -> None:
    found = one(unit="", full_score=scores[0], lora_score=scores[1], base_score="")
    assert found.full == pytest.approx(full)


@pytest.mark.parametrize(
    ("regime", "domain", "group"),
    [
        ("SFT-narrow", "medical coding", "narrow"),
        ("CPT", "medical", "continued"),
        ("RL", "math", "rl"),
        ("IFT", "math", "skill"),
        ("IFT", "general-instruction", "general"),
        ("IFT", "medical", "far"),
        ("IFT", "chinese-instruction", "far"),
        ("IFT", "", "general"),
    ],
)
def test_the_kind_of_task(regime: str, domain: str, group: str) -> None:
    assert one(regime=regime, domain=domain).group == group


@pytest.mark.parametrize(
    ("detail", "method", "rank"),
    [
        ("", "lora", None),
        ("qlora; nf4+dq", "qlora", None),
        ("lora-init(PiSSA); r=8", "pissa", 8),
        ("lora-init(GA); r=8", "lora-ga", 8),
        ("DoRA; r=32; targets=all-linear", "dora", 32),
        ("lora r=16", "lora", 16),
        ("QLoRA  R=8", "qlora", 8),
    ],
)
def test_the_method(detail: str, method: str, rank: int | None) -> None:
    found = one(method_detail=detail)
    assert (found.method, found.rank) == (method, rank)


def test_notes_tell_where_scores_are_from() -> None:
    assert not one(notes="base_ext: a report (different harness)").base_same_harness
    assert not one(notes="full-FT numbers taken by authors from prior work").full_same_study
    assert one(domain="retention(code)").retention
    assert one(domain="retention(code)").domain == "code"
    assert one(notes="forgetting row: higher = more retained").retention


def test_rows_that_cannot_be_used_are_counted_by_reason() -> None:
    found = read(
        {},
        {"lora_score": ""},
        {"full_score": "high"},
        {"unit": "stars"},
        {"regime": "guess"},
        {"lora_score": "7"},
        {"study": ""},
    )
    assert len(found.rows) == 1
    assert found.skipped == {
        "no score of full fine-tuning or of the adapter": 1,
        "a score is not a number": 1,
        "unit 'stars' is not one of 0-1, percent, score_1_10, ppl": 1,
        "regime 'guess' is not one of SFT-narrow, IFT, CPT, RL": 1,
        "a score is outside of its unit": 1,
        "no study": 1,
    }
    assert found.titles == {"doe-2027-something": "Doe 2027 Something"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the header lacks study, regime, full_score, lora_score"),
        (b"a,b\n1,2\n", "the header lacks study"),
        (b"study,regime,full_score,lora_score\n", "has a header but no row"),
        (b"\xff\xfe\x00", "is not UTF-8 at byte 0"),
        (b'study,regime,full_score,lora_score\n"a,b\n', "is not valid CSV"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(CatalogError, match=r"cases\.csv") as refused:
        read_study_cases(content, "cases.csv", {})
    assert said in refused.value.problems[0]
