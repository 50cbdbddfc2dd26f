"""The reasons of a plan in words: what had to be relaxed, what holds it back, and what more grid would be worth."""

from __future__ import annotations

from collections.abc import Iterator

from cpms.domain.plan import BindingLimit, Direction, Plan, PlanRequest, RelaxedLimit
from optimizer.questions.what_if import WhatIf

MOST_REASONS = 12


def reasons(request: PlanRequest, plan: Plan, more: WhatIf | None) -> Iterator[str]:
    """Lines for relaxed limits, the dearest binding ones in order of time, and `more`: what one more kW of grid would change."""
    for relaxed in plan.relaxed[:MOST_REASONS]:
        yield f"  {_at(request, relaxed.step)} {_relaxed(relaxed)}"
    dearest = sorted(plan.binding, key=lambda limit: -limit.shadow_price_per_kw)[:MOST_REASONS]
    for limit in sorted(dearest, key=lambda limit: limit.step):
        yield f"  {_at(request, limit.step)} {_binding(limit)}"
    if more is not None and more.saving_at_least is not None and more.saving_at_most is not None:
        yield (
            f"  one more kW of grid throughout would save {max(0.0, more.saving):.2f}"
            f" (between {max(0.0, more.saving_at_least):.2f} and {max(0.0, more.saving_at_most):.2f})"
        )


def _at(request: PlanRequest, step: int) -> str:
    return request.steps[step].starts_at.strftime("%H:%M")


def _relaxed(relaxed: RelaxedLimit) -> str:
    if relaxed.direction is Direction.EXPORT:
        return f"{relaxed.feeder_id}: {relaxed.excess:.1f} {relaxed.unit} more is generated than may be fed in and is drawn"
    where = f" on {relaxed.phase.value}" if relaxed.phase else ""
    return f"{relaxed.feeder_id}{where}: other load alone is {relaxed.excess:.1f} {relaxed.unit} above the limit"


def _binding(limit: BindingLimit) -> str:
    where = f" {limit.phase.value}" if limit.phase else ""
    return (
        f"held back by {limit.feeder_id}{where} at {limit.limit:g} {limit.unit} ({limit.reason or 'limit'}):"
        f" one more kW would save {limit.shadow_price_per_kw:.3f} ({limit.shadow_price_per_kwh:.3f} per kWh)"
    )
