"""The running controllers and the gateway, as the API sees them: they remember what they were told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from api import ComponentHealth, Health
from api.ports import Answer
from cpms.control.state import SiteState
from cpms.domain.command import Command
from cpms.domain.plan import Plan, PlanRequest
from cpms.domain.session import Session
from cpms.domain.site import Site
from cpms.domain.telemetry import CommandOutcome, CommandResult, FeederMeasurement


@dataclass
class RecordingLive:
    told: list[tuple[str, str]] = field(default_factory=list)
    measurements: list[FeederMeasurement] = field(default_factory=list)
    commands: list[tuple[str, Command]] = field(default_factory=list)
    stations: set[str] = field(default_factory=set)
    sites: dict[str, Site] = field(default_factory=dict)
    states: dict[str, SiteState] = field(default_factory=dict)
    answer: CommandResult = field(default_factory=lambda: CommandResult(CommandOutcome.ACCEPTED))
    plans: dict[str, tuple[PlanRequest, Plan]] = field(default_factory=dict)
    components: tuple[ComponentHealth, ...] = ()

    def site(self, site_id: str) -> Site | None:
        return self.sites.get(site_id)

    def site_state(self, site_id: str) -> SiteState | None:
        return self.states.get(site_id)

    async def site_changed(self, site_id: str) -> None:
        self.told.append(("site", site_id))

    async def station_retired(self, station_id: str, ended: Sequence[Session]) -> None:
        self.told.append(("retired", station_id))
        self.told.extend(("ended", session.id) for session in ended)

    async def site_retired(self, site_id: str) -> None:
        self.told.append(("site retired", site_id))

    async def limits_changed(self, site_id: str) -> None:
        self.told.append(("limits", site_id))

    async def events_changed(self, site_id: str) -> None:
        self.told.append(("events", site_id))

    async def tariff_changed(self, site_id: str) -> None:
        self.told.append(("tariff", site_id))

    async def need_changed(self, session_id: str) -> None:
        self.told.append(("need", session_id))

    async def measured(self, measurements: Sequence[FeederMeasurement]) -> None:
        self.measurements.extend(measurements)

    async def send(self, station_id: str, command: Command) -> CommandResult:
        self.commands.append((station_id, command))
        return self.answer

    async def ask(self, site_id: str, answer: Callable[[PlanRequest, Plan], Answer]) -> Answer | None:
        latest = self.plans.get(site_id)
        return None if latest is None else answer(*latest)

    def connected(self) -> frozenset[str]:
        return frozenset(self.stations)

    def health(self) -> Health:
        return Health(self.components)
