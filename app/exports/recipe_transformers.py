"""Recipes for transformers, peft, accelerate and DeepSpeed.

The script uses `transformers.Trainer` with TRL's packing: TRL's own SFTTrainer computes its loss in
chunks since 1.16 and could not show what a plain loss costs.
"""

from __future__ import annotations

from app.exports.recipe import Ledger, Recipe, RecipeFile, RecipeInput
from app.exports.recipe_accelerate import (
    accelerate_file,
    accelerate_launch,
    backend_of,
    deepspeed_file,
    in_fp8,
    mixed_precision,
    zero_stage,
)
from app.exports.recipe_text import launch_file, python_text, torchrun

VERSIONS = (
    "transformers 5.23, peft 0.21, accelerate 1.15, trl 1.16, bitsandbytes 0.50, "
    "liger-kernel 0.8, deepspeed 0.19"
)

OPTIMIZERS = {
    "adamw": "adamw_torch",
    "adamw-8bit": "adamw_bnb_8bit",
    "paged-adamw-8bit": "paged_adamw_8bit",
    "adafactor": "adafactor",
    "lion": "lion_32bit",
    "sgd": "sgd",
}
"""Values of ``optim`` (transformers ``OptimizerNames``)."""

ATTENTION_PATTERN = r".*\.(self_attn|self_attention|attention|attn)\.\w+"
"""Every linear of an attention module, as peft matches a pattern."""


def transformers_recipe(recipe: RecipeInput) -> Recipe:
    """Files for the Hugging Face stack."""
    ledger = Ledger(recipe)
    backend = backend_of(recipe)
    files = [_script(recipe, ledger, backend)]
    if backend == "deepspeed":
        files.insert(0, deepspeed_file(recipe, ledger))
        launch = launch_file(recipe, torchrun(recipe) + " \\\n  train.py")
        ledger.set("gpus_per_node", f"--nproc-per-node={recipe.gpus_per_node}", "launch.sh")
        ledger.set("nodes", f"--nnodes={recipe.nodes}", "launch.sh")
    else:
        files.insert(0, accelerate_file(recipe, ledger, backend))
        launch = launch_file(recipe, accelerate_launch(recipe))
    return ledger.finished((launch, *files), f"Hugging Face: {VERSIONS}")


def _script(recipe: RecipeInput, ledger: Ledger, backend: str) -> RecipeFile:
    """``train.py``."""
    fused = recipe.stack == "transformers-fused"
    arguments = _arguments(recipe, ledger, backend, fused=fused)
    loading = _loading(recipe, ledger, backend)
    adapters = _adapters(recipe, ledger, backend)
    packing, collating = _packing(recipe, ledger)
    more = ["get_peft_model", "LoraConfig"] if recipe.adapters else []
    imports = ["AutoModelForCausalLM", "AutoTokenizer", "Trainer", "TrainingArguments"]
    if recipe.quantization != "none":
        imports.append("BitsAndBytesConfig")
    text = [
        f"# {VERSIONS}",
        "# DATA is a JSON Lines file with a column `text`.",
        "import os",
        "",
        "import torch",
        *(["from accelerate import PartialState"] if "PartialState" in loading else []),
        "from datasets import load_dataset",
        *([f"from peft import {', '.join(sorted(more, key=str.lower))}"] if more else []),
        f"from transformers import {', '.join(sorted(imports))}",
        *(["from trl import pack_dataset"] if packing else []),
        "from trl.trainer.sft_trainer import DataCollatorForLanguageModeling",
        "",
        f"MODEL = {python_text(recipe.model)}",
        f"SEQUENCE_LENGTH = {recipe.sequence_length}",
        "",
        arguments,
        "",
        "tokenizer = AutoTokenizer.from_pretrained(MODEL)",
        "if tokenizer.pad_token_id is None:",
        "    tokenizer.pad_token = tokenizer.eos_token",
        "",
        loading,
        adapters,
        "",
        'data = load_dataset("json", data_files=os.environ.get("DATA", "train.jsonl"))["train"]',
        "",
        "",
        "def tokenized(batch):",
        '    texts = [text + tokenizer.eos_token for text in batch["text"]]',
        '    return {"input_ids": tokenizer(texts'
        + (")" if recipe.packing == "wrapped" else ", truncation=True, max_length=SEQUENCE_LENGTH)")
        + '["input_ids"]}',
        "",
        "",
        "data = data.map(tokenized, batched=True, remove_columns=data.column_names)",
        *([packing] if packing else []),
        collating,
        "trainer = Trainer(model, arguments, data_collator=collator, train_dataset=data)",
        "trainer.train()",
        "trainer.save_model()",
    ]
    ledger.set("model", f"MODEL = {python_text(recipe.model)}", "train.py")
    ledger.set("sequence_length", f"SEQUENCE_LENGTH = {recipe.sequence_length}", "train.py")
    if fused:
        ledger.set("stack", "use_liger_kernel=True", "train.py")
    else:
        ledger.set("stack", "from transformers import", "train.py")
    return RecipeFile("train.py", "python", "\n".join(text) + "\n")


