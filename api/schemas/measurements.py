"""Readings of meters on feeders, and alarms."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from api.schemas.common import Body, Id, Instant, SignedPowerKw, View
from cpms.domain.errors import InvalidInput
from cpms.domain.site import Site
from cpms.domain.telemetry import NO_PHASES, FeederMeasurement

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far ahead of ours a meter's clock may be."""

PhaseCurrentA = Annotated[float, Field(ge=-100_000, le=100_000, description="A")]


class MeasurementBody(Body):
    """A reading of a feeder's meter (default: the grid connection). Only there, `solar_kw` and `other_load_kw` make sense."""

    feeder_id: Id | None = None
    measured_at: Instant
    power_kw: SignedPowerKw
    current_a: tuple[PhaseCurrentA | None, PhaseCurrentA | None, PhaseCurrentA | None] = Field(
        NO_PHASES, description="L1, L2, L3 in A; null where not measured"
    )
    solar_kw: SignedPowerKw | None = Field(None, description="Generated, in kW; inverters draw a little at night")
    other_load_kw: SignedPowerKw | None = Field(None, description="Before solar, without vehicles, in kW")

    def to_domain(self, site: Site, now: datetime, name: str) -> FeederMeasurement:
        """The measurement; InvalidInput under `name` for unknown feeders and readings from the future."""
        feeder_id = self.feeder_id or site.root.id
        if feeder_id not in site.feeder_by_id:
            raise InvalidInput(
                f"{name}.feeder_id",
                f"{feeder_id!r} is not a feeder of site {site.id}",
                f"use {sorted(site.feeder_by_id)}",
            )
        if self.measured_at > now + CLOCK_TOLERANCE:
            raise InvalidInput(
                f"{name}.measured_at", f"is later than {now.isoformat()}, our present", "correct the meter's clock"
            )
        return FeederMeasurement(
            site_id=site.id,
            feeder_id=feeder_id,
            measured_at=self.measured_at,
            power_kw=self.power_kw,
            current_a=self.current_a,
            solar_kw=self.solar_kw,
            other_load_kw=self.other_load_kw,
        )


class MeasurementsBody(Body):
    """Readings; of two of one feeder and instant what the later says counts."""

    items: list[MeasurementBody] = Field(min_length=1, max_length=10_000)

    def to_domain(self, site: Site, now: datetime) -> tuple[FeederMeasurement, ...]:
        """The measurements."""
        return tuple(item.to_domain(site, now, f"items[{index}]") for index, item in enumerate(self.items))


class AcceptedMeasurements(View):
    """How many readings are stored now (those that corrected or completed earlier ones included)."""

    accepted: int


class MeasurementView(View):
    """A reading of a feeder's meter."""

    feeder_id: str
    measured_at: datetime
    power_kw: float
    current_a: list[float | None]
    solar_kw: float | None
    other_load_kw: float | None

    @classmethod
    def of(cls, measurement: FeederMeasurement) -> MeasurementView:
        """A stored measurement."""
        return cls(
            feeder_id=measurement.feeder_id,
            measured_at=measurement.measured_at,
            power_kw=measurement.power_kw,
            current_a=list(measurement.current_a),
            solar_kw=measurement.solar_kw,
            other_load_kw=measurement.other_load_kw,
        )
