"""Electricity and carbon of a run."""

from __future__ import annotations

from app.estimator.constants import ConstantValues
from app.estimator.hardware import Grid
from app.estimator.report_plans import EnergyReport

WATTS_PER_KW = 1000.0
GRAMS_PER_KG = 1000.0


def power_w_per_gpu(tdp_w: float, constants: ConstantValues) -> float:
    """Mean power of a GPU and its share of the host during a run, before cooling. [W]

    Parameters
    ----------
    tdp_w : power limit of the GPU. [W]

    Notes
    -----
    P = limit x (1 + host watts for each watt of limit) x share of rated power that training draws.

    Examples
    --------
    >>> shares = {"host_power_per_gpu_power": 0.8, "power_load_fraction": 0.8}
    >>> round(power_w_per_gpu(700.0, shares), 3)
    1008.0
    """
    rated = tdp_w * (1 + constants["host_power_per_gpu_power"])
    return rated * constants["power_load_fraction"]


def energy_report(
    gpus: int, hours: float, tdp_w: float, grid: Grid | None, constants: ConstantValues
) -> EnergyReport:
    """Electricity of one run at the meter of the data centre, and its carbon.

    Parameters
    ----------
    gpus : [count]
    hours : of the run; idle hours that are paid for are not counted. [h]
    grid : of the offer's region; None where it is not known.

    Notes
    -----
    Operation only, location based: neither the making of the hardware nor certificates of the
    provider are counted.
    """
    power = power_w_per_gpu(tdp_w, constants)
    pue = constants["data_centre_pue"]
    kwh = gpus * hours * power * pue / WATTS_PER_KW
    return EnergyReport(
        kwh=kwh,
        power_w_per_gpu=power,
        pue=pue,
        grid_label=grid.label if grid else "",
        g_co2e_per_kwh=grid.g_co2e_per_kwh if grid else None,
        kg_co2e=kwh * grid.g_co2e_per_kwh / GRAMS_PER_KG if grid else None,
        grid_source_key=grid.source.key if grid else "",
    )
