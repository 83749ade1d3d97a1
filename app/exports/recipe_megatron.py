"""Recipes for Megatron-Bridge: the configuration of a run, built from its own dataclasses."""

from __future__ import annotations

from app.exports.recipe import Ledger, Recipe, RecipeFile, RecipeInput, target_set
from app.exports.recipe_text import launch_file, python_text, torchrun

VERSION = "megatron-bridge 0.3.1"
FILE = "train.py"

LINEARS = {
    "q_proj": "linear_q",
    "k_proj": "linear_k",
    "v_proj": "linear_v",
    "o_proj": "linear_proj",
    "gate_proj": "linear_fc1_gate",
    "up_proj": "linear_fc1_up",
    "down_proj": "linear_fc2",
}
"""Ours and those of ``CanonicalLoRA``, which adapts each of them on its own, as peft does."""

PRECISION_RECIPES = {
    "bf16": "bf16_mixed",
    "fp8": "bf16_with_fp8_current_scaling_mixed",
    "fp4": "bf16_with_nvfp4_mixed",
}
"""Functions of ``megatron.bridge.training.mixed_precision``."""

CONVERT = """\
# {version}: the base weights in Megatron's form, once.
from megatron.bridge import AutoBridge

AutoBridge.import_ckpt({model}, "./base-megatron")
"""

STAGES = """\
fewest, more = divmod(model.num_layers, model.pipeline_model_parallel_size)
if more:  # Megatron Core cuts a pipeline evenly, or as it is told; the ends hold the tables.
    stages = [
        ["decoder"] * (fewest + (0 < i <= more))
        for i in range(model.pipeline_model_parallel_size)
    ]
    stages[0].insert(0, "embedding")
    stages[-1] += ["mtp"] * (model.mtp_num_layers or 0) + ["loss"]
    model.pipeline_model_parallel_layout = stages
"""
"""Layers of each stage where they do not divide, as ``TransformerConfig.__post_init__`` and
``PipelineParallelLayerLayout`` of megatron-core 0.15 ask for it."""


def megatron_recipe(recipe: RecipeInput) -> Recipe:
    """`convert.py`, `train.py` and how they are started."""
    ledger = Ledger(recipe)
    peft = _adapters(recipe, ledger)
    precision = PRECISION_RECIPES.get(recipe.compute, "bf16_mixed")
    maker = "distributed_fused_adam_with_cosine_annealing"
    if recipe.optimizer == "muon":
        maker = "distributed_muon_with_cosine_annealing"
    text = [
        f"# {VERSION}",
        "# DATA is a folder with training.jsonl and validation.jsonl (columns `input`, `output`).",
        "import os",
        "",
        "import torch",
        "from megatron.bridge import AutoBridge",
        "from megatron.bridge.data.datasets.packed_sequence import PackedSequenceSpecs",
        *(
            ["from megatron.bridge.peft.canonical_lora import CanonicalLoRA"]
            if recipe.adapters
            else []
        ),
        f"from megatron.bridge.recipes.utils.optimizer_utils import {maker}",
        "from megatron.bridge.training.config import (",
        "    CheckpointConfig,",
        "    ConfigContainer,",
        "    FinetuningDatasetConfig,",
        "    LoggerConfig,",
        "    TokenizerConfig,",
        "    TrainingConfig,",
        ")",
        "from megatron.bridge.training.finetune import finetune",
        "from megatron.bridge.training.gpt_step import forward_step",
        f"from megatron.bridge.training.mixed_precision import {precision}",
        "from megatron.core.distributed import DistributedDataParallelConfig",
        "from megatron.core.transformer.enums import AttnBackend",
        "",
        f"MODEL = {python_text(recipe.model)}",
        f"SEQUENCE_LENGTH = {recipe.sequence_length}",
        "",
        *_model(recipe, ledger),
        "",
        f"optimizer, scheduler = {maker}(",
        '    max_lr=float(os.environ["LEARNING_RATE"]), lr_warmup_iters=0',
        ")",
        *_optimizer(recipe, ledger),
        "",
        *_precision(recipe, ledger, precision),
        "",
        "finetune(",
        "    ConfigContainer(",
        "        model=model,",
        *_training(recipe, ledger),
        "        optimizer=optimizer,",
        "        scheduler=scheduler,",
        *_sharding(recipe, ledger),
        *_dataset(recipe, ledger),
        "        logger=LoggerConfig(log_interval=10),",
        "        tokenizer=TokenizerConfig(",
        '            tokenizer_type="HuggingFaceTokenizer", tokenizer_model=MODEL',
        "        ),",
        "        checkpoint=CheckpointConfig(",
        '            pretrained_checkpoint="./base-megatron", save="./out", save_interval=500',
        "        ),",
        "        mixed_precision=precision,",
        f"        peft={peft},",
        "    ),",
        "    forward_step,",
        ")",
    ]
    ledger.set("model", f"MODEL = {python_text(recipe.model)}", FILE)
    ledger.set("sequence_length", f"SEQUENCE_LENGTH = {recipe.sequence_length}", FILE)
    ledger.set("stack", "from megatron.bridge import AutoBridge", FILE)
    ledger.set("gpus_per_node", f"--nproc-per-node={recipe.gpus_per_node}", "launch.sh")
    ledger.set("nodes", f"--nnodes={recipe.nodes}", "launch.sh")
    convert = CONVERT.format(version=VERSION, model=python_text(recipe.model))
    files = (
        launch_file(
            recipe,
            torchrun(recipe) + " \\\n  train.py",
            before="[ -d base-megatron ] || python convert.py\n",
        ),
        RecipeFile("convert.py", "python", convert),
        RecipeFile(FILE, "python", "\n".join(text) + "\n"),
    )
    return ledger.finished(files, f"Megatron-Bridge: {VERSION}")


