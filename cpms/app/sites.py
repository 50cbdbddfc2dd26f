"""The running sites: a runner, a forecaster and the outlooks of its sessions each, all supervised."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from cpms.app.forecaster import Forecaster
from cpms.app.outlooks import Outlooks
from cpms.app.planner import Workers
from cpms.app.runner import Send, SiteRunner
from cpms.app.site_forecasts import Trained
from cpms.app.supervise import Supervisor
from cpms.control.events import ControlEvent
from cpms.control.settings import ControlSettings
from cpms.domain.command import Command
from cpms.domain.session import EnergyNeed, Session
from cpms.domain.site import Site
from cpms.domain.telemetry import StationEvent
from cpms.domain.time import Clock
from data.store import Store
from forecasting.sessions.medians import expect_need
from forecasting.sessions.training import WINDOW as SESSIONS_WINDOW
from forecasting.weather.port import WeatherService

log = logging.getLogger(__name__)

HISTORY_SESSIONS = 5000


@dataclass
class RunningSite:
    """A site as it was last read, its runner, and its ended sessions (for what new ones may need)."""

    site: Site
    runner: SiteRunner
    forecaster: Forecaster
    outlooks: Outlooks
    history: deque[Session]


@dataclass
class Sites:
    """Starts, finds and stops the sites. Which station belongs to which site is read once and kept."""

    store: Store
    workers: Workers
    supervisor: Supervisor
    clock: Clock
    settings: ControlSettings
    forecast_cycle_s: float
    weather: WeatherService | None
    likely_arrivals: bool
    send: Send
    connected: Callable[[], frozenset[str]]
    running: dict[str, RunningSite] = field(default_factory=dict)
    _site_of_station: dict[str, str] = field(default_factory=dict)
    _soon: set[asyncio.Task[object]] = field(default_factory=set)

    async def start(self) -> None:
        """Start every site there is."""
        for site in await self.store.sites():
            await self.start_site(site.id)

    async def start_site(self, site_id: str) -> RunningSite:
        """Start a site, or read it again if it runs already."""
        site = await self.store.site(site_id)
        elsewhere = {station: other for station, other in self._site_of_station.items() if other != site_id}
        self._site_of_station = elsewhere | {station.id: site_id for station in site.stations}
        running = self.running.get(site_id)
        if running is None:
            running = await self._make(site)
            self.running[site_id] = running
            works = running.runner.run, running.forecaster.run, running.outlooks.run
            for name, work in zip(_task_names(site_id), works, strict=True):
                self.supervisor.run(name, work)
        running.site = running.forecaster.site = site
        return running

    def ids(self) -> tuple[str, ...]:
        """Sites that run."""
        return tuple(self.running)

    async def stop_site(self, site_id: str) -> None:
        """Stop a site that is out of service."""
        if self.running.pop(site_id, None) is not None:
            await self.supervisor.end(*_task_names(site_id))

    async def _make(self, site: Site) -> RunningSite:
        runner = SiteRunner(
            site.id, self.store, self.workers, self.send, self.clock, self.settings, self.connected
        )  # fmt: skip
        history = deque(await self._ended(site.id), maxlen=HISTORY_SESSIONS)
        forecaster = Forecaster(
            site, self.store, self.workers, self.weather, self.clock, self.forecast_cycle_s, runner.post,
            lambda: tuple(history), self.likely_arrivals,
        )  # fmt: skip
        outlooks = Outlooks(forecaster, forecaster.history, self.clock, self.forecast_cycle_s, runner.post)
        return RunningSite(site, runner, forecaster, outlooks, history)

    def post(self, site_id: str, event: ControlEvent) -> None:
        """Hand an event to a site's controller."""
        running = self.running.get(site_id)
        if running is not None:
            running.runner.post(event)

    def look_at_sessions(self, site_id: str) -> None:
        """A session of the site began, or its driver said something: expect anew."""
        running = self.running.get(site_id)
        if running is not None:
            running.outlooks.wake()

    async def adopt(self, site_id: str, trained: Trained) -> None:
        """From now on these models forecast for the site, from all that is stored of its sessions: some may have been imported."""
        running = self.running.get(site_id)
        if running is not None:
            running.forecaster.trained = trained
            _learn(running.history, await self._ended(site_id))
            running.outlooks.wake()

    async def _ended(self, site_id: str) -> list[Session]:
        return await self.store.ended_sessions(site_id, self.clock.now() - SESSIONS_WINDOW)

    def post_station(self, event: StationEvent) -> None:
        """Hand a station's event to its site's controller."""
        site_id = self._site_of_station.get(event.station_id)
        if site_id is not None:
            self.post(site_id, event)

    def has_connector(self, session: Session) -> bool:
        """Whether a session is on a connector in service at its site; where the site does not run yet, it is believed."""
        running = self.running.get(session.site_id)
        if running is None:
            return True
        connector = running.site.connectors.get(session.connector)
        return connector is not None and not connector.retired

    def send_soon(self, station_id: str, command: Command) -> None:
        """Send a command without waiting for its answer."""
        task: asyncio.Task[object] = asyncio.ensure_future(self.send(station_id, command))
        self._soon.add(task)
        task.add_done_callback(self._soon.discard)

    async def with_need(self, session: Session, priority: int) -> Session:
        """The session with a need: the one stated, or what its driver's and its site's past make likely."""
        if session.need is not None:
            return session
        need = self._expected_need(session)
        await self.store.set_need(session.id, need, priority)
        return replace(session, need=need, priority=priority)

    def _expected_need(self, session: Session) -> EnergyNeed:
        running = self.running.get(session.site_id)
        return expect_need(
            () if running is None else tuple(running.history),
            session.started_at,
            session.id_tag,
            "UTC" if running is None else running.site.timezone,
            default_energy_kwh=self.settings.default_need_kwh,
            default_stay_h=self.settings.default_stay_s / 3600.0,
        )

    def remember(self, session: Session) -> None:
        """An ended session teaches what later ones may need, once however often its station tells of its end."""
        if (running := self.running.get(session.site_id)) is not None:
            _learn(running.history, [session])


def _learn(history: deque[Session], sessions: Sequence[Session]) -> None:
    """Add `sessions` to what is known, each once as it was told last, the ones that began last at the end."""
    known = {session.id: session for session in (*history, *sessions)}
    history.clear()
    history.extend(sorted(known.values(), key=lambda session: session.started_at))


def _task_names(site_id: str) -> tuple[str, str, str]:
    return f"controller {site_id}", f"forecaster {site_id}", f"outlooks {site_id}"
