"""Means of measurements over steps, reckoned by the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from data.database import Topic


@dataclass(frozen=True)
class MeasurementMean:
    """Mean of a feeder's readings in the step that begins at `starts_at`; None where the meter did not say."""

    starts_at: datetime
    power_kw: float
    solar_kw: float | None
    other_load_kw: float | None


class Means(Topic):
    """Measurements, coarser."""

    async def measurement_means(
        self, site_id: str, feeder_id: str, since: datetime, until: datetime, step_s: int
    ) -> tuple[MeasurementMean, ...]:
        """Means over whole steps of `step_s` [s] since the epoch, of readings in `[since, until)`; steps without are left out."""
        rows = await self._db.rows(
            "measurement_means", site_id=site_id, feeder_id=feeder_id, since=since, until=until, step_s=step_s
        )
        return tuple(
            MeasurementMean(
                row["starts_at"].astimezone(UTC), row["power_kw"], row["solar_kw"], row["other_load_kw"]
            )
            for row in rows
        )  # fmt: skip