def _arguments(recipe: RecipeInput, ledger: Ledger, backend: str, *, fused: bool) -> str:
    """``TrainingArguments``. Names: transformers 5.23, ``training_args.py``."""
    options: dict[str, str] = {
        "output_dir": '"out"',
        "learning_rate": 'float(os.environ["LEARNING_RATE"])',
        "num_train_epochs": repr(recipe.epochs),
        "per_device_train_batch_size": str(recipe.micro_batch),
        "gradient_accumulation_steps": str(recipe.accumulation),
    }
    ledger.implied("steps", "follow from epochs, data and batch")
    for field, option in (
        ("epochs", "num_train_epochs"),
        ("micro_batch", "per_device_train_batch_size"),
        ("accumulation", "gradient_accumulation_steps"),
    ):
        ledger.set(field, f"{option}={options[option]}", "train.py")
    _precision(recipe, ledger, backend, options)
    _optimizer(recipe, ledger, backend, options)
    _checkpointing(recipe, ledger, backend, options)
    _loss(recipe, ledger, options, fused=fused)
    if recipe.packing == "grouped":
        options["train_sampling_strategy"] = '"group_by_length"'
    options["remove_unused_columns"] = "False"
    options["report_to"] = '"none"'
    options["save_strategy"] = '"epoch"'
    if backend == "deepspeed":
        options["deepspeed"] = '"deepspeed.json"'
    for field in ("tensor", "pipeline", "context", "expert"):
        ledger.size(field, "", "", why="this recipe splits data, not the model")
    body = "".join(f"    {name}={value},\n" for name, value in options.items())
    return f"arguments = TrainingArguments(\n{body})"


def _precision(recipe: RecipeInput, ledger: Ledger, backend: str, options: dict[str, str]) -> None:
    mixed = "bf16" if backend == "deepspeed" else mixed_precision(recipe, backend)
    options["bf16"] = str(mixed == "bf16")
    if recipe.compute == "bf16":
        ledger.set("compute", f"bf16={options['bf16']}", "train.py")
        if mixed == "no":
            ledger.set("compute", "dtype=torch.bfloat16", "train.py")
    elif in_fp8(recipe) and backend != "deepspeed":
        ledger.set("compute", 'mixed_precision: "fp8"', "accelerate.yaml")
    else:
        ledger.missing("compute", "not for this method with this backend; bf16 is set")
    if recipe.adapters:
        ledger.implied("precision", "for full fine-tuning; the frozen base is held in 16 or 4 bits")
    elif backend == "deepspeed" and recipe.precision in {"bf16-mixed", "fp32-gradients"}:
        kind = "fp32" if recipe.precision == "fp32-gradients" else "bf16"
        ledger.set("precision", f'"grad_accum_dtype": "{kind}"', "deepspeed.json")
    elif backend == "deepspeed":
        ledger.missing("precision", "DeepSpeed's bf16 keeps bf16 weights and an fp32 master copy")
    elif recipe.precision == "bf16":
        ledger.set("precision", "dtype=torch.bfloat16", "train.py")
    elif recipe.precision in {"bf16-mixed", "fp32-gradients"}:
        ledger.missing(
            "precision",
            "without ZeRO there are no bf16 weights beside an fp32 master copy; the script trains "
            "fp32 weights with autocast, about the same bytes a parameter",
        )
    else:
        ledger.set("precision", "dtype=torch.float32", "train.py")


