"""What one peer predicts: cases as JSON on standard input, predictions on standard output.

Runs in the environment of the peers, `worker.py PEER`; needs nothing but them. Each run is given
to the peer's public interface as well as that interface can express it:

- dimensions, parameters, length, micro-batch, checkpointing, optimizer and sharding as measured;
- what is not stated as usual: memory-efficient attention, bf16 weights, AdamW;
- adapters as the smallest set of linears the peer knows that contains those measured;
- of the peer's total, without what it adds for the allocator and the CUDA context where the
  measured figure is allocated memory.

A run that the peer has no input for gets a reason instead of a figure.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

GIB = 2**30
MIB = 2**20
SPEED = "tokens_per_s_per_gpu"
ALLOCATED = "peak_allocated_gib"
ATTENTION = {"q_proj", "k_proj", "v_proj", "o_proj"}
FEED_FORWARD = {"gate_proj", "up_proj", "down_proj"}

Case = dict[str, Any]


class Unable(Exception):  # noqa: N818 - a peer's limit is no error
    """The peer cannot do this run; the message says why."""


def shape_of(case: Case) -> dict[str, Any]:
    if case["shape"] is None:
        raise Unable("no configuration of the model at hand")
    shape: dict[str, Any] = case["shape"]
    return shape


def refuse_unusual(case: Case) -> None:
    """What no peer has an input for."""
    if case["method"] not in ("full", "lora", "qlora"):
        raise Unable(f"method {case['method']}")
    if {case["compute"], case["weights_dtype"]} & {"fp8", "fp4"}:
        raise Unable("8-bit or 4-bit arithmetic")
    if case["split"] > 1 or case["strategy"] == "megatron":
        raise Unable("tensor, pipeline, context or expert parallel")
    if case["offload"] != "none":
        raise Unable("offload")


def require_memory_inputs(case: Case) -> None:
    """What every formula of memory depends on."""
    if case["method"] != "full" and case["trains_embeddings"]:
        raise Unable("adapters with trained embeddings")
    if case["act_ckpt"] not in ("none", "full", ""):
        raise Unable(f"{case['act_ckpt']} checkpointing")
    names = ["seq_len", "micro_batch", "act_ckpt"]
    if case["method"] != "full":
        names += ["lora_rank", "lora_targets"]
    for name in names:
        if not case[name]:
            raise Unable(f"not stated: {name}")


def require_one_gpu(case: Case) -> None:
    if case["metric"] == SPEED:
        raise Unable("predicts no time")
    if case["n_gpus"] != 1:
        raise Unable("more than one GPU")


def scope(case: Case, scopes: dict[str, set[str]]) -> str:
    """The smallest of a peer's sets of linears, in their order, that contains those measured."""
    wanted = set(case["lora_targets"])
    for name, linears in scopes.items():
        if wanted <= linears:
            return name
    raise Unable("adapters on other linears")


def ftuneai(case: Case) -> float:
    refuse_unusual(case)
    sharding = {
        "single": "none",
        "ddp": "none",
        "zero1": "zero_1",
        "zero2": "zero_2",
        "zero3": "zero_3",
        "fsdp": "fsdp",
    }.get(case["strategy"])
    if sharding is None or not case["n_gpus"]:
        raise Unable("sharding not stated or of another kind")
    speed = case["metric"] == SPEED
    if not speed:
        require_memory_inputs(case)
    from ftuneai import Estimator, ModelSpec
    from ftuneai.loader import load_models

    models = load_models()
    name = case["model"]
    if case["shape"] is not None:
        shape = shape_of(case)
        # A single dtype stands for weights and for arithmetic: the one that the figure hangs on.
        single = case["compute"] == "fp32" if speed else case["weights_dtype"] == "fp32"
        name = "measured"
        models[name] = ModelSpec(
            name=name,
            parameters=case["n_params"],
            hidden_size=shape["hidden_size"],
            num_layers=shape["n_layers"],
            num_attention_heads=shape["n_heads"],
            num_kv_heads=shape["n_kv_heads"],
            intermediate_size=shape["intermediate_size"],
            vocab_size=shape["vocab_size"],
            max_seq_length=case["seq_len"] or 2048,
            default_dtype="float32" if single else "bfloat16",
            is_moe=shape["n_experts"] > 1,
            num_experts=shape["n_experts"] if shape["n_experts"] > 1 else None,
            num_active_experts=shape["experts_per_token"] if shape["n_experts"] > 1 else None,
        )
    elif name not in models:
        shape_of(case)
    lora = {}
    if case["method"] != "full" and not speed:
        sets = {
            "attention": {"q_proj", "v_proj"},
            "attention_all": ATTENTION,
            "all_linear": ATTENTION | FEED_FORWARD,
        }
        lora = {"lora_rank": case["lora_rank"], "lora_target": scope(case, sets)}
    quantization = "none"
    if case["method"] == "qlora":
        quantization = "8bit" if case["weights_dtype"] == "int8" else "4bit"
    asked = Estimator(
        model=name,
        method=case["method"],
        quantization=quantization,
        batch_size=case["micro_batch"] or 1,
        seq_length=case["seq_len"] or 2048,
        gradient_checkpointing=case["act_ckpt"] != "none",
        optimizer="adam_8bit" if "8bit" in case["optimizer"] else "adamw",
        flash_attention=case["attention"] != "eager",
        sharding=sharding,
        num_gpus=case["n_gpus"],
        **lora,
    )
    if not speed:
        memory = asked.estimate_memory()
        allocator = memory.overhead_gb if case["metric"] == ALLOCATED else 0.0
        return float(memory.total_gb - allocator) * GIB
    gpu = {
        "H200-SXM-141GB": "H200-141GB",
        "H100-SXM-80GB": "H100-80GB",
        "A100-SXM-80GB": "A100-80GB",
        "A100-PCIe-80GB": "A100-80GB",
        "A100-SXM-40GB": "A100-40GB",
        "A100-PCIe-40GB": "A100-40GB",
        "L4-24GB": "L4-24GB",
        "RTX-4090-24GB": "RTX-4090-24GB",
        "RTX-3090-24GB": "RTX-3090-24GB",
        "T4-16GB": "T4-16GB",
        "V100-SXM-16GB": "V100-16GB",
        "A10G-24GB": "A10G-24GB",
    }.get(case["gpu"])
    if gpu is None:
        raise Unable("GPU not in its table")
    # Hours come rounded to two digits: a large data set makes that negligible.
    took = asked.estimate_time(gpu=gpu, dataset_size=10**9, epochs=1, num_gpus=case["n_gpus"])
    return float(took.total_tokens / took.total_hours / 3600.0 / case["n_gpus"])


