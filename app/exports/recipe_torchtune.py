"""Recipes for torchtune: one of its configurations, and what is overridden in it."""

from __future__ import annotations

from app.exports.recipe import Ledger, Recipe, RecipeInput, target_set
from app.exports.recipe_text import launch_file, plain_name, shell_text

VERSION = "torchtune 0.6.1"

FAMILIES: dict[str, tuple[str, str, str]] = {
    "llama-2-7b": ("llama2", "7B", "llama2_7b"),
    "llama-2-13b": ("llama2", "13B", "llama2_13b"),
    "llama-3-8b": ("llama3", "8B", "llama3_8b"),
    "llama-3-70b": ("llama3", "70B", "llama3_70b"),
    "llama-3.1-8b": ("llama3_1", "8B", "llama3_1_8b"),
    "llama-3.1-70b": ("llama3_1", "70B", "llama3_1_70b"),
    "llama-3.2-1b": ("llama3_2", "1B", "llama3_2_1b"),
    "llama-3.2-3b": ("llama3_2", "3B", "llama3_2_3b"),
    "llama-3.3-70b": ("llama3_3", "70B", "llama3_3_70b"),
    "mistral-7b-v0.1": ("mistral", "7B", "mistral_7b"),
    "mistral-7b-v0.2": ("mistral", "7B", "mistral_7b"),
    "qwen2-0.5b": ("qwen2", "0.5B", "qwen2_0_5b"),
    "qwen2-1.5b": ("qwen2", "1.5B", "qwen2_1_5b"),
    "qwen2-7b": ("qwen2", "7B", "qwen2_7b"),
    "qwen2.5-0.5b": ("qwen2_5", "0.5B", "qwen2_5_0_5b"),
    "qwen2.5-1.5b": ("qwen2_5", "1.5B", "qwen2_5_1_5b_instruct"),
    "qwen2.5-3b": ("qwen2_5", "3B", "qwen2_5_3b"),
    "qwen2.5-7b": ("qwen2_5", "7B", "qwen2_5_7b_instruct"),
}
"""Family, size and builder of models that have configurations for full and LoRA over several GPUs,
by plain name."""

QLORA_BUILDERS = frozenset(
    {
        *("llama2_7b", "llama2_13b", "llama3_8b", "llama3_70b", "llama3_1_8b", "llama3_1_70b"),
        *("llama3_2_1b", "llama3_2_3b", "llama3_3_70b", "mistral_7b"),
    }
)
"""Builders with a ``qlora_`` form."""

OPTIMIZERS = {
    "adamw-bf16": "torch.optim.AdamW",
    "adamw-8bit": "bitsandbytes.optim.AdamW8bit",
    "paged-adamw-8bit": "bitsandbytes.optim.PagedAdamW8bit",
    "adafactor": "torch.optim.Adafactor",
    "lion": "bitsandbytes.optim.Lion",
    "sgd": "torch.optim.SGD",
}

LOSSES = {
    "chunked": "torchtune.modules.loss.CEWithChunkedOutputLoss",
    "plain": "torch.nn.CrossEntropyLoss",
}

ATTENTION = {
    "q_proj": "q_proj",
    "k_proj": "k_proj",
    "v_proj": "v_proj",
    "o_proj": "output_proj",
}
MLP = {"gate_proj", "up_proj", "down_proj"}


def torchtune_recipe(recipe: RecipeInput) -> Recipe:
    """The command that starts torchtune with its overrides."""
    ledger = Ledger(recipe)
    known = FAMILIES.get(plain_name(recipe.model))
    if known is None:
        return _without(ledger, f"{VERSION} has no configuration of this model")
    family, size, builder = known
    if recipe.method == "qlora" and builder not in QLORA_BUILDERS:
        return _without(ledger, f"{VERSION} has no 4-bit form of this model")

    single = recipe.gpus == 1
    kind = "lora" if recipe.adapters else "full"
    program = f"{kind}_finetune_distributed"
    config = f"{family}/{size}_{kind}"
    command = ["tune run", f"--nproc-per-node={recipe.gpus_per_node}", f"--nnodes={recipe.nodes}"]
    if recipe.nodes > 1:
        command += [
            "--rdzv-backend=c10d",
            '--rdzv-endpoint="$MASTER_ADDR:${MASTER_PORT:-29500}"',
        ]
    command += [program, f"--config {config}"]
    command += _base(recipe, ledger)
    command += _layout(recipe, ledger, family, single=single)
    command += _software(recipe, ledger)
    command += _adapters(recipe, ledger, family, builder)
    download = f"tune download --output-dir ./base -- {shell_text(recipe.model)}"
    ledger.set("model", download, "launch.sh")
    ledger.set("method", config, "launch.sh")
    ledger.set("stack", "tune run", "launch.sh")
    ledger.set("gpus_per_node", f"--nproc-per-node={recipe.gpus_per_node}", "launch.sh")
    ledger.set("nodes", f"--nnodes={recipe.nodes}", "launch.sh")
    note = (
        f"# {VERSION}. Data: JSON Lines with a column `text`. A checkpoint with other file names\n"
        "# than the configuration's needs checkpointer.checkpoint_files as well.\n"
    )
    launch = launch_file(recipe, " \\\n  ".join(command), before=f"{note}{download}\n")
    return ledger.finished((launch,), f"torchtune: {VERSION}")


