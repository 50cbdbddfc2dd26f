"""The port through which weather forecasts come in. Adapters fetch; forecasting only reads what it is handed."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from cpms.domain.weather import WeatherForecast


class WeatherService(Protocol):
    """Somebody who knows the weather."""

    async def forecast(self, latitude_deg: float, longitude_deg: float, now: datetime) -> WeatherForecast | None:
        """The latest forecast for a place as known at `now`; None where there is none, whatever the reason."""
        ...
