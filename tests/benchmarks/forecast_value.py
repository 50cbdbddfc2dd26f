"""What forecasts are worth: a garage with a solar roof planned every half hour over a month, with three views of tomorrow.

Vehicles are recorded sessions, sun is a recorded array scaled to the roof (same local hour, six years apart), prices are recorded
day-ahead ones. Each controller plans with the product's planner; what it pays follows from what really came.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from cpms.control.expected import SUNS
from cpms.domain.identity import ConnectorKey
from cpms.domain.need import LikelyStay, likely_stays
from cpms.domain.plan import ChargingNeed, FeederCap, LikelyDay, PlanRequest
from cpms.domain.session import Session
from cpms.domain.site import SolarArray
from cpms.domain.time import Interval
from cpms.domain.units import PHASES
from forecasting.learning.conformal import corrected_levels, pool
from forecasting.quantiles import at_levels
from forecasting.score import FINE_LEVELS
from forecasting.series import HOUR_S, Floats, zone_of
from forecasting.sessions.backtest import hindcast_sessions
from forecasting.sessions.features import stays_of
from forecasting.solar.array_fit import fit_array
from forecasting.solar.features import SolarTable, lay_grid
from forecasting.solar.model import band_of, train_solar
from optimizer import plan
from tests.benchmarks.forecast_solar import FOLDER as SOLAR
from tests.benchmarks.forecast_solar import before, read_power
from tests.benchmarks.recorded_sessions import FOLDER as SESSIONS
from tests.benchmarks.recorded_sessions import read_sessions

PRICES = SOLAR.parent / "prices/nl_day_ahead_2015_2024.parquet"
STEP = timedelta(minutes=30)
STEP_H = 0.5
LOOKAHEAD = 24
MAX_A, MIN_A, VOLTAGE_V = 9.5, 2.0, 230.0
"""6.6 kW and 1.4 kW on three phases: the recorded 32 A and 6 A at 208 V between two phases, spread evenly."""

EXPORT_SHARE = 0.3
SHORTFALL_PER_KWH = 1.0
YEARS_APART = 6
STAY_LEVELS, ENERGY_LEVELS = np.arange(2, 99, 5), np.arange(9, 99, 20)
"""Columns of the quantiles that stand for a session's."""
LEAST_MORE_KWH = 0.5
"""Who still draws after all that was expected wants so much more."""
REFIT_DAYS = 14


@dataclass(frozen=True)
class View:
    """What a controller believes: solar [kW] of the next steps at step t, and stay [h] and energy [kWh] of each session; `suns_kw`:
    the ways in which that may come, a row for each of `SUNS`; `stays_h`, `energies_kwh`: those of each session, equally likely."""

    name: str
    solar_kw: Callable[[int], Floats]
    stay_h: dict[str, float]
    energy_kwh: dict[str, float]
    suns_kw: Callable[[int], Floats] | None = None
    stays_h: dict[str, Floats] = field(default_factory=dict)
    energies_kwh: dict[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True)
