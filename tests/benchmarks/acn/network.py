"""acnportal's constraints on the currents of a three-phase network, as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from acnportal.acnsim.interface import InfrastructureInfo
from numpy.typing import NDArray

from cpms.domain.identity import ConnectorKey
from cpms.domain.plan import PhasorLimit

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Network:
    """|sum_i matrix[m, i] e^(j angle_rad[i]) I_i| <= limit_a[m] over all stations i [A]."""

    matrix: Floats
    angle_rad: Floats
    limit_a: Floats


def network_of(infrastructure: InfrastructureInfo) -> Network:
    """acnportal's constraints."""
    return Network(
        np.asarray(infrastructure.constraint_matrix, dtype=float),
        np.deg2rad(infrastructure.phases),
        np.asarray(infrastructure.constraint_limits, dtype=float),
    )


def pods_of(infrastructure: InfrastructureInfo) -> tuple[dict[str, float], dict[str, str]]:
    """Constraints that are plain sums, as all their stations hang between the same lines: limits [A], and the pod of each station."""
    network = network_of(infrastructure)
    limits_a, pod_of = {}, {}
    for name, limit_a, row in zip(infrastructure.constraint_ids, network.limit_a, network.matrix, strict=True):
        inside = np.flatnonzero(row)
        if np.array_equal(row[inside], np.ones(len(inside))) and len(np.unique(network.angle_rad[inside])) == 1:
            limits_a[name] = float(limit_a)
            pod_of |= {infrastructure.station_ids[i]: name for i in inside}
    return limits_a, pod_of


def phasor_limits_of(infrastructure: InfrastructureInfo) -> tuple[PhasorLimit, ...]:
    """acnportal's constraints but the pods' as a plan request takes them, for one step."""
    network = network_of(infrastructure)
    pods, _ = pods_of(infrastructure)
    turns = network.matrix * np.exp(1j * network.angle_rad)
    connectors = [ConnectorKey(station_id, 1) for station_id in infrastructure.station_ids]
    return tuple(
        PhasorLimit(name, (float(limit_a),), {connectors[i]: complex(row[i]) for i in np.flatnonzero(row)})
        for name, limit_a, row in zip(infrastructure.constraint_ids, network.limit_a, turns, strict=True)
        if name not in pods
    )
