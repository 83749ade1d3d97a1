"""Recipes for torchtitan: a configuration in Python, which is what it reads since 0.3."""

from __future__ import annotations

from app.exports.recipe import Ledger, Recipe, RecipeFile, RecipeInput, target_set
from app.exports.recipe_text import launch_file, plain_name, shell_text, torchrun

VERSION = "torchtitan 0.3.0"
FILE = "finetune_config.py"

MODELS: dict[str, tuple[str, str]] = {
    "llama-3.1-8b": ("llama3", "8B"),
    "llama-3.1-70b": ("llama3", "70B"),
    "llama-3.1-405b": ("llama3", "405B"),
    "llama-3.2-1b": ("llama3", "1B"),
    "llama-3.2-3b": ("llama3", "3B"),
    "llama-3.3-70b": ("llama3", "70B"),
    "qwen3-0.6b": ("qwen3", "0.6B"),
    "qwen3-1.7b": ("qwen3", "1.7B"),
    "qwen3-4b": ("qwen3", "4B"),
    "qwen3-8b": ("qwen3", "8B"),
    "qwen3-14b": ("qwen3", "14B"),
    "qwen3-32b": ("qwen3", "32B"),
    "qwen3-30b-a3b": ("qwen3", "30B-A3B"),
    "qwen3-235b-a22b": ("qwen3", "235B-A22B"),
    "gpt-oss-20b": ("gpt_oss", "20b"),
    "gpt-oss-120b": ("gpt_oss", "120b"),
}
"""Module and flavour of ``torchtitan.models``, by plain name."""

LINEARS = {"o_proj": "wo", "gate_proj": "w1", "down_proj": "w2", "up_proj": "w3"}
"""Ours and torchtitan's; queries, keys and values are one linear, ``wqkv``."""

QKV = {"q_proj", "k_proj", "v_proj"}


def torchtitan_recipe(recipe: RecipeInput) -> Recipe:
    """The configuration, and the command that starts it."""
    ledger = Ledger(recipe)
    known = MODELS.get(plain_name(recipe.model))
    if known is None:
        why = f"{VERSION} does not define this model"
        for name in recipe.__dataclass_fields__:
            ledger.missing(name, why)
        return ledger.finished((), f"torchtitan: {why}.")
    module, flavour = known
    converters = _converters(recipe, ledger)
    parts = [
        f"# {VERSION}",
        "# DATA is a JSON Lines file with columns `prompt` and `response`.",
        "import os",
        "",
        "from torchtitan.components.checkpoint import CheckpointManager",
        *(["from torchtitan.components.lora import LoRAConverter"] if recipe.adapters else []),
        "from torchtitan.components.loss import ChunkedLossWrapper, CrossEntropyLoss",
        "from torchtitan.components.optimizer import default_adamw",
        *(
            ["from torchtitan.components.quantization import Float8LinearConverter"]
            if recipe.compute == "fp8"
            else []
        ),
        "from torchtitan.config import CompileConfig, ParallelismConfig, TrainingConfig",
        "from torchtitan.distributed.activation_checkpoint import FullAC, SelectiveAC",
        "from torchtitan.hf_datasets.text_datasets import ChatDataLoader",
        "from torchtitan.models.common.config_utils import decoder_vocab_size",
        f"from torchtitan.models.{module} import model_registry",
        "from torchtitan.trainer import Trainer",
        "",
        "",
        "def messages(sample):",
        "    return [",
        '        {"role": "user", "content": sample["prompt"]},',
        '        {"role": "assistant", "content": sample["response"]},',
        "    ]",
        "",
        "",
        "def finetune():",
        f'    model = model_registry("{flavour}", attn_backend="varlen", converters={converters})',
        *_loss(recipe, ledger),
        '    optimizer = default_adamw(lr=float(os.environ["LEARNING_RATE"]))',
        *_optimizer(recipe, ledger),
        "    return Trainer.Config(",
        '        hf_assets_path="./base",',
        "        model_spec=model,",
        "        loss=loss,",
        "        optimizer=optimizer,",
        *_training(recipe, ledger),
        *_parallelism(recipe, ledger),
        *_checkpointing(recipe, ledger),
        "        compile=CompileConfig(enable=False),",
        "        dataloader=ChatDataLoader.Config(",
        '            dataset_path="json",',
        "            load_dataset_kwargs={",
        '                "data_files": os.environ.get("DATA", "train.jsonl"),',
        '                "split": "train",',
        "            },",
        "            sample_processor=messages,",
        "        ),",
        "        checkpoint=CheckpointManager.Config(enable=True, initial_load_in_hf=True),",
        "    )",
    ]
    _fixed(recipe, ledger)
    download = f"hf download --local-dir ./base -- {shell_text(recipe.model)}"
    command = torchrun(recipe) + " \\\n  -m torchtitan.train --module finetune_config"
    command += " --config finetune"
    before = f'# {VERSION}\n{download}\nexport PYTHONPATH="$PWD${{PYTHONPATH:+:$PYTHONPATH}}"\n'
    launch = launch_file(recipe, command, before=before)
    ledger.set("model", download, "launch.sh")
    ledger.set("stack", "-m torchtitan.train", "launch.sh")
    ledger.set("gpus_per_node", f"--nproc-per-node={recipe.gpus_per_node}", "launch.sh")
    ledger.set("nodes", f"--nnodes={recipe.nodes}", "launch.sh")
    script = RecipeFile(FILE, "python", "\n".join(parts) + "\n")
    return ledger.finished((launch, script), f"torchtitan: {VERSION}")


