"""The composite limit of stored profiles (OCPP 1.6, 3.13; 2.0.1 part 2, K01)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import inf

import pytest

from cpms.domain.errors import InvalidInput
from cpms.ocpp.composite import (
    ProfileKind,
    ProfilePurpose,
    StoredPeriod,
    StoredProfile,
    composite_limit_a,
    composite_phases,
    composite_schedule,
    install,
    occupies,
    parse_v16,
    parse_v201,
)

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def profile(limit_a: float, **changes: object) -> StoredProfile:
    base = StoredProfile(
        id=1,
        connector_id=1,
        stack_level=0,
        purpose=ProfilePurpose.TX,
        kind=ProfileKind.ABSOLUTE,
        periods=(StoredPeriod(0, limit_a),),
        transaction_id="7",
        starts_at=NOON,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def default(limit_a: float, **changes: object) -> StoredProfile:
    return profile(limit_a, **({"purpose": ProfilePurpose.TX_DEFAULT, "transaction_id": None, "id": 2} | changes))


def test_nothing_valid_means_unlimited():
    assert composite_limit_a([], 1, NOON, "7") == inf
    assert composite_limit_a([profile(10)], 1, NOON - timedelta(seconds=1), "7") == inf


def test_the_highest_valid_stack_level_wins_even_if_it_is_higher():
    stack = [profile(6), profile(16, stack_level=3), profile(10, stack_level=2)]
    assert composite_limit_a(stack, 1, NOON, "7") == 16


def test_a_schedule_that_has_ended_falls_through_to_the_stack_below():
    stack = [profile(6), profile(16, stack_level=3, duration_s=60)]
    assert composite_limit_a(stack, 1, NOON + timedelta(seconds=59), "7") == 16
    assert composite_limit_a(stack, 1, NOON + timedelta(seconds=60), "7") == 6


def test_a_schedule_without_duration_keeps_its_last_period_for_ever():
    steps = profile(0, periods=(StoredPeriod(0, 16), StoredPeriod(600, 8)))
    assert composite_limit_a([steps], 1, NOON + timedelta(days=300), "7") == 8


def test_a_transaction_profile_overrules_the_default_also_upwards():
    stored = [default(6, stack_level=9), profile(20)]
    assert composite_limit_a(stored, 1, NOON, "7") == 20
    assert composite_limit_a(stored, 1, NOON, "8") == 6
    assert composite_limit_a(stored, 1, NOON, None) == 6


def test_the_station_maximum_caps_every_connector():
    top = default(10, purpose=ProfilePurpose.STATION_MAX, connector_id=0)
    assert composite_limit_a([top, profile(20)], 1, NOON, "7") == 10
    assert composite_limit_a([top], 2, NOON, None) == 10


def test_the_default_of_a_connector_wins_over_that_of_the_station():
    stored = [default(8), default(16, connector_id=0, id=3)]
    assert composite_limit_a(stored, 1, NOON, "7") == 8
    assert composite_limit_a(stored, 2, NOON, "7") == 16


def test_validity_bounds_are_half_open():
    bounded = profile(10, valid_from=NOON, valid_to=NOON + timedelta(hours=1))
    assert composite_limit_a([bounded], 1, NOON, "7") == 10
    assert composite_limit_a([bounded], 1, NOON + timedelta(hours=1), "7") == inf


def test_a_relative_profile_counts_from_the_start_of_the_transaction():
    relative = profile(0, kind=ProfileKind.RELATIVE, periods=(StoredPeriod(0, 16), StoredPeriod(60, 8)))
    started_at = NOON + timedelta(hours=1)
    assert composite_limit_a([relative], 1, started_at + timedelta(seconds=59), "7", started_at) == 16
    assert composite_limit_a([relative], 1, started_at + timedelta(seconds=60), "7", started_at) == 8


def test_a_recurring_profile_comes_back_every_day():
    daily = profile(
        0, kind=ProfileKind.RECURRING, duration_s=7200, periods=(StoredPeriod(0, 16), StoredPeriod(3600, 8))
    )
    later = NOON + timedelta(days=3)
    assert composite_limit_a([daily], 1, later, "7") == 16
    assert composite_limit_a([daily], 1, later + timedelta(hours=1), "7") == 8
    assert composite_limit_a([daily], 1, later + timedelta(hours=2), "7") == inf


def test_watts_are_divided_by_voltage_and_phases():
    in_watts = profile(0, unit="W", periods=(StoredPeriod(0, 6900, 3),))
    assert composite_limit_a([in_watts], 1, NOON, "7") == pytest.approx(10)


def test_the_schedule_says_when_the_limit_changes():
    steps = profile(0, periods=(StoredPeriod(0, 16), StoredPeriod(600, 8)), duration_s=1200)
    assert composite_schedule([steps, default(6)], 1, NOON, 3600, "7") == [(0, 16), (600, 8), (1200, 6)]


def test_the_schedule_of_a_recurring_profile_repeats_it():
    daily = profile(10, kind=ProfileKind.RECURRING, duration_s=3600)
    schedule = composite_schedule([daily], 1, NOON, 2 * 86400, "7")
    assert schedule == [(0, 10), (3600, inf), (86400, 10), (90000, inf)]


def test_installing_replaces_by_id_and_by_place():
    first = profile(6)
    assert install([first], replace(first, stack_level=4)) == [replace(first, stack_level=4)]
    assert install([first], replace(first, id=9)) == [replace(first, id=9)]
    assert install([first], default(8)) == [first, default(8)]


def test_profiles_of_different_transactions_do_not_share_a_place():
    assert occupies(profile(6), profile(8, id=5))
    assert not occupies(profile(6), profile(8, id=5, transaction_id="8"))


def test_both_versions_are_read_alike():
    schedule = {
        "startSchedule": "2026-06-01T12:00:00Z",
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.0}],
    }
    common = {"stackLevel": 0, "chargingProfilePurpose": "TxProfile", "chargingProfileKind": "Absolute"}
    old = parse_v16(1, common | {"chargingProfileId": 1, "transactionId": 7, "chargingSchedule": schedule})
    new = parse_v201(1, common | {"id": 1, "transactionId": "7", "chargingSchedule": [{"id": 1} | schedule]})
    assert old == new == profile(16)


def test_the_station_maximum_has_a_name_per_version():
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.0}]}
    common = {"stackLevel": 0, "chargingProfileKind": "Absolute", "chargingProfileId": 1, "chargingSchedule": schedule}
    parsed = parse_v16(0, common | {"chargingProfilePurpose": "ChargePointMaxProfile"})
    assert parsed.purpose is ProfilePurpose.STATION_MAX


@pytest.mark.parametrize("broken", [{}, {"stackLevel": "x"}, {"chargingSchedule": 5}, {"chargingSchedule": []}])
def test_a_profile_that_makes_no_sense_is_refused(broken: dict[str, object]):
    with pytest.raises(InvalidInput, match="chargingProfile"):
        parse_v16(1, broken)
    with pytest.raises(InvalidInput, match="chargingProfile"):
        parse_v201(1, broken)


def test_the_fewest_phases_of_any_profile_count_and_a_transactions_overrule_the_defaults():
    def phased(purpose: ProfilePurpose, count: int, which: int | None = None) -> StoredProfile:
        return replace(profile(16), id=count, purpose=purpose, periods=(StoredPeriod(0, 16, count, which),))

    assert composite_phases([], 1, NOON, "7") == (3, None)
    stored = [phased(ProfilePurpose.TX_DEFAULT, 1), phased(ProfilePurpose.TX, 3)]
    assert composite_phases(stored, 1, NOON, "7") == (3, None)
    assert composite_phases([*stored, phased(ProfilePurpose.STATION_MAX, 1, 2)], 1, NOON, "7") == (1, 2)
