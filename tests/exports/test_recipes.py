"""Launch recipes: every setting is said, every file parses, and no text of a user escapes."""

from __future__ import annotations

import ast
import dataclasses
import itertools
import json
import shlex
import subprocess
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.estimator.software import (
    COMPUTES,
    LOSSES,
    OPTIMIZERS,
    PRECISIONS,
    STACKS,
    usual_software,
)
from app.estimator.tokens import PACKINGS
from app.exports.recipe import (
    CHECKPOINTINGS,
    EXAMPLE,
    OFFLOADS,
    STRATEGIES,
    InvalidRecipe,
    Ledger,
)
from app.exports.recipe_text import python_text, shell_text, yaml_text
from app.exports.recipes import Recipe, RecipeInput, launch_recipe, recipe_of

FIELDS = [field.name for field in dataclasses.fields(RecipeInput)]
HOSTILE = (
    "evil'; rm -rf / #",
    '"""\nimport os; os.system("id")\n"""',
    "$(id) `id` ${HOME} %s {0}",
    "a\nfsdp_version: 9\n- b",
    "x\u202e\u2028\x85\x7f\x00",
    "../../etc/passwd",
    "--help",
    "-model: &anchor !!python/object/apply:os.system [id]",
    "\U0001f600 model",
    "back\\slash\\",
    "meta-llama/Meta-Llama-3.1-8B'$(id)",
    "--x'; $(id) `id`/Meta-Llama-3.1-8B",
)


def changed(**changes: Any) -> RecipeInput:
    return dataclasses.replace(EXAMPLE, **changes)


def full(**changes: Any) -> RecipeInput:
    none = {"method": "full", "rank": None, "alpha": None, "targets": ()}
    return changed(**none | changes)


def files(recipe: Recipe) -> dict[str, str]:
    return {file.name: file.text for file in recipe.files}


def check(recipe: Recipe, asked: RecipeInput) -> None:
    """Every setting is said once, where it is said to be said, and every file parses."""
    assert [setting.field for setting in recipe.settings] == FIELDS
    texts = files(recipe)
    assert len(texts) == len(recipe.files)
    listing = texts["settings.txt"]
    for setting in recipe.settings:
        assert setting.value == ascii(getattr(asked, setting.field))
        assert setting.value in listing
        if setting.kind == "set":
            assert setting.option
            assert setting.option in texts[setting.file], setting
        else:
            assert setting.kind in {"implied", "missing"}
            assert setting.note
            assert not setting.option
    for file in recipe.files:
        assert file.text.isascii()
        assert file.text.endswith("\n")
        if file.language == "python":
            ast.parse(file.text)
        elif file.language == "yaml":
            assert isinstance(yaml.safe_load(file.text), dict)
        elif file.language == "json":
            json.loads(file.text)
        elif file.language == "bash":
            shlex.split(file.text, comments=True)


