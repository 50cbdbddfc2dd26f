"""Readings of one connector at one instant are one reading: stations spread measurands over messages, and write whole seconds.

Of each measurand the later reading counts; of the energy register the higher one, so that what is billed does not depend on the order
in which messages arrive; and a power that was measured counts before one that was derived.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from cpms.domain.telemetry import PerPhase, Sample

T = TypeVar("T")


def merged(samples: Sequence[Sample]) -> list[Sample]:
    """`samples`, each connector and instant once. As the database merges them into those that it has (query merge_samples)."""
    found: dict[tuple[str, int, datetime], Sample] = {}
    for sample in samples:
        place = sample.connector.station_id, sample.connector.connector_id, sample.sampled_at
        earlier = found.get(place)
        found[place] = sample if earlier is None else _merge(earlier, sample)
    return list(found.values())


def _merge(earlier: Sample, later: Sample) -> Sample:
    measured = earlier.power_kw is not None and not earlier.derived
    keeps_power = later.power_kw is None or (later.derived and measured)
    power = earlier if keeps_power else later
    registers = [sample.energy_kwh for sample in (earlier, later) if sample.energy_kwh is not None]
    return replace(
        earlier,
        transaction_id=_known(later.transaction_id, earlier.transaction_id),
        power_kw=power.power_kw,
        derived=power.derived,
        energy_kwh=max(registers, default=None),
        current_a=_phases(earlier.current_a, later.current_a),
        voltage_v=_phases(earlier.voltage_v, later.voltage_v),
        offered_a=_known(later.offered_a, earlier.offered_a),
        soc_pct=_known(later.soc_pct, earlier.soc_pct),
    )


def _phases(earlier: PerPhase, later: PerPhase) -> PerPhase:
    (e1, e2, e3), (l1, l2, l3) = earlier, later
    return _known(l1, e1), _known(l2, e2), _known(l3, e3)


def _known(later: T | None, earlier: T | None) -> T | None:
    return earlier if later is None else later
