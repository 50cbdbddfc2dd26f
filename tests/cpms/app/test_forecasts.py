"""Forecasts of a site with a past, on a real database and real workers: trained, served, kept, scored."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cpms.app.forecaster import Forecaster
from cpms.app.improve import improve
from cpms.app.outlooks import Outlooks
from cpms.app.planner import Workers
from cpms.app.site_forecasts import Trained
from cpms.control.events import ControlEvent, ForecastsChanged, NeedChanged
from cpms.domain.forecast import ForecastQuantity
from cpms.domain.forecast_record import ForecastModel, ModelKind
from cpms.domain.session import EnergyNeed, NeedSource
from cpms.domain.site import Place
from cpms.domain.telemetry import TransactionStarted
from cpms.domain.time import ManualClock
from cpms.domain.weather import WeatherForecast
from data.store import Store
from tests.cpms.app.past import NOW, SITE, build, charge, measure

LATER = NOW + timedelta(days=30)


class Sky:
    """A weather service that says what it is told to."""

    says: WeatherForecast | None = None

    async def forecast(self, latitude_deg: float, longitude_deg: float, now: datetime) -> WeatherForecast | None:
        assert (latitude_deg, longitude_deg) == (48.0, 11.0)
        return self.says

    def problem(self, latitude_deg: float, longitude_deg: float) -> str:
        return "" if self.says else "it says nothing"


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    pool = Workers(1, 60.0)
    asyncio.run(pool.start(warm=False))
    yield pool
    pool.stop()


@pytest.fixture
async def store(embedded_dsn: str) -> AsyncIterator[Store]:
    async with Store.open(embedded_dsn) as opened:
        await build(opened)
        yield opened


@pytest.fixture
def told() -> list[ControlEvent]:
    return []


@pytest.fixture
def forecaster(store: Store, workers: Workers, told: list[ControlEvent]) -> Forecaster:
    return Forecaster(SITE, store, workers, Sky(), ManualClock(NOW), 900.0, told.append)


async def test_a_site_is_forecast_from_its_first_day_and_the_controller_is_told(
    forecaster: Forecaster, told: list[ControlEvent], store: Store
) -> None:
    await forecaster.forecast()
    (event,) = told
    assert isinstance(event, ForecastsChanged)
    assert {f.quantity for f in event.forecasts} == {ForecastQuantity.OTHER_LOAD_KW, ForecastQuantity.SOLAR_KW}
    assert await store.latest_forecast("office", ForecastQuantity.SOLAR_KW) in event.forecasts


async def test_what_was_measured_is_in_the_forecast_and_its_points_are_kept_apart_by_issue(
    forecaster: Forecaster, store: Store
) -> None:
    await measure(store, 10)
    await forecaster.forecast()
    forecaster.clock.advance(900)
    made = await forecaster.forecast()
    load = made.forecasts[0]
    assert load.at(NOW + timedelta(hours=26), 0.5) == pytest.approx(15.0, abs=2.0)
    assert load.at(NOW + timedelta(hours=16), 0.5) == pytest.approx(5.0, abs=2.0)
    points = await store.forecast_points("office", ForecastQuantity.OTHER_LOAD_KW, NOW, NOW + timedelta(days=3))
    assert len(points) == 10
    assert {point.valid_at - point.issued_at for point in points} == {timedelta(hours=h) for h in (0.25, 1, 4, 24, 47)}


async def test_weather_that_came_is_kept_for_training(forecaster: Forecaster, store: Store) -> None:
    hours = tuple(NOW + timedelta(hours=n) for n in range(49))
    forecaster.weather.says = WeatherForecast(NOW, hours, (300.0,) * 49, (15.0,) * 49)
    await forecaster.forecast()
    assert await store.weather_forecasts("office", NOW, NOW) == [forecaster.weather.says]


async def test_the_simple_forecast_stands_in_for_a_model_and_both_changes_are_said_once(
    forecaster: Forecaster, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    unreadable = ForecastModel("office", ModelKind.SOLAR, 0, NOW, NOW, NOW, 1, '{"made_by": "older"}', in_service=True)
    await store.add_model(unreadable)
    await measure(store, 2)
    with caplog.at_level(logging.WARNING):
        made = await forecaster.forecast()
        await forecaster.forecast()
        assert caplog.text.count("solar_kw is the simple forecast: model: was trained by another version") == 1
        forecaster.trained = Trained()
        await forecaster.forecast()
        assert caplog.text.count("solar_kw is the model's again") == 1
    assert "another version" in made.forecasts[1].fallback


async def test_a_site_without_an_array_sees_the_weather_of_its_place(forecaster: Forecaster, store: Store) -> None:
    hours = tuple(NOW + timedelta(hours=n) for n in range(49))
    forecaster.weather.says = WeatherForecast(NOW, hours, (300.0,) * 49, (15.0,) * 49)
    forecaster.site = replace(forecaster.site, solar=None)
    await forecaster.forecast()
    assert await store.weather_forecasts("office", NOW, NOW) == []
    forecaster.site = replace(forecaster.site, place=Place(48.0, 11.0))
    await forecaster.forecast()
    assert (await store.air_temperatures("office", NOW, NOW)).air_c == (15.0,) * 49


async def test_what_stands_in_and_why_the_weather_is_missing_is_told_to_whoever_looks(forecaster: Forecaster) -> None:
    assert forecaster.standing == ()
    await forecaster.forecast()
    assert forecaster.standing == ("weather: it says nothing",)


async def test_who_may_still_come_is_told_to_the_controller_where_that_is_wished(
    forecaster: Forecaster, told: list[ControlEvent], store: Store, embedded_dsn: str
) -> None:
    charge(embedded_dsn, 60)
    forecaster.site = await store.site("office")
    past = await store.ended_sessions("office", NOW - timedelta(days=60))
    forecaster.history = lambda: past
    await forecaster.forecast()
    forecaster.likely_arrivals = False
    await forecaster.forecast()
    with_them, without = told
    assert isinstance(with_them, ForecastsChanged)
    assert isinstance(without, ForecastsChanged)
    assert with_them.arrivals is not None
    assert with_them.arrivals.issued_at == NOW
    assert without.arrivals is None
    assert ForecastQuantity.ARRIVALS_KWH in {forecast.quantity for forecast in without.forecasts}


async def test_a_site_with_little_past_is_scored_but_nothing_is_trained(store: Store, forecaster: Forecaster) -> None:
    await measure(store, 3)
    improved = await asyncio.to_thread(improve, store.dsn, "office", NOW, True)
    assert improved.trainings == ()
    assert improved.trained == Trained()
    assert improved.scores == ()


async def test_a_past_of_sessions_is_learned_scored_kept_and_plans_drivers_earlier_after_a_restart(
    store: Store, workers: Workers, told: list[ControlEvent], embedded_dsn: str
) -> None:
    """Trains for real, once."""
    charge(embedded_dsn, 420)
    first = await workers.run(improve, store.dsn, "office", NOW, True)
    (model,) = first.trainings
    assert (model.kind, model.version, model.in_service) == (ModelKind.SESSIONS, 1, True)
    assert model.crps is not None
    assert model.floor_crps is not None
    assert model.crps < model.floor_crps
    [listed] = await store.forecast_models("office", NOW)
    assert (listed.rows, listed.data_until) == (model.rows, NOW - timedelta(days=21))

    restarted = Forecaster(SITE, store, workers, None, ManualClock(NOW), 900.0, told.append)
    history = await store.ended_sessions("office", NOW - timedelta(days=60))
    outlooks = Outlooks(restarted, lambda: history, restarted.clock, 900.0, told.append)
    started = TransactionStarted("CP-1", NOW, 1, NOW, None, "TAG-3", 100.0)
    session = (await store.record_transaction(started)).session
    stated = EnergyNeed(20.0, NOW + timedelta(hours=9))
    await store.set_need(session.id, stated)
    await outlooks.update()
    (event,) = told
    assert isinstance(event, NeedChanged)
    assert event.need is not None
    assert event.need.early_at < stated.departs_at - timedelta(hours=2)
    assert event.need == replace(stated, early_kwh=event.need.early_kwh, early_at=event.need.early_at)
    assert (await store.session(session.id)).need == stated

    (point,) = await store.forecast_points("office", ForecastQuantity.STAY_H, NOW, NOW + timedelta(hours=1))
    assert (point.session_id, point.horizon_s, point.model_version) == (session.id, 0, 1)
    assert point.values != point.floor_values

    await store.set_need(session.id, EnergyNeed(20.0, NOW + timedelta(hours=9), NeedSource.OPERATOR))
    await outlooks.update()
    assert told[-1] == NeedChanged(session.id, EnergyNeed(20.0, NOW + timedelta(hours=9), NeedSource.OPERATOR))
    told.clear()
    await outlooks.update()
    assert told == []


async def test_without_a_model_statements_stand_and_what_was_expected_is_kept_to_be_scored(
    store: Store, forecaster: Forecaster, told: list[ControlEvent]
) -> None:
    session = (await store.record_transaction(TransactionStarted("CP-1", NOW, 1, NOW, None, "TAG-3", 100.0))).session
    await store.set_need(session.id, EnergyNeed(20.0, NOW + timedelta(hours=9)))
    outlooks = Outlooks(forecaster, tuple, forecaster.clock, 900.0, told.append)
    for hours in (0, 0.5, 1, 1.5, 4):
        forecaster.clock.current = NOW + timedelta(hours=hours)
        await outlooks.update()
    assert told == []
    points = await store.forecast_points("office", ForecastQuantity.STAY_H, NOW, NOW + timedelta(hours=1))
    assert [(p.horizon_s, p.issued_at) for p in points] == [
        (s, NOW + timedelta(seconds=s)) for s in (0, 3600, 4 * 3600)
    ]


async def test_forecasts_are_scored_by_what_was_measured_later(store: Store, forecaster: Forecaster) -> None:
    await measure(store, 4, NOW - timedelta(days=3))
    for hours in range(0, 48, 2):
        forecaster.clock.current = NOW - timedelta(days=3) + timedelta(hours=hours)
        await forecaster.forecast()
    await measure(store, 3)
    scores = (await asyncio.to_thread(improve, store.dsn, "office", NOW, False)).scores
    assert {s.horizon_s / 3600 for s in scores if s.quantity is ForecastQuantity.OTHER_LOAD_KW} == {0.25, 1, 4, 24}
    day_ahead = next(
        s for s in scores if s.horizon_s == 86400 and s.quantity is ForecastQuantity.OTHER_LOAD_KW
    )  # fmt: skip
    assert 0.0 <= day_ahead.rmse < 3.0
    assert day_ahead.skill == pytest.approx(0.0)
    assert await store.forecast_scores("office", NOW) == sorted(
        scores, key=lambda score: (score.quantity.value, score.horizon_s)
    )


async def test_who_still_comes_is_scored_by_who_came(
    store: Store, workers: Workers, told: list[ControlEvent], embedded_dsn: str
) -> None:
    """Three weeks of forecasts: fewer days are not scored."""
    charge(embedded_dsn, 300)
    past, site = await store.ended_sessions("office", NOW - timedelta(days=60)), await store.site("office")
    clock = ManualClock(NOW)
    forecaster = Forecaster(site, store, workers, Sky(), clock, 900.0, told.append, history=lambda: past)
    midnight = (NOW - timedelta(days=20)).astimezone(ZoneInfo(SITE.timezone)).replace(hour=0, minute=0)
    for day in range(21):
        clock.current = (midnight + timedelta(days=day, hours=6)).astimezone(UTC)
        await forecaster.forecast()
    scores = (await workers.run(improve, store.dsn, "office", NOW, False)).scores
    (arrivals,) = (score for score in scores if score.quantity is ForecastQuantity.ARRIVALS_KWH)
    assert (arrivals.horizon_s, arrivals.count) == (18 * 3600, 20)
    assert 0.5 <= arrivals.coverage_80 <= 1.0
    assert arrivals.crps < arrivals.floor_crps
