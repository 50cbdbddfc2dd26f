"""Energy per connector and quarter hour: reckoned from what is due, and told in coarser steps.

One way on every database: what a register counted between two readings belongs to the time between them, across the quarter hours'
borders, which no continuous aggregate of TimescaleDB can say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cpms.domain.identity import ConnectorKey
from cpms.domain.telemetry import Sample
from cpms.domain.time import Interval, floor_time
from data.database import Row, Topic, Work
from data.quarter_energy import QUARTER, QUARTER_S, energy_by_quarter
from data.session_energy import Register

AT_MOST = 1000
"""Quarter hours reckoned in one transaction."""

_LOOK_BACK = timedelta(days=1)
_ENDS = 3
"""Registers beyond either end that are looked at: of these few one may be absurd."""

DueQuarter = tuple[str, int, float]
"""Station, connector, and which quarter hour since the epoch: made for every sample, so made of plain values."""


@dataclass(frozen=True)
class EnergyStep:
    """Energy [kWh] in a step of time. `peak_kw`: the highest mean of a quarter hour in it; `max_kw`: the highest reading of a
    connector's power, None where none was read, and for sites, whose connectors are not read at the same instant."""

    step: Interval
    energy_kwh: float = 0.0
    peak_kw: float = 0.0
    max_kw: float | None = None


def quarters_of(samples: Iterable[Sample]) -> set[DueQuarter]:
    """Quarter hours that samples have a part in. A station's own meter (connector 0) counts what its connectors count."""
    return {
        (sample.connector.station_id, sample.connector.connector_id, sample.sampled_at.timestamp() // QUARTER_S)
        for sample in samples
        if sample.connector.connector_id > 0 and (sample.energy_kwh is not None or sample.power_kw is not None)
    }


def quarters_of_session(row: Row) -> set[DueQuarter]:
    """Quarter hours in which a session told a register."""
    station_id, connector_id = row["station_id"], row["connector_id"]
    instants = [at for at in (row["started_at"], row["ended_at"]) if at is not None and connector_id > 0]
    return {(station_id, connector_id, at.timestamp() // QUARTER_S) for at in instants}


async def note_energy_due(work: Work, due: set[DueQuarter]) -> None:
    """Have quarter hours reckoned anew, once the transaction is committed.

    What is noted already stays as it is, which is nearly everything. Nothing is lost between noting, taking and reckoning: whoever
    takes commits that, then waits for all who hold the lock, and only then looks; who comes later finds nothing noted, and notes.
    """
    if due:
        await work.row("hold_energy")
        station_id, connector_id, quarter = map(list, zip(*due, strict=True))
        await work.run("note_energy_due", station_id=station_id, connector_id=connector_id, quarter=quarter)


class Energy(Topic):
    """Quarter hours of energy."""

    async def reckon_energy(self, until: datetime, site_id: str | None = None) -> int:
        """Bring quarter hours that begin before `until` up to date with all that was told, of a site or of all; how many were due."""
        due = 0
        await self._db.run("take_energy_due", site_id=site_id, until=until)
        await self._db.row("await_energy")
        for connector in await self._db.rows("connectors_with_energy_taken", site_id=site_id):
            while (taken := await self._reckon_some(connector)) > 0:
                due += taken
        return due

    async def energy(self, site_id: str, steps: Sequence[Interval]) -> list[EnergyStep]:
        """A site's energy in each of `steps`, which follow each other and begin on quarter hours."""
        return _in_steps(steps, await self._db.rows("site_energy", site_id=site_id, **_span(steps)))

    async def connector_energy(self, site_id: str, steps: Sequence[Interval]) -> dict[ConnectorKey, list[EnergyStep]]:
        """The same for each connector of the site that has ever given any in `steps`."""
        by_connector: dict[ConnectorKey, list[Row]] = {}
        for row in await self._db.rows("connector_energy", site_id=site_id, **_span(steps)):
            by_connector.setdefault(ConnectorKey(row["station_id"], row["connector_id"]), []).append(row)
        return {key: _in_steps(steps, rows) for key, rows in by_connector.items()}

    async def _reckon_some(self, connector: Row) -> int:
        async with self._db.transaction() as work:
            await work.row("lock_energy", **connector)
            taken = await work.rows("finish_energy_taken", most=AT_MOST, **connector)
            power = await work.row("connector_power", **connector)
            max_power_kw = None if power is None else power["max_power_kw"]
            for first, end in _runs(sorted({row["starts_at"] for row in taken})):
                await _reckon(work, connector, first, end, max_power_kw)
        return len(taken)


async def _reckon(
    work: Work, connector: dict[str, object], first: datetime, end: datetime, max_power_kw: float | None
) -> None:
    """Reckon the quarter hours of `[first, end)` and those that share an increment with them."""
    before, after = await _before(work, connector, first), await _after(work, connector, end)
    since = floor_time(before[-1][0], QUARTER_S) if before else first
    until = floor_time(after[-1][0], QUARTER_S) + QUARTER if after else end
    told = await work.rows("registers_told", since=since, until=until, **connector)
    registers = [*reversed(await _before(work, connector, since)), *map(_register, told)]
    registers += await _after(work, connector, until)
    energy = energy_by_quarter(registers, max_power_kw)
    powers = await work.rows("highest_powers", since=since, until=until, **connector)
    highest = {row["starts_at"]: row["max_kw"] for row in powers}
    await work.run("forget_energy_quarters", since=since, until=until, **connector)
    quarters = sorted(quarter for quarter in {*energy, *highest} if since <= quarter < until)
    await work.run_many(
        "add_energy_quarter",
        ({"starts_at": q, "energy_kwh": energy.get(q, 0.0), "max_kw": highest.get(q), **connector} for q in quarters),
    )


async def _before(work: Work, connector: dict[str, object], before: datetime) -> list[Register]:
    """The last few registers told before an instant, newest first; the whole past is looked through only where a day and all
    sessions know none."""
    for since in (before - _LOOK_BACK, datetime.min.replace(tzinfo=before.tzinfo)):
        if rows := await work.rows("registers_told_before", before=before, since=since, most=_ENDS, **connector):
            return [_register(row) for row in rows]
    return []


async def _after(work: Work, connector: dict[str, object], after: datetime) -> list[Register]:
    rows = await work.rows("registers_told_after", after=after, most=_ENDS, **connector)
    return [_register(row) for row in rows]


def _register(row: Row) -> Register:
    return row["at"], row["register_kwh"]


def _runs(quarters: Sequence[datetime]) -> Iterator[tuple[datetime, datetime]]:
    """Quarter hours that lie within an hour of each other, together: from when until when."""
    first = last = None
    for quarter in quarters:
        if first is None or last is None:
            first = last = quarter
        elif quarter - last > timedelta(hours=1):
            yield first, last + QUARTER
            first = quarter
        last = quarter
    if first is not None and last is not None:
        yield first, last + QUARTER


def _span(steps: Sequence[Interval]) -> dict[str, object]:
    return {"since": steps[0].starts_at, "until": steps[-1].ends_at, "edges": [step.starts_at for step in steps]}


def _in_steps(steps: Sequence[Interval], rows: Iterable[Row]) -> list[EnergyStep]:
    told = {row["step"]: row for row in rows}
    return [
        EnergyStep(step, told[n]["energy_kwh"], told[n]["peak_kw"], told[n].get("max_kw"))
        if n in told
        else EnergyStep(step)
        for n, step in enumerate(steps, start=1)
    ]
