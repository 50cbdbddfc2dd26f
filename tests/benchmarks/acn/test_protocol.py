from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cpms.domain.errors import InvalidInput
from tests.benchmarks.acn.data import instant, read_stays, read_tariff
from tests.benchmarks.acn.garage import Garage
from tests.benchmarks.acn.month_controllers import Bill, OutlookController
from tests.benchmarks.month import month_of

SHARED = Path(__file__).parents[3].parent / "shared/data"
SESSIONS = SHARED / "sessions/caltech_2019-05-01_2019-08-31.csv.gz"
TARIFF = SHARED / "tariffs-us/sce_tou_ev_4_march_2019.json"

pytestmark = pytest.mark.skipif(not SESSIONS.exists(), reason="ACN-Data sessions are not on this machine")


def garage(month: str) -> Garage:
    start, end = month_of(month)
    return Garage.read([SESSIONS], "caltech", None, read_tariff(TARIFF), start, end)


def test_perfect_foresight_costs_what_was_published() -> None:
    cost, peak_kw = garage("2019-07").offline()
    assert cost == pytest.approx(1346.35, abs=0.02)
    assert peak_kw == pytest.approx(30.36, abs=0.01)


def test_prices_follow_the_season_the_weekday_and_the_hour() -> None:
    tariff = read_tariff(TARIFF)
    start, _ = month_of("2019-07")
    noon_monday, night_monday, noon_sunday = (
        instant(start, period) for period in (12 * 13, 12 * 3, 12 * (6 * 24 + 13))
    )
    prices = [float(tariff.import_price_per_kwh(at)) for at in (noon_monday, night_monday, noon_sunday)]
    assert prices == [0.26668, 0.05623, 0.05623]


def test_a_controller_is_shown_only_visits_that_are_over() -> None:
    july = garage("2019-07")
    at = instant(july.start, 2000)
    assert max(visit.departs_at for visit in july.past(at)) <= at
    assert len(july.past(at)) > 1000


def test_a_day_inside_acnportal_delivers_everything_and_keeps_the_network(tmp_path: Path) -> None:
    start, end = month_of("2019-07")
    stays = tuple(stay for stay in read_stays([SESSIONS], start, end) if stay.arrival < 288)
    july = garage("2019-07")
    day = Garage(july.site, None, start, july.tariff, stays, july.known)
    controller = OutlookController(start, Bill(july.price_per_kwh, end, july.demand_per_kw), day.past, None)
    figures = day.run(controller)
    assert figures["delivered_pct"] > 99.99
    assert figures["violated_periods"] == 0
    assert np.isfinite(figures["cost"])


def test_the_sites_own_stations_are_told_only_currents_they_know_and_batteries_may_taper() -> None:
    start, end = month_of("2019-07")
    stays = tuple(stay for stay in read_stays([SESSIONS], start, end) if stay.arrival < 100)
    july = garage("2019-07")
    morning = replace(july, stays=stays, real_stations=True, tapering=True)
    controller = OutlookController(start, Bill(july.price_per_kwh, end, july.demand_per_kw), morning.past, None)
    figures = morning.run(controller)  # acnportal raises for a current that a station does not know
    assert figures["violated_periods"] == figures["overpermitted_periods"] == 0
    assert figures["delivered_pct"] > 90.0


def test_a_tariff_of_seasons_charges_the_month_its_own_demand(tmp_path: Path) -> None:
    prices = {"times": [0], "tariffs": [0.2], "dow_mask": "ALL"}
    seasons = [
        {"id": "summer", "effective_start": "05-01", "effective_end": "10-31", "demand_charge": 20.0, **prices},
        {"id": "winter", "effective_start": "11-01", "effective_end": "4-30", "demand_charge": 12.0, **prices},
    ]
    path = tmp_path / "tariff.json"
    path.write_text(json.dumps({"name": "seasons", "schedule": seasons}))
    july = garage("2019-07")
    assert replace(july, tariff=read_tariff(path)).demand_per_kw == 20.0
    assert replace(july, tariff=read_tariff(path), start=month_of("2019-12")[0]).demand_per_kw == 12.0


def test_a_month_without_sessions_and_an_unknown_site_are_refused() -> None:
    with pytest.raises(InvalidInput, match="none begins"):
        garage("2018-01")
    start, end = month_of("2019-07")
    with pytest.raises(InvalidInput, match="site"):
        Garage.read([SESSIONS], "nowhere", None, read_tariff(TARIFF), start, end)
