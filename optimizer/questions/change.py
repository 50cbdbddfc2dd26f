"""What may be different in a question about a plan."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from cpms.domain.errors import InvalidInput
from cpms.domain.plan import ChargingNeed, PlanRequest
from optimizer.questions.what_if import more_grid, without_priorities


@dataclass(frozen=True)
class NeedChange:
    """What a session would need instead; None stays as it is."""

    session_id: str
    energy_kwh: float | None = None
    departs_at: datetime | None = None
    priority: int | None = None


@dataclass(frozen=True)
class Difference:
    """Everything that would be different, at once; `what_if` takes it as its change.

    `more_grid_kw`: raises (or lowers) every limit of the grid connection [kW]. `alike`: no session goes before others.
    """

    more_grid_kw: float = 0.0
    alike: bool = False
    needs: tuple[NeedChange, ...] = ()

    def __call__(self, request: PlanRequest) -> PlanRequest:
        """The request as it would be; InvalidInput names a session that it does not plan for or that is changed twice, or a limit
        below 0."""
        changes = self._changes({need.session_id for need in request.needs})
        changed = replace(request, needs=tuple(_changed(need, changes.get(need.session_id)) for need in request.needs))
        if self.more_grid_kw:
            changed = more_grid(self.more_grid_kw)(changed)
            if any(min(feeder.limit_a, default=0.0) < 0 for feeder in changed.feeders):
                raise InvalidInput("more_grid_kw", f"{self.more_grid_kw:g} takes more than there is", "take less away")
        return without_priorities(changed) if self.alike else changed

    def _changes(self, known: set[str]) -> dict[str, NeedChange]:
        """By session."""
        changes: dict[str, NeedChange] = {}
        for n, change in enumerate(self.needs):
            field, session_id = f"needs[{n}].session_id", change.session_id
            if session_id not in known:
                raise InvalidInput(field, f"the plan has no session {session_id}", "name one of its sessions")
            if session_id in changes:
                raise InvalidInput(field, f"{session_id} is changed twice", "say at once what it would need")
            changes[session_id] = change
        return changes


def _changed(need: ChargingNeed, change: NeedChange | None) -> ChargingNeed:
    if change is None:
        return need
    energy_kwh = need.energy_kwh if change.energy_kwh is None else change.energy_kwh
    departs_at = need.departs_at if change.departs_at is None else change.departs_at
    said = change.energy_kwh is not None or change.departs_at is not None
    return replace(
        need,
        energy_kwh=energy_kwh,
        departs_at=departs_at,
        priority=need.priority if change.priority is None else change.priority,
        likely=() if said else need.likely,
        targets=tuple(
            replace(target, energy_kwh=min(target.energy_kwh, energy_kwh), due_at=min(target.due_at, departs_at))
            for target in need.targets
        ),
        minimum_now_kwh=min(need.minimum_now_kwh, energy_kwh),
    )
