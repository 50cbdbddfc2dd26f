"""What a need must be like before anything is computed from it."""

from __future__ import annotations

from itertools import pairwise
from math import inf

from cpms.domain.errors import InvalidInput
from cpms.domain.need import EnergyTarget, LikelyStay, VehicleBattery
from cpms.domain.plan import ChargingNeed
from cpms.domain.time import require_aware
from optimizer.validation.require import require_finite, require_known, require_positive
from optimizer.validation.storage import require_v2g
from optimizer.validation.switching import require_switching


def require_need(need: ChargingNeed, feeders: set[str], steps: int) -> None:
    """InvalidInput naming the first field of a need that cannot be planned with; `feeders`: ids there are."""
    name = f"needs[{need.session_id}]"
    require_aware(need.departs_at, f"{name}.departs_at")
    if need.arrives_at is not None:
        require_aware(need.arrives_at, f"{name}.arrives_at")
    require_finite(
        name, (need.energy_kwh, need.max_current_a, need.min_current_a, need.step_a, need.priority, need.current_a)
    )
    require_known(f"{name}.feeder_id", need.feeder_id, feeders)
    if not need.phases or len(set(need.phases)) != len(need.phases):
        raise InvalidInput(f"{name}.phases", f"{need.phases} are none or repeated", "give one to three phases")
    if need.counted_phases and not set(need.phases) <= set(need.counted_phases):
        raise InvalidInput(
            f"{name}.counted_phases", f"{need.counted_phases} lack some of {need.phases}", "give all of them, or none"
        )
    if not 1.0 <= need.counted_ratio < inf:
        raise InvalidInput(f"{name}.counted_ratio", f"{need.counted_ratio} is below 1 or no number", "give 1 or more")
    require_positive(f"{name}.step_a", need.step_a)
    for field in ("min_current_a", "max_current_a"):
        if (current_a := getattr(need, field)) < 0:
            raise InvalidInput(f"{name}.{field}", f"{current_a:g} A is below 0", "give 0 A or more")
    _require_setpoints(name, need)
    _require_drawn(name, need)
    _require_frozen(name, need, steps)
    _require_wishes(name, need)
    if need.battery is not None:
        _require_battery(f"{name}.battery", need.battery)
    if need.v2g is not None:
        require_v2g(name, need, need.v2g)
    if need.switching is not None:
        require_switching(name, need, need.switching)
    if need.max_starts is not None and need.max_starts < 0:
        raise InvalidInput(f"{name}.max_starts", f"{need.max_starts} is below 0", "give 0 or more, or nothing")
    if need.max_rise_a_per_min is not None:
        require_positive(f"{name}.max_rise_a_per_min", need.max_rise_a_per_min)


def _require_setpoints(name: str, need: ChargingNeed) -> None:
    require_finite(f"{name}.setpoints_a", need.setpoints_a)
    for current_a in need.setpoints_a:
        multiple = current_a / need.step_a
        if current_a < 0 or abs(multiple - round(multiple)) > 1e-6:
            raise InvalidInput(
                f"{name}.setpoints_a", f"{current_a} A is no multiple of {need.step_a} A", "give multiples of step_a"
            )


def _require_drawn(name: str, need: ChargingNeed) -> None:
    if need.draws_a is None:
        return
    require_positive(f"{name}.draws_a", need.draws_a)
    if not need.draws_a < need.lowest_a < inf:
        problem = f"{need.draws_a:g} A is not below its lowest setpoint of {need.lowest_a:g} A"
        raise InvalidInput(f"{name}.draws_a", problem, "limit it by max_current_a")
    for field in ("battery", "v2g", "switching"):
        if getattr(need, field) is not None:
            raise InvalidInput(f"{name}.draws_a", f"is given besides {field}", "leave one of them out")


def _require_frozen(name: str, need: ChargingNeed, steps: int) -> None:
    require_finite(f"{name}.frozen_a", need.frozen_a)
    if len(need.frozen_a) > steps:
        problem = f"has {len(need.frozen_a)} values for {steps} steps"
        raise InvalidInput(f"{name}.frozen_a", problem, "give them for the first steps")
    if (lowest_a := min(need.frozen_a, default=0.0)) < 0:
        raise InvalidInput(f"{name}.frozen_a", f"{lowest_a:g} A is below 0", "give 0 A or more")


def _require_wishes(name: str, need: ChargingNeed) -> None:
    require_finite(f"{name}.minimum_now_kwh", (need.minimum_now_kwh,))
    if need.minimum_now_kwh < 0:
        raise InvalidInput(f"{name}.minimum_now_kwh", f"{need.minimum_now_kwh} is below 0", "give 0 or more")
    for index, target in enumerate(need.targets):
        _require_target(f"{name}.targets[{index}]", target)
    for index, stay in enumerate(need.likely):
        _require_likely(f"{name}.likely[{index}]", stay, need)
    total = sum(stay.probability for stay in need.likely)
    if need.likely and abs(total - 1.0) > 1e-6:
        raise InvalidInput(
            f"{name}.likely", f"their probabilities add up to {total:g}", "give probabilities that add up to 1"
        )


def _require_target(name: str, target: EnergyTarget) -> None:
    require_aware(target.due_at, f"{name}.due_at")
    price = 0.0 if target.price_per_kwh is None else target.price_per_kwh
    require_finite(name, (target.energy_kwh, target.weight, price))
    if min(target.energy_kwh, target.weight, price) < 0:
        raise InvalidInput(name, "has an energy, a weight or a price below 0", "give 0 or more")


def _require_likely(name: str, stay: LikelyStay, need: ChargingNeed) -> None:
    require_aware(stay.departs_at, f"{name}.departs_at")
    require_finite(name, (stay.energy_kwh, stay.probability))
    if stay.energy_kwh < 0 or stay.probability < 0:
        raise InvalidInput(name, "has an energy or a probability below 0", "give 0 or more")
    if stay.energy_kwh > need.energy_kwh + 1e-9 or stay.departs_at > need.departs_at:
        raise InvalidInput(
            name, "is more, or later, than the need itself", "let the need be the most energy and the latest departure"
        )


def _require_battery(name: str, battery: VehicleBattery) -> None:
    require_positive(f"{name}.capacity_kwh", battery.capacity_kwh)
    if not 0 <= battery.soc <= 1:
        raise InvalidInput(f"{name}.soc", f"{battery.soc} is not in [0, 1]", "give a state of charge from 0 to 1")
    for point in battery.acceptance:
        require_finite(f"{name}.acceptance", (point.soc, point.power_kw))
        if not 0 <= point.soc <= 1 or point.power_kw < 0:
            raise InvalidInput(
                f"{name}.acceptance", f"has no place for {point}", "give soc from 0 to 1 and 0 kW or more"
            )
    for left, right in pairwise(battery.acceptance):
        if right.soc <= left.soc or right.power_kw > left.power_kw:
            raise InvalidInput(
                f"{name}.acceptance",
                f"does not fall from {left} to {right}",
                "give rising soc with power that never rises",
            )
