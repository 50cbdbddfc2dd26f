from __future__ import annotations

import gzip
from datetime import date, timedelta
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


def test_a_recorded_day_has_the_whole_garage_and_every_station_of_the_file_and_the_sessions_of_the_day(
    sessions: Path,
) -> None:
    day = recorded_day(sessions, date(2019, 6, 12))
    assert len(day.site.stations) == 54 + 2
    assert {"CA-149", "CA-301", "CA-302", "CA-303", "CA-513"} <= day.site.station_by_id.keys()
    assert "53 of 56 stations never appear in the file" in day.notes[0]
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
    with pytest.raises(InvalidInput, match="no column is called 'arrival'"):
        recorded_day(path, date(2019, 6, 12))


def file(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text("\n".join((HEADER, *rows)))
    return path


SILENT = "2019-06-12 09:00:00-07:00,2019-06-12 16:00:00-07:00,3.0,3.0,CA-303,s,2019-06-12 16:00:00-07:00,False"


def test_who_states_nothing_has_no_statement_but_what_used_to_happen_and_is_due_what_the_vehicle_takes(
    tmp_path: Path,
) -> None:
    before = [
        f"2019-06-{day:02}"
        + "T09:00:00-07:00,2019-06-"
        + f"{day:02}"
        + f"T15:00:00-07:00,9,9,CA-303,b{day},2019-06-{day:02}T15:00:00-07:00,True"
        for day in range(1, 11)
    ]
    (visit,) = recorded_day(file(tmp_path, *before, SILENT), date(2019, 6, 12)).visits
    assert (visit.stated_kwh, visit.stated_departs_at, visit.due_kwh) == (None, None, 3.0)
    assert visit.told_departs_at == visit.arrives_at + timedelta(hours=6)


def test_the_outcome_that_stands_in_for_a_statement_is_of_no_consequence_to_what_anybody_is_told(
    tmp_path: Path,
) -> None:
    later = SILENT.replace("16:00:00-07:00,3.0,3.0", "17:30:00-07:00,7.0,3.0").replace(
        "s,2019-06-12 16", "s,2019-06-12 17"
    )
    told = [
        [
            (visit.stated_kwh, visit.told_departs_at)
            for visit in recorded_day(file(tmp_path, *ROWS, row), date(2019, 6, 12)).visits
        ]
        for row in (SILENT, later)
    ]
    assert told[0] == told[1]


def test_nothing_that_happens_after_the_day_is_of_any_consequence(tmp_path: Path) -> None:
    """Only which stations there are is known of later rows."""
    days = {"2019-06-12": "2019-06-20", "2019-06-13": "2019-06-21", ",30.0,8.5": ",1,1"}
    ids = {",x,": ",x2,", ",y,": ",y2,", ",z,": ",z2,", ",w,": ",w2,"}
    after = []
    for row in ROWS:
        for old, new in (days | ids).items():
            row = row.replace(old, new)
        after.append(row)
    day, with_later = (
        recorded_day(file(tmp_path, *rows), date(2019, 6, 12)) for rows in (ROWS, (*ROWS[:3], *after, ROWS[3]))
    )
    assert day == with_later


def test_the_pods_of_the_garage_are_behind_their_own_lines(sessions: Path) -> None:
    site = recorded_day(sessions, date(2019, 6, 12)).site
    below = {feeder.id: [s.id for s in site.stations if s.feeder_id == feeder.id] for feeder in site.feeders}
    assert {feeder: len(stations) for feeder, stations in below.items()} == {"grid": 40, "cc-pod": 8, "av-pod": 8}