class World:
    """What really happens, per half hour from `begins_at` on."""

    begins_at: datetime
    solar_kw: Floats
    price_per_kwh: Floats
    sessions: tuple[Session, ...]

    def step(self, instant: datetime) -> int:
        """Number of the first step that begins at `instant` or later."""
        return -((self.begins_at - instant) // STEP)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sessions", type=Path, default=SESSIONS / "caltech_2019-05-01_2019-08-31.csv.gz")
    parser.add_argument("--power", type=Path, default=SOLAR / "system_50_ac_power_2_full_DST.parquet")
    parser.add_argument("--from", dest="first_day", default="2019-07-01")
    parser.add_argument("--days", type=int, default=31)
    parser.add_argument("--roof-kw", type=float, default=100.0)
    parser.add_argument("--cap-kw", type=float, default=60.0)


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """Cost, shortfall and regret against perfect foresight per view, on the same month."""
    world, views = _world(arguments)
    started_s = time.process_time()
    results = {view.name: _live(world, view, arguments.cap_kw) for view in views}
    best = results["perfect"]["total"]
    for result in results.values():
        result["regret"] = round(result["total"] - best, 2)
        result["regret_pct"] = round(100 * (result["total"] / best - 1), 2)
    return {
        "quantity": "value",
        "days": arguments.days,
        "sessions": len(world.sessions),
        "money": f"EUR; export earns {EXPORT_SHARE:g} of the import price, a missing kWh costs {SHORTFALL_PER_KWH:g}",
        "plans_per_view": len(world.price_per_kwh) - LOOKAHEAD,
        "cpu_s": round(time.process_time() - started_s, 1),
        "views": results,
    }


def _world(arguments: argparse.Namespace) -> tuple[World, list[View]]:
    zone = zone_of("America/Los_Angeles")
    begins_at = datetime.fromisoformat(arguments.first_day).replace(tzinfo=zone).astimezone(UTC)
    steps = 48 * arguments.days + LOOKAHEAD
    known_until = begins_at + steps * STEP
    sessions = [s for s in read_sessions(arguments.sessions) if s.started_at < known_until]
    actual_kw, learned_kw, held_kw, suns_kw = _sun(arguments, steps)
    world = World(begins_at, actual_kw, _prices(arguments.first_day, steps), _in_month(sessions, begins_at, steps))
    stays = stays_of(sessions, zone)
    ordered = sorted(sessions, key=lambda session: session.started_at)
    made = hindcast_sessions(stays, int(begins_at.timestamp()), REFIT_DAYS)
    ids = [ordered[place].id for place in made["stay_h"].places]

    def column(name: str, values: str, level: int | None = None) -> dict[str, float]:
        array = getattr(made[name], values)
        return dict(zip(ids, (array if level is None else array[:, level]).tolist(), strict=True))

    truth = {"stay_h": column("stay_h", "actual"), "energy_kwh": column("energy_kwh", "actual")}
    median = {name: column(name, "quantiles", 49) for name in truth}
    careful = {"stay_h": column("stay_h", "quantiles", 19), "energy_kwh": column("energy_kwh", "quantiles", 79)}
    rolling = {name: column(name, "rolling_median") for name in truth}
    spread = {
        "stays_h": dict(zip(ids, made["stay_h"].quantiles[:, STAY_LEVELS], strict=True)),
        "energies_kwh": dict(zip(ids, made["energy_kwh"].quantiles[:, ENERGY_LEVELS], strict=True)),
    }
    return world, [
        View("perfect", lambda t: actual_kw[t : t + LOOKAHEAD], **truth),
        View("forecast", lambda t: learned_kw[t], **median),
        View("forecast_careful", lambda t: learned_kw[t], **careful),
        View("distributions", lambda t: learned_kw[t], suns_kw=lambda t: suns_kw[:, t], **careful, **spread),
        View("persistence", lambda t: held_kw[t], **rolling),
        View("forecast_sun_only", lambda t: learned_kw[t], **truth),
        View("scenarios_sun_only", lambda t: learned_kw[t], suns_kw=lambda t: suns_kw[:, t], **truth),
        View("persistence_sun_only", lambda t: held_kw[t], **truth),
    ]


def _sun(arguments: argparse.Namespace, steps: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Actual half hours [kW], what the model and smart persistence said of the next LOOKAHEAD at each, and ways in which the model
    said that they may come, shape (SUNS, steps, LOOKAHEAD)."""
    zone = zone_of("America/Denver")
    wall = datetime.fromisoformat(arguments.first_day)
    begin_s = int(wall.replace(year=wall.year - YEARS_APART, tzinfo=zone).timestamp())
    nominal = SolarArray(39.7406, -105.1775, 40.0, 180.0, 3.368)
    measured, _ = read_power(arguments.power, nominal, zone, begin_s)
    array = fit_array(nominal, before(measured, begin_s))
    end_s = begin_s + (steps + LOOKAHEAD) * HOUR_S // 2
    table = SolarTable(lay_grid(array, before(measured, end_s), int(measured.epochs_s[0]), end_s))
    first = table.grid.position(begin_s)
    model = train_solar(table, 0, first)
    if model is None:
        raise SystemExit("the power file is too short before --from")
    scale = arguments.roof_kw / nominal.peak_kw
    issues = first + 2 * np.arange(steps)
    learned_kw, held_kw = np.zeros((steps, LOOKAHEAD)), np.zeros((steps, LOOKAHEAD))
    suns_kw = np.zeros((len(SUNS), steps, LOOKAHEAD))
    columns = [int(np.abs(FINE_LEVELS - level).argmin()) for level in SUNS]
    for ahead in range(LOOKAHEAD):
        levels, raw_kw = model.raw_kw(table, issues, np.full(steps, ahead))
        asked = corrected_levels(FINE_LEVELS, pool(np.zeros(0), model.holdout[band_of(ahead)]))
        told_kw = at_levels(levels, raw_kw, asked)
        learned_kw[:, ahead] = told_kw.mean(axis=1)
        suns_kw[:, :, ahead] = told_kw[:, columns].T
        held_kw[:, ahead] = np.nan_to_num(table.persistence(issues)) * table.clear_kw(issues + 2 * ahead)
    return scale * np.nan_to_num(table.power_kw(issues)), scale * learned_kw, scale * held_kw, scale * suns_kw


def _prices(first_day: str, steps: int) -> Floats:
    frame = pd.read_parquet(PRICES)
    local = frame["utc"].dt.tz_convert("Europe/Amsterdam")
    first = int(np.flatnonzero(local >= pd.Timestamp(first_day, tz="Europe/Amsterdam"))[0])
    hourly = frame["eur_mwh"].to_numpy()[first : first + steps // 2 + 1] / 1000.0
    return np.repeat(hourly, 2)[:steps]


def _in_month(sessions: list[Session], begins_at: datetime, steps: int) -> tuple[Session, ...]:
    last = begins_at + (steps - LOOKAHEAD) * STEP
    return tuple(s for s in sessions if begins_at <= s.started_at and s.ended_at is not None and s.ended_at <= last)


def _live(world: World, view: View, cap_kw: float) -> dict[str, float]:
    delivered = {session.id: 0.0 for session in world.sessions}
    cost = 0.0
    for t in range(len(world.price_per_kwh) - LOOKAHEAD):
        present = [s for s in world.sessions if _hours(world, s, t) > 0 and s.energy_kwh - delivered[s.id] > 1e-6]
        planned_kw, drawn_kw = _planned(world, view, t, present, delivered, cap_kw), 0.0
        for session in present:
            missing_kwh = session.energy_kwh - delivered[session.id]
            taken_kwh = min(planned_kw[session.id] * _hours(world, session, t), missing_kwh)
            delivered[session.id] += taken_kwh
            drawn_kw += taken_kwh / STEP_H
        net_kwh = (drawn_kw - world.solar_kw[t]) * STEP_H
        cost += net_kwh * world.price_per_kwh[t] * (1.0 if net_kwh > 0 else EXPORT_SHARE)
    # what the roof would have earned alone is no merit of the planner
    steps = slice(0, len(world.price_per_kwh) - LOOKAHEAD)
    cost += float((world.solar_kw[steps] * STEP_H * world.price_per_kwh[steps]).sum()) * EXPORT_SHARE
    shortfall_kwh = sum(s.energy_kwh - delivered[s.id] for s in world.sessions)
    total = cost + SHORTFALL_PER_KWH * shortfall_kwh
    return {"cost": round(cost, 2), "shortfall_kwh": round(shortfall_kwh, 1), "total": round(total, 2)}


def _hours(world: World, session: Session, t: int) -> float:
    """How much of step t [h] a vehicle is there that was at its beginning, when plans are made."""
    begins_at = world.begins_at + t * STEP
    if session.ended_at is None or session.started_at > begins_at:
        return 0.0
    return max(0.0, min(STEP, session.ended_at - begins_at) / STEP) * STEP_H


def _planned(
    world: World, view: View, t: int, present: list[Session], delivered: dict[str, float], cap_kw: float
) -> dict[str, float]:
    """Power [kW] of the coming half hour by session."""
    if not present:
        return {}
    now = world.begins_at + t * STEP
    steps = tuple(Interval(now + k * STEP, now + (k + 1) * STEP) for k in range(LOOKAHEAD))
    price = tuple(world.price_per_kwh[t : t + LOOKAHEAD].tolist())
    none = (0.0,) * LOOKAHEAD
    request = PlanRequest(
        id=f"{view.name}-{t}",
        site_id="garage",
        requested_at=now,
        steps=steps,
        voltage_v=VOLTAGE_V,
        feeders=(FeederCap("root", None, (1000.0,) * LOOKAHEAD, (cap_kw,) * LOOKAHEAD, none),),
        needs=tuple(_need(view, session, now, delivered[session.id]) for session in present),
        import_price_per_kwh=price,
        export_price_per_kwh=tuple(EXPORT_SHARE * value for value in price),
        solar_kw=tuple(np.maximum(view.solar_kw(t), 0.0).tolist()),
        other_load_kw=none,
        likely=_days(view, t),
        time_limit_s=2.0,
        gap_target=0.01,
    )
    return {session.session_id: session.power_kw[0] for session in plan(request).sessions}


def _days(view: View, t: int) -> tuple[LikelyDay, ...]:
    if view.suns_kw is None:
        return ()
    suns_kw = np.maximum(view.suns_kw(t), 0.0).tolist()
    return tuple(LikelyDay(p, (), (), tuple(sun)) for p, sun in zip(SUNS.values(), suns_kw, strict=True))


def _need(view: View, session: Session, now: datetime, delivered_kwh: float) -> ChargingNeed:
    likely = _likely(view, session, now, delivered_kwh)
    departs_at = session.started_at + timedelta(hours=view.stay_h[session.id])
    return ChargingNeed(
        session_id=session.id,
        connector=ConnectorKey(session.connector.station_id, 1),
        feeder_id="root",
        energy_kwh=max(one.energy_kwh for one in likely)
        if likely
        else max(view.energy_kwh[session.id] - delivered_kwh, LEAST_MORE_KWH),
        departs_at=max(one.departs_at for one in likely) if likely else _still_here(departs_at, now),
        phases=PHASES,
        max_current_a=MAX_A,
        min_current_a=MIN_A,
        likely=likely,
    )


def _likely(view: View, session: Session, now: datetime, delivered_kwh: float) -> tuple[LikelyStay, ...]:
    """What is still possible of a session, departures times energies as if independent; empty where the view is sure of one."""
    if session.id not in view.stays_h:
        return ()
    departures = [session.started_at + timedelta(hours=hours) for hours in view.stays_h[session.id].tolist()]
    later = [departs_at for departs_at in departures if departs_at >= now + STEP] or [now + 2 * STEP]
    wanted = [kwh - delivered_kwh for kwh in view.energies_kwh[session.id].tolist()]
    more = [kwh for kwh in wanted if kwh > LEAST_MORE_KWH] or [LEAST_MORE_KWH]
    return likely_stays([(kwh, departs_at) for departs_at in later for kwh in more])


def _still_here(departs_at: datetime, now: datetime) -> datetime:
    """Who was expected to be gone leaves later."""
    return max(departs_at, now + 2 * STEP) if departs_at < now + STEP else departs_at
