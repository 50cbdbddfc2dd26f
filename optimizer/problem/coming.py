"""Who is yet to come, as the formulation sees it: one crowd per likely day and feeder."""

from __future__ import annotations

from dataclasses import dataclass

from cpms.domain.binding import Direction
from cpms.domain.plan import Coming, FeederCap
from cpms.domain.units import Phase
from optimizer.problem.horizon import Horizon
from optimizer.problem.tree import path


@dataclass(frozen=True)
class Crowd:
    """Vehicles coming on a likely day; `shares`: part of their power that each limit (row of `Limits`) carries."""

    day: int
    probability: float
    coming: Coming
    shares: dict[int, float]


def chances(horizon: Horizon) -> tuple[float, ...]:
    """Probability of each likely day; one certain day where nothing is known of who comes."""
    return tuple(day.probability for day in horizon.request.likely) or (1.0,)


def crowds_of(horizon: Horizon) -> tuple[Crowd, ...]:
    """All crowds, by day."""
    likely = horizon.request.likely
    shares = {
        place: _shares(horizon, *place) for place in {(c.feeder_id, c.phases) for day in likely for c in day.coming}
    }
    return tuple(
        Crowd(j, day.probability, coming, shares[coming.feeder_id, coming.phases])
        for j, day in enumerate(likely)
        for coming in day.coming
    )


def _shares(horizon: Horizon, feeder_id: str, phases: tuple[Phase, ...]) -> dict[int, float]:
    """Limits of feeders above; vector sums do not know where in them somebody will be."""
    above = set(path(horizon.request, feeder_id))
    shares = {}
    for row, key in enumerate(horizon.limits.keys):
        if isinstance(key.feeder, FeederCap) and key.direction is Direction.IMPORT and key.feeder.feeder_id in above:
            if key.phase is None:
                shares[row] = 1.0
            elif key.phase in phases:
                shares[row] = 1.0 / len(phases)
    return shares
