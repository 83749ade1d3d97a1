"""Recipes for Unsloth: one script for one GPU, or one process a GPU."""

from __future__ import annotations

from app.exports.recipe import Ledger, Recipe, RecipeFile, RecipeInput, target_set
from app.exports.recipe_text import launch_file, python_text, torchrun

VERSION = "unsloth 2026.10.9, trl 1.15, transformers 5.17"

OPTIMIZERS = {
    "adamw": "adamw_torch_fused",
    "adamw-8bit": "adamw_8bit",
    "paged-adamw-8bit": "paged_adamw_8bit",
    "adafactor": "adafactor",
    "lion": "lion_32bit",
    "sgd": "sgd",
}


def unsloth_recipe(recipe: RecipeInput) -> Recipe:
    """``train.py`` and how it is started."""
    ledger = Ledger(recipe)
    loading = _loading(recipe, ledger)
    adapters = _adapters(recipe, ledger)
    arguments = _arguments(recipe, ledger)
    _layout(recipe, ledger)
    text = [
        f"# {VERSION}",
        "# DATA is a JSON Lines file with a column `text`.",
        "import os",
        "",
        "from unsloth import FastLanguageModel  # first: it patches what follows",
        "",
        "import torch",
        "from datasets import load_dataset",
        "from trl import SFTConfig, SFTTrainer",
        "",
        f"MODEL = {python_text(recipe.model)}",
        f"SEQUENCE_LENGTH = {recipe.sequence_length}",
        "",
        loading,
        adapters,
        'data = load_dataset("json", data_files=os.environ.get("DATA", "train.jsonl"))["train"]',
        arguments,
        "trainer = SFTTrainer(",
        "    model=model, processing_class=tokenizer, train_dataset=data, args=arguments",
        ")",
        "trainer.train()",
        "trainer.save_model()",
    ]
    ledger.set("model", f"MODEL = {python_text(recipe.model)}", "train.py")
    ledger.set("sequence_length", f"SEQUENCE_LENGTH = {recipe.sequence_length}", "train.py")
    ledger.set("stack", "from unsloth import FastLanguageModel", "train.py")
    script = RecipeFile("train.py", "python", "\n".join(text) + "\n")
    launch = launch_file(recipe, torchrun(recipe) + " \\\n  train.py")
    return ledger.finished((launch, script), f"Unsloth: {VERSION}")


def _loading(recipe: RecipeInput, ledger: Ledger) -> str:
    """Names: unsloth 2026.10.9, ``FastLanguageModel.from_pretrained``."""
    recomputes = {"none": "False", "selective": '"unsloth"', "full": "True"}[recipe.checkpointing]
    pure = recipe.precision == "bf16"
    flags = {
        "load_in_4bit": str(recipe.quantization != "none"),
        "load_in_16bit": str(recipe.method == "lora"),
        "full_finetuning": str(not recipe.adapters),
    }
    options = {
        "model_name": "MODEL",
        "max_seq_length": "SEQUENCE_LENGTH",
        "dtype": "torch.bfloat16",
        **flags,
        "use_gradient_checkpointing": recomputes,
    }
    if not recipe.adapters:
        options["float32_mixed_precision"] = str(not pure)
    chosen = {"full": "full_finetuning", "lora": "load_in_16bit", "qlora": "load_in_4bit"}
    ledger.set("method", f"{chosen[recipe.method]}=True", "train.py")
    if recipe.checkpointing == "selective":
        ledger.set(
            "checkpointing",
            'use_gradient_checkpointing="unsloth"',
            "train.py",
            "its own form: recomputed, with what is kept moved to host memory",
        )
    else:
        ledger.set("checkpointing", f"use_gradient_checkpointing={recomputes}", "train.py")
    if recipe.method == "qlora" and recipe.quantization == "nf4-double":
        ledger.set("quantization", "load_in_4bit=True", "train.py", "NF4, constants quantized too")
    elif recipe.method == "qlora":
        ledger.missing("quantization", "its 4-bit form always quantizes the constants too")
    else:
        ledger.implied("quantization", "the base is not quantized")
    if recipe.adapters:
        ledger.implied("precision", "for full fine-tuning; the frozen base is in 16 or 4 bits")
    elif recipe.precision in {"bf16", "fp32-autocast"}:
        ledger.set("precision", f"float32_mixed_precision={not pure}", "train.py")
    else:
        ledger.missing(
            "precision", "all in bf16, or fp32 weights with bf16 products; the second is set"
        )
    if recipe.compute == "bf16":
        ledger.set("compute", "dtype=torch.bfloat16", "train.py")
    else:
        ledger.missing("compute", "16 bits in this recipe")
    if recipe.attention == "sdpa":
        ledger.implied("attention", "the fastest kernel that is there; never the eager form")
    else:
        ledger.missing("attention", "never the eager form")
    body = "".join(f"    {name}={value},\n" for name, value in options.items())
    return f"model, tokenizer = FastLanguageModel.from_pretrained(\n{body})"


