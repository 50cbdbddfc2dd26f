from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.series import local_seconds, zone_of

YEAR_S = 366 * 86400


@pytest.mark.parametrize(
    "name", ["UTC", "Europe/Berlin", "America/Los_Angeles", "Australia/Lord_Howe", "Asia/Kathmandu"]
)
@given(st.lists(st.integers(0, 2 * YEAR_S), max_size=20))
def test_local_time_is_what_the_wall_clock_shows(name, since_s):
    zone = zone_of(name)
    epochs_s = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp()) + np.array(since_s, dtype=np.int64)
    shown = [datetime.fromtimestamp(int(s), zone).replace(tzinfo=UTC).timestamp() for s in epochs_s]
    assert local_seconds(epochs_s, zone).tolist() == shown


def test_every_quarter_of_the_days_on_which_the_clock_changes_is_right():
    zone = zone_of("Europe/Berlin")
    for day in (datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)):
        epochs_s = int(day.timestamp()) + 900 * np.arange(96)
        shown = [datetime.fromtimestamp(int(s), zone).replace(tzinfo=UTC).timestamp() for s in epochs_s]
        assert local_seconds(epochs_s, zone).tolist() == shown
