"""The whole product, served: stations by other authors, refusals, hostile frames, impossible needs and limits, kill -9."""

import asyncio
import base64
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from tests.peers.ocpp_rpc.prepare import HERE as PEER
from tests.product import SITE, Product, now_text


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """One server for the module, with a site and a token of a driver."""
    directory = tmp_path_factory.mktemp("product")
    directory.parent.chmod(0o755)
    directory.chmod(0o755)
    running = Product(directory)
    running.start()
    running.create_token()
    running.send("POST", "/sites", SITE, 201)
    running.send("POST", "/tokens", {"id_tag": "TAG-1"}, 201)
    yield running
    running.stop()


class Station:
    """A station of version 1.6, by hand: whatever a test wants it to say. It accepts every command."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.profiles: list[dict[str, Any]] = []
        self._number = 0

    async def call(self, action: str, payload: dict[str, Any]) -> Any:
        self._number += 1
        await self.connection.send(json.dumps([2, f"m{self._number}", action, payload]))
        return await self.answer(f"m{self._number}")

    async def answer(self, message_id: str) -> Any:
        """The frame that answers `message_id`; commands that come first are accepted."""
        async with asyncio.timeout(20):
            while True:
                frame = json.loads(await self.connection.recv())
                if frame[0] != 2 and frame[1] == message_id:
                    return frame
                if frame[0] == 2:
                    await self._accept(frame)

    async def until_profile(self) -> dict[str, Any]:
        """The next charging profile of the transaction."""
        async with asyncio.timeout(20):
            while not self.profiles:
                frame = json.loads(await self.connection.recv())
                if frame[0] == 2:
                    await self._accept(frame)
        return self.profiles.pop(0)

    async def _accept(self, frame: list[Any]) -> None:
        payload: dict[str, Any] = {"status": "Accepted"}
        if frame[2] == "GetConfiguration":
            payload = {"configurationKey": [], "unknownKey": []}
        if frame[2] == "SetChargingProfile":
            profile = frame[3]["csChargingProfiles"]
            if profile["chargingProfilePurpose"] == "TxProfile":
                self.profiles.append(profile)
        await self.connection.send(json.dumps([3, frame[1], payload]))

    async def boot(self) -> None:
        await self.call("BootNotification", {"chargePointVendor": "Hand", "chargePointModel": "Made"})
        await self.call("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"})

    async def start(self, meter_wh: int = 0, at: str | None = None) -> int:
        payload = {"connectorId": 1, "idTag": "TAG-1", "meterStart": meter_wh, "timestamp": at or now_text()}
        return int((await self.call("StartTransaction", payload))[2]["transactionId"])

    async def stop(self, transaction_id: int, meter_wh: int, at: str | None = None) -> Any:
        payload = {"transactionId": transaction_id, "meterStop": meter_wh, "timestamp": at or now_text()}
        return await self.call("StopTransaction", payload)


@asynccontextmanager
async def station(product: Product, station_id: str, key: str, protocol: str = "ocpp1.6") -> AsyncIterator[Station]:
    credentials = base64.b64encode(f"{station_id}:{key}".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}"}
    url = f"{product.url}/{station_id}"
    async with connect(url, subprotocols=[Subprotocol(protocol)], additional_headers=headers, proxy=None) as connection:
        yield Station(connection)


def session_of(product: Product, station_id: str) -> dict[str, Any]:
    (session,) = product.get("/sessions", station_id=station_id)["items"]
    return dict(session)


@pytest.mark.skipif(
    shutil.which("node") is None or not (PEER / "node_modules").exists(),
    reason="the station by other authors is not installed: python -m tests.prepare",
)
@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
def test_a_station_by_other_authors_lives_a_session_that_is_kept(product: Product, version: str) -> None:
    key = product.add_station(f"RPC-{version}")
    lived = subprocess.run(
        ["node", str(PEER / "station.mjs"), "--url", product.url, "--id", f"RPC-{version}", "--key", key,
         "--version", version, "--id-tag", "TAG-1"],
        capture_output=True, text=True, timeout=90, check=True,
    )  # fmt: skip
    saw = [json.loads(line) for line in lived.stdout.splitlines()]
    words = [line["saw"] for line in saw]
    assert "violation" not in words
    assert "profile" in words
    session = product.wait(lambda: session_of(product, f"RPC-{version}"))
    assert session["ended_at"] is not None
    assert session["energy_kwh"] > 0
    assert not session["estimated"]
    samples = product.wait(lambda: product.get(f"/sessions/{session['id']}/samples")["items"])
    assert max(sample["energy_kwh"] for sample in samples if sample["energy_kwh"] is not None) > 0


async def refused(product: Product, station_id: str, key: str, protocol: str = "ocpp1.6") -> int:
    with pytest.raises((InvalidStatus, InvalidHandshake)) as refusal:
        async with station(product, station_id, key, protocol):
            pass
    assert isinstance(refusal.value, InvalidStatus)
    assert refusal.value.response.body
    return refusal.value.response.status_code


async def test_who_may_not_connect_is_told_why_and_disturbs_nobody(product: Product) -> None:
    key = product.add_station("GOOD-1")
    async with station(product, "GOOD-1", key) as good:
        await good.boot()
        assert await refused(product, "GOOD-1", "wrong" * 8) == 401
        assert await refused(product, "NOBODY", key) == 404
        assert await refused(product, "GOOD-1", key, "ocpp9.9") == 400
        assert (await good.call("Heartbeat", {}))[0] == 3


async def test_malformed_frames_are_answered_or_dropped_and_the_connection_lives(product: Product) -> None:
    key = product.add_station("HOSTILE-1")
    async with station(product, "HOSTILE-1", key) as hostile:
        await hostile.boot()
        for frame in ("", "{", "null", "[2]", '[2,"a"]', '[9,"b","Heartbeat",{}]', '[3,"never asked",{}]', "[" * 5000):
            await hostile.connection.send(frame)
        await hostile.connection.send('[2,"c","StartTransaction",["nonsense"]]')
        assert (await hostile.answer("c"))[0] == 4
        await hostile.connection.send('[2,"d","Fly",{}]')
        assert (await hostile.answer("d"))[2] in {"NotImplemented", "NotSupported"}
        assert (await hostile.call("Heartbeat", {}))[0] == 3


async def test_an_impossible_need_is_planned_as_far_as_it_goes_and_its_shortfall_is_named(product: Product) -> None:
    key = product.add_station("HUNGRY-1")
    async with station(product, "HUNGRY-1", key) as hungry:
        await hungry.boot()
        transaction_id = await hungry.start()
        assert (await hungry.until_profile())["transactionId"] == transaction_id
        session = session_of(product, "HUNGRY-1")
        departs_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        need = {"energy_kwh": 500.0, "departs_at": departs_at}
        product.send("PUT", f"/sessions/{session['id']}/need", need, 200)

        def planned_short() -> bool:
            sessions = product.get(f"/sites/{SITE['id']}/plan")["sessions"]
            return any(s["session_id"] == session["id"] and s["shortfall_kwh"] > 400 for s in sessions)

        await asyncio.to_thread(product.wait, planned_short)
        plan = product.get(f"/sites/{SITE['id']}/plan")
        assert plan["status"] in {"optimal", "feasible"}
        await hungry.stop(transaction_id, 0)


def test_a_limit_below_what_unreachable_stations_may_draw_is_refused_with_the_cure(product: Product) -> None:
    connectors = [{"id": 1, "max_current_a": 16.0, "fallback_current_a": 6.0}]
    product.add_station("FALLBACK-1", connectors=connectors)
    before = product.get(f"/sites/{SITE['id']}/limits")
    problem = product.send("PUT", f"/sites/{SITE['id']}/limits", {"items": [{"limit_kw": 8.0}]}, 422)
    assert "may draw when unreachable" in json.dumps(problem)
    assert "raise the limit" in json.dumps(problem)
    assert product.get(f"/sites/{SITE['id']}/limits") == before


async def test_after_kill_9_a_running_session_goes_on_and_is_neither_lost_nor_doubled(product: Product) -> None:
    key = product.add_station("SURVIVOR-1")
    started_at = now_text(timedelta(hours=-1))
    async with station(product, "SURVIVOR-1", key) as survivor:
        await survivor.boot()
        transaction_id = await survivor.start(1000, started_at)
        await survivor.until_profile()
    assert product.signal(signal.SIGKILL) == -signal.SIGKILL
    product.start()
    async with station(product, "SURVIVOR-1", key) as survivor:
        await survivor.boot()
        assert await survivor.start(1000, started_at) == transaction_id
        assert (await survivor.until_profile())["transactionId"] == transaction_id
        for _ in range(2):
            assert (await survivor.stop(transaction_id, 8500))[0] == 3
    session = session_of(product, "SURVIVOR-1")
    assert session["ended_at"] is not None
    assert session["energy_kwh"] == pytest.approx(7.5)


def test_a_second_server_on_the_same_database_is_refused(product: Product) -> None:
    elsewhere = product.environment | {"CPMS_OCPP_PORT": "0", "CPMS_API_PORT": "0"}
    command = [sys.executable, "-m", "cpms", "serve"]
    second = subprocess.run(command, env=elsewhere, capture_output=True, text=True, timeout=120, check=False)
    assert second.returncode == 1
    assert second.stderr.splitlines()[-1].startswith("cpms: Another `cpms serve` uses this database")
    assert product.http.get("/readyz").status_code == 200


def test_a_second_start_on_the_same_ports_says_so_and_leaves_the_first_alone(product: Product, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cpms", "serve"]
    elsewhere = product.environment | {"CPMS_DATA_DIR": str(tmp_path)}
    second = subprocess.run(command, env=elsewhere, capture_output=True, text=True, timeout=120, check=False)
    assert second.returncode == 1
    assert "in use" in second.stderr
    assert "Traceback" not in second.stderr
    assert product.http.get("/readyz").status_code == 200


def test_sigterm_ends_it_cleanly(product: Product) -> None:
    assert product.signal(signal.SIGTERM) == 0
