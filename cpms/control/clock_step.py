"""Our clock was set. Durations go on as if it had not been, and leases end no earlier than by either reading (G12).

A station may keep its own time or take ours over: its clock may be behind as before or by so much more, and what it was granted is
counted either way until its messages tell which.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from cpms.control.situation import Situation


def set_clock(situation: Situation, by: timedelta, now: datetime) -> None:
    """Take over that the clock was set by `by` and shows `now`."""
    for owner in (situation.desk, situation.replanning, *situation.guards.values(), *situation.obedience.values()):
        move_instants(owner, by)
    situation.book.move_instants(by)
    situation.peaks.forget_last()
    situation.acted_at += by
    situation.storing_again_at += by
    situation.clock_set_at = now
    for station in situation.site.stations:
        situation.know_clock(station.id, situation.ledger.clock(station.id).beside(by.total_seconds()))
    for account in situation.ledger.accounts.values():
        account.move_instants(by.total_seconds())
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
