"""Limits of the site over time, utility events, and grants: what a connector may draw until when."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cpms.domain.errors import UnsafeConfiguration
from cpms.domain.identity import ConnectorKey
from cpms.domain.site import Connector, Site
from cpms.domain.units import PHASES, Phase, power_kw


class LimitSource(enum.Enum):
    """Who set a limit."""

    INSTALLATION = "installation"
    OPERATOR = "operator"
    UTILITY = "utility"


@dataclass(frozen=True)
class GridLimit:
    """A limit on a feeder in an interval (`ends_at` None: until replaced), per phase [A], in all [kW], or both."""

    id: str
    feeder_id: str
    limit_kw: float | None = None
    limit_a: float | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    source: LimitSource = LimitSource.OPERATOR
    reason: str = ""

    def holds_at(self, instant: datetime) -> bool:
        """Whether it is in force at `instant`."""
        return (self.starts_at is None or self.starts_at <= instant) and (
            self.ends_at is None or instant < self.ends_at
        )


class EventStatus(enum.Enum):
    """Life of a demand-response event."""

    ACTIVE = "active"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class DemandResponseEvent:
    """A utility's wish: import at the grid connection stays under `limit_kw` [kW] in `[starts_at, ends_at)`."""

    id: str
    site_id: str
    name: str
    starts_at: datetime
    ends_at: datetime
    limit_kw: float
    priority: int = 0
    status: EventStatus = EventStatus.ACTIVE

    def as_limit(self, site: Site) -> GridLimit:
        """The event as a limit on the grid connection."""
        return GridLimit(
            id=self.id,
            feeder_id=site.root.id,
            limit_kw=self.limit_kw,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            source=LimitSource.UTILITY,
            reason=self.name,
        )


@dataclass(frozen=True)
class FeederLimit:
    """What holds at a feeder at an instant: per phase [A] always, in all [kW] perhaps; `reason` names the lowest kW limit."""

    limit_a: float
    limit_kw: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class LimitTimeline:
    """Every limit of a site: its installation, the operator's, the utility's. The lowest wins at every instant (G13)."""

    site: Site
    limits: tuple[GridLimit, ...] = ()

    @classmethod
    def of(
        cls, site: Site, limits: Iterable[GridLimit] = (), events: Iterable[DemandResponseEvent] = ()
    ) -> LimitTimeline:
        """Fold operator limits and active events into one timeline."""
        active = (e.as_limit(site) for e in events if e.status is EventStatus.ACTIVE)
        return cls(site, (*limits, *active))

    def at(self, feeder_id: str, instant: datetime) -> FeederLimit:
        """The limit in force at `feeder_id` at `instant`."""
        feeder = self.site.feeder_by_id[feeder_id]
        limit = FeederLimit(feeder.limit_a, reason="installation")
        if feeder_id == self.site.root.id and self.site.import_limit_kw is not None:
            limit = replace(limit, limit_kw=self.site.import_limit_kw, reason="grid connection")
        for other in self.limits:
            if other.feeder_id == feeder_id and other.holds_at(instant):
                limit = _lower(limit, other)
        return limit

    def breakpoints(self, after: datetime, until: datetime) -> list[datetime]:
        """Instants in `(after, until)` at which some limit changes, ascending."""
        edges = {edge for limit in self.limits for edge in (limit.starts_at, limit.ends_at) if edge is not None}
        return sorted(edge for edge in edges if after < edge < until)


def _lower(limit: FeederLimit, other: GridLimit) -> FeederLimit:
    if other.limit_a is not None and other.limit_a < limit.limit_a:
        limit = replace(limit, limit_a=other.limit_a)
    if other.limit_kw is not None and (limit.limit_kw is None or other.limit_kw < limit.limit_kw):
        limit = replace(limit, limit_kw=other.limit_kw, reason=other.reason or other.source.value)
    return limit


def require_safe(timeline: LimitTimeline, now: datetime) -> None:
    """UnsafeConfiguration unless, at every feeder, phase and instant from `now` on, what all connectors may draw when nobody
    can be asked, plus the reserved other load, stays within the limit (invariant G1)."""
    far = now + timedelta(days=36500)
    for instant in [now, *timeline.breakpoints(now, far)]:
        for feeder in timeline.site.feeders:
            _require_safe_at(timeline, feeder.id, instant)