def _pure(recipe: RecipeInput) -> bool:
    """Whether weights, gradients and states are held in bf16."""
    return recipe.adapters or recipe.precision == "bf16"


def _loss(recipe: RecipeInput, ledger: Ledger) -> list[str]:
    lines = ["    loss = CrossEntropyLoss.Config(global_vocab_size=decoder_vocab_size(model))"]
    if recipe.loss == "plain":
        ledger.set("loss", "loss = CrossEntropyLoss.Config(", FILE)
    elif recipe.loss == "chunked":
        lines.append("    loss = ChunkedLossWrapper.Config(loss_fn=loss)")
        ledger.set("loss", "ChunkedLossWrapper.Config(loss_fn=loss)", FILE)
    else:
        ledger.missing("loss", "plain or chunked; plain is set")
    return lines


def _optimizer(recipe: RecipeInput, ledger: Ledger) -> list[str]:
    half = recipe.adapter_dtype == "bf16" if recipe.adapters else _pure(recipe)
    kind = "fused"
    if recipe.optimizer == "adamw-bf16" and not half:
        kind = "fused_opt_states_bf16"
    option = f'optimizer.implementation = "{kind}"'
    if recipe.optimizer == "adamw-bf16" or (recipe.optimizer == "adamw" and not _pure(recipe)):
        ledger.set("optimizer", option, FILE)
    elif recipe.optimizer == "adamw":
        ledger.missing("optimizer", "AdamW's states are in the dtype of what is trained: bf16")
    else:
        ledger.missing("optimizer", "AdamW in this recipe")
    return [f"    {option}"]


def _training(recipe: RecipeInput, ledger: Ledger) -> list[str]:
    """Batch, length, steps, dtype, offload. Names: ``TrainingConfig``."""
    # Under pipeline parallelism the local batch is the whole step and is cut into micro-batches.
    local = recipe.micro_batch * (recipe.accumulation if recipe.pipeline > 1 else 1)
    dtype = "bfloat16" if _pure(recipe) else "float32"
    options = {
        "local_batch_size": str(local),
        "global_batch_size": str(recipe.global_batch),
        "seq_len": str(recipe.sequence_length),
        "steps": str(recipe.steps),
        "dtype": f'"{dtype}"',
        "mixed_precision_param": '"bfloat16"',
        "enable_cpu_offload": str(recipe.offload == "parameters"),
    }
    micro = f"local_batch_size={local}"
    if recipe.pipeline > 1:
        micro = f"pipeline_parallel_microbatch_size={recipe.micro_batch}"
    ledger.set("micro_batch", micro, FILE)
    ledger.set("accumulation", f"global_batch_size={recipe.global_batch}", FILE)
    ledger.set("sequence_length", f"seq_len={recipe.sequence_length}", FILE)
    ledger.set("steps", f"steps={recipe.steps}", FILE)
    ledger.implied("epochs", "follow from the steps; the data are repeated")
    if recipe.offload == "optimizer":
        ledger.missing("offload", "parameters and optimizer are offloaded together or not at all")
    else:
        ledger.set("offload", f"enable_cpu_offload={options['enable_cpu_offload']}", FILE)
    sharded = recipe.strategy in {"zero2", "fsdp"} and recipe.data_parallel > 1
    if recipe.adapters:
        ledger.implied("precision", "for full fine-tuning; base and adapters are held in bf16")
    elif recipe.precision == "bf16" or recipe.precision == (
        "fp32-sharded" if sharded else "fp32-autocast"
    ):
        ledger.set("precision", f'dtype="{dtype}"', FILE)
    else:
        ledger.missing("precision", f"fp32 or bf16 for everything that is held; {dtype} is set")
    body = [f"            {name}={value}," for name, value in options.items()]
    return ["        training=TrainingConfig(", *body, "        ),"]


