"""What things are worth against each other: a missing kWh by priority, a typical price, what waiting costs."""

from __future__ import annotations

import numpy as np

from optimizer.problem.horizon import Floats, Horizon

TIER_RATIO = 10.0
"""How much more a kWh of one priority is worth than one of the priority below: more than the up to three kWh it can displace."""

HASTE = 0.1
"""So much more a kWh is worth to who leaves first than to who leaves last: what is missing later may yet be found."""

MOST_RATIO = 1e5
"""Between the highest priority and the lowest, however many there are: more would drown money in the solver's tolerances."""

LATENESS_SHARE = 0.02
"""What waiting over the whole horizon costs per kWh, as a share of the mean price: energy in the vehicle is worth a little more
than energy promised, and a preference below the solver's tolerances would be none."""

LEAST_WEAR_SHARE = 1e-3
"""Of the typical price: least wear per kWh given by a battery or a vehicle, so that nothing goes back and forth for nothing."""


def base_value_per_kwh(horizon: Horizon) -> float:
    """What a kWh of the lowest priority is worth: twice what serving it could cost at worst (energy in the dearest
    step, in a window of its own under every demand price, after wearing out every battery, above every subscription, with its CO2),
    or what the request says if that is more. Where what is given back loads a limit, TIER_RATIO times that: serving a kWh may displace
    several that would be given."""
    request = horizon.request
    imports, exports = horizon.meters.import_price, horizon.meters.export_price
    dearest = float(np.max(imports) - min(0.0, np.min(imports), np.min(exports)))
    dearest = max(dearest, float(np.max(np.abs(exports))))
    peak = sum(d.highest_price_per_kw * 3600.0 / d.window_s for d in request.demand)
    wear = sum(battery.wear_per_kwh for battery in request.batteries)
    wear += max((need.v2g.wear_per_kwh for need in request.needs if need.v2g is not None), default=0.0)
    fees = sum(one.fee_per_kwh + one.fee for one in request.subscriptions)
    co2 = request.co2_price_per_kg * max(request.co2_g_per_kwh, default=0.0) / 1000.0
    displaced = TIER_RATIO if np.any(horizon.limits.relieved[horizon.limits.vector_sums].data < 0) else 1.0
    return max(2.0 * displaced * (dearest + peak + wear + fees + co2 or 1.0), request.shortfall_price_per_kwh)


def value_per_kwh(horizon: Horizon) -> Floats:
    """What a missing kWh counts per need: the base value, TIER_RATIO times more with each priority that is in use, and a little
    more for who leaves earlier."""
    needs = horizon.request.needs
    priorities = sorted({need.priority for need in needs})
    ratio = min(TIER_RATIO, MOST_RATIO ** (1.0 / max(1, len(priorities) - 1)))
    tiers = np.array([priorities.index(need.priority) for need in needs])
    value: Floats = base_value_per_kwh(horizon) * ratio**tiers * (1.0 + HASTE * _hurry(horizon))
    return value


def top_value_per_kwh(horizon: Horizon) -> float:
    """What a missing kWh of the highest priority counts."""
    return float(np.max(value_per_kwh(horizon), initial=base_value_per_kwh(horizon)))


def urgency(horizon: Horizon) -> Floats:
    """A factor per need, from 1 for who leaves first down to one half, all different whatever the order of the needs."""
    needs = horizon.request.needs
    order = sorted(range(len(needs)), key=lambda n: (needs[n].departs_at, str(needs[n].connector), needs[n].session_id))
    factor = np.empty(len(needs))
    factor[order] = np.linspace(1.0, 0.5, len(needs))
    return factor


def _hurry(horizon: Horizon) -> Floats:
    """From 1 for who leaves first down to 0 for who leaves last."""
    factor = urgency(horizon)
    return 2.0 * (factor - np.min(factor, initial=1.0))


def typical_price_per_kwh(horizon: Horizon) -> float:
    """Mean absolute import price per kWh, 1 where energy is free."""
    return float(np.mean(np.abs(horizon.request.import_price_per_kwh))) or 1.0
