"""A day as data: the site, who comes when, what the sky and the building do, and what energy costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from cpms.domain.grid import DemandResponseEvent, GridLimit, LimitTimeline
from cpms.domain.identity import ConnectorKey
from cpms.domain.site import Site
from cpms.domain.tariff import Tariff
from cpms.domain.telemetry import FeederMeasurement
from cpms.simulation.vehicle import Vehicle

OCPP_16 = "ocpp1.6"
OCPP_201 = "ocpp2.0.1"
USUAL_STAY = timedelta(hours=4)
"""Believed of a vehicle of which nothing is known."""


@dataclass(frozen=True)
class Visit:
    """One vehicle's stay. What its driver states may differ from what happens (`vehicle.final_kwh`, `departs_at`); who states
    nothing has both None, and `expected_departs_at` is then what the site's past makes likely."""

    id_tag: str
    connector: ConnectorKey
    arrives_at: datetime
    departs_at: datetime
    vehicle: Vehicle
    stated_kwh: float | None = None
    stated_departs_at: datetime | None = None
    priority: int = 0
    expected_departs_at: datetime | None = None

    @property
    def due_kwh(self) -> float:
        """What meeting the need means [kWh]: as much as was asked for, or as the vehicle takes if that is less."""
        return self.vehicle.final_kwh if self.stated_kwh is None else min(self.stated_kwh, self.vehicle.final_kwh)

    @property
    def told_departs_at(self) -> datetime:
        """The departure that can be known on arrival: as stated, else as likely; `departs_at` is known to nobody."""
        return self.stated_departs_at or self.expected_departs_at or self.arrives_at + USUAL_STAY


@dataclass(frozen=True)
class Day:
    """One day of a site. `solar_kw`, `other_load_kw`: [kW] at each whole minute from `starts_at`, linear in between.

    `protocols`: OCPP subprotocol per station. `history`: measurements of the days before. `past_sessions`: a file of sessions; those
    that had ended when the day began are the site's past. `notes`: what to know of how the day was made. `clocks_ahead`: stations
    whose clocks are wrong, and how far they are ahead. `ignore_phases`: stations that do not do what numberPhases says.
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
    past_sessions: Path | None = None
    notes: tuple[str, ...] = ()
    clocks_ahead: Mapping[str, timedelta] = field(default_factory=dict)
    ignore_phases: frozenset[str] = frozenset()

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


def with_wrong_clocks(day: Day, off_s: float, seed: int) -> Day:
    """The same day at stations whose clocks are off by up to `off_s` [s] either way."""
    random = Random(seed)  # noqa: S311  repeatable, no secret
    clocks = {station.id: timedelta(seconds=random.uniform(-off_s, off_s)) for station in day.site.stations}
    return replace(day, clocks_ahead=clocks) if off_s > 0 else day
