"""What contracts and wishes of utilities must be like before anything is computed from them."""

from __future__ import annotations

import math

from cpms.domain.contract import EnergyBy, SetpointBand, Subscription, UncertainLoad
from cpms.domain.errors import InvalidInput
from cpms.domain.plan import PlanRequest
from cpms.domain.time import require_aware
from optimizer.problem.tree import path
from optimizer.validation.require import (
    require_between,
    require_finite,
    require_known,
    require_length,
    require_positive,
    require_series,
    require_unique,
)


def require_contract(request: PlanRequest) -> None:
    """InvalidInput naming the first field of a request's money or utility that cannot be planned with."""
    steps = len(request.steps)
    require_between("co2_price_per_kg", request.co2_price_per_kg, 0.0, math.inf)
    if request.co2_g_per_kwh:
        require_series("co2_g_per_kwh", request.co2_g_per_kwh, steps)
    for index, subscription in enumerate(request.subscriptions):
        _require_subscription(f"subscriptions[{index}]", subscription, steps)
    for index, band in enumerate(request.bands):
        _require_band(f"bands[{index}]", band, steps)
    for index, asked in enumerate(request.energy_by):
        _require_energy_by(f"energy_by[{index}]", asked)
    for need in request.needs:
        if need.revenue_per_kwh:
            require_series(f"needs[{need.session_id}].revenue_per_kwh", need.revenue_per_kwh, steps)
    _require_connections(request)
    require_between("chance_level", request.chance_level, 0.5, 1.0 - 1e-9)
    for index, load in enumerate(request.uncertain):
        _require_uncertain(f"uncertain[{index}]", load, request)
    for feeder in request.feeders:
        name = f"feeders[{feeder.feeder_id}]"
        if feeder.export_kw:
            require_caps(f"{name}.export_kw", feeder.export_kw, steps)
        if feeder.voltage_v is not None:
            require_positive(f"{name}.voltage_v", feeder.voltage_v)
        if feeder.surplus_kw:
            require_series(f"{name}.surplus_kw", feeder.surplus_kw, steps)


def _require_connections(request: PlanRequest) -> None:
    known = {feeder.feeder_id for feeder in request.feeders}
    ids = [one.feeder_id for one in request.connections]
    require_unique("connections", ids)
    for one in request.connections:
        name = f"connections[{one.feeder_id}]"
        require_known(f"{name}.feeder_id", one.feeder_id, known)
        if set(path(request, one.feeder_id)[1:]) & set(ids):
            raise InvalidInput(f"{name}.feeder_id", "is below another connection", "give each a part of its own")
        for field in ("import_price_per_kwh", "export_price_per_kwh", "solar_kw", "other_load_kw"):
            require_series(f"{name}.{field}", getattr(one, field), len(request.steps))
    for index, demand in enumerate(request.demand):
        if demand.measured_at is not None:
            require_known(f"demand[{index}].measured_at", demand.measured_at, known)


def _require_uncertain(name: str, load: UncertainLoad, request: PlanRequest) -> None:
    steps = len(request.steps)
    require_known(f"{name}.feeder_id", load.feeder_id, {feeder.feeder_id for feeder in request.feeders})
    require_series(f"{name}.mean_kw", load.mean_kw, steps)
    if load.sigma_kw:
        require_series(f"{name}.sigma_kw", load.sigma_kw, steps)
        require_between(f"{name}.sigma_kw", min(load.sigma_kw), 0.0, math.inf)
    if load.levels or load.quantiles_kw:
        _require_quantiles(name, load, request)


def _require_quantiles(name: str, load: UncertainLoad, request: PlanRequest) -> None:
    if load.sigma_kw:
        raise InvalidInput(f"{name}.sigma_kw", "is given besides quantiles", "leave one of them out")
    _require_ascending(f"{name}.levels", load.levels)
    asked = request.chance_level
    lowest = 1.0 - asked if any(feeder.export_kw for feeder in request.feeders) else asked
    if not load.levels or not 0 < load.levels[0] <= lowest + 1e-9 or not asked <= load.levels[-1] < 1:
        needed = f"{asked:g}" if lowest == asked else f"{lowest:g} and {asked:g}"
        problem = f"{list(load.levels)} say nothing about {needed} (chance_level)"
        raise InvalidInput(f"{name}.levels", problem, "give levels between 0 and 1 around it")
    require_length(f"{name}.quantiles_kw", len(load.quantiles_kw), len(request.steps))
    for row in load.quantiles_kw:
        if len(row) != len(load.levels):
            problem = f"has {len(row)} values for {len(load.levels)} levels"
            raise InvalidInput(f"{name}.quantiles_kw", problem, "give one per level")
        require_finite(f"{name}.quantiles_kw", row)
        _require_ascending(f"{name}.quantiles_kw", row)


def _require_ascending(name: str, values: tuple[float, ...]) -> None:
    if list(values) != sorted(values):
        raise InvalidInput(name, f"{values} do not ascend", "sort them")


def require_caps(name: str, caps: tuple[float | None, ...], steps: int) -> None:
    """InvalidInput unless there is a finite number or None per step."""
    require_length(name, len(caps), steps)
    require_finite(name, (cap for cap in caps if cap is not None))


def _require_subscription(name: str, one: Subscription, steps: int) -> None:
    require_finite(f"{name}.subscribed_kw", [one.subscribed_kw])
    require_length(f"{name}.applies", len(one.applies), steps)
    require_between(f"{name}.fee_per_kwh", one.fee_per_kwh, 0.0, math.inf)
    require_between(f"{name}.fee", one.fee, 0.0, math.inf)


def _require_band(name: str, band: SetpointBand, steps: int) -> None:
    require_caps(f"{name}.least_kw", band.least_kw, steps)
    require_caps(f"{name}.most_kw", band.most_kw, steps)
    require_between(f"{name}.penalty_per_kwh", band.penalty_per_kwh, 0.0, math.inf)
    for t, (least, most) in enumerate(zip(band.least_kw, band.most_kw, strict=True)):
        if least is not None and most is not None:
            require_between(f"{name}.most_kw[{t}]", most, least, math.inf)


def _require_energy_by(name: str, asked: EnergyBy) -> None:
    require_aware(asked.due_at, f"{name}.due_at")
    require_between(f"{name}.penalty_per_kwh", asked.penalty_per_kwh, 0.0, math.inf)
    require_finite(name, (kwh for kwh in (asked.least_kwh, asked.most_kwh) if kwh is not None))
    if asked.least_kwh is not None and asked.most_kwh is not None and asked.most_kwh < asked.least_kwh:
        problem = f"{asked.most_kwh:g} kWh is below least_kwh, {asked.least_kwh:g} kWh"
        raise InvalidInput(f"{name}.most_kwh", problem, "give at least as much")
