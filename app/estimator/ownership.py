"""Servers of one's own: what they cost over a horizon, and from which use on buying is cheaper."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, isclose

from app.estimator.constants import ConstantValues
from app.estimator.market import Server
from app.estimator.report import BuyingReport, CostLine
from app.estimator.units import HOURS_PER_MONTH, MONTHS_PER_YEAR

WATTS_PER_KW = 1000.0
ROUNDING = 1e-9
"""Share of a life by which a horizon may pass it without buying again."""


@dataclass(frozen=True, slots=True)
class Ownership:
    """A number of equal servers over a horizon.

    Parameters
    ----------
    server : what is bought; servers : how many. [count]
    months : for how long. [months]

    Notes
    -----
    A server loses worth evenly over its life down to its residual share. At the end of its life it
    is sold for that and bought again at the same price; at the horizon's end it counts with what
    it is worth then. Financing is left out, since the amounts are undiscounted. Colocation is paid
    for rated power and without electricity, which is metered apart, so neither is counted twice.
    """

    server: Server
    servers: int
    months: float
    constants: ConstantValues

    @property
    def gpus(self) -> int:
        """GPUs of all servers. [count]"""
        return self.servers * self.server.gpus

    @property
    def upfront_usd(self) -> float:
        """What the first purchase takes, network included, whatever else uses the servers. [USD]"""
        joined = self.constants["server_network_fraction"] if self.servers > 1 else 0.0
        return self.servers * self.server.usd * (1 + joined)

    @property
    def gpu_hours(self) -> float:
        """GPU time that is there over the horizon. [h]"""
        return self.gpus * self.months * HOURS_PER_MONTH

    @property
    def purchases(self) -> int:
        """How often each server is bought within the horizon. [count]"""
        return max(1, ceil(self.months / self._life_months - ROUNDING))

    @property
    def worth_fraction(self) -> float:
        """What a purchase brings back at the end of its use, mean of all purchases. [fraction]"""
        lost = 1 - self.constants["server_residual_fraction"]
        last = self.months - (self.purchases - 1) * self._life_months
        return 1 - lost * (self.purchases - 1 + last / self._life_months) / self.purchases

    @property
    def _life_months(self) -> float:
        return self.constants["server_life_years"] * MONTHS_PER_YEAR

    @property
    def _kwh_at_full_power(self) -> float:
        """Electricity of all servers at their rated power, cooling included. [kWh]"""
        kw = self.servers * self.server.power_w / WATTS_PER_KW
        return kw * self.constants["data_centre_pue"] * self.months * HOURS_PER_MONTH

    def lines(self, utilisation: float, share: float = 1.0) -> tuple[CostLine, ...]:
        """Cost over the horizon, or a share of it. [USD]

        Parameters
        ----------
        utilisation : share of all hours in which the servers are used. 0 to 1
        share : of the company's cost that is counted. 0 to 1
        """
        c, server = self.constants, self.server
        source = server.source.key
        bought = self.servers * self.purchases * share
        months = self.servers * server.power_w / WATTS_PER_KW * self.months * share
        years = self.servers * self.months / MONTHS_PER_YEAR * share
        drawn = utilisation * c["power_load_fraction"]
        drawn += (1 - utilisation) * c["power_idle_fraction"]

        def line(
            key: str, label: str, quantity: float, unit: str, price: float, when: str, of: str
        ) -> CostLine:
            return CostLine(key, label, quantity, unit, price, quantity * price, when, of)

        joined = (
            line(
                "network",
                "Switches and cables between them",
                bought,
                "servers",
                server.usd * c["server_network_fraction"],
                "once",
                "assumption",
            ),
        )
        return (
            line("purchase", "Servers bought", bought, "servers", server.usd, "once", source),
            *(joined if self.servers > 1 else ()),
            line(
                "residual",
                "Less what they are worth at the end",
                bought,
                "servers",
                -server.usd * self.worth_fraction,
                "recurring",
                "assumption",
            ),
            line(
                "colocation",
                "Colocation without electricity",
                months,
                "kW-months",
                c["colocation_usd_per_kw_month"],
                "recurring",
                "assumption",
            ),
            line(
                "electricity",
                "Electricity, cooling included",
                self._kwh_at_full_power * drawn * share,
                "kWh",
                c["electricity_usd_per_kwh"],
                "recurring",
                "assumption",
            ),
            line(
                "upkeep",
                "Maintenance and administration",
                years,
                "server-years",
                server.usd * c["server_upkeep_fraction"],
                "recurring",
                "assumption",
            ),
        )

    def total_usd(self, utilisation: float) -> float:
        """Cost of all servers over the horizon. [USD]"""
        return float(sum(line.usd for line in self.lines(utilisation)))

    def break_even(self, rent_usd_per_gpu_hour: float) -> float | None:
        """Use from which owning costs less than renting; None where it never does. [fraction]

        Notes
        -----
        Owning costs a + b u for each GPU-hour that is there, b being the electricity that work
        draws over waiting; renting costs r u. They meet at u = a / (r - b), where the cost of
        owning a GPU-hour over its rent is u.
        """
        idle = self.total_usd(0.0) / self.gpu_hours
        more = self.total_usd(1.0) / self.gpu_hours - idle
        if rent_usd_per_gpu_hour <= more:
            return None
        use = idle / (rent_usd_per_gpu_hour - more)
        return use if use <= 1 else None


def owned(
    server: Server,
    gpus: int,
    programme_gpu_hours: float,
    horizon_months: int,
    constants: ConstantValues,
) -> Ownership:
    """As many whole servers as a plan needs, for the horizon, or until its runs have ended.

    Parameters
    ----------
    gpus : of the plan. [count]
    programme_gpu_hours : that its runs use. [h]
    """
    servers = -(-gpus // server.gpus)
    needed = programme_gpu_hours / (servers * server.gpus * HOURS_PER_MONTH)
    return Ownership(server, servers, max(horizon_months, needed), constants)


def utilisation_of(ownership: Ownership, programme_gpu_hours: float) -> float:
    """Share of all hours in which the company uses its servers: what is assumed, or more where the
    programme alone takes more. [fraction]
    """
    alone = programme_gpu_hours / ownership.gpu_hours
    return max(ownership.constants["owned_utilisation_fraction"], alone)


@dataclass(frozen=True, slots=True)
class Rent:
    """What owning is compared with.

    Parameters
    ----------
    label : the way to rent, for a reader.
    usd_per_gpu_hour : [USD/h]
    """

    label: str
    usd_per_gpu_hour: float


def buying_report(
    ownership: Ownership, programme_gpu_hours: float, rent: Rent, chosen: Rent
) -> BuyingReport:
    """Owning against renting the same GPUs.

    Parameters
    ----------
    programme_gpu_hours : that its runs use. [h]
    rent : that anybody pays by the hour.
    chosen : what the plan pays for a GPU-hour that is used; said where it differs.
    """
    utilisation = utilisation_of(ownership, programme_gpu_hours)
    other = not isclose(chosen.usd_per_gpu_hour, rent.usd_per_gpu_hour, rel_tol=1e-9)
    return BuyingReport(
        server=ownership.server.name,
        servers=ownership.servers,
        gpus=ownership.gpus,
        total_usd=ownership.total_usd(utilisation),
        usd_per_gpu_hour_at_full_use=ownership.total_usd(1.0) / ownership.gpu_hours,
        rent_label=rent.label,
        rent_usd_per_gpu_hour=rent.usd_per_gpu_hour,
        utilisation_fraction=utilisation,
        programme_fraction=programme_gpu_hours / ownership.gpu_hours,
        break_even_fraction=ownership.break_even(rent.usd_per_gpu_hour),
        chosen_label=chosen.label if other else "",
        chosen_usd_per_gpu_hour=chosen.usd_per_gpu_hour if other else None,
        chosen_break_even_fraction=ownership.break_even(chosen.usd_per_gpu_hour) if other else None,
    )