def _optimizer(recipe: RecipeInput, ledger: Ledger, backend: str, options: dict[str, str]) -> None:
    name = OPTIMIZERS.get(recipe.optimizer)
    if recipe.optimizer == "adamw-bf16":
        name = "adamw_torch"
        trained_in_bf16 = (
            recipe.adapter_dtype == "bf16" if recipe.adapters else recipe.precision == "bf16"
        )
        if trained_in_bf16 and backend != "deepspeed":
            ledger.set("optimizer", 'optim="adamw_torch"', "train.py", "states are as the weights")
        else:
            ledger.missing("optimizer", "states have the dtype of what is trained, here fp32")
    elif name is None:
        ledger.missing("optimizer", "no value of optim; the script uses AdamW")
    else:
        if name == "adamw_torch":
            name = "adamw_torch_fused"
        ledger.set("optimizer", f'optim="{name}"', "train.py")
    options["optim"] = f'"{name or "adamw_torch"}"'


def _checkpointing(
    recipe: RecipeInput, ledger: Ledger, backend: str, options: dict[str, str]
) -> None:
    if recipe.checkpointing == "full" and backend == "fsdp2":
        options["activation_checkpointing"] = "False"
        ledger.set("checkpointing", "fsdp_activation_checkpointing: true", "accelerate.yaml")
        return
    options["activation_checkpointing"] = str(recipe.checkpointing != "none")
    ledger.set(
        "checkpointing",
        f"activation_checkpointing={options['activation_checkpointing']}",
        "train.py",
    )
    if recipe.checkpointing == "none":
        return
    reentrant = recipe.adapters and backend == "deepspeed" and zero_stage(recipe) == 3
    kwargs: dict[str, object] = {"use_reentrant": reentrant}
    if recipe.checkpointing == "selective":
        kwargs["every_n_layers"] = 2
        ledger.set(
            "checkpointing",
            "'every_n_layers': 2",
            "train.py",
            "the Trainer's own selective form: every second block",
        )
    options["activation_checkpointing_kwargs"] = python_text(kwargs)


def _loss(recipe: RecipeInput, ledger: Ledger, options: dict[str, str], *, fused: bool) -> None:
    liger = recipe.loss in {"fused", "chunked"}
    if fused or liger:
        kernels = {
            "fused_linear_cross_entropy": recipe.loss == "chunked",
            "cross_entropy": recipe.loss == "fused",
        }
        if not fused:
            kernels |= {"rms_norm": False, "rope": False, "swiglu": False}
        options["use_liger_kernel"] = "True"
        options["liger_kernel_config"] = python_text(kernels)
    if liger:
        word = "fused_linear_cross_entropy" if recipe.loss == "chunked" else "cross_entropy"
        ledger.set("loss", f"'{word}': True", "train.py")
    elif recipe.loss == "plain":
        ledger.implied("loss", "the model's own loss: transformers' ForCausalLMLoss")
    else:
        ledger.missing("loss", "transformers 5 keeps no shifted fp32 copy; it needs less memory")


def _loading(recipe: RecipeInput, ledger: Ledger, backend: str) -> str:
    """The base model: dtype, quantization, attention, device."""
    whole = not recipe.adapters and recipe.precision != "bf16" and backend != "deepspeed"
    options = {
        "dtype": "torch.float32" if whole else "torch.bfloat16",
        "attn_implementation": f'"{recipe.attention}"',
        "use_cache": "False",
    }
    before = ""
    if recipe.quantization != "none":
        double = recipe.quantization == "nf4-double"
        before = (
            "quantization = BitsAndBytesConfig(\n"
            "    load_in_4bit=True,\n"
            '    bnb_4bit_quant_type="nf4",\n'
            f"    bnb_4bit_use_double_quant={double},\n"
            "    bnb_4bit_compute_dtype=torch.bfloat16,\n"
            "    bnb_4bit_quant_storage=torch.bfloat16,\n"
            ")\n"
        )
        options["quantization_config"] = "quantization"
        if backend in {"none", "ddp"}:
            options["device_map"] = '{"": PartialState().local_process_index}'
        ledger.set(
            "quantization",
            f"bnb_4bit_use_double_quant={double}",
            "train.py",
            "without prepare_model_for_kbit_training, which would hold the tables in fp32",
        )
        ledger.set("method", "load_in_4bit=True", "train.py")
    else:
        ledger.implied("quantization", "the base is not quantized")
    ledger.set("attention", f'attn_implementation="{recipe.attention}"', "train.py")
    body = "".join(f"    {name}={value},\n" for name, value in options.items())
    return f"{before}model = AutoModelForCausalLM.from_pretrained(\n    MODEL,\n{body})"


