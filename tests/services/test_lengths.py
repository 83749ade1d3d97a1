"""Pasted lengths: every form that people have, and errors that name the line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.services.lengths import MAX_LENGTHS_CHARACTERS, InvalidLengths, parse_lengths


@pytest.mark.parametrize(
    "text",
    [
        "512 40\n1024 2",
        "512,40\r\n1024,2\r\n",
        "512\t40\n\n1024\t2\n",
        "512; 40\n1024; 2",
        "512: 40\n1024: 2",
        "# from the tokenizer\nlength,count\n512,40\n1024,2",
        "\ufefflength count\n1024 2\n512 40",
        "512 39\n512 1\n1024 2\n2048 0",
    ],
)
def test_every_form_of_a_histogram_is_read(text: str) -> None:
    lengths = parse_lengths(text)
    assert lengths.length.tolist() == [512, 1024]
    assert lengths.count.tolist() == [40, 2]
    assert not lengths.assumed


@pytest.mark.parametrize("text", ["7\n9\n7", "7 9 7", "7, 9, 7", "tokens\n7\n9\n7\n"])
def test_a_plain_list_of_lengths_is_read(text: str) -> None:
    lengths = parse_lengths(text)
    assert lengths.length.tolist() == [7, 9]
    assert lengths.count.tolist() == [2, 1]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("512 40\nabc 2", 2, "Line 2: 'abc' is not a whole number"),
        ("512 40\n1024", 2, "Line 2: 1 number where line 1 has 2 numbers"),
        ("512\n\n1024 4", 3, "Line 3: 2 numbers where line 1 has 1 number"),
        ("1,024\n2,048", 1, "Line 1: '024' begins with a zero"),
        ("512 -4", 1, "'-4' is not a whole number"),
        ("512.5 4", 1, "'512.5' is not a whole number"),
        ("0 4", 1, "a length is 1 to 10,000,000 tokens (got 0)"),
        ("99999999 4", 1, "a length is 1 to 10,000,000 tokens"),
        ("1 2 3\n4 5 6", 1, "3 numbers; give one line of lengths"),
        ("512 " + "9" * 5000, 1, "is too large"),
        ("\u0665 4", 1, "is not a whole number"),
        ("", None, "There are no lengths"),
        ("length,count", None, "There are no lengths"),
        (",,\n;", None, "There are no lengths"),
        ("512 0", None, "there is no sample"),
        ("1 9999999999\n2 9999999999", None, "more than 10,000,000,000 samples"),
        ("1\n" * MAX_LENGTHS_CHARACTERS, None, "more than 1,000,000 characters"),
        ("1 " * 200_001, None, "more than 200,000 numbers"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_line(text: str, line: int | None, said: str) -> None:
    with pytest.raises(InvalidLengths) as caught:
        parse_lengths(text)
    assert said in caught.value.message
    assert caught.value.line == line


@given(st.text())
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    try:
        said = f"{parse_lengths(text).samples} samples."
    except InvalidLengths as error:
        said = error.message
    assert said.endswith(".")
    assert said.isprintable()


@given(st.dictionaries(st.integers(1, 10_000_000), st.integers(1, 1000), min_size=1, max_size=50))
def test_what_was_written_is_read_back(histogram: dict[int, int]) -> None:
    lengths = parse_lengths("\n".join(f"{length} {count}" for length, count in histogram.items()))
    assert dict(zip(lengths.length.tolist(), lengths.count.tolist(), strict=True)) == histogram
