"""What the API needs from the rest of the process; the composition root hands it over as `Services`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

from api.known_tokens import KnownTokens
from cpms.control.state import SiteState
from cpms.domain.command import Command
from cpms.domain.plan import Plan, PlanRequest
from cpms.domain.session import Session
from cpms.domain.site import Site
from cpms.domain.telemetry import CommandResult, FeederMeasurement
from cpms.domain.time import Clock
from data.store import Store

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class ComponentHealth:
    """One part of the process: whether it works, what it says, since when, and what it counted (for /metrics)."""

    name: str
    ok: bool
    detail: str = ""
    since: datetime | None = None
    counters: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Health:
    """Every component that must work before the process is ready."""

    components: tuple[ComponentHealth, ...]


class Live(Protocol):
    """The running controllers and the gateway. The `*_changed` methods return once the change has been handed over; what
    changed is already durable."""

    def site(self, site_id: str) -> Site | None:
        """A site as its controller has it; None where none runs."""
        ...

    def site_state(self, site_id: str) -> SiteState | None:
        """What the site's controller sees now; None where none runs."""
        ...

    async def site_changed(self, site_id: str) -> None:
        """The site, its feeders or its stations changed."""
        ...

    async def station_retired(self, station_id: str, ended: Sequence[Session]) -> None:
        """A station was retired, and the sessions that were open there ended: its connection is closed now."""
        ...

    async def site_retired(self, site_id: str) -> None:
        """A site was retired: nothing runs for it now."""
        ...

    async def limits_changed(self, site_id: str) -> None:
        """The operator's limits changed."""
        ...

    async def events_changed(self, site_id: str) -> None:
        """The utility's events changed."""
        ...

    async def tariff_changed(self, site_id: str) -> None:
        """The tariff changed."""
        ...

    async def need_changed(self, session_id: str) -> None:
        """A session's need or priority changed."""
        ...

    async def measured(self, measurements: Sequence[FeederMeasurement]) -> None:
        """Meters on feeders were read."""
        ...

    async def send(self, station_id: str, command: Command) -> CommandResult:
        """Have a station do something, and wait for its answer."""
        ...

    async def ask(self, site_id: str, answer: Callable[[PlanRequest, Plan], Answer]) -> Answer | None:
        """What `answer`, run in a process of its own, says about the site's latest plan; None where there is none since the start."""
        ...

    def connected(self) -> frozenset[str]:
        """Ids of the stations that are connected."""
        ...

    def health(self) -> Health:
        """How the components are."""
        ...


@dataclass
class Services:
    """Everything the routes use. `pepper` keys the hashes of stored secrets.

    `configuring` is held while a change is checked against invariant G1 and stored: two changes that are each safe may not
    be so together.
    """

    store: Store
    live: Live
    clock: Clock
    pepper: bytes
    configuring: asyncio.Lock = field(default_factory=asyncio.Lock)
    tokens: KnownTokens = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = KnownTokens(self.store)
