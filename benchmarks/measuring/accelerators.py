"""From the name that a driver prints to the key of the table of accelerators."""

from __future__ import annotations

import re

# Name that torch.cuda.get_device_name prints, key, and how the form factor is known.
_NAMES = (
    ("A100-SXM4-40GB", "A100-SXM-40GB", "stated"),
    ("A100-SXM4-80GB", "A100-SXM-80GB", "stated"),
    ("A100-PCIE-40GB", "A100-PCIe-40GB", "stated"),
    ("A100 80GB PCIe", "A100-PCIe-80GB", "stated"),
    ("A10", "A10-24GB", "stated"),
    ("A10G", "A10G-24GB", "stated"),
    ("A40", "A40-48GB", "stated"),
    ("RTX A6000", "RTX-A6000-48GB", "stated"),
    ("Tesla T4", "T4-16GB", "stated"),
    ("GeForce RTX 3090", "RTX-3090-24GB", "stated"),
    ("GeForce RTX 4090", "RTX-4090-24GB", "stated"),
    ("GeForce RTX 5090", "RTX-5090-32GB", "stated"),
    ("RTX 6000 Ada Generation", "RTX-6000-Ada-48GB", "stated"),
    ("RTX PRO 6000 Blackwell Server Edition", "RTX-PRO-6000-BSE-96GB", "stated"),
    ("L4", "L4-24GB", "stated"),
    ("L40", "L40-48GB", "stated"),
    ("L40S", "L40S-48GB", "stated"),
    # Only the SXM form has HBM3 and 80 GB.
    ("H100 80GB HBM3", "H100-SXM-80GB", "inferred"),
    ("H100 PCIe", "H100-PCIe-80GB", "stated"),
    ("H100 NVL", "H100-NVL-94GB", "stated"),
    # The NVL form says so.
    ("H200", "H200-SXM-141GB", "inferred"),
    ("H200 NVL", "H200-NVL-141GB", "stated"),
    ("B200", "B200-SXM-180GB", "inferred"),
)


def accelerator_key(printed: str) -> tuple[str, str] | None:
    """Key in the table of accelerators, and whether its form is stated or inferred.

    Parameters
    ----------
    printed : str
        Name as the driver prints it.

    Returns
    -------
    tuple of str, or None
        None where the name fits no accelerator exactly, a part of a GPU for instance.

    Examples
    --------
    >>> accelerator_key("NVIDIA H100 80GB HBM3")
    ('H100-SXM-80GB', 'inferred')
    >>> accelerator_key("NVIDIA H100 80GB HBM3 MIG 1g.10gb") is None
    True
    """
    bare = re.sub(r"^NVIDIA ", "", printed.strip())
    return next(((key, form) for name, key, form in _NAMES if name == bare), None)
