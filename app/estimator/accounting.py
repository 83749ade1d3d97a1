"""Terms of the money: inflation, tax and what is written off, as weights of months.

All of it is linear in the flows, so a cost or a worth that varies from draw to draw is treated once
for all draws.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from math import ceil, isinf

import numpy as np
from numpy.typing import NDArray

from app.estimator.finance import discount_factors
from app.estimator.units import MONTHS_PER_YEAR

Floats = NDArray[np.float64]

NOMINAL, REAL = "nominal", "real"


@dataclass(frozen=True, slots=True)
class Accounting:
    """How flows are dated, taxed and compared.

    Parameters
    ----------
    start : first day of month 1, the first of a month.
    fiscal_year_start : month of the year, 1 to 12.
    terms : nominal (prices rise) or real (money of month 0; the discount rate is then real too).
    inflation_fraction : of all prices and worths, effective, a year.
    tax_fraction : of profit.
    capitalised_fraction : of the costs until the first release that is written off in equal parts.
    write_off_months : over so many months, from the first whole month in use. >= 1
    """

    start: date = date(2027, 1, 1)
    fiscal_year_start: int = 1
    terms: str = NOMINAL
    inflation_fraction: float = 0.0
    tax_fraction: float = 0.0
    capitalised_fraction: float = 0.0
    write_off_months: int = 36

    def price_index(self, months: int) -> Floats:
        """What a price of month 0 is in months 0 to `months`, in the terms of the money.

        Notes
        -----
        Nominal: (1 + inflation)^(m / 12). Real: 1. (months + 1,)
        """
        if self.terms == REAL or self.inflation_fraction == 0:
            return np.ones(months + 1)
        return np.asarray(
            (1.0 + self.inflation_fraction) ** (np.arange(months + 1.0) / MONTHS_PER_YEAR)
        )

    def contract_index(self, months: int) -> Floats:
        """What a price that is fixed at the start is in months 0 to `months`. (months + 1,)

        Notes
        -----
        Nominal: 1. Real: (1 + inflation)^(-m / 12), since the same dollars buy less.
        """
        if self.terms != REAL or self.inflation_fraction == 0:
            return np.ones(months + 1)
        return np.asarray(
            (1.0 + self.inflation_fraction) ** -(np.arange(months + 1.0) / MONTHS_PER_YEAR)
        )

    def kept(self, months: int, annual_rate: float) -> Floats:
        """Present value, after tax, of a worth in prices of month 0, by month. (months + 1,)

        Notes
        -----
        discount factor x price index x (1 - tax).
        """
        after_tax = self.price_index(months) * (1.0 - self.tax_fraction)
        return np.asarray(after_tax * discount_factors(annual_rate, months))

    def written_off(self, capex_by_month: Floats, release_month: float) -> Floats:
        """Depreciation of capital costs by month, straight-line. (months + 1,) [USD]

        Notes
        -----
        All of it is paid at the start. In books, amounts stay what was paid; in real terms they
        lose what inflation takes. What would be written off beyond the horizon is left out, and
        lowers no tax.
        """
        months = len(capex_by_month) - 1
        written = np.zeros(months + 1)
        first = 0 if isinf(release_month) else ceil(release_month - 1e-9) + 1
        if self.capitalised_fraction == 0 or not 0 < first <= months:
            return written
        each = self.capitalised_fraction * float(capex_by_month.sum()) / self.write_off_months
        written[first : first + self.write_off_months] = each
        return written * self.contract_index(months)

    def tax_saved(self, capex: Floats, opex: Floats, release_month: float) -> Floats:
        """Tax that costs save, by month. (months + 1,) [USD]

        Notes
        -----
        tax x (opex + capital costs that are not capitalised + depreciation). Assumption: the
        company has other profit to set losses off against, in the month in which they arise.
        """
        expensed = opex + (1.0 - self.capitalised_fraction) * capex
        return np.asarray(self.tax_fraction * (expensed + self.written_off(capex, release_month)))

    def after_tax(self, capex: Floats, opex: Floats, release_month: float) -> Floats:
        """What costs take, less the tax that they save. (months + 1,) [USD]"""
        if self.tax_fraction == 0:
            return capex + opex
        return capex + opex - self.tax_saved(capex, opex, release_month)


PLAIN = Accounting()
"""No tax and no inflation."""
