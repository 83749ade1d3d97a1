"""Own comparisons: what was written is read back, and what cannot be is refused by its cell."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.estimator.evidence import OWN, HeadToHead
from app.services.own_evidence import (
    EXAMPLE_CSV,
    GROUPS,
    LONGEST_CELL,
    MOST_ROWS,
    OPTIONAL,
    REQUIRED,
    parse_own_evidence,
)
from app.services.problems import MOST_PROBLEMS, InputProblems, Problem

HEADER = "study,group,metric,base,full,adapter"


def refused(text: str) -> list[str]:
    """What is said of a text that cannot be read."""
    with pytest.raises(InputProblems) as caught:
        parse_own_evidence(text)
    assert {problem.pointer for problem in caught.value.problems} == {"/own_evidence"}
    return [problem.message for problem in caught.value.problems]


def test_the_example_is_read() -> None:
    rows = parse_own_evidence(EXAMPLE_CSV)
    assert [row.study for row in rows] == [f"{OWN}-contract-review-2025"] * 2 + [
        f"{OWN}-ticket-routing"
    ]
    assert [row.method for row in rows] == ["lora", "qlora", "lora"]
    assert [(row.base, row.full, row.adapter) for row in rows] == [
        (41.0, 58.5, 55.0), (41.0, 58.5, 54.2), (72.0, 91.3, 91.0),
    ]  # fmt: skip
    assert rows[2].test_set_size == 1500
    assert all(row.is_own and row.base_same_harness and not row.retention for row in rows)
    assert len({row.key for row in rows}) == 3


@pytest.mark.parametrize("text", ["", "  \n\t\n", "\r\n"])
def test_nothing_is_no_comparison(text: str) -> None:
    assert parse_own_evidence(text) == ()


@pytest.mark.parametrize(
    "text",
    [
        "study,group,metric,base,full,adapter\nA,far,EM,41,58.5,55",
        "\ufeffStudy;Group;Metric;Base;Full;Adapter\r\n\r\nA;FAR;EM;41;58,5;55\r\n",
        'metric\tadapter\tfull\tbase\tgroup\tstudy\nEM\t55\t58.5\t41\tfar\t"A"\n',
        "STUDY , GROUP, METRIC ,BASE,FULL,ADAPTER,Method\n A , far , EM , 41.0 , 58.5 , 55 ,",
    ],
)
def test_every_separator_and_case_is_read(text: str) -> None:
    (row,) = parse_own_evidence(text)
    assert (row.study, row.group, row.metric) == ("own-a", "far", "EM")
    assert (row.base, row.full, row.adapter, row.method) == (41.0, 58.5, 55.0, "lora")


def test_what_is_blank_is_not_known() -> None:
    (row,) = parse_own_evidence(HEADER + ",method,rank,targets\nA,rl,EM,,58.5,55,DoRA,,attention")
    assert (row.base, row.rank, row.method) == (None, None, "dora")
    assert row.attention_only


def test_projects_keep_keys_of_their_own() -> None:
    names = ["A+B", "A B", "a  b", "計画", "другой", "A+B"]
    rows = parse_own_evidence(HEADER + "".join(f"\n{name},far,EM,,50,49" for name in names))
    assert [row.study for row in rows] == [
        "own-a-b", "own-a-b-2", "own-a-b-2", "own-project", "own-project-2", "own-a-b",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("full,adapter\n1,2", "line 1: the header lacks study, group, metric; the columns are"),
        (HEADER + ",cost\n", "line 1: the header has 'cost', not known; the columns are study"),
        (HEADER + ",\n", "line 1: the header has a blank name, not known"),
        (HEADER + ",full\n", "line 1, column full: is in the header twice"),
        (HEADER, "there is a header but no row"),
        (HEADER + "\nA,far,EM,41,58", "line 2: has 5 cells where the header has 6"),
        (HEADER + "\nA,far,EM,41,58,x", "line 2, column adapter: 'x' is not a plain decimal"),
        (HEADER + "\nA,far,EM,41,58,-3", "line 2, column adapter: -3 is below 0"),
        (HEADER + "\nA,far,EM,41,580,50", "line 2, column full: 580 is out of range; 0 to 100"),
        (HEADER + "\nA,far,EM,41,nan,50", "line 2, column full: 'nan' is not a plain decimal"),
        (HEADER + "\n\nA,far,EM,41,,50", "line 3, column full: is blank"),
        (HEADER + "\nA,close,EM,41,58,50", "line 2, column group: 'close' is not one of narrow"),
        (
            HEADER + "\n=A1,far,EM,41,58,50",
            "line 2, column study: '=A1' would be read as a formula",
        ),
        (HEADER + "\nA\x07,far,EM,41,58,50", "line 2, column study: holds characters"),
        (HEADER + '\n"A,far,EM,41,58,50', "line 2: is not valid CSV; check the double quotes"),
        (
            HEADER + ",rank\nA,far,EM,41,58,50,8.5",
            "line 2, column rank: '8.5' is not a plain whole",
        ),
        (HEADER + ",method\nA,far,EM,41,58,50,full", "column method: full stands in its own"),
        (HEADER + f"\n{'A' * 101},far,EM,1,58,50", "column study: 'AAAA"),
        (HEADER + "\nA,far,EM,0.41,0.58,0.5", "column full: no score is above 0.58, so these look"),
        (HEADER + "\nA,far,EM,41,58,0.5", "column adapter: no score is above 0.5"),
        (HEADER + "\nA,far,EM,41,58,50" * (MOST_ROWS + 1), "there are 401 rows"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_cell(text: str, said: str) -> None:
    if "401" in said:
        said = f"there are {MOST_ROWS + 1} rows"
        text = HEADER + "\nA,far,EM,41,58,50" * (MOST_ROWS + 1)
    messages = refused(text)
    assert any(said in message for message in messages), messages
    assert all(message.startswith("Own past comparisons") for message in messages)


def test_a_base_that_gets_nothing_right_is_no_fraction() -> None:
    assert parse_own_evidence(HEADER + "\nA,skill,pass@1,0,58,50")[0].base == 0


def test_all_problems_come_at_once() -> None:
    messages = refused(HEADER + "\nA,close,EM,41,58,x\nB,far,,41,580,50")
    assert [message.split(":")[0] for message in messages] == [
        "Own past comparisons, line 2, column group",
        "Own past comparisons, line 2, column adapter",
        "Own past comparisons, line 3, column metric",
        "Own past comparisons, line 3, column full",
    ]
    assert len(refused(HEADER + "\nA,close,EM,41,58,x" * 100)) == MOST_PROBLEMS


LIKE_CSV = st.lists(
    st.sampled_from(
        ["study", "group", "metric", "full", "adapter", ",", ";", "\t", "\n", "\r", '"', "far", "A",
         "50", "0.5", "-1", "=1", "\x00", "\ufeff", "é", "\ud800", "1e9", " "]
    ),
    max_size=60,
).map("".join)  # fmt: skip


@settings(max_examples=300)
@given(st.one_of(st.text(max_size=200), LIKE_CSV, LIKE_CSV.map(lambda t: f"{HEADER}\n{t}")))
@example(HEADER + "\n" + "9" * 20_000)
@example('"' * 20_000)
def test_any_text_is_read_whole_or_refused_in_words(text: str) -> None:
    rows: tuple[HeadToHead, ...] = ()
    problems: tuple[Problem, ...] = ()
    try:
        rows = parse_own_evidence(text)
    except InputProblems as error:
        problems = error.problems
    assert len(problems) <= MOST_PROBLEMS
    assert not (rows and problems)
    for problem in problems:
        assert problem.message.endswith(".")
        assert problem.message.isprintable()
        assert len(problem.message) < 2_000
    for row in rows:
        assert row.is_own
        assert row.group in GROUPS
        assert 0 <= row.full <= 100
        assert 0 <= row.adapter <= 100


NAMES = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "Zs")), min_size=1, max_size=30
).filter(lambda name: name.strip() == name and name.isprintable() and name[0] not in "=+-@")
POINTS = st.integers(0, 1000).map(lambda tenth: tenth / 10)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "study": NAMES,
            "group": st.sampled_from(GROUPS),
            "metric": NAMES,
            "full": POINTS,
            "adapter": POINTS,
        },
        optional={
            "base": POINTS,
            "method": st.sampled_from(["lora", "qlora", "dora", "lora-ga"]),
            "rank": st.integers(1, 16_384),
            "metric_kind": st.sampled_from(["share", "overlap", "judge"]),
            "domain": NAMES,
            "base_model": NAMES,
            "test_set_size": st.integers(10, 10_000_000),
            "train_examples": st.integers(1, 10_000_000_000),
            "targets": NAMES,
        },
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=100)
@given(ROWS, st.sampled_from([",", ";", "\t"]), st.permutations(REQUIRED + OPTIONAL))
def test_what_was_written_is_read_back(
    rows: list[dict[str, object]], separator: str, columns: list[str]
) -> None:
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=separator)
    writer.writerow(columns)
    writer.writerows([[row.get(column, "") for column in columns] for row in rows])
    columns_of_scores = [[row[c] for row in rows if c in row] for c in ("base", "full", "adapter")]
    if any(scores and 0 < max(scores) <= 1 for scores in columns_of_scores):  # type: ignore[type-var, operator]
        assert any("fractions" in message for message in refused(stream.getvalue()))
        return
    read = parse_own_evidence(stream.getvalue())
    assert len(read) == len(rows)
    for was, now in zip(rows, read, strict=True):
        for column in ("group", "metric", "full", "adapter", *OPTIONAL):
            if column in was:
                assert getattr(now, column) == was[column]
    assert len({row.key for row in read}) == len(read)
    assert_same_names_are_one_study(rows, read)


def assert_same_names_are_one_study(
    rows: list[dict[str, object]], read: tuple[HeadToHead, ...]
) -> None:
    """Projects are told apart as their names are, but for case and spaces."""
    names = [" ".join(str(row["study"]).casefold().split()) for row in rows]
    keys = [row.study for row in read]
    assert len(set(names)) == len(set(keys)) == len(set(zip(names, keys, strict=True)))


def test_long_cells_are_shortened_in_messages() -> None:
    (message,) = refused(HEADER + "\n" + "A" * (LONGEST_CELL + 1) + ",far,EM,41,58,50")
    assert "A…" in message or "\\u2026" in message
    assert len(message) < 200
