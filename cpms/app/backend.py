"""What stations say, made durable, answered, and handed to their site's controller."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cpms.app.housekeeping import Housekeeping
from cpms.app.sites import Sites
from cpms.control.events import SessionClosed, SessionOpened
from cpms.domain.command import RemoteStop
from cpms.domain.errors import StoreUnavailable
from cpms.domain.identity import AuthorizationStatus, StationCredentials, Token
from cpms.domain.session import Session, SessionState
from cpms.domain.telemetry import (
    AuthorizeReply,
    AuthorizeRequested,
    BootReply,
    ConnectorStatusChanged,
    DeviationSeen,
    Reply,
    Sample,
    SamplesReceived,
    StationBooted,
    StationCapabilities,
    StationConnected,
    StationDisconnected,
    StationEvent,
    TransactionEnded,
    TransactionReply,
    TransactionStarted,
    TransactionUpdated,
)
from data.ingest import SampleIngest
from data.store import Store
from data.transaction_messages import TransactionMessage, placed

log = logging.getLogger(__name__)

ROOM_WITHIN_S = 5.0


@dataclass
class Backend:
    """Implements `cpms.ocpp.server.StationBackend`. Whatever bills is committed before it is answered (B1)."""

    store: Store
    ingest: SampleIngest
    sites: Sites
    housekeeping: Housekeeping
    heartbeat_interval_s: int

    async def credentials(self, station_id: str) -> StationCredentials | None:
        """What a connecting station is checked against."""
        return await self.store.station_credentials(station_id)

    def raw(self, station_id: str, received_at: datetime, direction: str, text: str) -> None:
        """Keep a message as it was, and that its station lives."""
        if direction == "in":
            self.housekeeping.heard(station_id, received_at)
        self.ingest.add_raw(station_id, received_at, direction, text)

    async def handle(self, event: StationEvent) -> Reply:
        """Make an event durable, tell the controller, and answer. The controller hears of a station's state in any case."""
        match event:
            case TransactionStarted():
                return await self._transaction_started(event)
            case TransactionUpdated():
                return await self._transaction_updated(event)
            case TransactionEnded():
                return await self._transaction_ended(event)
            case AuthorizeRequested():
                return AuthorizeReply((await self._authorize(event.id_tag, event.received_at))[1])
            case SamplesReceived():
                self.sites.post_station(event)
                await self._keep(event.samples)
                return None
            case DeviationSeen():
                log.info("station %s: %s: %s", event.station_id, event.action, event.problem)
                return None
        return await self._station_changed(event)

    async def _station_changed(self, event: StationEvent) -> Reply:
        reply: Reply = None
        self.sites.post_station(event)
        match event:
            case StationBooted():
                await self.store.record_boot(event)
                reply = BootReply(self.heartbeat_interval_s)
            case StationCapabilities():
                await self.store.record_capabilities(event)
            case StationConnected():
                await self.store.record_connection(event.station_id, event.protocol, event.received_at)
            case StationDisconnected():
                await self.store.record_disconnection(event.station_id, event.received_at)
            case ConnectorStatusChanged():
                await self.store.record_status(event)
        return reply

    async def _transaction_started(self, event: TransactionStarted) -> TransactionReply:
        session = await self._record(event)
        return _reply(session, await self._admit(session, event))

    async def _transaction_updated(self, event: TransactionUpdated) -> TransactionReply:
        session = await self._record(event)
        status = await self._admit(session, event)
        samples = placed(event.samples, session.connector.connector_id)
        self.sites.post_station(SamplesReceived(event.station_id, event.received_at, samples, clock=event.clock))
        return _reply(session, status)

    async def _transaction_ended(self, event: TransactionEnded) -> TransactionReply:
        session = await self._record(event)
        self._closed(session)
        status = None if event.id_tag is None else (await self._authorize(event.id_tag, event.received_at))[1]
        return _reply(session, status)

    async def _record(self, event: TransactionMessage) -> Session:
        """The session after a transaction message; whom it showed to be gone is gone for the controller as well."""
        recorded = await self.store.record_transaction(event)
        for session in recorded.overtaken:
            self._closed(session)
        return recorded.session

    def _closed(self, session: Session) -> None:
        self.sites.post(session.site_id, SessionClosed(session))
        self.sites.remember(session)

    async def _admit(
        self, session: Session, event: TransactionStarted | TransactionUpdated
    ) -> AuthorizationStatus | None:
        """Plan for an authorized session; have the station stop one that is not (it draws its fallback at most), and one on a
        connector that the site does not know, since no limit could reach it."""
        if event.id_tag is None:
            return None
        token, status = await self._authorize(event.id_tag, event.received_at)
        if session.state is SessionState.ENDED:
            return status
        if not self.sites.has_connector(session):
            log.warning("session %s: connector %s is not configured, nothing limits it", session.id, session.connector)
            status = AuthorizationStatus.INVALID
        if token is not None and status is AuthorizationStatus.ACCEPTED:
            wanting = await self.sites.with_need(session, token.priority)
            self.sites.post(session.site_id, SessionOpened(wanting, event.clock))
            self.sites.look_at_sessions(session.site_id)
        else:
            log.warning("session %s: idTag is %s, the station is told to stop", session.id, status.value)
            self.sites.send_soon(session.connector.station_id, RemoteStop(session.transaction_id))
        return status

    async def _authorize(self, id_tag: str, now: datetime) -> tuple[Token | None, AuthorizationStatus]:
        token = await self.store.token(id_tag)
        return token, AuthorizationStatus.INVALID if token is None else token.status(now)

    async def _keep(self, samples: Sequence[Sample]) -> None:
        """Have samples stored soon; where the buffer stays full, the station gets no acknowledgement (B5)."""
        if samples and not self.ingest.add(samples):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.ingest.room(), ROOM_WITHIN_S)
            if not self.ingest.add(samples):
                raise StoreUnavailable("There is no room for samples now.")


def _reply(session: Session, status: AuthorizationStatus | None) -> TransactionReply:
    return TransactionReply(session.transaction_id, status, session.connector.connector_id or None)
