"""What cannot be planned with is refused by name."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from cpms.domain.errors import InvalidInput
from cpms.domain.need import AcceptancePoint, EnergyTarget, LikelyStay, PhaseSwitching, VehicleBattery
from cpms.domain.plan import Coming, DemandPrice, LikelyDay, PhasorLimit, PlanRequest
from optimizer import plan
from tests.optimizer.requests import NOW, feeder, need, request

NAN = float("nan")
GOOD = request(need())
ZERO = (0.0,) * 4


def coming(feeder_id: str, *series: tuple[float, ...]) -> PlanRequest:
    return replace(GOOD, likely=(LikelyDay(1.0, (Coming(feeder_id, *series),)),))


def turning(limit: PhasorLimit) -> PlanRequest:
    return replace(request(replace(need(), switching=PhaseSwitching())), phasor_limits=(limit,))


RISING = (AcceptancePoint(0.0, 5.0), AcceptancePoint(1.0, 6.0))


@pytest.mark.parametrize(
    ("field", "asked"),
    [
        ("voltage_v", replace(GOOD, voltage_v=NAN)),
        ("steps", replace(GOOD, steps=())),
        ("steps[1]", replace(GOOD, steps=(GOOD.steps[0], *GOOD.steps[2:], GOOD.steps[1]))),
        ("time_limit_s", replace(GOOD, time_limit_s=0.0)),
        ("gap_target", replace(GOOD, gap_target=1.0)),
        ("import_price_per_kwh", replace(GOOD, import_price_per_kwh=(0.1, NAN, 0.1, 0.1))),
        ("solar_kw", replace(GOOD, solar_kw=(0.0,))),
        ("other_load_kw", replace(GOOD, other_load_kw=(float("inf"),) * 4)),
        ("needs[a]", request(need(energy_kwh=NAN))),
        ("needs[a].step_a", request(need(step_a=0.0))),
        ("needs[a].phases", request(need(phases=()))),
        ("needs[a].feeder_id", request(need(feeder_id="nowhere"))),
        ("needs[a].max_current_a", request(need(max_current_a=-1.0))),
        ("needs[a].departs_at", request(replace(need(), departs_at=datetime(2026, 3, 2, 20)))),  # noqa: DTZ001 is the point
        ("needs[a].arrives_at", request(replace(need(), arrives_at=datetime(2026, 3, 2, 20)))),  # noqa: DTZ001 is the point
        ("demand[0].rises", request(need(), demand=(DemandPrice(1.0, 0.0, (True,) * 4, 900, ((5.0, 0.5),)),))),
        ("likely", replace(GOOD, likely=(LikelyDay(0.5),))),
        ("likely[0].probability", replace(GOOD, likely=(LikelyDay(-1.0),))),
        ("likely[0].coming[0].feeder_id", coming("nowhere", ZERO, ZERO, ZERO)),
        (
            "likely[0].coming[0].phases",
            replace(GOOD, likely=(LikelyDay(1.0, (Coming("root", ZERO, ZERO, ZERO, ()),)),)),
        ),
        ("likely[0].coming[0].least_kwh[1]", coming("root", (0.0, 5.0, 5.0, 5.0), (9.0,) * 4, (4.0,) * 4)),
        ("likely[0].coming[0].most_kwh[2]", coming("root", ZERO, (0.0, 9.0, 1.0, 1.0), (9.0,) * 4)),
        ("likely[0].coming[0].most_kw", coming("root", ZERO, ZERO, (0.0,))),
        ("phasor_limits[line].limit_a", replace(GOOD, phasor_limits=(PhasorLimit("line", (-1.0,) * 4, {}),))),
        (
            "phasor_limits[line].turns",
            replace(GOOD, phasor_limits=(PhasorLimit("line", ZERO, {need().connector: NAN * 1j}),)),
        ),
        (
            "phasor_limits[line].single_turns",
            replace(
                GOOD, phasor_limits=(PhasorLimit("line", ZERO, {}, single_turns={need().connector: complex(NAN)}),)
            ),
        ),
        ("phasor_limits[line].single_turns", turning(PhasorLimit("line", ZERO, {need().connector: 1j}))),
        ("needs", request(need(), need())),
        ("feeders", request(need(), feeders=(feeder(4), feeder(4)))),
        ("feeders[root].limit_a", request(need(), feeders=(feeder(4, limit_a=NAN),))),
        ("feeders[root].import_kw", request(need(), feeders=(feeder(4, import_kw=NAN),))),
        ("feeders[root].reason", request(need(), feeders=(replace(feeder(4), reason=("x",)),))),
        ("feeders[a].parent_id", request(need(), feeders=(feeder(4), feeder(4, "a", "b"), feeder(4, "b", "a")))),
        ("demand[0].applies", replace(GOOD, demand=(DemandPrice(1.0, 0.0, (True,)),))),
        ("demand[0].window_s", replace(GOOD, demand=(DemandPrice(1.0, 0.0, (True,) * 4, window_s=0),))),
        ("demand[0].price_per_kw", replace(GOOD, demand=(DemandPrice(-1.0, 0.0, (True,) * 4),))),
        ("needs[a].setpoints_a", request(replace(need(), setpoints_a=(6.05,)))),
        ("needs[a].frozen_a", request(replace(need(), frozen_a=(6.0,) * 5))),
        ("needs[a].minimum_now_kwh", request(replace(need(), minimum_now_kwh=-1.0))),
        ("needs[a].targets[0].due_at", request(replace(need(), targets=(EnergyTarget(1.0, datetime(2026, 3, 2)),)))),  # noqa: DTZ001 is the point
        ("needs[a].targets[0]", request(replace(need(), targets=(EnergyTarget(-1.0, NOW),)))),
        ("needs[a].likely[0]", request(replace(need(), likely=(LikelyStay(11.0, NOW, 1.0),)))),
        ("needs[a].likely", request(replace(need(), likely=(LikelyStay(1.0, NOW, 0.5),)))),
        ("needs[a].battery.soc", request(replace(need(), battery=VehicleBattery(50.0, 1.5)))),
        ("needs[a].battery.capacity_kwh", request(replace(need(), battery=VehicleBattery(0.0, 0.5)))),
        ("needs[a].battery.acceptance", request(replace(need(), battery=VehicleBattery(50.0, 0.5, RISING)))),
        ("needs[a].max_starts", request(replace(need(), max_starts=-1))),
        ("needs[a].max_rise_a_per_min", request(replace(need(), max_rise_a_per_min=0.0))),
    ],
)
def test_bad_input_is_refused_and_named(field: str, asked: PlanRequest):
    with pytest.raises(InvalidInput) as refused:
        plan(asked)
    assert refused.value.field == field
    assert refused.value.cure


def test_steps_with_a_gap_are_refused():
    moved = replace(GOOD.steps[3], ends_at=GOOD.steps[3].ends_at + timedelta(hours=2))
    gap = replace(moved, starts_at=GOOD.steps[3].starts_at + timedelta(hours=1))
    with pytest.raises(InvalidInput, match="consecutive"):
        plan(replace(GOOD, steps=(*GOOD.steps[:3], gap)))
