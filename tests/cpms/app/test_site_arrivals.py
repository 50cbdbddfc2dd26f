from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from cpms.app.site_arrivals import MOST_CROWDS, visits_of
from cpms.app.site_forecasts import Seen, SiteForecasts, forecast_site
from cpms.domain.forecast import Forecast, ForecastQuantity
from cpms.domain.identity import ConnectorKey
from cpms.domain.session import Session, SessionState
from cpms.domain.site import Connector, Feeder, Site, Station
from cpms.domain.tariff import BillingPeriod, DayAhead, DemandCharge, PriceInterval, Tariff
from cpms.domain.time import Interval
from cpms.domain.units import PHASES, Phase
from data.forecast_records import Temperatures
from data.means import Quarters
from tests.cpms.app.past import NOW, SITE, STATION

GARAGE = replace(SITE, solar=None, stations=(STATION,))
MONTHLY = Tariff("t", "EUR", "Europe/Berlin", demand_charges=(DemandCharge(Decimal(12)),))
STEPS = tuple(Interval(NOW + timedelta(hours=h), NOW + timedelta(hours=h + 1)) for h in range(12))
"""NOW is a Monday, 9 o'clock in Berlin."""


def stay(days_back: int, hour: float, stay_h: float = 4.0, energy_kwh: float = 10.0) -> Session:
    started_at = NOW - timedelta(days=days_back) + timedelta(hours=hour)
    return Session(
        id=f"{days_back}-{hour}",
        site_id="office",
        connector=STATION.connectors[0].key,
        transaction_id=f"{days_back}-{hour}",
        started_at=started_at,
        energy_kwh=energy_kwh,
        state=SessionState.ENDED,
        ended_at=started_at + timedelta(hours=stay_h),
    )


def quarters(days: int, load_kw: float, until: datetime = NOW) -> Quarters:
    starts_s = tuple(int(until.timestamp()) - 900 * n for n in range(96 * days, 0, -1))
    load = tuple(load_kw for _ in starts_s)
    return Quarters(starts_s, load, (None,) * len(load), load)


def of(made: SiteForecasts, quantity: ForecastQuantity) -> Forecast:
    return next(forecast for forecast in made.forecasts if forecast.quantity is quantity)


def test_after_a_week_those_who_come_every_afternoon_are_expected_and_peaks_of_other_days_are_free() -> None:
    past = [stay(back, hour) for back in range(1, 15) for hour in (-1.0, 3.0)]
    seen = Seen(GARAGE, quarters(14, 5.0), ended=past, present=[], tariff=MONTHLY)
    made = forecast_site(seen, NOW)
    assert made.arrivals is not None
    likely = made.arrivals.likely(STEPS, 1)
    assert [(day.probability, [c.least_kwh[-1] for c in day.coming]) for day in likely] == [
        (pytest.approx(1.0), [10.0])
    ]
    assert likely[0].coming[0].feeder_id == "grid"
    assert made.arrivals.peak_prices[0].price_per_kw == 0.0
    assert made.arrivals.peak_prices[-1].price_per_kw == 1.0
    to_come = of(made, ForecastQuantity.ARRIVALS_KWH)
    assert to_come.quantile(0.5)[0] == pytest.approx(10.0, abs=1.0)
    assert to_come.intervals == (Interval(NOW, NOW.replace(hour=22)),)


def test_who_came_today_is_counted_whether_here_or_gone() -> None:
    past = [stay(back, 3.0) for back in range(1, 15)]
    gone, here = stay(0, -3.0, 1.0), replace(stay(0, -1.0), ended_at=None, state=SessionState.CHARGING)
    made = forecast_site(Seen(GARAGE, Quarters(), ended=[*past, gone], present=[here]), NOW)
    assert made.arrivals is not None
    assert made.arrivals.arrived == 2


@pytest.mark.parametrize("days", [0, 4])
def test_of_a_new_site_nobody_says_who_will_come(days: int) -> None:
    past = [stay(back, 3.0) for back in range(1, days + 1)]
    assert forecast_site(Seen(GARAGE, Quarters(), ended=past), NOW).arrivals is None


