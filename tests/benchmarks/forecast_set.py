"""A site's whole set of forecasts for 48 h: CPU time as it serves with trained models, beside the simple forecasts alone."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from statistics import median

import numpy as np

from cpms.app.improve import Known, look_back
from cpms.app.site_forecasts import Seen, Trained, forecast_site
from cpms.domain.forecast_record import ForecastModel, ModelKind
from cpms.domain.identity import ConnectorKey
from cpms.domain.session import EnergyNeed, Session, SessionState
from cpms.domain.site import Feeder, Site
from data.means import Quarters
from forecasting.learning.stored import pack
from forecasting.load.backtest import review_load
from forecasting.load.training import write_load
from forecasting.series import resample, zone_of
from forecasting.sessions.features import stays_of
from forecasting.sessions.model import feature_rows, train_sessions
from forecasting.sessions.serving import serve_sessions
from forecasting.solar.features import SolarTable, lay_grid
from forecasting.solar.model import train_solar
from tests.forecasting.weather_worlds import ARRAY, BEGIN, cloudy_series

LEARNED_FROM_SESSIONS = 1500


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--days", type=int, default=365, help="of measurements to train on")
    parser.add_argument("--open-sessions", type=int, default=40)
    parser.add_argument("--repeat", type=int, default=9)


def run(arguments: argparse.Namespace) -> dict[str, object]:
    """CPU [ms] of a set and what is in it; CPU [s] of training each model of the site."""
    now = BEGIN + timedelta(days=arguments.days)
    known, quarters = _known(arguments.days, now), _quarters(arguments.days, now)
    built = {kind: _timed(lambda build=build: build(known, now)) for kind, build in BUILDERS.items()}
    models = {kind: _model(kind, text, now) for kind, (text, _) in built.items()}
    trained, look_back_s = _timed(lambda: look_back(known, models, now))
    open_sessions = [_session(n, now - timedelta(hours=n % 6), None) for n in range(arguments.open_sessions)]
    return {
        "quantity": "set",
        "days": arguments.days,
        "open_sessions": arguments.open_sessions,
        "training_cpu_s": {kind.value: round(cpu_s, 1) for kind, (_, cpu_s) in built.items()},
        "look_back_cpu_s": round(look_back_s, 2),
        "set_cpu_ms": _set_ms(known, quarters, open_sessions, trained, now, arguments.repeat),
        "simple_set_cpu_ms": _set_ms(known, quarters, open_sessions, Trained(), now, arguments.repeat),
    }


def _set_ms(
    known: Known, quarters: Quarters, open_sessions: list[Session], trained: Trained, now: datetime, repeat: int
) -> dict[str, float]:
    history = known.sessions[-LEARNED_FROM_SESSIONS:]
    seen = Seen(known.site, quarters, trained, ended=history, present=open_sessions)
    series, sessions = [], []
    for _ in range(repeat):
        _, series_s = _timed(lambda: forecast_site(seen, now))
        model = trained.models.get(ModelKind.SESSIONS)
        _, sessions_s = _timed(
            lambda model=model: serve_sessions(history, open_sessions, "Europe/Berlin", now, model, trained.session_records)
        )  # fmt: skip
        series.append(1000 * series_s)
        sessions.append(1000 * sessions_s)
    return {
        "total": round(median(a + b for a, b in zip(series, sessions, strict=True)), 1),
        "sun_and_load": round(median(series), 1),
        "sessions": round(median(sessions), 1),
    }


def _solar(known: Known, now: datetime) -> str:
    series = resample(known.sun, now, 900, 10**9)
    table = SolarTable(lay_grid(ARRAY, series, int(series.epochs_s[0]), int(series.epochs_s[-1]) + 900))
    return pack({"array": asdict(ARRAY), "model": train_solar(table, 0, len(table.grid.power_kw)).to_text()})


def _load(known: Known, now: datetime) -> str:
    return write_load(review_load(known.load, known.site.timezone, now))


def _sessions(known: Known, now: datetime) -> str:
    stays = stays_of(known.sessions, zone_of(known.site.timezone))
    until_s = int((now - timedelta(days=14)).timestamp())
    return pack({"model": train_sessions(stays, feature_rows(stays, np.arange(len(stays))), until_s).to_text()})


BUILDERS = {ModelKind.SOLAR: _solar, ModelKind.LOAD: _load, ModelKind.SESSIONS: _sessions}


def _model(kind: ModelKind, text: str, now: datetime) -> ForecastModel:
    return ForecastModel("site", kind, 1, now, now, now, 0, text, in_service=True)


def _timed(work: Callable[[], object]) -> tuple[object, float]:
    started_s = time.process_time()
    return work(), time.process_time() - started_s


def _known(days: int, now: datetime) -> Known:
    site = Site("site", "Site", "Europe/Berlin", "EUR", (Feeder("grid", 100.0),), solar=ARRAY)
    series, rng = cloudy_series(days), np.random.default_rng(5)
    stamps = [datetime.fromtimestamp(int(s) + 450, UTC) for s in series.epochs_s]
    load = [(at, 10.0 + 6.0 * (6 <= at.hour < 18) + float(rng.normal(0, 1))) for at in stamps]
    sessions = [_session(n, now - timedelta(hours=1.5 * (1600 - n)), rng) for n in range(1500)]
    return Known(site, load, list(zip(stamps, series.values.tolist(), strict=True)), sessions, ())


def _quarters(days: int, now: datetime) -> Quarters:
    series = cloudy_series(days)
    recent = series.epochs_s >= (now - timedelta(days=56)).timestamp()
    sun = tuple(series.values[recent].tolist())
    load = tuple(10.0 + kw for kw in sun)
    return Quarters(tuple(series.epochs_s[recent].tolist()), (10.0,) * len(sun), sun, load)


def _session(number: int, started_at: datetime, rng: np.random.Generator | None) -> Session:
    over = rng is not None
    stay_h = 5.0 + (number % 7) / 2 + (float(rng.normal(0, 0.5)) if rng is not None else 0.0)
    return Session(
        id=f"{'past' if over else 'open'}-{number}",
        site_id="site",
        connector=ConnectorKey(f"CP-{number % 40}", 1),
        transaction_id=str(number),
        started_at=started_at,
        id_tag=f"TAG-{number % 60}",
        energy_kwh=8.0 + number % 11 if over else 0.0,
        state=SessionState.ENDED if over else SessionState.CHARGING,
        need=EnergyNeed(2.0 * (8.0 + number % 11), started_at + timedelta(hours=9)),
        ended_at=started_at + timedelta(hours=stay_h) if over else None,
    )
