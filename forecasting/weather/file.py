"""Weather from a file that somebody else keeps up to date, CSV (`.csv`, `.csv.gz`) or Parquet.

A row per issue and instant, with the columns `issued_at` and `valid_at` (instants with Z or an offset), `global_w_m2` (global
horizontal irradiance, W/m2, at the instant) and `air_c` (degC). One file is of one place and holds for every site; it may
hold any number of issues, of which the latest known one serves. It is read again when it has changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from cpms.domain.errors import InvalidInput
from cpms.domain.time import require_aware
from cpms.domain.weather import WeatherForecast
from forecasting.weather.port import require_possible
from forecasting.weather.rereading import Rereading

COLUMNS = ("issued_at", "valid_at", "global_w_m2", "air_c")


class FileWeather:
    """A WeatherService from the file at `path`."""

    def __init__(self, path: Path) -> None:
        self._file = Rereading[tuple[WeatherForecast, ...]]("weather", path, read_weather, ())

    async def forecast(self, latitude_deg: float, longitude_deg: float, now: datetime) -> WeatherForecast | None:
        """The latest usable issue known at `now`, wherever the place; a file that cannot be read leaves what was read before."""
        issues = await self._file.get()
        return max((one for one in issues if one.usable_at(now)), key=lambda one: one.issued_at, default=None)

    def problem(self, latitude_deg: float, longitude_deg: float) -> str:
        """Why the file could not be read."""
        return self._file.problem


def read_weather(path: Path) -> tuple[WeatherForecast, ...]:
    """Every issue of the file, oldest first; rows without a value are left out. InvalidInput names the file and the problem."""
    import pandas as pd

    try:
        frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    except ImportError as error:
        raise InvalidInput(str(path), "Parquet cannot be read here", "install pyarrow, or give CSV") from error
    except ValueError as error:
        raise InvalidInput(str(path), f"cannot be read ({error})", "give CSV or Parquet") from error
    if missing := [column for column in COLUMNS if column not in frame]:
        raise InvalidInput(str(path), f"has no column {missing[0]!r}", f"give {', '.join(COLUMNS)}")
    issues: dict[datetime, dict[datetime, tuple[float, float]]] = {}
    for issued, valid, global_w_m2, air_c in _rows(frame[list(COLUMNS)].dropna().itertuples(index=False)):
        issues.setdefault(_instant(path, issued), {})[_instant(path, valid)] = _values(path, global_w_m2, air_c)
    return tuple(_issue(issued_at, issues[issued_at]) for issued_at in sorted(issues))


def _rows(rows: Iterable[tuple[object, ...]]) -> Iterable[tuple[object, object, object, object]]:
    return ((row[0], row[1], row[2], row[3]) for row in rows)


def _instant(path: Path, value: object) -> datetime:
    try:
        instant = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError as error:
        raise InvalidInput(str(path), f"{value!r} is no instant", "write 2026-01-31T18:00:00Z") from error
    return require_aware(instant, str(path))


def _values(path: Path, global_w_m2: object, air_c: object) -> tuple[float, float]:
    try:
        values = float(str(global_w_m2)), float(str(air_c))
    except ValueError as error:
        raise InvalidInput(str(path), f"{global_w_m2!r}, {air_c!r} are no numbers", "give W/m2 and degC") from error
    require_possible(str(path), *values)
    return max(0.0, values[0]), values[1]


def _issue(issued_at: datetime, values: dict[datetime, tuple[float, float]]) -> WeatherForecast:
    instants = tuple(sorted(values))
    return WeatherForecast(
        issued_at, instants, tuple(values[at][0] for at in instants), tuple(values[at][1] for at in instants)
    )
