from __future__ import annotations

import pytest

from cpms.domain.errors import NotFound
from cpms.domain.identity import StationCredentials
from cpms.domain.station_clock import UNKNOWN_CLOCK, StationClock
from cpms.domain.telemetry import Alarm, ConnectorStatus, ConnectorStatusChanged, StationBooted, StationCapabilities
from data.store import Store
from tests.data.examples import KEY, NOW, at, build, station


async def test_credentials_hold_the_newest_key_hash(store: Store) -> None:
    await build(store)
    await store.set_station_key("CP-1", b"\x00new")
    assert await store.station_credentials("CP-1") == StationCredentials("CP-1", "depot", 1, b"\x00new")
    assert await store.station_credentials("CP-9") is None


async def test_a_station_is_connected_from_connection_to_disconnection(store: Store) -> None:
    await build(store, station("CP-1"), station("CP-2"))
    await store.record_connection("CP-1", "ocpp1.6", at(0))
    await store.record_connection("CP-2", "ocpp2.0.1", at(1))
    await store.record_disconnection("CP-1", at(5))
    states = await store.connection_states("depot")
    assert {key: state.connected for key, state in states.items()} == {"CP-1": False, "CP-2": True}
    assert states["CP-1"].last_seen_at == at(5)
    assert states["CP-2"].protocol == "ocpp2.0.1"


async def test_what_is_known_of_a_clock_is_kept_until_its_station_starts_anew(store: Store) -> None:
    await build(store, station("CP-1"), station("CP-2"))
    behind, local = StationClock(95.0, 0.0, -90.0), StationClock(3605.0, 7200.0, 7200.0)
    await store.record_clocks({"CP-1": behind, "CP-2": local}, at(5))
    assert {key: state.clock for key, state in (await store.connection_states("depot")).items()} == {
        "CP-1": behind,
        "CP-2": local,
    }
    await store.record_boot(StationBooted("CP-1", at(6)))
    await store.record_clocks({"CP-2": UNKNOWN_CLOCK}, at(6))
    assert {state.clock for state in (await store.connection_states("depot")).values()} == {None}


async def test_after_a_restart_nobody_is_connected(store: Store) -> None:
    await build(store)
    await store.record_connection("CP-1", "ocpp1.6", at(0))
    await store.record_all_disconnected(at(9))
    assert not (await store.connection_states("depot"))["CP-1"].connected


async def test_what_a_station_says_of_itself_is_kept(store: Store) -> None:
    await build(store)
    able = StationCapabilities("CP-1", at(1), max_stack_level=8, rate_units=frozenset({"A", "W"}))
    await store.record_boot(StationBooted("CP-1", at(0), "Vendor", "Model", "SN", "1.2", "PowerUp"))
    await store.record_capabilities(able)
    state = (await store.connection_states("depot"))["CP-1"]
    assert (state.vendor, state.firmware_version, state.booted_at, state.capabilities) == ("Vendor", "1.2", at(0), able)
    assert (await store.station("CP-1")).model == "Model"


async def test_a_status_told_late_does_not_replace_a_newer_one(store: Store) -> None:
    await build(store)
    newer = ConnectorStatusChanged("CP-1", at(10), 1, ConnectorStatus.CHARGING, changed_at=at(10))
    await store.record_status(newer)
    await store.record_status(ConnectorStatusChanged("CP-1", at(11), 1, ConnectorStatus.AVAILABLE, changed_at=at(2)))
    assert await store.connector_statuses("depot") == {KEY: newer}


async def test_the_log_of_a_station_tells_what_happened_in_order(store: Store) -> None:
    await build(store)
    await store.record_connection("CP-1", "ocpp1.6", at(0))
    await store.record_boot(StationBooted("CP-1", at(1), "Vendor"))
    await store.record_status(ConnectorStatusChanged("CP-1", at(2), 0, ConnectorStatus.AVAILABLE))
    assert [entry.kind for entry in await store.station_events("CP-1", NOW)] == ["connected", "booted", "status"]
    assert [entry.kind for entry in await store.station_events("CP-1", at(2))] == ["status"]


async def test_alarms_are_kept_by_site(store: Store) -> None:
    await build(store)
    alarm = Alarm("depot", at(0), "overload", "north is above its limit", "CP-1")
    await store.record_alarms([alarm])
    assert await store.alarms("depot", NOW) == [alarm]
    assert await store.alarms("depot", at(1)) == []


async def test_an_unknown_station_is_not_found(store: Store) -> None:
    for recording in (
        store.set_station_key("CP-9", None),
        store.record_connection("CP-9", "ocpp1.6", NOW),
        store.record_disconnection("CP-9", NOW),
        store.record_boot(StationBooted("CP-9", NOW)),
        store.record_capabilities(StationCapabilities("CP-9", NOW)),
        store.record_status(ConnectorStatusChanged("CP-9", NOW, 1, ConnectorStatus.AVAILABLE)),
    ):
        with pytest.raises(NotFound):
            await recording