def canifinetune(case: Case) -> float:
    require_one_gpu(case)
    refuse_unusual(case)
    shape = shape_of(case)
    require_memory_inputs(case)
    if case["gpu_memory_gib"] is None:
        raise Unable("not stated: gpu")
    known = ("llama", "mistral", "mixtral", "qwen2", "phi")
    family = shape["model_type"] if shape["model_type"] in known else "llama"
    if shape["mlp_matrices"] == 2 and family != "phi":
        family = "gpt2"
    lora = {}
    if case["method"] != "full":
        sets = {
            "conservative": {"q_proj", "v_proj"},
            "attention": ATTENTION,
            "all_linear": ATTENTION | FEED_FORWARD,
        }
        lora = {"lora_rank": case["lora_rank"], "lora_target_scope": scope(case, sets)}
    if case["method"] == "qlora":
        nf4 = "nf4_double_quant" if case["double_quantization"] else "nf4"
        stored = {"int8": "int8", "int4": "int4"}
        lora["quantization"] = stored.get(case["weights_dtype"], nf4)
    optimizers = {"adamw-8bit": "adamw_8bit", "paged-adamw-8bit": "paged_adamw_8bit"}
    attention = {"flash": "flash_attention_2", "eager": "eager"}
    from canifinetune.estimator.memory import EstimateRequest, estimate

    said = estimate(
        EstimateRequest(
            model_id="measured",
            override={
                "family": family,
                "hidden_size": shape["hidden_size"],
                "num_hidden_layers": shape["n_layers"],
                "num_attention_heads": shape["n_heads"],
                "num_key_value_heads": shape["n_kv_heads"],
                "intermediate_size": shape["intermediate_size"],
                "vocab_size": shape["vocab_size"],
                "tie_word_embeddings": shape["tied_embeddings"],
                "num_local_experts": shape["n_experts"],
                "num_experts_per_tok": shape["experts_per_token"],
                "total_params": case["n_params"],
            },
            use_network=False,
            method=case["method"],
            seq_len=case["seq_len"],
            micro_batch_size=case["micro_batch"],
            base_dtype="fp32" if case["weights_dtype"] == "fp32" else "bf16",
            optimizer=optimizers.get(case["optimizer"], "adamw_torch"),
            gradient_checkpointing=case["act_ckpt"] == "full",
            attention_implementation=attention.get(case["attention"], "sdpa"),
            loss_backend="liger" if case["fused_loss"] else "stock",
            gpu_vram_gb=case["gpu_memory_gib"],
            **lora,
        )
    ).memory
    # Its target is reserved memory; it names the safety margin as outside of that.
    total = said.total_estimated_gb - said.safety_margin_gb
    if case["metric"] == ALLOCATED:
        total -= said.cuda_overhead_gb
    return float(total) * GIB


