"""The parts of the comparison with the peers that need none of them."""

from __future__ import annotations

import csv
import doctest
import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from benchmarks.peers import cases, ours, scores, worker
from benchmarks.peers.cases import GIB, Case, read_cases, shape_from_config, shape_from_row
from benchmarks.peers.scores import Prediction, compare, missed

LLAMA = {
    "model_type": "llama",
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "vocab_size": 32000,
    "tie_word_embeddings": False,
}
ROW = {
    "id": "x-1-mem",
    "run": "x-1",
    "model": "example/llama-7b",
    "model_shape": "",
    "method": "lora",
    "lora_rank": "16",
    "lora_targets": "attention",
    "trains_embeddings": "no",
    "gpu": "A100-SXM-80GB",
    "gpu_known": "yes",
    "gpu_proxy": "A100-SXM-80GB",
    "n_gpus": "1",
    "strategy": "single",
    "tp": "",
    "pp": "",
    "cp": "",
    "ep": "",
    "offload": "",
    "seq_len": "4096",
    "micro_batch": "4",
    "act_ckpt": "full",
    "optimizer": "adamw",
    "weights_dtype": "bf16",
    "compute": "bf16",
    "attention": "flash",
    "fused_loss": "no",
    "variant": "",
    "metric": "peak_allocated_gib",
    "value": "20.5",
    "quality": "A",
}


@pytest.fixture
def llama_case() -> Case:
    return cases.case_from_row(ROW, shape_from_config(LLAMA))


def answer(name: str, case: Case) -> dict[str, float | str | None]:
    return worker.predict(worker.PEERS[name], json.loads(json.dumps(asdict(case))))


@pytest.mark.parametrize("module", [cases, scores])
def test_examples_in_the_documentation_hold(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("config", "count"),
    [
        (LLAMA, 6_738_415_616),
        (
            {
                "model_type": "mixtral",
                "hidden_size": 4096,
                "intermediate_size": 14336,
                "num_hidden_layers": 32,
                "num_attention_heads": 32,
                "num_key_value_heads": 8,
                "num_local_experts": 8,
                "num_experts_per_tok": 2,
                "vocab_size": 32000,
                "tie_word_embeddings": False,
            },
            46_702_792_704,
        ),
        (
            {
                "model_type": "qwen2",
                "hidden_size": 896,
                "intermediate_size": 4864,
                "num_hidden_layers": 24,
                "num_attention_heads": 14,
                "num_key_value_heads": 2,
                "vocab_size": 151936,
                "tie_word_embeddings": "yes",
            },
            494_032_768,
        ),
        (
            {
                "model_type": "phi",
                "hidden_size": 2048,
                "intermediate_size": 8192,
                "num_hidden_layers": 24,
                "num_attention_heads": 32,
                "vocab_size": 51200,
                "tie_word_embeddings": False,
            },
            1_418_270_720,
        ),
    ],
)
def test_parameters_are_counted_exactly(config: dict[str, object], count: int) -> None:
    shape = shape_from_config(config)
    assert shape is not None
    assert shape.n_params == count


def test_a_family_that_is_not_counted_has_no_shape() -> None:
    assert shape_from_config({**LLAMA, "model_type": "deepseek_v3"}) is None


def test_a_configuration_without_a_width_is_named() -> None:
    with pytest.raises(ValueError, match="hidden_size"):
        shape_from_config({"model_type": "llama"})


def test_the_published_count_of_a_row_wins() -> None:
    given = {
        "n_layers": 12,
        "hidden_size": 768,
        "n_heads": 12,
        "n_kv_heads": 12,
        "vocab_size": 50368,
        "intermediate_size": 3072,
        "tied_embeddings": True,
        "learned_positions": 2048,
        "mlp_matrices": 2,
        "bias": True,
    }
    counted = shape_from_row(json.dumps(given))
    stated = shape_from_row(json.dumps({**given, "n_params": 125_311_488}))
    assert (counted.model_type, counted.head_dim) == ("classic", 64)
    assert counted.n_params == stated.n_params == 125_311_488


def test_a_row_becomes_a_case(llama_case: Case) -> None:
    assert llama_case.measured == 20.5 * GIB
    assert llama_case.n_params == 6_738_415_616
    assert llama_case.lora_targets == ("q_proj", "k_proj", "v_proj", "o_proj")
    assert (llama_case.gpu, llama_case.gpu_memory_gib) == ("A100-SXM-80GB", 80.0)
    assert (llama_case.split, llama_case.offload) == (1, "none")


def test_an_unknown_gpu_is_replaced_by_the_nearest_known() -> None:
    row = {**ROW, "gpu": "A100 (80GB)", "gpu_known": "no"}
    assert cases.case_from_row(row, None).gpu == "A100-SXM-80GB"


def test_only_grades_a_and_b_are_read_and_speed_once_a_run(tmp_path: Path) -> None:
    speed = {**ROW, "metric": "tokens_per_s_per_gpu", "value": "3000"}
    rows = [
        ROW,
        {**ROW, "id": "x-1-smi", "metric": "smi_gib", "quality": "B"},
        {**ROW, "id": "x-1-c", "quality": "C"},
        {**ROW, "id": "x-1-other", "metric": "mfu_percent"},
        {**speed, "id": "x-1-tps"},
        {**speed, "id": "x-1-tps-again"},
        {**speed, "id": "x-2-tps", "run": "x-2", "model": "example/unknown"},
    ]
    table = tmp_path / "runs.csv"
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(ROW))
        writer.writeheader()
        writer.writerows(rows)
    (tmp_path / "example__llama-7b.json").write_text(json.dumps(LLAMA))
    read = read_cases(table, tmp_path)
    assert [case.id for case in read] == ["x-1-mem", "x-1-smi", "x-1-tps", "x-2-tps"]
    assert [case.n_params is None for case in read] == [False, False, False, True]
    assert read[2].measured == 3000.0