@st.composite
def recipes(draw: st.DrawFn) -> RecipeInput:
    """Any recipe that passes its own checks."""
    method = draw(st.sampled_from(["full", "lora", "qlora"]))
    adapters = method != "full"
    tensor, pipeline, context = (draw(st.sampled_from([1, 1, 2])) for _ in range(3))
    nodes = draw(st.sampled_from([1, 1, 2]))
    per_node = draw(st.sampled_from([1, 8])) if tensor * pipeline * context == 1 else 8
    gpus = per_node * nodes
    strategies = STRATEGIES[1:] if gpus > 1 else ("single",)
    models = [
        "meta-llama/Meta-Llama-3.1-8B",
        "Qwen/Qwen2.5-7B-Instruct",
        "Qwen/Qwen3-30B-A3B",
        "mistralai/Mistral-7B-v0.1",
    ]
    targets = [("all-linear",), ("attention",), ("q_proj", "v_proj"), ("gate_proj", "w9")]
    tables = [(), ("embed_tokens",), ("embed_tokens", "lm_head")]
    return RecipeInput(
        model=draw(st.one_of(st.sampled_from(models), st.sampled_from(HOSTILE), st.text())),
        method=method,
        rank=draw(st.integers(1, 512)) if adapters else None,
        alpha=draw(st.sampled_from([16, 32.0, 0.5])) if adapters else None,
        targets=draw(st.sampled_from(targets)) if adapters else (),
        sequence_length=draw(st.integers(1, 131_072)),
        micro_batch=draw(st.integers(1, 64)),
        accumulation=draw(st.integers(1, 64)),
        steps=draw(st.integers(1, 10**6)),
        epochs=draw(st.sampled_from([1, 3.0, 0.5])),
        gpus_per_node=per_node,
        nodes=nodes,
        strategy=draw(st.sampled_from(strategies)),
        tensor=tensor,
        pipeline=pipeline,
        context=context,
        expert=draw(st.sampled_from([1, 2])),
        checkpointing=draw(st.sampled_from(CHECKPOINTINGS)),
        offload=draw(st.sampled_from(OFFLOADS)),
        precision=draw(st.sampled_from(list(PRECISIONS))),
        optimizer=draw(st.sampled_from(list(OPTIMIZERS))),
        loss=draw(st.sampled_from(list(LOSSES))),
        adapter_dtype=draw(st.sampled_from(["fp32", "bf16"])),
        attention=draw(st.sampled_from(["sdpa", "eager"])),
        compute=draw(st.sampled_from(COMPUTES)),
        packing=draw(st.sampled_from(list(PACKINGS))),
        stack=draw(st.sampled_from(list(STACKS))),
        trained_embeddings=draw(st.sampled_from(tables)) if adapters else (),
        quantization=draw(st.sampled_from(["nf4", "nf4-double"])) if method == "qlora" else "none",
    )


@given(recipes())
@hypothesis_settings(max_examples=400)
def test_every_setting_is_said_and_every_file_parses(asked: RecipeInput) -> None:
    check(recipe_of(asked), asked)


@pytest.mark.parametrize("stack", list(STACKS))
def test_what_a_stack_usually_does_can_be_written_for_it(stack: str) -> None:
    """With the settings that the estimate takes for a stack, little is left unsaid."""
    usual = usual_software(stack)
    software = {
        name: getattr(usual, name) for name in ("precision", "optimizer", "loss", "adapter_dtype")
    }
    strategy = "single" if stack == "unsloth" else "zero1" if stack == "megatron" else "fsdp"
    gpus = 1 if stack == "unsloth" else 8
    missing = {}
    for asked in (
        full(stack=stack, strategy=strategy, gpus_per_node=gpus, **software),
        changed(stack=stack, strategy=strategy, gpus_per_node=gpus, **software),
    ):
        recipe = recipe_of(asked)
        check(recipe, asked)
        missing[asked.method] = [s.field for s in recipe.settings if s.kind == "missing"]
    if stack == "native":
        assert missing == {"full": FIELDS, "lora": FIELDS}
        return
    known = {
        ("unsloth", "full"): ["precision"],  # bf16 weights beside fp32 copies
        ("fsdp", "lora"): ["optimizer"],  # AdamW's states are as the adapters, bf16
    }
    for method in ("full", "lora"):
        assert missing[method] == known.get((stack, method), []), stack


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("stack", list(STACKS))
def test_names_of_users_stay_text(text: str, stack: str) -> None:
    asked = changed(model=text, targets=(text, "q_proj"), stack=stack)
    recipe = recipe_of(asked)
    check(recipe, asked)
    texts = files(recipe)
    for name in ("train.py", "convert.py", "finetune_config.py"):
        if name in texts:
            found = [
                node.value
                for node in ast.walk(ast.parse(texts[name]))
                if isinstance(node, ast.Constant) and isinstance(node.value, str)
            ]
            assert text in found or name == "finetune_config.py"
            # Nothing but what our own script imports and calls.
            benign = files(recipe_of(changed(targets=("a", "q_proj"), stack=stack)))[name]
            assert calls(texts[name]) == calls(benign)
    if "launch.sh" in texts and stack in {"torchtune", "fsdp"}:
        words = shlex.split(texts["launch.sh"], comments=True)
        assert text in words


def calls(source: str) -> list[str]:
    """Names that a script imports or calls."""
    tree = ast.parse(source)
    return [
        ast.unparse(node.func) if isinstance(node, ast.Call) else ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call | ast.Import | ast.ImportFrom)
    ]


