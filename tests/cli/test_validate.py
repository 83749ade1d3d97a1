"""tunecase validate: a table in, errors out, and a reason for what cannot be done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app.cli import main
from app.web.validation_pages import EXAMPLE

SMOL = (
    '{"model_type": "llama", "hidden_size": 576, "intermediate_size": 1536, "vocab_size": 49152,'
    '"num_hidden_layers": 30, "num_attention_heads": 9, "num_key_value_heads": 3}'
)


def run(*arguments: str, given: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["validate", *arguments], input=given)


def refused(*arguments: str, given: str | bytes | None = None) -> str:
    result = run(*arguments, given=given)
    assert result.exit_code == 2, (result.exit_code, result.exception)
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    return result.stderr


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    path = tmp_path / "cases.csv"
    path.write_text(EXAMPLE)
    return path


def printed(*arguments: str) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    return json.loads(result.stdout)


def test_every_row_and_the_figures_as_json(cases: Path) -> None:
    found = printed(str(cases))
    assert [row["id"] for row in found["rows"]] == [
        "mine-1-memory", "mine-1-speed", "mine-2-speed",
    ]  # fmt: skip
    for row in found["rows"]:
        assert row["skipped"] is None
        assert row["low"] < row["predicted"] < row["high"]
        assert row["error"] == pytest.approx(row["predicted"] / row["measured"] - 1)
    assert set(found["summary"]) == {"peak_allocated_gib", "tokens_per_s_per_gpu"}
    figures = found["summary"]["tokens_per_s_per_gpu"]["full"]
    assert {"n", "skipped", "median_ape", "p90_ape", "coverage80"} <= set(figures)
    assert (figures["n"], figures["skipped"]) == (1, 0)


def test_standard_input_and_plain_text(cases: Path) -> None:
    result = run("-", given=EXAMPLE)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == run(str(cases)).stdout
    for part in ("mine-2-speed", "Median error", "In 80% interval", "H100-SXM-80GB"):
        assert part in result.stdout


def test_models_come_from_a_folder(cases: Path, tmp_path: Path) -> None:
    cases.write_text(EXAMPLE.replace("meta-llama/Meta-Llama-3.1-8B", "org/smol"))
    folder = tmp_path / "models"
    folder.mkdir()
    found = printed(str(cases), "--models", str(folder))
    assert all("org__smol.json" in row["skipped"] for row in found["rows"])
    assert found["summary"]["peak_allocated_gib"]["lora"] == {
        "n": 1, "skipped": 1, "median_ape": 1.0, "p90_ape": 1.0, "coverage80": None,
        "winkler": None, "winkler_constant": None, "median_width": None,
    }  # fmt: skip
    assert "skipped: org/smol is not built in" in run(str(cases)).stdout
    (folder / "org__smol.json").write_text(SMOL)
    assert not printed(str(cases), "--models", str(folder))["skips"]


def test_what_is_unusable_is_refused(cases: Path, tmp_path: Path) -> None:
    assert "cannot be read: No such file" in refused(str(tmp_path / "none.csv"))
    assert "cannot be read" in refused(str(tmp_path))
    assert "is not a folder" in refused(str(cases), "--models", str(cases))
    assert "line 1, metric: this column is missing" in refused("-", given="id\n1\n")
    assert "holds no rows" in refused("-", given=EXAMPLE.splitlines()[0])
    assert "is not UTF-8" in refused("-", given=b"\xff\xfe")
    assert "is larger than 4 MiB" in refused("-", given=b"x" * (4 * 1024**2 + 2))
    said = refused("-", given=EXAMPLE.replace(",full,,", ",fll,,").replace("3150", "fast"))
    assert "line 3, value: 'fast' is not a finite number" in said
    assert "line 4, method: 'fll' is not one of" in said
    (tmp_path / "bad.json").write_text("[]")
    assert "holds no JSON object" in refused(str(cases), "--models", str(tmp_path))
    (tmp_path / "bad.json").write_text("{")
    assert "is not valid JSON" in refused(str(cases), "--models", str(tmp_path))


def test_rows_that_are_only_read_are_counted(cases: Path) -> None:
    cases.write_text(EXAMPLE.replace("peak_allocated_gib", "mfu_percent"))
    assert "Read but not scored: metric mfu_percent (1)." in run(str(cases)).stdout
    assert printed(str(cases))["unscored"] == {"metric mfu_percent": 1}