def _parallelism(recipe: RecipeInput, ledger: Ledger) -> list[str]:
    """Groups. Names: ``ParallelismConfig``."""
    sharded = recipe.strategy in {"zero2", "fsdp"}
    shard, copies = (recipe.data_parallel, 1) if sharded else (1, recipe.data_parallel)
    reshard = '"never"' if recipe.strategy == "zero2" else '"always"'
    options = {
        "data_parallel_replicate_degree": str(copies),
        "data_parallel_shard_degree": str(shard),
        "fsdp_reshard_after_forward": reshard,
        "tensor_parallel_degree": str(recipe.tensor),
        "pipeline_parallel_degree": str(recipe.pipeline),
        "context_parallel_degree": str(recipe.context),
        "expert_parallel_degree": str(recipe.expert),
    }
    if recipe.pipeline > 1:
        options["pipeline_parallel_microbatch_size"] = str(recipe.micro_batch)
        options["pipeline_parallel_schedule"] = '"1F1B"'
    for name in ("tensor", "pipeline", "context", "expert"):
        option = f"{name}_parallel_degree"
        ledger.set(name, f"{option}={options[option]}", FILE)
    if recipe.strategy == "zero1":
        ledger.missing("strategy", "gradients are sharded too, or nothing is; nothing is set")
    elif sharded:
        ledger.set("strategy", f"fsdp_reshard_after_forward={reshard}", FILE)
    else:
        ledger.set("strategy", f"data_parallel_replicate_degree={copies}", FILE)
    body = [f"            {name}={value}," for name, value in options.items()]
    return ["        parallelism=ParallelismConfig(", *body, "        ),"]


def _checkpointing(recipe: RecipeInput, ledger: Ledger) -> list[str]:
    policy = {"none": "None", "selective": "SelectiveAC.Config()", "full": "FullAC.Config()"}
    option = f"activation_checkpoint={policy[recipe.checkpointing]}"
    note = "keeps every second matrix product" if recipe.checkpointing == "selective" else ""
    ledger.set("checkpointing", option, FILE, note)
    return [f"        {option},"]


def _converters(recipe: RecipeInput, ledger: Ledger) -> str:
    """fp8 and adapters. Names: ``Float8LinearConverter``, ``LoRAConverter``."""
    chosen = []
    if recipe.compute == "fp8":
        chosen.append(
            'Float8LinearConverter.Config(filter_fqns=["lm_head"], model_compile_enabled=False)'
        )
        ledger.set("compute", "Float8LinearConverter.Config(", FILE)
    elif recipe.compute == "bf16":
        ledger.set("compute", 'mixed_precision_param="bfloat16"', FILE)
    else:
        ledger.missing("compute", "fp8 or bf16 in this recipe")
    if not recipe.adapters:
        ledger.set("method", "converters=[", FILE, "without LoRAConverter: all weights")
        for name in ("rank", "alpha", "targets", "adapter_dtype", "trained_embeddings"):
            ledger.implied(name, "there are no adapters")
        ledger.implied("quantization", "the base is not quantized")
        return f"[{', '.join(chosen)}]"
    wanted = target_set(recipe)
    names = [ours for theirs, ours in LINEARS.items() if theirs in wanted]
    if wanted & QKV:
        names.insert(0, "wqkv")
    targets = "[" + ", ".join(f'"{name}"' for name in names) + "]"
    if wanted - set(LINEARS) - QKV or (wanted & QKV and not wanted >= QKV):
        ledger.missing(
            "targets", "queries, keys and values together, and the linears of a gated MLP only"
        )
    else:
        ledger.set(
            "targets", f"target_modules={targets}", FILE, "one adapter for queries, keys, values"
        )
    chosen.append(
        f"LoRAConverter.Config(rank={recipe.rank}, alpha={float(recipe.alpha or 0)}, "
        f"target_modules={targets})"
    )
    ledger.set("rank", f"rank={recipe.rank}", FILE)
    ledger.set("alpha", f"alpha={float(recipe.alpha or 0)}", FILE)
    if recipe.method == "qlora":
        ledger.missing("method", "the base is not quantized; the recipe is that of LoRA")
        ledger.missing("quantization", "the base is not quantized")
    else:
        ledger.set("method", "LoRAConverter.Config(", FILE)
        ledger.implied("quantization", "the base is not quantized")
    if recipe.adapter_dtype == "bf16":
        ledger.set("adapter_dtype", 'dtype="bfloat16"', FILE)
    else:
        ledger.missing("adapter_dtype", "adapters have the dtype of the base, bf16")
    if recipe.trained_embeddings:
        ledger.missing("trained_embeddings", "all but the adapters is frozen")
    else:
        ledger.implied("trained_embeddings", "all but the adapters is frozen")
    return "[\n        " + ",\n        ".join(chosen) + ",\n    ]"


def _fixed(recipe: RecipeInput, ledger: Ledger) -> None:
    if recipe.attention == "sdpa":
        ledger.set("attention", 'attn_backend="varlen"', FILE, "flash attention, sample by sample")
    else:
        ledger.missing("attention", "the eager form is not there")
    if recipe.packing == "packed":
        ledger.implied("packing", "always packed, samples kept apart; in order, not best-fit")
    else:
        ledger.missing("packing", "always packed, samples kept apart")
