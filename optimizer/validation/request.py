"""What a request must be like before anything is computed from it."""

from __future__ import annotations

from cpms.domain.errors import InvalidInput
from cpms.domain.plan import FeederCap, PhasorLimit, PlanRequest
from optimizer.validation.contract import require_contract
from optimizer.validation.demand import require_demand, require_likely
from optimizer.validation.need import require_need
from optimizer.validation.require import (
    require_finite,
    require_length,
    require_positive,
    require_series,
    require_unique,
)
from optimizer.validation.storage import require_batteries


def require_valid(request: PlanRequest) -> None:
    """InvalidInput naming the first field that cannot be planned with."""
    _require_steps(request)
    require_positive("voltage_v", request.voltage_v)
    require_positive("time_limit_s", request.time_limit_s)
    require_finite("shortfall_price_per_kwh", (request.shortfall_price_per_kwh,))
    if not 0 <= request.gap_target < 1:
        raise InvalidInput("gap_target", f"{request.gap_target} is not in [0, 1)", "give a share such as 0.001")
    for name in ("import_price_per_kwh", "export_price_per_kwh", "solar_kw", "other_load_kw"):
        require_series(name, getattr(request, name), len(request.steps))
    for index, demand in enumerate(request.demand):
        require_demand(f"demand[{index}]", demand, len(request.steps))
    require_likely(request)
    _require_feeders(request)
    for limit in request.phasor_limits:
        _require_phasor_limit(f"phasor_limits[{limit.feeder_id}]", limit, request)
    known = {feeder.feeder_id for feeder in request.feeders}
    require_unique("needs", [need.session_id for need in request.needs])
    for need in request.needs:
        require_need(need, known, len(request.steps))
    require_batteries(request.batteries, known)
    require_contract(request)


def _require_steps(request: PlanRequest) -> None:
    if not request.steps:
        raise InvalidInput("steps", "there are none", "give at least one interval")
    for index, (left, right) in enumerate(zip(request.steps, request.steps[1:], strict=False)):
        if left.ends_at != right.starts_at:
            raise InvalidInput(
                f"steps[{index + 1}]",
                f"starts at {right.starts_at}, not at the end of the one before",
                "give consecutive intervals",
            )


def _require_feeders(request: PlanRequest) -> None:
    feeders = {feeder.feeder_id: feeder for feeder in request.feeders}
    require_unique("feeders", [feeder.feeder_id for feeder in request.feeders])
    for feeder in request.feeders:
        _require_feeder(f"feeders[{feeder.feeder_id}]", feeder, len(request.steps))
        seen: set[str] = set()
        above: str | None = feeder.feeder_id
        while above is not None:
            if above in seen or above not in feeders:
                raise InvalidInput(
                    f"feeders[{feeder.feeder_id}].parent_id",
                    f"the chain of parents does not end ({above!r})",
                    "name feeders of this request, without a circle",
                )
            seen.add(above)
            above = feeders[above].parent_id


def _require_phasor_limit(name: str, limit: PhasorLimit, request: PlanRequest) -> None:
    require_series(f"{name}.limit_a", limit.limit_a, len(request.steps))
    for field in ("turns", "single_turns"):
        turns = getattr(limit, field).values()
        require_finite(f"{name}.{field}", (part for turn in turns for part in (turn.real, turn.imag)))
    if min(limit.limit_a) < 0:
        raise InvalidInput(f"{name}.limit_a", "a current below 0 A cannot be kept", "give 0 A or more")
    for need in request.needs:
        single = need.switching is None or need.connector in limit.single_turns
        if limit.turns.get(need.connector) and not single:
            problem = f"{need.session_id} may switch to a single phase, and its turn there is missing"
            raise InvalidInput(f"{name}.single_turns", problem, "give it, 0 where that phase is not in this current")


def _require_feeder(name: str, feeder: FeederCap, steps: int) -> None:
    require_series(f"{name}.limit_a", feeder.limit_a, steps)
    require_series(f"{name}.other_load_kw", feeder.other_load_kw, steps)
    require_length(f"{name}.import_kw", len(feeder.import_kw), steps)
    require_finite(f"{name}.import_kw", (limit for limit in feeder.import_kw if limit is not None))
    if feeder.reason:
        require_length(f"{name}.reason", len(feeder.reason), steps)
