"""Visits to forecast from, in one word each."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from forecasting.arrivals.visits import Visit

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 3, 23)


def visit(day: date, hour: float, stay_h: float, energy_kwh: float = 10.0, max_kw: float = 11.0) -> Visit:
    local = datetime(day.year, day.month, day.day, int(hour), round(hour % 1 * 60), tzinfo=BERLIN)
    arrives_at = local.astimezone(UTC)
    return Visit(arrives_at, arrives_at + timedelta(hours=stay_h), energy_kwh, max_kw)


def at(day: date, hour: float) -> datetime:
    return datetime(day.year, day.month, day.day, int(hour), round(hour % 1 * 60), tzinfo=BERLIN)
