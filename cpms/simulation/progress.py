"""The day as it passes: a live table on a terminal, one line per hour of the clock elsewhere."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cpms.simulation.live_day import LiveDay
from cpms.simulation.scenario import Visit

REFRESH_S = 0.25
ROWS_AT_MOST = 24
BAR = 20


@dataclass(frozen=True)
class Present:
    """The site at this moment, for people: powers in kW, price per kWh."""

    at: datetime
    net_kw: float
    limit_kw: float | None
    limit_reason: str
    vehicles_kw: float
    solar_kw: float
    other_kw: float
    price_per_kwh: Decimal
    sessions: tuple[tuple[Visit, float, float], ...]

    @classmethod
    def of(cls, live: LiveDay) -> Present:
        """What `live` shows now; sessions with the energy taken [kWh] and power [kW]."""
        plant, day = live.plant, live.day
        instant = day.instant_of(plant.second)
        limit = day.timeline.at(day.site.root.id, instant)
        solar_kw, other_kw = plant.surroundings_kw()
        root = plant.feeders.index(day.site.root.id)
        sessions = (
            (visit, float(plant.taken_kwh[plant.index[key]]), float(plant.power_kw[plant.index[key]]))
            for key, visit in live.present.items()
        )
        return cls(
            at=instant.astimezone(ZoneInfo(day.site.timezone)),
            net_kw=plant.feeder_readings()[root].power_kw,
            limit_kw=limit.limit_kw,
            limit_reason=limit.reason,
            vehicles_kw=float(plant.power_kw.sum()),
            solar_kw=solar_kw,
            other_kw=other_kw,
            price_per_kwh=day.tariff.import_price_per_kwh(instant),
            sessions=tuple(sorted(sessions, key=lambda s: s[0].told_departs_at)),
        )

    def line(self) -> str:
        """Everything but the sessions, in one line."""
        limit = "no limit" if self.limit_kw is None else f"of {self.limit_kw:.0f} kW ({self.limit_reason})"
        return (
            f"{self.at:%H:%M}  site {self.net_kw:6.1f} kW {limit}  vehicles {self.vehicles_kw:5.1f} kW"
            f"  sun {self.solar_kw:4.1f} kW  building {self.other_kw:4.1f} kW"
            f"  price {self.price_per_kwh:.3f}/kWh  sessions {len(self.sessions)}"
        )


async def show_progress(live: LiveDay, console: Console) -> None:
    """Show the day until it is over."""
    if console.is_terminal:
        await _show_table(live, console)
    else:
        await _show_lines(live, console)


async def _show_table(live: LiveDay, console: Console) -> None:
    with Live(console=console, auto_refresh=False, transient=True) as screen:
        while not live.over:
            screen.update(_screen(Present.of(live)), refresh=True)
            await asyncio.sleep(REFRESH_S)


async def _show_lines(live: LiveDay, console: Console) -> None:
    hour = -1
    while not live.over:
        if live.plant.second // 3600 > hour:
            hour = live.plant.second // 3600
            console.print(Present.of(live).line(), highlight=False, soft_wrap=True)
        await asyncio.sleep(REFRESH_S / 2)


def _screen(present: Present) -> Group:
    table = Table(box=None, pad_edge=False)
    for name in ("vehicle", "connector", "leaves", "need", "", "kWh", "kW"):
        table.add_column(name, justify="right" if name in ("kWh", "kW") else "left")
    for visit, taken_kwh, power_kw in present.sessions[:ROWS_AT_MOST]:
        local = visit.told_departs_at.astimezone(present.at.tzinfo)
        share = min(1.0, taken_kwh / max(visit.due_kwh, 1e-9))
        bar = Text("█" * round(share * BAR), style="green") + Text("░" * (BAR - round(share * BAR)), style="dim")
        need = f"{taken_kwh:.1f}" if visit.stated_kwh is None else f"{taken_kwh:.1f} of {visit.stated_kwh:.1f}"
        table.add_row(
            visit.id_tag, str(visit.connector), f"{local:%H:%M}", bar, f"{share:4.0%}", need, f"{power_kw:.1f}"
        )
    return Group(Text(present.line(), style="bold"), table)
