"""All accelerators as a table: what a plan is computed with, and which are never planned on."""

from __future__ import annotations

from collections.abc import Iterable

from app.estimator.hardware import PLANNED_VENDORS, Accelerator
from app.estimator.units import GB, GIB, TERA
from app.web import show_numbers, show_words
from app.web.price_tables import FactCell, FactColumn, FactTable, short_day, source_cell

_LINKS = {
    "nvlink": "NVLink",
    "nvlink-pair": "NVLink bridge, two cards",
    "infinity-fabric": "Infinity Fabric",
    "roce": "Ethernet on the card",
    "ici": "ICI",
    "neuronlink": "NeuronLink",
    "pcie": "PCIe",
}
_EVIDENCE = {
    "datasheet": "datasheet",
    "dataset": "collection",
    "recalled": "from memory: verify",
}
_COLUMNS = (
    FactColumn("GPU or chip"),
    FactColumn("Planned on"),
    FactColumn("GiB", numeric=True),
    FactColumn("GB/s", numeric=True),
    FactColumn("bf16", numeric=True),
    FactColumn("fp16", numeric=True),
    FactColumn("fp8", numeric=True),
    FactColumn("tf32", numeric=True),
    FactColumn("fp32", numeric=True),
    FactColumn("Link, GB/s"),
    FactColumn("W", numeric=True),
    FactColumn("Evidence"),
    FactColumn("Source"),
)


def hardware_table(accelerators: Iterable[Accelerator]) -> FactTable:
    """Every accelerator of the catalogue, the quickest in bf16 first."""
    found = sorted(accelerators, key=lambda a: (-a.bf16_flop_per_s, a.name))
    return FactTable(
        key="accelerators",
        title="GPUs and other chips",
        text=_text(found),
        columns=_COLUMNS,
        rows=tuple(_row(a) for a in found),
    )


def why_not(accelerator: Accelerator) -> str:
    """Why no plan is made on it; empty where plans are made."""
    if accelerator.can_be_planned:
        return ""
    if accelerator.vendor not in PLANNED_VENDORS:
        return "software of its own"
    return "no bf16 units"


def _text(found: list[Accelerator]) -> str:
    planned = sum(a.can_be_planned for a in found)
    said = (
        f"{planned:,} of {len(found):,} can be planned on. Memory that a job can use, and its "
        "bandwidth; dense peaks in TFLOP/s by number format, without sparsity; links in one "
        "direction."
    )
    for reason, words in (
        ("no bf16 units", "train in fp16 alone, which no measured run here speaks of"),
        ("software of its own", "need software of their own, whose speed is not known here"),
    ):
        names = sorted(a.name for a in found if why_not(a) == reason)
        if names:
            said += f" Without plans: {show_words.join_words(names)} {words}."
    return said


def _row(a: Accelerator) -> tuple[FactCell, ...]:
    reason = why_not(a)
    read = f"read\u00a0{short_day(a.retrieved)}"
    return (
        FactCell(a.name, f"{a.architecture}, {a.year}"),
        FactCell("no" if reason else "yes", reason),
        FactCell(show_numbers.significant(a.memory_bytes / GIB)),
        FactCell(show_numbers.number(a.memory_bytes_per_s / GB)),
        *(
            FactCell(_peak(rate))
            for rate in (
                a.bf16_flop_per_s,
                a.fp16_flop_per_s,
                a.fp8_flop_per_s,
                a.tf32_flop_per_s,
                a.fp32_flop_per_s,
            )
        ),
        FactCell(_LINKS.get(a.link, a.link), show_numbers.significant(a.link_bytes_per_s / GB, 4)),
        FactCell(show_numbers.number(a.tdp_w) if a.tdp_w else show_numbers.NONE),
        FactCell(_EVIDENCE.get(a.evidence, a.evidence), read),
        source_cell(a.source),
    )


def _peak(flop_per_s: float | None) -> str:
    """A dense peak in TFLOP/s; a dash where there are no such units, or none is published."""
    return show_numbers.significant(flop_per_s / TERA, 4) if flop_per_s else show_numbers.NONE
