"""Constants of serving: speed of a replica, room in its memory, what adapters cost."""

from __future__ import annotations

from app.estimator.constants.constant import Constant

_FITTED = (
    "Fitted to the published runs marked `fit` in serving_throughput.csv (TensorRT-LLM, vLLM); the "
    "errors on the others are in docs/serving.md."
)

SERVING_CONSTANTS = (
    Constant(
        "serving_bandwidth_efficiency",
        "Share of memory bandwidth reached while answers are written",
        0.85,
        "fraction",
        0.05,
        1.0,
        "derived",
        _FITTED,
    ),
    Constant(
        "serving_decode_efficiency",
        "Matrix products while answers are written, over those of training",
        0.62,
        "fraction",
        0.05,
        2.0,
        "derived",
        _FITTED + " The share of peak of training is that of the training model.",
    ),
    Constant(
        "serving_prefill_efficiency",
        "Matrix products while prompts are read, over those of training",
        1.08,
        "fraction",
        0.05,
        2.0,
        "derived",
        _FITTED,
    ),
    Constant(
        "serving_step_ms",
        "Fixed time of one step",
        2.0,
        "ms",
        0.0,
        1_000.0,
        "derived",
        _FITTED + " Kernel launches, sampling, scheduling.",
    ),
    Constant(
        "serving_sequence_us",
        "Time of one step for each answer in it",
        7.0,
        "us",
        0.0,
        10_000.0,
        "derived",
        _FITTED + " Sampling, detokenization, scheduling.",
    ),
    Constant(
        "serving_link_efficiency",
        "Share of the bandwidth between GPUs reached by sums over them",
        0.55,
        "fraction",
        0.01,
        1.0,
        "derived",
        _FITTED,
    ),
    Constant(
        "serving_reduction_us",
        "Time to start one sum over the GPUs of a replica",
        6.5,
        "us",
        0.0,
        10_000.0,
        "derived",
        _FITTED,
    ),
    Constant(
        "serving_memory_share",
        "Share of GPU memory given to weights and cache",
        0.9,
        "fraction",
        0.1,
        1.0,
        "fact",
        "gpu_memory_utilization of vLLM as it comes (docs.vllm.ai, engine arguments).",
    ),
    Constant(
        "serving_reserve_gib",
        "Memory of one GPU for activations and communication",
        2.0,
        "GiB",
        0.0,
        64.0,
        "assumption",
        "A step of 8,192 tokens and the buffers of its kernels; vLLM measures it at its start.",
    ),
    Constant(
        "serving_most_sequences",
        "Answers that one replica writes at once",
        256.0,
        "count",
        1.0,
        8_192.0,
        "assumption",
        "Long the default of vLLM (max_num_seqs); larger batches need tuning and answer slowly.",
    ),
    Constant(
        "serving_throughput_factor_80",
        "How far the throughput may be off, 80% range",
        1.6,
        "factor",
        1.0,
        20.0,
        "derived",
        "Eight in ten of the published runs that the fit had not seen lie within this factor of "
        "the estimate, every source weighing the same (docs/serving.md).",
    ),
    Constant(
        "adapter_throughput_loss",
        "Throughput lost where adapters are not merged",
        0.25,
        "fraction",
        0.0,
        0.9,
        "derived",
        "Published losses (serving_adapters.csv): 8 to 24% in vLLM on TPU, 11 to 14% in SGLang on "
        "Ascend, 34% in vLLM on an A100 with one adapter as with four, up to 50% on an A100 in "
        "older software. The middle of them; a wide one.",
    ),
    Constant(
        "adapter_throughput_loss_sd",
        "Spread of that loss",
        0.12,
        "fraction",
        0.0,
        0.4,
        "derived",
        "10 to 40% as the 80% range of the same losses.",
    ),
    Constant(
        "serving_adapters_held",
        "Adapters in the memory of one GPU at once",
        32.0,
        "count",
        1.0,
        10_000.0,
        "assumption",
        "Others wait in host memory and are copied when they are asked for, as S-LoRA does "
        "(arXiv:2311.03285, section 5).",
    ),
)
