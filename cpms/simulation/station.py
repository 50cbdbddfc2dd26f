"""A virtual charging station: what it does when vehicles come and go, time passes and frames arrive. No socket, no clock.

    world  -> plug_in / unplug / tick
    server -> connected / receive / disconnected
    next_frame -> what to send now

It charges on when the connection is lost, keeps its profiles, and tells of transactions later, in order, with the
instants at which things happened.
"""

from __future__ import annotations

import json
import math
import uuid
from datetime import datetime, timedelta
from typing import Any, Protocol

from cpms.domain.identity import ConnectorKey
from cpms.domain.site import Station
from cpms.domain.units import MIN_CHARGING_CURRENT_A, Phase
from cpms.ocpp.composite import ProfilePurpose
from cpms.simulation.commands import answer
from cpms.simulation.messages import Dialect, Kind, Message, Outlet, State, Transaction
from cpms.simulation.outbox import Outbox
from cpms.simulation.plant import Reading
from cpms.simulation.profiles import ProfileStore

LOOKAHEAD_S = 3600
"""How far ahead [s] a limit is computed at once."""


class Meter(Protocol):
    """The connectors' meters, and whoever must know that a limit may have changed."""

    def reading(self, key: ConnectorKey) -> Reading:
        """What the connector's meter shows now."""
        ...

    def ask(self, key: ConnectorKey) -> None:
        """The connector's limit may have changed."""
        ...


