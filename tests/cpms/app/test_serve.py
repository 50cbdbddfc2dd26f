"""The whole product, served: stations by other authors, refusals, hostile frames, impossible needs and limits, kill -9."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidHandshake, InvalidStatus

from tests.hand_station import Station, station
from tests.peers.ocpp_rpc.prepare import HERE as PEER
from tests.product import READY_WITHIN_S, SITE, Product, now_text


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


async def test_a_station_taken_out_of_service_is_sent_off_and_what_it_was_granted_counts_on(product: Product) -> None:
    key = product.add_station("LEAVER-1", connectors=[{"id": 1, "max_current_a": 8.0}])
    async with station(product, "LEAVER-1", key) as leaver:
        await leaver.boot()
        await leaver.start(1000)
        await until(leaver, lambda profile: limit_now_a(profile) >= 6.0)
        problem = product.send("DELETE", "/stations/LEAVER-1", None, 409)
        assert "is open on LEAVER-1/1" in problem["detail"]
        assert product.http.delete("/api/v1/stations/LEAVER-1", params={"force": True}).status_code == 204
        await leaver.connection.wait_closed()
    assert await refused(product, "LEAVER-1", key) == 404
    session = session_of(product, "LEAVER-1")
    assert (session["ended_at"] is not None, session["estimated"]) == (True, True)
    [left] = [c for c in product.get(f"/sites/{SITE['id']}")["live"]["connectors"] if c["station_id"] == "LEAVER-1"]
    assert (left["worst_case_a"] >= 6.0, left["session_id"]) == (True, None)


async def test_an_idle_station_taken_out_of_service_makes_room_at_once_and_so_does_its_site(product: Product) -> None:
    product.send("POST", "/sites", SITE | {"id": "annex"}, 201)
    key = product.send("POST", "/stations", {"id": "IDLE-1", "site_id": "annex"}, 201)["key"]
    async with station(product, "IDLE-1", key) as idle:
        await idle.boot()
        assert product.http.delete("/api/v1/stations/IDLE-1").status_code == 204
        await idle.connection.wait_closed()
    product.wait(lambda: product.get("/sites/annex")["live"]["connectors"] == [])
    assert product.http.delete("/api/v1/sites/annex").status_code == 204
    names = {component["name"] for component in product.http.get("/readyz").json()["components"]}
    assert not {name for name in names if "annex" in name}


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


MEASUREMENTS = f"/api/v1/sites/{SITE['id']}/measurements"


def signal_database(product: Product, number: signal.Signals) -> None:
    """To every process of the product's own PostgreSQL. Its parent is stopped first: it then neither starts a child nor buries one."""
    cluster = (Path(product.environment["CPMS_DATA_DIR"]) / "postgresql").resolve()
    pid = int((cluster / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGSTOP)
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for process in (*map(int, children), pid):
        os.kill(process, number)


def reading(power_kw: float) -> dict[str, Any]:
    """A reading of this very instant: whole seconds would make two of one second the same reading."""
    return {"items": [{"measured_at": datetime.now(UTC).isoformat(), "power_kw": power_kw}]}


def limit_now_a(profile: dict[str, Any]) -> float:
    """What a profile that starts a minute before it was sent says for now [A]."""
    periods = profile["chargingSchedule"]["chargingSchedulePeriod"]
    return float(next(p["limit"] for p in reversed(periods) if p["startPeriod"] <= 61))


async def until(one: Station, met: Any) -> dict[str, Any]:
    """The first profile that `met` is true of."""
    while not met(profile := await one.until_profile()):
        pass
    return profile


async def test_an_overload_is_shed_without_a_database_and_recorded_when_it_is_back(product: Product) -> None:
    key = product.add_station("SHED-1")
    headers = dict(product.http.headers)
    async with (
        station(product, "SHED-1", key) as one,
        httpx.AsyncClient(base_url=str(product.http.base_url), headers=headers, trust_env=False, timeout=None) as meter,
    ):
        await one.boot()
        transaction_id = await one.start()
        await until(one, lambda profile: limit_now_a(profile) >= 12.0)
        assert (await meter.post(MEASUREMENTS, json=reading(20.0))).status_code == 202
        signal_database(product, signal.SIGSTOP)  # it neither answers nor hangs up: the worst way to fail
        overload = asyncio.create_task(meter.post(MEASUREMENTS, json=reading(250.0)))
        shed = await until(one, lambda profile: limit_now_a(profile) < 12.0)
        assert shed["transactionId"] == transaction_id
        signal_database(product, signal.SIGKILL)
        acknowledged = (await overload).status_code == 202  # where the database was back before it was given up
        product.wait(product.is_ready, READY_WITHIN_S)
        kept = [item["power_kw"] for item in (await meter.get(MEASUREMENTS)).json()["items"]]
        assert (250.0 in kept) is acknowledged
        assert (await meter.post(MEASUREMENTS, json=reading(20.0))).status_code == 202
        assert (await one.stop(transaction_id, 500))[0] == 3
    (session,) = product.get("/sessions", station_id="SHED-1")["items"]
    assert session["energy_kwh"] == pytest.approx(0.5)


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
    assert [*tmp_path.iterdir()] == []  # told before a database is made
    assert product.http.get("/readyz").status_code == 200


def test_sigterm_ends_it_cleanly(product: Product) -> None:
    assert product.signal(signal.SIGTERM) == 0
    assert product.log.read_text().rpartition(": stopping\n")[2] == "", "nothing is left to complain about"
