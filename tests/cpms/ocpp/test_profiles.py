"""Grants as charging profiles: never above the grant, at any instant, on any connector."""

import decimal
import json
from dataclasses import replace
from datetime import timedelta
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ocpp.messages import MessageType, get_validator

from cpms.domain.errors import InvalidInput
from cpms.domain.grid import Grant
from cpms.domain.need import PhaseSwitching
from cpms.domain.site import Connector
from cpms.domain.units import Phase
from cpms.ocpp import profiles
from cpms.ocpp.composite import composite_limit_a, parse_v16, parse_v201
from cpms.ocpp.profiles import LOWEST_VOLTAGE_V, ProfileAbilities, Step, merged
from cpms.ocpp.v201.dialect import V201
from tests.cpms.ocpp.grants import CONNECTOR, KEY, NOW, connectors, grant, grants

AMPERES = ProfileAbilities()
abilities = st.builds(
    ProfileAbilities,
    max_periods=st.sampled_from([None, 1, 2, 6, 24]),
    rate_units=st.sampled_from([frozenset({"A"}), frozenset({"W"}), frozenset({"A", "W"})]),
)
instants = st.lists(st.floats(0, 200_000, allow_nan=False), min_size=1, max_size=8)


def periods_of(some_grant: Grant, connector: Connector = CONNECTOR) -> list[tuple[int, float]]:
    schedule = profiles.v16(some_grant, connector, AMPERES, NOW)["chargingSchedule"]
    return [(p["startPeriod"], p["limit"]) for p in schedule["chargingSchedulePeriod"]]


@given(grants(), connectors(), abilities, instants, st.sampled_from([LOWEST_VOLTAGE_V, 230.0, 253.0]))
def test_what_a_station_makes_of_a_grant_never_exceeds_it(
    any_grant: Grant, connector: Connector, ability: ProfileAbilities, offsets_s: list[float], voltage_v: float
):
    old = parse_v16(1, profiles.v16(any_grant, connector, ability, NOW))
    new = parse_v201(1, profiles.v201(any_grant, connector, ability, NOW))
    edges = [p.starts_at for p in any_grant.periods if p.starts_at >= NOW]
    near = [edge + timedelta(microseconds=d) for edge in edges for d in (-1, 0, 1) if edge > NOW]
    for instant in [NOW, *(NOW + timedelta(seconds=s) for s in offsets_s), *near]:
        for stored in (old, new):
            limit_a = composite_limit_a([stored], 1, instant, "7", NOW, voltage_v)
            assert limit_a <= any_grant.limit_a_at(instant) + 1e-6
            assert limit_a <= connector.max_current_a + 1e-6


@given(grants(), connectors())
def test_every_setpoint_is_zero_or_within_the_range_of_the_connector(any_grant: Grant, connector: Connector):
    for _, limit_a in periods_of(any_grant, connector):
        assert limit_a == 0.0 or connector.min_current_a <= limit_a <= connector.max_current_a


@given(grants(), connectors(), abilities)
def test_every_profile_satisfies_the_schemas(any_grant: Grant, connector: Connector, ability: ProfileAbilities):
    old = {"connectorId": 1, "csChargingProfiles": profiles.v16(any_grant, connector, ability, NOW)}
    exact = json.loads(json.dumps(old), parse_float=decimal.Decimal)
    get_validator(MessageType.Call, "SetChargingProfile", "1.6", decimal.Decimal).validate(exact)
    new = {"evseId": 1, "chargingProfile": profiles.v201(any_grant, connector, ability, NOW)}
    get_validator(MessageType.Call, "SetChargingProfile", "2.0.1").validate(new)


@given(st.lists(st.tuples(st.integers(1, 500), st.sampled_from([0.0, 6.0, 10.0, 16.0])), min_size=1), st.integers(1, 5))
def test_merging_respects_the_number_of_periods_and_only_lowers(gaps: list[tuple[int, float]], max_periods: int):
    starts = [sum(gap for gap, _ in gaps[:i]) for i in range(len(gaps))]
    found = [Step(s, a) for s, (_, a) in zip(starts, gaps, strict=True)]

    def at(steps: list[Step], second: int) -> float:
        return next(step.limit_a for step in reversed(steps) if step.start_s <= second)

    fewer = merged(found, max_periods)
    assert len(fewer) <= max_periods
    assert fewer[0].start_s == 0
    assert all(at(fewer, s) <= at(found, s) for start in starts for s in (start, start + 1))


def test_the_lease_ends_in_a_last_period_at_the_fallback():
    assert periods_of(grant(16, 10)) == [(0, 16.0), (660, 10.0), (1260, 6.0)]


def test_no_profile_has_an_end_through_which_a_station_could_fall_to_unlimited():
    profile = profiles.v16(grant(16), CONNECTOR, AMPERES, NOW)
    assert not {"validTo", "validFrom"} & set(profile)
    assert "duration" not in profile["chargingSchedule"]
    stored = parse_v16(1, profile)
    assert composite_limit_a([stored], 1, NOW + timedelta(days=900), "7") == 6


def test_the_schedule_starts_before_now_so_that_a_slow_clock_leaves_no_gap():
    stored = parse_v201(1, profiles.v201(grant(16), CONNECTOR, AMPERES, NOW))
    assert composite_limit_a([stored], 1, NOW - timedelta(seconds=59), "7") == 16


