"""How much memory a step takes at most: from torch.cuda, nvidia-smi, or a CPU's allocator."""

from __future__ import annotations

import gc
import json
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

MIB = 2**20
CPU_NOTE = (
    "CPU: allocator events of torch.profiler over one step, above the tensors alive before it; "
    "kernels differ from a GPU's"
)


def nvidia_smi(uuid: str, field: str) -> str | None:
    """One field of a GPU, or None where nvidia-smi does not say.

    Parameters
    ----------
    uuid : str
        Of the GPU, with ``GPU-`` before it.
    field : str
        ``memory.used`` [MiB], ``power.limit`` [W], ``driver_version``.
    """
    command = [
        "nvidia-smi",
        f"--id={uuid}",
        f"--query-gpu={field}",
        "--format=csv,noheader,nounits",
    ]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    text = said.stdout.strip()
    return text if text and "[" not in text else None


def smi_bytes(uuid: str) -> int | None:
    """Used memory of a GPU, by every process. [B]"""
    used = nvidia_smi(uuid, "memory.used")
    return None if used is None else int(float(used) * MIB)


def peak_of(start: int, changes: Iterable[int]) -> int:
    """Highest level of an amount that starts somewhere and changes.

    >>> peak_of(100, [10, 20, -25, 5])
    130
    """
    level = peak = start
    for change in changes:
        level += change
        peak = max(peak, level)
    return peak


def tensors_alive() -> int:
    """Bytes of all storages that a tensor of this process refers to. [B]"""
    import torch

    gc.collect()
    storages = {}
    for item in gc.get_objects():
        if issubclass(type(item), torch.Tensor) and item.device.type == "cpu":
            storage = item.untyped_storage()
            storages[storage.data_ptr()] = storage.nbytes()
    return sum(storages.values())


def cpu_peak(step: Callable[[], object]) -> int:
    """Peak of allocated CPU memory while a step runs. [B]"""
    from torch.profiler import ProfilerActivity, profile

    start = tensors_alive()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        step()
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "trace.json"
        profiler.export_chrome_trace(str(trace))
        events = json.loads(trace.read_text(encoding="utf-8"))["traceEvents"]
    memory = [event for event in events if event.get("name") == "[memory]"]
    memory.sort(key=lambda event: float(event["ts"]))
    return peak_of(start, (int(event["args"]["Bytes"]) for event in memory))