def fitcheck(case: Case) -> float:
    require_one_gpu(case)
    refuse_unusual(case)
    shape = shape_of(case)
    if shape["n_experts"] > 1:
        raise Unable("mixture of experts")
    if shape["mlp_matrices"] != 3:
        raise Unable("not a gated feed-forward network")
    if case["fused_loss"]:
        raise Unable("fused loss")
    require_memory_inputs(case)
    if case["gpu_memory_gib"] is None:
        raise Unable("not stated: gpu")
    import fitcheck as peer

    quantization = "none"
    if case["method"] == "qlora":
        quantization = "int8" if case["weights_dtype"] == "int8" else "nf4"
    model = peer.ModelConfig(
        name="measured",
        num_params=case["n_params"],
        hidden_size=shape["hidden_size"],
        num_layers=shape["n_layers"],
        num_attention_heads=shape["n_heads"],
        num_kv_heads=shape["n_kv_heads"],
        intermediate_size=shape["intermediate_size"],
        vocab_size=shape["vocab_size"],
        head_dim=shape["head_dim"],
        tie_word_embeddings=shape["tied_embeddings"],
    )
    # Its bf16 holds an fp32 master copy in full fine-tuning, which is what fp32 weights under
    # autocast come to.
    training = peer.TrainingConfig(
        precision="fp16" if case["compute"] == "fp16" else "bf16",
        quantization=quantization,
        double_quant=quantization == "nf4" and case["double_quantization"],
        optimizer="adam8bit" if "8bit" in case["optimizer"] else "adamw",
        optimizer_dtype="bf16" if case["optimizer"] == "adamw-bf16" else "fp32",
        batch_size=case["micro_batch"],
        seq_len=case["seq_len"],
        lora_rank=None if case["method"] == "full" else case["lora_rank"],
        lora_targets=list(case["lora_targets"]),
        grad_checkpoint=case["act_ckpt"] == "full",
        flash_attn=case["attention"] != "eager",
    )
    gpu = (
        peer.get_gpu("t4")
        if case["gpu"] == "T4-16GB"
        else peer.get_gpu(case["gpu"], int(case["gpu_memory_gib"] * 1024))
    )
    said = peer.estimate(model, training, gpu)
    allocator = said.overhead_mib if case["metric"] == ALLOCATED else 0.0
    return float(said.total_mib - allocator) * MIB


def vramcalc(case: Case) -> float:
    require_one_gpu(case)
    refuse_unusual(case)
    if case["method"] == "qlora":
        raise Unable("quantized weights")
    shape = shape_of(case)
    if shape["n_experts"] > 1:
        raise Unable("mixture of experts")
    if shape["mlp_matrices"] != 3:
        raise Unable("not a gated feed-forward network")
    if case["fused_loss"]:
        raise Unable("fused loss")
    require_memory_inputs(case)
    if "8bit" in case["optimizer"]:
        raise Unable("8-bit optimizer")
    if case["method"] == "lora":
        scope(case, {"attention": ATTENTION})
    import vramcalc as peer

    arch = peer.Arch(
        hidden_size=shape["hidden_size"],
        num_layers=shape["n_layers"],
        num_heads=shape["n_heads"],
        num_kv_heads=shape["n_kv_heads"],
        head_dim=shape["head_dim"],
        intermediate_size=shape["intermediate_size"],
        vocab_size=shape["vocab_size"],
        tie_word_embeddings=shape["tied_embeddings"],
        attention_bias=shape["qkv_bias"],
        norms_per_layer=shape["norms_per_layer"],
    )
    # "amp" keeps fp32 weights under half-precision arithmetic, "pure" has one dtype.
    whole = case["weights_dtype"] == "fp32"
    said = peer.estimate(
        arch,
        mode="train",
        dtype="fp16" if "fp16" in (case["weights_dtype"], case["compute"]) else "bf16",
        precision="amp" if whole else "pure",
        batch=case["micro_batch"],
        seq_len=case["seq_len"],
        lora_rank=None if case["method"] == "full" else case["lora_rank"],
        grad_checkpoint=case["act_ckpt"] == "full",
        attn_impl=case["attention"] or "sdpa",
    )
    outside = 0.0 if case["metric"] == ALLOCATED else said.overhead
    return float(said.total + outside)


PEERS: dict[str, Callable[[Case], float]] = {
    "ftuneai": ftuneai,
    "canifinetune": canifinetune,
    "fitcheck-llm": fitcheck,
    "vramcalc": vramcalc,
}


def predict(adapter: Callable[[Case], float], case: Case) -> dict[str, float | str | None]:
    """A figure, in bytes or in tokens a second and GPU, or the reason why there is none."""
    value, reason = None, ""
    try:
        value = adapter(case)
    except Unable as limit:
        reason = str(limit)
    except Exception as error:  # whatever a peer raises is its answer
        reason = f"raised {type(error).__name__}: {error}".splitlines()[0][:100]
    speed = case["metric"] == SPEED
    return {
        "memory_bytes": None if speed else value,
        "tokens_per_s_per_gpu": value if speed else None,
        "reason": reason,
    }


def main(name: str) -> int:
    adapter = PEERS[name]
    json.dump([predict(adapter, case) for case in json.load(sys.stdin)], sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
