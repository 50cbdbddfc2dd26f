"""What is forgotten: raw messages soon, the past of controlling later, samples where that is wished. What bills (sessions,
transactions) and the energy of quarter hours stay."""

from __future__ import annotations

from datetime import UTC, datetime

from data.database import Topic

_CONTROL_HISTORY = (
    "drop_plans", "drop_forecasts", "drop_forecast_points", "drop_forecast_scores", "drop_grants", "drop_station_events",
)  # fmt: skip


class Retention(Topic):
    """Forgetting, repeatable at any time."""

    async def forget_raw_messages(self, before: datetime) -> None:
        """Drop the days of raw messages that were over at `before`."""
        await self._forget_days("raw_messages", "drop_stray_raw_messages", before)

    async def forget_samples(self, before: datetime) -> None:
        """Drop the days of samples that were over at `before`. Quarter hours of energy stay; reckon them before (`data.energy`)."""
        await self._forget_days("samples", "drop_stray_samples", before)

    async def _forget_days(self, series: str, strays: str, before: datetime) -> None:
        day = before.astimezone(UTC).date()
        await self._db.row("drop_days", series=series, before=day)
        await self._db.run(strays, before=datetime(day.year, day.month, day.day, tzinfo=UTC))

    async def forget_control_history(self, before: datetime) -> None:
        """Drop plans and forecasts that newer ones replaced, how forecasts came out, grants that are over, and station events, from
        before `before`."""
        for query in _CONTROL_HISTORY:
            await self._db.run(query, before=before)
