"""Trains, looks back and scores: once a day for every site, one after the other, in a quiet process of its own."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cpms.app.improve import Improved, improve_quietly
from cpms.app.planner import Workers
from cpms.app.site_forecasts import Trained
from cpms.domain.errors import CpmsError
from cpms.domain.telemetry import Alarm
from cpms.domain.time import Clock
from data.store import Store

log = logging.getLogger(__name__)

ENOUGH_QUARTERS = 35 * 96
ENOUGH_SESSIONS = 200
"""What a site has to have stored before training is worth a process."""

COUNTED = ("rounds", "trainings", "promotions", "failures")


@dataclass
class Trainer:
    """The background job over all sites there are. `adopt` is told what serves from now on. `every_s`: how often each site is cared
    for; `check_s`: how often it is asked whether one is due."""

    store: Store
    site_ids: Callable[[], Sequence[str]]
    adopt: Callable[[str, Trained], Awaitable[None]]
    clock: Clock
    every_s: float
    check_s: float
    timeout_s: float
    detail: str = ""
    counters: dict[str, float] = field(default_factory=lambda: dict.fromkeys(COUNTED, 0.0))
    _cared_at: dict[str, datetime] = field(default_factory=dict)
    drifts: dict[str, dict[str, str]] = field(default_factory=dict)
    """Per site, what has drifted as of its last scores: of which quantity and horizon, and how, in words."""

    async def run(self) -> None:
        """Care for sites for ever. One that fails costs the others nothing, and is tried again a day later."""
        while True:
            await self.round()
            await self.clock.sleep(self.check_s)

    async def round(self) -> None:
        """Care for the sites that are due."""
        for site_id in self.site_ids():
            if await self._due(site_id):
                await self._care(site_id)
        self.counters["rounds"] += 1

    async def _due(self, site_id: str) -> bool:
        cared_at = self._cared_at.get(site_id)
        if cared_at is not None and self.clock.now() < cared_at + timedelta(seconds=self.every_s):
            return False
        holdings = await self.store.forecasting_holdings(site_id)
        return holdings.quarters >= ENOUGH_QUARTERS or holdings.sessions >= ENOUGH_SESSIONS

    async def _care(self, site_id: str) -> None:
        now = self.clock.now()
        self._cared_at[site_id] = now
        try:
            improved = await self._improve(site_id, now)
        except CpmsError as error:
            self.counters["failures"] += 1
            self.detail = f"{now:%Y-%m-%d %H:%M} site {site_id}: {error}"
            log.exception("site %s: its forecasts are not trained or scored", site_id)
            await self._alarm(site_id, "training_failed", str(error))
            return
        await self.adopt(site_id, improved.trained)
        await self.report(site_id, now, improved)

    async def _improve(self, site_id: str, now: datetime) -> Improved:
        """In a process that lives for this one job."""
        trained = await self.store.forecast_models(site_id, now - timedelta(seconds=0.9 * self.every_s))
        workers = Workers(1, self.timeout_s)
        try:
            await workers.start(warm=False)
            return await workers.run(improve_quietly, self.store.dsn, site_id, now, not trained)
        finally:
            workers.stop()

    async def report(self, site_id: str, now: datetime, improved: Improved) -> None:
        """Count, log, and raise an alarm for every drift that was not there the last time."""
        for model in improved.trainings:
            log.info("site %s: %s model, version %d: %s", site_id, model.kind.value, model.version, model.why)
        self.counters["trainings"] += len(improved.trainings)
        self.counters["promotions"] += sum(model.in_service for model in improved.trainings)
        self.detail = f"{now:%Y-%m-%d %H:%M} site {site_id}: {len(improved.trainings)} trained"
        drifts = {f"{s.quantity.value}, {s.horizon_s / 3600:g} h ahead": s.note for s in improved.scores if s.note}
        for about in sorted(drifts.keys() - self.drifts.get(site_id, {}).keys()):
            await self._alarm(site_id, "forecast_drift", f"{about}: {drifts[about]}")
        self.drifts[site_id] = drifts

    async def _alarm(self, site_id: str, kind: str, message: str) -> None:
        await self.store.record_alarms([Alarm(site_id, self.clock.now(), kind, message)])
