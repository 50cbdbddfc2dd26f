"""From what connectors should draw to grants, in the right order, idempotent: call it after every event.

A grant is the wish cut to what the ledger admits, and never rises: whatever a station's clock does, no time is too early for it. What
should rise is granted anew when it is time. Lower grants go at once. A raise finds room only when the decrease that
frees it was acknowledged and its ramp is over, because until then the ledger counts both (G3). One grant per connector is
under way at a time, unless it is lowered further.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import accumulate
from math import inf

from cpms.control.account import Account, Holding
from cpms.control.bins import Vector, to_instant
from cpms.control.fit import Wish, quantised
from cpms.control.ledger import EPSILON, Ledger
from cpms.control.margins import Margins
from cpms.domain.grid import Grant, GrantState, LimitPeriod
from cpms.domain.identity import ConnectorKey

SUSTAINED_BINS = 3


@dataclass
class Desk:
    """What dispatch remembers per connector: when it last sent, what it was refused, whose state is to be refreshed."""

    site_id: str
    epoch: int
    plan_id: str | None = None
    last_sent_at: dict[ConnectorKey, datetime] = field(default_factory=dict)
    retry_at: dict[ConnectorKey, datetime] = field(default_factory=dict)
    failures: dict[ConnectorKey, int] = field(default_factory=dict)
    refresh: set[ConnectorKey] = field(default_factory=set)
    sequences: dict[ConnectorKey, int] = field(default_factory=dict)

    def restore(self, grants: Iterable[Grant]) -> None:
        """Sequences go on after those of stored grants."""
        for grant in grants:
            self.sequences[grant.connector] = max(self.sequences.get(grant.connector, 0), grant.sequence)

    def next_sequence(self, key: ConnectorKey, now: datetime) -> int:
        """Grows for ever, over restarts too: at least the clock's seconds."""
        self.sequences[key] = max(self.sequences.get(key, 0) + 1, int(now.timestamp()))
        return self.sequences[key]

    def rested(self, key: ConnectorKey, now: datetime, duration_s: float) -> bool:
        """Whether nothing was sent to a connector for `duration_s` [s]."""
        last = self.last_sent_at.get(key)
        return last is None or (now - last).total_seconds() >= duration_s

    def succeeded(self, key: ConnectorKey) -> None:
        """It acknowledged."""
        self.failures.pop(key, None)
        self.retry_at.pop(key, None)

    def failed(self, key: ConnectorKey, now: datetime, pause: timedelta, longest_s: float) -> bool:
        """It did not; wait, twice as long each time. Whether this was the first failure in a row."""
        count = self.failures.get(key, 0)
        self.failures[key] = count + 1
        self.retry_at[key] = now + min(pause * 2 ** min(count, 16), timedelta(seconds=longest_s))
        return count == 0

    def forgive(self, station_id: str, ledger: Ledger) -> None:
        """A station came back: try anew, and refresh what should be in force there."""
        for key in ledger.accounts:
            if key.station_id == station_id:
                self.succeeded(key)
                self.refresh.add(key)

    def grant_id(self, key: ConnectorKey, sequence: int) -> str:
        """Unique: an epoch belongs to one controller, a sequence to one grant of a connector."""
        return f"{self.site_id}:{key}:{self.epoch}:{sequence}"


@dataclass(frozen=True)
class Proposal:
    """A grant to make: `limit_a` [A per phase] per lease bin. `lowers`: it goes below what may be in force."""

    wish: Wish
    limit_a: Vector
    lowers: bool


def propose(wish: Wish, ledger: Ledger, desk: Desk, now: datetime) -> Proposal | None:
    """The grant that this connector should get now, or None if what is in force or under way will do."""
    told = ledger.accounts[wish.key].single(wish.transaction_id)
    if wish.single != told:
        wish = _in_turn(wish, replace(wish, single=told), ledger, desk, now)
    limit_a = _admissible(wish, ledger, now)
    look = _Look(wish, ledger, desk, now, limit_a)
    if (waiting := look.waiting()) is not None:
        return Proposal(wish, limit_a, True) if look.lowers([waiting]) else None
    if look.lowers(look.live):
        return Proposal(wish, limit_a, True) if look.may_retry(ledger.settings.retry_s) else None
    worth_sending = wish.single != told or look.worth_sending()
    return Proposal(wish, limit_a, False) if look.may_retry(inf) and worth_sending else None


