"""Calibrate: ``python -m benchmarks.calibration [--check]`` writes ``calibration.json`` anew."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from datetime import UTC, datetime
from typing import Any

import numpy as np

from app.catalog.calibration import CALIBRATION_FILE
from app.catalog.catalog import load_catalog
from app.catalog.measured import OWN_RUNS, own_runs
from app.estimator.calibration import GRADES, METHODS
from app.settings import Settings
from benchmarks.calibration.fit import fit, left_out
from benchmarks.calibration.problem import Rows, fitted_keys, time_and_memory_rows, with_fitted
from benchmarks.calibration.report import (
    FEWEST_ROWS,
    best_difficulty,
    error_entry,
    out_of_memory,
    spreads,
)

DIGITS = 6


def calibrate() -> dict[str, Any]:
    """Fit everything, leave everything out once, and say how it went."""
    catalog = load_catalog(Settings().pricing_dir, calibrated=False)
    runs = own_runs()
    time, memory, skipped = time_and_memory_rows(runs, catalog)
    document: dict[str, Any] = {
        "fitted_on": datetime.now(UTC).date().isoformat(),
        "data_hash": hashlib.sha256(OWN_RUNS.read_bytes()).hexdigest(),
        "runs": len(runs),
        "rows": {"time": len(time), "memory": len(memory), "skipped_runs": len(skipped)},
        "folds": {},
        "constants": {},
        "difficulty": {},
        "frameworks": {},
        "chips": [],
        "new_chip": {},
        "spreads": [],
        "errors": [],
        "out_of_memory": {},
    }
    for kind, rows in (("time", time), ("memory", memory)):
        _one_kind(document, kind, rows)
    return document


def _one_kind(document: dict[str, Any], kind: str, rows: Rows) -> None:
    keys = fitted_keys(rows)
    fitted = rows.grade == "A"
    logarithms = fit(rows.take(fitted), kind)
    constants = with_fitted(keys, logarithms)
    document["constants"] |= {key: round(constants[key], DIGITS) for key in keys}
    known = np.isin(rows.framework, np.unique(rows.framework[fitted]))
    if kind == "time":
        known &= np.isin(rows.chip, np.unique(rows.chip[fitted]))
        document["chips"] = sorted(str(x) for x in np.unique(rows.chip[fitted]))
    hard = rows.hard(constants)
    # Memory does not depend on the chip.
    splits = ("group", "source", "chip") if kind == "time" else ("group", "source")
    predicted = {key: left_out(rows, kind, key) for key in splits}
    document["folds"] |= {
        f"{kind}_{key}": len(np.unique(getattr(rows, key)[fitted])) for key in predicted
    }
    target = rows.target
    half = {key: np.empty(len(rows)) for key in predicted}
    for name in np.unique(target):
        of_target = target == name
        document["frameworks"][str(name)] = sorted(
            str(x) for x in np.unique(rows.framework[fitted & of_target])
        )
        by_group = np.log(rows.measured / predicted["group"])
        chosen = of_target & known
        weight = best_difficulty(by_group[chosen], hard[chosen], rows.method[chosen])
        document["difficulty"][str(name)] = weight
        for key, is_known, of_stack in (("group", True, known), ("source", False, of_target)):
            residual = np.log(rows.measured / predicted[key])
            for grade in GRADES:
                mask = of_stack & of_target & (rows.grade == grade)
                # Too few rows of grade B take those of both grades.
                mask = mask if mask.sum() >= FEWEST_ROWS else of_stack & of_target
                for method, (n, width) in spreads(
                    residual, hard, rows.method, mask, weight
                ).items():
                    document["spreads"].append(
                        {
                            "target": str(name),
                            "method": method,
                            "known": is_known,
                            "grade": grade,
                            "n": n,
                            "half_width": round(width, DIGITS),
                        }
                    )
                    own = of_target & (rows.method == method) & (rows.grade == grade)
                    half[key][own] = width * (1.0 + weight * hard[own])
        if "chip" in predicted:
            residual = np.log(rows.measured / predicted["chip"])
            # Both grades: most runs of the newest chips have a setting that is inferred.
            mask = of_target
            for method, (_, width) in spreads(residual, hard, rows.method, mask, weight).items():
                document["new_chip"][method] = round(width, DIGITS)
                own = of_target & (rows.method == method)
                half["chip"][own] = width * (1.0 + weight * hard[own])
    for key, figures in predicted.items():
        for name in np.unique(target):
            for grade in GRADES:
                of = (target == name) & (rows.grade == grade)
                of &= known if key == "group" else True
                about = {"split": key, "target": str(name), "grade": grade}
                for method in ("all", *METHODS):
                    own = of if method == "all" else of & (rows.method == method)
                    if own.any():
                        document["errors"].append(
                            error_entry(
                                rows, figures, half[key], own, **about, method=method, source=""
                            )
                        )
                for source in np.unique(rows.source[of]):
                    own = of & (rows.source == source)
                    document["errors"].append(
                        error_entry(
                            rows, figures, half[key], own, **about, method="", source=str(source)
                        )
                    )
    if kind == "memory":
        document["out_of_memory"] = out_of_memory(rows, predicted["group"], half["group"])


def summary(document: dict[str, Any]) -> str:
    """The errors as a table, and the constants."""
    lines = [f"{key:32} {value:10.4g}" for key, value in document["constants"].items()]
    lines += [
        f"{entry['split']:7}{entry['target']:10}{entry['grade']:2}"
        f"{entry['method'] or entry['source']:12} n {entry['n']:4}  median "
        f"{entry['median_ape']:6.1%}  P90 {entry['p90_ape']:6.1%}  in 80% "
        f"{entry['coverage80']:4.0%}  interval score {entry['winkler']:.2f} "
        f"(constant {entry['winkler_constant']:.2f})  width {entry['median_width']:.0%}"
        for entry in document["errors"]
    ]
    oom = document["out_of_memory"]
    lines.append(f"out of memory: Brier {oom['brier']} against {oom['base_rate_brier']}")
    return "\n".join(lines)


def main() -> int:
    """Calibrate and write, or compare with what is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    arguments = parser.parse_args()
    document = calibrate()
    print(summary(document))
    if arguments.check:
        there = json.loads(CALIBRATION_FILE.read_text())
        same = {k: v for k, v in document.items() if k != "fitted_on"} == {
            k: v for k, v in there.items() if k != "fitted_on"
        }
        print("as it is there" if same else "differs from what is there")
        return 0 if same else 1
    CALIBRATION_FILE.write_text(json.dumps(document, indent=1) + "\n")
    print(f"written to {CALIBRATION_FILE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
