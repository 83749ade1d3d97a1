"""Time and memory of importing a catalogue of 60,000 rows, in a process of its own.

    python -m benchmarks.importing FILE

imports one file in SkyPilot's format and prints seconds, peak MiB and rows as JSON.
"""

from __future__ import annotations

import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROWS = 60_000
LIMIT_S = 5.0
LIMIT_MIB = 400.0
DAY = date(2026, 11, 23)
COLUMNS = (
    *("InstanceType", "AcceleratorName", "AcceleratorCount", "vCPUs", "MemoryGiB", "GpuInfo"),
    *("Price", "SpotPrice", "Region", "AvailabilityZone", "Arch", "LocalDiskType"),
    *("NVMeSupported", "LocalDiskSize", "LocalDiskCount", "MaximumEfaInterfaces"),
)
ZONES = 3
CPU_MACHINES = 150
SHAPES = (
    ("g5.{}xlarge", "A10G", 1, 24, 1.0),
    ("g6.{}xlarge", "L4", 1, 24, 0.8),
    ("g6e.{}xlarge", "L40S", 4, 48, 10.5),
    ("p4d.{}xlarge", "A100", 8, 40, 22.0),
    ("p5.{}xlarge", "H100", 8, 80, 55.0),
    ("p5en.{}xlarge", "H200", 8, 141, 63.3),
    ("p6-b200.{}xlarge", "B200", 8, 180, 114.0),
)
SIZES = 50


@dataclass(frozen=True, slots=True)
class Measured:
    """What one import took.

    Parameters
    ----------
    seconds : from the first file opened to the last row made. [s]
    mib : peak resident memory of the process, with all that it imports. [MiB]
    read, rows : lines of the file, and rows made of them. [count]
    """

    seconds: float
    mib: float
    read: int
    rows: int


def write_catalogue(path: Path, rows: int = ROWS) -> None:
    """Write a catalogue like AWS's: every machine in three zones of every region, 7 of 10 with
    GPUs, each of these with a price on demand and a spot price.
    """
    machines = CPU_MACHINES + SIZES * len(SHAPES)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for i in range(rows):
            place, zone = divmod(i, ZONES)
            region, machine = divmod(place, machines)
            writer.writerow(_row(f"region-{region}", zone, machine))


def _row(region: str, zone: int, machine: int) -> list[object]:
    """One machine in one zone."""
    where = [region, f"{region}-az{zone}", "x86_64", "ssd", "True", "3800.0", "8.0", "32.0"]
    if machine < CPU_MACHINES:
        price = 0.05 + machine / 1000
        return [f"m7i.{machine}xlarge", "", "", 8.0, 32.0, "", price, price / 3, *where]
    size, shape = divmod(machine - CPU_MACHINES, len(SHAPES))
    name, gpu, gpus, gib, usd = SHAPES[shape]
    info = {
        "Gpus": [
            {
                "Name": gpu,
                "Manufacturer": "NVIDIA",
                "Count": gpus,
                "MemoryInfo": {"SizeInMiB": gib * 1024},
            }
        ],
        "TotalGpuMemoryInMiB": gpus * gib * 1024,
    }
    price = round(usd * (1 + size / 100), 5)
    spot = round(price * (0.3 + 0.1 * zone), 6)
    instance = name.format(size + 1)
    return [instance, gpu, float(gpus), 192.0, 2048.0, str(info), price, spot, *where]


def measure(rows: int = ROWS) -> Measured:
    """Import a catalogue in a new process."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "aws.csv")
        write_catalogue(path, rows)
        said = subprocess.run(
            [sys.executable, "-m", "benchmarks.importing", str(path)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
    return Measured(**json.loads(said.stdout))


def peak_mib() -> float:
    """Peak resident memory of this process. [MiB]

    Notes
    -----
    The system's count of usage begins with that of the process that started this one, so it is
    asked only where nothing better is.
    """
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:  # not Linux
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
    kib = next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]
    return int(kib) / 2**10


def main(file: Path) -> None:
    """Import one file and say what it took."""
    from app.catalog.catalog import load_catalog
    from app.catalog.importers import read_catalogue
    from app.settings import Settings

    catalog = load_catalog(Settings().pricing_dir)
    start = time.perf_counter()
    imported = read_catalogue(
        [file],
        format="skypilot",
        accelerators=catalog.accelerators,
        sellers=catalog.providers,
        valid_from=DAY,
        offers=catalog.listed,
    )
    seconds = time.perf_counter() - start
    print(
        json.dumps(
            {
                "seconds": seconds,
                "mib": peak_mib(),
                "read": imported.read,
                "rows": len(imported.rows),
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