class VirtualStation:
    """One station. `sample_s` [s]: between meter values of a transaction. `clock_ahead`: how far its clock is ahead of the world's,
    from which every `now` comes; what it says and does goes by its own. `ignores_phases`: numberPhases mean nothing to it."""

    def __init__(
        self,
        station: Station,
        dialect: Dialect,
        meter: Meter,
        voltage_v: float,
        sample_s: float,
        clock_ahead: timedelta = timedelta(),
        ignores_phases: bool = False,
    ) -> None:
        self.station = station
        self.ignores_phases = ignores_phases
        self.clock_ahead = clock_ahead
        self.dialect = dialect
        self.online = False
        self.outlets = {c.key.connector_id: Outlet(c.key) for c in station.connectors}
        self.outbox = Outbox()
        strict = dialect.chooses_transaction_id
        self.profiles = ProfileStore(len(self.outlets), voltage_v, refuses_other_ids=strict)
        self._meter = meter
        self._sample = timedelta(seconds=sample_s)
        self._booted = False
        self._heartbeat: timedelta | None = None
        self._spoke_at: datetime | None = None

    @property
    def is_limited(self) -> bool:
        """Whether every connector has a default for transactions to come; without one they would be unlimited."""
        defaults = {p.connector_id for p in self.profiles.stored if p.purpose is ProfilePurpose.TX_DEFAULT}
        return 0 in defaults or defaults >= self.outlets.keys()

    def plug_in(self, connector_id: int, id_tag: str, now: datetime) -> None:
        """A vehicle is plugged in and its driver holds out a token. Offline, the station charges on trust."""
        now += self.clock_ahead
        outlet = self.outlets[connector_id]
        outlet.id_tag, outlet.vehicle_present = id_tag, True
        self._enter(outlet, State.PREPARING, now)
        if self.online:
            self.outbox.add(Message(Kind.AUTHORIZE, now, connector_id, id_tag=id_tag))
        else:
            self.start(outlet, now)

    def unplug(self, connector_id: int, now: datetime) -> None:
        """The vehicle leaves. Call it while the meter still shows the vehicle's last reading."""
        now += self.clock_ahead
        outlet = self.outlets[connector_id]
        self.stop(outlet, "EVDisconnected", now)
        outlet.id_tag, outlet.vehicle_present = "", False
        self._enter(outlet, State.AVAILABLE, now)

    def tick(self, now: datetime) -> None:
        """Time has passed: meter values, changed states, heartbeats."""
        now += self.clock_ahead
        for outlet in self.outlets.values():
            if outlet.transaction is not None:
                self._watch(outlet, outlet.transaction, now)
        quiet_since = self._spoke_at or now
        if self.online and self._heartbeat is not None and now - quiet_since >= self._heartbeat:
            self._spoke_at = now
            self.outbox.add(Message(Kind.HEARTBEAT, now))

    def connected(self, now: datetime) -> None:
        """The connection is up: boot if this is the first one, then tell every connector's state, then what waited."""
        now += self.clock_ahead
        self.online = True
        self._spoke_at = now
        first = [] if self._booted else [Message(Kind.BOOT, now)]
        states = [Message(Kind.STATUS, now, n, state=outlet.state) for n, outlet in self.outlets.items()]
        self.outbox.add_first(first + states)

    def disconnected(self, now: datetime) -> None:
        """The connection is gone. Whoever waited for an authorization is charged on trust."""
        now += self.clock_ahead
        self.online = False
        for message in self.outbox.connection_lost():
            outlet = self.outlets.get(message.connector_id)
            if message.kind is Kind.AUTHORIZE and outlet is not None and outlet.id_tag == message.id_tag:
                self.start(outlet, now)

    def next_frame(self, now: datetime) -> str | None:
        """The next CALL to send, if one may go."""
        now += self.clock_ahead
        message = self.outbox.take(now) if self.online else None
        if message is None:
            return None
        self._spoke_at = now
        action, payload = self.dialect.encode(self.station.model, message)
        return json.dumps([2, message.id, action, payload])

    def receive(self, text: str, now: datetime) -> str | None:
        """A frame from the server; returns the answer to send if it asks for something."""
        now += self.clock_ahead
        kind, message_id, *rest = json.loads(text)
        if kind == 2:
            return answer(self, message_id, rest[0], rest[1], now)
        message = self.outbox.answered(message_id)
        if message is not None:
            self._answered(message, rest[0] if kind == 3 else None, now)
        return None

    def limit_at(self, connector_id: int, now: datetime) -> tuple[float, datetime]:
        """Limit [A per phase] that the connector offers from `now` on, and until when at least: 0 without a transaction."""
        now += self.clock_ahead
        outlet = self.outlets[connector_id]
        horizon = now + timedelta(seconds=LOOKAHEAD_S)
        if outlet.transaction is None:
            return 0.0, horizon - self.clock_ahead
        begun = max(now, outlet.transaction.started_at)  # the plant's seconds are whole, a transaction's start is not
        schedule = self.profiles.schedule(connector_id, begun, LOOKAHEAD_S, outlet.transaction)
        until = now + timedelta(seconds=schedule[1][0]) if len(schedule) > 1 else horizon
        return schedule[0][1], until - self.clock_ahead

    def phases_at(self, connector_id: int, now: datetime) -> tuple[Phase, ...]:
        """Grid phases that the connector supplies at `now`; told one, and not which, the one it is wired for."""
        outlet = self.outlets[connector_id]
        connector = next(c for c in self.station.connectors if c.key == outlet.key)
        number, which = self.profiles.phases(connector_id, now + self.clock_ahead, outlet.transaction)
        if connector.switching is None or self.ignores_phases or outlet.transaction is None or number != 1:
            return connector.phases
        return (connector.switching.single if which is None else connector.phases[which - 1],)

    def start(self, outlet: Outlet, now: datetime) -> None:
        """Begin a transaction; the contactor closes."""
        number = outlet.key.connector_id
        transaction = Transaction(number, outlet.id_tag, now)
        if self.dialect.chooses_transaction_id:
            transaction.id = str(uuid.uuid4())
        outlet.transaction, outlet.sample_at = transaction, now + self._sample
        self._report(Kind.START, outlet, transaction, now)
        self._meter.ask(outlet.key)

    def stop(self, outlet: Outlet, reason: str, now: datetime) -> None:
        """End the transaction, if one runs; the contactor opens and its profiles go."""
        transaction, outlet.transaction = outlet.transaction, None
        if transaction is None:
            return
        self._report(Kind.STOP, outlet, transaction, now, reason)
        self.profiles.transaction_ended(outlet.key.connector_id)
        self._enter(outlet, State.FINISHING, now)
        self._meter.ask(outlet.key)

    def limit_changed(self) -> None:
        """Profiles changed: every connector's limit may have."""
        for outlet in self.outlets.values():
            self._meter.ask(outlet.key)

    def _watch(self, outlet: Outlet, transaction: Transaction, now: datetime) -> None:
        reading = self._meter.reading(outlet.key)
        state = State.CHARGING
        if reading.power_kw <= 0:
            state = State.SUSPENDED_EVSE if reading.offered_a < MIN_CHARGING_CURRENT_A else State.SUSPENDED_EV
        changed = state is not outlet.state
        if changed:
            self._enter(outlet, state, now)
        if changed or (outlet.sample_at is not None and now >= outlet.sample_at):
            outlet.sample_at = now + self._sample
            self._report(Kind.METER, outlet, transaction, now)

    def _enter(self, outlet: Outlet, state: State, now: datetime) -> None:
        outlet.state = state
        if self.online:
            self.outbox.add(Message(Kind.STATUS, now, outlet.key.connector_id, state=state))

    def _report(self, kind: Kind, outlet: Outlet, transaction: Transaction, now: datetime, reason: str = "") -> None:
        message = Message(
            kind,
            now,
            outlet.key.connector_id,
            state=outlet.state,
            id_tag=transaction.id_tag,
            transaction=transaction,
            reading=self._meter.reading(outlet.key),
            sequence_number=transaction.next_sequence_number(),
            offline=not self.online,
            reason=reason,
        )
        self.outbox.add(message)

    def _answered(self, message: Message, answer: dict[str, Any] | None, now: datetime) -> None:
        """A CALLRESULT (`answer`) or a CALLERROR (None) to `message`."""
        if answer is None:
            if message.kind not in (Kind.STATUS, Kind.HEARTBEAT):
                self.outbox.again(message, now)
            return
        if message.kind is Kind.BOOT:
            self._boot_answered(message, answer, now)
        elif message.kind in (Kind.AUTHORIZE, Kind.START):
            self._token_answered(message, self.dialect.accepted(message, answer), now)

    def _boot_answered(self, message: Message, answer: dict[str, Any], now: datetime) -> None:
        if not self.dialect.accepted(message, answer):
            self.outbox.again(message, now)
            return
        self._booted = True
        interval_s = float(answer.get("interval", 0))
        self._heartbeat = timedelta(seconds=interval_s) if interval_s > 0 and math.isfinite(interval_s) else None

    def _token_answered(self, message: Message, accepted: bool, now: datetime) -> None:
        outlet = self.outlets[message.connector_id]
        if message.kind is Kind.AUTHORIZE and accepted and outlet.id_tag == message.id_tag and not outlet.transaction:
            self.start(outlet, now)
        if message.kind is Kind.START:
            self._meter.ask(outlet.key)
            if not accepted and message.transaction is not None and outlet.transaction is message.transaction:
                self.stop(outlet, "DeAuthorized", now)
