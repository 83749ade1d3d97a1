"""Constants of the bill of infrastructure: assumptions about hosts and storage."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from app.estimator.constants.constant import Constant

INFRASTRUCTURE_CONSTANTS = (
    Constant(
        "host_system_gib",
        "Host memory of the operating system and its services",
        8.0,
        "GiB per node",
        0.0,
        1024.0,
        "assumption",
        "Linux with container runtime, monitoring and the file caches that it needs.",
    ),
    Constant(
        "host_process_gib",
        "Host memory of one training process",
        6.0,
        "GiB per GPU",
        0.0,
        256.0,
        "assumption",
        "Python, CUDA context and libraries, pinned transfer buffers.",
    ),
    Constant(
        "dataset_workers",
        "Data loading processes for each GPU",
        2.0,
        "count",
        0.0,
        64.0,
        "assumption",
        "Enough where samples are tokenized beforehand.",
    ),
    Constant(
        "dataset_worker_gib",
        "Host memory of one data loading process",
        1.0,
        "GiB",
        0.0,
        64.0,
        "assumption",
        "Its interpreter, libraries and prefetched batches; the data set is memory-mapped.",
    ),
    Constant(
        "text_bytes_per_token",
        "Raw text for each token",
        4.0,
        "bytes",
        0.5,
        20.0,
        "assumption",
        "About four characters of English a token, in UTF-8; other scripts and code differ.",
    ),
    Constant(
        "software_image_gib",
        "Local disk for system, drivers and training environment",
        40.0,
        "GiB per node",
        0.0,
        1024.0,
        "assumption",
        "A CUDA and PyTorch container of about 20 GiB, unpacked beside its layers.",
    ),
    Constant(
        "disk_headroom",
        "Storage kept free",
        0.2,
        "fraction of what is stored",
        0.0,
        5.0,
        "assumption",
        "File systems slow down when full, and logs grow.",
    ),
)
"""May be merged with the estimator's other constants; `bill` takes their values by key."""

DEFAULTS: Mapping[str, float] = MappingProxyType({c.key: c.value for c in INFRASTRUCTURE_CONSTANTS})
