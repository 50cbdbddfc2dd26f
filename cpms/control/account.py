"""One connector's page of the ledger: every grant that may be in force there, and what it may draw in the worst case."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import inf

from cpms.control.bins import Bins, Vector, segments, to_instant
from cpms.control.margins import Margins, margins
from cpms.control.phases import ON_ALL, Told
from cpms.control.settings import ControlSettings
from cpms.domain.grid import Grant, GrantState
from cpms.domain.site import Connector
from cpms.domain.station_clock import UNKNOWN_CLOCK, StationClock
from cpms.domain.telemetry import CommandOutcome
from cpms.domain.units import Phase

NEVER_APPLIED = frozenset({CommandOutcome.REJECTED, CommandOutcome.NOT_SUPPORTED})


@dataclass
class Holding:
    """A grant that may be in force. `ends_s`: when it surely no longer is, superseded or its transaction over, ramp included."""

    grant: Grant
    state: GrantState = GrantState.STORED
    ends_s: float = inf
    end_state: GrantState = GrantState.SUPERSEDED

    _nominal: tuple[Bins, Vector] | None = None

    def nominal_a(self, bins: Bins) -> Vector:
        """What the grant says for each bin; grants are written so that no scheduled change lies in the middle of one."""
        if self._nominal is None or self._nominal[0] is not bins:
            middles = (to_instant(bins.begin_s(i) + bins.width_s / 2) for i in range(bins.count))
            self._nominal = bins, [self.grant.limit_a_at(middle) for middle in middles]
        return self._nominal[1]

    @property
    def answered(self) -> bool:
        """Whether it is no longer waiting for its station."""
        return self.state not in (GrantState.STORED, GrantState.SENT)


@dataclass
class Account:
    """`counted` is what enters the totals [A per phase, per bin]; `held` the same but for counting at hardware maximum.

    `maximum_until_s`: until then the connector counts at its hardware maximum, because its default is not confirmed (G5).
    `clock`: what is known of its station's.
    `boot_sequence`: the last default sent before its last boot; an answer to it, or an earlier one, confirms nothing.
    """

    connector: Connector
    settings: ControlSettings
    clock: StationClock = UNKNOWN_CLOCK
    base: list[Holding] = field(default_factory=list)
    grants: list[Holding] = field(default_factory=list)
    maximum_until_s: float = inf
    unconfirmed_since_s: float = -inf
    boot_sequence: int = -1
    quarantined: bool = False
    held: Vector = field(default_factory=list)
    counted: Vector = field(default_factory=list)
    past: list[tuple[float, Grant]] = field(default_factory=list)

    @property
    def confirmed(self) -> bool:
        """Whether its default profile was acknowledged since it last booted."""
        return self.maximum_until_s < inf

    @property
    def settles(self) -> bool:
        """Whether it counts at its hardware maximum for seconds at most."""
        return self.confirmed and not self.quarantined

    @property
    def base_a(self) -> float:
        """What it may draw [A per phase] in any transaction, once confirmed."""
        return max((h.grant.fallback_a for h in self.base), default=self.connector.fallback_current_a)

    def holdings(self) -> Iterator[Holding]:
        """Everything that may be in force."""
        yield from self.base
        yield from self.grants

    def in_force(self) -> Holding | None:
        """The newest acknowledged transaction grant that nothing has ended."""
        accepted = [h for h in self.grants if h.state is GrantState.ACCEPTED and h.ends_s == inf]
        return max(accepted, key=lambda h: h.grant.sequence, default=None)

    def last_told(self, transaction_id: str) -> Grant | None:
        """The newest grant of a transaction that may be in force, whatever its station answered."""
        live = (h.grant for h in self.grants if h.ends_s == inf and h.grant.transaction_id == transaction_id)
        return max(live, key=lambda grant: grant.sequence, default=None)

    def single(self, transaction_id: str) -> Phase | None:
        """The phase that a transaction was last told to use alone; None: all."""
        last = self.last_told(transaction_id)
        return None if last is None else last.single_phase

    def told(self, since_s: float, now_s: float) -> Told:
        """On which phases alone it may have been told to draw between `since_s` and `now_s`; what is long ago is not known."""
        if self.connector.switching is None:
            return ON_ALL
        if now_s - since_s > self.settings.sample_max_age_s:
            return ON_ALL | {self.connector.switching.single}
        return frozenset(g.single_phase for g in self._granted(since_s) if not g.is_base) or ON_ALL

    def margins(self, grant: Grant) -> Margins:
        """How far off its time what a grant says may happen here."""
        return margins(self.clock, grant.clock_ahead_s, self.settings)

    @property
    def margins_now(self) -> Margins:
        """How far off its time what would be granted now may happen."""
        return margins(self.clock, self.clock.ahead_s, self.settings)

    def vectors(self, bins: Bins, now_s: float) -> tuple[Vector, Vector]:
        """`held` and `counted` anew, from `now_s` on.

        A scheduled decrease may come late by what the station's clock may be behind, and takes `ramp_s` more; a scheduled raise may
        come at any time (G2, G4).
        """
        held = self.permitted_a(self.holdings(), bins, now_s)
        if not self.base:
            bins.raise_to(held, -inf, inf, self.connector.fallback_current_a)
        counted = list(held)
        until_s = inf if self.quarantined else self.maximum_until_s
        if until_s > now_s:
            bins.raise_to(counted, -inf, until_s, self.connector.max_current_a)
        return held, counted

    def permitted_a(self, holdings: Iterable[Holding], bins: Bins, now_s: float) -> Vector:
        """The most that `holdings` permit from `now_s` on."""
        permitted = [0.0] * bins.count
        for holding in holdings:
            late_s = self.margins(holding.grant).late_s
            for _, until_s, limit_a in segments(holding.grant):
                ends_s = min(until_s + late_s, holding.ends_s)
                if ends_s > now_s:
                    bins.raise_to(permitted, -inf, ends_s, limit_a)
        return permitted

    def durable_a(self, bins: Bins, now_s: float) -> Vector:
        """What is counted here after a crash as well [A per phase]: what was answered was sent, and stored before, or lower."""
        return self.permitted_a((h for h in self.holdings() if h.answered), bins, now_s)

    def answer(self, holding: Holding, outcome: CommandOutcome, now_s: float) -> None:
        """Take over what became of a grant (G6)."""
        siblings = self.base if holding.grant.is_base else self.grants
        if outcome in NEVER_APPLIED:
            siblings.remove(holding)
        elif outcome is CommandOutcome.ACCEPTED:
            holding.state = GrantState.ACCEPTED
            self._supersede(siblings, holding, now_s + self.settings.ramp_s)
        elif not holding.answered:
            holding.state = GrantState.UNKNOWN

    def _supersede(self, siblings: list[Holding], newest: Holding, ends_s: float) -> None:
        for older in siblings:
            if older.grant.sequence < newest.grant.sequence:
                older.ends_s = min(older.ends_s, ends_s)
        if newest.grant.is_base and not self.confirmed and newest.grant.sequence > self.boot_sequence:
            self.maximum_until_s = ends_s

    def end_transaction(self, transaction_id: str, now_s: float) -> None:
        """The station said the transaction is over, and with it go the profiles that were acknowledged for it.

        (OCPP 1.6 section 3.13.1, 2.0.1 K01.FR.) Grants still without an answer count until their leases end: they may
        arrive late at a station that does not check the transaction.
        """
        for holding in self.grants:
            if holding.grant.transaction_id == transaction_id and holding.state is GrantState.ACCEPTED:
                ends_s = now_s + self.settings.ramp_s
                if ends_s < holding.ends_s:
                    holding.ends_s, holding.end_state = ends_s, GrantState.ENDED

    def purge(self, now_s: float) -> dict[str, GrantState]:
        """Forget what is surely over; its final state by grant id."""
        gone: dict[str, GrantState] = {}
        for siblings in (self.base, self.grants):
            for holding in list(siblings):
                if (end_state := self._end_state(holding, now_s)) is not None:
                    siblings.remove(holding)
                    gone[holding.grant.id] = end_state
                    self.past.append((now_s, holding.grant))
        keep_s = now_s - self.settings.sample_max_age_s - 2 * self.settings.lead_s
        self.past = [entry for entry in self.past if entry[0] >= keep_s]
        return gone

    def _end_state(self, holding: Holding, now_s: float) -> GrantState | None:
        if holding.ends_s <= now_s:
            return holding.end_state
        lease_ends_at = holding.grant.lease_ends_at
        if lease_ends_at is None or holding.grant.fallback_a > self.base_a:
            return None  # what is left of it is its fallback, and nothing else counts that much
        lasted_s = now_s - lease_ends_at.timestamp()
        is_over = lasted_s >= self.settings.lead_s and lasted_s >= self.margins(holding.grant).late_s
        return GrantState.ENDED if is_over else None

    def allowed_a(self, since_s: float, now_s: float) -> float:
        """Most it could rightly draw between `since_s` and `now_s` [A per phase]; the hardware's maximum while its default is not
        confirmed."""
        if self.maximum_until_s > since_s - self.settings.lead_s:
            return self.connector.max_current_a
        from_s = since_s - self.settings.lead_s
        permitted = [
            limit_a
            for grant in self._granted(since_s)
            for _, end_s, limit_a in segments(grant)
            if end_s + self.margins(grant).late_s > from_s
        ]
        return max(permitted, default=self.connector.fallback_current_a)

    def _granted(self, since_s: float) -> list[Grant]:
        """Everything that may have been in force since `since_s`, and a little before."""
        from_s = since_s - 2 * self.settings.lead_s
        return [h.grant for h in self.holdings()] + [grant for ended_s, grant in self.past if ended_s > from_s]

    def move_instants(self, by_s: float) -> None:
        """Our clock was set by `by_s` [s]: what ends, ends when it would have; what grants say is for their stations' clocks."""
        self.maximum_until_s += by_s
        self.unconfirmed_since_s += by_s
        self.past = [(ended_s + by_s, grant) for ended_s, grant in self.past]
        for holding in self.holdings():
            holding.ends_s += by_s

    def boot(self, now_s: float) -> dict[str, GrantState]:
        """It rebooted: its profiles may be lost, so its default must be confirmed anew; earlier confirmations end (G5)."""
        ended = {h.grant.id: GrantState.ENDED for h in self.base if h.state is GrantState.ACCEPTED}
        self.boot_sequence = max((h.grant.sequence for h in self.base), default=self.boot_sequence)
        self.base = [h for h in self.base if h.grant.id not in ended]
        self.maximum_until_s, self.unconfirmed_since_s = inf, now_s
        return ended
