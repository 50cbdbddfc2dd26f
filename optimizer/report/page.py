"""A plan for people: what it costs, who gets what, a drawing of the power, and the reasons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cpms.domain.plan import Plan, PlanRequest
from optimizer.report.reasons import reasons
from optimizer.questions.explanation import Explanation

BAR_WIDTH = 40
LEAST_MONEY = 0.005
"""Terms below this are left out."""

BLOCKS = "·▁▂▃▄▅▆▇█"
DUST = 1e-6
"""Less than this is rounding of what is none."""


def describe(request: PlanRequest, plan: Plan, explained: Explanation | None = None) -> str:
    """The plan as text for a terminal, instants in UTC; `explained`: its reasons beyond those that it carries itself."""
    parts = (
        _headline(plan),
        _costs(plan),
        _sessions(request, plan),
        _batteries(request, plan),
        _drawing(request, plan),
        reasons(request, plan, explained),
    )
    return "\n".join(line for part in map(tuple, parts) if part for line in (*part, ""))


def _headline(plan: Plan) -> Iterator[str]:
    gap = "no certificate" if plan.gap is None else f"at most {100 * plan.gap:.3f} % from the best there can be"
    yield f"{plan.status.value} plan, {gap} ({plan.cpu_s:.2f} s CPU)"
    if plan.note:
        yield plan.note


def _costs(plan: Plan) -> Iterator[str]:
    for name, money in plan.cost_by_term.items():
        if abs(money) < LEAST_MONEY:
            continue
        yield f"  {name:<14}{money:>12.2f}"
    if plan.objective is not None:
        yield f"  {'together':<14}{plan.objective:>12.2f}   (peak {plan.peak_kw:.1f} kW)"


def _sessions(request: PlanRequest, plan: Plan) -> Iterator[str]:
    yield f"  {'session':<16}{'need kWh':>9}{'short kWh':>11}{'leaves':>8}{'most A':>8}  step by step"
    for need, session in zip(request.needs, plan.sessions, strict=True):
        yield (
            f"  {need.session_id:<16}{need.energy_kwh:>9.1f}{session.shortfall_kwh:>11.2f}"
            f"{need.departs_at.strftime('%H:%M'):>8}{max(session.current_a, default=0.0):>8g}"
            f"  {blocks(session.current_a, need.max_current_a)}"
        )
        if any(session.single_phase):
            yield f"  {'  on a single phase':<49}  {blocks([float(on) for on in session.single_phase], 1.0)}"
        if any(session.discharge_a) and need.v2g is not None:
            yield f"  {'  gives back':<49}  {blocks(session.discharge_a, need.v2g.max_discharge_a)}"


def _batteries(request: PlanRequest, plan: Plan) -> Iterator[str]:
    """Per battery what it takes, gives and holds."""
    for battery, made in zip(request.batteries, plan.batteries, strict=True):
        given = [max(0.0, -kw) for kw in made.power_kw]
        yield f"  {battery.battery_id:<16}{'takes':>33}  {blocks(made.power_kw, battery.max_charge_kw)}"
        yield f"  {'':<16}{'gives':>33}  {blocks(given, battery.max_discharge_kw)}"
        yield f"  {'':<16}{'holds':>33}  {blocks(made.stored_kwh, battery.capacity_kwh)}"


def blocks(values: Sequence[float], most: float) -> str:
    """A character per value, from a point for none to a full block for `most` and what is above it."""
    heights = (max(1, round(value / max(value, most) * (len(BLOCKS) - 1))) if value > DUST else 0 for value in values)
    return "".join(BLOCKS[height] for height in heights)


def _drawing(request: PlanRequest, plan: Plan) -> Iterator[str]:
    """One bar per step: vehicles against what is there, with the price."""
    totals = [sum(session.power_kw[t] for session in plan.sessions) for t in range(len(plan.steps))]
    scale = BAR_WIDTH / max(1e-9, *totals)
    yield f"  {'UTC':<7}{'vehicles kW':>12}{'price':>8}"
    for step, total, price in zip(plan.steps, totals, request.import_price_per_kwh, strict=True):
        yield f"  {step.starts_at.strftime('%H:%M'):<7}{total:>12.1f}{price:>8.3f}  {'#' * round(total * scale)}"