def _require_safe_at(timeline: LimitTimeline, feeder_id: str, instant: datetime) -> None:
    site = timeline.site
    limit = timeline.at(feeder_id, instant)
    below = [c for key, c in site.connectors.items() if feeder_id in site.feeders_of(key)]
    other_kw = site.reserved_other_load_kw if feeder_id == site.root.id else 0.0
    other_a = other_kw * 1000.0 / (3 * site.voltage_v)
    for phase in PHASES:
        fallback_a = sum(c.fallback_current_a for c in below if phase in c.counted_phases)
        if fallback_a + other_a > limit.limit_a + 1e-9:
            raise UnsafeConfiguration(
                f"limits[{feeder_id}].limit_a",
                f"{limit.limit_a:g} A on {phase.value} is below the {fallback_a:g} A that its connectors may draw when unreachable"
                f" plus {other_a:.1f} A reserved for other load",
                "raise the limit, or lower fallback_current_a or reserved_other_load_kw",
            )
    fallback_kw = sum(fallback_power_kw(site, c) for c in below)
    if limit.limit_kw is not None and fallback_kw + other_kw > limit.limit_kw + 1e-9:
        raise UnsafeConfiguration(
            f"limits[{feeder_id}].limit_kw",
            f"{limit.limit_kw:g} kW ({limit.reason}, from {instant.isoformat(timespec='seconds')}) is below the {fallback_kw:.1f} kW"
            f" that its connectors may draw when unreachable plus {other_kw:g} kW reserved for other load",
            "raise the limit, or lower fallback_current_a or reserved_other_load_kw",
        )


def fallback_power_kw(site: Site, connector: Connector) -> float:
    """Most a connector draws [kW] at its fallback, at the highest voltage."""
    return power_kw(connector.fallback_current_a, site.max_voltage_v, len(connector.phases))


@dataclass(frozen=True)
class LimitPeriod:
    """From `starts_at` on, at most `limit_a` [A per phase]."""

    starts_at: datetime
    limit_a: float


@dataclass(frozen=True)
class Grant:
    """Permission for a connector to draw: `periods` until `lease_ends_at`, then `fallback_a` (invariant G4).

    A base grant has no transaction and no lease: it is the station's default for any transaction (TxDefaultProfile) and says
    `fallback_a` for ever. Any other grant binds to its transaction (TxProfile) and dies with it.

    `sequence` grows with every grant of the connector; an acknowledged one supersedes all before it. `epoch` fences
    controllers (G10). The first period starts at or before `issued_at`, so that replacing leaves no gap. Its instants are
    ours, and are sent `clock_ahead_s` [s] later, as a station's clock shows them that is so far ahead.

    `single_phase`: it permits to draw on this phase alone, all the time; None: on all that the connector has. `switched_at`: since
    when its transaction has been told so, from grant to grant; None: from its beginning.
    """

    id: str
    site_id: str
    connector: ConnectorKey
    sequence: int
    issued_at: datetime
    fallback_a: float
    transaction_id: str | None = None
    periods: tuple[LimitPeriod, ...] = ()
    lease_ends_at: datetime | None = None
    epoch: int = 0
    plan_id: str | None = None
    clock_ahead_s: float = 0.0
    single_phase: Phase | None = None
    switched_at: datetime | None = None

    @property
    def is_base(self) -> bool:
        """Whether it is the station's default rather than a transaction's."""
        return self.transaction_id is None

    def limit_a_at(self, instant: datetime) -> float:
        """What it permits at `instant` [A per phase]; before its first period, that period's limit."""
        if not self.periods or (self.lease_ends_at is not None and instant >= self.lease_ends_at):
            return self.fallback_a
        limit_a = self.periods[0].limit_a
        for period in self.periods:
            if period.starts_at <= instant:
                limit_a = period.limit_a
        return limit_a


class GrantState(enum.Enum):
    """Life of a grant. STORED and SENT count in the ledger; so does UNKNOWN (timed out), until its lease ends."""

    STORED = "stored"
    SENT = "sent"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    SUPERSEDED = "superseded"
    ENDED = "ended"
