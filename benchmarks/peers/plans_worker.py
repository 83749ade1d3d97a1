"""How many training estimates a second the peer for plans makes, as JSON on standard output.

Runs in the environment of that peer and needs nothing but it. In its favour, everything that
several plans share is set up before the clock starts, and its log is off.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from importlib.metadata import version
from typing import Any

from llm_analysis.analysis import (
    ActivationRecomputation,
    DSZeRO,
    LLMAnalysis,
    ParallelismConfig,
    get_dtype_config_by_name,
    get_gpu_config_by_name,
    get_model_config_by_name,
)
from llm_analysis.logger import logger

MODEL = "facebook_opt-6.7b"
GPU = "a100-sxm-80gb"
SWEEPS = 5
TENSOR_PARALLEL = (1, 2, 4, 8)
DATA_PARALLEL = (1, 2, 4, 8, 16, 32)
MICRO_BATCHES = (1, 2, 4, 8, 16, 32)


def accepts(analysis: LLMAnalysis, arguments: dict[str, Any]) -> bool:
    """Whether it answers; what does not fit into the GPU fails an assertion."""
    try:
        analysis.training(**arguments)
    except AssertionError:
        return False
    return True


def main() -> int:
    logger.setLevel("CRITICAL")
    settings = [
        (
            LLMAnalysis(
                get_model_config_by_name(MODEL),
                get_gpu_config_by_name(GPU),
                get_dtype_config_by_name("w16a16e16"),
                ParallelismConfig(tp_size=tensor, pp_size=1, dp_size=data),
                flops_efficiency=0.5,
            ),
            {
                "batch_size_per_gpu": batch,
                "gradient_accumulation_steps": 1,
                "seq_len": 2048,
                "total_num_tokens": 10**9,
                "ds_zero": zero,
                "activation_recomputation": recomputation,
            },
        )
        for tensor, data, batch, zero, recomputation in itertools.product(
            TENSOR_PARALLEL, DATA_PARALLEL, MICRO_BATCHES, DSZeRO, ActivationRecomputation
        )
    ]
    accepted = [setting for setting in settings if accepts(*setting)]
    times = []
    for _ in range(SWEEPS):
        start = time.perf_counter()
        for analysis, arguments in accepted:
            analysis.training(**arguments)
        times.append(time.perf_counter() - start)
    json.dump(
        {
            "peer": f"llm-analysis {version('llm-analysis')}",
            "model": MODEL,
            "plans": len(accepted),
            "asked": len(settings),
            "seconds": sorted(times)[SWEEPS // 2],
        },
        sys.stdout,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
