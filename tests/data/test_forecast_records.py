from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from cpms.domain.errors import NotFound
from cpms.domain.forecast import ForecastQuantity
from cpms.domain.forecast_record import ForecastModel, ForecastPoint, ForecastScore, ModelKind
from cpms.domain.weather import WeatherForecast
from data.store import Store
from tests.data.examples import NOW, at, build

SOLAR_KW = ForecastQuantity.SOLAR_KW
MODEL = ForecastModel(
    site_id="depot",
    kind=ModelKind.SOLAR,
    version=0,
    trained_at=NOW,
    data_from=NOW - timedelta(days=200),
    data_until=NOW - timedelta(days=14),
    rows=12_000,
    text='{"trees": 7}',
    crps=1.5,
    floor_crps=2.0,
    scored=300,
    in_service=True,
    why="crps 1.5 against 2",
    notes=("2026-01-01: power at night",),
)
POINT = ForecastPoint("depot", SOLAR_KW, NOW, at(60), 3600, (0.1, 0.5, 0.9), (1.0, 2.0, 3.0), (0.5, 2.0, 4.0), 2)
SCORE = ForecastScore(
    site_id="depot",
    quantity=SOLAR_KW,
    horizon_s=3600,
    scored_at=NOW,
    data_from=NOW - timedelta(days=28),
    data_until=NOW,
    count=100,
    rmse=2.0,
    nrmse=0.1,
    mean_error=-0.5,
    skill=0.2,
    pinball=0.6,
    crps=1.1,
    floor_crps=1.4,
    coverage_80=0.81,
    width_80=5.0,
)


async def test_trainings_are_numbered_and_one_of_a_kind_serves(store: Store) -> None:
    await build(store)
    first = await store.add_model(MODEL)
    rejected = await store.add_model(replace(MODEL, in_service=False, text="", why="worse"))
    assert (first.version, rejected.version) == (1, 2)
    assert await store.models_in_service("depot") == {ModelKind.SOLAR: first}
    better = await store.add_model(replace(MODEL, text="better"))
    load = await store.add_model(replace(MODEL, kind=ModelKind.LOAD))
    assert (better.version, load.version) == (3, 1)
    assert await store.models_in_service("depot") == {ModelKind.SOLAR: better, ModelKind.LOAD: load}


async def test_every_training_is_listed_without_its_text(store: Store) -> None:
    await build(store)
    await store.add_model(MODEL)
    await store.add_model(replace(MODEL, trained_at=at(1)))
    listed = await store.forecast_models("depot", NOW)
    assert [(model.version, model.in_service, model.text) for model in listed] == [(2, True, ""), (1, False, "")]
    assert listed[1].notes == MODEL.notes
    assert [model.version for model in await store.forecast_models("depot", at(1))] == [2]


async def test_statements_are_found_by_what_they_are_about_and_are_kept_once(store: Store) -> None:
    await build(store)
    earlier = replace(POINT, issued_at=at(-60), horizon_s=7200)
    await store.add_points([POINT, earlier])
    await store.add_points([POINT])
    assert await store.forecast_points("depot", SOLAR_KW, at(60), at(61)) == [earlier, POINT]
    assert await store.forecast_points("depot", SOLAR_KW, NOW, at(60)) == []
    assert await store.forecast_points("depot", ForecastQuantity.STAY_H, NOW, at(61)) == []


async def test_scores_come_newest_first(store: Store) -> None:
    await build(store)
    later = replace(SCORE, scored_at=at(1), skill=None, nrmse=None, note="drifts")
    await store.add_scores([SCORE, later])
    assert await store.forecast_scores("depot", NOW) == [later, SCORE]
    assert await store.forecast_scores("depot", at(1)) == [later]


async def test_weather_comes_back_as_it_was_issued(store: Store) -> None:
    await build(store)
    weather = WeatherForecast(NOW, (NOW, at(60)), (0.0, 300.0), (4.0, 5.0))
    await store.add_weather("depot", weather)
    await store.add_weather("depot", weather)
    assert await store.weather_forecasts("depot", at(-1), NOW) == [weather]
    assert await store.weather_forecasts("depot", at(1), at(2)) == []


async def test_an_unknown_site_has_no_models(store: Store) -> None:
    with pytest.raises(NotFound):
        await store.add_model(MODEL)


async def test_temperatures_are_those_that_each_days_first_forecast_told(store: Store) -> None:
    await build(store)
    midnight = NOW.replace(hour=0, minute=0)

    def issued(hours: float, air_c: float) -> WeatherForecast:
        issued_at = midnight + timedelta(hours=hours)
        valid_at = tuple(issued_at + timedelta(hours=12 * n) for n in range(4))
        return WeatherForecast(issued_at, valid_at, (0.0,) * 4, (air_c,) * 4)

    for hours, air_c in ((0, 1.0), (6, 50.0), (24, 2.0), (30, 60.0)):
        await store.add_weather("depot", issued(hours, air_c))
    told = await store.air_temperatures("depot", midnight, midnight + timedelta(days=2))
    assert told.air_c == (1.0, 1.0, 2.0, 2.0, 2.0, 2.0)
    assert told.valid_at == tuple(midnight + timedelta(hours=12 * n) for n in range(6))
    assert (await store.air_temperatures("depot", midnight, midnight)).air_c == (1.0,) * 4
