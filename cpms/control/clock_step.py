"""Our clock was set. Durations go on as if it had not been, and leases end no earlier than by either reading (G12).

A station may keep its own time or take ours over: what it was granted may last by the old reading of its instants or by the new
one, and both are counted until something newer is acknowledged.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from cpms.control.account import Account, Holding
from cpms.control.effects import RecordGrants, RecordGrantStates
from cpms.control.situation import Situation
from cpms.domain.grid import Grant, GrantState

READ_ANEW = "~"
"""Marks the id of a grant that stands for another, read by the clock before it was set."""


def set_clock(situation: Situation, by: timedelta, now: datetime) -> None:
    """Take over that the clock was set by `by` and shows `now`."""
    for owner in (situation.desk, situation.replanning, *situation.guards.values(), *situation.obedience.values()):
        move_instants(owner, by)
    situation.book.move_instants(by)
    situation.peaks.forget_last()
    situation.acted_at += by
    situation.storing_again_at += by
    for account in situation.ledger.accounts.values():
        _read_both_ways(account, by, situation)
    situation.ledger.adopt(situation.timeline, now)
    situation.need_plan("the clock was set", now)
    situation.urgent = True


def move_instants(owner: object, by: timedelta) -> None:
    """Move every instant among an object's attributes, also those in its tuples and dictionaries."""
    for name, value in list(vars(owner).items()):
        setattr(owner, name, _moved(value, by))


def _moved(value: Any, by: timedelta) -> Any:
    match value:
        case datetime():
            return value + by
        case dict():
            return {key: _moved(one, by) for key, one in value.items()}
        case tuple():
            return tuple(_moved(one, by) for one in value)
    return value


def _read_both_ways(account: Account, by: timedelta, situation: Situation) -> None:
    by_s = by.total_seconds()
    account.maximum_until_s += by_s
    account.unconfirmed_since_s += by_s
    for holding in account.holdings():
        holding.ends_s += by_s
    moved = [_moved_holding(holding, by) for holding in account.grants]
    stale = [holding for holding in account.grants if READ_ANEW in holding.grant.id]
    account.grants = [holding for holding in account.grants if holding not in stale] + moved
    account.past = [
        (ended_s + by_s, either) for ended_s, grant in account.past for either in (grant, _moved_grant(grant, by))
    ]
    if moved:
        situation.out(RecordGrants(tuple(holding.grant for holding in moved)))
    if stale:
        situation.out(RecordGrantStates({holding.grant.id: GrantState.ENDED for holding in stale}))


def _moved_holding(holding: Holding, by: timedelta) -> Holding:
    return Holding(_moved_grant(holding.grant, by), GrantState.UNKNOWN, holding.ends_s, holding.end_state)


def _moved_grant(grant: Grant, by: timedelta) -> Grant:
    return replace(
        grant,
        id=f"{grant.id}{READ_ANEW}{by.total_seconds():.0f}",
        periods=tuple(replace(period, starts_at=period.starts_at + by) for period in grant.periods),
        lease_ends_at=None if grant.lease_ends_at is None else grant.lease_ends_at + by,
    )
