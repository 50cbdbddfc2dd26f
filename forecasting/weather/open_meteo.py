"""Weather from Open-Meteo, or any service that speaks its API (https://open-meteo.com/en/docs, `/v1/forecast`).

Attribution: data by Open-Meteo.com, CC BY 4.0. The adapter waits at most `timeout_s`, asks for a place at most once per
`refresh` (after a failure sooner, or when the service says), and answers None or the last good forecast when the
service is down, slow or wrong: forecasts go on without it.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import httpx

from cpms.domain.errors import InvalidInput
from cpms.domain.weather import WeatherForecast
from forecasting.weather.courtesy import Remembered
from forecasting.weather.port import require_possible

BASE_URL = "https://api.open-meteo.com"
VARIABLES = ("shortwave_radiation_instant", "temperature_2m")
UNITS = ("W/m²", "°C")


class OpenMeteo:
    """A WeatherService over HTTP. `client` belongs to the caller, who closes it."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        base_url: str = BASE_URL,
        refresh: timedelta = timedelta(hours=1),
        timeout_s: float = 5.0,
        forecast_days: int = 4,
    ) -> None:
        self._client = client
        self._base_url = base_url.rstrip("/")
        self._timeout_s = timeout_s
        self._forecast_days = forecast_days
        self._answers = Remembered("weather", self._fetch, refresh)

    async def forecast(self, latitude_deg: float, longitude_deg: float, now: datetime) -> WeatherForecast | None:
        """The latest usable forecast for a place; None where there is none. Places are told apart by 0.01 degree."""
        last = await self._answers.get(_place(latitude_deg, longitude_deg), now)
        return last if last is not None and last.usable_at(now) else None

    def problem(self, latitude_deg: float, longitude_deg: float) -> str:
        """Why the last ask for a place failed."""
        return self._answers.problem(_place(latitude_deg, longitude_deg))

    async def _fetch(self, place: tuple[float, float], now: datetime) -> WeatherForecast:
        query: dict[str, str | float | int] = {
            "latitude": place[0],
            "longitude": place[1],
            "hourly": ",".join(VARIABLES),
            "timeformat": "unixtime",
            "forecast_days": self._forecast_days,
        }
        answer = await self._client.get(f"{self._base_url}/v1/forecast", params=query, timeout=self._timeout_s)
        answer.raise_for_status()
        return read_open_meteo(answer.json(), now)


def _place(latitude_deg: float, longitude_deg: float) -> tuple[float, float]:
    return round(latitude_deg, 2), round(longitude_deg, 2)


def read_open_meteo(document: object, now: datetime) -> WeatherForecast:
    """The hourly values of an answer received at `now`, which counts as its issue. Hours without a value are left out.

    InvalidInput where the document has another shape or values no weather can have.
    """
    hourly = document.get("hourly") if isinstance(document, dict) else None
    columns = [hourly.get(name) if isinstance(hourly, dict) else None for name in ("time", *VARIABLES)]
    if not all(isinstance(column, list) for column in columns) or len({len(column or ()) for column in columns}) != 1:
        raise InvalidInput("hourly", f"has no equal columns time, {', '.join(VARIABLES)}", "ask for them in unixtime")
    _require_units(document)
    rows = [row for row in zip(*(column or () for column in columns), strict=True) if None not in row]
    for row in rows:
        _require_possible(row)
    return WeatherForecast(
        issued_at=now,
        valid_at=tuple(datetime.fromtimestamp(row[0], UTC) for row in rows),
        global_w_m2=tuple(max(0.0, float(row[1])) for row in rows),
        air_c=tuple(float(row[2]) for row in rows),
    )


def _require_units(document: object) -> None:
    """InvalidInput where the service says that it speaks in other units."""
    units = document.get("hourly_units") if isinstance(document, dict) else None
    said = tuple(units.get(name) for name in VARIABLES) if isinstance(units, dict) else UNITS
    if said != UNITS:
        raise InvalidInput("hourly_units", f"{said} are not {UNITS}", "ask the service for metric units")


def _require_possible(row: tuple[object, ...]) -> None:
    numbers = [float(value) if isinstance(value, int | float) else math.nan for value in row]
    require_possible("hourly", numbers[1], numbers[2])
    if not 0 < numbers[0] < 1e11:
        raise InvalidInput("hourly", f"{row[0]!r} is no time", "ask for times in unixtime")
