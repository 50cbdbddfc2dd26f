from __future__ import annotations

import gzip
from datetime import date
from pathlib import Path

import pytest

from cpms.domain.errors import InvalidInput
from cpms.domain.grid import require_safe
from cpms.domain.units import power_kw
from cpms.simulation.recorded import recorded_day

HEADER = (
    "arrival,departure,requested_energy (kWh),delivered_energy (kWh),station_id,session_id,estimated_departure,claimed"
)
ROWS = (
    "2019-06-12 07:00:00-07:00,2019-06-12 12:00:00-07:00,30.0,8.5,CA-301,x,2019-06-12 15:00:00-07:00,True",
    "2019-06-12 11:00:00-07:00,2019-06-12 17:00:00-07:00,9.0,9.5,CA-301,y,2019-06-12 16:00:00-07:00,True",
    "2019-06-12 20:00:00-07:00,2019-06-13 09:00:00-07:00,20.0,14.0,CA-302,z,2019-06-13 08:00:00-07:00,True",
    "2019-06-13 08:00:00-07:00,2019-06-13 09:00:00-07:00,5.0,4.0,CA-303,w,2019-06-13 09:00:00-07:00,True",
)


@pytest.fixture
def sessions(tmp_path: Path) -> Path:
    path = tmp_path / "sessions.csv.gz"
    path.write_bytes(gzip.compress("\n".join((HEADER, *ROWS)).encode()))
    return path


def test_a_recorded_day_has_every_station_of_the_file_and_the_sessions_of_the_day(sessions: Path) -> None:
    day = recorded_day(sessions, date(2019, 6, 12))
    assert sorted(day.site.station_by_id) == ["CA-301", "CA-302", "CA-303"]
    assert [visit.vehicle.final_kwh for visit in day.visits[1:2]] == [9.5]
    assert [visit.stated_kwh for visit in day.visits] == [30.0, 9.0, 20.0]
    require_safe(day.timeline, day.starts_at)


def test_a_stay_that_is_cut_took_its_share_and_needs_are_what_was_asked_for_or_what_the_vehicle_took_if_that_was_less(
    sessions: Path,
) -> None:
    assert [visit.due_kwh for visit in recorded_day(sessions, date(2019, 6, 12)).visits] == pytest.approx(
        [8.5 * 239 / 300, 9.0, 14.0 * 235 / 780]
    )


def test_one_vehicle_leaves_before_the_next_comes_and_all_before_the_day_ends(sessions: Path) -> None:
    day = recorded_day(sessions, date(2019, 6, 12))
    first, second, last = day.visits
    assert first.departs_at < second.arrives_at
    assert last.departs_at < day.ends_at


def test_an_evse_gives_six_and_a_half_kilowatts_between_two_lines(sessions: Path) -> None:
    day = recorded_day(sessions, date(2019, 6, 12))
    connector = next(iter(day.site.connectors.values()))
    assert power_kw(connector.max_current_a, day.site.voltage_v, len(connector.phases)) == pytest.approx(6.656)


def test_a_day_without_sessions_is_refused_with_the_days_there_are(sessions: Path) -> None:
    with pytest.raises(InvalidInput, match="choose from 2019-06-12 to 2019-06-13"):
        recorded_day(sessions, date(2019, 7, 1))


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(InvalidInput, match="give a file of ACN sessions"):
        recorded_day(path, date(2019, 6, 12))
