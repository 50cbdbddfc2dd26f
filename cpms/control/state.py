"""The read model: what is in force and why, for people and the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cpms.control.account import Account
from cpms.control.book import SessionBook
from cpms.control.guard import FeederGuard
from cpms.control.kept import Kept, in_words, kept, why_counted
from cpms.control.ledger import Ledger
from cpms.control.rows import KW_ROW
from cpms.control.wishes import PlanInForce
from cpms.domain.identity import ConnectorKey
from cpms.domain.plan import PlanStatus
from cpms.domain.units import PHASES, Phase


@dataclass(frozen=True)
class ConnectorState:
    """A connector now. `limit_a`: acknowledged limit; `worst_case_a`: counted in the ledger; `planned_a`: the plan's; A per phase.

    `clock_error_s` [s]: how far its station's clock was measured to be ahead (negative: behind), None before; `late_s` [s]: how late
    what it was told to lower may be over, its vehicle's ramp included. `single_phase`: the phase it is told to charge on alone.
    """

    connector: ConnectorKey
    online: bool
    confirmed: bool
    quarantined: bool
    session_id: str | None
    limit_a: float
    worst_case_a: float
    planned_a: float | None
    power_kw: float | None
    lease_ends_at: datetime | None
    why: str
    clock_error_s: float | None = None
    late_s: float = 0.0
    single_phase: Phase | None = None


@dataclass(frozen=True)
class FeederState:
    """A feeder now. `worst_case_a` and `headroom_a` per L1, L2, L3 [A], other load included; kW fields None without such a limit
    or meter."""

    feeder_id: str
    limit_a: float
    limit_kw: float | None
    reason: str
    worst_case_a: tuple[float, float, float]
    worst_case_kw: float
    headroom_a: tuple[float, float, float]
    headroom_kw: float | None
    measured_kw: float | None
    measured_at: datetime | None
    shedding: bool


@dataclass(frozen=True)
class SiteState:
    """A site now. `kept`: for whom room is kept, and why, that cannot be given to others."""

    site_id: str
    at: datetime
    connectors: tuple[ConnectorState, ...]
    feeders: tuple[FeederState, ...]
    plan_id: str | None
    plan_status: PlanStatus | None
    plan_made_at: datetime | None
    planning_because: tuple[str, ...]
    kept: tuple[Kept, ...] = ()


def connector_state(
    key: ConnectorKey,
    ledger: Ledger,
    book: SessionBook,
    plan: PlanInForce | None,
    online: bool,
    now: datetime,
    room_kept: Sequence[Kept] = (),
) -> ConnectorState:
    """What holds at a connector at `now`, and why. `room_kept`: for whom it may have to wait."""
    account, session, draw = ledger.accounts[key], book.at(key), book.draws.get(key)
    in_force = account.in_force()
    planned = plan.wanted_a(session.id, ledger.bins) if plan is not None and session is not None else None
    limit_a = in_force.grant.limit_a_at(now) if in_force is not None else account.base_a
    return ConnectorState(
        connector=key,
        online=online,
        confirmed=account.confirmed,
        quarantined=account.quarantined,
        session_id=session.id if session is not None else None,
        limit_a=limit_a if account.confirmed else account.connector.max_current_a,
        worst_case_a=account.counted[0],
        planned_a=planned[0] if planned is not None else None,
        power_kw=draw.power_kw if draw is not None else None,
        lease_ends_at=in_force.grant.lease_ends_at if in_force is not None else None,
        why=_why(account, ledger, online, limit_a, planned[0] if planned is not None else None, room_kept),
        clock_error_s=account.clock.error_s,
        late_s=account.margins_now.late_s,
        single_phase=in_force.grant.single_phase if in_force is not None else None,
    )


def _why(
    account: Account,
    ledger: Ledger,
    online: bool,
    limit_a: float,
    planned_a: float | None,
    room_kept: Sequence[Kept],
) -> str:
    if account.connector.retired or account.quarantined or not account.confirmed or not online:
        return why_counted(account, online)
    if any(not holding.answered for holding in account.grants):
        return "a new limit is under way"
    if planned_a is not None and limit_a + 1.0 < planned_a:
        return f"waits for room: {in_words(room_kept) or 'what others may still draw leaves no more now'}"
    if planned_a is None:
        return "not in the current plan"
    return "as planned" + _on_phases(account, ledger)


def _on_phases(account: Account, ledger: Ledger) -> str:
    """ " on L1 alone", and whether its meter showed that it does so."""
    in_force = account.in_force()
    single = in_force.grant.single_phase if in_force is not None else None
    if single is None:
        return ""
    shown = len(ledger.weights(account.connector.key)) == len((single, KW_ROW))
    return f" on {single.value} alone" + ("" if shown else "; counted on all phases until its meter shows it")


def feeder_state(feeder_id: str, ledger: Ledger, guard: FeederGuard | None, now: datetime) -> FeederState:
    """What holds at a feeder at `now`."""
    limit = ledger.timeline.at(feeder_id, now)
    used = _worst_case(feeder_id, ledger)
    room = ledger.headroom(feeder_id)
    return FeederState(
        feeder_id=feeder_id,
        limit_a=limit.limit_a,
        limit_kw=limit.limit_kw,
        reason=limit.reason,
        worst_case_a=(used[0], used[1], used[2]),
        worst_case_kw=used[KW_ROW],
        headroom_a=(room[0], room[1], room[2]),
        headroom_kw=room[KW_ROW] if limit.limit_kw is not None else None,
        measured_kw=guard.measured_kw if guard is not None and not guard.stale(now) else None,
        measured_at=guard.fresh_at if guard is not None else None,
        shedding=guard is not None and guard.shedding,
    )


def _worst_case(feeder_id: str, ledger: Ledger) -> list[float]:
    other_kw = ledger.other_load_kw if feeder_id == ledger.site.root.id else 0.0
    used = [other_kw * 1000.0 / (3 * ledger.site.voltage_v)] * len(PHASES) + [other_kw]
    for key, account in ledger.accounts.items():
        if feeder_id in ledger.path(key):
            for row, weight in ledger.weights(key).items():
                used[row] += weight * account.counted[0]
    return used


def site_state(
    ledger: Ledger,
    book: SessionBook,
    plan: PlanInForce | None,
    guards: Mapping[str, FeederGuard],
    online: frozenset[str],
    reasons: tuple[str, ...],
    now: datetime,
) -> SiteState:
    """The whole site at `now`."""
    told = {key for key, account in ledger.accounts.items() if account.settles and key.station_id in online}
    room_kept = kept(ledger, told, online)
    return SiteState(
        site_id=ledger.site.id,
        at=now,
        connectors=tuple(
            connector_state(key, ledger, book, plan, key.station_id in online, now, room_kept)
            for key in sorted(ledger.accounts)
        ),
        feeders=tuple(feeder_state(f.id, ledger, guards.get(f.id), now) for f in ledger.site.feeders),
        plan_id=plan.plan.id if plan is not None else None,
        plan_status=plan.plan.status if plan is not None else None,
        plan_made_at=plan.plan.made_at if plan is not None else None,
        planning_because=reasons,
        kept=room_kept,
    )
