"""A building that is quiet on Sundays and public holidays: what is forecast, trained and tested knows them the same way."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cpms.app.backtest import BACKTESTS
from cpms.app.improve import Known, train_site
from cpms.app.site_forecasts import STEP_S, Seen, Trained, forecast_site, load_calendar, load_of
from cpms.domain.forecast_record import ForecastModel, ModelKind
from cpms.domain.site import Site
from data.means import Quarters
from forecasting.calendar import calendar_of
from forecasting.load.backtest import review_load
from forecasting.load.training import write_load
from forecasting.site_backtest import backtest_load
from tests.cpms.app.past import SITE

ZONE = ZoneInfo("Europe/Berlin")
CORPUS_CHRISTI = datetime(2026, 6, 4, 4, tzinfo=UTC)
"""A Thursday, and free in Bavaria but not in Berlin."""

FREE = {date(2026, 4, 3), date(2026, 4, 6), date(2026, 5, 1), date(2026, 5, 14), date(2026, 5, 25), date(2026, 6, 4)}
NOON = 6 * 4
"""Steps from `CORPUS_CHRISTI` to noon in Berlin."""


def at(region: str | None) -> Site:
    return replace(SITE, solar=None, region=region)


def quarters(days: int, until: datetime) -> Quarters:
    """10 kW, and 30 kW more in the working hours of working days, with a ripple that never comes twice."""
    end_s = int(until.timestamp())
    starts_s = tuple(range(end_s - days * 86400, end_s, STEP_S))
    load_kw = tuple(_load_kw(start_s) for start_s in starts_s)
    return Quarters(starts_s, load_kw, (None,) * len(starts_s), load_kw)


def _load_kw(start_s: int) -> float:
    local = datetime.fromtimestamp(start_s, ZONE)
    works = local.weekday() < 5 and local.date() not in FREE and 8 <= local.hour < 18
    return 10.0 + 30.0 * works + start_s // STEP_S * 7919 % 101 / 50.0


def known(site: Site, days: int, until: datetime) -> Known:
    return Known(site, load_of(quarters(days, until)), (), (), ())


@pytest.mark.parametrize(("region", "noon_kw"), [("DE-BY", 11.0), ("DE-BE", 41.0), (None, 41.0)])
def test_a_public_holiday_is_forecast_quiet_where_it_is_one(region: str | None, noon_kw: float) -> None:
    made = forecast_site(Seen(at(region), quarters(56, CORPUS_CHRISTI), Trained()), CORPUS_CHRISTI)
    assert made.forecasts[0].quantile(0.5)[NOON] == pytest.approx(noon_kw, abs=3.0)


def test_a_model_in_service_knows_holidays_like_the_simple_forecast() -> None:
    before = quarters(56, CORPUS_CHRISTI)
    text = write_load(review_load(load_of(before), "Europe/Berlin", CORPUS_CHRISTI))
    model = ForecastModel("office", ModelKind.LOAD, 7, CORPUS_CHRISTI, CORPUS_CHRISTI, CORPUS_CHRISTI, 1, text)
    made = forecast_site(Seen(at("DE-BY"), before, Trained({ModelKind.LOAD: model})), CORPUS_CHRISTI)
    assert made.forecasts[0].model_version == 7
    assert made.forecasts[0].quantile(0.5)[NOON] == pytest.approx(11.0, abs=3.0)


def test_a_load_model_and_what_it_is_compared_with_are_trained_with_the_holidays() -> None:
    later = CORPUS_CHRISTI + timedelta(days=1)
    [told], [plain] = (train_site(known(at(region), 70, later), {}, later) for region in ("DE-BY", None))
    assert told.crps is not None
    assert plain.crps is not None
    assert told.crps < 0.7 * plain.crps
    assert told.floor_crps is not None
    assert plain.floor_crps is not None
    assert told.floor_crps < 0.7 * plain.floor_crps


def test_the_backtest_is_told_the_holidays_too() -> None:
    later, since = CORPUS_CHRISTI + timedelta(days=4), CORPUS_CHRISTI - timedelta(days=4)
    told, plain = (BACKTESTS["load"](known(at(region), 50, later), later, since) for region in ("DE-BY", None))
    load = known(at(None), 50, later).load
    assert told == backtest_load("Europe/Berlin", load, later, since, calendar_of("DE-BY", load[0][0], later, ZONE))
    assert told[-1].score.nrmse < 0.7 * plain[-1].score.nrmse


def test_a_region_that_is_not_known_any_more_costs_the_holidays_and_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        made = forecast_site(Seen(at("XX-1"), quarters(14, CORPUS_CHRISTI), Trained()), CORPUS_CHRISTI)
    plain = forecast_site(Seen(at(None), quarters(14, CORPUS_CHRISTI), Trained()), CORPUS_CHRISTI)
    assert made == plain
    assert "site office: its load is forecast without holidays: region: the public holidays of 'XX-1'" in caplog.text


def test_the_calendar_reaches_from_the_first_reading_to_the_last_quarter_hour_that_is_forecast() -> None:
    new_year, now = datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 4, 30, tzinfo=UTC)
    assert len(load_calendar(at("DE"), [(new_year, 1.0)], now).off) == 4  # with Good Friday, Easter Monday, Labour Day
    assert len(load_calendar(at("DE"), [], now).off) == 1
