"""A vehicle's stay at a connector, and what it needs."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

from cpms.domain.identity import ConnectorKey
from cpms.domain.units import Phase


class SessionState(enum.Enum):
    """Where a session is in its life; `SUSPENDED` is connected but drawing nothing."""

    PREPARING = "preparing"
    CHARGING = "charging"
    SUSPENDED = "suspended"
    ENDED = "ended"


class NeedSource(enum.Enum):
    """Who says what a session needs."""

    DRIVER = "driver"
    OPERATOR = "operator"
    FORECAST = "forecast"


@dataclass(frozen=True)
class EnergyNeed:
    """Energy [kWh, counted from the start of the session] wanted by an instant; `minimum_now_kwh` of it as soon as possible.

    `early_kwh` of it is what vehicles like this take; by `early_at` it may already leave (None: no earlier than said).
    """

    energy_kwh: float
    departs_at: datetime
    source: NeedSource = NeedSource.DRIVER
    minimum_now_kwh: float = 0.0
    early_kwh: float = 0.0
    early_at: datetime | None = None


@dataclass(frozen=True)
class Session:
    """One session. `transaction_id` is the station's (2.0.1) or ours (1.6), unique per station.

    `meter_start_kwh`: the register when it began, None while unknown. `energy_kwh`: delivered so far [kWh]. `active_phases`: phases
    the vehicle was seen to use, None while unknown.
    `priority`: 0 normal, higher is served first when not all can be. `estimated`: reconstructed, e.g. closed without a stop.
    """

    id: str
    site_id: str
    connector: ConnectorKey
    transaction_id: str
    started_at: datetime
    id_tag: str | None = None
    meter_start_kwh: float | None = 0.0
    energy_kwh: float = 0.0
    state: SessionState = SessionState.PREPARING
    need: EnergyNeed | None = None
    priority: int = 0
    active_phases: tuple[Phase, ...] | None = None
    ended_at: datetime | None = None
    stop_reason: str | None = None
    estimated: bool = False


@dataclass(frozen=True)
class PastSession:
    """A session that is over, as another network's books tell it, at `line` of their file.

    `session_id` is theirs, unique per station. `connector_id`: None where they do not say. `energy_kwh`: delivered [kWh]. `need`: what
    the driver stated when it began, None where nobody did. `id_tag`: whoever charged, as a token of ours would be called.
    """

    line: int
    session_id: str
    station_id: str
    connector_id: int | None
    started_at: datetime
    ended_at: datetime
    energy_kwh: float
    need: EnergyNeed | None = None
    id_tag: str | None = None
