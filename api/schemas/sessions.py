"""Sessions, their needs and their samples."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from api.schemas.common import Body, Instant, Shown, View
from api.schemas.stations import ReadingView
from cpms.domain.errors import InvalidInput
from cpms.domain.session import EnergyNeed, NeedSource, Session, SessionState
from cpms.domain.telemetry import Sample
from cpms.domain.units import Phase


class NeedBody(Body):
    """What a session needs: energy counted from its start, until an instant."""

    energy_kwh: float = Field(ge=0, le=10_000, description="kWh since the start of the session", examples=[24.5])
    departs_at: Instant
    priority: int | None = Field(None, ge=0, le=9, description="Higher is served first; null leaves it as it is")
    source: Literal["driver", "operator"] = "driver"
    minimum_now_kwh: float = Field(0.0, ge=0, le=10_000, description="kWh of it that are wanted as soon as possible")

    def to_domain(self) -> EnergyNeed:
        """The need; InvalidInput where more is wanted at once than in all."""
        if self.minimum_now_kwh > self.energy_kwh:
            raise InvalidInput("minimum_now_kwh", "is above energy_kwh", "give at most what is wanted in all")
        return EnergyNeed(self.energy_kwh, self.departs_at, NeedSource(self.source), self.minimum_now_kwh)


class NeedView(View):
    """What a session needs, and who says so."""

    energy_kwh: float
    departs_at: datetime
    source: NeedSource
    minimum_now_kwh: float

    @classmethod
    def of(cls, need: EnergyNeed) -> NeedView:
        """A stored need."""
        return cls(
            energy_kwh=need.energy_kwh,
            departs_at=need.departs_at,
            source=need.source,
            minimum_now_kwh=need.minimum_now_kwh,
        )


class SessionView(View):
    """A vehicle's stay at a connector. `estimated`: it was reconstructed, for example closed without a stop."""

    id: str
    site_id: str
    station_id: str
    connector_id: int
    transaction_id: str
    id_tag: str | None
    state: SessionState
    started_at: datetime
    ended_at: datetime | None
    energy_kwh: Shown = Field(description="Delivered so far")
    meter_start_kwh: float | None
    need: NeedView | None
    priority: int
    active_phases: list[Phase] | None
    stop_reason: str | None
    estimated: bool

    @classmethod
    def of(cls, session: Session) -> SessionView:
        """A stored session."""
        need = session.need
        return cls(
            id=session.id,
            site_id=session.site_id,
            station_id=session.connector.station_id,
            connector_id=session.connector.connector_id,
            transaction_id=session.transaction_id,
            id_tag=session.id_tag,
            state=session.state,
            started_at=session.started_at,
            ended_at=session.ended_at,
            energy_kwh=session.energy_kwh,
            meter_start_kwh=session.meter_start_kwh,
            need=None if need is None else NeedView.of(need),
            priority=session.priority,
            active_phases=None if session.active_phases is None else list(session.active_phases),
            stop_reason=session.stop_reason,
            estimated=session.estimated,
        )


class SampleView(ReadingView):
    """A reading during a session."""

    received_at: datetime
    derived: bool = Field(description="power_kw was computed, not measured")

    @classmethod
    def of(cls, sample: Sample) -> SampleView:
        """A stored sample."""
        reading = ReadingView.of(sample)
        return cls(**dict(reading), received_at=sample.received_at, derived=sample.derived)
