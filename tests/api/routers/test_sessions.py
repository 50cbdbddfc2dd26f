from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from api import Services
from cpms.domain.session import NeedSource, Session
from cpms.domain.telemetry import Sample, TransactionEnded, TransactionStarted
from tests.api.conftest import NOW
from tests.api.recording import RecordingLive
from tests.data.examples import told

NEED = {"energy_kwh": 24.5, "departs_at": "2026-01-15T17:00:00Z"}


@pytest.fixture
async def session(depot: httpx.AsyncClient, services: Services) -> Session:
    started = TransactionStarted("CP-1", NOW, 1, NOW, id_tag="ABC", meter_start_kwh=100.0)
    return await told(services.store, started)


async def test_a_session_is_found_by_station_site_and_id(depot: httpx.AsyncClient, session: Session) -> None:
    for filters in ({}, {"station_id": "CP-1"}, {"site_id": "depot"}, {"open": "true"}, {"limit": 1}):
        [found] = (await depot.get("/api/v1/sessions", params=filters)).json()["items"]
        assert found["id"] == session.id
    one = (await depot.get(f"/api/v1/sessions/{session.id}")).json()
    assert one == found
    assert (one["station_id"], one["connector_id"], one["id_tag"]) == ("CP-1", 1, "ABC")
    assert one["transaction_id"] == session.transaction_id
    assert one["meter_start_kwh"] == 100.0
    assert one["need"] is None


async def test_a_need_is_stored_and_told_the_controller(
    depot: httpx.AsyncClient, session: Session, services: Services, live: RecordingLive
) -> None:
    live.told.clear()
    response = await depot.put(f"/api/v1/sessions/{session.id}/need", json=NEED | {"priority": 2})
    assert response.status_code == 200
    assert response.json()["need"] == NEED | {"source": "driver", "minimum_now_kwh": 0.0}
    assert response.json()["priority"] == 2
    assert (await services.store.session(session.id)).need.source is NeedSource.DRIVER
    assert live.told == [("need", session.id)]
    again = await depot.put(f"/api/v1/sessions/{session.id}/need", json=NEED | {"source": "operator"})
    assert again.json()["need"]["source"] == "operator"
    assert again.json()["priority"] == 2


async def test_a_driver_may_want_a_part_as_soon_as_possible_but_no_more_than_all(
    depot: httpx.AsyncClient, services: Services, session: Session
) -> None:
    response = await depot.put(f"/api/v1/sessions/{session.id}/need", json=NEED | {"minimum_now_kwh": 3.5})
    assert response.json()["need"]["minimum_now_kwh"] == 3.5
    assert (await services.store.session(session.id)).need.minimum_now_kwh == 3.5
    refused = await depot.put(f"/api/v1/sessions/{session.id}/need", json=NEED | {"minimum_now_kwh": 9_999})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "minimum_now_kwh"


async def test_a_need_that_cannot_be_is_refused(depot: httpx.AsyncClient, session: Session) -> None:
    for change, field in [
        ({"energy_kwh": -1}, "energy_kwh"),
        ({"energy_kwh": 1e9}, "energy_kwh"),
        ({"departs_at": "2026-01-15T17:00:00"}, "departs_at"),
        ({"departs_at": "2026-01-15T12:00:00Z"}, "departs_at"),
        ({"departs_at": "9999-12-31T23:59:59-23:59"}, "departs_at"),
        ({"source": "forecast"}, "source"),
        ({"priority": 10}, "priority"),
    ]:
        response = await depot.put(f"/api/v1/sessions/{session.id}/need", json=NEED | change)
        assert response.status_code == 422, response.text
        assert response.json()["errors"][0]["field"] == field


async def test_an_ended_session_shows_its_energy_and_needs_nothing_more(
    depot: httpx.AsyncClient, session: Session, services: Services
) -> None:
    ended_at = NOW + timedelta(hours=1)
    ended = TransactionEnded(
        "CP-1", ended_at, session.transaction_id, ended_at, 1, meter_stop_kwh=112.3, reason="Local"
    )
    await told(services.store, ended)
    body = (await depot.get(f"/api/v1/sessions/{session.id}")).json()
    assert body["energy_kwh"] == 12.3  # not 12.299999999999997, as subtraction leaves it
    assert body["state"] == "ended"
    assert body["ended_at"] == "2026-01-15T13:00:00Z"
    assert (await depot.get("/api/v1/sessions", params={"open": "true"})).json() == {"items": []}
    response = await depot.put(f"/api/v1/sessions/{session.id}/need", json=NEED)
    assert response.status_code == 409


async def test_unknown_sessions_are_not_found(depot: httpx.AsyncClient) -> None:
    for session_id in ("nobody", "0", "00000000-0000-0000-0000-000000000000"):
        assert (await depot.get(f"/api/v1/sessions/{session_id}")).status_code == 404
        assert (await depot.get(f"/api/v1/sessions/{session_id}/samples")).status_code == 404
        assert (await depot.put(f"/api/v1/sessions/{session_id}/need", json=NEED)).status_code == 404


async def test_the_samples_of_a_session_are_those_between_its_start_and_its_end(
    depot: httpx.AsyncClient, session: Session, services: Services
) -> None:
    ended_at = NOW + timedelta(minutes=10)
    samples = [
        Sample(session.connector, NOW + timedelta(minutes=n), NOW, energy_kwh=100.0 + n / 10)
        for n in (-5, 0, 5, 10, 15)
    ]
    await services.store.add_samples(samples)
    await told(
        services.store, TransactionEnded("CP-1", ended_at, session.transaction_id, ended_at, 1, meter_stop_kwh=101.0)
    )
    read = (await depot.get(f"/api/v1/sessions/{session.id}/samples")).json()["items"]
    assert [sample["energy_kwh"] for sample in read] == [100.0, 100.5, 101.0]
    assert read[0]["sampled_at"] == "2026-01-15T12:00:00Z"


async def test_sessions_of_a_station_or_site_that_does_not_exist_are_not_found_and_of_a_retired_one_they_are(
    depot: httpx.AsyncClient, session: Session, services: Services
) -> None:
    for query, name in (({"station_id": "CP-9"}, "CP-9"), ({"site_id": "nowhere"}, "nowhere")):
        response = await depot.get("/api/v1/sessions", params=query)
        assert (response.status_code, name in response.json()["detail"]) == (404, True)
    await services.store.retire_station("CP-1", NOW, surely_off=True)
    await services.store.release_retired()
    await services.store.retire_site("depot", NOW)
    for query in ({"station_id": "CP-1"}, {"site_id": "depot"}):
        [found] = (await depot.get("/api/v1/sessions", params=query)).json()["items"]
        assert found["id"] == session.id
