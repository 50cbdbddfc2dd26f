"""Weather from Open-Meteo, or any service that speaks its API (https://open-meteo.com/en/docs, `/v1/forecast`).

Attribution: data by Open-Meteo.com, CC BY 4.0. The adapter waits at most `timeout_s`, asks for a place at most once per
`refresh`, and answers None or the last good forecast when the service is down, slow or wrong: forecasts go on without it.
"""

from __future__ import annotations

import logging
import math
from datetime import UTC, datetime, timedelta

import httpx

from cpms.domain.errors import InvalidInput
from cpms.domain.weather import WeatherForecast

logger = logging.getLogger(__name__)

BASE_URL = "https://api.open-meteo.com"
VARIABLES = ("shortwave_radiation_instant", "temperature_2m")
MAX_IRRADIANCE_W_M2 = 1500.0
MAX_AIR_C = 65.0


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
        self._refresh = refresh
        self._timeout_s = timeout_s
        self._forecast_days = forecast_days
        self._last: dict[tuple[float, float], WeatherForecast] = {}
        self._asked_at: dict[tuple[float, float], datetime] = {}

    async def forecast(self, latitude_deg: float, longitude_deg: float, now: datetime) -> WeatherForecast | None:
        """The latest usable forecast for a place; None where there is none. Places are told apart by 0.01 degree."""
        place = (round(latitude_deg, 2), round(longitude_deg, 2))
        asked_at = self._asked_at.get(place)
        if asked_at is None or now - asked_at >= self._refresh:
            self._asked_at[place] = now
            fetched = await self._fetch(place, now)
            if fetched is not None:
                self._last[place] = fetched
        last = self._last.get(place)
        return last if last is not None and last.usable_at(now) else None

    async def _fetch(self, place: tuple[float, float], now: datetime) -> WeatherForecast | None:
        query: dict[str, str | float | int] = {
            "latitude": place[0],
            "longitude": place[1],
            "hourly": ",".join(VARIABLES),
            "timeformat": "unixtime",
            "forecast_days": self._forecast_days,
        }
        try:
            answer = await self._client.get(f"{self._base_url}/v1/forecast", params=query, timeout=self._timeout_s)
            answer.raise_for_status()
            return read_open_meteo(answer.json(), now)
        except (httpx.HTTPError, InvalidInput, ValueError) as error:
            logger.warning("no weather for %s, %s: %s %s", *place, type(error).__name__, error)
            return None


def read_open_meteo(document: object, now: datetime) -> WeatherForecast:
    """The hourly values of an answer received at `now`, which counts as its issue. Hours without a value are left out.

    InvalidInput where the document has another shape or values no weather can have.
    """
    hourly = document.get("hourly") if isinstance(document, dict) else None
    columns = [hourly.get(name) if isinstance(hourly, dict) else None for name in ("time", *VARIABLES)]
    if not all(isinstance(column, list) for column in columns) or len({len(column or ()) for column in columns}) != 1:
        raise InvalidInput("hourly", f"has no equal columns time, {', '.join(VARIABLES)}", "ask for them in unixtime")
    rows = [row for row in zip(*(column or () for column in columns), strict=True) if None not in row]
    for row in rows:
        _require_possible(row)
    return WeatherForecast(
        issued_at=now,
        valid_at=tuple(datetime.fromtimestamp(row[0], UTC) for row in rows),
        global_w_m2=tuple(max(0.0, float(row[1])) for row in rows),
        air_c=tuple(float(row[2]) for row in rows),
    )


def _require_possible(row: tuple[object, ...]) -> None:
    numbers = [float(value) if isinstance(value, int | float) else math.nan for value in row]
    possible = -10.0 <= numbers[1] <= MAX_IRRADIANCE_W_M2 and abs(numbers[2]) <= MAX_AIR_C
    if not (possible and 0 < numbers[0] < 1e11):
        raise InvalidInput("hourly", f"{row} cannot be time, W/m2 and degC", "look at the service's units")