def _without(ledger: Ledger, why: str) -> Recipe:
    for name in ledger.recipe.__dataclass_fields__:
        ledger.missing(name, why)
    return ledger.finished((), f"torchtune: {why}.")


def _base(recipe: RecipeInput, ledger: Ledger) -> list[str]:
    """Model folder, data, lengths and batch."""
    whole = float(recipe.epochs).is_integer()
    epochs = f"epochs={int(recipe.epochs) if whole else int(recipe.epochs) + 1}"
    if whole:
        ledger.set("epochs", epochs, "launch.sh")
    else:
        ledger.missing("epochs", "whole epochs only; rounded up")
    packed = recipe.packing in {"packed", "wrapped"}
    words = [
        "checkpointer.checkpoint_dir=./base",
        "tokenizer.path=./base/original/tokenizer.model"
        if plain_name(recipe.model).startswith("llama-3")
        else "tokenizer.path=./base/tokenizer.model",
        f"tokenizer.max_seq_len={recipe.sequence_length}",
        "dataset._component_=torchtune.datasets.text_completion_dataset",
        "dataset.source=json",
        'dataset.data_files="${DATA:-train.jsonl}"',
        "dataset.column=text",
        f"dataset.packed={packed}",
    ]
    if plain_name(recipe.model).startswith("qwen"):
        words[1] = "tokenizer.path=./base/vocab.json"
        words.insert(2, "tokenizer.merges_file=./base/merges.txt")
    if packed:
        words.append(f"dataset.split_across_pack={recipe.packing == 'wrapped'}")
    words += [
        epochs,
        f"batch_size={recipe.micro_batch}",
        f"gradient_accumulation_steps={recipe.accumulation}",
        'optimizer.lr="$LEARNING_RATE"',
    ]
    ledger.implied("steps", "follow from epochs, data and batch")
    ledger.set("sequence_length", f"tokenizer.max_seq_len={recipe.sequence_length}", "launch.sh")
    ledger.set("micro_batch", f"batch_size={recipe.micro_batch}", "launch.sh")
    ledger.set("accumulation", f"gradient_accumulation_steps={recipe.accumulation}", "launch.sh")
    if packed:
        ledger.set("packing", words[words.index(epochs) - 1], "launch.sh")
    elif recipe.packing == "padded":
        ledger.set("packing", "dataset.packed=False", "launch.sh")
    else:
        ledger.missing("packing", "padding is to the longest of a random micro-batch")
    return words


def _layout(recipe: RecipeInput, ledger: Ledger, family: str, *, single: bool) -> list[str]:
    """Sharding: torchtune runs FSDP2 and nothing else on several GPUs."""
    words = []
    if single:
        ledger.set("strategy", "--nproc-per-node=1", "launch.sh", "one process shards nothing")
    elif recipe.strategy in {"fsdp", "zero2"}:
        option = f"fsdp_reshard_after_forward={recipe.strategy == 'fsdp'}"
        words.append(option)
        ledger.set("strategy", option, "launch.sh")
    else:
        ledger.missing("strategy", "always shards weights, gradients and states (FSDP2)")
    option = f"fsdp_cpu_offload={recipe.offload == 'parameters'}"
    words.append(option)
    if recipe.offload == "optimizer":
        ledger.missing("offload", "parameters and optimizer are offloaded together or not at all")
    else:
        ledger.set("offload", option, "launch.sh")
    tensor = ""
    if recipe.tensor > 1 and family.startswith("llama3") and not recipe.adapters:
        tensor = f"tensor_parallel_dim={recipe.tensor}"
        words += [
            tensor,
            "tensor_parallel_plan._component_=torchtune.models.llama3.base_llama_tp_plan",
        ]
    ledger.size("tensor", tensor, "launch.sh", why="only for full fine-tuning of Llama 3")
    for name in ("pipeline", "context", "expert"):
        ledger.size(name, "", "", why="torchtune does not have it")
    recomputed = recipe.checkpointing == "full"
    words.append(f"enable_activation_checkpointing={recomputed}")
    if recipe.checkpointing == "selective" and not recipe.adapters:
        words += ["ac_mode=selective", "ac_option=2"]
        ledger.set("checkpointing", "ac_mode=selective", "launch.sh", "every second block")
    elif recipe.checkpointing == "selective":
        ledger.missing("checkpointing", "full or none with adapters")
    else:
        ledger.set("checkpointing", f"enable_activation_checkpointing={recomputed}", "launch.sh")
    return words


