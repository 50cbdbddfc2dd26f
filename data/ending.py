"""How sessions end: by a stop, or without one."""

from __future__ import annotations

from datetime import datetime

from cpms.domain.telemetry import Sample, TransactionEnded
from data.database import Row, Work
from data.session_energy import SessionEnergy, most_energy_kwh, session_energy, walked_kwh
from data.transaction_messages import registers


async def end_with(work: Work, row: Row, event: TransactionEnded, samples: list[Sample]) -> Row:
    """End a session by its stop. A stop dated before the start (a clock was set) ends it at its start."""
    known = registers(samples)
    meter_stop_kwh = event.meter_stop_kwh if event.meter_stop_kwh is not None or not known else known[-1][1]
    ended_at = max(event.ended_at, row["started_at"])
    energy = await reckon(work, row, ended_at, meter_stop_kwh)
    return await _close(work, row, ended_at, energy, meter_stop_kwh, event.reason, stop_known=True)


async def close_at_last_sample(work: Work, row: Row, before: datetime) -> Row:
    """End a session whose stop has not come, at its last sample before `before` (without any: there)."""
    last = await work.row("last_sample_at", since=row["started_at"], until=before, **_connector(row))
    ended_at = before if last is None or last["sampled_at"] is None else last["sampled_at"]
    energy = await reckon(work, row, ended_at, None)
    return await _close(work, row, ended_at, energy, None, None, stop_known=False)


async def matching_session(work: Work, event: TransactionEnded) -> Row | None:
    """The one session that the stop of an unknown transaction can be about; None if there is none or more than one.

    Only sessions whose transaction id we chose (1.6): ids that stations choose are never mistaken for another's.
    """
    found = await work.rows(
        "stoppable_sessions", station_id=event.station_id, connector_id=event.connector_id, ended_at=event.ended_at
    )
    if event.id_tag is not None and len(found) > 1:
        found = [row for row in found if row["id_tag"] == event.id_tag]
    return found[0] if len(found) == 1 else None


async def reckon(work: Work, row: Row, until: datetime, meter_stop_kwh: float | None) -> SessionEnergy:
    """The session's energy up to `until`, from registers it told and those of its samples; where these contradict each other, from
    what each adds to the one before, and never less than what was noted while it charged."""
    start_kwh, start_is_sure = await _start_register(work, row, until)
    last = await work.row("last_register", since=row["started_at"], until=until, **_connector(row))
    power = await work.row("connector_power", **_connector(row))
    max_power_kw = None if power is None else power["max_power_kw"]
    most_kwh = most_energy_kwh(until - row["started_at"], max_power_kw)
    last_kwh = None if last is None else last["energy_kwh"]
    energy = session_energy(start_kwh, meter_stop_kwh, last_kwh, most_kwh)
    if energy is not None:
        return SessionEnergy(energy.energy_kwh, energy.estimated or not start_is_sure)
    told = [(row["started_at"], start_kwh)] if start_kwh is not None else []
    sampled = await work.rows("registers", since=row["started_at"], until=until, **_connector(row))
    told += [(sample["sampled_at"], sample["energy_kwh"]) for sample in sampled]
    told += [(until, meter_stop_kwh)] if meter_stop_kwh is not None else []
    return SessionEnergy(min(most_kwh, max(row["energy_kwh"], walked_kwh(told, max_power_kw))), True)


async def _start_register(work: Work, row: Row, until: datetime) -> tuple[float | None, bool]:
    """The register [kWh] a session began at, and whether that is sure: what its start told, else the first of its samples, else
    the last its connector told before."""
    if row["meter_start_kwh"] is not None:
        return row["meter_start_kwh"], True
    first = await work.row("first_register", since=row["started_at"], until=until, **_connector(row))
    if first is not None and first["sampled_at"] < until:
        return first["energy_kwh"], True
    before = await work.row("register_before", before=row["started_at"], **_connector(row))
    known = before or first
    return (None if known is None else known["energy_kwh"]), False


def _connector(row: Row) -> dict[str, object]:
    return {"station_id": row["station_id"], "connector_id": row["connector_id"]}


async def _close(
    work: Work,
    row: Row,
    ended_at: datetime,
    energy: SessionEnergy,
    meter_stop_kwh: float | None,
    stop_reason: str | None,
    *,
    stop_known: bool,
) -> Row:
    closed = await work.row(
        "close_session",
        id=row["id"],
        ended_at=ended_at,
        meter_stop_kwh=meter_stop_kwh,
        stop_reason=stop_reason,
        stop_known=stop_known,
        energy_kwh=energy.energy_kwh,
        energy_estimated=energy.estimated,
    )
    assert closed is not None  # noqa: S101 - the row is locked with its station
    return closed
