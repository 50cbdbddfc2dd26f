"""The worst-case ledger: at every feeder, phase and future instant, what everything that might be in force may draw (G2).

Per feeder there are four rows of room: what is left of the limit on L1, L2, L3 [A] and in all [kW], per bin of time, kept up to date
incrementally. A proposal costs a few list passes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from math import inf

from cpms.control.account import NEVER_APPLIED, Account, Holding
from cpms.control.bins import Bins, Vector, to_instant
from cpms.control.loads import Loads, Trusted
from cpms.control.room import Room
from cpms.control.settings import ControlSettings
from cpms.domain.errors import CpmsError
from cpms.domain.grid import Grant, GrantState, LimitTimeline
from cpms.domain.identity import ConnectorKey
from cpms.domain.site import Site
from cpms.domain.station_clock import UNKNOWN_CLOCK, StationClock
from cpms.domain.telemetry import CommandOutcome
from cpms.domain.units import Phase

EPSILON = 1e-6
FARTHEST_LATE_S = 600.0
"""What may last longer [s] after its lease counts in the endless bin."""


class NotAdmitted(CpmsError):
    """The ledger does not admit this grant; it must not be sent."""


class Ledger:
    """Accounts of a site's connectors and the room left at its feeders. Call `advance(now)` before asking."""

    def __init__(self, timeline: LimitTimeline, settings: ControlSettings, now: datetime) -> None:
        self.settings = settings
        self.timeline = timeline
        self.accounts: dict[ConnectorKey, Account] = {}
        self.clocks: dict[str, StationClock] = {}
        self._by_grant: dict[str, ConnectorKey] = {}
        self._loads = Loads()
        self._room = Room(self._loads)
        self._solar_credit_kw = 0.0
        self._now_s = now.timestamp()
        self.adopt(timeline, now)

    @property
    def site(self) -> Site:
        """The site it keeps."""
        return self.timeline.site

    @property
    def other_load_kw(self) -> float:
        """Other load reserved at the grid connection [kW], less the sun that may be relied on."""
        return max(0.0, self.site.reserved_other_load_kw - self._solar_credit_kw)

    @property
    def room(self) -> Mapping[str, list[Vector]]:
        """What is left of each feeder's limits per bin on L1, L2, L3 [A] and in all [kW]."""
        return self._room.left

    def adopt(self, timeline: LimitTimeline, now: datetime, solar_credit_kw: float | None = None) -> None:
        """Take over a changed site, limits or credit. Connectors that are gone are forgotten, new ones are not confirmed."""
        self.timeline = timeline
        if solar_credit_kw is not None:
            self._solar_credit_kw = solar_credit_kw
        connectors = timeline.site.connectors
        self.accounts = {
            key: self.accounts.get(key) or Account(connector, self.settings, unconfirmed_since_s=now.timestamp())
            for key, connector in connectors.items()
        }
        for key, connector in connectors.items():
            self.accounts[key].connector = connector
            self.accounts[key].clock = self.clock(key.station_id)
        self._room.adopt(timeline.site)
        self._rebase(now.timestamp())

    def clock(self, station_id: str) -> StationClock:
        """What is known of a station's clock."""
        return self.clocks.get(station_id, UNKNOWN_CLOCK)

    def measure(self, station_id: str, clock: StationClock) -> bool:
        """Count what a station was granted as its clock may be off; whether that is by more or less than before."""
        if clock == self.clock(station_id):
            return False
        self.clocks[station_id] = clock
        for key in self._keys_of(station_id):
            self.accounts[key].clock = clock
            self._recount(key)
        return True

    def restore(self, grants: Iterable[tuple[Grant, GrantState]], now: datetime) -> None:
        """What was stored before a crash: whatever was not answered may have been sent. Acknowledged base grants confirm."""
        for grant, state in sorted(grants, key=lambda pair: pair[0].sequence):
            account = self.accounts.get(grant.connector)
            if account is None:
                continue
            known = GrantState.ACCEPTED if state is GrantState.ACCEPTED else GrantState.UNKNOWN
            (account.base if grant.is_base else account.grants).append(Holding(grant, known))
            self._by_grant[grant.id] = grant.connector
            if grant.is_base and known is GrantState.ACCEPTED:
                account.maximum_until_s = now.timestamp()
        self._rebase(now.timestamp())

    def advance(self, now: datetime) -> dict[str, GrantState]:
        """Let time pass; final states, by id, of grants that are over."""
        now_s = now.timestamp()
        gone: dict[str, GrantState] = {}
        last_s, self._now_s = self._now_s, now_s
        for key, account in self.accounts.items():
            ended = account.purge(now_s)
            gone |= ended
            if ended or last_s < account.maximum_until_s <= now_s:
                self._recount(key)
        for grant_id in gone:
            self._by_grant.pop(grant_id, None)
        if now_s >= self.bins.begin_s(1) or now_s < self.bins.start_s:
            self._rebase(now_s)
        return gone

    def admissible_a(self, key: ConnectorKey, single: Phase | None = None) -> Vector:
        """Most a connector may be granted [A per phase] per bin on all its phases, or a `single` one: what it holds, unless that may
        now be on fewer phases, and the room above it."""
        account, then = self.accounts[key], self._loads.if_told(key, single)
        room = self._room.for_a(key, account.counted, then)
        repeats = then is self._loads.now(key) and all(h.grant.single_phase in (None, single) for h in account.grants)
        held = account.held if repeats else [0.0] * self.bins.count
        return [max(h, free + counted) for h, counted, free in zip(held, account.counted, room, strict=True)]

    def admits(self, grant: Grant) -> bool:
        """Whether, with this grant in force beside all that may be, nothing exceeds a limit that it adds to, ever."""
        account = self.accounts[grant.connector]
        siblings = account.base if grant.is_base else account.grants
        siblings.append(Holding(grant))
        wanted, _ = account.vectors(self.bins, self._now_s)
        siblings.pop()
        admissible = self.admissible_a(grant.connector, self._single_of(grant))
        if grant.is_base:
            admissible = list(map(max, admissible, account.held))
        return all(w <= a + EPSILON for w, a in zip(wanted, admissible, strict=True))

    def _single_of(self, grant: Grant) -> Phase | None:
        """The phase it tells to use alone; a default changes nothing of what a transaction was told."""
        trusted = self._loads.trusted(grant.connector)
        return trusted.told if grant.is_base and trusted is not None else grant.single_phase

    def durable_a(self, key: ConnectorKey) -> Vector:
        """What is counted of a connector after a crash as well [A per phase] per bin."""
        return self.accounts[key].durable_a(self.bins, self._now_s)

    def only_lowers(self, grant: Grant) -> bool:
        """Whether a grant permits nothing, ever, that durable grants do not: it may be sent before it is stored (G7, G10)."""
        account = self.accounts[grant.connector]
        if not grant.is_base and any(h.answered and h.grant.single_phase != grant.single_phase for h in account.grants):
            return False
        wanted = account.permitted_a([Holding(grant)], self.bins, self._now_s)
        return all(w <= d + EPSILON for w, d in zip(wanted, self.durable_a(grant.connector), strict=True))

    def record(self, grant: Grant) -> None:
        """Count a grant from now on, whatever becomes of it. NotAdmitted if it must not be sent (asserted before every send)."""
        if not self.admits(grant):
            raise NotAdmitted(f"grant {grant.id} for {grant.connector} is not admitted by the ledger")
        account = self.accounts[grant.connector]
        if self.weights_if_told(grant.connector, self._single_of(grant)) is not self.weights(grant.connector):
            self.trust_phases(grant.connector, None)
        (account.base if grant.is_base else account.grants).append(Holding(grant))
        self._by_grant[grant.id] = grant.connector
        self._recount(grant.connector)

    def answer(self, grant_id: str, outcome: CommandOutcome, now: datetime) -> Holding | None:
        """Take over what became of a grant; None if it no longer counts."""
        key = self._by_grant.get(grant_id)
        if key is None or (account := self.accounts.get(key)) is None:
            return None
        holding = next((h for h in account.holdings() if h.grant.id == grant_id), None)
        if holding is not None:
            account.answer(holding, outcome, now.timestamp())
            self._recount(key)
        if outcome in NEVER_APPLIED:
            self._by_grant.pop(grant_id)
        return holding

    def end_transaction(self, key: ConnectorKey, transaction_id: str, now: datetime) -> None:
        """The station said that a transaction is over."""
        if (account := self.accounts.get(key)) is not None:
            account.end_transaction(transaction_id, now.timestamp())
            self._recount(key)

    def boot(self, station_id: str, now: datetime) -> dict[str, GrantState]:
        """A station rebooted: its connectors count at hardware maximum until confirmed again."""
        ended: dict[str, GrantState] = {}
        for key in self._keys_of(station_id):
            self.trust_phases(key, None)
            ended |= self.accounts[key].boot(now.timestamp())
            self._recount(key)
        return ended

    def quarantine(self, key: ConnectorKey, quarantined: bool) -> None:
        """Count a connector at its hardware maximum, or no longer (G6)."""
        if quarantined:
            self.trust_phases(key, None)
        self.accounts[key].quarantined = quarantined
        self._recount(key)

    def trust_phases(self, key: ConnectorKey, phases: tuple[Phase, ...] | None, told: Phase | None = None) -> None:
        """Count a connector only on the phases it was long seen to use while `told` to use one alone, or all; None: on all again (G9).

        It lasts until it is told something else. A fallback is for any vehicle: where there is one, nothing is trusted.
        """
        account = self.accounts[key]
        may = phases is not None and self._may_trust(account, phases, told)
        trusted = Trusted(phases, told) if may and phases is not None else None
        if trusted != self._loads.trusted(key):
            self._room.take(key, [-a for a in account.counted])
            self._loads.trust(key, trusted)
            self._room.take(key, account.counted)

    def _may_trust(self, account: Account, phases: tuple[Phase, ...], told: Phase | None) -> bool:
        connector = account.connector
        for_any_vehicle = (
            connector.fallback_current_a > 0 or account.quarantined or account.maximum_until_s > self._now_s
        )
        as_told = all(h.grant.single_phase == told for h in account.grants)
        return connector.rotation_known and as_told and not for_any_vehicle and set(phases) <= set(connector.phases)

    def headroom(self, feeder_id: str) -> tuple[float, float, float, float]:
        """Room now on L1, L2, L3 [A] and in all [kW, inf without a limit]; negative where the worst case exceeds the limit."""
        return self._room.now(feeder_id)

    def limit_rows(self, feeder_id: str) -> list[Vector]:
        """Limits of a feeder per bin on L1, L2, L3 [A] and in all [kW], less the other load, before any connector."""
        return self._room.limits[feeder_id]

    def path(self, key: ConnectorKey) -> tuple[str, ...]:
        """Feeders that carry a connector, from its own to the root."""
        return self._room.path(key)

    def weights(self, key: ConnectorKey) -> Mapping[int, float]:
        """Rows a connector loads and how much per ampere."""
        return self._loads.now(key)

    def weights_if_told(self, key: ConnectorKey, single: Phase | None) -> Mapping[int, float]:
        """The same if it were told to use `single` alone, or all its phases (None); the very same object if that changes nothing."""
        return self._loads.if_told(key, single)

    def overcommitted(self, key: ConnectorKey) -> list[bool]:
        """Per bin, whether some feeder above the connector could be overloaded in the worst case."""
        return self._room.lacking(key, EPSILON)

    def next_change_at(self) -> datetime:
        """When it next changes by the mere passing of time."""
        ends = (h.ends_s for a in self.accounts.values() for h in a.holdings())
        maxima = (a.maximum_until_s for a in self.accounts.values() if a.maximum_until_s > self._now_s)
        return to_instant(min(self.bins.begin_s(1), *(s for s in (*ends, *maxima, inf))))

    def _keys_of(self, station_id: str) -> list[ConnectorKey]:
        return [key for key in self.accounts if key.station_id == station_id]

    def _recount(self, key: ConnectorKey) -> None:
        account = self.accounts[key]
        before = account.counted
        account.held, account.counted = account.vectors(self.bins, self._now_s)
        self._room.take(key, [after - earlier for after, earlier in zip(account.counted, before, strict=True)])

    def _rebase(self, now_s: float) -> None:
        self._now_s = now_s
        leases = [
            h.grant.lease_ends_at.timestamp() for a in self.accounts.values() for h in a.grants if h.grant.lease_ends_at
        ]
        late_s = max((a.margins_now.late_s for a in self.accounts.values()), default=0.0)
        until_s = max([now_s + self.settings.lease_s, *leases]) + 2 * self.settings.bin_s + min(late_s, FARTHEST_LATE_S)
        self.bins = Bins.covering(now_s, until_s, self.settings.bin_s)
        self._room.clear(self.timeline, self.bins, self.other_load_kw)
        for key, account in self.accounts.items():
            account.held, account.counted = account.vectors(self.bins, self._now_s)
            self._room.take(key, account.counted)
