"""Speed and size, measured in one run: `make bench`.

Times depend on the machine, so each is also given as a ratio to a fixed NumPy workload that is
timed in the same run; the ratio is what to compare between machines and versions. The process is
pinned to one core where the system allows it.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

import numpy as np  # noqa: E402 - the thread limits come first
from annotated_types import Le  # noqa: E402
from fastapi.testclient import TestClient  # noqa: E402

from app.catalog.catalog import load_catalog  # noqa: E402
from app.inputs import ScenarioInput  # noqa: E402
from app.main import create_app  # noqa: E402
from app.services.estimates import estimate  # noqa: E402
from app.settings import Settings  # noqa: E402

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks import importing, simulating  # noqa: E402
from benchmarks.planning import BOOK_ROWS, BookPlanner, Planner  # noqa: E402

CALLS = 200
WARM_UP = 5
RECALCULATION_P95_S = 0.150
PLANNER_S = 0.100
PLANNER_CALLS = 20
COLD_START_S = 2.0
WORKER_MIB = 250.0
PARALLEL = 8
TODAY = date(2026, 11, 23)


def quantiles(timings: list[float]) -> tuple[float, float]:
    """Median and 95th percentile. [s]"""
    return float(np.quantile(timings, 0.5)), float(np.quantile(timings, 0.95))


def timed(call: Callable[[int], object], calls: int = CALLS) -> list[float]:
    """Wall-clock of each call, after a few that do not count. [s]"""
    for i in range(WARM_UP):
        call(i)
    timings = []
    for i in range(calls):
        start = time.perf_counter()
        call(WARM_UP + i)
        timings.append(time.perf_counter() - start)
    return timings


def yardstick() -> float:
    """Median time of sorting one million random numbers: the unit of the ratios. [s]"""
    generator = np.random.default_rng(0)
    return quantiles(timed(lambda _: np.sort(generator.random(1_000_000)), 20))[0]


def changed(i: int) -> ScenarioInput:
    """A scenario that no call before has seen: all offers, 10,000 draws."""
    return ScenarioInput(
        examples=50_000 + 17 * i,
        seed=i,
        base_accuracy_points=50 + (i % 30),
        draws=10_000,
        include_old_prices=True,
        include_capacity_blocks=True,
        include_marketplace=True,
    )


def worst() -> dict[str, object]:
    """The request that computes most: everything that costs time at the most that is allowed."""

    def most(name: str) -> object:
        metadata = ScenarioInput.model_fields[name].metadata
        return next(bound.le for bound in metadata if isinstance(bound, Le))

    return {
        **changed(0).model_dump(mode="json", exclude_defaults=True),
        **{name: most(name) for name in ("draws", "horizon_months", "releases_per_year")},
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def resident_mib(pid: int) -> float:
    """Resident memory of a process. [MiB]"""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        kib = next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]
    except (OSError, StopIteration):  # not Linux
        said = ["ps", "-o", "rss=", "-p", str(pid)]
        kib = subprocess.run(said, capture_output=True, text=True, check=True).stdout
    return int(kib) / 1024


@contextmanager
def served(environment: dict[str, str] | None = None) -> Iterator[tuple[str, int, float]]:
    """A server of its own: its address, process, and seconds from the command to a first page."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        variables = {
            **os.environ,
            **(environment or {}),
            "TUNECASE_DATABASE_URL": f"sqlite:///{folder}/bench.sqlite3",
        }
        start = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "serve", "--port", str(port)],
            env=variables,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            while True:
                try:
                    with urllib.request.urlopen(f"{base}/", timeout=5) as page:  # noqa: S310
                        page.read()
                    break
                except (urllib.error.URLError, ConnectionError):
                    if process.poll() is not None or time.perf_counter() - start > 60:
                        raise
                    time.sleep(0.01)
            yield base, process.pid, time.perf_counter() - start
        finally:
            process.terminate()
            process.wait(20)


def cold_starts(times: int) -> list[tuple[float, float]]:
    """Of each start, seconds from the command to the first page, and MiB after some use.

    Notes
    -----
    With compiled bytecode, which an installed package has: one start that does not count writes it.
    """
    with tempfile.TemporaryDirectory() as folder:
        compiled = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": folder}
        return [cold_start(compiled) for _ in range(1 + times)][1:]


def cold_start(environment: dict[str, str]) -> tuple[float, float]:
    """Seconds from the start of the command to the first page, and MiB after some use."""
    with served(environment) as (base, pid, elapsed):
        for i in range(20):
            with urllib.request.urlopen(f"{base}/result?seed={i}", timeout=30) as page:  # noqa: S310
                page.read()
        return elapsed, resident_mib(pid)


def post_estimate(base: str, content: dict[str, object]) -> tuple[int, float]:
    """Status and wall-clock of one request. [-, s]"""
    request = urllib.request.Request(  # noqa: S310
        f"{base}/api/v1/estimates",
        json.dumps(content).encode(),
        {"Content-Type": "application/json"},
    )
    start = time.perf_counter()
    try:
        with urllib.request.urlopen(request, timeout=300) as answer:  # noqa: S310
            answer.read()
            status = answer.status
    except urllib.error.HTTPError as error:
        error.read()
        status = error.code
    return status, time.perf_counter() - start


