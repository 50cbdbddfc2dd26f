"""The API's view of the running process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from api.ports import Answer, ComponentHealth, Health
from cpms.app.carbon import CarbonWatch
from cpms.app.market import MarketWatch, tariff_in_force
from cpms.app.planner import Workers
from cpms.app.questions import Questions
from cpms.app.sites import Sites
from cpms.app.supervise import Supervisor
from cpms.app.trainer import Trainer
from cpms.control.events import FeederMeasured, LimitsChanged, NeedChanged, SessionClosed, SiteChanged, TariffChanged
from cpms.control.state import SiteState
from cpms.domain.command import Command
from cpms.domain.plan import Plan, PlanRequest
from cpms.domain.session import Session
from cpms.domain.site import Site
from cpms.domain.telemetry import CommandResult, FeederMeasurement
from cpms.ocpp.server import StationServer
from data.ingest import SampleIngest
from data.store import Store


@dataclass
class LiveProcess:
    """Implements `api.ports.Live` on the running sites and the gateway."""

    store: Store
    sites: Sites
    gateway: StationServer
    ingest: SampleIngest
    workers: Workers
    supervisor: Supervisor
    trainer: Trainer
    questions: Questions
    market: MarketWatch
    carbon: CarbonWatch
    _changing: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held from reading what changed until it is handed over: what was read later is never overtaken by what was read before."""

    def site(self, site_id: str) -> Site | None:
        """A site as it was last read."""
        running = self.sites.running.get(site_id)
        return None if running is None else running.site

    def site_state(self, site_id: str) -> SiteState | None:
        """What the site's controller sees now."""
        running = self.sites.running.get(site_id)
        return None if running is None else running.runner.state()

    async def site_changed(self, site_id: str) -> None:
        """A site was created or edited, a station was added."""
        async with self._changing:
            running = await self.sites.start_site(site_id)
            running.runner.post(SiteChanged(running.site))

    async def station_retired(self, station_id: str, ended: Sequence[Session]) -> None:
        """A station went out of service, and with it the sessions that it had open."""
        await self.gateway.disconnect(station_id, "the station is retired")
        for session in ended:
            self.sites.post(session.site_id, SessionClosed(session))
        await self.release_retired()

    async def release_retired(self) -> None:
        """Give back the room of retired connectors whose leases are over."""
        for site_id in await self.store.release_retired():
            await self.site_changed(site_id)

    async def site_retired(self, site_id: str) -> None:
        """A site went out of service."""
        async with self._changing:
            await self.sites.stop_site(site_id)

    async def limits_changed(self, site_id: str) -> None:
        """Limits or events changed; all that hold are read anew."""
        async with self._changing:
            limits = await self.store.limits(site_id)
            events = await self.store.events(site_id, since=self.sites.clock.now())
            self.sites.post(site_id, LimitsChanged(tuple(limits), tuple(events)))

    async def events_changed(self, site_id: str) -> None:
        """Events are limits."""
        await self.limits_changed(site_id)

    async def tariff_changed(self, site_id: str) -> None:
        """The tariff changed, and may follow another market."""
        await self.prices_changed(site_id)
        self.market.wake()

    async def prices_changed(self, site_id: str) -> None:
        """What the site's market published changed."""
        async with self._changing:
            tariff = await tariff_in_force(self.store, site_id, self.sites.clock.now())
            if tariff is not None:
                self.sites.post(site_id, TariffChanged(tariff))

    async def need_changed(self, session_id: str) -> None:
        """A driver or operator said what a session needs."""
        async with self._changing:
            session = await self.store.session(session_id)
            self.sites.post(session.site_id, NeedChanged(session.id, session.need, session.priority))
            self.sites.look_at_sessions(session.site_id)

    async def measured(self, measurements: Sequence[FeederMeasurement]) -> None:
        """Meters were read."""
        for measurement in sorted(measurements, key=lambda m: m.measured_at):
            self.sites.post(measurement.site_id, FeederMeasured(measurement))

    async def send(self, station_id: str, command: Command) -> CommandResult:
        """Have a station do something."""
        return await self.gateway.send(station_id, command)

    async def ask(self, site_id: str, answer: Callable[[PlanRequest, Plan], Answer]) -> Answer | None:
        """An answer about the site's latest plan."""
        running = self.sites.running.get(site_id)
        if running is None or running.runner.latest is None:
            return None
        return await self.questions.ask(answer, *running.runner.latest)

    def connected(self) -> frozenset[str]:
        """Ids of the stations that are connected."""
        return self.gateway.connected

    def health(self) -> Health:
        """The planner, the gateway, what is being stored, and every supervised task."""
        planner = ComponentHealth("planner", self.workers.running, counters={"failures": self.workers.failures})
        counted = self.gateway.health()
        numbers = {name: float(value) for name, value in counted.items() if isinstance(value, int | float)}
        gateway = ComponentHealth("gateway", True, counters=numbers)
        return Health(
            (planner, gateway, self._ingest(), *self._forecasting(), *self._controllers(), *self._tasks())
        )  # fmt: skip

    def _forecasting(self) -> list[ComponentHealth]:
        """What stands in for what should serve is told; plans go on without it, so nothing here makes the process unready."""
        return [
            ComponentHealth("forecast models", True, self.trainer.detail, counters=self.trainer.counters),
            ComponentHealth("day-ahead prices", True, self.market.detail, counters=self.market.counters),
            ComponentHealth("carbon intensity", True, self.carbon.detail, counters=self.carbon.counters),
            *(
                forecasting_health(site_id, running.forecaster.standing, self.trainer.drifts.get(site_id, {}))
                for site_id, running in self.sites.running.items()
            ),
        ]

    def _ingest(self) -> ComponentHealth:
        health = self.ingest.health()
        return ComponentHealth("ingest", health.ok, health.detail, counters=health.counters)

    def _controllers(self) -> list[ComponentHealth]:
        """A controller that is not restored yet is not ready."""
        return [
            ComponentHealth(
                f"site {site_id}",
                running.runner.controller is not None,
                "" if running.runner.controller is not None else "being restored",
                counters={"backlog": running.runner.backlog},
            )
            for site_id, running in self.sites.running.items()
        ]

    def _tasks(self) -> list[ComponentHealth]:
        return [
            ComponentHealth(h.name, h.ok, h.detail, h.since, {"restarts": h.restarts})
            for h in self.supervisor.health.values()
        ]


def forecasting_health(site_id: str, standing: Sequence[str], drifts: Mapping[str, str]) -> ComponentHealth:
    """A site's forecasts: what serves instead of what should (`standing`), and what has drifted, in words and as numbers."""
    told = [*standing, *(f"drift of {about}: {note}" for about, note in drifts.items())]
    counters = {"forecast_stand_ins": float(len(standing)), "forecast_drifts": float(len(drifts))}
    return ComponentHealth(f"forecasts {site_id}", True, "; ".join(told), counters=counters)
