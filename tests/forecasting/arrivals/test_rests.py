from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from cpms.domain.errors import InvalidInput
from cpms.domain.peak_price import PeakPrice
from cpms.domain.plan import DemandPrice
from cpms.domain.time import Interval
from forecasting.arrivals.rests import BUSY, LIKELY_DAYS, Outlook, outlook
from forecasting.arrivals.visits import Visit
from optimizer import plan
from tests.forecasting.visits_of import BERLIN, MONDAY, at, visit
from tests.optimizer.requests import NOW, need, request

MONTH_END = datetime(2026, 4, 1, tzinfo=BERLIN)


def history(days: int, energy_kwh: float = 10.0) -> list[Visit]:
    return [visit(MONDAY - timedelta(days=back), 9, 4, energy_kwh) for back in range(1, days + 1)]


def steps_from(hour: int, hours: int = 8) -> list[Interval]:
    return [Interval(at(MONDAY, hour + n), at(MONDAY, hour + n + 1)) for n in range(hours)]


def view_of(*days: list[Visit]) -> Outlook:
    return Outlook(at(MONDAY, 6), tuple(tuple(day) for day in days), (PeakPrice(0.0, 15.0),))


def test_a_likely_day_begins_at_the_same_local_time_after_the_clocks_change() -> None:
    before_change = [visit(date(2026, 3, 27), 9.5, 4)]
    view = outlook(before_change, at(date(2026, 3, 30), 6), MONTH_END, "Europe/Berlin", 15.0)
    arrival = view.likely_days[0][0].arrives_at
    assert arrival.astimezone(BERLIN).hour + arrival.astimezone(BERLIN).minute / 60 == 9.5


def test_only_later_arrivals_are_still_to_come() -> None:
    view = view_of([visit(MONDAY, hour, 2, 10.0) for hour in (8, 11, 15)])
    (day,) = view.likely(steps_from(11), arrived=2)
    assert [crowd.least_kwh[-1] for crowd in day.coming] == [10.0]


def test_a_full_morning_makes_full_days_likely() -> None:
    full, empty = ([visit(MONDAY, 8, 9) for _ in range(count)] + [visit(MONDAY, 15, 3)] * count for count in (12, 2))
    view = view_of(full, empty)
    for arrived, expected in ((12, 24.0), (2, 4.0)):
        usual = view.likely(steps_from(11), arrived)[0]
        assert usual.coming[0].least_kwh[-1] == pytest.approx(10.0 * expected / 2)


def test_vehicles_of_the_usual_rest_count_as_fractions_over_the_days_that_are_alike() -> None:
    once, twice, never = ([visit(MONDAY, 14, 2, 12.0)] * count for count in (1, 2, 0))
    usual, _ = view_of(once, twice, never).likely(steps_from(11), arrived=0)
    assert usual.coming[0].least_kwh[-1] == pytest.approx(12.0)
    assert usual.coming[0].most_kw[3] == pytest.approx(11.0)


def test_the_busy_rest_is_a_day_as_it_was_of_which_only_one_in_ten_had_more_to_do() -> None:
    days = [[visit(MONDAY, 14, 2, 1.0 + number)] for number in range(LIKELY_DAYS)]
    _, busy = view_of(*days).likely(steps_from(11), arrived=0)
    assert busy.probability == BUSY
    assert busy.coming[0].least_kwh[-1] == pytest.approx(LIKELY_DAYS - 1.0)


def test_a_day_is_busy_by_what_cannot_wait_until_the_plan_is_over() -> None:
    overnight, short = [visit(MONDAY, 14, 18, 60.0)], [visit(MONDAY, 14, 2, 15.0)]
    _, busy = view_of(overnight, short).likely(steps_from(11), arrived=0)
    assert busy.coming[0].least_kwh[-1] == pytest.approx(15.0)


def test_energy_does_not_wait_for_a_cheap_hour_in_which_a_few_short_visits_would_make_a_peak() -> None:
    """Two of twenty evenings brought short visits; the hour saves 0.10 per kWh, a kW of peak costs 15."""
    evening = visit(NOW.date(), 23.25, 1.75, 11.0, 11.0)
    quiet, lively = [], [replace(evening, feeder_id="root")] * 2
    here = need(energy_kwh=20.0, max_current_a=16.0, min_current_a=0.0, hours=6)
    peak = DemandPrice(15.0, 11.0, (True,) * 6, 3600)
    asked = request(here, count=6, price=(0.3,) * 4 + (0.2,) * 2, demand=(peak,))
    waits, makes_room = (
        plan(replace(asked, likely=view_of(*days).likely(asked.steps, arrived=0))).sessions[0].power_kw
        for days in ([quiet] * 20, [quiet] * 18 + [lively] * 2)
    )
    assert sum(waits[4:]) > 19.0
    assert sum(makes_room[4:]) < 3.0


def test_probabilities_add_to_one_and_days_that_are_alike_are_one() -> None:
    view = view_of([visit(MONDAY, 9, 2)], [visit(MONDAY, 8, 2)], [visit(MONDAY, 14, 2)])
    late = view.likely(steps_from(18, 4), arrived=1)
    assert [(day.probability, day.coming) for day in late] == [(pytest.approx(1.0), ())]
    assert sum(day.probability for day in view.likely(steps_from(8), arrived=0)) == pytest.approx(1.0)


def test_nothing_that_ends_after_now_is_known() -> None:
    now = at(MONDAY, 8)
    past = history(14)
    overnight = visit(MONDAY - timedelta(days=3), 20, 90, 500.0)
    future = [visit(MONDAY + timedelta(days=n), 9, 4, 80.0) for n in range(5)]
    known, told = (
        outlook(visits, now, MONTH_END, "Europe/Berlin", 15.0) for visits in (past, [*past, overnight, *future])
    )
    assert known == told


def test_without_history_the_expected_peak_is_free_and_more_costs_the_demand_charge() -> None:
    view = outlook([], at(MONDAY, 8), MONTH_END, "Europe/Berlin", 15.0, expected_peak_kw=30.0)
    assert view.peak_prices == (PeakPrice(0.0, 0.0), PeakPrice(30.0, 15.0))
    assert view.likely_days == ()


def test_without_anything_known_every_kw_costs_the_demand_charge() -> None:
    assert outlook([], at(MONDAY, 8), MONTH_END, "Europe/Berlin", 15.0).peak_prices == (PeakPrice(0.0, 15.0),)


def test_on_the_last_day_every_kw_costs_the_demand_charge() -> None:
    last = outlook(history(14), at(date(2026, 3, 31), 8), MONTH_END, "Europe/Berlin", 15.0)
    assert last.peak_prices == (PeakPrice(0.0, 15.0),)


def test_naive_instants_and_unknown_zones_are_refused() -> None:
    with pytest.raises(InvalidInput):
        outlook([], datetime(2026, 3, 23), MONTH_END, "Europe/Berlin", 15.0)  # noqa: DTZ001 - that is the point
    with pytest.raises(InvalidInput):
        outlook([], at(MONDAY, 9), MONTH_END, "Europe/Nowhere", 15.0)
