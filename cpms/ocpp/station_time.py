"""Instants as stations write them: without a zone, in local time marked Z, in 1970, in the far future.

A clock that runs ahead is seen at once, since nothing is reported before it happens. One that runs behind looks like messages
that waited in the station's queue, at first: but those catch up, whereas a clock stays behind by the same. Both are corrected.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cpms.domain.station_clock import StationClock
from cpms.ocpp.clock_watch import ClockWatch

TOLERANCE = timedelta(minutes=2)
OLDEST = timedelta(days=400)
IMPLAUSIBLE = timedelta(days=2)
"""So far ahead is no clock that can be corrected but a broken timestamp: it counts as now, and teaches nothing."""
STEADY_FOR = timedelta(minutes=1)
"""Messages that are late by the same for so long, and at least `_STEADY_MESSAGES` of them, tell of a clock that is behind."""
_STEADY_WITHIN = timedelta(seconds=10)
_STEADY_MESSAGES = 3
_QUARTER = timedelta(minutes=15)
_REMEMBERED_STARTS = 32


@dataclass
class _Lateness:
    """Messages in a row that were all late by about the same: `least`, since `since`."""

    least: timedelta
    since: datetime
    messages: int = 1

    def takes(self, late: timedelta) -> bool:
        """Whether a message that was `late` continues the row."""
        if abs(late - self.least) > _STEADY_WITHIN:
            return False
        self.least, self.messages = min(self.least, late), self.messages + 1
        return True

    def is_a_clock(self, received_at: datetime) -> bool:
        """Whether no queue explains it any more."""
        return self.messages >= _STEADY_MESSAGES and received_at - self.since >= STEADY_FOR


@dataclass
class StationTime:
    """What is known of one station's clock: how far it is `ahead` (negative: behind). Outlives its connections."""

    ahead: timedelta = timedelta()
    _watch: ClockWatch = field(default_factory=ClockWatch)
    _lateness: _Lateness | None = None
    _starts: OrderedDict[Hashable, datetime] = field(default_factory=OrderedDict)

    @property
    def clock(self) -> StationClock | None:
        """How far its clock may be off; None while nothing was heard."""
        return self._watch.clock(self.ahead.total_seconds())

    def booted(self) -> None:
        """It started anew, perhaps with another time."""
        self._watch = ClockWatch()

    def resolve(
        self, text: str | None, received_at: datetime, deviations: list[str]
    ) -> tuple[datetime, datetime | None]:
        """`(at, reported_at)`: when it was, as far as can be told, and what the station wrote, if that can be read."""
        reported_at = read_instant(text, deviations)
        if reported_at is None:
            return received_at, None
        offset = self._offset(reported_at, received_at, deviations)
        if received_at - reported_at + offset > OLDEST:
            deviations.append("the timestamp is more than a year old")
            return received_at, reported_at
        return reported_at - offset, reported_at

    def resolve_start(
        self, identity: Hashable, text: str | None, received_at: datetime, deviations: list[str]
    ) -> tuple[datetime, datetime | None]:
        """When a transaction started, and what the station wrote if that tells one start from another; a resent start (same
        `identity`) gets the same instant, however it was corrected."""
        at, reported_at = self.resolve(text, received_at, deviations)
        known = self._starts.setdefault((identity, text), at)
        if len(self._starts) > _REMEMBERED_STARTS:
            self._starts.popitem(last=False)
        return known, None if reported_at is None or abs(received_at - reported_at) > OLDEST else reported_at

    def _offset(self, reported_at: datetime, received_at: datetime, deviations: list[str]) -> timedelta:
        ahead = reported_at - received_at
        if ahead > IMPLAUSIBLE:
            deviations.append("the timestamp is far in the future")
            return ahead
        self._watch.note(ahead.total_seconds(), received_at)
        if abs(ahead) <= TOLERANCE:
            self.ahead, self._lateness = timedelta(), None
        elif ahead > TOLERANCE:
            deviations.append("the station's clock is ahead")
            if abs(ahead - self.ahead) > TOLERANCE:
                self.ahead = _rounded_to_time_zone(ahead)
        elif ahead - self.ahead > TOLERANCE:
            self.ahead = _rounded_to_time_zone(ahead)  # behind, but not by as much as was believed
        elif self._is_behind(-ahead, received_at):
            deviations.append("the station's clock is behind")
        return self.ahead

    def _is_behind(self, late: timedelta, received_at: datetime) -> bool:
        """Take note of a late message; whether it shows that the clock is behind, which is then corrected."""
        if self._lateness is None or not self._lateness.takes(late):
            self._lateness = _Lateness(late, received_at)
        if not self._lateness.is_a_clock(received_at):
            return False
        self.ahead = _rounded_to_time_zone(-self._lateness.least)
        return True


def read_instant(text: str | None, deviations: list[str]) -> datetime | None:
    """An aware UTC instant; without a zone it is taken as UTC; None, and a deviation, if it is no instant at all."""
    if not text:
        deviations.append("there is no timestamp")
        return None
    try:
        instant = datetime.fromisoformat(text.strip())
        if instant.tzinfo is not None:
            return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        deviations.append("the timestamp cannot be read")
        return None
    deviations.append("the timestamp has no time zone")
    return instant.replace(tzinfo=UTC)


def write_instant(instant: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, which every station can read."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03d}Z"


def _rounded_to_time_zone(ahead: timedelta) -> timedelta:
    """Local time marked as UTC is ahead by a multiple of a quarter of an hour, however long the message took."""
    nearest = round(ahead / _QUARTER) * _QUARTER
    return nearest if nearest and abs(ahead - nearest) <= TOLERANCE else ahead
