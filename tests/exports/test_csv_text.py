"""CSV text: nothing in it is run, and what is read is what was written."""

from __future__ import annotations

import csv
import io
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.exports.csv_text import Value, csv_text, guarded, spreadsheet_cell

STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@pytest.mark.parametrize(
    ("cell", "written"),
    [("=HYPERLINK(1)", "'=HYPERLINK(1)"), ("+x", "'+x"), ("-x", "'-x"), ("@x", "'@x"),
     ("\t=1", "'\t=1"), (" =1", "' =1"), ("\u00a0\tx", "'\u00a0\tx"), ("\v=1", "'\v=1"),
     ("-0.12", "-0.12"), ("lora", "lora"), ("", "")],
)  # fmt: skip
def test_a_cell_is_never_a_formula(cell: str, written: str) -> None:
    assert spreadsheet_cell(cell) == written


@given(st.sampled_from(STARTS), st.text(max_size=20))
def test_whatever_text_begins_with_it_begins_no_formula(start: str, rest: str) -> None:
    assert guarded(start + rest) == "'" + start + rest
    assert guarded("x" + start + rest) == "x" + start + rest


VALUES: st.SearchStrategy[Value] = st.one_of(
    # Without NUL and lone surrogates, which no file in UTF-8 holds.
    st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(10**15), 10**15),
    st.none(),
)


@settings(max_examples=60)
@given(st.lists(st.tuples(VALUES, VALUES), max_size=5))
def test_what_is_written_is_read_again(rows: list[tuple[Value, Value]]) -> None:
    text = csv_text(("a", "b"), rows)
    read = list(csv.reader(io.StringIO(text.encode().decode(), newline="")))
    assert read[0] == ["a", "b"]
    assert len(read) == len(rows) + 1
    for cells, values in zip(read[1:], rows, strict=True):
        for cell, value in zip(cells, values, strict=True):
            if isinstance(value, str):
                assert cell == guarded(value)
                assert not cell.startswith(STARTS)
            elif value is None:
                assert cell == ""
            else:
                # The very same number, its sign too, and no quote before it.
                assert float(cell) == value
                assert math.copysign(1, float(cell)) == math.copysign(1, value)


def test_lines_end_as_rfc_4180_has_them() -> None:
    assert csv_text(("a", "b"), [(1.0, "x,y"), (None, 'a "b"')]) == (
        'a,b\r\n1.0,"x,y"\r\n,"a ""b"""\r\n'
    )
