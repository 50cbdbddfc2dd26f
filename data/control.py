"""What the grid and the utility want, what energy costs, what is expected, what was planned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from cpms.domain.errors import NotFound
from cpms.domain.forecast import Forecast, ForecastQuantity
from cpms.domain.grid import DemandResponseEvent, EventStatus, GridLimit, LimitSource
from cpms.domain.plan import Plan, PlanStatus
from cpms.domain.tariff import Tariff
from data.codec import from_json, to_json
from data.database import Row, Topic


@dataclass(frozen=True)
class PlanSummary:
    """A plan without its setpoints: how good it was known to be, and what it cost to make [CPU s]."""

    id: str
    made_at: datetime
    status: PlanStatus
    gap: float | None
    objective: float | None
    bound: float | None
    cpu_s: float


class Control(Topic):
    """Limits, events, tariffs, forecasts and plans. Writing for an unknown site is NotFound."""

    async def replace_limits(self, site_id: str, limits: Sequence[GridLimit]) -> None:
        """These limits are the site's limits from now on; Conflict if two have the same id."""
        async with self._db.transaction() as work:
            await work.run("remove_limits", site_id=site_id)
            await work.run_many(
                "add_limit", ({**asdict(x), "site_id": site_id, "source": x.source.value} for x in limits)
            )

    async def limits(self, site_id: str) -> tuple[GridLimit, ...]:
        """The site's limits, by id."""
        rows = await self._db.rows("limits", site_id=site_id)
        return tuple(GridLimit(**{**row, "source": LimitSource(row["source"])}) for row in rows)

    async def put_event(self, event: DemandResponseEvent) -> None:
        """Make or change a demand-response event."""
        await self._db.run("put_event", **{**asdict(event), "status": event.status.value})

    async def events(self, site_id: str, since: datetime | None = None) -> tuple[DemandResponseEvent, ...]:
        """Events of the site (ending after `since`), by start."""
        return tuple(_event(row) for row in await self._db.rows("events", site_id=site_id, since=since))

    async def cancel_event(self, site_id: str, event_id: str) -> DemandResponseEvent:
        """The event, cancelled; NotFound."""
        row = await self._db.row("cancel_event", site_id=site_id, event_id=event_id)
        if row is None:
            raise NotFound(f"there is no event {event_id} at site {site_id}")
        return _event(row)

    async def put_tariff(self, site_id: str, tariff: Tariff) -> None:
        """This is the site's tariff from now on."""
        await self._db.run("put_tariff", site_id=site_id, tariff=to_json(tariff))

    async def tariff(self, site_id: str) -> Tariff | None:
        """The site's tariff, None if it has none."""
        row = await self._db.row("tariff", site_id=site_id)
        return None if row is None else from_json(Tariff, row["tariff"])

    async def add_forecast(self, forecast: Forecast) -> None:
        """Keep a forecast."""
        await self._db.run(
            "add_forecast",
            site_id=forecast.site_id,
            quantity=forecast.quantity.value,
            issued_at=forecast.issued_at,
            forecast=to_json(forecast),
        )

    async def latest_forecast(self, site_id: str, quantity: ForecastQuantity) -> Forecast | None:
        """The forecast issued last, None if there is none."""
        row = await self._db.row("latest_forecast", site_id=site_id, quantity=quantity.value)
        return None if row is None else from_json(Forecast, row["forecast"])

    async def add_plan(self, plan: Plan) -> None:
        """Keep a plan; the same plan twice is one."""
        await self._db.run(
            "add_plan",
            id=plan.id,
            site_id=plan.site_id,
            made_at=plan.made_at,
            status=plan.status.value,
            gap=plan.gap,
            objective=plan.objective,
            bound=plan.bound,
            cpu_s=plan.cpu_s,
            plan=to_json(plan),
        )

    async def current_plan(self, site_id: str) -> Plan | None:
        """The plan made last, None if there is none."""
        row = await self._db.row("current_plan", site_id=site_id)
        return None if row is None else from_json(Plan, row["plan"])

    async def plan_summaries(self, site_id: str, since: datetime) -> list[PlanSummary]:
        """Plans made at `since` or later, oldest first."""
        rows = await self._db.rows("plan_summaries", site_id=site_id, since=since)
        return [PlanSummary(**{**row, "status": PlanStatus(row["status"])}) for row in rows]


def _event(row: Row) -> DemandResponseEvent:
    return DemandResponseEvent(**{**row, "status": EventStatus(row["status"])})
