"""The tunecase command: what it prints, and what it says when it cannot."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app import __version__
from app.cli import main
from app.estimator.report import REPORT_SCHEMA
from app.web.show_words import typeset

ROOT = Path(__file__).parents[2]
CONFIGS = json.loads((ROOT / "tests/reference/configs.json").read_text())
LLAMA = "meta-llama/Meta-Llama-3.1-8B"
SCENARIO = {"model": LLAMA, "accelerators": ["H100-SXM-80GB"], "lora_rank": 64, "draws": 1000}


def run(*arguments: str, given: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, list(arguments), input=given)


def printed(*arguments: str, given: str | None = None) -> Any:
    result = run(*arguments, given=given)
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    return json.loads(result.stdout)


def refused(*arguments: str, given: str | bytes | None = None) -> str:
    result = run(*arguments, given=given)
    assert result.exit_code == 2, (result.exit_code, result.exception, result.stderr)
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    return result.stderr


def test_inspect_prints_exactly_these_figures() -> None:
    found = printed("inspect", LLAMA, "--json")
    assert {group: list(values) for group, values in found.items()} == {
        "parameters": ["total", "embedding", "active_per_token", "trainable"],
        "flop": ["forward", "backward", "recompute", "step"],
        "activation_bytes": ["saved_for_backward", "peak"],
    }
    assert found["parameters"] == {
        "total": 8_030_261_248,
        "embedding": 525_336_576,
        "active_per_token": 8_030_261_248,
        "trainable": 8_030_261_248,
    }
    for values in found.values():
        assert all(type(value) is int for value in values.values())
    flop = found["flop"]
    assert flop["step"] == flop["forward"] + flop["backward"] + flop["recompute"]
    assert flop["recompute"] == 0


def test_inspect_has_these_defaults() -> None:
    assert printed("inspect", LLAMA, "--json") == printed(
        *("inspect", LLAMA, "--json", "--method", "full", "--rank", "16"),
        *("--targets", "all-linear", "--sequence-length", "2048", "--micro-batch", "1"),
        *("--checkpointing", "none", "--attention", "sdpa"),
    )
    lora = printed("inspect", LLAMA, "--json", "--method", "lora")
    assert lora["parameters"]["trainable"] == 41_943_040
    assert lora == printed(
        "inspect", LLAMA, "--json", "--method", "lora", "--rank", "16", "--targets", "all-linear"
    )
    assert lora == printed("inspect", LLAMA, "--json", "--method", "qlora")


def test_inspect_follows_its_options() -> None:
    plain = printed("inspect", LLAMA, "--json")
    for options in (
        ("--sequence-length", "1024"),
        ("--micro-batch", "2"),
        ("--checkpointing", "full"),
        ("--attention", "eager"),
    ):
        assert printed("inspect", LLAMA, "--json", *options) != plain
    few = printed("inspect", LLAMA, "--json", "--method", "lora", "--targets", "q_proj,v_proj")
    # 16 x 32 x (q 8192 + v 5120)
    assert few["parameters"]["trainable"] == 6_815_744


def test_inspect_reads_a_config_file(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(json.dumps(CONFIGS[LLAMA]))
    assert printed("inspect", str(file), "--json") == printed("inspect", LLAMA, "--json")


def test_inspect_as_text() -> None:
    result = run("inspect", LLAMA)
    assert result.exit_code == 0
    assert "8,030,261,248" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("inspect", "nobody/nothing"), "is not a built-in model"),
        (("inspect", "missing.json"), "missing.json cannot be read"),
        (("inspect", LLAMA, "--method", "lora", "--targets", "w_pack"), "unknown target w_pack"),
        (("inspect", LLAMA, "--method", "dora"), "dora"),
        (("inspect", LLAMA, "--rank", "0"), "0"),
        (("inspect", LLAMA, "--sequence-length", "x"), "x"),
        (("estimate", "missing.json"), "missing.json cannot be read"),
        (("estimate", str(ROOT)), "cannot be read"),
        (("estimate",), "SCENARIO"),
        (("no-such-command",), "no-such-command"),
    ],
)
def test_unusable_arguments(arguments: Sequence[str], said: str) -> None:
    assert said in refused(*arguments)


def test_an_absurd_length_is_refused_or_counted() -> None:
    result = run("inspect", LLAMA, "--sequence-length", "1" + "0" * 200, "--json")
    assert result.exit_code in (0, 2)
    assert result.exception is None or isinstance(result.exception, SystemExit)


@pytest.mark.parametrize(
    ("config", "said"),
    [({"model_type": "mamba"}, "model_type"), ([1], "holds no JSON object"), ({}, "model_type")],
)
def test_a_config_that_is_not_understood(tmp_path: Path, config: object, said: str) -> None:
    file = tmp_path / "config.json"
    file.write_text(json.dumps(config))
    assert said in refused("inspect", str(file))


def test_estimate_from_a_file_and_from_standard_input(tmp_path: Path) -> None:
    file = tmp_path / "scenario.json"
    file.write_text(json.dumps(SCENARIO))
    from_file = printed("estimate", str(file), "--json")
    assert from_file == printed("estimate", "-", "--json", given=json.dumps(SCENARIO))
    assert [m["method"] for m in from_file["methods"]] == ["full", "lora", "qlora"]
    assert from_file["schema"] == REPORT_SCHEMA


def test_estimate_as_text(tmp_path: Path) -> None:
    result = run("estimate", "-", given=json.dumps(SCENARIO))
    assert result.exit_code == 0
    report = printed("estimate", "-", "--json", given=json.dumps(SCENARIO))
    assert typeset(report["verdict"]["headline"]) in result.stdout
    for method in report["methods"]:
        assert method["label"].split(" (")[0] in result.stdout


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("{", "standard input is not valid JSON"),
        ("", "standard input is not valid JSON"),
        (b"\xff\xff", "standard input is not valid JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"seed": ' + "9" * 5000 + "}", "standard input is not valid JSON"),
        ('{"epoch": 3}', "/epoch: epoch is not a known field"),
        ('{"model": "nobody/nothing"}', "/model: Base model 'nobody/nothing' is not built in"),
        ('{"epochs": NaN}', "/epochs: Epochs must be a finite number"),
        ('{"methods": []}', "/methods: "),
        ("[]", "/: "),
        ('{"accelerators": ["L4-24GB"], "max_gpus": 1, "methods": ["full"]}', "GiB"),
        (" " * (5 * 1024 * 1024), "larger than 4 MiB"),
    ],
    ids=[
        *("cut", "empty", "bytes", "deep", "digits", "field", "model", "nan", "methods", "list"),
        *("memory", "size"),
    ],
)
def test_unusable_scenarios(given: str | bytes, said: str) -> None:
    assert said in refused("estimate", "-", given=given)


def test_every_reason_is_a_line_of_its_own() -> None:
    said = refused("estimate", "-", given='{"epochs": 0, "seed": -1}').splitlines()
    assert len(said) == 2
    assert all(line.startswith("tunecase: /") for line in said)


def test_version_and_help() -> None:
    assert __version__ in run("--version").stdout
    for command in ("serve", "estimate", "inspect"):
        assert command in run("--help").stdout
        assert run(command, "--help").exit_code == 0


def test_as_a_process() -> None:
    """The real streams and the real exit status."""
    command = [sys.executable, "-m", "app.cli", "estimate", "-", "--json"]
    good = subprocess.run(
        command, input=json.dumps(SCENARIO), capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert good.returncode == 0, good.stderr
    assert json.loads(good.stdout)["verdict"]["choice"]
    bad = subprocess.run(
        command, input='{"model": "x"}', capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert bad.returncode == 2
    assert bad.stdout == ""
    assert "/model" in bad.stderr


def test_plan_prints_the_chosen_plans_the_frontier_and_the_files(tmp_path: Path) -> None:
    file = tmp_path / "scenario.json"
    file.write_text(json.dumps(SCENARIO))
    found = printed("plan", str(file), "--json")
    assert [m["method"] for m in found["methods"]] == ["full", "lora", "qlora"]
    result = run("plan", str(file))
    assert result.exit_code == 0
    for m in found["methods"]:
        assert m["plan"]["provider_name"] in result.stdout
        for recipe_file in m["recipe"]["files"]:
            assert recipe_file["text"].rstrip() in result.stdout
    assert "chosen" in result.stdout
    assert "considered fit" in result.stdout


def test_plan_filters_and_refuses() -> None:
    given = json.dumps(SCENARIO)
    found = printed("plan", "-", "--json", "--provider", "aws", given=given)
    assert {m["plan"]["provider"] for m in found["methods"] if m["plan"]} == {"aws"}
    spot = json.dumps({**SCENARIO, "include_spot": True})
    found = printed("plan", "-", "--json", "--option", "spot", given=spot)
    assert {m["plan"]["purchase_option"] for m in found["methods"] if m["plan"]} == {"spot"}
    assert "/option: No offer" in refused("plan", "-", "--option", "spot", given=given)
    assert "/gpu: No offer" in refused("plan", "-", "--gpu", "nothing", given=given)
    assert "/epochs" in refused("plan", "-", given='{"epochs": -1}')
