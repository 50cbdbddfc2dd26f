"""Stations and their connectors."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from pydantic import Field

from api.schemas.common import Body, ConnectorId, CurrentA, Id, IdTag, Text, TransactionId, View
from cpms.domain.errors import InvalidInput
from cpms.domain.identity import ConnectorKey
from cpms.domain.need import PhaseSwitching
from cpms.domain.site import Connector, Site, Station
from cpms.domain.telemetry import CommandOutcome, CommandResult, ConnectorStatus, ConnectorStatusChanged, Sample
from cpms.domain.units import MIN_CHARGING_CURRENT_A, PHASES, Phase


class SwitchingBody(Body):
    """That a connector can be told to charge on one phase (numberPhases 1): which grid phase that is, and its least time between two
    switches."""

    single: Phase | None = Field(
        None, description="The grid phase it then charges on; by default the first of its phases, the station's own L1"
    )
    min_dwell_s: float = Field(600.0, ge=0, le=86_400, description="So long it stays as it is after a switch, s")


class ConnectorBody(Body):
    """An outlet: the grid phases it loads, in the order of the station's own L1 to L3, and its range of current."""

    id: ConnectorId
    phases: list[Phase] = Field(default_factory=lambda: list(PHASES), min_length=1, max_length=3)
    max_current_a: CurrentA = 32.0
    min_current_a: CurrentA = MIN_CHARGING_CURRENT_A
    fallback_current_a: CurrentA = Field(
        0.0, description="What it may draw when nobody can be asked, A per phase: 0, or min_current_a to max_current_a"
    )
    step_a: float = Field(0.1, ge=0.1, le=16, description="Resolution of setpoints, A")
    rotation_known: bool = Field(True, description="false: its current is counted on all three phases")
    switching: SwitchingBody | None = Field(None, description="Where it can charge on one phase instead of on all")

    def to_domain(self, station_id: str) -> Connector:
        """The connector of `station_id`; InvalidInput where it contradicts itself."""
        name = f"connectors[{self.id}]"
        if len(set(self.phases)) != len(self.phases):
            raise InvalidInput(f"{name}.phases", "name a phase twice", "give each phase once")
        if not MIN_CHARGING_CURRENT_A <= self.min_current_a <= self.max_current_a:
            raise InvalidInput(
                f"{name}.min_current_a",
                f"{self.min_current_a:g} A is not between {MIN_CHARGING_CURRENT_A:g} A and max_current_a",
                "give a vehicle's least current that the connector can carry",
            )
        if self.fallback_current_a and not self.min_current_a <= self.fallback_current_a <= self.max_current_a:
            raise InvalidInput(
                f"{name}.fallback_current_a",
                f"{self.fallback_current_a:g} A is neither 0 nor between min_current_a and max_current_a",
                "give 0, or a current in that range",
            )
        return Connector(
            key=ConnectorKey(station_id, self.id),
            phases=tuple(self.phases),
            max_current_a=self.max_current_a,
            min_current_a=self.min_current_a,
            fallback_current_a=self.fallback_current_a,
            step_a=self.step_a,
            rotation_known=self.rotation_known,
            switching=self._switching(name),
        )

    def _switching(self, name: str) -> PhaseSwitching | None:
        """How it switches; InvalidInput where the room that leaves could never be relied on."""
        if self.switching is None:
            return None
        single = self.switching.single or self.phases[0]
        problems = {
            f"{single.value} is not one of several phases of the connector": len(self.phases) < 2
            or single not in self.phases,
            "which phase it loads is not known": not self.rotation_known,
            "its fallback is for all phases": self.fallback_current_a > 0,
        }
        for problem, holds in problems.items():
            if holds:
                cure = "name one of several known phases and no fallback_current_a, or leave switching out"
                raise InvalidInput(f"{name}.switching", problem, cure)
        return PhaseSwitching(single, self.switching.min_dwell_s)

    @classmethod
    def of(cls, connector: Connector) -> ConnectorBody:
        """A stored connector."""
        return cls(
            id=connector.key.connector_id,
            phases=list(connector.phases),
            max_current_a=connector.max_current_a,
            min_current_a=connector.min_current_a,
            fallback_current_a=connector.fallback_current_a,
            step_a=connector.step_a,
            rotation_known=connector.rotation_known,
            switching=None
            if connector.switching is None
            else SwitchingBody(single=connector.switching.single, min_dwell_s=connector.switching.min_dwell_s),
        )


class StationFields(Body):
    """What of a station can be changed. Without `feeder_id` it is on the root."""

    feeder_id: Id | None = None
    vendor: Text = ""
    model: Text = ""

    def make(self, station_id: str, site: Site, security_profile: int, connectors: Sequence[ConnectorBody]) -> Station:
        """The station at `site`; InvalidInput where two connectors share an id."""
        if len({connector.id for connector in connectors}) != len(connectors):
            raise InvalidInput("connectors", "two have the same id", "give each its own")
        return Station(
            id=station_id,
            site_id=site.id,
            feeder_id=self.feeder_id or site.root.id,
            connectors=tuple(connector.to_domain(station_id) for connector in connectors),
            security_profile=security_profile,
            vendor=self.vendor,
            model=self.model,
        )


