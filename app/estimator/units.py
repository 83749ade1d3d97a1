"""Units: the only bare constants of the estimator.

GB is 10^9 bytes and GiB is 2^30 bytes. A FLOP count ends in ``_flop``, a rate in ``_flop_per_s``.
Bandwidths are per direction, in bytes per second. Fractions are 0 to 1, never percent.
"""

from __future__ import annotations

GB = 1e9
GIB = 2.0**30
TERA = 1e12
PETA = 1e15
MICRO = 1e-6
PICO = 1e-12
BITS_PER_BYTE = 8
SECONDS_PER_HOUR = 3600.0
MONTHS_PER_YEAR = 12
DAYS_PER_WEEK = 7
DAYS_PER_MONTH = 365.25 / MONTHS_PER_YEAR
WEEKS_PER_MONTH = DAYS_PER_MONTH / DAYS_PER_WEEK
HOURS_PER_DAY = 24.0
HOURS_PER_WEEK = HOURS_PER_DAY * DAYS_PER_WEEK
HOURS_PER_MONTH = HOURS_PER_WEEK * WEEKS_PER_MONTH