def _adapters(recipe: RecipeInput, ledger: Ledger) -> str:
    """Names: unsloth 2026.10.9, ``FastLanguageModel.get_peft_model``."""
    if not recipe.adapters:
        for field in ("rank", "alpha", "targets", "adapter_dtype", "trained_embeddings"):
            ledger.implied(field, "there are no adapters")
        return ""
    recomputes = {"none": "False", "selective": '"unsloth"', "full": "True"}[recipe.checkpointing]
    targets = python_text(sorted(target_set(recipe)))
    options = {
        "r": str(recipe.rank),
        "lora_alpha": repr(recipe.alpha),
        "lora_dropout": "0.0",
        "target_modules": targets,
        "use_gradient_checkpointing": recomputes,
    }
    for field, option in (("rank", "r"), ("alpha", "lora_alpha"), ("targets", "target_modules")):
        ledger.set(field, f"{option}={options[option]}", "train.py")
    if recipe.trained_embeddings:
        options["modules_to_save"] = python_text(list(recipe.trained_embeddings))
        ledger.set(
            "trained_embeddings", f"modules_to_save={options['modules_to_save']}", "train.py"
        )
    else:
        ledger.implied("trained_embeddings", "none is trained unless named")
    body = "".join(f"    {name}={value},\n" for name, value in options.items())
    dtype = {"bf16": "torch.bfloat16", "fp32": "torch.float32"}[recipe.adapter_dtype]
    ledger.set("adapter_dtype", f"parameter.data.to({dtype})", "train.py")
    return (
        f"model = FastLanguageModel.get_peft_model(\n    model,\n{body})\n"
        "for parameter in model.parameters():\n"
        "    if parameter.requires_grad:\n"
        f"        parameter.data = parameter.data.to({dtype})\n"
    )


def _arguments(recipe: RecipeInput, ledger: Ledger) -> str:
    """Names: trl 1.15, ``SFTConfig``."""
    packed = recipe.packing in {"packed", "wrapped"}
    options = {
        "output_dir": '"out"',
        "learning_rate": 'float(os.environ["LEARNING_RATE"])',
        "num_train_epochs": repr(recipe.epochs),
        "per_device_train_batch_size": str(recipe.micro_batch),
        "gradient_accumulation_steps": str(recipe.accumulation),
        "max_length": "SEQUENCE_LENGTH",
        "packing": str(packed),
        "padding_free": str(recipe.packing == "packed"),
        "bf16": "True",
        "gradient_checkpointing": str(recipe.checkpointing != "none"),
        "optim": f'"{OPTIMIZERS.get(recipe.optimizer, "adamw_torch_fused")}"',
        "report_to": '"none"',
    }
    if packed:
        strategy = "wrapped" if recipe.packing == "wrapped" else "bfd"
        options["packing_strategy"] = f'"{strategy}"'
        ledger.set("packing", f'packing_strategy="{strategy}"', "train.py")
    elif recipe.packing == "grouped":
        options["train_sampling_strategy"] = '"group_by_length"'
        ledger.set("packing", 'train_sampling_strategy="group_by_length"', "train.py")
    elif recipe.packing == "padded-to-max":
        options["pad_to_multiple_of"] = "SEQUENCE_LENGTH"
        ledger.set("packing", "pad_to_multiple_of=SEQUENCE_LENGTH", "train.py")
    else:
        ledger.set("packing", "packing=False", "train.py")
    ledger.implied("steps", "follow from epochs, data and batch")
    for field, option in (
        ("epochs", "num_train_epochs"),
        ("micro_batch", "per_device_train_batch_size"),
        ("accumulation", "gradient_accumulation_steps"),
    ):
        ledger.set(field, f"{option}={options[option]}", "train.py")
    if recipe.optimizer in OPTIMIZERS:
        ledger.set("optimizer", f"optim={options['optim']}", "train.py")
    else:
        ledger.missing("optimizer", "no value of optim; the script uses AdamW")
    if recipe.loss == "chunked":
        ledger.implied("loss", "always chunked: the logits are never whole")
    else:
        ledger.missing("loss", "always chunked; it needs less memory")
    body = "".join(f"    {name}={value},\n" for name, value in options.items())
    return f"arguments = SFTConfig(\n{body})"


def _layout(recipe: RecipeInput, ledger: Ledger) -> None:
    ledger.set("gpus_per_node", f"--nproc-per-node={recipe.gpus_per_node}", "launch.sh")
    ledger.set("nodes", f"--nnodes={recipe.nodes}", "launch.sh")
    if recipe.strategy == "single" or (recipe.strategy == "ddp" and recipe.gpus > 1):
        ledger.set("strategy", "torchrun", "launch.sh", "one process a GPU, each with everything")
    else:
        ledger.missing("strategy", "one process a GPU, each with everything; nothing is sharded")
    if recipe.offload == "none":
        ledger.implied("offload", "nothing is offloaded unless asked for")
    else:
        ledger.missing("offload", "weights and optimizer stay on the GPU")
    for field in ("tensor", "pipeline", "context", "expert"):
        ledger.size(field, "", "", why="this recipe splits data, not the model")