def test_the_months_peak_is_told_where_a_month_is_charged_for_it() -> None:
    made = forecast_site(Seen(GARAGE, quarters(21, 30.0), tariff=MONTHLY), NOW)
    peak = of(made, ForecastQuantity.PEAK_IMPORT_KW)
    assert peak.intervals[0].ends_at == datetime(2026, 6, 30, 22, tzinfo=NOW.tzinfo)
    assert peak.values[0][0] >= 30.0
    assert peak.method == "30.0 kW so far, days alike"
    daily = replace(MONTHLY, demand_charges=(DemandCharge(Decimal(12), BillingPeriod.DAY),))
    for tariff in (None, daily):
        told = forecast_site(Seen(GARAGE, quarters(21, 30.0), tariff=tariff), NOW).forecasts
        assert ForecastQuantity.PEAK_IMPORT_KW not in {forecast.quantity for forecast in told}


def test_prices_beyond_the_published_day_are_forecast_as_the_tariff_has_them() -> None:
    market = [
        PriceInterval(Interval(NOW + timedelta(hours=h - 1), NOW + timedelta(hours=h)), Decimal("0.10"))
        for h in range(-500, 5)
    ]
    tariff = Tariff("t", "EUR", "Europe/Berlin", day_ahead=DayAhead("10YNL----------L", Decimal(2), Decimal("0.05")))
    price = of(
        forecast_site(Seen(GARAGE, Quarters(), tariff=tariff, market=market), NOW),
        ForecastQuantity.IMPORT_PRICE_PER_KWH,
    )
    assert price.at(NOW + timedelta(hours=30)) == pytest.approx(0.25)


def test_a_load_knows_the_temperatures_of_its_days() -> None:
    """Half of the days are cold and draw three times as much; tomorrow will be cold, says who tells the weather."""
    instants = tuple(NOW.replace(hour=0) - timedelta(days=27) + timedelta(hours=n) for n in range(24 * 30))
    cold = [instant.timetuple().tm_yday % 2 == 0 for instant in instants]
    air_c = tuple(-5.0 if one else 15.0 for one in cold)
    by_day = dict(zip((at.date() for at in instants), cold, strict=True))
    starts_s = tuple(int(NOW.timestamp()) - 900 * n for n in range(96 * 26, 0, -1))
    days = [datetime.fromtimestamp(s, NOW.tzinfo).date() for s in starts_s]
    load = tuple(30.0 if by_day[day] else 10.0 for day in days)
    told = Quarters(starts_s, load, (None,) * len(load), load)
    site = replace(GARAGE, timezone="UTC")
    wednesday = NOW + timedelta(days=2)
    warm_kw, known_kw = (
        of(forecast_site(Seen(site, told, temperatures=temperatures), NOW), ForecastQuantity.OTHER_LOAD_KW).at(
            wednesday - timedelta(hours=5)
        )
        for temperatures in (Temperatures(), Temperatures(instants, air_c))
    )
    assert known_kw is not None
    assert warm_kw is not None
    expected_kw = 30.0 if by_day[(wednesday - timedelta(hours=5)).date()] else 10.0
    assert abs(known_kw - expected_kw) < abs(warm_kw - expected_kw)


def test_crowds_are_told_apart_by_feeder_and_phases_only_as_far_as_a_plan_can_bear() -> None:
    def site_of(stations: int) -> Site:
        feeders = (Feeder("grid", 500.0), *(Feeder(f"f{n}", 50.0, "grid") for n in range(stations)))
        keys = [ConnectorKey(f"S{n}", 1) for n in range(stations)]
        made = tuple(Station(k.station_id, "x", f"f{n}", (Connector(k),)) for n, k in enumerate(keys))
        return Site("x", "X", "UTC", "EUR", feeders, made)

    for stations, feeder, phases in ((MOST_CROWDS, "f0", (Phase.L1,)), (MOST_CROWDS + 1, "grid", PHASES)):
        site = site_of(stations)
        sessions = [replace(stay(1, 1.0), connector=key, active_phases=(Phase.L1,)) for key in site.connectors]
        first = visits_of(site, sessions)[0]
        assert (first.feeder_id, first.phases) == (feeder, phases)
        assert first.max_kw == pytest.approx(0.23 * 32)


def test_a_session_without_length_and_one_on_a_connector_that_is_gone_are_no_visits() -> None:
    gone = replace(stay(1, 1.0), connector=ConnectorKey("other", 1))
    assert visits_of(GARAGE, [gone, stay(2, 1.0, stay_h=0.0)]) == []
