"""Every setting of the product, in one place. Each is set by an environment variable named `CPMS_` + its name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from cpms.domain.errors import InvalidInput
from cpms.domain.time import AcceleratedClock, Clock, SystemClock

PREFIX = "CPMS_"
LATENCY_S = 0.5
"""Real seconds [s] that a message may take on a machine that does nothing else."""


def default_data_dir() -> Path:
    """`$XDG_DATA_HOME/cpms`, by default `~/.local/share/cpms`."""
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "cpms"


class Settings(BaseSettings):
    """The settings, typed; a value that cannot be used is refused at start, by name."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    data_dir: Path = Field(default_factory=default_data_dir, description="where the embedded database lives")
    database_url: SecretStr | None = Field(
        default=None, description="PostgreSQL to use (postgresql://...); without one, a database is embedded"
    )
    ocpp_host: str = Field(default="127.0.0.1", description="address on which stations are served")
    ocpp_port: int = Field(default=9000, ge=0, le=65535, description="port on which stations are served")
    api_host: str = Field(default="127.0.0.1", description="address on which the API is served")
    api_port: int = Field(default=8080, ge=0, le=65535, description="port on which the API is served")
    heartbeat_interval_s: int = Field(default=300, ge=1, description="asked of stations at boot [s]")
    call_timeout_s: float = Field(default=30.0, gt=0, description="how long a station may take to answer [s]")
    lease_s: float = Field(default=900.0, ge=60, description="how long a grant lasts without renewal [s]")
    cycle_s: float = Field(default=300.0, ge=10, description="a plan is made at least this often [s]")
    plan_step_s: int = Field(default=300, ge=60, le=3600, description="length of a plan's first steps [s]")
    departure_margin_s: float = Field(
        default=1800.0, ge=0, description="plans are done this long before departures [s]"
    )
    phases_trusted_s: float = Field(
        default=180.0, ge=0, description="a vehicle that charged so long on fewer phases is counted on these only [s]"
    )
    ramp_s: float = Field(default=10.0, ge=0, description="how long a vehicle may take to follow a decrease [s]")
    clock_margin_s: float = Field(
        default=10.0, ge=0, description="how far behind a station's clock may be that seems right [s]"
    )
    clock_transit_s: float | None = Field(
        default=None,
        ge=0,
        description="lateness of a station's messages that is no clock's [s]; default: 0 in real time",
    )
    forecast_cycle_s: float = Field(default=900.0, ge=60, description="forecasts are made this often [s]")
    weather: str = Field(
        default="none",
        pattern=r"^(none|open-meteo(:https?://.+)?|file:.+)$",
        description="where weather forecasts come from: none, open-meteo, open-meteo:URL or file:PATH",
    )
    prices: str = Field(
        default="none",
        pattern=r"^(none|entsoe(:https?://.+)?|file:.+)$",
        description="where day-ahead prices come from: none, entsoe, entsoe:URL or file:PATH (the platform's CSV)",
    )
    entsoe_token: SecretStr | None = Field(
        default=None, description="security token of the ENTSO-E Transparency Platform"
    )
    carbon: str = Field(
        default="none",
        pattern=r"^(none|gb(:https?://.+)?|file:.+)$",
        description="where the grid's CO2 per kWh comes from: none, gb (sites in Great Britain), gb:URL or file:PATH (CSV)",
    )
    co2_price_per_kg: float = Field(
        default=0.0, ge=0, description="what a kg of CO2 counts in plans, in the site's currency"
    )
    likely_arrivals: bool = Field(
        default=True,
        description="whether plans reckon with vehicles that usually come, and with the month's other peaks",
    )
    training_cycle_s: float = Field(default=86400.0, ge=3600, description="forecast models are trained this often [s]")
    training_timeout_s: float = Field(default=900.0, gt=0, description="after this a training is given up [s]")
    plan_timeout_s: float = Field(default=30.0, gt=0, description="after this a solve is given up [s]")
    plan_time_limit_s: float = Field(default=10.0, gt=0, description="what the solver itself is given [s]")
    plan_gap_target: float = Field(
        default=0.005, gt=0, le=1, description="certified gap at which a plan is good enough"
    )
    planner_processes: int = Field(default=1, ge=1, le=64, description="worker processes that solve")
    default_need_kwh: float = Field(
        default=20.0, gt=0, description="need of a session about which nothing is known [kWh]"
    )
    default_stay_h: float = Field(default=4.0, gt=0, description="stay of a session about which nothing is known [h]")
    raw_messages_days: float = Field(default=30.0, gt=0, description="how long messages are kept as they came [days]")
    samples_days: float | None = Field(
        default=None,
        ge=400,
        description="how long meter samples are kept [days]; without: for ever. Quarter hours of energy stay in any case",
    )
    control_history_days: float = Field(
        default=400.0, ge=1, description="how long old plans, forecasts, grants and station events are kept [days]"
    )
    clock: str | None = Field(
        default=None, description="accelerated clock of a demonstration: starts_at|ends_at|speed|origin_s"
    )
    latency_s: float = Field(
        default=LATENCY_S,
        gt=0,
        description="under an accelerated clock: what a message may take [real s]; without one it is no matter",
    )
    log_level: str = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR")

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, value: str) -> str:
        if value.upper() not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
            raise ValueError("use DEBUG, INFO, WARNING or ERROR")
        return value.upper()

    @field_validator("clock")
    @classmethod
    def _readable_clock(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                AcceleratedClock.parse(value)
            except InvalidInput as error:
                raise ValueError(error.problem) from error
        return value

    def make_clock(self) -> Clock:
        """The machine's clock, or the accelerated one of a demonstration."""
        return SystemClock() if self.clock is None else AcceleratedClock.parse(self.clock)


def load_settings() -> Settings:
    """Settings from the environment; InvalidInput names the first variable that cannot be used."""
    unknown = sorted(name for name in os.environ if name.startswith(PREFIX) and not _is_known(name))
    if unknown:
        raise InvalidInput(unknown[0], "is no setting", "`cpms settings` lists them all")
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0])
        meaning = Settings.model_fields[field].description or ""
        raise InvalidInput(PREFIX + field.upper(), f"{first['input']!r}: {first['msg']}", f"it is {meaning}") from error


def _is_known(name: str) -> bool:
    return name.removeprefix(PREFIX).lower() in Settings.model_fields or name.startswith("CPMS_REQUIRE_")


@dataclass(frozen=True)
class SettingShown:
    """A setting as `cpms settings` shows it."""

    name: str
    value: Any
    source: str
    description: str


def shown(settings: Settings) -> Iterator[SettingShown]:
    """Every setting with its value and where that came from; secrets stay hidden."""
    for field, info in Settings.model_fields.items():
        name = PREFIX + field.upper()
        source = "environment" if name in os.environ else "default"
        yield SettingShown(name, getattr(settings, field), source, info.description or "")
