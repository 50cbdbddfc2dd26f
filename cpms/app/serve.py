"""`cpms serve`: gateway, planner, controllers and API in one process, started and stopped in order."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from api.ports import Services
from cpms.app.api_server import serving_api
from cpms.app.backend import Backend
from cpms.app.carbon import CarbonWatch
from cpms.app.database import open_store
from cpms.app.doors import bound_doors
from cpms.app.housekeeping import Housekeeping, Keeping
from cpms.app.live import LiveProcess
from cpms.app.market import MarketWatch
from cpms.app.planner import Workers
from cpms.app.questions import Questions
from cpms.app.retirement import see_off_retired
from cpms.app.sites import Sites
from cpms.app.sources import open_sources
from cpms.app.supervise import Supervisor
from cpms.app.trainer import Trainer
from cpms.control.settings import ControlSettings
from cpms.domain.time import AcceleratedClock, Clock
from cpms.ocpp.server import ServerOptions, StationServer
from cpms.settings import Settings
from data.ingest import SampleIngest
from data.store import Store

log = logging.getLogger(__name__)

PARENT_CHECK_S = 1.0


async def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    # a demonstration's server does not outlive it
    watching = [asyncio.create_task(_end_with_parent(stop))] if settings.clock is not None else []
    with bound_doors(settings) as doors:
        async with (
            open_store(settings, to_serve=True) as store,
            running_process(settings, store, doors.stations) as services,
            serving_api(services, doors.api) as address,
        ):
            await _say_hello(store, address)
            gc.freeze()  # what lives as long as the process is never traversed again
            await stop.wait()
            log.info("stopping")
            for task in watching:
                task.cancel()


async def _end_with_parent(stop: asyncio.Event) -> None:
    parent = os.getppid()
    while os.getppid() == parent:  # noqa: ASYNC110 - a dead parent raises no event
        await asyncio.sleep(PARENT_CHECK_S)
    stop.set()


@asynccontextmanager
async def running_process(settings: Settings, store: Store, door: socket.socket) -> AsyncIterator[Services]:
    """Everything but the API, started in the order of need and stopped in the reverse."""
    clock = settings.make_clock()
    supervisor = Supervisor(clock)
    workers = Workers(settings.planner_processes, settings.plan_timeout_s)
    pepper, cycle_s = await store.pepper(), settings.forecast_cycle_s
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(workers.stop)
        await workers.start()
        ingest = await stack.enter_async_context(SampleIngest(store))
        sources = await stack.enter_async_context(open_sources(settings))

        sites = Sites(
            store, workers, supervisor, clock, control_settings(settings, clock), cycle_s, sources.weather,
            settings.likely_arrivals, lambda station_id, command: gateway.send(station_id, command), lambda: gateway.connected,
        )  # fmt: skip
        trainer = Trainer(
            store, sites.ids, sites.adopt, clock, settings.training_cycle_s, cycle_s, settings.training_timeout_s
        )
        housekeeping = _keep_house(settings, store, supervisor)
        backend = Backend(store, ingest, sites, housekeeping, settings.heartbeat_interval_s)
        gateway = _gateway(settings, backend, clock, pepper)
        stack.push_async_callback(supervisor.stop)
        await store.record_all_disconnected(clock.now())
        await sites.start()
        supervisor.run("trainer", trainer.run)
        stack.push_async_callback(gateway.stop)
        await gateway.start(door)
        print(f"stations: ws://{settings.ocpp_host}:{gateway.port}/ocpp/{{station_id}} (ocpp1.6, ocpp2.0.1)")
        market = MarketWatch(
            store, sources.prices, sites.ids, lambda site_id: live.prices_changed(site_id), clock, cycle_s
        )
        carbon = CarbonWatch(store, sources.carbon, sites.ids, sites.post, clock, cycle_s)
        questions = Questions(settings.plan_timeout_s)
        stack.callback(questions.stop)
        live = LiveProcess(store, sites, gateway, ingest, workers, supervisor, trainer, questions, market, carbon)
        supervisor.run("market watch", market.run)
        supervisor.run("carbon watch", carbon.run)
        supervisor.run("retired stations", lambda: see_off_retired(live, clock))
        yield Services(store, live, clock, pepper)


def _gateway(settings: Settings, backend: Backend, clock: Clock, pepper: bytes) -> StationServer:
    """The stations' server, not yet listening."""
    options = ServerOptions(heartbeat_interval_s=settings.heartbeat_interval_s, call_timeout_s=settings.call_timeout_s)
    return StationServer(backend, clock, pepper, settings.ocpp_host, settings.ocpp_port, options)


def _keep_house(settings: Settings, store: Store, supervisor: Supervisor) -> Housekeeping:
    """Housekeeping, with its tasks running."""
    keeping = Keeping(settings.raw_messages_days, settings.control_history_days, settings.samples_days)
    housekeeping = Housekeeping(store, supervisor.clock, keeping)
    supervisor.run("last heard", housekeeping.note_seen)
    supervisor.run("retention", housekeeping.forget)
    supervisor.run("energy", housekeeping.reckon_energy)
    return housekeeping


def control_settings(settings: Settings, clock: Clock) -> ControlSettings:
    """What the controllers are told of the process's settings.

    Under an accelerated clock messages and solves, which take real time, take many of its seconds: patience grows with it,
    caution does not.
    """
    speed = clock.speed if isinstance(clock, AcceleratedClock) else 0.0
    latency_s = settings.latency_s * speed
    return ControlSettings(
        lease_s=settings.lease_s,
        ramp_s=settings.ramp_s,
        clock_margin_s=settings.clock_margin_s,
        clock_transit_s=latency_s if settings.clock_transit_s is None else settings.clock_transit_s,
        cycle_s=settings.cycle_s,
        fine_step_s=settings.plan_step_s,
        departure_margin_s=settings.departure_margin_s,
        phases_trusted_s=settings.phases_trusted_s,
        answer_timeout_s=60.0 + latency_s,
        settle_s=1.0 + latency_s / 16,
        replan_debounce_s=2.0 + latency_s / 4,
        meter_stale_s=60.0 + latency_s,
        sample_max_age_s=120.0 + latency_s,
        plan_timeout_s=2 * settings.plan_timeout_s * max(1.0, speed),
        plan_time_limit_s=settings.plan_time_limit_s,
        plan_gap_target=settings.plan_gap_target,
        co2_price_per_kg=settings.co2_price_per_kg,
        default_need_kwh=settings.default_need_kwh,
        default_stay_s=settings.default_stay_h * 3600.0,
    )


async def _say_hello(store: Store, address: str) -> None:
    print(f"API:      {address} (OpenAPI at {address}/openapi.json)", flush=True)
    if not await store.api_tokens():
        print("First start: create an administrator's token with\n  cpms token create --role admin", flush=True)
