"""The recorded prices and sun of the demo day; origin and licence are in `days/ORIGIN.md`."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from decimal import Decimal
from importlib import resources

import numpy as np

from cpms.domain.tariff import PriceInterval
from cpms.domain.time import Interval

ENERGY_SURCHARGE_PER_KWH = Decimal("0.05")
"""What supplier and network add to the day-ahead price of each imported kWh [EUR/kWh], without tax."""


def day_ahead_prices() -> tuple[PriceInterval, ...]:
    """Hourly prices: import at day-ahead plus the surcharge, export at day-ahead."""
    return tuple(_price(row["starts_at"], Decimal(row["eur_per_mwh"])) for row in _rows("prices.csv"))


def solar_kw(instants: list[datetime], peak_kw: float) -> tuple[float, ...]:
    """Power [kW] of a roof of `peak_kw` at `instants`, linear between the middles of the recorded quarter hours."""
    rows = _rows("sun.csv")
    middles = [datetime.fromisoformat(row["starts_at"]).timestamp() + 450.0 for row in rows]
    shares = [float(row["share_of_peak"]) for row in rows]
    values = np.interp([instant.timestamp() for instant in instants], middles, shares)
    return tuple(float(value) for value in values * peak_kw)


def _price(starts_at: str, eur_per_mwh: Decimal) -> PriceInterval:
    start = datetime.fromisoformat(starts_at)
    per_kwh = eur_per_mwh / 1000
    return PriceInterval(Interval(start, start + timedelta(hours=1)), per_kwh + ENERGY_SURCHARGE_PER_KWH, per_kwh)


def _rows(name: str) -> list[dict[str, str]]:
    text = resources.files("cpms.simulation").joinpath("days", name).read_text()
    return list(csv.DictReader(text.splitlines()))
