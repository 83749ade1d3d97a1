"""Who distributes a Hugging Face run: files for accelerate and DeepSpeed."""

from __future__ import annotations

import json
from typing import Any

from app.exports.recipe import Ledger, RecipeFile, RecipeInput
from app.exports.recipe_text import yaml_text


def backend_of(recipe: RecipeInput) -> str:
    """Who distributes: none, ddp, fsdp2 or deepspeed.

    Notes
    -----
    FSDP2 cannot keep bf16 weights beside an fp32 master copy, nor offload the optimizer alone;
    DeepSpeed can.
    """
    master = not recipe.adapters and recipe.precision in {"bf16-mixed", "fp32-gradients"}
    if recipe.strategy in {"zero1", "zero2"}:
        return "deepspeed"
    if recipe.strategy == "fsdp":
        return "deepspeed" if master or recipe.offload == "optimizer" else "fsdp2"
    if recipe.offload != "none":
        return "deepspeed"
    return "ddp" if recipe.gpus > 1 else "none"


def in_fp8(recipe: RecipeInput) -> bool:
    """Whether accelerate's fp8 applies: to trained weights, not to a frozen base."""
    return recipe.compute == "fp8" and not recipe.adapters


def zero_stage(recipe: RecipeInput) -> int:
    """DeepSpeed's stage for the strategy and the offload."""
    stage = {"single": 2, "ddp": 2, "zero1": 1, "zero2": 2, "fsdp": 3}[recipe.strategy]
    return 3 if recipe.offload == "parameters" else stage


def accelerate_launch(recipe: RecipeInput) -> str:
    """The command that starts `train.py` on one node."""
    words = ["accelerate launch", "--config_file accelerate.yaml"]
    if recipe.nodes > 1:
        words += [
            '--machine_rank "$NODE_RANK"',
            '--main_process_ip "$MASTER_ADDR"',
            '--main_process_port "${MASTER_PORT:-29500}"',
        ]
    return " \\\n  ".join([*words, "train.py"])


def mixed_precision(recipe: RecipeInput, backend: str) -> str:
    """accelerate's word. FSDP2 keeps what it trains in fp32 unless it is ``no``."""
    if in_fp8(recipe):
        return "fp8"
    pure = recipe.adapter_dtype == "bf16" if recipe.adapters else recipe.precision == "bf16"
    return "no" if pure and backend == "fsdp2" else "bf16"


def accelerate_file(recipe: RecipeInput, ledger: Ledger, backend: str) -> RecipeFile:
    """``accelerate.yaml``. Keys: accelerate 1.15, ``commands/config/cluster.py``."""
    kind = {"none": '"NO"', "ddp": "MULTI_GPU", "fsdp2": "FSDP"}[backend]
    lines = [
        "# accelerate 1.15",
        "compute_environment: LOCAL_MACHINE",
        "debug: false",
        f"distributed_type: {kind}",
        "machine_rank: 0",
        "main_training_function: main",
        f"mixed_precision: {yaml_text(mixed_precision(recipe, backend))}",
        f"num_machines: {recipe.nodes}",
        f"num_processes: {recipe.gpus}",
        "rdzv_backend: static",
        "same_network: true",
        "use_cpu: false",
    ]
    if in_fp8(recipe):
        lines += [
            "fp8_config:",
            "  backend: AO",
            f"  enable_fsdp_float8_all_gather: {str(backend == 'fsdp2').lower()}",
            "  pad_inner_dim: true",
        ]
    if backend == "fsdp2":
        offload = str(recipe.offload == "parameters").lower()
        recomputes = str(recipe.checkpointing == "full").lower()
        lines += [
            "fsdp_config:",
            "  fsdp_version: 2",
            f"  fsdp_activation_checkpointing: {recomputes}",
            "  fsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP",
            "  fsdp_cpu_ram_efficient_loading: true",
            f"  fsdp_offload_params: {offload}",
            "  fsdp_reshard_after_forward: true",
            "  fsdp_state_dict_type: SHARDED_STATE_DICT",
        ]
    ledger.set(
        "gpus_per_node", f"num_processes: {recipe.gpus}", "accelerate.yaml", "over all nodes"
    )
    ledger.set("nodes", f"num_machines: {recipe.nodes}", "accelerate.yaml")
    ledger.set("strategy", f"distributed_type: {kind}", "accelerate.yaml")
    if backend == "fsdp2":
        ledger.set("offload", f"fsdp_offload_params: {offload}", "accelerate.yaml")
    else:
        ledger.implied("offload", "nothing is offloaded unless asked for")
    return RecipeFile("accelerate.yaml", "yaml", "\n".join(lines) + "\n")


def deepspeed_file(recipe: RecipeInput, ledger: Ledger) -> RecipeFile:
    """``deepspeed.json``. Keys: DeepSpeed 0.19, "DeepSpeed Configuration JSON"."""
    stage = zero_stage(recipe)
    host = {"device": "cpu", "pin_memory": True}
    zero: dict[str, Any] = {
        "stage": stage,
        "overlap_comm": True,
        "contiguous_gradients": True,
        "reduce_scatter": True,
    }
    if stage == 3:
        zero["stage3_gather_16bit_weights_on_model_save"] = True
    if recipe.offload != "none":
        zero["offload_optimizer"] = host
    if recipe.offload == "parameters":
        zero["offload_param"] = host
    config: dict[str, Any] = {
        "train_batch_size": recipe.global_batch,
        "train_micro_batch_size_per_gpu": recipe.micro_batch,
        "gradient_accumulation_steps": recipe.accumulation,
        "gradient_clipping": "auto",
        "bf16": {"enabled": True},
        "zero_optimization": zero,
        "zero_allow_untested_optimizer": True,
    }
    if not recipe.adapters and recipe.precision in {"bf16-mixed", "fp32-gradients"}:
        gradients = "fp32" if recipe.precision == "fp32-gradients" else "bf16"
        config["data_types"] = {"grad_accum_dtype": gradients}
    if recipe.offload != "none":
        if recipe.optimizer == "adamw":
            auto = dict.fromkeys(("lr", "betas", "eps", "weight_decay"), "auto")
            config["optimizer"] = {"type": "AdamW", "params": auto}
        else:
            config["zero_force_ds_cpu_optimizer"] = False
    note = ""
    if (recipe.strategy, stage) not in {("zero1", 1), ("zero2", 2), ("fsdp", 3)}:
        note = "DeepSpeed offloads from this stage on"
    ledger.set("strategy", f'"stage": {stage}', "deepspeed.json", note)
    if recipe.offload == "none":
        ledger.implied("offload", "nothing is offloaded unless asked for")
    else:
        word = "offload_param" if recipe.offload == "parameters" else "offload_optimizer"
        ledger.set("offload", f'"{word}": {{', "deepspeed.json")
    return RecipeFile("deepspeed.json", "json", json.dumps(config, indent=2) + "\n")
