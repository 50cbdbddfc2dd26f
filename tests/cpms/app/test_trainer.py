from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from cpms.app.improve import Improved
from cpms.app.live import forecasting_health
from cpms.app.site_forecasts import Trained
from cpms.app.trainer import Trainer
from cpms.domain.forecast import ForecastQuantity
from cpms.domain.forecast_record import ForecastModel, ForecastScore, ModelKind
from cpms.domain.time import ManualClock
from data.store import Store
from tests.cpms.app.past import NOW, build, charge, measure

HOURS_APART = 12
"""Sessions so far apart that there are enough to look at them and too few, within the window, to learn from."""

SCORE = ForecastScore(
    site_id="office",
    quantity=ForecastQuantity.SOLAR_KW,
    horizon_s=3600,
    scored_at=NOW,
    data_from=NOW,
    data_until=NOW,
    count=90,
    rmse=1.0,
    nrmse=None,
    mean_error=0.0,
    skill=None,
    pinball=1.0,
    crps=1.0,
    floor_crps=1.0,
    coverage_80=0.3,
    width_80=1.0,
    note="80 % bands held 30% of the last 7 days",
)


@pytest.fixture
async def store(embedded_dsn: str) -> AsyncIterator[Store]:
    async with Store.open(embedded_dsn) as opened:
        await build(opened)
        yield opened


def trainer(store: Store, adopted: list[tuple[str, Trained]], timeout_s: float = 120.0) -> Trainer:
    async def adopt(site_id: str, trained: Trained) -> None:
        adopted.append((site_id, trained))

    return Trainer(store, lambda: ("office",), adopt, ManualClock(NOW), 86400.0, 3600.0, timeout_s)


async def test_a_site_with_little_past_is_asked_about_and_left_alone(store: Store) -> None:
    adopted: list[tuple[str, Trained]] = []
    await measure(store, 2)
    await trainer(store, adopted).round()
    assert adopted == []


async def test_a_site_is_cared_for_once_a_day_in_a_process_of_its_own(store: Store, embedded_dsn: str) -> None:
    adopted: list[tuple[str, Trained]] = []
    charge(embedded_dsn, 220, HOURS_APART)
    job = trainer(store, adopted)
    for _ in range(24):
        await job.round()
        job.clock.advance(3600)
    assert adopted == [("office", Trained())]
    assert job.counters == {"rounds": 24, "trainings": 0, "promotions": 0, "failures": 0}
    assert "office" in job.detail


async def test_what_takes_too_long_is_given_up_told_and_tried_again_a_day_later(
    store: Store, embedded_dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    adopted: list[tuple[str, Trained]] = []
    charge(embedded_dsn, 220, HOURS_APART)
    job = trainer(store, adopted, timeout_s=0.01)
    for _ in range(25):
        await job.round()
        job.clock.advance(3600)
    assert (adopted, job.counters["failures"]) == ([], 2)
    [alarm, _] = await store.alarms("office", NOW)
    assert (alarm.kind, alarm.site_id) == ("training_failed", "office")
    assert "longer than 0.01 s" in alarm.message
    assert "not trained or scored" in caplog.text


async def test_a_drift_is_an_alarm_when_it_begins_and_not_every_day_it_lasts(store: Store) -> None:
    job = trainer(store, [])
    model = ForecastModel("office", ModelKind.SOLAR, 3, NOW, NOW, NOW, 900, "", in_service=True, why="crps 1")
    drifted = Improved(Trained(), (model,), (SCORE,))
    await job.report("office", NOW, drifted)
    await job.report("office", NOW, replace(drifted, scores=(replace(SCORE, note="80 % bands held 31%"),)))
    [alarm] = await store.alarms("office", NOW)
    assert alarm.message == f"solar_kw, 1 h ahead: {SCORE.note}"
    shown = forecasting_health("office", ("weather: status 503",), job.drifts["office"])
    assert shown.detail == "weather: status 503; drift of solar_kw, 1 h ahead: 80 % bands held 31%"
    assert shown.counters == {"forecast_stand_ins": 1.0, "forecast_drifts": 1.0}
    await job.report("office", NOW, replace(drifted, scores=(replace(SCORE, note=""),)))
    assert forecasting_health("office", (), job.drifts["office"]).detail == ""
    await job.report("office", NOW, drifted)
    assert len(await store.alarms("office", NOW)) == 2
    assert job.counters == {"rounds": 0, "trainings": 4, "promotions": 4, "failures": 0}