def _model(recipe: RecipeInput, ledger: Ledger) -> list[str]:
    """The model's own settings. Names: ``GPTModelProvider``, recipes of Megatron-Bridge."""
    options = {
        "seq_length": "SEQUENCE_LENGTH",
        "tensor_model_parallel_size": str(recipe.tensor),
        "sequence_parallel": str(recipe.tensor > 1),
        "pipeline_model_parallel_size": str(recipe.pipeline),
        "pipeline_dtype": "torch.bfloat16" if recipe.pipeline > 1 else "None",
        "context_parallel_size": str(recipe.context),
        "expert_model_parallel_size": str(recipe.expert),
        "attention_backend": "AttnBackend.flash"
        if recipe.attention == "sdpa"
        else "AttnBackend.unfused",
        "cross_entropy_loss_fusion": str(recipe.loss == "fused"),
    }
    for field, option in (
        ("tensor", "tensor_model_parallel_size"),
        ("pipeline", "pipeline_model_parallel_size"),
        ("context", "context_parallel_size"),
        ("expert", "expert_model_parallel_size"),
        ("attention", "attention_backend"),
    ):
        ledger.set(field, f"model.{option} = {options[option]}", FILE)
    if recipe.loss in {"fused", "plain"}:
        ledger.set(
            "loss",
            f"model.cross_entropy_loss_fusion = {options['cross_entropy_loss_fusion']}",
            FILE,
        )
    else:
        ledger.missing("loss", "fused or plain; plain is set")
    if recipe.checkpointing == "full":
        options |= {
            "recompute_granularity": '"full"',
            "recompute_method": '"uniform"',
            "recompute_num_layers": "1",
        }
    elif recipe.checkpointing == "selective":
        options |= {"recompute_granularity": '"selective"', "recompute_modules": '["core_attn"]'}
    else:
        options["recompute_granularity"] = "None"
    ledger.set(
        "checkpointing", f"model.recompute_granularity = {options['recompute_granularity']}", FILE
    )
    return [
        "model = AutoBridge.from_hf_pretrained(MODEL).to_megatron_provider(load_weights=False)",
        *(f"model.{name} = {value}" for name, value in options.items()),
        *(STAGES.splitlines() if recipe.pipeline > 1 else ()),
    ]


def _optimizer(recipe: RecipeInput, ledger: Ledger) -> list[str]:
    """Names: megatron-core ``OptimizerConfig``."""
    lines = []
    if recipe.optimizer == "adamw-bf16":
        lines = [
            "optimizer.use_precision_aware_optimizer = True",
            "optimizer.exp_avg_dtype = torch.bfloat16",
            "optimizer.exp_avg_sq_dtype = torch.bfloat16",
        ]
        ledger.set("optimizer", lines[1], FILE)
    elif recipe.optimizer == "sgd":
        lines = ['optimizer.optimizer = "sgd"', "optimizer.sgd_momentum = 0.0"]
        ledger.set("optimizer", lines[0], FILE)
    elif recipe.optimizer == "muon":
        ledger.set("optimizer", "distributed_muon_with_cosine_annealing(", FILE)
    elif recipe.optimizer == "adamw":
        ledger.set("optimizer", "distributed_fused_adam_with_cosine_annealing(", FILE)
    else:
        ledger.missing("optimizer", "Adam, Muon or SGD; Adam is set")
    if recipe.offload == "optimizer":
        lines += [
            "optimizer.optimizer_cpu_offload = True",
            "optimizer.optimizer_offload_fraction = 1.0",
        ]
        ledger.set("offload", "optimizer.optimizer_cpu_offload = True", FILE)
    elif recipe.offload == "none":
        ledger.implied("offload", "nothing is offloaded unless asked for")
    else:
        ledger.missing("offload", "the optimizer only")
    return lines


def _precision(recipe: RecipeInput, ledger: Ledger, function: str) -> list[str]:
    wide = recipe.precision != "bf16-mixed"
    option = f"precision.grad_reduce_in_fp32 = {wide}"
    if recipe.adapters:
        ledger.implied("precision", "for full fine-tuning; the frozen base is held in bf16")
    elif recipe.precision in {"bf16-mixed", "fp32-gradients"}:
        ledger.set("precision", option, FILE)
    else:
        ledger.missing("precision", "bf16 weights with an fp32 master copy, always")
    if recipe.compute in PRECISION_RECIPES:
        ledger.set("compute", f"precision = {function}()", FILE)
    else:
        ledger.missing("compute", "bf16, fp8 or fp4")
    return [f"precision = {function}()", option]