def worst_requests() -> str:
    """What the worst request takes alone, and what several at once do to one worker."""
    content = worst()
    with served() as (base, pid, _):
        _, alone = post_estimate(base, content)
        after_one = resident_mib(pid)
        start = time.perf_counter()
        with ThreadPoolExecutor(PARALLEL) as pool:
            answers = list(
                pool.map(
                    lambda i: post_estimate(base, {**content, "seed": 1_000 + i}), range(PARALLEL)
                )
            )
        together = time.perf_counter() - start
        memory = resident_mib(pid)
    statuses = Counter(status for status, _ in answers)
    answered = ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items()))
    slowest = max(seconds for _, seconds in answers)
    return (
        f"alone {alone:.1f} s, {after_one:.0f} MiB   {PARALLEL} at once {together:.1f} s "
        f"(slowest {slowest:.1f} s; {answered}), {memory:.0f} MiB afterwards"
    )


def main() -> int:
    unit = yardstick()
    catalog = load_catalog(Settings().pricing_dir)
    rows: list[tuple[str, str, bool]] = []

    def add(label: str, timings: list[float], limit: float | None = None) -> None:
        median, p95 = quantiles(timings)
        shown = f"median {1000 * median:6.1f} ms   p95 {1000 * p95:6.1f} ms   "
        shown += f"p95 / yardstick {p95 / unit:5.2f}"
        good = limit is None or p95 < limit
        if limit is not None:
            shown += f"   limit {1000 * limit:.0f} ms"
        rows.append((label, shown, good))

    planner = Planner(catalog, WARM_UP + PLANNER_CALLS)
    median, _ = quantiles(timed(planner.plan, PLANNER_CALLS))
    plans = planner.plans
    rows.append(
        (
            f"planner, {plans:,} plans, cold",
            f"median {1000 * median:6.1f} ms   / yardstick {median / unit:5.2f}   "
            f"{plans / median / 1e6:.2f} million a second   limit {1000 * PLANNER_S:.0f} ms",
            median < PLANNER_S,
        )
    )
    book = BookPlanner(catalog, WARM_UP + PLANNER_CALLS)
    add(f"planner, {BOOK_ROWS:,} offers, limits", timed(book.plan, PLANNER_CALLS))
    for growing, label in ((False, ""), (True, ", growing")):
        simulation = simulating.Simulation.of(catalog, TODAY, growing=growing)
        add(
            f"{simulating.DRAWS:,} draws x 3 x {simulating.MONTHS}{label}",
            timed(simulation.run, simulating.CALLS),
            simulating.LIMIT_S,
        )
        rows.append(("same seed, same bits", "", simulating.same_bits(simulation)))
    add("report from a scenario", timed(lambda i: estimate(changed(i), catalog, TODAY)))
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(database_url=f"sqlite:///{folder}/bench.sqlite3")
        with TestClient(create_app(settings)) as client:

            def partial(i: int) -> None:
                answer = client.get(
                    f"/estimate?{changed(i).to_query()}",
                    headers={"HX-Request": "true", "HX-Request-Type": "partial"},
                )
                assert answer.status_code == 200, answer.text[:300]

            add("builder recalculation, server", timed(partial), RECALCULATION_P95_S)

            def posted(i: int) -> None:
                answer = client.post(
                    "/api/v1/estimates", json=changed(i).model_dump(exclude_defaults=True)
                )
                assert answer.status_code == 200, answer.text[:300]

            add("POST /api/v1/estimates", timed(posted))

    starts = cold_starts(5)
    elapsed = sorted(second for second, _ in starts)[2]
    memory = max(mib for _, mib in starts)
    rows.append(
        (
            "cold start to first page",
            f"median of 5: {elapsed:.2f} s   / yardstick {elapsed / unit:.1f}   "
            f"limit {COLD_START_S:.0f} s",
            elapsed < COLD_START_S,
        )
    )
    rows.append(
        (
            "memory of one worker",
            f"{memory:.0f} MiB after 20 reports   limit {WORKER_MIB:.0f} MiB",
            memory < WORKER_MIB,
        )
    )
    imported = importing.measure()
    rows.append(
        (
            f"import of {imported.read:,} rows",
            f"{imported.seconds:.2f} s   / yardstick {imported.seconds / unit:.1f}   "
            f"{imported.mib:.0f} MiB at most, {imported.rows:,} prices   "
            f"limit {importing.LIMIT_S:.0f} s, {importing.LIMIT_MIB:.0f} MiB",
            imported.seconds < importing.LIMIT_S and imported.mib < importing.LIMIT_MIB,
        )
    )
    # No limit: for information.
    rows.append(("worst request allowed", worst_requests(), True))
    print(f"yardstick (sort of a million numbers): {1000 * unit:.1f} ms; one core; {CALLS} calls")
    for label, shown, good in rows:
        print(f"{'ok  ' if good else 'MISS'}  {label:<32}{shown}")
    return 0 if all(good for _, _, good in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