def test_a_base_grant_is_a_default_that_needs_no_clock():
    base = grant(transaction_id=None)
    for stored in (
        parse_v16(1, profiles.v16(base, CONNECTOR, AMPERES, NOW)),
        parse_v201(1, profiles.v201(base, CONNECTOR, AMPERES, NOW)),
    ):
        for instant in (NOW - timedelta(days=20_000), NOW, NOW + timedelta(days=20_000)):
            assert composite_limit_a([stored], 1, instant, "any") == 6
        assert composite_limit_a([stored], 2, NOW, "any") == inf


def test_refreshing_re_uses_the_profile_of_the_connector_and_leaves_the_default_alone():
    ids = {profiles.profile_id(g) for g in (grant(16), grant(10, sequence=2), grant(8, transaction_id="9"))}
    base = profiles.profile_id(grant(transaction_id=None))
    elsewhere = profiles.profile_id(replace(grant(16), connector=replace(KEY, connector_id=2)))
    assert len(ids) == 1
    assert len({*ids, base, elsewhere}) == 3


def test_limits_are_exact_decimals():
    for tenths in range(60, 321):
        ((_, limit_a), *_) = periods_of(grant(tenths / 10 + 0.05))
        assert repr(limit_a) == f"{tenths / 10:.1f}" or limit_a == 32.0


def test_a_station_of_whole_amperes_gets_whole_amperes():
    assert periods_of(grant(16.9), replace(CONNECTOR, step_a=1.0))[0] == (0, 16.0)


def test_below_six_amperes_is_nothing():
    assert periods_of(grant(5.9, 7)) == [(0, 0.0), (661, 7.0), (1260, 6.0)]


def test_a_decrease_between_two_seconds_comes_early_and_an_increase_late():
    lower = periods_of(grant(16, 8))[1]
    higher = periods_of(grant(8, 16))[1]
    assert lower == (660, 8.0)  # true at 660.25 s after the schedule's start
    assert higher == (661, 16.0)


def test_watts_only_where_the_station_knows_nothing_else():
    watts = profiles.v16(grant(16), CONNECTOR, ProfileAbilities(None, frozenset({"W"})), NOW)["chargingSchedule"]
    both = profiles.v16(grant(16), CONNECTOR, ProfileAbilities(None, frozenset({"A", "W"})), NOW)["chargingSchedule"]
    assert (watts["chargingRateUnit"], watts["chargingSchedulePeriod"][0]["limit"]) == ("W", 3312.0)
    assert both["chargingRateUnit"] == "A"


def test_a_transaction_of_2_0_1_cannot_be_limited_on_a_1_6_station():
    with pytest.raises(InvalidInput, match="transaction_id"):
        profiles.v16(grant(16, transaction_id="b5e2"), CONNECTOR, AMPERES, NOW)


SWITCHING = replace(CONNECTOR, phases=(Phase.L2, Phase.L3, Phase.L1), switching=PhaseSwitching(Phase.L1))


@pytest.mark.parametrize(("single", "number"), [(None, 3), (Phase.L1, 1)])
def test_a_connector_that_switches_is_told_its_number_of_phases_in_every_period(single: Phase | None, number: int):
    told = replace(grant(16, 8), single_phase=single)
    old = profiles.v16(told, SWITCHING, AMPERES, NOW)["chargingSchedule"]["chargingSchedulePeriod"]
    new = profiles.v201(told, SWITCHING, AMPERES, NOW)["chargingSchedule"][0]["chargingSchedulePeriod"]
    assert [period["numberPhases"] for period in (*old, *new)] == [number] * 6
    assert not any("phaseToUse" in period for period in (*old, *new)), "no station is told what it does not know"


def test_only_a_station_that_selects_phases_is_told_which_and_in_its_own_numbering():
    told = replace(grant(16, 8), single_phase=Phase.L1)
    selects = ProfileAbilities(selects_phase=True)
    new = profiles.v201(told, SWITCHING, selects, NOW)
    assert {period["phaseToUse"] for period in new["chargingSchedule"][0]["chargingSchedulePeriod"]} == {3}
    get_validator(MessageType.Call, "SetChargingProfile", "2.0.1").validate({"evseId": 1, "chargingProfile": new})
    on_all = profiles.v201(grant(16), SWITCHING, selects, NOW)["chargingSchedule"][0]["chargingSchedulePeriod"]
    assert not any("phaseToUse" in period for period in on_all)


def test_connectors_that_do_not_switch_are_told_no_number_of_phases():
    assert not any(
        "numberPhases" in p
        for p in profiles.v16(grant(16), CONNECTOR, AMPERES, NOW)["chargingSchedule"]["chargingSchedulePeriod"]
    )


@pytest.mark.parametrize(("said", "selects"), [("true", True), ("True", True), ("false", False), (None, False)])
def test_a_station_says_whether_it_selects_the_phase(said: str | None, selects: bool):
    values = {} if said is None else {"SmartChargingCtrlr.ACPhaseSwitchingSupported": said}
    assert V201().capabilities("ST-1", NOW, values).selects_phase is selects
