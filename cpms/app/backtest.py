"""`cpms forecast backtest`: scores per horizon of what a site's forecasts would have said, from what is stored."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from rich.console import Console
from rich.table import Table

from cpms.app.database import open_store
from cpms.app.improve import Known, read_known
from cpms.app.site_arrivals import demand_window_s, visits_of
from cpms.app.site_forecasts import load_calendar
from cpms.domain.errors import InvalidInput
from cpms.settings import Settings
from forecasting.load.peak_backtest import backtest_peak
from forecasting.prices.backtest import backtest_prices
from forecasting.site_backtest import (
    Tested,
    backtest_arrivals,
    backtest_load,
    backtest_sessions,
    backtest_solar,
    default_since,
)

Backtest = Callable[[Known, datetime, datetime | None], list[Tested]]


async def backtest(settings: Settings, site_id: str, quantity: str | None, since: datetime | None) -> list[Tested]:
    """Test one quantity, or all there is enough data for. InvalidInput where there is none for what was asked."""
    now = settings.make_clock().now()
    async with open_store(settings) as store:
        await store.sum_quarters(site_id, now)
        known = await read_known(store, site_id, now)
    if quantity is not None:
        return BACKTESTS[quantity](known, now, since)
    tested: list[Tested] = []
    for one in BACKTESTS.values():
        try:
            tested += one(known, now, since)
        except InvalidInput:
            continue  # what a site has no data of cannot be tested
    return tested


def _solar(known: Known, now: datetime, since: datetime | None) -> list[Tested]:
    if known.site.solar is None:
        raise InvalidInput("quantity", f"site {known.site.id} has no array", "give another quantity")
    return backtest_solar(known.site.solar, known.sun, now, since or _since([at for at, _ in known.sun]))


def _load(known: Known, now: datetime, since: datetime | None) -> list[Tested]:
    since = since or _since([at for at, _ in known.load])
    calendar = load_calendar(known.site, known.load, now, known.temperatures)
    return backtest_load(known.site.timezone, known.load, now, since, calendar)


def _sessions(known: Known, _: datetime, since: datetime | None) -> list[Tested]:
    starts = [session.started_at for session in known.sessions]
    return backtest_sessions(known.site.timezone, known.sessions, since or _since(starts))


def _arrivals(known: Known, _: datetime, since: datetime | None) -> list[Tested]:
    visits = visits_of(known.site, known.sessions)
    starts = [visit.arrives_at for visit in visits]
    return backtest_arrivals(known.site.timezone, visits, since or _since(starts))


def _peak(known: Known, _: datetime, since: datetime | None) -> list[Tested]:
    window_s = demand_window_s(known.tariff)
    if known.tariff is None or window_s is None:
        raise InvalidInput("quantity", f"site {known.site.id} pays for no month's peak", "give another quantity")
    since = since or _since([at for at, _ in known.power])
    return backtest_peak(known.tariff.timezone, known.power, since, window_s)


def _prices(known: Known, _: datetime, since: datetime | None) -> list[Tested]:
    if known.tariff is None or not known.market:
        raise InvalidInput("quantity", f"site {known.site.id} follows no market", "give another quantity")
    since = since or _since([price.interval.starts_at for price in known.market])
    return backtest_prices(known.tariff.timezone, known.market, since)


def _since(instants: Sequence[datetime]) -> datetime:
    if not instants:
        raise InvalidInput("site", "nothing of this quantity is stored", "give another site or quantity")
    return default_since(instants[0], instants[-1])


BACKTESTS: Mapping[str, Backtest] = {
    "solar": _solar,
    "load": _load,
    "sessions": _sessions,
    "arrivals": _arrivals,
    "peak": _peak,
    "prices": _prices,
}


def show(tested: list[Tested], as_json: bool) -> None:
    """Print a table for people, or one JSON object."""
    if as_json:
        print(json.dumps([{**asdict(one), "score": one.score.to_dict()} for one in tested]))
        return
    table = Table("quantity", "hours ahead", "forecasts", "nRMSE", "skill", "over", "CRPS", "80 % bands hold", "width")
    for one in tested:
        score = one.score
        table.add_row(
            one.quantity, f"{one.horizon_h:g}", str(score.count), f"{score.nrmse:.1%}",
            "" if score.skill is None else f"{score.skill:.1%}", one.baseline, f"{score.crps:.2%}",
            f"{score.coverage_80:.1%}", f"{score.width_80:.1%}",
        )  # fmt: skip
    console = Console()
    console.print(table)
    capacities = {one.quantity: f"{one.capacity:.3g} {one.unit}" for one in tested}
    console.print(
        "Shares of " + ", ".join(f"{value} ({name})" for name, value in capacities.items())
        if tested
        else "Nothing to test."
    )
