"""When and why a plan charges a vehicle on one phase, in words for people."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from zoneinfo import ZoneInfo

from cpms.domain.plan import Plan, SessionPlan
from cpms.domain.site import Connector, Site
from cpms.domain.units import Phase, power_kw


@dataclass(frozen=True)
class SinglePhaseStretch:
    """Steps `first` to `last` of a plan, in which `session` is on `phase` alone of its `connector`."""

    session: SessionPlan
    connector: Connector
    phase: Phase
    first: int
    last: int


def single_phase_stretches(session: SessionPlan, site: Site) -> list[SinglePhaseStretch]:
    """Where a session is on one phase; nothing for a connector that is there no longer, or switches no longer."""
    connector = site.connectors.get(session.connector)
    if connector is None or connector.switching is None:
        return []
    found = []
    for alone, steps in groupby(range(len(session.single_phase)), key=lambda t: session.single_phase[t]):
        if alone:
            indexes = list(steps)
            found.append(SinglePhaseStretch(session, connector, connector.switching.single, indexes[0], indexes[-1]))
    return found


def why_on_one_phase(stretch: SinglePhaseStretch, plan: Plan, site: Site) -> str:
    """ "on L1 alone from 10:15 to 11:30: 3.2 kW is less than the 4.14 kW that its phases take at least", in the site's local time."""
    zone = ZoneInfo(site.timezone)
    from_at = plan.steps[stretch.first].starts_at.astimezone(zone)
    to_at = plan.steps[stretch.last].ends_at.astimezone(zone)
    return f"on {stretch.phase.value} alone from {from_at:%H:%M} to {to_at:%H:%M}: {_reason(stretch, plan, site)}"


def _reason(stretch: SinglePhaseStretch, plan: Plan, site: Site) -> str:
    steps = range(stretch.first, stretch.last + 1)
    most_kw = max(stretch.session.power_kw[t] for t in steps)
    least_kw = power_kw(stretch.connector.min_current_a, site.voltage_v, len(stretch.connector.phases))
    others = {
        limit.phase.value
        for limit in plan.binding
        if limit.step in steps and limit.phase in stretch.connector.phases and limit.phase is not stretch.phase
    }
    if most_kw == 0.0:
        return "nothing is charged meanwhile, and a switch back would be for nothing"
    if most_kw < least_kw:
        return f"{most_kw:.3g} kW is less than the {least_kw:.3g} kW that its phases take at least"
    if others:
        return f"there is no room on {' and '.join(sorted(others))}"
    return "part of it is less than its phases take at least, or its last switch is too recent"
