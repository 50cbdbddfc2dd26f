"""The port through which weather forecasts come in. Adapters fetch; forecasting only reads what it is handed."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from cpms.domain.errors import InvalidInput
from cpms.domain.weather import WeatherForecast

LEAST_IRRADIANCE_W_M2 = -10.0
"""Sensors and models say a little less than nothing at night."""

MAX_IRRADIANCE_W_M2 = 1500.0
MAX_AIR_C = 65.0


class WeatherService(Protocol):
    """Somebody who knows the weather."""

    async def forecast(self, latitude_deg: float, longitude_deg: float, now: datetime) -> WeatherForecast | None:
        """The latest forecast for a place as known at `now`; None where there is none, whatever the reason."""
        ...

    def problem(self, latitude_deg: float, longitude_deg: float) -> str:
        """Why the last ask for a place brought nothing; empty while all is well."""
        ...


def require_possible(where: str, global_w_m2: float, air_c: float) -> None:
    """InvalidInput naming `where` unless these could be W/m2 and degC (not kW, not Fahrenheit, not NaN)."""
    if not (LEAST_IRRADIANCE_W_M2 <= global_w_m2 <= MAX_IRRADIANCE_W_M2 and abs(air_c) <= MAX_AIR_C):
        raise InvalidInput(where, f"{global_w_m2}, {air_c} cannot be W/m2 and degC", "look at the units")
