"""Means of measurements over steps, reckoned by the database; quarter hours are kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from data.database import Row, Topic

AT_MOST = 2000
"""Quarter hours summed up in one transaction; who reports on one of them waits that long."""

QUARTER = timedelta(minutes=15)


@dataclass(frozen=True)
class MeasurementMean:
    """Mean of a feeder's readings in the step that begins at `starts_at`; None where the meter did not say."""

    starts_at: datetime
    power_kw: float
    solar_kw: float | None
    other_load_kw: float | None


@dataclass(frozen=True)
class Quarters:
    """Mean powers [kW] of a feeder's quarter hours in columns, ascending in `starts_s` [s since the epoch]; None: not measured."""

    starts_s: tuple[int, ...] = ()
    power_kw: tuple[float, ...] = ()
    solar_kw: tuple[float | None, ...] = ()
    other_load_kw: tuple[float | None, ...] = ()


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

    async def sum_quarters(self, site_id: str, until: datetime) -> int:
        """Bring the quarter hours that begin before `until` up to date with every reading there is; how many were due."""
        due = 0
        while True:
            async with self._db.transaction() as work:
                taken = await work.rows("take_quarters_due", site_id=site_id, until=until, most=AT_MOST)
                # statements of their own: they see the readings of everybody the one above has waited for
                for feeder_id, starts_at in _by_day(taken):
                    since, end = min(starts_at), max(starts_at) + QUARTER
                    await work.run(
                        "sum_quarters",
                        site_id=site_id,
                        feeder_id=feeder_id,
                        since=since,
                        until=end,
                        starts_at=starts_at,
                    )
            due += len(taken)
            if len(taken) < AT_MOST:
                return due

    async def quarters(self, site_id: str, feeder_id: str, since: datetime, until: datetime) -> Quarters:
        """A feeder's quarter hours that begin in `[since, until)`, as last summed up."""
        row = await self._db.row("quarters", site_id=site_id, feeder_id=feeder_id, since=since, until=until)
        if row is None or row["starts_s"] is None:
            return Quarters()
        columns = ("starts_s", "power_kw", "solar_kw", "other_load_kw")
        return Quarters(*(tuple(row[column]) for column in columns))


def _by_day(due: Sequence[Row]) -> Iterator[tuple[str, list[datetime]]]:
    """Quarter hours of each feeder, day by day."""
    days: dict[tuple[str, date], list[datetime]] = defaultdict(list)
    for row in due:
        days[row["feeder_id"], row["starts_at"].astimezone(UTC).date()].append(row["starts_at"])
    for (feeder_id, _), starts_at in days.items():
        yield feeder_id, starts_at
