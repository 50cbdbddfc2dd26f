"""The weather service that the settings name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from cpms.domain.errors import InvalidInput
from forecasting.weather.file import FileWeather
from forecasting.weather.open_meteo import BASE_URL, OpenMeteo
from forecasting.weather.port import WeatherService


@asynccontextmanager
async def weather_service(setting: str) -> AsyncIterator[WeatherService | None]:
    """The service for `none`, `open-meteo`, `open-meteo:URL` (a server of one's own) or `file:PATH`; None for none."""
    kind, _, where = setting.partition(":")
    if setting == "none":
        yield None
    elif kind == "file" and where:
        yield FileWeather(Path(where))
    elif kind == "open-meteo" and (not where or where.startswith(("http://", "https://"))):
        async with httpx.AsyncClient() as client:
            yield OpenMeteo(client, where or BASE_URL)
    else:
        raise InvalidInput("CPMS_WEATHER", f"{setting!r} is no source", "use none, open-meteo or file:PATH")
