"""The day lived on real parts: physics on the injected clock, stations on sockets, drivers and meters over HTTP."""

from __future__ import annotations

import asyncio
import math
from datetime import datetime, timedelta

from cpms.domain.identity import ConnectorKey
from cpms.domain.telemetry import FeederMeasurement
from cpms.domain.time import Clock
from cpms.simulation.client import StationClient
from cpms.simulation.dialect16 import Dialect16
from cpms.simulation.dialect201 import Dialect201
from cpms.simulation.messages import Dialect
from cpms.simulation.pace import Pace
from cpms.simulation.plant import Plant
from cpms.simulation.platform import Platform
from cpms.simulation.result import DayResult, result_of
from cpms.simulation.scenario import OCPP_16, Day, Visit
from cpms.simulation.station import VirtualStation
from cpms.simulation.traffic import Traffic, Turn

BEAT_S = 0.05
"""Real seconds [s] between looks at the clock when no frame arrives."""
METER_INTERVAL_S = 20.0
METER_PAUSE_S = 0.1
"""The site's meters report every 20 s of the clock, but not more often than every 0.1 s of an idle machine."""
SAMPLE_INTERVAL_S = 60.0
SAMPLE_PAUSE_S = 0.25
"""Likewise for the stations' meter values: if they come faster than they are answered, they queue up, and look like those of a
station whose clock is behind."""
STATE_PAUSE_S = 0.05


class LiveDay:
    """A day that is being lived. `live()` moves everything to the present of `clock`."""

    def __init__(self, day: Day, clock: Clock, pace: Pace, seed: int) -> None:
        self.day = day
        self.clock = clock
        self.plant = Plant(day, seed, self._limit_of)
        self.delivered_kwh: dict[Visit, float] = {}
        self.present: dict[ConnectorKey, Visit] = {}
        self.clients: list[StationClient] = []
        sample_s = max(SAMPLE_INTERVAL_S, pace.clock_s(SAMPLE_PAUSE_S))
        self._meter_pause_s = max(METER_INTERVAL_S / pace.speed, METER_PAUSE_S * pace.slowness)
        self.stations = {
            station.id: VirtualStation(
                station,
                _dialect(day.protocols[station.id]),
                self.plant,
                day.site.voltage_v,
                sample_s,
                day.clocks_ahead.get(station.id, timedelta()),
                station.id in day.ignore_phases,
            )
            for station in day.site.stations
        }
        self._traffic = Traffic(day)
        self._arrived: asyncio.Queue[Visit] = asyncio.Queue()

    @property
    def over(self) -> bool:
        """Whether the day has been lived."""
        return self.plant.second >= self.day.duration_s

    def live(self) -> datetime:
        """Move the world to the present and return that instant; vehicles come and go at their second."""
        now = self.clock.now()
        second = min(self.day.second_of(now), self.day.duration_s)
        for turn, visit in self._traffic.due(second):
            self.plant.advance(turn.second)
            self._turn(turn, visit)
        self.plant.advance(second)
        return now

    def connect(self, url: str, keys: dict[str, str | None]) -> list[StationClient]:
        """A client per station, not yet running."""
        self.clients = [
            StationClient(station, url, keys[station_id], self.live) for station_id, station in self.stations.items()
        ]
        return self.clients

    async def beat(self) -> None:
        """Look at the clock again and again, so that time passes for stations that hear nothing."""
        while True:
            now = self.live()
            for client in self.clients:
                client.station.tick(now)
                if len(client.station.outbox):
                    client.wake()
            await asyncio.sleep(BEAT_S)

    async def state_needs(self, platform: Platform) -> None:
        """Every driver who states a need does so as soon as the session is known."""
        async with asyncio.TaskGroup() as group:
            while True:
                visit = await self._arrived.get()
                group.create_task(self._state_need(platform, visit))

    async def meter(self, platform: Platform) -> None:
        """The site's meters report."""
        while True:
            if not self.over and self.plant.second > 0:
                await platform.add_measurements(self.day.site.id, self.measurements())
            await asyncio.sleep(self._meter_pause_s)

    def measurements(self) -> list[FeederMeasurement]:
        """What every feeder's meter shows now."""
        at = self.day.instant_of(self.plant.second)
        solar_kw, other_kw = self.plant.surroundings_kw()
        root = self.day.site.root.id
        return [
            FeederMeasurement(
                self.day.site.id,
                reading.feeder_id,
                at,
                reading.power_kw,
                reading.current_a,
                solar_kw if reading.feeder_id == root else None,
                other_kw if reading.feeder_id == root else None,
            )
            for reading in self.plant.feeder_readings()
        ]

    def result(self, controller: str) -> DayResult:
        """Close the books."""
        return result_of(controller, self.plant, self.delivered_kwh)

    async def _state_need(self, platform: Platform, visit: Visit) -> None:
        while self.present.get(visit.connector) is visit:
            session_id = await platform.open_session(visit.connector, visit.id_tag)
            if self.day.instant_of(self.plant.second) >= visit.told_departs_at:
                return  # nobody says that they leave before now
            if session_id is not None:
                await platform.put_need(session_id, visit)
                return
            await asyncio.sleep(STATE_PAUSE_S)

    def _turn(self, turn: Turn, visit: Visit) -> None:
        key, at = visit.connector, self.day.instant_of(turn.second)
        station = self.stations[key.station_id]
        if turn.arrives:
            self.plant.plug(key, visit.vehicle)
            self.present[key] = visit
            station.plug_in(key.connector_id, visit.id_tag, at)
            if visit.stated_kwh is not None:
                self._arrived.put_nowait(visit)
        else:
            station.unplug(key.connector_id, at)
            self.delivered_kwh[visit] = self.plant.unplug(key)
            self.present.pop(key, None)

    def _limit_of(self, key: ConnectorKey, second: int) -> tuple[float, int]:
        now = self.day.instant_of(second)
        station = self.stations[key.station_id]
        limit_a, until = station.limit_at(key.connector_id, now)
        self.plant.supply(key, station.phases_at(key.connector_id, now))
        return limit_a, max(second + 1, second + math.ceil((until - now) / timedelta(seconds=1)))


def _dialect(protocol: str) -> Dialect:
    return Dialect16() if protocol == OCPP_16 else Dialect201()