def _packs(recipe: RecipeInput) -> int:
    """Sequences that go into one pack: with packs the micro-batch must be 1."""
    return recipe.micro_batch if recipe.packing == "packed" else 1


def _training(recipe: RecipeInput, ledger: Ledger) -> list[str]:
    packs = _packs(recipe)
    batch = recipe.global_batch // packs
    ledger.set("accumulation", f"global_batch_size={batch}", FILE)
    ledger.set("steps", f"train_iters={recipe.steps}", FILE)
    ledger.implied("epochs", "follow from the steps; the data are repeated")
    micro = recipe.micro_batch // packs
    if recipe.packing == "packed":
        ledger.set(
            "micro_batch",
            f"packed_sequence_size={packs} * SEQUENCE_LENGTH",
            FILE,
            "a micro-batch of packs must be 1, so the packs are longer",
        )
    else:
        ledger.set("micro_batch", f"micro_batch_size={micro}", FILE)
    return [
        "        train=TrainingConfig(",
        f"            train_iters={recipe.steps},",
        f"            micro_batch_size={micro},",
        f"            global_batch_size={batch},",
        "        ),",
    ]


def _sharding(recipe: RecipeInput, ledger: Ledger) -> list[str]:
    """Names: megatron-core ``DistributedDataParallelConfig``."""
    options = {"use_distributed_optimizer": str(recipe.strategy not in {"single", "ddp"})}
    if recipe.strategy in {"zero2", "fsdp"}:
        kind = "optim_grads" if recipe.strategy == "zero2" else "optim_grads_params"
        options |= {
            "use_megatron_fsdp": "True",
            "data_parallel_sharding_strategy": f'"{kind}"',
        }
        ledger.set("strategy", f'data_parallel_sharding_strategy="{kind}"', FILE)
    else:
        option = f"use_distributed_optimizer={options['use_distributed_optimizer']}"
        ledger.set("strategy", option, FILE)
    body = [f"            {name}={value}," for name, value in options.items()]
    return ["        ddp=DistributedDataParallelConfig(", *body, "        ),"]


def _dataset(recipe: RecipeInput, ledger: Ledger) -> list[str]:
    specs, kwargs = "None", "{}"
    if recipe.packing == "packed":
        multiple = 2 * recipe.context if recipe.context > 1 else 1
        specs = (
            f"PackedSequenceSpecs(\n                packed_sequence_size={_packs(recipe)} * "
            f"SEQUENCE_LENGTH, pad_seq_to_mult={multiple}\n            )"
        )
        kwargs = '{"pad_to_max_length": True}'
        ledger.set("packing", "packed_sequence_specs=PackedSequenceSpecs(", FILE)
    elif recipe.packing == "padded-to-max":
        kwargs = '{"pad_to_max_length": True}'
        ledger.set("packing", f"dataset_kwargs={kwargs}", FILE)
    else:
        ledger.missing("packing", "padded to the longest sample of the global batch")
    return [
        "        dataset=FinetuningDatasetConfig(",
        '            dataset_root=os.environ.get("DATA", "data"),',
        "            seq_length=SEQUENCE_LENGTH,",
        f"            packed_sequence_specs={specs},",
        f"            dataset_kwargs={kwargs},",
        "        ),",
    ]


def _adapters(recipe: RecipeInput, ledger: Ledger) -> str:
    """Names: ``CanonicalLoRA``."""
    if not recipe.adapters:
        ledger.set("method", "peft=None", FILE)
        for name in ("rank", "alpha", "targets", "adapter_dtype", "trained_embeddings"):
            ledger.implied(name, "there are no adapters")
        ledger.implied("quantization", "the base is not quantized")
        return "None"
    wanted = target_set(recipe)
    targets = python_text([ours for theirs, ours in LINEARS.items() if theirs in wanted])
    if wanted <= set(LINEARS):
        ledger.set("targets", f"target_modules={targets}", FILE)
    else:
        ledger.missing("targets", "linears of attention and of a gated MLP only")
    ledger.set("rank", f"dim={recipe.rank}", FILE)
    ledger.set("alpha", f"alpha={recipe.alpha}", FILE)
    if recipe.method == "qlora":
        ledger.missing("method", "the base is not quantized; the recipe is that of LoRA")
        ledger.missing("quantization", "the base is not quantized")
    else:
        ledger.set("method", "CanonicalLoRA(", FILE)
        ledger.implied("quantization", "the base is not quantized")
    if recipe.adapter_dtype == "bf16":
        ledger.implied("adapter_dtype", "that of the base, bf16")
    else:
        ledger.missing("adapter_dtype", "that of the base, bf16, with an fp32 master copy")
    if recipe.trained_embeddings:
        ledger.missing("trained_embeddings", "all but the adapters is frozen")
    else:
        ledger.implied("trained_embeddings", "all but the adapters is frozen")
    return (
        f"CanonicalLoRA(\n            target_modules={targets},\n"
        f"            dim={recipe.rank},\n            alpha={recipe.alpha},\n        )"
    )