def _in_turn(wish: Wish, as_told: Wish, ledger: Ledger, desk: Desk, now: datetime) -> Wish:
    """The wish for a switch, or first one `as_told` before: until what is under way is answered, and what will count on more phases is
    lowered to what has room on all of them. It waits at the minimum until there is room for that."""
    if _Look(as_told, ledger, desk, now, []).waiting() is not None:
        return as_told
    account, least_a = ledger.accounts[wish.key], wish.connector.min_current_a
    room_a = ledger.admissible_a(wish.key, wish.single)
    has_room = _admissible(wish, ledger, now)[0] >= least_a or wish.wanted_a[0] < least_a
    if has_room and all(held <= room + EPSILON for held, room in zip(account.held, room_a, strict=True)):
        return wish
    lowered_a = [min(a, max(room, least_a)) for a, room in zip(wish.wanted_a, room_a, strict=True)]
    return replace(as_told, wanted_a=lowered_a)


def _admissible(wish: Wish, ledger: Ledger, now: datetime) -> Vector:
    """The wish within what the ledger admits, as setpoints, for the bins of a lease.

    Room that closes again within `SUSTAINED_BINS` is no room: it would make the vehicle hop.
    """
    account = ledger.accounts[wish.key]
    held, off = account.held, account.margins_now
    admissible = ledger.admissible_a(wish.key, wish.single)
    following = [admissible[i:] + admissible[-1:] * i for i in range(SUSTAINED_BINS)]
    lasting = map(max, held, map(min, *following))
    limit_a = _in_lease(list(map(min, wish.wanted_a, lasting)), ledger, off)
    if now.timestamp() >= ledger.bins.begin_s(1) - off.lower_s:
        limit_a[0] = limit_a[1]  # too late in this bin to be down when the next one begins
    return quantised(wish.connector, limit_a)