def _adapters(recipe: RecipeInput, ledger: Ledger, backend: str) -> str:
    """peft's part. Names: peft 0.21, ``LoraConfig``."""
    if not recipe.adapters:
        ledger.set("method", "AutoModelForCausalLM.from_pretrained", "train.py", "all weights")
        for field in ("rank", "alpha", "targets", "adapter_dtype", "trained_embeddings"):
            ledger.implied(field, "there are no adapters")
        return ""
    if recipe.targets == ("all-linear",):
        targets = '"all-linear"'
    elif recipe.targets == ("attention",):
        targets = f'r"{ATTENTION_PATTERN}"'
    else:
        targets = python_text(list(recipe.targets))
    options = {
        "r": str(recipe.rank),
        "lora_alpha": repr(recipe.alpha),
        "lora_dropout": "0.0",
        "target_modules": targets,
        "task_type": '"CAUSAL_LM"',
    }
    for field, option in (
        ("rank", "r"),
        ("alpha", "lora_alpha"),
        ("targets", "target_modules"),
    ):
        ledger.set(field, f"{option}={options[option]}", "train.py")
    if recipe.trained_embeddings:
        options["modules_to_save"] = python_text(list(recipe.trained_embeddings))
        options["ensure_weight_tying"] = str(len(recipe.trained_embeddings) > 1)
        ledger.set(
            "trained_embeddings", f"modules_to_save={options['modules_to_save']}", "train.py"
        )
    else:
        ledger.implied("trained_embeddings", "none is trained unless named")
    if recipe.method == "lora":
        ledger.set("method", "get_peft_model(", "train.py")
    half = recipe.adapter_dtype == "bf16"
    casting = f"autocast_adapter_dtype={not half}"
    if backend == "deepspeed" and not half:
        ledger.missing("adapter_dtype", "DeepSpeed runs them in bf16, with an fp32 master copy")
    else:
        ledger.set("adapter_dtype", casting, "train.py")
    body = "".join(f"    {name}={value},\n" for name, value in options.items())
    text = f"lora = LoraConfig(\n{body})\nmodel = get_peft_model(model, lora, {casting})\n"
    if recipe.checkpointing != "none":
        text += "model.enable_input_require_grads()\n"
    if half:
        text += (
            "for parameter in model.parameters():\n"
            "    if parameter.requires_grad:\n"
            "        parameter.data = parameter.data.to(torch.bfloat16)\n"
        )
    return text


def _packing(recipe: RecipeInput, ledger: Ledger) -> tuple[str, str]:
    """How samples become sequences. Names: TRL 1.16, ``pack_dataset``."""
    packed = recipe.packing in {"packed", "wrapped"}
    strategy = "wrapped" if recipe.packing == "wrapped" else "bfd"
    call = f'data = pack_dataset(data, SEQUENCE_LENGTH, strategy="{strategy}")' if packed else ""
    options = ["pad_token_id=tokenizer.pad_token_id"]
    options.append(f"padding_free={recipe.packing == 'packed'}")
    if recipe.packing == "padded-to-max":
        options.append("pad_to_multiple_of=SEQUENCE_LENGTH")
    if packed:
        ledger.set("packing", f'strategy="{strategy}"', "train.py")
    elif recipe.packing == "grouped":
        ledger.set("packing", 'train_sampling_strategy="group_by_length"', "train.py")
    else:
        ledger.set("packing", options[-1], "train.py")
    return call, f"collator = DataCollatorForLanguageModeling({', '.join(options)})"
