"""Charging profiles as a station stores them, and the limit that follows from all of them together.

Sources: OCPP 1.6 edition 2, 3.13 and 7.8-7.14 with its errata; OCPP 2.0.1 edition 3, part 2, K01 and 2.9-2.12.
`None` or `math.inf` never mean zero: where no profile is valid, the station may draw what it likes.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cpms.domain.errors import InvalidInput


class ProfilePurpose(enum.Enum):
    """What a profile limits; the station-wide purpose has a name per version."""

    STATION_MAX = "ChargingStationMaxProfile"
    EXTERNAL = "ChargingStationExternalConstraints"
    TX_DEFAULT = "TxDefaultProfile"
    TX = "TxProfile"


class ProfileKind(enum.Enum):
    """What the seconds of its periods count from."""

    ABSOLUTE = "Absolute"
    RECURRING = "Recurring"
    RELATIVE = "Relative"


@dataclass(frozen=True)
class StoredPeriod:
    """From `start_s` [s after the schedule's start] on: `limit` in the unit of the profile, on `phase_count` phases; `phase_to_use`:
    which of the station's own (1 to 3) if it is one."""

    start_s: float
    limit: float
    phase_count: int = 3
    phase_to_use: int | None = None


@dataclass(frozen=True)
class StoredProfile:
    """A charging profile of either version. `unit` is "A" (per phase) or "W" (in all); `connector_id` is the EVSE's in 2.0.1.

    `recurrence_s` [s]: a day or a week, of a recurring profile. `duration_s` [s] None: the last period never ends.
    """

    id: int
    connector_id: int
    stack_level: int
    purpose: ProfilePurpose
    kind: ProfileKind
    periods: tuple[StoredPeriod, ...]
    unit: str = "A"
    transaction_id: str | None = None
    starts_at: datetime | None = None
    duration_s: float | None = None
    recurrence_s: float = 86400.0
    valid_from: datetime | None = None
    valid_to: datetime | None = None

    def applies_to(self, connector_id: int, transaction_id: str | None) -> bool:
        """Whether it concerns that connector and the transaction that runs on it (None: none runs)."""
        if self.purpose is ProfilePurpose.TX:
            known = self.transaction_id is None or self.transaction_id == transaction_id
            return transaction_id is not None and known and self.connector_id == connector_id
        return self.connector_id in (0, connector_id)

    def period_at(self, instant: datetime, transaction_started_at: datetime | None) -> StoredPeriod | None:
        """The period in force at `instant`, None where the profile says nothing and the next one counts."""
        if self.valid_from is not None and instant < self.valid_from:
            return None
        if self.valid_to is not None and instant >= self.valid_to:
            return None
        offset_s = self._offset_s(instant, transaction_started_at)
        if offset_s is None or (self.duration_s is not None and offset_s >= self.duration_s):
            return None
        started = [period for period in self.periods if period.start_s <= offset_s]
        return max(started, key=lambda period: period.start_s, default=None)

    def edges(self, after: datetime, until: datetime, transaction_started_at: datetime | None) -> set[datetime]:
        """Instants in `(after, until)` at which it may say something else."""
        found = {edge for edge in (self.valid_from, self.valid_to) if edge is not None}
        origin = self._origin(transaction_started_at) or after
        steps_s = [period.start_s for period in self.periods]
        steps_s += [0.0] if self.duration_s is None else [0.0, self.duration_s]
        for start in self._starts(origin, after, until):
            found |= {start + timedelta(seconds=step_s) for step_s in steps_s}
        return {edge for edge in found if after < edge < until}

    def _starts(self, origin: datetime, after: datetime, until: datetime) -> list[datetime]:
        if self.kind is not ProfileKind.RECURRING:
            return [origin]
        first = max(0, math.floor((after - origin).total_seconds() / self.recurrence_s))
        last = math.floor((until - origin).total_seconds() / self.recurrence_s)
        return [origin + timedelta(seconds=n * self.recurrence_s) for n in range(first, last + 1)]

    def _origin(self, transaction_started_at: datetime | None) -> datetime | None:
        if self.kind is ProfileKind.RELATIVE or self.starts_at is None:
            return transaction_started_at
        return self.starts_at

    def _offset_s(self, instant: datetime, transaction_started_at: datetime | None) -> float | None:
        origin = self._origin(transaction_started_at)
        offset_s = 0.0 if origin is None else (instant - origin).total_seconds()
        if offset_s < 0:
            return None
        return offset_s % self.recurrence_s if self.kind is ProfileKind.RECURRING else offset_s


def composite_limit_a(
    profiles: Iterable[StoredProfile],
    connector_id: int,
    instant: datetime,
    transaction_id: str | None = None,
    transaction_started_at: datetime | None = None,
    voltage_v: float = 230.0,
) -> float:
    """What a station lets a connector draw at `instant` [A per phase]; `math.inf` if no profile is valid.

    Of each purpose the highest valid stack level wins; a TxProfile overrules the default; the result is the lowest of the
    station's maximum, external constraints and transaction. Limits in W are divided by `voltage_v` [V, phase to neutral].
    """
    in_force = _in_force(profiles, connector_id, instant, transaction_id, transaction_started_at)
    return min((_in_ampere(unit, period, voltage_v) for unit, period in in_force.values()), default=math.inf)


def composite_phases(
    profiles: Iterable[StoredProfile],
    connector_id: int,
    instant: datetime,
    transaction_id: str | None = None,
    transaction_started_at: datetime | None = None,
) -> tuple[int, int | None]:
    """On how many phases a station lets a connector draw at `instant`, the fewest that any profile says, and on which if it is one."""
    in_force = _in_force(profiles, connector_id, instant, transaction_id, transaction_started_at)
    fewest = min((period for _, period in in_force.values()), key=lambda p: p.phase_count, default=None)
    return (3, None) if fewest is None else (fewest.phase_count, fewest.phase_to_use)


def _in_force(
    profiles: Iterable[StoredProfile],
    connector_id: int,
    instant: datetime,
    transaction_id: str | None,
    transaction_started_at: datetime | None,
) -> dict[ProfilePurpose, tuple[str, StoredPeriod]]:
    """By purpose, unit and period of the profile that wins."""
    found: dict[ProfilePurpose, tuple[str, StoredPeriod]] = {}
    for profile in sorted(profiles, key=lambda p: (p.stack_level, p.connector_id != 0)):
        if profile.applies_to(connector_id, transaction_id):
            period = profile.period_at(instant, transaction_started_at)
            if period is not None:
                found[profile.purpose] = profile.unit, period
    if ProfilePurpose.TX in found:
        found.pop(ProfilePurpose.TX_DEFAULT, None)
    return found


def composite_schedule(
    profiles: Iterable[StoredProfile],
    connector_id: int,
    starts_at: datetime,
    duration_s: float,
    transaction_id: str | None = None,
    transaction_started_at: datetime | None = None,
    voltage_v: float = 230.0,
) -> list[tuple[float, float]]:
    """`(start_s, limit_a)` from `starts_at` for `duration_s` [s], as in an answer to GetCompositeSchedule; inf = unlimited."""
    stored = list(profiles)
    until = starts_at + timedelta(seconds=duration_s)
    edges = {starts_at}.union(*(p.edges(starts_at, until, transaction_started_at) for p in stored))
    schedule: list[tuple[float, float]] = []
    for edge in sorted(edges):
        limit_a = composite_limit_a(stored, connector_id, edge, transaction_id, transaction_started_at, voltage_v)
        if not schedule or schedule[-1][1] != limit_a:
            schedule.append(((edge - starts_at).total_seconds(), limit_a))
    return schedule


def install(profiles: Iterable[StoredProfile], new: StoredProfile) -> list[StoredProfile]:
    """`profiles` with `new`, which replaces those of its id and, on its connector, of its stack level and purpose (1.6, 5.16.1)."""
    return [*(p for p in profiles if p.id != new.id and not occupies(p, new)), new]


def occupies(stored: StoredProfile, new: StoredProfile) -> bool:
    """Whether `stored` holds the place `new` wants: 1.6 replaces it, 2.0.1 refuses `new` if the ids differ (K01.FR.06, .39)."""
    same_place = (stored.connector_id, stored.stack_level, stored.purpose) == (
        new.connector_id,
        new.stack_level,
        new.purpose,
    )
    return same_place and (stored.purpose is not ProfilePurpose.TX or stored.transaction_id == new.transaction_id)


def parse_v16(connector_id: int, profile: Mapping[str, Any]) -> StoredProfile:
    """A `csChargingProfiles` of 1.6 as stored on `connector_id`; InvalidInput if it lacks something or makes no sense."""
    return _parse(connector_id, profile, profile.get("chargingProfileId"), profile.get("chargingSchedule"))


def parse_v201(evse_id: int, profile: Mapping[str, Any]) -> StoredProfile:
    """A `chargingProfile` of 2.0.1 as stored on `evse_id`; of several schedules (ISO 15118) the first."""
    schedules = profile.get("chargingSchedule")
    first = schedules[0] if isinstance(schedules, list) and schedules else None
    return _parse(evse_id, profile, profile.get("id"), first)


_PURPOSES = {purpose.value: purpose for purpose in ProfilePurpose} | {
    "ChargePointMaxProfile": ProfilePurpose.STATION_MAX
}


def _parse(connector_id: int, profile: Mapping[str, Any], profile_id: Any, schedule: Any) -> StoredProfile:
    try:
        transaction_id = profile.get("transactionId")
        return StoredProfile(
            id=int(profile_id),
            connector_id=connector_id,
            stack_level=int(profile["stackLevel"]),
            purpose=_PURPOSES[profile["chargingProfilePurpose"]],
            kind=ProfileKind(profile["chargingProfileKind"]),
            periods=tuple(_period(p) for p in schedule["chargingSchedulePeriod"]),
            unit=schedule["chargingRateUnit"],
            transaction_id=None if transaction_id is None else str(transaction_id),
            starts_at=_instant(schedule.get("startSchedule")),
            duration_s=schedule.get("duration"),
            recurrence_s=7 * 86400.0 if profile.get("recurrencyKind") == "Weekly" else 86400.0,
            valid_from=_instant(profile.get("validFrom")),
            valid_to=_instant(profile.get("validTo")),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInput("chargingProfile", f"cannot be read ({error!r})", "send one that OCPP allows") from error


def _period(period: Mapping[str, Any]) -> StoredPeriod:
    phase_count, phase_to_use = int(period.get("numberPhases") or 3), period.get("phaseToUse")
    return StoredPeriod(float(period["startPeriod"]), float(period["limit"]), phase_count, phase_to_use)


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    instant = datetime.fromisoformat(text)
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def _in_ampere(unit: str, period: StoredPeriod, voltage_v: float) -> float:
    return period.limit if unit == "A" else period.limit / (voltage_v * period.phase_count)
