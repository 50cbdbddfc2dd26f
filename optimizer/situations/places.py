"""Where in a situation stands what the planner refuses in the request that was read from it."""

from __future__ import annotations

import re

from cpms.domain.errors import InvalidInput
from cpms.domain.plan import PlanRequest
from optimizer.situations.document import Document

WRITTEN = {
    "needs": "sessions",
    "feeder_id": "feeder",
    "parent_id": "parent",
    "energy_kwh": "need_kwh",
    "min_current_a": "min_a",
    "max_current_a": "max_a",
    "current_a": "set_a",
    "min_discharge_a": "min_a",
    "max_discharge_a": "max_a",
    "min_dwell_s": "dwell_min",
    "window_s": "window_min",
    "phasor_limits": "vector_sums",
    "single_turns": "turns",
}
"""What a part of a request is called in a situation, where that is something else."""


def at_its_place(error: InvalidInput, asked: PlanRequest, document: Document) -> InvalidInput:
    """What is refused in `asked`, by its place in the situation it was read from: `needs[a].v2g.max_discharge_a` is
    `situation.sessions[0].v2g.max_a`."""
    field = _numbered(error.field, asked)
    bands = len(document.parts("bands"))
    if (band := re.match(r"bands\[(\d+)\]", field)) and int(band[1]) >= bands:
        field = f"reductions[{int(band[1]) - bands}]{field[band.end() :]}"
    field = re.sub(r"(_kwh?)\[\d+\]$", r"\1", field)  # a step of a series, which is written in pieces
    written = re.sub(r"\w+", lambda name: WRITTEN.get(name[0], name[0]), field)
    return InvalidInput(f"{document.path}.{written}", error.problem, error.cure)


def _numbered(field: str, asked: PlanRequest) -> str:
    """With what has an id named by where it stands in its list."""
    ids = {
        "feeders": [one.feeder_id for one in asked.feeders],
        "needs": [one.session_id for one in asked.needs],
        "batteries": [one.battery_id for one in asked.batteries],
        "phasor_limits": [one.feeder_id for one in asked.phasor_limits],
        "connections": [one.feeder_id for one in asked.connections],
    }
    for name, known in ids.items():
        for index, one in enumerate(known):
            if field.startswith(named := f"{name}[{one}]"):
                return f"{name}[{index}]{field.removeprefix(named)}"
    return field
