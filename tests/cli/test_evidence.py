"""tunecase evidence backtest."""

from __future__ import annotations

import json

from click.testing import CliRunner, Result

from app.cli import main

HEADER = "study,regime,domain,metric,base_score,full_score,lora_score,unit,method_detail\n"
CASES = (
    HEADER
    + "Doe 2027,IFT,math,GSM8K,20,60,55,percent,lora; r=64\n"
    + "Doe 2027,IFT,math,MATH,,12,11,percent,lora; r=64\n"
    + "Roe 2028,SFT-narrow,sql,accuracy,0.2,0.8,0.81,0-1,dora; r=8\n"
)


def run(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(main, ["evidence", "backtest", *arguments], input=given)


def test_studies_of_a_file_as_json() -> None:
    result = run("--cases", "-", "--json", given=CASES)
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["summary"]["n"] == 2
    assert found["with_base"]["n"] == 1
    assert found["by_study"][0]["title"] == "Doe 2027"
    assert set(found["summary"]["mean_absolute_error"]) == {
        "model", "lora_equals_full", "global_mean", "group_mean", "ridge",
    }  # fmt: skip
    assert found["skipped"] == {"variant of LoRA: dora": 1}


def test_studies_of_a_file_as_text() -> None:
    result = run("--cases", "-", given=CASES)
    assert result.exit_code == 0, result.stderr
    assert "2 rows of 1 study were predicted without their study" in result.stdout
    for said in ("Errors of predictors", "Our model", "“LoRA equals full”", "Doe 2027"):
        assert said in result.stdout
    assert "1   variant of LoRA: dora" in result.stdout


def test_nothing_to_predict_is_said() -> None:
    result = run("--cases", "-", given=HEADER + "Roe,RL,math,m,1,2,2,percent,dora\n")
    assert result.exit_code == 0
    assert result.stdout.startswith("No row could be predicted.")


def test_a_file_that_is_none_is_refused() -> None:
    for given, said in (("a,b\n1,2\n", "the header lacks study"), ("", "the header lacks study")):
        result = run("--cases", "-", given=given)
        assert result.exit_code == 2
        assert result.stdout == ""
        assert said in result.stderr
    missing = run("--cases", "/no/such/file.csv")
    assert missing.exit_code == 2
    assert "cannot be read" in missing.stderr
