from __future__ import annotations

from datetime import timedelta

import httpx

from api import Services
from cpms.domain.telemetry import Alarm
from tests.api.conftest import NOW


async def test_alarms_of_the_last_days_are_listed(depot: httpx.AsyncClient, services: Services) -> None:
    alarms = [
        Alarm("depot", NOW - timedelta(days=8), "meter_stale", "old"),
        Alarm("depot", NOW, "station_disobeys", "CP-1 draws 20 A of 6 A", "CP-1"),
    ]
    await services.store.record_alarms(alarms)
    [alarm] = (await depot.get("/api/v1/sites/depot/alarms")).json()["items"]
    assert alarm == {
        "raised_at": "2026-01-15T12:00:00Z",
        "kind": "station_disobeys",
        "message": "CP-1 draws 20 A of 6 A",
        "station_id": "CP-1",
    }
    everything = await depot.get("/api/v1/sites/depot/alarms", params={"since": "2026-01-01T00:00:00Z"})
    assert len(everything.json()["items"]) == 2