def _software(recipe: RecipeInput, ledger: Ledger) -> list[str]:
    """Precision, optimizer, loss, attention."""
    half = recipe.adapters or recipe.precision == "bf16"
    words = ["compile=True", f"dtype={'bf16' if half else 'fp32'}", "device=cuda"]
    if recipe.adapters:
        ledger.implied("precision", "for full fine-tuning; the frozen base is in 16 or 4 bits")
    elif half:
        ledger.set("precision", "dtype=bf16", "launch.sh")
    else:
        ledger.missing("precision", "everything in bf16 or everything in fp32; fp32 is set")
    trained_half = recipe.adapter_dtype == "bf16" if recipe.adapters else half
    optimizer = OPTIMIZERS.get(recipe.optimizer, "torch.optim.AdamW")
    words.append(f"optimizer._component_={optimizer}")
    fused = optimizer == "torch.optim.AdamW" and recipe.tensor == 1
    words.append("optimizer.fused=True" if fused else "~optimizer.fused")
    if recipe.optimizer == "adamw" and not trained_half:
        ledger.set("optimizer", "optimizer._component_=torch.optim.AdamW", "launch.sh")
    elif recipe.optimizer == "adamw" or recipe.optimizer not in OPTIMIZERS:
        ledger.missing("optimizer", "AdamW's states are in the dtype of what is trained: bf16")
    else:
        ledger.set("optimizer", f"optimizer._component_={optimizer}", "launch.sh")
    loss = LOSSES.get(recipe.loss, LOSSES["chunked"])
    words.append(f"loss._component_={loss}")
    if recipe.loss in LOSSES:
        ledger.set("loss", f"loss._component_={loss}", "launch.sh")
    else:
        ledger.missing("loss", "chunked or plain; chunked is set")
    if recipe.attention == "sdpa":
        ledger.implied("attention", "always PyTorch's own kernels")
    else:
        ledger.missing("attention", "always PyTorch's own kernels")
    if recipe.compute == "bf16":
        ledger.set("compute", f"dtype={'bf16' if half else 'fp32'}", "launch.sh")
        if not half:
            ledger.missing("compute", "fp32 weights are multiplied in fp32")
    else:
        ledger.missing("compute", "16 or 32 bits only")
    return words


def _adapters(recipe: RecipeInput, ledger: Ledger, family: str, builder: str) -> list[str]:
    if not recipe.adapters:
        for name in ("rank", "alpha", "targets", "adapter_dtype", "trained_embeddings"):
            ledger.implied(name, "there are no adapters")
        ledger.implied("quantization", "the base is not quantized")
        return []
    targets = target_set(recipe)
    attention = [ours for theirs, ours in ATTENTION.items() if theirs in targets]
    mlp = bool(targets & MLP)
    words = [
        f"model.lora_rank={recipe.rank}",
        f"model.lora_alpha={recipe.alpha}",
        "model.lora_dropout=0.0",
        f"'model.lora_attn_modules=[{','.join(attention)}]'",
        f"model.apply_lora_to_mlp={mlp}",
        "model.apply_lora_to_output=False",
    ]
    ledger.set("rank", words[0], "launch.sh")
    ledger.set("alpha", words[1], "launch.sh")
    if targets - set(ATTENTION) - MLP or (mlp and not targets >= MLP):
        ledger.missing(
            "targets", "attention linears one by one, those of the MLP all or none; no others"
        )
    else:
        ledger.set("targets", words[3], "launch.sh")
    form = "qlora" if recipe.method == "qlora" else "lora"
    component = f"model._component_=torchtune.models.{family}.{form}_{builder}"
    words.append(component)
    if recipe.method == "qlora":
        ledger.set("quantization", component, "launch.sh", "torchao's NF4, constants quantized too")
        if recipe.quantization == "nf4":
            ledger.missing("quantization", "constants are always quantized too")
    else:
        ledger.implied("quantization", "the base is not quantized")
    if recipe.adapter_dtype == "bf16":
        ledger.set("adapter_dtype", "dtype=bf16", "launch.sh")
    else:
        ledger.missing("adapter_dtype", "adapters have the dtype of the base, bf16")
    if recipe.trained_embeddings:
        ledger.missing("trained_embeddings", "no tables are trained beside adapters")
    else:
        ledger.implied("trained_embeddings", "no tables are trained beside adapters")
    return words
