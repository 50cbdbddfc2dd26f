"""One phase and three, from plug to profile: the product as a process, stations on sockets, one of which ignores numberPhases."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from rich.console import Console

from cpms.domain.identity import ConnectorKey
from cpms.domain.need import PhaseSwitching
from cpms.domain.site import Connector, Feeder, Site, Station
from cpms.domain.tariff import Tariff
from cpms.domain.units import PHASES, Phase
from cpms.simulation.demo import _data_dir, _live_through
from cpms.simulation.demo_options import DemoOptions
from cpms.simulation.live_day import BEAT_S
from cpms.simulation.pace import Pace
from cpms.simulation.scenario import OCPP_16, OCPP_201, Day, Visit
from cpms.simulation.stage import Stage, served
from cpms.simulation.vehicle import Vehicle

START = datetime(2026, 6, 2, 9, 0, tzinfo=UTC)
HOURS = 2
SUN_KW = 3.5
"""Less than the 4.1 kW that a vehicle takes at least on three phases: without dear energy it can be used on one only."""
PACE = Pace(240.0)


def _station(number: int) -> Station:
    rotated = PHASES[number:] + PHASES[:number]
    connector = Connector(
        ConnectorKey(f"s{number}", 1), rotated, 16.0, switching=PhaseSwitching(rotated[number], 600.0)
    )
    return Station(f"s{number}", "roof", "row", (connector,), model="m")


def _visit(station: Station) -> Visit:
    leaves_at = START + timedelta(hours=HOURS) - timedelta(minutes=2)
    return Visit(
        id_tag=f"TAG-{station.id}",
        connector=station.connectors[0].key,
        arrives_at=START + timedelta(minutes=3),
        departs_at=leaves_at,
        vehicle=Vehicle(12.0, 16.0),
        stated_kwh=3.0,
        stated_departs_at=leaves_at + timedelta(hours=2),
    )


def sunny_day() -> Day:
    """Energy is dear but for the sun; the third station does what it likes with numberPhases."""
    stations = tuple(_station(number) for number in range(3))
    return Day(
        name="sun",
        site=Site("roof", "Roof", "UTC", "EUR", (Feeder("grid", 40.0), Feeder("row", 20.0, "grid")), stations),
        protocols={"s0": OCPP_16, "s1": OCPP_201, "s2": OCPP_16},
        visits=tuple(_visit(station) for station in stations),
        tariff=Tariff("t", "EUR", "UTC", Decimal("0.9"), export_price_per_kwh=Decimal("0.01")),
        starts_at=START,
        duration_s=HOURS * 3600,
        solar_kw=(SUN_KW,) * (HOURS * 60 + 1),
        other_load_kw=(0.0,) * (HOURS * 60 + 1),
        ignore_phases=frozenset({"s2"}),
    )


class Seen:
    """What flowed while the day was lived: phases in use per station."""

    def __init__(self) -> None:
        self.phases: dict[str, set[tuple[Phase, ...]]] = {}

    async def watch(self, stage: Stage) -> None:
        plant = stage.live.plant
        while not stage.live.over:
            for key, i in plant.index.items():
                used = tuple(p for p, on in zip(PHASES, plant.uses[i], strict=True) if on and plant.current_a[i] > 0)
                self.phases.setdefault(key.station_id, set()).add(used)
            await asyncio.sleep(BEAT_S)


async def _lived(seen: Seen) -> tuple[Stage, list[dict[str, object]]]:
    day, console = sunny_day(), Console(quiet=True)
    options = DemoOptions()
    with _data_dir(options) as directory:
        async with served(options, day, PACE, Path(directory), console) as stage:
            watching = asyncio.create_task(seen.watch(stage))
            await _live_through(stage, console, None)
            await watching
            return stage, await stage.platform.alarms("roof", START)


def test_vehicles_charge_from_the_sun_on_one_phase_and_no_second_is_above_a_limit() -> None:
    seen = Seen()
    stage, alarms = asyncio.run(_lived(seen))
    result = stage.live.result("optimized")
    assert [(limit.name, limit.worst_share) for limit in result.limits if limit.overload_s] == []
    by_id = {station.id: station.connectors[0] for station in stage.live.day.site.stations}
    alone = {name: (c.switching.single,) for name, c in by_id.items() if c.switching is not None}
    for station_id in ("s0", "s1"):
        assert {PHASES} <= seen.phases[station_id] <= {(), PHASES, alone[station_id]}
    assert any(alone[station_id] in seen.phases[station_id] for station_id in ("s0", "s1"))
    assert seen.phases["s2"] == {(), PHASES}
    assert {str(a["message"])[:4] for a in alarms if a["kind"] == "phases_not_switched"} <= {"s2/1"}
    assert sum(stage.live.delivered_kwh.values()) > 2.0
