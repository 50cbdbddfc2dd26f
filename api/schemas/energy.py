"""Energy over time, of sites and connectors."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pydantic import Field

from api.schemas.common import Shown, View
from cpms.domain.identity import ConnectorKey
from cpms.domain.time import Resolution
from data.energy import EnergyStep


class EnergyStepView(View):
    """What was given in `[starts_at, ends_at)`."""

    starts_at: datetime
    ends_at: datetime
    energy_kwh: Shown
    mean_kw: Shown
    peak_kw: Shown = Field(description="Highest mean of a quarter hour")
    max_kw: float | None = Field(
        description="Highest reading of a connector's power; null where none was read, and for sites: connectors are not read at the"
        " same instant"
    )

    @classmethod
    def of(cls, told: EnergyStep) -> EnergyStepView:
        """A step."""
        return cls(
            starts_at=told.step.starts_at,
            ends_at=told.step.ends_at,
            energy_kwh=told.energy_kwh,
            mean_kw=told.energy_kwh / told.step.duration_h,
            peak_kw=told.peak_kw,
            max_kw=told.max_kw,
        )


class EnergySeries(View):
    """Energy of the site, or of one of its connectors; every step there is, also those without."""

    station_id: str | None
    connector_id: int | None
    energy_kwh: Shown = Field(description="In all steps together")
    items: list[EnergyStepView]

    @classmethod
    def of(cls, key: ConnectorKey | None, told: Sequence[EnergyStep]) -> EnergySeries:
        """The steps of a connector, or of the site (None)."""
        return cls(
            station_id=None if key is None else key.station_id,
            connector_id=None if key is None else key.connector_id,
            energy_kwh=sum(one.energy_kwh for one in told),
            items=[EnergyStepView.of(one) for one in told],
        )


class EnergyView(View):
    """Energy into vehicles, from the registers of their connectors; quarter hours that are not over yet are left out."""

    site_id: str
    timezone: str = Field(description="Whose hours and days these are")
    resolution: Resolution
    series: list[EnergySeries]
