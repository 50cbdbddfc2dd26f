"""The reasons of a plan in words: what had to be relaxed, what holds it back, what more grid would be worth, what priorities cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from cpms.domain.binding import BindingLimit, Direction, RelaxedLimit
from cpms.domain.plan import Plan, PlanRequest
from optimizer.questions.explanation import Explanation
from optimizer.questions.priorities import PriorityPrice
from optimizer.questions.what_if import WhatIf

MOST_REASONS = 12


def reasons(request: PlanRequest, plan: Plan, explained: Explanation | None) -> Iterator[str]:
    """Lines for relaxed limits, the dearest binding ones in order of time, and what else was found out."""
    for relaxed in plan.relaxed[:MOST_REASONS]:
        yield f"  {_at(request, relaxed.step)} {_relaxed(relaxed)}"
    dearest = sorted(_alike(plan.binding), key=lambda limits: -limits[0].shadow_price_per_kw)[:MOST_REASONS]
    for limits in sorted(dearest, key=lambda limits: limits[0].step):
        yield f"  {_at(request, limits[0].step)} {_binding(limits)}"
    if explained is not None:
        yield from _one_more_kw(explained.one_more_kw)
        yield from describe_priorities(explained.priorities)
        yield from _against_rule(explained)


def _one_more_kw(more: WhatIf | None) -> Iterator[str]:
    if more is not None and more.saving_at_least is not None and more.saving_at_most is not None:
        yield (
            f"  one more kW of grid throughout would save {max(0.0, more.saving):.2f}"
            f" (between {max(0.0, more.saving_at_least):.2f} and {max(0.0, more.saving_at_most):.2f})"
        )


def _against_rule(explained: Explanation) -> Iterator[str]:
    served_kwh = explained.served_more_kwh
    share = f" and serves {abs(served_kwh):.1f} kWh {'more' if served_kwh > 0 else 'less'}" if abs(served_kwh) >= 0.05 else ""
    yield f"  against charging by priority and departure it {_on_the_bill(-explained.saving_against_rule)}{share}"


def describe_priorities(prices: Iterable[PriorityPrice]) -> Iterator[str]:
    """A line for each."""
    for price in prices:
        others = ", ".join(
            f"{other} {'loses' if kwh > 0 else 'gains'} {abs(kwh):.1f} kWh" for other, kwh in price.lost_kwh.items()
        )
        yield (
            f"  the priority of {price.session_id} brings it {price.gained_kwh:.1f} kWh and {_on_the_bill(price.added_cost)};"
            f" {others or 'nobody loses anything'}"
        )


def _on_the_bill(added_cost: float) -> str:
    cents = round(added_cost, 2)
    return f"takes {-cents:.2f} off the bill" if cents < 0 else f"adds {abs(cents):.2f} to the bill"


def _at(request: PlanRequest, step: int) -> str:
    return request.steps[step].starts_at.strftime("%H:%M")


def _relaxed(relaxed: RelaxedLimit) -> str:
    if relaxed.direction is Direction.EXPORT:
        return f"{relaxed.feeder_id}: {relaxed.excess:.1f} {relaxed.unit} more is generated than may be fed in and is drawn"
    where = f" on {relaxed.phase.value}" if relaxed.phase else ""
    return f"{relaxed.feeder_id}{where}: other load alone is {relaxed.excess:.1f} {relaxed.unit} above the limit"


def _alike(binding: Iterable[BindingLimit]) -> list[list[BindingLimit]]:
    """Phases of one feeder that are full together at the same price, told at once."""
    alike: dict[BindingLimit, list[BindingLimit]] = {}
    for limit in binding:
        alike.setdefault(replace(limit, phase=None), []).append(limit)
    return list(alike.values())


def _binding(limits: list[BindingLimit]) -> str:
    limit, phases = limits[0], "-".join(limit.phase.value for limit in limits if limit.phase)
    return (
        f"held back by {limit.feeder_id}{f' {phases}' if phases else ''} at {round(limit.limit, 1):g} {limit.unit}"
        f" ({limit.reason or 'limit'}): one more kW would save about {limit.shadow_price_per_kw:.3f}"
        f" ({limit.shadow_price_per_kwh:.3f} per kWh)"
    )
