"""The site: a tree of feeders with stations on it.

grid connection (root feeder)      limit per phase [A]
 +-- feeder                        limit per phase [A]
 |    +-- station -- connector(s)  phases, current range
 +-- feeder ...
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from cpms.domain.errors import InvalidInput
from cpms.domain.identity import ConnectorKey
from cpms.domain.need import PhaseSwitching
from cpms.domain.policy import PlanningPolicy
from cpms.domain.units import MIN_CHARGING_CURRENT_A, PHASES, Phase, power_kw


@dataclass(frozen=True)
class Feeder:
    """A node of the site's tree of electrical limits; `limit_a` is per phase [A]. The root has no parent."""

    id: str
    limit_a: float
    parent_id: str | None = None


@dataclass(frozen=True)
class Place:
    """A point on the ground [deg], north and east positive."""

    latitude_deg: float
    longitude_deg: float


@dataclass(frozen=True)
class SolarArray:
    """A photovoltaic array. Azimuth in degrees clockwise from north, tilt from horizontal, `peak_kw` at STC [kW]."""

    latitude_deg: float
    longitude_deg: float
    tilt_deg: float
    azimuth_deg: float
    peak_kw: float


@dataclass(frozen=True)
class Connector:
    """An outlet. `phases` are the grid phases it loads, in the order of the station's own L1..L3 (phase rotation).

    `fallback_current_a` [A per phase]: what it may draw when nobody can be asked; 0 or at least the minimum current.
    `step_a` [A]: the station's resolution of setpoints. `rotation_known=False`: counted on all phases (invariant G9).
    `switching`: it can be told to charge on one phase instead of on all (numberPhases); None: it cannot.
    `retired`: taken out of service, and counted only until nothing that it was granted can be in force.
    """

    key: ConnectorKey
    phases: tuple[Phase, ...] = PHASES
    max_current_a: float = 32.0
    min_current_a: float = MIN_CHARGING_CURRENT_A
    fallback_current_a: float = 0.0
    step_a: float = 0.1
    rotation_known: bool = True
    switching: PhaseSwitching | None = None
    retired: bool = False

    def max_power_kw(self, voltage_v: float) -> float:
        """Nameplate power [kW] at `voltage_v` [V, phase to neutral]."""
        return power_kw(self.max_current_a, voltage_v, len(self.phases))

    @property
    def counted_phases(self) -> tuple[Phase, ...]:
        """Phases on which its current counts against limits."""
        return self.phases if self.rotation_known else PHASES


@dataclass(frozen=True)
class Station:
    """A charging station on a feeder. `security_profile` as in OCPP: 0 open, 1 basic auth, 2 TLS + basic, 3 mutual TLS.

    `retired_at`: out of service since then; its connectors are as they were.
    """

    id: str
    site_id: str
    feeder_id: str
    connectors: tuple[Connector, ...]
    security_profile: int = 1
    vendor: str = ""
    model: str = ""
    retired_at: datetime | None = None

    @property
    def connectors_in_service(self) -> tuple[Connector, ...]:
        """Connectors that may be used."""
        return tuple(connector for connector in self.connectors if not connector.retired)


@dataclass(frozen=True)
class Site:
    """A site behind one grid connection.

    `voltage_v` / `max_voltage_v` [V, phase to neutral]: nominal, and the most that limits in kW reckon with (G11).
    `reserved_other_load_kw` [kW]: bound on everything behind the meter but vehicles, before solar, spread evenly
    over the phases of the root feeder; counted always (G1). `import_limit_kw` [kW]: contractual cap, None if there is none.
    `export_limit_kw` [kW]: most that may be fed into the grid, None if there is no cap; plans charge against it.
    `policy`: what its operator wants of plans.
    `region`: whose public holidays its load knows, ISO 3166-1 alpha-2 or 3166-2 ("US", "DE-BY"); None: no holidays.
    `place`: whose weather its load knows; None: where its array is, if it has one.
    """

    id: str
    name: str
    timezone: str
    currency: str
    feeders: tuple[Feeder, ...]
    stations: tuple[Station, ...] = ()
    voltage_v: float = 230.0
    max_voltage_v: float = 253.0
    import_limit_kw: float | None = None
    reserved_other_load_kw: float = 0.0
    solar: SolarArray | None = None
    region: str | None = None
    export_limit_kw: float | None = None
    policy: PlanningPolicy = field(default_factory=PlanningPolicy)
    place: Place | None = None

    def __post_init__(self) -> None:
        require_tree(self.feeders)
        known = {feeder.id for feeder in self.feeders}
        for station in self.stations:
            if station.feeder_id not in known:
                raise InvalidInput(
                    "feeder_id",
                    f"{station.feeder_id!r} is not a feeder of site {self.id}",
                    f"use one of {sorted(known)}",
                )

    @property
    def weather_place(self) -> Place | None:
        """Whose weather counts here; the array's own where it is not where the site is. None where nobody said."""
        if self.solar is not None:
            return Place(self.solar.latitude_deg, self.solar.longitude_deg)
        return self.place

    @cached_property
    def root(self) -> Feeder:
        """The grid connection."""
        return next(feeder for feeder in self.feeders if feeder.parent_id is None)

    @cached_property
    def feeder_by_id(self) -> Mapping[str, Feeder]:
        """Feeders by id."""
        return {feeder.id: feeder for feeder in self.feeders}

    @cached_property
    def connectors(self) -> Mapping[ConnectorKey, Connector]:
        """Every connector by key."""
        return {c.key: c for station in self.stations for c in station.connectors}

    @cached_property
    def station_by_id(self) -> Mapping[str, Station]:
        """Stations by id."""
        return {station.id: station for station in self.stations}

    def path_to_root(self, feeder_id: str) -> Iterator[Feeder]:
        """The feeder and everything above it."""
        current: str | None = feeder_id
        while current is not None:
            feeder = self.feeder_by_id[current]
            yield feeder
            current = feeder.parent_id

    def feeders_of(self, key: ConnectorKey) -> tuple[str, ...]:
        """Ids of the feeders that carry a connector, from its own to the root."""
        return tuple(f.id for f in self.path_to_root(self.station_by_id[key.station_id].feeder_id))


def require_tree(feeders: tuple[Feeder, ...]) -> None:
    """InvalidInput unless `feeders` form one tree with positive limits and unique ids."""
    by_id = {feeder.id: feeder for feeder in feeders}
    if len(by_id) != len(feeders):
        raise InvalidInput("feeders", "two feeders have the same id", "give each its own")
    roots = [feeder for feeder in feeders if feeder.parent_id is None]
    if len(roots) != 1:
        raise InvalidInput("feeders", f"{len(roots)} feeders have no parent", "exactly one is the grid connection")
    for feeder in feeders:
        if not feeder.limit_a > 0:
            raise InvalidInput(
                f"feeders[{feeder.id}].limit_a", f"{feeder.limit_a} is not above 0", "give the fuse per phase in A"
            )
        seen: set[str] = set()
        current: Feeder | None = feeder
        while current is not None and current.parent_id is not None:
            if current.id in seen or current.parent_id not in by_id:
                raise InvalidInput(
                    f"feeders[{feeder.id}].parent_id",
                    "does not lead to the grid connection",
                    "correct the chain of parents",
                )
            seen.add(current.id)
            current = by_id[current.parent_id]
