"""From the situation to effects: base grants, wishes fitted and dispatched, plans asked for."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import replace
from datetime import datetime, timedelta

from cpms.control.bins import Vector
from cpms.control.dispatch import base_grant, dispatch, propose
from cpms.control.effects import AlarmKind, AskPlan, RaiseAlarm, RecordGrants, SendGrant, StoreGrants
from cpms.control.fallback import equal_shares
from cpms.control.fit import Wish, fit, quantised, steerable_room
from cpms.control.known import Known
from cpms.control.ledger import NotAdmitted
from cpms.control.request import in_a_hurry, nearly_done, need_of, plan_request
from cpms.control.situation import Situation
from cpms.control.switching import phase_to_tell, switchable
from cpms.control.wishes import maximum_a, minimum_a
from cpms.domain.command import CommandPriority
from cpms.domain.grid import Grant
from cpms.domain.identity import ConnectorKey
from cpms.domain.session import Session
from cpms.domain.site import Connector
from cpms.domain.units import Phase

PROBE_FOR = timedelta(minutes=20)
"""So long after plug-in a vehicle may draw the minimum whatever the plan says, until its phases are known: a plan for three phases
is worth little to a vehicle that has one."""


class Acting:
    """Decides what to send. Idempotent: with nothing new, nothing is sent."""

    def __init__(self, situation: Situation) -> None:
        self._s = situation

    def act(self, now: datetime) -> None:
        """Everything that may be done now."""
        situation = self._s
        situation.dirty = situation.urgent = False
        situation.acted_at = now
        self._send(self._base_grants(now), self._grants(now))
        if situation.replanning.due(now):
            self._ask(now)
        due_at = situation.replanning.due_at()
        situation.wake_at = min(situation.ledger.next_change_at(), max(due_at, now + timedelta(seconds=1)))

    def _send(self, base: Sequence[Grant], grants: Sequence[tuple[Grant, bool]]) -> None:
        """What only lowers waits for nothing; the rest is durable first, decreases before everything else (G3, G7, G10)."""
        situation = self._s
        lowering = [grant for grant, lowers in grants if lowers]
        at_once = [grant for grant in lowering if situation.ledger.only_lowers(grant)]
        urgent = [*(grant for grant in lowering if grant not in at_once), *base]
        raising = [grant for grant, lowers in grants if not lowers]
        if at_once:
            situation.out(RecordGrants(tuple(at_once)))
            self._send_all(at_once, CommandPriority.SAFETY)
        if urgent or raising:
            situation.out(StoreGrants((*urgent, *raising)))
            self._send_all(urgent, CommandPriority.SAFETY)
            self._send_all(raising, CommandPriority.SCHEDULE)

    def _send_all(self, grants: Sequence[Grant], priority: CommandPriority) -> None:
        for grant in grants:
            self._s.out(SendGrant(grant, self._s.site.connectors[grant.connector], priority))

    def _base_grants(self, now: datetime) -> list[Grant]:
        """A default for every reachable connector whose default is not confirmed, or is no longer the configured one (G5)."""
        ledger, desk = self._s.ledger, self._s.desk
        made = []
        for key, account in ledger.accounts.items():
            waiting = any(not h.answered and h.grant.sequence > account.boot_sequence for h in account.base)
            waiting = waiting and not desk.rested(key, now, self._s.settings.answer_timeout_s)
            right = account.confirmed and account.base_a == account.connector.fallback_current_a
            if key.station_id not in self._s.online or right or waiting or desk.retry_at.get(key, now) > now:
                continue
            grant = base_grant(ledger, key, desk, now)
            if self._record(grant):
                desk.last_sent_at[key] = now
                made.append(grant)
        return made

    @property
    def _storing(self) -> bool:
        """Whether the database may be asked to make grants durable."""
        return self._s.acted_at >= self._s.storing_again_at

    def _record(self, grant: Grant) -> bool:
        if not self._storing and not self._s.ledger.only_lowers(grant):
            return False
        try:
            self._s.ledger.record(grant)
        except NotAdmitted as problem:
            self._s.out(RaiseAlarm(AlarmKind.GRANT_NOT_ADMITTED, str(grant.connector), str(problem)))
            return False
        return True

    def _grants(self, now: datetime) -> list[tuple[Grant, bool]]:
        situation = self._s
        steerable = self._steerable()
        lenient = self._lenient(now)
        caps = {f: guard.cap for f, guard in situation.guards.items() if guard.shedding}
        room = steerable_room(situation.ledger, set(steerable), caps, lenient)
        wishes = [self._planned(session, now) for session in steerable.values()]
        if not self._plan_holds(now):
            wishes = equal_shares(wishes, situation.ledger, room)
        fitted = fit(wishes, situation.ledger, room)
        orders = [self._shed(replace(wish, wanted_a=fitted[wish.key]), set(caps), now) for wish in wishes]
        orders += self._quarantined(now)
        return dispatch(orders, situation.ledger, situation.desk, now, self._record)

    def _shed(self, wish: Wish, shedding: Set[str], now: datetime) -> Wish:
        """Below a feeder that sheds, or while nothing can be stored, a wish that lowers is cut to what is durable: it need not wait
        for the database (G7)."""
        ledger = self._s.ledger
        if self._storing and shedding.isdisjoint(ledger.path(wish.key)):
            return wish
        cut = quantised(wish.connector, list(map(min, wish.wanted_a, ledger.durable_a(wish.key))))
        lower = replace(wish, wanted_a=cut, single=ledger.accounts[wish.key].single(wish.transaction_id))
        proposal = propose(lower, ledger, self._s.desk, now)
        return lower if proposal is not None and proposal.lowers else wish

    def _steerable(self) -> dict[ConnectorKey, Session]:
        """Connectors that can be told something, with the session to tell it for."""
        situation = self._s
        return {
            key: session
            for key, session in self._sessions_by_connector().items()
            if key.station_id in situation.online
            and situation.ledger.accounts[key].confirmed
            and not situation.ledger.accounts[key].quarantined
        }

    def _sessions_by_connector(self) -> dict[ConnectorKey, Session]:
        known = self._s.ledger.accounts
        ordered = sorted(self._s.book.sessions.values(), key=lambda s: s.started_at)
        return {session.connector: session for session in ordered if session.connector in known}

    def _lenient(self, now: datetime) -> set[ConnectorKey]:
        since_s = now.timestamp() - self._s.settings.reboot_grace_s
        return {key for key, account in self._s.ledger.accounts.items() if account.unconfirmed_since_s >= since_s}

    def _plan_holds(self, now: datetime) -> bool:
        plan = self._s.plan
        if plan is None:
            return False
        age_s = (now - plan.plan.steps[0].starts_at).total_seconds()
        return age_s <= self._s.settings.plan_max_age_s and now < plan.plan.steps[-1].ends_at

    def _planned(self, session: Session, now: datetime) -> Wish:
        """The plan's currents and phases; the minimum for a session it does not know; without a plan all, to be shared, on the phases
        that it was told last."""
        situation, bins = self._s, self._s.ledger.bins
        connector, plan = (
            situation.site.connectors[session.connector],
            situation.plan if self._plan_holds(now) else None,
        )
        alone = plan.on_single_phase(session.id, bins) if plan is not None else None
        single = phase_to_tell(switchable(session, situation.ledger, situation.book, now), alone, now)
        if plan is None:
            return self._wish(session, maximum_a(connector, bins), now, single)
        planned = plan.wanted_a(session.id, bins) or minimum_a(connector, bins)
        if alone not in (None, single is not None):
            planned = [min(a, connector.min_current_a) for a in planned]  # it was meant for other phases
        return self._wish(session, self._probing(session, connector, planned, now, single), now, single)

    def _probing(
        self, session: Session, connector: Connector, planned: Vector, now: datetime, single: Phase | None
    ) -> Vector:
        """A little more than planned where that shows what the vehicle is, or finishes it: the minimum until its phases are known,
        when it is nearly done and when it stopped by itself, and more than it is believed to take where it is planned with all of
        that on all its phases, unless it draws less than the minimum."""
        situation, book = self._s, self._s.book
        if book.declines(session, now):
            return minimum_a(connector, situation.ledger.bins)
        known = book.knows_phases(session, connector, situation.settings.phases_trusted_s)
        unsure = not known and now - session.started_at < PROBE_FOR
        if unsure or nearly_done(session, connector, situation.site.voltage_v, situation.settings):
            planned = [max(a, connector.min_current_a) for a in planned]
        if single is not None or book.acceptances.draws_a(session, now) is not None:
            return planned
        all_a, probe_a = (
            book.acceptances.planned_a(session, connector) - connector.step_a,
            book.acceptances.probe_a(session, connector, now),
        )
        return [probe_a if a >= all_a else a for a in planned]

    def _wish(self, session: Session, wanted_a: Vector, now: datetime, single: Phase | None) -> Wish:
        connector, known = self._s.site.connectors[session.connector], self._known(())
        return Wish(
            connector=connector,
            session_id=session.id,
            transaction_id=session.transaction_id,
            wanted_a=quantised(connector, wanted_a),
            priority=session.priority,
            departs_at=need_of(session, known, now).departs_at,
            in_a_hurry=in_a_hurry(session, known, now),
            idle=self._s.book.declines(session, now),
            single=single,
        )

    def _quarantined(self, now: datetime) -> list[Wish]:
        """Disobeying stations are asked for the minimum, so that they can show they obey; they count at their maximum anyhow."""
        accounts, bins = self._s.ledger.accounts, self._s.ledger.bins
        return [
            self._wish(
                session, minimum_a(accounts[key].connector, bins), now, accounts[key].single(session.transaction_id)
            )
            for key, session in self._sessions_by_connector().items()
            if accounts[key].quarantined and key.station_id in self._s.online
        ]

    def _ask(self, now: datetime) -> None:
        situation = self._s
        request_id = situation.replanning.ask(now)
        situation.asked_kwh = {s.id: s.energy_kwh for s in situation.book.sessions.values()}
        known = replace(self._known(self._steerable()), awaited=self._awaited())
        situation.out(AskPlan(plan_request(known, request_id, now)))

    def _awaited(self) -> frozenset[ConnectorKey]:
        """Connectors that are about to confirm their default."""
        situation = self._s
        return frozenset(
            key
            for key, account in situation.ledger.accounts.items()
            if key.station_id in situation.online
            and not (account.confirmed or account.quarantined or key in situation.desk.failures)
        )

    def _known(self, steerable: Sequence[ConnectorKey] | dict[ConnectorKey, Session]) -> Known:
        situation, measured = self._s, self._s.root_measurement
        return Known(
            site=situation.site,
            timeline=situation.timeline,
            ledger=situation.ledger,
            book=situation.book,
            tariff=situation.tariff,
            forecasts=situation.forecasts,
            arrivals=situation.arrivals,
            peaks=situation.peaks,
            settings=situation.settings,
            steerable=frozenset(steerable),
            online=frozenset(situation.online),
            measured_other_kw=measured.other_load_kw if measured is not None else None,
            measured_solar_kw=measured.solar_kw if measured is not None else None,
        )
