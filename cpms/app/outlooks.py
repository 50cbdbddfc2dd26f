"""A site's open sessions: what they are likely to take, and the needs they are planned for, from plug-in until they end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cpms.app.cycle import changed_or_due
from cpms.app.forecaster import Forecaster
from cpms.control.events import ControlEvent, NeedChanged
from cpms.domain.forecast import ForecastQuantity
from cpms.domain.forecast_record import ForecastPoint, ModelKind
from cpms.domain.session import Session
from cpms.domain.time import Clock
from forecasting.sessions.outlook import SessionOutlook
from forecasting.sessions.serving import Expected, serve_sessions

SCORED_AFTER_S = (0, 3600, 4 * 3600)
"""What is expected of a session is kept to be scored at its start and when it has lasted so long [s]."""

SETTLE_REAL_S = 0.2
"""Plug-ins that come together are looked at together."""


@dataclass
class Outlooks:
    """One site's session forecasts. `history`: its ended sessions, the last ones last."""

    forecaster: Forecaster
    history: Callable[[], Sequence[Session]]
    clock: Clock
    cycle_s: float
    post: Callable[[ControlEvent], None]
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _kept: dict[str, int] = field(default_factory=dict)
    """Per open session: up to which horizon [s] its points are kept."""

    _adjusted: set[str] = field(default_factory=set)
    """Sessions whose need the controller was told differs from what was stated."""

    def wake(self) -> None:
        """A session began, or its driver said something."""
        self._changed.set()

    async def run(self) -> None:
        """Look at open sessions for ever: when woken, and on a cycle, because who stays tells something."""
        while True:
            await self.update()
            await changed_or_due(self._changed, self.clock, self.cycle_s)
            await asyncio.sleep(SETTLE_REAL_S)
            self._changed.clear()

    async def update(self) -> tuple[Expected, ...]:
        """Look once; tell the controller of every need that is better planned for otherwise than it was stated."""
        site, store = self.forecaster.site, self.forecaster.store
        sessions = await store.open_sessions(site.id)
        if not sessions:
            self._kept.clear()
            return ()
        trained, now = await self.forecaster.serving(), self.clock.now()
        found = await self.forecaster.workers.run(
            serve_sessions,
            self.history(), sessions, site.timezone, now, trained.models.get(ModelKind.SESSIONS), trained.session_records,
        )  # fmt: skip
        self._tell(found)
        await store.add_points([point for one in found for point in self._points(one, now)])
        self._kept = {session.id: self._kept.get(session.id, -1) for session in sessions}
        return found

    def _tell(self, found: Sequence[Expected]) -> None:
        """Hand needs that differ from what was stated to the controller; each time, as it may have been restored since."""
        for one in found:
            differs = one.need != one.session.need
            if differs or one.session.id in self._adjusted:
                self.post(NeedChanged(one.session.id, one.need))
            if differs:
                self._adjusted.add(one.session.id)
        self._adjusted &= {one.session.id for one in found if one.need != one.session.need}

    def _points(self, one: Expected, now: datetime) -> list[ForecastPoint]:
        """Points of a session that has just reached a horizon; of one whose start nobody watched, none for it."""
        lasted_s = (now - one.session.started_at).total_seconds()
        horizon_s = max((after for after in SCORED_AFTER_S if after <= lasted_s), default=None)
        if horizon_s is None or horizon_s <= self._kept.get(one.session.id, -1):
            return []
        self._kept[one.session.id] = horizon_s
        if lasted_s > horizon_s + 2 * self.cycle_s:
            return []
        quantities = ((ForecastQuantity.STAY_H, "stay_h"), (ForecastQuantity.SESSION_ENERGY_KWH, "energy_kwh"))
        return [self._point(one, now, horizon_s, quantity, name) for quantity, name in quantities]

    def _point(
        self, one: Expected, now: datetime, horizon_s: int, quantity: ForecastQuantity, name: str
    ) -> ForecastPoint:
        def values(outlook: SessionOutlook) -> tuple[float, ...]:
            return tuple(getattr(outlook, name))

        return ForecastPoint(
            site_id=one.session.site_id,
            quantity=quantity,
            issued_at=now,
            valid_at=one.session.started_at,
            horizon_s=horizon_s,
            levels=one.outlook.levels,
            values=values(one.outlook),
            floor_values=values(one.floor),
            model_version=one.model_version,
            session_id=one.session.id,
        )
