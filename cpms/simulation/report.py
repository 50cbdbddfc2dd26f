"""What a demo came to, for people and programs: tables, report.json and a picture."""

from __future__ import annotations

import json
import statistics
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Column, Table

from cpms.domain.errors import InvalidInput, reason_of
from cpms.simulation.picture import draw
from cpms.simulation.record import LimitRecord
from cpms.simulation.result import DayResult, DemoResult

KNOWLEDGE = (
    "what drivers state, what meters show and what the past makes likely is known to all; when a vehicle will leave, and what it will"
    " take, to nobody. The comparisons also see what each vehicle would draw at this moment, and reach their stations at once.",
    "a need is met if, when the vehicle leaves, it has what was asked for, or all it takes if that is less; where nobody asked, all it"
    " takes.",
)
"""What has to be known to read the tables."""


def show(result: DemoResult, console: Console) -> None:
    """Print the tables."""
    console.print(f"\n{result.day.name}: {len(result.day.visits)} vehicles at {len(result.day.site.stations)} stations")
    console.print(_overview(result))
    console.print(_limits(result))
    console.print(_plans_in_words(result.plans), highlight=False)
    for note in (*result.day.notes, *KNOWLEDGE):
        console.print(note, highlight=False)
    if result.restarts:
        console.print(f"the server was started again {result.restarts} times")


def require_writable(directory: Path) -> None:
    """Make `directory` if need be; InvalidInput unless a report can be written there."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise InvalidInput("--report", f"{directory}: {reason_of(error)}", "name another directory") from error


def write(result: DemoResult, directory: Path) -> None:
    """Write report.json and day.png to `directory`."""
    (directory / "report.json").write_text(json.dumps(as_json(result), indent=2) + "\n")
    draw(result, directory / "day.png")


def as_json(result: DemoResult) -> dict[str, Any]:
    """The content of report.json. Energies in kWh, peaks in kW, money in the site's currency, shares as fractions."""
    return {
        "day": result.day.name,
        "starts_at": result.day.starts_at.isoformat(),
        "currency": result.day.tariff.currency,
        "controllers": {each.controller: _controller(each, result.day.starts_at) for each in result.results},
        "plans": [{key: plan[key] for key in ("made_at", "status", "gap", "cpu_s")} for plan in result.plans],
        "sessions": {
            "count": len(result.sessions),
            "open": sum(session["ended_at"] is None for session in result.sessions),
            "estimated": sum(session["estimated"] for session in result.sessions),
            "energy_kwh": round(sum(session["energy_kwh"] for session in result.sessions), 3),
        },
        "alarms": [{key: alarm[key] for key in ("raised_at", "kind", "message")} for alarm in result.alarms],
        "restarts": result.restarts,
        "notes": [*result.day.notes, *KNOWLEDGE],
    }


def _controller(result: DayResult, starts_at: datetime) -> dict[str, Any]:
    return {
        "energy_kwh": round(result.energy_kwh, 3),
        "needs": len(result.visits),
        "needs_met": result.needs_met,
        "shortfall_kwh": round(result.shortfall_kwh, 3),
        "cost": float(result.cost),
        "energy_cost": round(float(result.bill.energy_cost), 2),
        "demand_cost": round(float(result.bill.demand_cost), 2),
        "peak_kw": round(result.bill.peak_kw, 3),
        "limits": {
            limit.name: {
                "unit": limit.unit,
                "worst_share": round(limit.worst_share, 5),
                "worst_at": (starts_at + timedelta(seconds=limit.worst_second)).isoformat(),
                "worst_overload_pct": limit.worst_overload_pct,
                "overload_s": limit.overload_s,
            }
            for limit in result.limits
        },
    }


def _overview(result: DemoResult) -> Table:
    table = Table(Column("controller", no_wrap=True), box=SIMPLE)
    for name in (
        "energy kWh",
        "needs met",
        "short kWh",
        f"cost {result.day.tariff.currency}",
        "of it demand",
        "peak kW",
    ):
        table.add_column(name, justify="right")
    for each in result.results:
        table.add_row(
            each.controller,
            f"{each.energy_kwh:.1f}",
            f"{each.needs_met}/{len(each.visits)}",
            f"{each.shortfall_kwh:.1f}",
            f"{each.cost:.2f}",
            f"{each.bill.demand_cost:.2f}",
            f"{each.bill.peak_kw:.1f}",
        )
    return table


def _limits(result: DemoResult) -> Table:
    table = Table("worst second against", box=SIMPLE)
    for each in result.results:
        table.add_column(each.controller, justify="right")
    for records in zip(*(each.limits for each in result.results), strict=True):
        table.add_row(f"{records[0].name} [{records[0].unit}]".replace("[", r"\["), *map(_worst, records))
    return table


def _worst(record: LimitRecord) -> str:
    above = f" for {record.overload_s} s" if record.overload_s else ""
    text = f"{record.worst_share:.1%}{above}"
    return f"[red]{text}[/red]" if record.overload_s else text


def _plans_in_words(plans: tuple[dict[str, Any], ...]) -> str:
    gaps = [plan["gap"] for plan in plans if plan["gap"] is not None]
    if not gaps:
        return f"plans: {len(plans)}, none with a certificate"
    statuses = sorted({plan["status"] for plan in plans})
    counts = ", ".join(f"{sum(p['status'] == status for p in plans)} {status}" for status in statuses)
    cpu_s = [plan["cpu_s"] for plan in plans]
    return (
        f"plans: {len(plans)} ({counts}); certified gap median {statistics.median(gaps):.3%}, worst {max(gaps):.3%};"
        f" CPU median {statistics.median(cpu_s):.2f} s, worst {max(cpu_s):.2f} s"
    )
