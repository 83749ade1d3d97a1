"""Measured runs are read strictly: every fault is named by line and column, and none is guessed."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog import measured
from app.catalog.measured import (
    MOST_ROWS,
    OWN_RUNS,
    own_runs,
    read_measured,
)
from app.catalog.measured_columns import CONFIGURATION, ROW_COLUMNS
from app.catalog.tables import CatalogError
from app.estimator.measured import SCORED_METRICS, SPEED_METRIC, MeasuredRun
from app.exports.csv_text import spreadsheet_cell

HEADER = "id,run,model,method,gpu,n_gpus,seq_len,micro_batch,metric,value,quality"
GOOD = "a-mem,a,org/model,full,A100-SXM-80GB,8,4096,2,peak_allocated_gib,61.5,A"
SPEED = "a-tps,a,org/model,full,A100-SXM-80GB,8,4096,2,tokens_per_s_per_gpu,3210,B"


def read(*lines: str) -> tuple[MeasuredRun, ...]:
    return read_measured("\n".join((*lines, "")), "mine.csv")


def problems(*lines: str) -> tuple[str, ...]:
    with pytest.raises(CatalogError) as caught:
        read(*lines)
    return caught.value.problems


def changed(column: str, value: str, header: str = HEADER, row: str = GOOD) -> tuple[str, str]:
    """Header and a row with one cell changed; the column is added where it is not there."""
    cells = dict(zip(header.split(","), row.split(","), strict=True)) | {column: value}
    out = io.StringIO()
    writer = csv.DictWriter(out, list(cells), lineterminator="\n")
    writer.writeheader()
    writer.writerow(cells)
    first, second = out.getvalue().rstrip("\n").split("\n", 1)
    return first, second


def test_rows_of_a_run_are_gathered() -> None:
    run, other = read(HEADER, GOOD, SPEED.replace("a-tps,a", "b-tps,b"), SPEED)
    assert (run.run, run.source, run.gpus, run.sequence_length) == ("a", "a", 8, 4096)
    assert [(m.id, m.value, m.quality) for m in run.measurements] == [
        ("a-mem", 61.5, "A"),
        ("a-tps", 3210.0, "B"),
    ]
    assert other.run == "b"
    assert (run.tensor, run.pipeline, run.data_parallel, run.strategy) == (1, 1, None, "")
    assert (run.master_weights, run.model_shape, run.year) == (None, None, None)


def test_order_of_columns_bom_crlf_and_unknown_columns_do_not_matter() -> None:
    plain = read(HEADER, GOOD)
    turned = [",".join(reversed(line.split(","))) for line in (HEADER, GOOD)]
    assert read(*turned) == plain
    windows = ("\ufeff" + "\r\n".join((HEADER + ",mine", GOOD + ",x", ""))).encode()
    assert read_measured(windows, "mine.csv") == plain


def test_columns_that_may_be_missing_have_a_meaning() -> None:
    text = "id,model,method,gpu,n_gpus,seq_len,metric,value\nx,m,lora,H100,1,512,smi_gib,20\n"
    (run,) = read_measured(text, "mine.csv")
    assert run.run == "x"
    assert run.measurements[0].quality == "A"


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("id", "", "mine.csv line 2, id: is blank; give each row a name of its own"),
        ("method", "Full", "mine.csv line 2, method: 'Full' is not one of full, lora, qlora, dora"),
        ("n_gpus", "", "mine.csv line 2, n_gpus: is blank; a whole number from 1 is needed"),
        ("n_gpus", "8.0", "line 2, n_gpus: '8.0' is not a whole number from 1, such as 8"),
        ("n_gpus", "0", "line 2, n_gpus: '0' is not a whole number from 1"),
        ("seq_len", "4k", "line 2, seq_len: '4k' is not a whole number"),
        ("value", "", "line 2, value: is blank; a number is needed"),
        ("value", "nan", "line 2, value: 'nan' is not a finite number such as 12.5"),
        ("value", "1e999", "line 2, value: '1e999' is not a finite number"),
        ("value", "1_0", "line 2, value: '1_0' is not a finite number"),
        ("value", "61,5", "line 2, value: '61,5' is not a finite number"),
        ("value", "-3", "line 2, value: is -3; more than 0 is expected"),
        ("metric", "speed", "line 2, metric: 'speed' is not one of peak_allocated_gib"),
        ("metric", "", "line 2, metric: is blank; write one of peak_allocated_gib"),
        ("quality", "D", "line 2, quality: 'D' is not one of A, B, C"),
        ("model", "", "line 2, model: is blank; give a Hugging Face id, or model_shape"),
        ("strategy", "zero9", "line 2, strategy: 'zero9' is not one of single, ddp"),
        ("master_weights", "true", "line 2, master_weights: 'true' is not yes or no"),
        ("model_shape", "{", "line 2, model_shape: is not a JSON object such as"),
        ("model_shape", "[" * 1500, "line 2, model_shape: is not a JSON object such as"),
        ("model_shape", '{"layers": 2}', "the key 'layers' is not known; the keys are n_layers"),
        ("model_shape", '{"n_layers": 2}', "model_shape: lacks hidden_size, n_heads, vocab_size"),
        ("model_shape", '{"bias": 1}', "model_shape: bias must be true or false"),
        ("model_shape", '{"n_heads": true}', "model_shape: n_heads must be a whole number from 1"),
        ("variant", "x" * 2001, "line 2, variant: is longer than 2,000 characters; shorten it"),
    ],
)
def test_a_wrong_cell_is_named_with_what_would_do(column: str, value: str, said: str) -> None:
    found = problems(*changed(column, value))
    assert len(found) == 1
    assert said in found[0]


def test_all_problems_are_said_at_once() -> None:
    found = problems(HEADER, GOOD.replace("full", "fll").replace("61.5", "x"), GOOD + ",more", "b")
    assert [text.partition(": ")[0] for text in found] == [
        "mine.csv line 2, method",
        "mine.csv line 2, value",
        "mine.csv line 3",
        "mine.csv line 4",
    ]


def test_rows_of_one_run_share_every_setting() -> None:
    found = problems(HEADER, GOOD, SPEED.replace("4096,2", "4096,4"))
    assert found == (
        "mine.csv line 3, micro_batch: is '4', but run 'a' has another value on line 2; "
        "rows of one run share every setting",
    )


def test_a_row_has_a_name_of_its_own() -> None:
    assert problems(HEADER, GOOD, GOOD) == (
        "mine.csv line 3, id: 'a-mem' is already on line 2; give each row its own name",
    )


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (HEADER.replace("metric,", ""), "mine.csv line 1, metric: this column is missing"),
        (HEADER.replace("model,", ""), "line 1, model: this column is missing from the header; "),
        (HEADER + ",value", "line 1, value: this column is in the header twice"),
        ("", "line 2, id: this column is missing"),
    ],
)
def test_the_header_is_checked(header: str, said: str) -> None:
    assert any(said in text for text in problems(header, GOOD))


def test_a_file_has_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [GOOD.replace("a-mem,a", f"r{n},r{n}") for n in range(MOST_ROWS + 1)]
    assert problems(HEADER, *rows) == (
        f"mine.csv line {MOST_ROWS + 2}: more than 5,000 rows; split the file into several",
    )
    assert len(read(HEADER, *rows[:-1])) == MOST_ROWS
    monkeypatch.setattr(measured, "LARGEST_BYTES", 100)
    assert "is larger than" in problems(HEADER, GOOD)[0]


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"id\xff", "is not UTF-8"), (b'id,"x\n', "is not valid CSV"), (HEADER.encode(), "no rows")],
)
def test_what_is_no_table_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(CatalogError, match=said):
        read_measured(content, "mine.csv")


@given(st.binary(max_size=300) | st.text(max_size=300))
def test_whatever_comes_is_read_or_refused(content: bytes | str) -> None:
    with pytest.raises(CatalogError):
        read_measured(content, "mine.csv")


def test_only_a_and_b_of_predicted_metrics_are_scored_and_one_speed() -> None:
    (run,) = read(
        HEADER,
        GOOD,
        SPEED,
        SPEED.replace("a-tps", "a-tps2").removesuffix("B") + "A",
        SPEED.replace("a-tps", "a-mfu").replace(SPEED_METRIC, "mfu_percent"),
        GOOD.replace("a-mem", "a-smi").replace("peak_allocated", "smi").removesuffix("A") + "C",
        GOOD.replace("a-mem", "a-note").replace("peak_allocated_gib", "other").replace("61", "-6"),
    )
    assert len(run.measurements) == 6
    assert [m.id for m in run.scored] == ["a-mem", "a-tps2"]


# ---------------------------------------------------------------------------- our own table


def test_our_own_table_holds_what_is_scored() -> None:
    runs = own_runs()
    rows = [m for run in runs for m in run.measurements]
    assert (len(runs), len(rows)) == (588, 949)
    assert sum(len(run.scored) for run in runs) == len(rows)
    assert {m.metric for m in rows} == set(SCORED_METRICS)
    assert {m.quality for m in rows} == {"A", "B"}


def test_our_own_table_is_sorted_dated_small_and_plain() -> None:
    content = OWN_RUNS.read_bytes()
    assert len(content) < 900_000
    assert b"\r" not in content
    table = list(csv.DictReader(io.StringIO(content.decode())))
    assert [row["id"] for row in table] == sorted(row["id"] for row in table)
    unread = {"quality_note", "retrieved"}
    assert set(table[0]) <= {*ROW_COLUMNS, *CONFIGURATION, *unread}
    for row in table:
        assert row["source"]
        assert row["retrieved"] == "2026-11-23"
        assert all(cell == spreadsheet_cell(cell) for cell in row.values())


def test_runs_that_an_ml_lead_looks_for_are_there() -> None:
    runs = own_runs()
    mlperf = [run for run in runs if run.source == "mlperf"]
    assert {run.model for run in mlperf} == {"meta-llama/Llama-2-70b-hf"}
    assert {(run.gpu, run.gpus) for run in mlperf} >= {
        ("H100-SXM-80GB", 8),
        ("H100-SXM-80GB", 64),
        ("B200-SXM-180GB", 8),
    }
    assert {run.framework for run in runs} >= {"torchtune", "trl", "hf-trainer", "megatron-bridge"}
