"""The script that measures training steps: all but the steps themselves runs without torch."""

from __future__ import annotations

import csv
import doctest
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from benchmarks.measuring import accelerators, cases, command, memory, table
from benchmarks.measuring.cases import Case, UnusableInput
from benchmarks.measuring.table import COLUMNS, Device, Outcome

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "benchmarks" / "measure_gpu.py"
TODAY = date(2026, 11, 23)
H100 = Device(
    "cuda", "NVIDIA H100 80GB HBM3", 85_000_000_000, {"torch": "2.13.0", "bitsandbytes": "0.50"}
)
FITS = Outcome(
    parameters=8_030_261_248,
    trainable=41_943_040,
    step_seconds=[0.5, 0.52, 0.9],
    tokens_per_second=2048 / 0.52,
    memory_bytes={"allocated": 20 * 2**30, "reserved": 22 * 2**30, "static": 16 * 2**30},
)
DOES_NOT_FIT = Outcome(
    memory_bytes={"allocated": 70 * 2**30}, out_of_memory="CUDA out of memory. Tried to allocate"
)
# What the guide to the table allows, of the columns that this script fills.
ALLOWED = {
    "model_known": {"yes", "no"},
    "is_moe": {"yes", "no"},
    "method": {"full", "lora", "qlora"},
    "task": {"finetune"},
    "trains_embeddings": {"yes", "no"},
    "gpu_known": {"yes", "no"},
    "gpu_form": {"stated", "inferred", ""},
    "strategy": {"single"},
    "offload": {"none"},
    "packed": {"yes"},
    "act_ckpt": {"none", "full"},
    "optimizer": {"adamw-fp32", "adamw-bf16", "adamw-8bit", "paged-adamw-8bit"},
    "weights_dtype": {"fp32", "bf16", "nf4"},
    "master_weights": {"yes", "no"},
    "compute": {"bf16"},
    "attention": {"sdpa", "eager"},
    "fused_loss": {"no"},
    "compile": {"no"},
    "framework": {"transformers"},
    "metric": {
        "peak_allocated_gib",
        "peak_reserved_gib",
        "smi_gib",
        "tokens_per_s_per_gpu",
        "other",
    },
    "derived": {"no"},
    "unit_ambiguous": {"no"},
    "quality": {"A", "C"},
}
WHOLE = ("year", "n_gpus", "dp", "seq_len", "micro_batch", "grad_accum", "global_batch")
OF_A_ROW = {"id", "metric", "value", "derived", "unit_ambiguous", "quality", "quality_note"}
OF_A_ROW |= {"printed_metric", "printed_value", "printed_unit", "notes"}


def chosen(*arguments: str) -> list[Case]:
    """The cases that options describe."""
    return command.chosen_cases(command.make_parser().parse_args(arguments))


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def check(rows: list[dict[str, str]]) -> None:
    """Rows follow the schema, and those of a run share its configuration."""
    assert len({row["id"] for row in rows}) == len(rows)
    runs: dict[str, dict[str, str]] = {}
    for row in rows:
        assert tuple(row) == COLUMNS
        assert all(value == value.strip() for value in row.values())
        for column, values in ALLOWED.items():
            assert row[column] in values, (column, row[column])
        for column in WHOLE:
            assert row[column].isdecimal(), column
        assert row["id"].startswith(f"{row['run']}-")
        assert float(row["value"]) > 0
        if row["model_shape"]:
            json.loads(row["model_shape"])
        shared = {k: v for k, v in row.items() if k not in OF_A_ROW}
        assert runs.setdefault(row["run"], shared) == shared


def answering(
    device: Device = H100, outcome: Callable[[Case], Outcome] = lambda _: FITS
) -> tuple[command.Ask, list[Case]]:
    """A device that is not there, and the cases that it was given."""
    given: list[Case] = []

    def ask(request: dict[str, Any]) -> dict[str, Any]:
        if "case" not in request:
            return asdict(device)
        given.append(Case.from_json(json.loads(json.dumps(request["case"]))))
        return asdict(outcome(given[-1]))

    return ask, given