@given(st.text())
def test_literals_read_back(text: str) -> None:
    assert ast.literal_eval(python_text(text)) == text
    assert yaml.safe_load(f"key: {yaml_text(text)}") == {"key": text}
    assert python_text(text).isascii()
    assert yaml_text(text).isascii()


@pytest.mark.parametrize("text", [*HOSTILE, "", "a b", "é", "'", "\\", "\U0001f600"])
def test_words_of_a_shell_read_back(text: str) -> None:
    text = text.replace("\x00", "")  # no argument can hold one
    done = subprocess.run(
        ["bash", "-c", f"printf %s {shell_text(text)}"],
        capture_output=True,
        check=True,
        env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"},
    )
    assert done.stdout.decode() == text


@pytest.mark.parametrize("nodes", [1, 2])
@pytest.mark.parametrize("stack", [s for s in STACKS if s != "native"])
def test_launch_scripts_are_bash(stack: str, nodes: int) -> None:
    script = files(recipe_of(changed(stack=stack, nodes=nodes)))["launch.sh"]
    subprocess.run(["bash", "-n"], input=script.encode(), check=True)
    assert ("NODE_RANK" in script) or nodes == 1 or stack == "torchtune"
    assert "LEARNING_RATE" in script


# What single stacks write


def keywords(source: str, function: str) -> dict[str, Any]:
    """Arguments of the first call of a function, literals as values, the rest as text."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(function):
            found = {}
            for keyword in node.keywords:
                try:
                    found[str(keyword.arg)] = ast.literal_eval(keyword.value)
                except ValueError:
                    found[str(keyword.arg)] = ast.unparse(keyword.value)
            return found
    raise LookupError(function)


def test_full_fine_tuning_with_a_master_copy_is_deepspeed() -> None:
    texts = files(recipe_of(full(strategy="fsdp", checkpointing="full", nodes=2)))
    config = json.loads(texts["deepspeed.json"])
    assert config["zero_optimization"]["stage"] == 3
    assert config["data_types"] == {"grad_accum_dtype": "bf16"}
    assert config["train_batch_size"] == 4 * 2 * 16
    arguments = keywords(texts["train.py"], "TrainingArguments")
    assert arguments["deepspeed"] == "deepspeed.json"
    assert arguments["activation_checkpointing"] is True
    assert "dtype=torch.bfloat16" in texts["train.py"]
    assert "torchrun" in texts["launch.sh"]


def test_offload_of_the_optimizer_is_deepspeed() -> None:
    texts = files(recipe_of(full(strategy="zero2", offload="optimizer")))
    config = json.loads(texts["deepspeed.json"])
    assert config["zero_optimization"]["offload_optimizer"]["device"] == "cpu"
    assert "offload_param" not in config["zero_optimization"]
    assert config["optimizer"]["type"] == "AdamW"
    both = files(recipe_of(full(strategy="single", gpus_per_node=1, offload="parameters")))
    zero = json.loads(both["deepspeed.json"])["zero_optimization"]
    assert zero["stage"] == 3
    assert zero["offload_param"]["device"] == "cpu"
    lion = files(recipe_of(full(strategy="zero2", offload="optimizer", optimizer="lion")))
    assert json.loads(lion["deepspeed.json"])["zero_force_ds_cpu_optimizer"] is False


def test_sharded_adapters_are_fsdp2() -> None:
    texts = files(recipe_of(changed(strategy="fsdp", checkpointing="full")))
    config = yaml.safe_load(texts["accelerate.yaml"])
    assert config["distributed_type"] == "FSDP"
    assert config["fsdp_config"]["fsdp_version"] == 2
    assert config["fsdp_config"]["fsdp_activation_checkpointing"] is True
    assert config["num_processes"] == 8
    assert keywords(texts["train.py"], "TrainingArguments")["activation_checkpointing"] is False
    # accelerate holds what it trains in fp32 unless mixed precision is off
    half = files(recipe_of(changed(strategy="fsdp", adapter_dtype="bf16")))
    assert yaml.safe_load(half["accelerate.yaml"])["mixed_precision"] == "no"
    assert keywords(half["train.py"], "TrainingArguments")["bf16"] is False
    one = files(recipe_of(changed(strategy="single", gpus_per_node=1)))
    assert yaml.safe_load(one["accelerate.yaml"])["distributed_type"] == "NO"


def test_qlora_with_trained_tables() -> None:
    asked = changed(
        method="qlora", quantization="nf4-double", trained_embeddings=("embed_tokens", "lm_head")
    )
    source = files(recipe_of(asked))["train.py"]
    assert keywords(source, "BitsAndBytesConfig")["bnb_4bit_use_double_quant"] is True
    lora = keywords(source, "LoraConfig")
    assert lora["r"] == 16
    assert lora["target_modules"] == "all-linear"
    assert lora["modules_to_save"] == ["embed_tokens", "lm_head"]
    assert lora["ensure_weight_tying"] is True


def test_fp8_is_for_trained_weights() -> None:
    trained = full(strategy="fsdp", precision="fp32-sharded", compute="fp8")
    config = yaml.safe_load(files(recipe_of(trained))["accelerate.yaml"])
    assert config["mixed_precision"] == "fp8"
    assert config["fp8_config"]["backend"] == "AO"
    frozen = recipe_of(changed(strategy="fsdp", compute="fp8"))
    assert yaml.safe_load(files(frozen)["accelerate.yaml"])["mixed_precision"] == "bf16"
    assert "compute" in [s.field for s in frozen.settings if s.kind == "missing"]


def test_losses_of_the_trainer() -> None:
    plain = files(recipe_of(changed()))["train.py"]
    assert "liger" not in plain.replace("liger-kernel", "")
    chunked = files(recipe_of(changed(loss="chunked")))["train.py"]
    kernels = keywords(chunked, "TrainingArguments")["liger_kernel_config"]
    assert kernels["fused_linear_cross_entropy"] is True
    assert kernels["rms_norm"] is False
    fused = files(recipe_of(changed(loss="fused", stack="transformers-fused")))["train.py"]
    kernels = keywords(fused, "TrainingArguments")["liger_kernel_config"]
    assert kernels == {"fused_linear_cross_entropy": False, "cross_entropy": True}


def test_packing_of_the_trainer() -> None:
    written = {
        packing: files(recipe_of(changed(packing=packing)))["train.py"] for packing in PACKINGS
    }
    assert keywords(written["packed"], "pack_dataset")["strategy"] == "bfd"
    assert keywords(written["wrapped"], "pack_dataset")["strategy"] == "wrapped"
    assert "truncation" not in written["wrapped"]
    for packing in ("grouped", "padded", "padded-to-max"):
        assert "pack_dataset" not in written[packing]
    assert "group_by_length" in written["grouped"]
    collator = keywords(written["padded-to-max"], "DataCollatorForLanguageModeling")
    assert collator["pad_to_multiple_of"] == "SEQUENCE_LENGTH"


def test_torchtune_overrides() -> None:
    asked = changed(stack="torchtune", strategy="fsdp", loss="chunked", adapter_dtype="bf16")
    words = shlex.split(files(recipe_of(asked))["launch.sh"], comments=True)
    assert "lora_finetune_distributed" in words
    assert "model.lora_rank=16" in words
    assert "model.lora_attn_modules=[q_proj,k_proj,v_proj,output_proj]" in words
    assert "model._component_=torchtune.models.llama3_1.lora_llama3_1_8b" in words
    unknown = recipe_of(changed(stack="torchtune", model="someone/else-9b"))
    assert [file.name for file in unknown.files] == ["settings.txt"]
    assert "has no configuration of this model" in unknown.files[0].text
    assert {s.kind for s in unknown.settings} == {"missing"}
    four = changed(
        stack="torchtune", method="qlora", quantization="nf4-double", model="Qwen/Qwen2.5-7B"
    )
    assert "no 4-bit form" in recipe_of(four).files[0].text


def test_torchtitan_configuration() -> None:
    asked = full(
        stack="fsdp",
        strategy="fsdp",
        precision="fp32-sharded",
        checkpointing="selective",
        nodes=2,
        tensor=2,
        pipeline=2,
    )
    source = files(recipe_of(asked))["finetune_config.py"]
    training = keywords(source, "TrainingConfig")
    assert training["local_batch_size"] == 8
    assert training["global_batch_size"] == 4 * 2 * 4
    assert training["dtype"] == "float32"
    layout = keywords(source, "ParallelismConfig")
    assert layout["data_parallel_shard_degree"] == 4
    assert layout["pipeline_parallel_microbatch_size"] == 4
    assert "SelectiveAC.Config()" in source
    lora = files(recipe_of(changed(stack="fsdp")))["finetune_config.py"]
    assert keywords(lora, "LoRAConverter.Config")["target_modules"] == [
        *("wqkv", "wo", "w1", "w2", "w3")
    ]
    assert (
        "Float8LinearConverter.Config("
        in (files(recipe_of(changed(stack="fsdp", compute="fp8")))["finetune_config.py"])
    )
    unknown = recipe_of(changed(stack="fsdp", model="someone/else-9b"))
    assert "does not define this model" in unknown.files[0].text


def test_megatron_configuration() -> None:
    asked = changed(
        stack="megatron",
        strategy="zero1",
        loss="fused",
        adapter_dtype="bf16",
        tensor=2,
        pipeline=2,
        checkpointing="full",
    )
    source = files(recipe_of(asked))["train.py"]
    training = keywords(source, "TrainingConfig")
    # four sequences of a micro-batch become one pack
    assert training == {"train_iters": 1000, "micro_batch_size": 1, "global_batch_size": 4}
    assert "packed_sequence_size=4 * SEQUENCE_LENGTH" in source
    assert "model.tensor_model_parallel_size = 2" in source
    assert 'model.recompute_granularity = "full"' in source
    assert keywords(source, "CanonicalLoRA")["dim"] == 16
    assert "linear_fc1_gate" in keywords(source, "CanonicalLoRA")["target_modules"]
    for optimizer, said in (
        ("adamw-bf16", "optimizer.exp_avg_dtype = torch.bfloat16"),
        ("muon", "distributed_muon_with_cosine_annealing("),
        ("sgd", 'optimizer.optimizer = "sgd"'),
    ):
        assert said in files(recipe_of(changed(stack="megatron", optimizer=optimizer)))["train.py"]
    offloaded = recipe_of(full(stack="megatron", offload="optimizer", strategy="zero1"))
    assert "optimizer.optimizer_cpu_offload = True" in files(offloaded)["train.py"]


def test_unsloth_script() -> None:
    asked = changed(
        stack="unsloth",
        method="qlora",
        quantization="nf4-double",
        strategy="single",
        gpus_per_node=1,
        loss="chunked",
        optimizer="adamw-8bit",
        trained_embeddings=("lm_head",),
    )
    source = files(recipe_of(asked))["train.py"]
    assert keywords(source, "from_pretrained")["load_in_4bit"] is True
    assert keywords(source, "get_peft_model")["modules_to_save"] == ["lm_head"]
    assert keywords(source, "SFTConfig")["optim"] == "adamw_8bit"
    assert keywords(source, "SFTConfig")["packing_strategy"] == "bfd"


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": "dora"},
        {"strategy": "zero9"},
        {"stack": "other"},
        {"precision": "fp64"},
        {"optimizer": "adagrad"},
        {"packing": "dense"},
        {"micro_batch": 0},
        {"epochs": 0.0},
        {"epochs": float("nan")},
        {"tensor": 3},
        {"rank": None},
        {"targets": ()},
        {"quantization": "nf4"},
        {"method": "qlora"},
        {"method": "full"},
        {"trained_embeddings": ("wte",)},
    ],
)
def test_what_cannot_be_launched_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidRecipe):
        changed(**wrong)


def test_a_forgotten_setting_is_noticed() -> None:
    ledger = Ledger(EXAMPLE)
    ledger.implied("model", "said")
    with pytest.raises(LookupError, match="does not say method, rank"):
        ledger.finished((), "heading")


def test_every_stack_has_a_recipe_or_says_why_not() -> None:
    for stack, strategy in itertools.product(STACKS, STRATEGIES[1:]):
        made = launch_recipe(changed(stack=stack, strategy=strategy))
        assert made[0].name == "settings.txt"
        assert len(made) > 1 or stack == "native"
