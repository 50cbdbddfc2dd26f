"""What arrives in series: samples, feeder measurements, raw messages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cpms.domain.identity import ConnectorKey
from cpms.domain.telemetry import FeederMeasurement, PerPhase, Sample
from cpms.domain.time import floor_time
from data.database import Database, Row, Topic, Work
from data.energy import note_energy_due, quarters_of
from data.quarter_energy import QUARTER_S
from data.same_instant import merged
from data.sanitise import Quarantined, storable

_SAMPLE_TYPES = ("text", "int4", *("timestamptz",) * 3, "text", *("float8",) * 10, "bool")
_QUARTER = ("site_id", "feeder_id", "starts_at")
_RAW_TYPES = ("text", "timestamptz", "text", "text")


@dataclass(frozen=True)
class RawMessage:
    """A frame as it was: `direction` "in" (from the station) or "out"."""

    station_id: str
    received_at: datetime
    direction: str
    text: str


class Series(Topic):
    """Telemetry."""

    async def add_samples(self, samples: Sequence[Sample], quarantined: Sequence[Quarantined] = ()) -> None:
        """Keep samples (already sorted out, see `data.sanitise`) and the quarantined, durably and at most once each; those of one
        instant are one (see `data.same_instant`)."""
        await ensure_sample_days(self._db, samples)
        async with self._db.transaction() as work:
            await write_samples(work, samples, quarantined)
            await note_energy_due(work, quarters_of(samples))

    async def samples(self, connector: ConnectorKey, since: datetime, until: datetime) -> list[Sample]:
        """Samples of a connector in `[since, until)`, oldest first."""
        values = {"station_id": connector.station_id, "connector_id": connector.connector_id}
        return [_sample(row) for row in await self._db.rows("samples", since=since, until=until, **values)]

    async def last_values(self, site_id: str) -> dict[ConnectorKey, Sample]:
        """The newest sample of every connector of the site that has one."""
        samples = [_sample(row) for row in await self._db.rows("last_values", site_id=site_id)]
        return {sample.connector: sample for sample in samples}

    async def quarantined_samples(self, station_id: str) -> list[Row]:
        """What a station sent that could not be kept as a sample: station_id, received_at, problem, sample (text)."""
        return await self._db.rows("quarantined_samples", station_id=station_id)

    async def add_measurements(self, measurements: Sequence[FeederMeasurement]) -> None:
        """Keep measurements; of one (site, feeder, measured_at) what the later says counts, and what only the earlier says.
        InvalidInput for numbers that are not finite."""
        in_order = sorted(measurements, key=_place)  # as everybody writes them; of one place in the order they came
        await self._db.ensure_days("feeder_measurements", {m.measured_at.astimezone(UTC).date() for m in measurements})
        quarters = sorted({(m.site_id, m.feeder_id, floor_time(m.measured_at, QUARTER_S)) for m in measurements})
        async with self._db.transaction() as work:
            await work.run_many("add_measurement", map(_measurement_values, in_order))
            await work.run_many("note_quarter", (dict(zip(_QUARTER, key, strict=True)) for key in quarters))

    async def measurements(
        self, site_id: str, feeder_id: str, since: datetime, until: datetime | None = None
    ) -> list[FeederMeasurement]:
        """Measurements of a feeder in `[since, until)`, oldest first."""
        rows = await self._db.rows("measurements", site_id=site_id, feeder_id=feeder_id, since=since, until=until)
        return [_measurement(row) for row in rows]

    async def add_raw_messages(self, messages: Sequence[RawMessage]) -> None:
        """Keep frames; what PostgreSQL cannot hold as text (NUL) is kept as an escape."""
        await self._db.ensure_days("raw_messages", {m.received_at.astimezone(UTC).date() for m in messages})
        rows = [(storable(m.station_id), m.received_at, m.direction, storable(m.text)) for m in messages]
        async with self._db.transaction() as work:
            await work.copy("copy_raw_messages", _RAW_TYPES, rows)

    async def raw_messages(self, station_id: str, since: datetime) -> list[RawMessage]:
        """Frames from and to a station from `since` on, oldest first."""
        rows = await self._db.rows("raw_messages", station_id=station_id, since=since)
        return [RawMessage(r["station_id"], r["received_at"], r["direction"], r["message"]) for r in rows]


async def ensure_sample_days(database: Database, samples: Iterable[Sample]) -> None:
    """Make the partitions of the days of `samples`, ahead of the transaction that writes them."""
    await database.ensure_days("samples", {sample.sampled_at.astimezone(UTC).date() for sample in samples})


async def write_samples(work: Work, samples: Sequence[Sample], quarantined: Sequence[Quarantined]) -> None:
    """Once within a transaction: COPY into a staging table, merge into what there is, keep the newest as last value."""
    if samples:
        await work.run("make_sample_staging")
        await work.copy("copy_samples", _SAMPLE_TYPES, (_sample_row(sample) for sample in merged(samples)))
        await work.run("merge_samples")
    if quarantined:
        await work.run_many("quarantine_sample", (_quarantine_values(entry) for entry in quarantined))


def _place(measurement: FeederMeasurement) -> tuple[str, str, datetime]:
    return measurement.site_id, measurement.feeder_id, measurement.measured_at


def _sample_row(s: Sample) -> tuple[object, ...]:
    return (
        s.connector.station_id,
        s.connector.connector_id,
        s.sampled_at,
        s.received_at,
        s.reported_at,
        s.transaction_id,
        s.power_kw,
        s.energy_kwh,
        *s.current_a,
        *s.voltage_v,
        s.offered_a,
        s.soc_pct,
        s.derived,
    )


def _sample(row: Row) -> Sample:
    return Sample(
        connector=ConnectorKey(row["station_id"], row["connector_id"]),
        sampled_at=row["sampled_at"],
        received_at=row["received_at"],
        transaction_id=row["transaction_id"],
        power_kw=row["power_kw"],
        energy_kwh=row["energy_kwh"],
        current_a=_currents(row),
        voltage_v=(row["voltage_l1_v"], row["voltage_l2_v"], row["voltage_l3_v"]),
        offered_a=row["offered_a"],
        soc_pct=row["soc_pct"],
        derived=row["derived"],
        reported_at=row["reported_at"],
    )


def _currents(row: Row) -> PerPhase:
    return (row["current_l1_a"], row["current_l2_a"], row["current_l3_a"])


def _quarantine_values(entry: Quarantined) -> dict[str, object]:
    sample = entry.sample
    return {
        "station_id": storable(sample.connector.station_id),
        "received_at": sample.received_at,
        "problem": storable(entry.problem),
        "sample": storable(repr(sample)),
    }


def _measurement_values(m: FeederMeasurement) -> dict[str, object]:
    current_l1_a, current_l2_a, current_l3_a = m.current_a
    return {
        "site_id": m.site_id,
        "feeder_id": m.feeder_id,
        "measured_at": m.measured_at,
        "power_kw": m.power_kw,
        "current_l1_a": current_l1_a,
        "current_l2_a": current_l2_a,
        "current_l3_a": current_l3_a,
        "solar_kw": m.solar_kw,
        "other_load_kw": m.other_load_kw,
    }


def _measurement(row: Row) -> FeederMeasurement:
    return FeederMeasurement(
        site_id=row["site_id"],
        feeder_id=row["feeder_id"],
        measured_at=row["measured_at"],
        power_kw=row["power_kw"],
        current_a=_currents(row),
        solar_kw=row["solar_kw"],
        other_load_kw=row["other_load_kw"],
    )
