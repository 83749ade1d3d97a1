"""SkyPilot's column GpuInfo, in the dialects that catalogues write it in."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from app.catalog.importers.cells import gib_of_gpu, number

MAX_CHARACTERS = 4_000
SIZE_OF_ALL_GPUS = frozenset({"vast", "prime-intellect"})
"""Catalogues whose SizeInMiB is that of all GPUs of the instance. All others mean one GPU, and it
is TotalGpuMemoryInMiB that Lambda and DigitalOcean give for one."""


@dataclass(frozen=True, slots=True)
class GpuInfo:
    """What the column says.

    Parameters
    ----------
    name : of the GPU, often more exact than AcceleratorName; empty where it is not given.
    memory_gib : of one GPU; None where it is not given. [GiB]
    is_part : whether the instance has a part of a GPU.
    """

    name: str = ""
    memory_gib: Decimal | None = None
    is_part: bool = False


@lru_cache(maxsize=4096)
def read_gpu_info(cell: str, provider: str, gpus: int) -> GpuInfo:
    """Read the column; what cannot be read says nothing.

    Parameters
    ----------
    cell : a Python literal (most clouds; lower-case keys for DigitalOcean; ``null`` in it for
        Hyperstack), JSON (Verda), a bare name (Azure) or blank. It is never evaluated.
    provider : key of ours.
    gpus : GPUs of the instance. [count]

    Examples
    --------
    >>> read_gpu_info("{'Gpus': [{'Name': 'A100', 'MemoryInfo': {'SizeInMiB': 40960}}]}", "aws", 8)
    GpuInfo(name='A100', memory_gib=Decimal('40'), is_part=False)
    """
    fields = _literal(cell)
    devices = fields.get("gpus")
    if not isinstance(devices, list) or not devices:
        return GpuInfo()
    device = _lower_keys(devices[0])
    name = device.get("name")
    size = number(str(_lower_keys(device.get("memoryinfo")).get("sizeinmib", "")))
    if size and provider in SIZE_OF_ALL_GPUS:
        size /= max(gpus, 1)
    share = number(str(device.get("gpupartitionsize", "1")))
    return GpuInfo(
        name=name.strip() if isinstance(name, str) else "",
        memory_gib=gib_of_gpu(size) if size else None,
        is_part=share is not None and share < 1,
    )


def _literal(cell: str) -> dict[str, object]:
    """Read a dictionary; empty where the cell holds none."""
    text = cell.strip()
    # A backslash is in no such cell, and would make Python warn of its own accord.
    if not text.startswith("{") or len(text) > MAX_CHARACTERS or "\\" in text:
        return {}
    try:
        if text.startswith('{"'):
            return _lower_keys(json.loads(text))
        return _lower_keys(ast.literal_eval(text.replace(": null", ": None")))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return {}


def _lower_keys(value: object) -> dict[str, object]:
    """A mapping with keys in lower case; empty for anything else."""
    if not isinstance(value, Mapping):
        return {}
    return {key.lower(): item for key, item in value.items() if isinstance(key, str)}
