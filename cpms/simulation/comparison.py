"""The same day under what others do: no control, equal shares, earliest deadline first.

All see the site's meter, know every limit one minute ahead, what each vehicle would draw at this moment, and reach their stations
without delay, so that they are compared at their best. Of departures they know what ours knows: what drivers state, and what is
likely where nobody states anything. Between {0} and the minimum current nothing is offered (IEC 61851-1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cpms.domain.identity import ConnectorKey
from cpms.domain.units import MIN_CHARGING_CURRENT_A
from cpms.simulation.plant import Plant
from cpms.simulation.result import DayResult, result_of
from cpms.simulation.scenario import Day, Visit
from cpms.simulation.traffic import Traffic, Turn
from cpms.simulation.vehicle import FloatArray

INTERVAL_S = 60
MARGIN = 0.98
"""Share of every limit they use: voltage and building move within the minute."""


@dataclass(frozen=True)
class Share:
    """What is to be shared: `wanted_a` [A per phase] per connector, and rows `weight @ current <= room`.

    `rank`: arrival or deadline per connector, lower is earlier.
    """

    wanted_a: FloatArray
    weight: FloatArray
    room: FloatArray
    rank: FloatArray


Rule = Callable[[Share], FloatArray]


def uncontrolled(share: Share) -> FloatArray:
    """Everybody draws what the vehicle accepts."""
    return share.wanted_a


def equal_sharing(share: Share) -> FloatArray:
    """The same current for all as far as limits allow, what one cannot use goes to others (max-min fair).

    Whoever would get less than the minimum current waits, the latest to arrive first.
    """
    asking = share.wanted_a > 0
    while True:
        current_a = _fill(share, asking)
        starved = asking & (current_a < MIN_CHARGING_CURRENT_A)
        if not starved.any():
            return np.where(asking, current_a, 0.0)
        asking[np.where(starved, share.rank, -np.inf).argmax()] = False


def earliest_deadline_first(share: Share) -> FloatArray:
    """All that the limits allow for whoever leaves first, then the next."""
    current_a = np.zeros_like(share.wanted_a)
    room = share.room.copy()
    for i in np.argsort(share.rank):
        loaded = share.weight[:, i] > 0
        most_a = min([share.wanted_a[i], *(room[loaded] / share.weight[loaded, i])])
        if most_a >= MIN_CHARGING_CURRENT_A:
            current_a[i] = most_a
            room -= share.weight[:, i] * most_a
    return current_a


def _fill(share: Share, asking: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> FloatArray:
    current_a = np.zeros_like(share.wanted_a)
    growing = asking.copy()
    while growing.any():
        load = share.weight @ growing
        room = share.room - share.weight @ current_a
        loaded = load > 0
        step_a = min([*(np.maximum(room[loaded], 0.0) / load[loaded]), *(share.wanted_a - current_a)[growing]])
        current_a[growing] += step_a
        full = (share.room - share.weight @ current_a <= 1e-6) & loaded
        growing &= (current_a < share.wanted_a - 1e-9) & ~(share.weight[full] > 0).any(axis=0)
    return current_a


RULES: dict[str, Rule] = {
    "uncontrolled": uncontrolled,
    "equal sharing": equal_sharing,
    "earliest deadline first": earliest_deadline_first,
}


def compare(day: Day, seed: int) -> tuple[DayResult, ...]:
    """The day under each of `RULES`."""
    return tuple(live(day, seed, name) for name in RULES)


def live(day: Day, seed: int, name: str) -> DayResult:
    """The day under the rule called `name`."""
    plant, traffic = Plant(day, seed), Traffic(day)
    delivered_kwh: dict[Visit, float] = {}
    rank = dict.fromkeys(plant.index, 0.0)
    while plant.second < day.duration_s:
        for turn, visit in traffic.due(plant.second):
            _turn(plant, turn, visit, delivered_kwh)
            deadline = name == "earliest deadline first"
            rank[visit.connector] = (visit.told_departs_at if deadline else visit.arrives_at).timestamp()
        _set_limits(plant, RULES[name], rank)
        following = (plant.second // INTERVAL_S + 1) * INTERVAL_S
        plant.advance(min(following, traffic.next_second or following))
    for turn, visit in traffic.due(day.duration_s):
        _turn(plant, turn, visit, delivered_kwh)
    return result_of(name, plant, delivered_kwh)


def _turn(plant: Plant, turn: Turn, visit: Visit, delivered_kwh: dict[Visit, float]) -> None:
    if turn.arrives:
        plant.plug(visit.connector, visit.vehicle)
    else:
        delivered_kwh[visit] = plant.unplug(visit.connector)


def _set_limits(plant: Plant, rule: Rule, rank: dict[ConnectorKey, float]) -> None:
    current_a = rule(_share(plant, rank))
    for connector, limit_a in zip(plant.connectors, current_a, strict=True):
        plant.set_limit(connector.key, float(limit_a))


def _share(plant: Plant, rank: dict[ConnectorKey, float]) -> Share:
    second = plant.second
    last = min(second + INTERVAL_S, plant.day.duration_s - 1)
    other_kw = max(float(plant.other_kw[s] - plant.solar_kw[s]) for s in (second, last))
    volts = plant.voltage_v[second]
    root = plant.day.site.root.id
    weight, room = [], []
    for row in plant.rows:
        limit = MARGIN * min(row.limit[second], row.limit[last])
        below = plant.below[plant.feeders.index(row.feeder_id)]
        per_phase = below[:, None] * plant.uses
        at_root = other_kw if row.feeder_id == root else 0.0
        if row.unit == "A":
            weight += list(per_phase.T)
            room += [limit - at_root * 1000.0 / 3.0 / v for v in volts]
        elif np.isfinite(limit):
            weight.append(per_phase @ volts / 1000.0)
            room.append(limit - at_root)
    ranks = np.array([rank[connector.key] for connector in plant.connectors])
    return Share(np.minimum(plant.wanted_a, plant.max_current_a), np.array(weight), np.array(room), ranks)