def _in_lease(values: Vector, ledger: Ledger, off: Margins) -> Vector:
    """Of each bin of a lease, so much that it never rises and suits all bins that the station may be late into."""
    lease_bins = int(ledger.settings.lease_s // ledger.settings.bin_s)
    falling = list(accumulate(values[: lease_bins + off.after], min))
    return (falling[off.after :] + falling[-1:] * off.after)[:lease_bins]


@dataclass(frozen=True)
class _Look:
    """A connector's proposal beside what may be in force there, bin by bin, and what both come to."""

    wish: Wish
    ledger: Ledger
    desk: Desk
    now: datetime
    limit_a: Vector

    @property
    def account(self) -> Account:
        return self.ledger.accounts[self.wish.key]

    @property
    def live(self) -> list[Holding]:
        """Grants of this transaction that nothing has superseded."""
        return [
            h for h in self.account.grants if h.ends_s == inf and h.grant.transaction_id == self.wish.transaction_id
        ]

    def waiting(self) -> Holding | None:
        """The newest grant that its station may still answer."""
        newest = max((h for h in self.live if not h.answered), key=lambda h: h.grant.sequence, default=None)
        return newest if newest is not None and not self._rested(self.ledger.settings.answer_timeout_s) else None

    def lowers(self, holdings: Sequence[Holding]) -> bool:
        """Whether the proposal goes below what may be in force: noticeably and soon, or at all where the worst case is too much."""
        held = [h.nominal_a(self.ledger.bins) for h in holdings] or [[self.account.base_a] * self.ledger.bins.count]
        highest = held[0] if len(held) == 1 else list(map(max, *held))
        over = self.ledger.overcommitted(self.wish.key)
        half = len(self.limit_a) // 2
        tolerance_a = self.ledger.settings.tolerance_a
        return any(
            limit_a < high_a - 1e-6 and (over[i] or (i < half and limit_a < high_a - tolerance_a))
            for i, (limit_a, high_a) in enumerate(zip(self.limit_a, highest, strict=False))
        )

    def may_retry(self, at_most_s: float) -> bool:
        """Whether the pause after the last failure, `at_most_s` [s] of it, is over."""
        retry_at = self.desk.retry_at.get(self.wish.key)
        return retry_at is None or retry_at <= self.now or self._rested(at_most_s)

    def worth_sending(self) -> bool:
        """Whether a lost or doubtful state, a lease that nears its end, or a raise is worth a message."""
        in_force = next((h for h in self.live if h is self.account.in_force()), None)
        held = [self.account.base_a] * len(self.limit_a) if in_force is None else in_force.nominal_a(self.ledger.bins)
        half = len(self.limit_a) // 2
        gain_a = max(p - h for p, h in zip(self.limit_a[:half], held, strict=False))
        doubtful = any(h.state is not GrantState.ACCEPTED for h in self.live)
        if doubtful or (self.wish.key in self.desk.refresh and in_force is not None):
            return True
        if gain_a <= self.ledger.settings.tolerance_a:
            return False
        wanted_a = _in_lease(self.wish.wanted_a, self.ledger, self.account.margins_now)
        whole = all(
            p >= w - self.ledger.settings.tolerance_a for p, w in zip(self.limit_a[:half], wanted_a, strict=False)
        )
        return whole or held[0] == 0.0 or self._renews(in_force, half) or self._worth_raising(gain_a)

    def _renews(self, in_force: Holding | None, half: int) -> bool:
        lease_ends_at = in_force.grant.lease_ends_at if in_force is not None else None
        return lease_ends_at is not None and lease_ends_at.timestamp() < self.ledger.bins.begin_s(half)

    def _worth_raising(self, gain_a: float) -> bool:
        settings = self.ledger.settings
        return gain_a >= settings.raise_step_a and self._rested(settings.raise_hold_s)

    def _rested(self, duration_s: float) -> bool:
        return self.desk.rested(self.wish.key, self.now, duration_s)


def write_grant(proposal: Proposal, ledger: Ledger, desk: Desk, now: datetime) -> Grant:
    """The grant of a proposal. Decreases are scheduled early, so that every bin holds what the proposal says for it however late the
    station; the lease ends where the last bin does."""
    wish, account = proposal.wish, ledger.accounts[proposal.wish.key]
    off = account.margins_now
    sequence = desk.next_sequence(wish.key, now)
    periods = [LimitPeriod(now - off.behind, proposal.limit_a[0])]
    for index, limit_a in enumerate(proposal.limit_a[1:], start=1):
        if limit_a != periods[-1].limit_a:
            periods.append(LimitPeriod(to_instant(ledger.bins.begin_s(index) - off.lower_s), limit_a))
    last = account.last_told(wish.transaction_id)
    before, switched_at = (None, None) if last is None else (last.single_phase, last.switched_at)
    return Grant(
        id=desk.grant_id(wish.key, sequence),
        site_id=desk.site_id,
        connector=wish.key,
        sequence=sequence,
        issued_at=now,
        fallback_a=wish.connector.fallback_current_a,
        transaction_id=wish.transaction_id,
        periods=tuple(periods),
        lease_ends_at=to_instant(ledger.bins.begin_s(len(proposal.limit_a)) - off.lower_s),
        epoch=desk.epoch,
        plan_id=desk.plan_id,
        clock_ahead_s=account.clock.ahead_s,
        single_phase=wish.single,
        switched_at=switched_at if wish.single == before else now,
    )


def base_grant(ledger: Ledger, key: ConnectorKey, desk: Desk, now: datetime) -> Grant:
    """The default for any transaction of a connector: its fallback, for ever (G4)."""
    sequence = desk.next_sequence(key, now)
    fallback_a = ledger.accounts[key].connector.fallback_current_a
    return Grant(desk.grant_id(key, sequence), desk.site_id, key, sequence, now, fallback_a, epoch=desk.epoch)


def dispatch(
    wishes: Sequence[Wish], ledger: Ledger, desk: Desk, now: datetime, record: Callable[[Grant], bool]
) -> list[tuple[Grant, bool]]:
    """Every grant that may go now and whether it lowers, lowering ones first. `record` counts a grant in the ledger, or says
    that it must not be sent (G2).

    Raises go by priority, then departure. Each is proposed anew when its turn comes: what one takes is no room for the next.
    """
    proposals = [p for wish in wishes if (p := propose(wish, ledger, desk, now)) is not None]
    turns = sorted(proposals, key=lambda p: (not p.lowers, -p.wish.priority, p.wish.departs_at, p.wish.key))
    made = []
    for wish in (p.wish for p in turns):
        fresh = propose(wish, ledger, desk, now)
        if fresh is not None and record(grant := write_grant(fresh, ledger, desk, now)):
            desk.last_sent_at[grant.connector] = now
            desk.refresh.discard(grant.connector)
            made.append((grant, fresh.lowers))
    return made
