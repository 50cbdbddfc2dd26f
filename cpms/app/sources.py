"""The services on the internet, or files in their place, that the settings name: weather, energy markets, CO2."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from cpms.domain.errors import InvalidInput
from cpms.settings import Settings
from forecasting.prices.carbon import BASE_URL as CARBON_URL
from forecasting.prices.carbon import CarbonIntensityGb, CarbonService, FileCarbon
from forecasting.prices.entsoe import BASE_URL as ENTSOE_URL
from forecasting.prices.entsoe import EntsoePrices
from forecasting.prices.port import FilePrices, PriceService
from forecasting.weather.file import FileWeather
from forecasting.weather.open_meteo import BASE_URL as WEATHER_URL
from forecasting.weather.open_meteo import OpenMeteo
from forecasting.weather.port import WeatherService


@dataclass(frozen=True)
class Sources:
    """What tells of the world outside; None where nobody is asked."""

    weather: WeatherService | None = None
    prices: PriceService | None = None
    carbon: CarbonService | None = None


@asynccontextmanager
async def open_sources(settings: Settings) -> AsyncIterator[Sources]:
    """The services that `settings` name. InvalidInput where ENTSO-E is to be asked without a token."""
    async with httpx.AsyncClient() as client:
        yield Sources(_weather(settings, client), _prices(settings, client), _carbon(settings, client))


def _weather(settings: Settings, client: httpx.AsyncClient) -> WeatherService | None:
    kind, _, where = settings.weather.partition(":")
    if kind == "file":
        return FileWeather(Path(where))
    return None if kind == "none" else OpenMeteo(client, where or WEATHER_URL)


def _prices(settings: Settings, client: httpx.AsyncClient) -> PriceService | None:
    kind, _, where = settings.prices.partition(":")
    if kind == "file":
        return FilePrices(Path(where))
    if kind == "none":
        return None
    if settings.entsoe_token is None:
        raise InvalidInput("CPMS_ENTSOE_TOKEN", "is not set", "give the security token of your ENTSO-E account")
    return EntsoePrices(client, settings.entsoe_token.get_secret_value(), where or ENTSOE_URL)


def _carbon(settings: Settings, client: httpx.AsyncClient) -> CarbonService | None:
    kind, _, where = settings.carbon.partition(":")
    if kind == "file":
        return FileCarbon(Path(where))
    return None if kind == "none" else CarbonIntensityGb(client, where or CARBON_URL)
