"""`cpms demo`: the simulated day, on the ports and in the directory that the settings name."""

from __future__ import annotations

import argparse
import os
from datetime import date

from rich.console import Console

from cpms.domain.errors import InvalidInput
from cpms.settings import PREFIX, Settings
from cpms.simulation.demo import run_demo
from cpms.simulation.demo_options import DemoOptions


def demo(settings: Settings, options: argparse.Namespace) -> int:
    """Run it; 0 if no limit was exceeded, 1 otherwise."""
    result = run_demo(demo_options(settings, options), Console())
    return 0 if result.results[0].overload_s == 0 else 1


def demo_options(settings: Settings, options: argparse.Namespace) -> DemoOptions:
    """Free ports and a temporary directory, unless the environment names others."""
    return DemoOptions(
        sessions=options.sessions,
        date=None if options.date is None else _date(options.date),
        speed=options.speed,
        seed=options.seed,
        report_dir=options.report,
        keep=options.keep,
        clocks_off_s=_within_an_hour(options.clocks_off),
        kill_at_s=None if options.kill_at is None else _seconds(options.kill_at),
        data_dir=settings.data_dir if PREFIX + "DATA_DIR" in os.environ else None,
        ocpp_port=settings.ocpp_port if PREFIX + "OCPP_PORT" in os.environ else 0,
        api_port=settings.api_port if PREFIX + "API_PORT" in os.environ else 0,
    )


def _seconds(hours: float) -> int:
    if not 0 <= hours <= 48:
        raise InvalidInput("--kill-at", f"{hours} is no time of the day", "give hours after its start, such as 11.5")
    return round(hours * 3600)


def _within_an_hour(off_s: float) -> float:
    if not 0 <= off_s <= 3600:
        raise InvalidInput("--clocks-off", f"{off_s:g} s is not from 0 to an hour", "give seconds, such as 180")
    return off_s


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput("--date", f"{text!r} is no date", "give YYYY-MM-DD") from None
