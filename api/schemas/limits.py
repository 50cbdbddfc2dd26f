"""The operator's limits and the utility's events."""

from __future__ import annotations

import enum
from datetime import datetime
from uuid import uuid4

from pydantic import Field

from api.schemas.common import Body, CurrentA, Id, Instant, PowerKw, Text, View
from cpms.domain.errors import InvalidInput
from cpms.domain.grid import DemandResponseEvent, EventStatus, GridLimit
from cpms.domain.site import Site


class LimitBody(Body):
    """A limit on a feeder (default: the grid connection), in kW, in A per phase, or both, while `[starts_at, ends_at)`."""

    id: Id | None = None
    feeder_id: Id | None = None
    limit_kw: PowerKw | None = None
    limit_a: CurrentA | None = None
    starts_at: Instant | None = Field(None, description="null: from now on")
    ends_at: Instant | None = Field(None, description="null: until replaced")
    reason: Text = Field("", description="Shown wherever the limit binds", examples=["transformer maintenance"])

    def to_domain(self, site: Site, name: str) -> GridLimit:
        """The limit at `site`; InvalidInput under `name` where it cannot be one."""
        feeder_id = self.feeder_id or site.root.id
        if feeder_id not in site.feeder_by_id:
            raise InvalidInput(
                f"{name}.feeder_id",
                f"{feeder_id!r} is not a feeder of site {site.id}",
                f"use {sorted(site.feeder_by_id)}",
            )
        if self.limit_kw is None and self.limit_a is None:
            raise InvalidInput(name, "limits nothing", "give limit_kw, limit_a or both")
        if self.starts_at is not None and self.ends_at is not None and self.ends_at <= self.starts_at:
            raise InvalidInput(f"{name}.ends_at", "is not after starts_at", "give a later instant")
        return GridLimit(
            id=self.id or uuid4().hex,
            feeder_id=feeder_id,
            limit_kw=self.limit_kw,
            limit_a=self.limit_a,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            reason=self.reason,
        )


class LimitsBody(Body):
    """All of the operator's limits; they replace those there are."""

    items: list[LimitBody] = Field(max_length=200)

    def to_domain(self, site: Site) -> tuple[GridLimit, ...]:
        """The limits at `site`."""
        limits = tuple(limit.to_domain(site, f"items[{index}]") for index, limit in enumerate(self.items))
        if len({limit.id for limit in limits}) != len(limits):
            raise InvalidInput("items", "two limits have the same id", "give each its own, or none")
        return limits


class LimitView(View):
    """A limit of the operator."""

    id: str
    feeder_id: str
    limit_kw: float | None
    limit_a: float | None
    starts_at: datetime | None
    ends_at: datetime | None
    reason: str

    @classmethod
    def of(cls, limit: GridLimit) -> LimitView:
        """A stored limit."""
        return cls(
            id=limit.id,
            feeder_id=limit.feeder_id,
            limit_kw=limit.limit_kw,
            limit_a=limit.limit_a,
            starts_at=limit.starts_at,
            ends_at=limit.ends_at,
            reason=limit.reason,
        )


class EventBody(Body):
    """A utility's event: import at the grid connection stays under `limit_kw` while `[starts_at, ends_at)`."""

    name: Text = Field(examples=["Evening peak"])
    starts_at: Instant
    ends_at: Instant
    limit_kw: PowerKw
    priority: int = Field(0, ge=0, le=1000, description="0 is highest, as in OpenADR")

    def to_domain(self, site_id: str, event_id: str) -> DemandResponseEvent:
        """The event, active; InvalidInput where it ends before it starts."""
        if self.ends_at <= self.starts_at:
            raise InvalidInput("ends_at", "is not after starts_at", "give a later instant")
        return DemandResponseEvent(
            id=event_id,
            site_id=site_id,
            name=self.name,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            limit_kw=self.limit_kw,
            priority=self.priority,
        )


class EventPhase(enum.Enum):
    """Where an event is in its life, in OpenADR's words."""

    PENDING = "pending"
    ACTIVE = "active"
    COMPLETED = "completed"
    CANCELLED = "cancelled"

    @classmethod
    def of(cls, event: DemandResponseEvent, now: datetime) -> EventPhase:
        """That of an event at `now`."""
        if event.status is EventStatus.CANCELLED:
            return cls.CANCELLED
        if now < event.starts_at:
            return cls.PENDING
        return cls.ACTIVE if now < event.ends_at else cls.COMPLETED


class EventView(View):
    """A utility's event."""

    id: str
    site_id: str
    name: str
    starts_at: datetime
    ends_at: datetime
    limit_kw: float
    priority: int
    status: EventPhase

    @classmethod
    def of(cls, event: DemandResponseEvent, now: datetime) -> EventView:
        """A stored event as it is at `now`."""
        return cls(
            id=event.id,
            site_id=event.site_id,
            name=event.name,
            starts_at=event.starts_at,
            ends_at=event.ends_at,
            limit_kw=event.limit_kw,
            priority=event.priority,
            status=EventPhase.of(event, now),
        )
