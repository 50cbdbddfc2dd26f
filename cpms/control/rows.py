"""The four rows of a feeder: L1, L2, L3 [A] and all [kW]; how connectors load them, and what limits leave of them."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from math import inf

from cpms.control.bins import Bins, Vector, to_instant
from cpms.domain.grid import LimitTimeline
from cpms.domain.site import Connector
from cpms.domain.units import PHASES, Phase

KW_ROW = len(PHASES)
FAR = timedelta(days=36500)


def row_weights(connector: Connector, voltage_v: float, trusted: tuple[Phase, ...] | None = None) -> dict[int, float]:
    """How much each row is loaded per ampere [A per phase] of a connector; the kW row at the unfavourable voltage.

    `trusted`: the only phases that its vehicle uses, where that is known.
    """
    rows = {PHASES.index(phase): 1.0 for phase in trusted or connector.counted_phases}
    return {**rows, KW_ROW: voltage_v * len(trusted or connector.phases) / 1000.0}


def limit_rows(timeline: LimitTimeline, feeder_id: str, bins: Bins, other_kw: float) -> list[Vector]:
    """Limits of a feeder per bin on L1, L2, L3 [A] and in all [kW], less other load of `other_kw` [kW] on all phases alike."""
    start = to_instant(bins.start_s)
    edges = [start, *timeline.breakpoints(start, start + FAR), None]
    limit_a, limit_kw = [inf] * bins.count, [inf] * bins.count
    for begin, end in pairwise(edges):
        if begin is None:
            continue
        limit = timeline.at(feeder_id, begin)
        span = begin.timestamp(), inf if end is None else end.timestamp()
        bins.lower_to(limit_a, *span, limit.limit_a)
        if limit.limit_kw is not None:
            bins.lower_to(limit_kw, *span, limit.limit_kw)
    other_a = other_kw * 1000.0 / (3 * timeline.site.voltage_v)
    phase = [a - other_a for a in limit_a]
    return [phase, list(phase), list(phase), [kw - other_kw for kw in limit_kw]]
