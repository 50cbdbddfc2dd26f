from dataclasses import replace

import pytest

from forecasting.solar.array_fit import fit_array
from tests.forecasting.weather_worlds import ARRAY, cloudy_series


def test_the_way_an_array_looks_is_found_in_what_it_measured():
    west = replace(ARRAY, azimuth_deg=240.0, tilt_deg=40.0)
    found = fit_array(ARRAY, cloudy_series(120, array=west))
    assert found.azimuth_deg == pytest.approx(240.0, abs=15.0)
    assert found.tilt_deg == pytest.approx(40.0, abs=15.0)


def test_a_new_array_is_taken_as_described():
    assert fit_array(ARRAY, cloudy_series(10)) == ARRAY
