"""Plans a second: our planner against the peer that estimates one plan at a time, on one core."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from app.catalog.catalog import load_catalog
from app.settings import Settings
from benchmarks.bench import WARM_UP, quantiles, timed
from benchmarks.planning import Planner

CALLS = 20
AT_LEAST = 500.0
WORKER = Path(__file__).with_name("plans_worker.py")


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast plans are estimated.

    Parameters
    ----------
    who : what estimates them.
    plans : distinct ones; variants of the price do not count. [count]
    seconds : for all of them, median of several times. [s]
    """

    who: str
    plans: int
    seconds: float

    @property
    def per_second(self) -> float:
        """[1/s]"""
        return self.plans / self.seconds


def our_plans_per_second() -> Rate:
    """The planner over everything that can be rented, on models that it has not seen."""
    catalog = load_catalog(Settings().pricing_dir)
    planner = Planner(catalog, WARM_UP + CALLS)
    seconds = quantiles(timed(planner.plan, CALLS))[0]
    return Rate("Tunecase, opt-6.7b", planner.plans, seconds)


def peer_plans_per_second(python: Path) -> Rate:
    """The peer, run by the Python of its environment."""
    offline = {**os.environ, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([python, WORKER], capture_output=True, text=True, env=offline)
    if done.returncode:
        raise RuntimeError(f"{WORKER.name} failed: {done.stderr.strip()[-300:]}")
    said = json.loads(done.stdout)
    return Rate(f"{said['peer']}, {said['model']}", said["plans"], said["seconds"])
