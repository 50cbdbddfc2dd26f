"""What a site's controller sees now: what is in force, what might still be drawn, and why."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from api.schemas.common import View
from cpms.control.kept import Kept
from cpms.control.state import ConnectorState, FeederState, SiteState
from cpms.domain.plan import PlanStatus
from cpms.domain.units import Phase


class LiveConnector(View):
    """A connector now; currents in A per phase."""

    station_id: str
    connector_id: int
    online: bool
    confirmed: bool = Field(description="The station confirmed its default profile since it started")
    quarantined: bool = Field(description="It drew more than it was allowed")
    session_id: str | None
    power_kw: float | None = Field(description="Measured")
    limit_a: float = Field(description="Acknowledged by the station")
    worst_case_a: float = Field(description="The most it may draw, whatever was lost on the way")
    planned_a: float | None
    lease_ends_at: datetime | None
    why: str
    clock_error_s: float | None = Field(description="How far its station's clock is ahead, as measured; null: not yet")
    late_s: float = Field(description="How late what it is told to lower may be over: clock and vehicle; counted")
    single_phase: Phase | None = Field(description="The phase it is told to charge on alone; null: all of its phases")

    @classmethod
    def of(cls, state: ConnectorState) -> LiveConnector:
        """A connector of the controller's view."""
        return cls(
            station_id=state.connector.station_id,
            connector_id=state.connector.connector_id,
            online=state.online,
            confirmed=state.confirmed,
            quarantined=state.quarantined,
            session_id=state.session_id,
            power_kw=state.power_kw,
            limit_a=state.limit_a,
            worst_case_a=state.worst_case_a,
            planned_a=state.planned_a,
            lease_ends_at=state.lease_ends_at,
            why=state.why,
            clock_error_s=state.clock_error_s,
            late_s=state.late_s,
            single_phase=state.single_phase,
        )


class LiveFeeder(View):
    """A feeder now; lists are L1, L2, L3 in A, other load included."""

    feeder_id: str
    limit_a: float
    limit_kw: float | None
    reason: str = Field(description="Who sets the lowest limit in kW")
    worst_case_a: list[float]
    worst_case_kw: float
    headroom_a: list[float]
    headroom_kw: float | None
    measured_kw: float | None
    measured_at: datetime | None
    shedding: bool = Field(description="A measured overload is being cleared")

    @classmethod
    def of(cls, state: FeederState) -> LiveFeeder:
        """A feeder of the controller's view."""
        return cls(
            feeder_id=state.feeder_id,
            limit_a=state.limit_a,
            limit_kw=state.limit_kw,
            reason=state.reason,
            worst_case_a=list(state.worst_case_a),
            worst_case_kw=state.worst_case_kw,
            headroom_a=list(state.headroom_a),
            headroom_kw=state.headroom_kw,
            measured_kw=state.measured_kw,
            measured_at=state.measured_at,
            shedding=state.shedding,
        )


class KeptRoom(View):
    """Room that is kept for a connector that cannot be told anything now, or is not believed."""

    station_id: str
    connector_id: int
    power_kw: float = Field(description="Beyond its fallback, at the highest voltage")
    why: str
    until: datetime | None = Field(description="At the latest; null: until something happens")

    @classmethod
    def of(cls, one: Kept) -> KeptRoom:
        """Of the controller's view."""
        key = one.connector
        return cls(
            station_id=key.station_id,
            connector_id=key.connector_id,
            power_kw=one.power_kw,
            why=one.why,
            until=one.until,
        )


class LiveSite(View):
    """A site now."""

    at: datetime
    connectors: list[LiveConnector]
    feeders: list[LiveFeeder]
    plan_id: str | None
    plan_status: PlanStatus | None
    plan_made_at: datetime | None
    kept: list[KeptRoom] = Field(description="For whom room is kept that nobody else can have, and why, most first")
    planning_because: list[str] = Field(description="Why a new plan is being made; empty while none is")

    @classmethod
    def of(cls, state: SiteState) -> LiveSite:
        """The controller's view."""
        return cls(
            at=state.at,
            connectors=[LiveConnector.of(connector) for connector in state.connectors],
            feeders=[LiveFeeder.of(feeder) for feeder in state.feeders],
            plan_id=state.plan_id,
            plan_status=state.plan_status,
            plan_made_at=state.plan_made_at,
            kept=[KeptRoom.of(one) for one in state.kept],
            planning_because=list(state.planning_because),
        )
