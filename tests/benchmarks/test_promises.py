import pytest

from tests.benchmarks import promises


def horizon(skill=0.3, covered=0.8, months=(0.75, 0.85), crps=0.04):
    return {"skill": skill, "crps": crps, "coverage_80": covered, "coverage_80_months": list(months)}


def solar(weather=False, **horizons):
    told = {"1": horizon(), "4": horizon(), "24": horizon(skill=0.5), **horizons}
    return promises.of({"quantity": "solar", "weather": weather, "horizons": told})


def broken(told):
    return {name for name, one in told.items() if not one["kept"]}


def test_figures_as_promised_keep_everything():
    assert broken(solar()) == set()
    assert broken(solar(weather=True)) == set()


@pytest.mark.parametrize(
    ("worse", "names"),
    [
        (horizon(skill=0.1), {"skill at 1 h at least 11%"}),
        (horizon(skill=-0.1), {"skill at 1 h at least 11%", "never worse than smart persistence"}),
        (horizon(crps=0.06), {"CRPS at 1 h at most 5.0%"}),
        (horizon(covered=0.77), {"80 % bands cover 78 to 82 %"}),
        (horizon(covered=0.83), {"80 % bands cover 78 to 82 %"}),
        (horizon(months=(0.69, 0.85)), {"80 % bands cover 70 to 90 % in every month"}),
    ],
)
def test_one_horizon_that_breaks_a_promise_is_enough(worse, names):
    assert broken(solar(**{"1": worse})) == names


def test_what_was_not_asked_for_is_not_promised():
    told = promises.of({"quantity": "solar", "weather": False, "horizons": {"8": horizon(months=())}})
    assert set(told) == {"80 % bands cover 78 to 82 %", "never worse than smart persistence"}
    assert promises.of({"quantity": "value"}) == {}


def quantity(mae, rolling):
    months = {"2026-04": {"coverage_80": 0.72}, "2026-05": {"coverage_80": 0.65}}
    return {"mae": mae, "coverage_80": 0.8, "months": months, "rolling_median": {"mae": rolling}}


def test_sessions_are_held_against_the_rolling_median_and_arrivals_against_last_week():
    arrivals = {
        "all_hours": {"coverage_80": 0.8},
        "issued_at_hour": {"0": {"mae_kwh": 40.0, "last_week_mae_kwh": 39.0}},
        "months": {"2026-04": {"coverage_80": 0.8}},
    }
    told = promises.of(
        {
            "quantity": "sessions",
            "departure_h": quantity(2.2, 2.5),
            "energy_kwh": quantity(3.0, 2.9),
            "arrivals_to_come": arrivals,
        }
    )
    assert told["departures within 2.1 h"] == {"figures": [2.2], "kept": False}
    assert broken(told) == {
        "departures within 2.1 h",
        "never worse than the rolling median",
        "80 % bands cover 70 to 90 % in every month",
        "arrivals: a day's energy to come better than the same day last week",
    }


def test_the_months_peak_is_promised_where_it_was_told():
    peak = {"coverage_80": 0.9, "coverage_80_by_month_of_issue": {"2026-04": 0.8}}
    told = {"quantity": "load", "horizons": {"1": horizon()}}
    assert broken(promises.of({**told, "month_peak": peak})) == {"the month's peak: 80 % bands cover 78 to 82 %"}
    assert broken(promises.of({**told, "month_peak": {}})) == set()
