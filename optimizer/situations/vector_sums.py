"""Limits on vector sums of a situation.

    "vector_sums": [{"id": "neutral", "limit_a": 20, "reason": "neutral conductor",
                     "turns": [{"session": "a", "size": 0, "single": {"size": 1, "angle_deg": 120}},
                               {"session": "b", "angle_deg": -120}]}]

An ampere of a session is `size` amperes (1 if not said) at `angle_deg` in the limited current; `single`: while it is switched to its
single phase.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from datetime import datetime

from cpms.domain.errors import InvalidInput
from cpms.domain.identity import ConnectorKey
from cpms.domain.plan import ChargingNeed, PhasorLimit
from cpms.domain.time import Interval
from optimizer.situations.document import Document


def vector_sum_of(
    one: Document, needs: Sequence[ChargingNeed], starts_at: datetime, steps: Sequence[Interval]
) -> PhasorLimit:
    """The limit that a part of a situation describes, on currents of its sessions."""
    entries = [(_connector(entry, needs), entry) for entry in one.parts("turns")]
    singles = [(key, entry.part("single")) for key, entry in entries]
    return PhasorLimit(
        feeder_id=one.text("id"),
        limit_a=one.series("limit_a", starts_at, steps),
        turns={key: _turn(entry) for key, entry in entries},
        reason=(one.text("reason", "vector sum"),) * len(steps),
        single_turns={key: _turn(single) for key, single in singles if single is not None},
    )


def _connector(entry: Document, needs: Sequence[ChargingNeed]) -> ConnectorKey:
    session_id = entry.text("session")
    known = {need.session_id: need.connector for need in needs}
    if session_id not in known:
        raise InvalidInput(f"{entry.path}.session", f"{session_id!r} is no session", f"use one of {sorted(known)}")
    return known[session_id]


def _turn(one: Document) -> complex:
    return cmath.rect(one.number("size", 1.0), math.radians(one.number("angle_deg", 0.0)))
