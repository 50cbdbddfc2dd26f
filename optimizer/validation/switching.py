"""What a connector that switches phases must be like before anything is computed from it."""

from __future__ import annotations

from cpms.domain.errors import InvalidInput
from cpms.domain.need import PhaseSwitching
from cpms.domain.plan import ChargingNeed
from cpms.domain.time import require_aware
from optimizer.validation.require import require_between

MOST_DWELL_S = 86_400.0
"""Above this a time is in the wrong unit."""


def require_switching(name: str, need: ChargingNeed, switching: PhaseSwitching) -> None:
    """InvalidInput naming the first field of a need on a switching connector that cannot be planned with."""
    require_between(f"{name}.switching.min_dwell_s", switching.min_dwell_s, 0.0, MOST_DWELL_S)
    if need.switched_at is not None:
        require_aware(need.switched_at, f"{name}.switched_at")
    if switching.single not in need.phases or len(need.phases) < 2:
        problem = f"{switching.single.value} is not one of several phases of the need"
        raise InvalidInput(f"{name}.switching.single", problem, "name one of its phases, or leave switching out")
