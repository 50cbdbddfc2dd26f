"""A day as data: the site, who comes when, what the sky and the building do, and what energy costs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cpms.domain.grid import DemandResponseEvent, GridLimit, LimitTimeline
from cpms.domain.identity import ConnectorKey
from cpms.domain.site import Site
from cpms.domain.tariff import Tariff
from cpms.domain.telemetry import FeederMeasurement
from cpms.simulation.vehicle import Vehicle

OCPP_16 = "ocpp1.6"
OCPP_201 = "ocpp2.0.1"


@dataclass(frozen=True)
class Visit:
    """One vehicle's stay. What its driver states may differ from what happens (`vehicle.final_kwh`, `departs_at`)."""

    id_tag: str
    connector: ConnectorKey
    arrives_at: datetime
    departs_at: datetime
    vehicle: Vehicle
    stated_kwh: float
    stated_departs_at: datetime
    priority: int = 0

    @property
    def due_kwh(self) -> float:
        """What meeting the need means [kWh]: as much as was asked for, or as the vehicle takes if that is less."""
        return min(self.stated_kwh, self.vehicle.final_kwh)


@dataclass(frozen=True)
class Day:
    """One day of a site. `solar_kw`, `other_load_kw`: [kW] at each whole minute from `starts_at`, linear in between.

    `protocols`: OCPP subprotocol per station. `history`: measurements of the days before.
    """

    name: str
    site: Site
    protocols: dict[str, str]
    visits: tuple[Visit, ...]
    tariff: Tariff
    starts_at: datetime
    duration_s: int
    solar_kw: tuple[float, ...]
    other_load_kw: tuple[float, ...]
    limits: tuple[GridLimit, ...] = ()
    events: tuple[DemandResponseEvent, ...] = ()
    history: tuple[FeederMeasurement, ...] = ()

    @property
    def ends_at(self) -> datetime:
        """The end of the day."""
        return self.starts_at + timedelta(seconds=self.duration_s)

    @property
    def timeline(self) -> LimitTimeline:
        """Every limit of the site, events included."""
        return LimitTimeline.of(self.site, self.limits, self.events)

    def second_of(self, instant: datetime) -> int:
        """Whole seconds from the start of the day to `instant`."""
        return int((instant - self.starts_at).total_seconds())

    def instant_of(self, second: float) -> datetime:
        """The instant `second` seconds [s] after the start of the day."""
        return self.starts_at + timedelta(seconds=second)