@pytest.mark.parametrize("module", [accelerators, cases, memory], ids=lambda m: m.__name__)
def test_examples_in_docstrings(module: Any) -> None:
    result = doctest.testmod(module)
    assert result.attempted
    assert not result.failed


def test_adapters_multiply_only_the_methods_that_have_them() -> None:
    found = chosen(
        *("--models", "tiny", "--lengths", "64,128", "--micro-batches", "1", "--methods"),
        *("full,lora", "--checkpointing", "none", "--adapter-dtypes", "fp32,bf16"),
    )
    assert [(c.method, c.length, c.adapter_dtype) for c in found] == [
        ("full", 64, None),
        ("full", 128, None),
        ("lora", 64, "fp32"),
        ("lora", 64, "bf16"),
        ("lora", 128, "fp32"),
        ("lora", 128, "bf16"),
    ]


def test_fused_experts_are_not_called_quantized(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "org__experts.json"
    config.write_text(json.dumps({"model_type": "mixtral", "num_local_experts": 8}))
    assert {case.method for case in chosen("--models", str(config))} == {"full", "lora"}
    ask, _ = answering()
    arguments = ["--models", str(config), "--methods", "qlora", "--out", str(tmp_path / "rows.csv")]
    assert command.main(arguments, ask) == 2
    assert "--methods: qlora of a mixture of experts" in capsys.readouterr().err


def test_every_case_has_a_run_id_of_its_own_and_survives_json() -> None:
    found = chosen(
        *("--models", ",".join(cases.built_in_models()), "--attention", "sdpa,eager"),
        *("--precisions", "bf16,autocast", "--optimizers", "fused,foreach,8bit,paged-8bit"),
        *("--adapter-dtypes", "fp32,bf16"),
    )
    assert len({case.run_id("H100-SXM-80GB") for case in found}) == len(found)
    assert all(Case.from_json(json.loads(json.dumps(c.as_json()))) == c for c in found[:50])


def test_a_run_id_says_what_was_measured() -> None:
    (case,) = chosen(
        *("--models", "meta-llama/Llama-3.2-1B", "--methods", "lora", "--lengths", "2048"),
        *("--micro-batches", "4", "--checkpointing", "full", "--targets", "q_proj, v_proj"),
    )
    assert case.target_modules == ["q_proj", "v_proj"]
    assert case.run_id("H100-SXM-80GB") == (
        "own-h100-sxm-80gb-llama-3.2-1b-lora-r16-q-proj-v-proj-afp32-s2048-b4-ckpt-sdpa-bf16-fused"
    )


def test_models_from_files(tmp_path: Path) -> None:
    content = json.dumps({"model_type": "llama", "hidden_size": 64})
    (tmp_path / "some-org__a-model.json").write_text(content)
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "config.json").write_text(content)
    assert [(m.name, m.known) for m in cases.find_models([str(tmp_path)])] == [
        ("some-org/a-model", True)
    ]
    (model,) = cases.find_models([str(mine / "config.json")])
    assert (model.name, model.known) == ("mine", False)
    other = cases.Model("mine", False, {**model.config, "hidden_size": 128})
    assert other.key != model.key, "another architecture by the same name is another run"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--lengths", "2k"], "--lengths: '2k' is no whole number of at least 1"),
        (["--micro-batches", "0"], "--micro-batches: '0' is no whole number of at least 1"),
        (["--methods", "dora"], "--methods: 'dora' is none of full, lora, qlora"),
        (["--checkpointing", "on"], "--checkpointing: 'on' is none of none, full"),
        (["--models", ","], "--models: nothing is named"),
        (["--models", "gpt-9"], "--models: 'gpt-9' is no file, no folder and none of"),
        (["--models", "{tmp}"], "--models: no .json file in the folder"),
        (["--models", "{tmp}/text"], "cannot be read as JSON"),
        (["--targets", ","], "--targets: nothing is named"),
        (["--methods", "full"], "--out: name the table to append to"),
        (["--out", "{tmp}/none/file.csv"], "--out: the folder"),
        (["--out", "{tmp}/text"], "other columns than a table of measured runs"),
    ],
)
def test_unusable_input_is_named(
    arguments: list[str], expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text").write_text("hello")
    folder = tmp_path / "empty" if arguments[-1] == "{tmp}" else tmp_path
    folder.mkdir(exist_ok=True)
    ask, given = answering()
    try:
        status = command.main([a.replace("{tmp}", str(folder)) for a in arguments], ask)
    except SystemExit as end:  # argparse's own
        status = end.code
    assert status == 2
    assert expected in capsys.readouterr().err
    assert not given


def test_no_option_measures_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    ask, given = answering()
    assert command.main([], ask) == 0
    assert "--out" in capsys.readouterr().out
    assert not given


def test_list_asks_no_device(capsys: pytest.CaptureFixture[str]) -> None:
    def ask(_: dict[str, Any]) -> dict[str, Any]:
        raise AssertionError

    status = command.main(["--list", "--models", "tiny", "--methods", "full"], ask)
    assert status == 0
    assert len(capsys.readouterr().out.splitlines()) == 3 * 2 * 2


def test_rows_of_a_case_that_fits() -> None:
    (case,) = chosen(
        *("--models", "meta-llama/Meta-Llama-3.1-8B", "--methods", "qlora", "--lengths", "2048"),
        *("--micro-batches", "1", "--checkpointing", "full"),
    )
    made = table.rows(case, H100, FITS, TODAY)
    check(made)
    assert [(r["metric"], r["value"], r["quality"]) for r in made] == [
        ("peak_allocated_gib", "20", "A"),
        ("peak_reserved_gib", "22", "A"),
        ("other", "16", "C"),
        ("tokens_per_s_per_gpu", "3938.46", "A"),
    ]
    row = made[0]
    assert row["printed_value"] == str(20 * 2**30)
    assert row["locator"] == "NVIDIA H100 80GB HBM3; torch 2.13.0, bitsandbytes 0.50; 2026-11-23"
    assert (row["source"], row["gpu"], row["gpu_known"]) == (
        "measured by us",
        "H100-SXM-80GB",
        "yes",
    )
    assert (row["weights_dtype"], row["optimizer"], row["lora_targets"]) == (
        "nf4",
        "adamw-fp32",
        "all-linear",
    )


@pytest.mark.parametrize(
    ("precision", "weights", "master", "optimizer"),
    [("bf16", "bf16", "no", "adamw-bf16"), ("autocast", "fp32", "yes", "adamw-fp32")],
)
def test_full_fine_tuning_keeps_master_weights_only_under_autocast(
    precision: str, weights: str, master: str, optimizer: str
) -> None:
    case = chosen("--models", "tiny", "--methods", "full", "--precisions", precision)[0]
    made = table.rows(case, H100, FITS, TODAY)
    check(made)
    row = made[0]
    assert (row["weights_dtype"], row["master_weights"], row["optimizer"]) == (
        weights,
        master,
        optimizer,
    )
    assert row["model_known"] == "no"
    assert json.loads(row["model_shape"])["n_params"] == FITS.parameters


def test_a_trial_on_a_cpu_is_never_scored() -> None:
    case = chosen("--models", "tiny")[0]
    made = table.rows(case, Device("cpu", "CPU", 1, {"torch": "2.13.0"}), FITS, TODAY)
    check(made)
    assert {row["quality"] for row in made} == {"C"}
    assert {row["gpu_known"] for row in made} == {"no"}


def test_the_accelerator_can_be_named() -> None:
    case = chosen("--models", "tiny")[0]
    device = Device("cuda", "NVIDIA Graphics Device", 1, {})
    row = table.rows(case, device, FITS, TODAY)[0]
    assert (row["gpu"], row["gpu_known"]) == ("NVIDIA Graphics Device", "no")
    row = table.rows(case, device, FITS, TODAY, gpu="B200-SXM-180GB")[0]
    assert (row["gpu"], row["gpu_known"]) == ("B200-SXM-180GB", "yes")
    assert row["gpu_printed"] == "NVIDIA Graphics Device"


def test_accelerator_keys_are_those_of_the_price_tables() -> None:
    listed = {row["accelerator"] for row in read(ROOT / "pricing" / "accelerators.csv")}
    ours = {key for _, key, _ in accelerators._NAMES}
    not_rented = {"A40-48GB", "T4-16GB", "RTX-3090-24GB", "L40-48GB", "H200-NVL-141GB"}
    assert ours - not_rented <= listed


SMALL = ["--models", "tiny", "--lengths", "64,128", "--micro-batches", "1"]


def test_out_of_memory_is_a_row_and_the_script_goes_on(tmp_path: Path) -> None:
    out = tmp_path / "rows.csv"
    ask, given = answering(outcome=lambda c: DOES_NOT_FIT if c.length == 64 else FITS)
    assert command.main([*SMALL, "--methods", "full", "--out", str(out)], ask) == 0
    assert len(given) == 4
    rows = read(out)
    check(rows)
    lost = [row for row in rows if row["printed_metric"] == "out_of_memory"]
    assert [(r["metric"], r["value"], r["quality"]) for r in lost] == 2 * [
        ("other", "79.1624", "C")
    ]
    assert "Tried to allocate" in lost[0]["notes"]
    assert f"{70 * 2**30} B allocated at most before" in lost[0]["notes"]


def test_runs_in_the_file_are_not_measured_again(tmp_path: Path) -> None:
    out = tmp_path / "rows.csv"
    first, given = answering(outcome=lambda c: DOES_NOT_FIT if c.length == 64 else FITS)
    assert command.main([*SMALL, "--methods", "full", "--out", str(out)], first) == 0
    before = out.read_text()
    second, again = answering()
    assert command.main([*SMALL, "--methods", "full,lora", "--out", str(out)], second) == 0
    assert {case.method for case in again} == {"lora"}
    assert len(given) == len(again) == 4
    assert out.read_text().startswith(before)
    check(read(out))


def test_a_case_that_fails_is_left_out_and_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(case: Case) -> Outcome:
        if case.length == 64:
            raise command.CaseFailed("status 1: ValueError: no")
        return FITS

    out = tmp_path / "rows.csv"
    ask, _ = answering(outcome=broken)
    assert command.main([*SMALL, "--methods", "full", "--out", str(out)], ask) == 1
    assert {row["seq_len"] for row in read(out)} == {"128"}
    assert "2 of 4 cases failed" in capsys.readouterr().err


def test_without_bitsandbytes_its_cases_are_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "rows.csv"
    ask, given = answering(Device("cuda", H100.name, 1, {"torch": "2.13.0"}))
    arguments = [*SMALL, "--optimizers", "fused,8bit", "--out", str(out)]
    assert command.main(arguments, ask) == 0
    assert {(case.method, case.optimizer) for case in given} == {
        ("full", "fused"),
        ("lora", "fused"),
    }
    assert "left out, for want of bitsandbytes: 16 cases" in capsys.readouterr().err


def test_a_file_is_appended_to_whole_or_not_at_all(tmp_path: Path) -> None:
    out = tmp_path / "rows.csv"
    case = chosen("--models", "tiny")[0]
    made = table.rows(case, H100, FITS, TODAY)
    table.append(out, made)
    before = out.read_bytes()
    with pytest.raises(ValueError, match="not in fieldnames"):
        table.append(out, [{**made[0], "id": "new"}, {**made[0], "colour": "blue"}])
    assert out.read_bytes() == before
    assert list(tmp_path.iterdir()) == [out]


def test_the_product_reads_what_the_script_writes(tmp_path: Path) -> None:
    measured = pytest.importorskip("app.catalog.measured")
    out = tmp_path / "rows.csv"
    ask, given = answering(outcome=lambda c: DOES_NOT_FIT if c.length == 64 else FITS)
    models = "tiny,meta-llama/Meta-Llama-3.1-8B,Qwen/Qwen2.5-0.5B"
    arguments = [*SMALL, "--models", models, "--precisions", "bf16,autocast", "--out", str(out)]
    assert command.main(arguments, ask) == 0
    runs = measured.read_measured(out.read_bytes(), out.name)
    assert len(runs) == len(given)
    assert {run.source for run in runs} == {"own"}
    assert [run.sequence_length for run in runs] == [case.length for case in given]


def test_a_cut_off_file_is_refused_by_row(tmp_path: Path) -> None:
    out = tmp_path / "rows.csv"
    table.append(out, table.rows(chosen("--models", "tiny")[0], H100, FITS, TODAY))
    out.write_text(out.read_text() + "own-half,own\n")
    with pytest.raises(UnusableInput, match=r"--out: row 6 of .* has 2 fields instead of 59"):
        table.read_runs(out)


def test_without_torch_it_says_what_to_install(tmp_path: Path) -> None:
    if importable(sys.executable):
        pytest.skip("torch is importable here")
    said = run(sys.executable, "--device", "cpu", "--out", str(tmp_path / "rows.csv"))
    assert said.returncode == 2
    assert "requirements/measure.in" in said.stderr
    assert "Traceback" not in said.stderr
    assert not list(tmp_path.iterdir())


def run(python: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The script as a person starts it, from a folder that is not the project's."""
    return subprocess.run(
        [python, SCRIPT, *arguments], capture_output=True, text=True, check=False, cwd=Path.home()
    )


def importable(python: str) -> bool:
    """Whether an interpreter has what the measurements need."""
    program = (
        "import sys; from importlib.util import find_spec; "
        "sys.exit(not all(map(find_spec, ('torch', 'transformers', 'peft', 'accelerate'))))"
    )
    return subprocess.run([python, "-c", program], check=False).returncode == 0


def test_real_steps_on_a_cpu(tmp_path: Path) -> None:
    """Full and LoRA steps of a tiny model; MEASURE_PYTHON names the interpreter that has torch."""
    python = os.environ.get("MEASURE_PYTHON", sys.executable)
    if not importable(python):
        pytest.skip("torch, transformers, peft or accelerate missing; set MEASURE_PYTHON")
    out = tmp_path / "rows.csv"
    said = run(
        *(python, "--device", "cpu", "--models", "tiny", "--methods", "full,lora"),
        *("--adapter-dtypes", "bf16", "--lengths", "512", "--micro-batches", "1"),
        *("--steps", "2", "--warmup", "1", "--out", str(out)),
    )
    assert said.returncode == 0, said.stderr
    rows = read(out)
    check(rows)
    assert len(rows) == 4 * 3
    by_case = {(r["method"], r["act_ckpt"], r["printed_metric"]): float(r["value"]) for r in rows}
    assert all(
        by_case[m, c, "tokens_per_s"] > 0 for m in ("full", "lora") for c in ("none", "full")
    )
    # bf16 weights and two bf16 moments, and the step counters.
    parameters = json.loads(rows[0]["model_shape"])["n_params"]
    assert parameters == 1_049_728
    assert by_case["full", "none", "cpu_static"] * 2**30 == pytest.approx(6 * parameters, rel=0.01)
    for method in ("full", "lora"):
        plain, checkpointed = (by_case[method, c, "cpu_allocated"] for c in ("none", "full"))
        assert checkpointed < plain
        # What autograd keeps of 4 blocks in bf16 (16H + 4q + 4kv + 4 heads + 8I bytes a token,
        # less what frozen weights and adapters change) and 12 bytes a token and word of loss.
        above = (plain - by_case[method, "none", "cpu_static"]) * 2**30
        expected = 512 * (4 * (16 * 128 + 8 + 4 * 128 + 4 * 64 + 16 + 8 * 384) + 12 * 1024)
        assert above == pytest.approx(expected, rel=0.15)