@pytest.mark.parametrize(
    ("peer", "change", "reason"),
    [
        ("canifinetune", {"metric": "tokens_per_s_per_gpu"}, "predicts no time"),
        ("fitcheck-llm", {"n_gpus": 8}, "more than one GPU"),
        ("vramcalc", {"method": "qlora"}, "quantized weights"),
        ("vramcalc", {"method": "dora"}, "method dora"),
        ("vramcalc", {"lora_targets": ("gate_proj",)}, "adapters on other linears"),
        ("fitcheck-llm", {"fused_loss": True}, "fused loss"),
        ("canifinetune", {"shape": None}, "no configuration of the model at hand"),
        ("canifinetune", {"micro_batch": None}, "not stated: micro_batch"),
        ("canifinetune", {"trains_embeddings": True}, "adapters with trained embeddings"),
        ("canifinetune", {"act_ckpt": "selective"}, "selective checkpointing"),
        ("ftuneai", {"compute": "fp8"}, "8-bit or 4-bit arithmetic"),
        ("ftuneai", {"split": 8}, "tensor, pipeline, context or expert parallel"),
        ("ftuneai", {"offload": "optimizer"}, "offload"),
        ("ftuneai", {"strategy": "other"}, "sharding not stated or of another kind"),
    ],
)
def test_what_a_peer_cannot_do_has_a_reason(
    llama_case: Case, peer: str, change: dict[str, object], reason: str
) -> None:
    said = answer(peer, replace(llama_case, **change))  # type: ignore[arg-type]
    assert said == {"memory_bytes": None, "tokens_per_s_per_gpu": None, "reason": reason}


def test_full_fine_tuning_may_train_embeddings(llama_case: Case) -> None:
    worker.require_memory_inputs(
        asdict(replace(llama_case, method="full", trains_embeddings=True, lora_rank=None))
    )


def test_a_figure_goes_under_its_own_key_and_an_exception_is_a_reason(llama_case: Case) -> None:
    def fails(_: dict[str, object]) -> float:
        raise KeyError("gone\nand more")

    case = asdict(llama_case)
    assert worker.predict(lambda _: 5.0, case)["memory_bytes"] == 5.0
    speed = {**case, "metric": "tokens_per_s_per_gpu"}
    assert worker.predict(lambda _: 5.0, speed)["tokens_per_s_per_gpu"] == 5.0
    assert worker.predict(fails, case)["reason"] == "raised KeyError: 'gone\\nand more'"


def test_the_smallest_set_of_linears_that_contains_them_is_taken(llama_case: Case) -> None:
    sets = {"few": {"q_proj", "v_proj"}, "more": worker.ATTENTION}
    case = asdict(llama_case)
    assert worker.scope({**case, "lora_targets": ["v_proj"]}, sets) == "few"
    assert worker.scope({**case, "lora_targets": ["k_proj", "q_proj"]}, sets) == "more"


def test_both_sides_are_scored_on_the_rows_that_the_peer_did(llama_case: Case) -> None:
    asked = [replace(llama_case, id=name, measured=100.0) for name in "abcd"]
    asked.append(replace(llama_case, id="e", quality="B"))
    theirs = {
        "a": Prediction(120.0),
        "b": Prediction(60.0),
        "c": Prediction(None, "offload"),
        "d": Prediction(None, "offload"),
        "e": Prediction(None, "method dora"),
    }
    mine = {"a": Prediction(110.0), "b": Prediction(None, "no"), "c": Prediction(500.0)}
    found = compare("peer", asked, theirs, mine, "memory")
    assert (found.theirs.n, found.undone, found.skipped) == (2, 3, 1)
    assert found.theirs.median == pytest.approx(0.3)
    assert found.theirs.p90 == pytest.approx(0.38)
    assert found.ours is not None
    assert found.ours.median == pytest.approx(0.55)  # 10% and, for the skip, 100%
    assert found.reasons == {"offload": 2, "method dora": 1}
    assert found.ratio == pytest.approx(0.55 / 0.3, rel=1e-4)
    assert compare("peer", asked, theirs, mine, "memory", "A").undone == 2
    empty = compare("peer", asked, theirs, mine, "time")
    assert (empty.theirs.n, empty.ratio) == (0, None)


def test_a_peer_with_few_rows_does_not_decide(llama_case: Case) -> None:
    def found(rows: int) -> scores.Comparison:
        asked = [replace(llama_case, id=str(i), measured=100.0) for i in range(rows)]
        close = {case.id: Prediction(105.0) for case in asked}
        return compare("peer", asked, close, close, "memory")

    assert missed([found(scores.ENOUGH - 1)]) == []
    assert len(missed([found(scores.ENOUGH)])) == 1


def test_our_own_answer_is_read_in_either_form(llama_case: Case) -> None:
    asked = [replace(llama_case, id=name) for name in ("done", "not", "absent")]
    asked.append(replace(llama_case, id="speed", metric="tokens_per_s_per_gpu"))
    rows = [
        {"id": "done", "measured": 20.5, "predicted": 21.0, "skipped": None},
        {"id": "not", "measured": 20.5, "predicted": None, "skipped": "no configuration"},
        {"id": "speed", "measured": 3000.0, "predicted": 2900.0},
    ]
    expected = {
        "done": Prediction(21.0 * GIB),
        "not": Prediction(None, "no configuration"),
        "absent": Prediction(None, "not in the answer"),
        "speed": Prediction(2900.0),
    }
    assert ours.predictions(json.dumps(rows), asked) == expected
    assert ours.predictions(json.dumps({"rows": rows}), asked) == expected
