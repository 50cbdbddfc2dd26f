"""Grants as charging profiles. What a station makes of one never exceeds the grant, at any instant (invariant G4, G11).

- A base grant is a TxDefaultProfile, relative: it needs no clock, and holds for ever, whatever the station's clock says.
- Any other is a TxProfile, absolute, in the time of the station that the grant was written for. It starts a minute before now, and
  by more where the grant starts before it was issued, so that neither replacing it nor a slow clock leaves a gap. Its last period, at
  the end of the lease, falls to the fallback and stays. A `duration` or `validTo` would fall through to the next profile instead, and
  to "unlimited" where a station lost or never took the default.
- Every profile sits on stack level 0, which all stations have; purposes stack separately.
- The same id per connector and purpose replaces in place, as 2.0.1 demands (K01.FR.39).
- A connector that switches phases is told their number in every period, the same in all of them. Which one it is, only 2.0.1 can say,
  to stations that tell they can select it (K01.FR.19, K01.FR.20); others choose by themselves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cpms.domain.errors import InvalidInput
from cpms.domain.grid import Grant
from cpms.domain.site import Connector
from cpms.domain.units import floor_to_setpoint, floor_to_step
from cpms.ocpp.station_time import write_instant

START_MARGIN = timedelta(seconds=60)
DEFAULT_MAX_PERIODS = 24
WIRE_STEP = 0.1
"""OCPP 1.6, 7.13: multiples of 0.1; 2.0.1: at most one digit after the point."""

LOWEST_VOLTAGE_V = 207.0
"""EN 50160: nominal voltage less 10 %. A limit in W allows the highest current at the lowest voltage."""


@dataclass(frozen=True)
class ProfileAbilities:
    """What a station can store. `selects_phase`: it can be told which phase to use (2.0.1, ACPhaseSwitchingSupported)."""

    max_periods: int | None = None
    rate_units: frozenset[str] = frozenset({"A"})
    selects_phase: bool = False

    @property
    def unit(self) -> str:
        """A where the station knows it: it needs neither voltage nor a number of phases."""
        return "W" if "W" in self.rate_units and "A" not in self.rate_units else "A"


@dataclass(frozen=True)
class Step:
    """From `start_s` [s after the schedule's start] on: `limit_a` [A per phase]."""

    start_s: int
    limit_a: float


def v16(grant: Grant, connector: Connector, abilities: ProfileAbilities, now: datetime) -> dict[str, Any]:
    """`csChargingProfiles` of SetChargingProfile.req. InvalidInput if the transaction's id is no integer."""
    starts_at, periods = _schedule(grant, connector, abilities, now)
    schedule: dict[str, Any] = {"chargingRateUnit": abilities.unit, "chargingSchedulePeriod": periods}
    profile: dict[str, Any] = {"chargingProfileId": profile_id(grant), "stackLevel": 0, **_purpose(grant)}
    if grant.transaction_id is not None:
        schedule["startSchedule"] = _written(starts_at, grant)
        profile["transactionId"] = transaction_number(grant.transaction_id)
    return profile | {"chargingSchedule": schedule}


def v201(grant: Grant, connector: Connector, abilities: ProfileAbilities, now: datetime) -> dict[str, Any]:
    """`chargingProfile` of SetChargingProfileRequest."""
    starts_at, periods = _schedule(grant, connector, abilities, now)
    if abilities.selects_phase and grant.single_phase in connector.phases:
        phase_to_use = connector.phases.index(grant.single_phase) + 1
        periods = [period | {"phaseToUse": phase_to_use} for period in periods]
    schedule = {"id": profile_id(grant), "chargingRateUnit": abilities.unit, "chargingSchedulePeriod": periods}
    profile: dict[str, Any] = {"id": profile_id(grant), "stackLevel": 0, **_purpose(grant)}
    if grant.transaction_id is not None:
        schedule["startSchedule"] = _written(starts_at, grant)
        profile["transactionId"] = grant.transaction_id
    return profile | {"chargingSchedule": [schedule]}


def profile_id(grant: Grant) -> int:
    """One id per connector and purpose, the same for ever."""
    return grant.connector.connector_id * 10 + (1 if grant.is_base else 2)


def transaction_number(transaction_id: str) -> int:
    """The integer that 1.6 has on the wire."""
    try:
        return int(transaction_id)
    except ValueError as error:
        raise InvalidInput(
            "transaction_id", f"{transaction_id!r} is no integer", "OCPP 1.6 numbers its transactions"
        ) from error


def steps(grant: Grant, connector: Connector, starts_at: datetime) -> list[Step]:
    """The grant from `starts_at` on in whole seconds and the connector's setpoints, never above it."""
    edges = {period.starts_at for period in grant.periods} | {grant.lease_ends_at}
    offsets_s = [(edge - starts_at).total_seconds() for edge in edges if edge is not None and edge > starts_at]
    cuts = sorted({0, *(math.floor(s) for s in offsets_s), *(math.ceil(s) for s in offsets_s)})
    exact = sorted([0.0, *offsets_s])
    found: list[Step] = []
    for index, cut in enumerate(cuts):
        until = cuts[index + 1] if index + 1 < len(cuts) else math.inf
        inside = [max(float(cut), s) for s in exact if s < until and not any(s < other <= cut for other in exact)]
        limit_a = min(grant.limit_a_at(starts_at + timedelta(seconds=s)) for s in inside)
        setpoint_a = _setpoint_a(limit_a, connector)
        if not found or found[-1].limit_a != setpoint_a:
            found.append(Step(cut, setpoint_a))
    return found


def merged(found: list[Step], max_periods: int) -> list[Step]:
    """At most `max_periods` steps, never above the given ones: the cheapest neighbours share the lower of their limits."""
    rest = list(found)
    while len(rest) > max(1, max_periods):
        index = min(range(len(rest) - 1), key=lambda i: _loss(rest, i))
        lower_a = min(rest[index].limit_a, rest[index + 1].limit_a)
        rest[index : index + 2] = [Step(rest[index].start_s, lower_a)]
    return rest


def _loss(found: list[Step], index: int) -> float:
    """What is given away [A s] if a step and the next share the lower limit."""
    difference_a = found[index].limit_a - found[index + 1].limit_a
    if difference_a > 0:
        return difference_a * (found[index + 1].start_s - found[index].start_s)
    end_s = found[index + 2].start_s if index + 2 < len(found) else math.inf
    return -difference_a * (end_s - found[index + 1].start_s)


def _schedule(
    grant: Grant, connector: Connector, abilities: ProfileAbilities, now: datetime
) -> tuple[datetime, list[dict[str, Any]]]:
    before = max([grant.issued_at - period.starts_at for period in grant.periods[:1]], default=timedelta())
    starts_at = (now - before).replace(microsecond=0) - START_MARGIN
    found = merged(steps(grant, connector, starts_at), abilities.max_periods or DEFAULT_MAX_PERIODS)
    phase_count = 1 if grant.single_phase is not None else len(connector.phases)
    return starts_at, [_period(step, abilities.unit, phase_count, connector) for step in found]


def _written(instant: datetime, grant: Grant) -> str:
    """An instant as the grant's station reads it on its clock."""
    return write_instant(instant + timedelta(seconds=grant.clock_ahead_s))


def _period(step: Step, unit: str, phase_count: int, connector: Connector) -> dict[str, Any]:
    if unit == "A":
        phases = {} if connector.switching is None else {"numberPhases": phase_count}
        return {"startPeriod": step.start_s, "limit": step.limit_a, **phases}
    # A vehicle on one phase may take all of a limit in W on it, and some stations ignore numberPhases (invariant G11).
    limit_w = floor_to_step(step.limit_a * LOWEST_VOLTAGE_V, 1.0)
    return {"startPeriod": step.start_s, "limit": limit_w, "numberPhases": phase_count}


def _setpoint_a(limit_a: float, connector: Connector) -> float:
    setpoint_a = floor_to_setpoint(limit_a, connector.max_current_a, connector.step_a, connector.min_current_a)
    on_the_wire_a = floor_to_step(setpoint_a, WIRE_STEP)
    return on_the_wire_a if on_the_wire_a >= connector.min_current_a else 0.0


def _purpose(grant: Grant) -> dict[str, str]:
    if grant.is_base:
        return {"chargingProfilePurpose": "TxDefaultProfile", "chargingProfileKind": "Relative"}
    return {"chargingProfilePurpose": "TxProfile", "chargingProfileKind": "Absolute"}