class NewStation(StationFields):
    """A station to create. Without `connectors` it has one of 32 A on three phases; without `feeder_id` it is on the root.

    `security_profile` as in OCPP: 0 open (for isolated networks only), 1 basic authentication, 2 the same behind TLS.
    """

    id: Id
    site_id: Id
    security_profile: Literal[0, 1, 2] = 1
    connectors: list[ConnectorBody] = Field(default_factory=lambda: [ConnectorBody(id=1)], min_length=1, max_length=100)

    def to_domain(self, site: Site) -> Station:
        """The station."""
        return self.make(self.id, site, self.security_profile, self.connectors)


class StationBody(StationFields):
    """A station as it shall be; connectors that are left out go out of service. Its key and security profile stay."""

    id: Id | None = Field(None, description="Where given, the same as in the path")
    site_id: Id | None = Field(None, description="Where given, the one it stands at")
    connectors: list[ConnectorBody] = Field(min_length=1, max_length=100)

    def to_domain(self, known: Station, site: Site) -> Station:
        """The station `known` of `site`, changed."""
        for name, given, kept in (("id", self.id, known.id), ("site_id", self.site_id, known.site_id)):
            if given not in (None, kept):
                raise InvalidInput(name, f"{given} is not {kept}", "leave it out; a station keeps it")
        return self.make(known.id, site, known.security_profile, self.connectors)


class StationView(View):
    """A station as it is configured, and whether it is connected."""

    id: str
    site_id: str
    feeder_id: str
    security_profile: int
    vendor: str
    model: str
    connectors: list[ConnectorBody]
    connected: bool
    retired_at: datetime | None = Field(description="Out of service since then")
    connection_path: str = Field(description="Where it connects, on the OCPP port", examples=["/ocpp/CP-1"])

    @classmethod
    def of(cls, station: Station, connected: bool) -> StationView:
        """A stored station."""
        return cls(**_station_fields(station, connected))


class CreatedStation(StationView):
    """A station and its key, which is told this once; null for security profile 0."""

    key: str | None

    @classmethod
    def with_key(cls, station: Station, key: str | None) -> CreatedStation:
        """A station just created, which cannot be connected yet."""
        return cls(**_station_fields(station, False), key=key)


class StationKey(View):
    """A station's new key, which is told this once."""

    key: str


class ReadingView(View):
    """The last reading of a connector's meter; what it did not say is null."""

    sampled_at: datetime
    power_kw: float | None
    energy_kwh: float | None = Field(description="Import register, lifetime, kWh")
    current_a: list[float | None] = Field(description="L1 to L3 of the station")
    voltage_v: list[float | None]
    offered_a: float | None
    soc_pct: float | None

    @classmethod
    def of(cls, sample: Sample) -> ReadingView:
        """A sample."""
        return cls(
            sampled_at=sample.sampled_at,
            power_kw=sample.power_kw,
            energy_kwh=sample.energy_kwh,
            current_a=list(sample.current_a),
            voltage_v=list(sample.voltage_v),
            offered_a=sample.offered_a,
            soc_pct=sample.soc_pct,
        )


class ConnectorStatusView(View):
    """What a connector last said of itself; `connector_id` 0 is the station."""

    connector_id: int
    status: ConnectorStatus
    error_code: str
    info: str
    changed_at: datetime

    @classmethod
    def of(cls, event: ConnectorStatusChanged) -> ConnectorStatusView:
        """A status notification."""
        return cls(
            connector_id=event.connector_id,
            status=event.status,
            error_code=event.error_code,
            info=event.info,
            changed_at=event.changed_at or event.received_at,
        )


class RemoteStartBody(Body):
    """Start charging for `id_tag`."""

    connector_id: ConnectorId
    id_tag: IdTag


class RemoteStopBody(Body):
    """Stop a transaction."""

    transaction_id: TransactionId


class CommandView(View):
    """What a station answered. Only "accepted" means that it agreed."""

    outcome: CommandOutcome
    detail: str
    values: dict[str, object]

    @classmethod
    def of(cls, result: CommandResult) -> CommandView:
        """An answer."""
        return cls(outcome=result.outcome, detail=result.detail, values=result.values)


def _station_fields(station: Station, connected: bool) -> dict[str, object]:
    return {
        "id": station.id,
        "site_id": station.site_id,
        "feeder_id": station.feeder_id,
        "security_profile": station.security_profile,
        "vendor": station.vendor,
        "model": station.model,
        "connectors": [
            ConnectorBody.of(connector)
            for connector in (station.connectors if station.retired_at else station.connectors_in_service)
        ],
        "connected": connected,
        "retired_at": station.retired_at,
        "connection_path": f"/ocpp/{station.id}",
    }
