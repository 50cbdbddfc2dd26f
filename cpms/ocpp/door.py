"""The door: checks opening requests against the backend, slows down who guesses, remembers whom it refused."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass

from cpms.domain.errors import CpmsError
from cpms.domain.identity import StationCredentials
from cpms.domain.telemetry import DeviationSeen
from cpms.domain.time import Clock
from cpms.ocpp.attempts import Attempts
from cpms.ocpp.handshake import Refused, require_login, require_subprotocol, station_id_of
from cpms.ocpp.peer import StationBackend

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Opening:
    """What an opening request says: where from, which path, its Authorization header and its subprotocols."""

    host: str
    path: str
    authorization: str | None
    subprotocols: tuple[str, ...]


class Door:
    """Judges openings. A refusal is logged, kept for operators, and told the backend if the station exists."""

    def __init__(self, backend: StationBackend, clock: Clock, pepper: bytes, concurrent_handshakes: int) -> None:
        self.refused_count = 0
        self.last_refusals: deque[str] = deque(maxlen=100)
        self.attempts = Attempts()
        self._backend = backend
        self._clock = clock
        self._pepper = pepper
        self._room = asyncio.Semaphore(concurrent_handshakes)

    async def admit(self, opening: Opening) -> str:
        """The identity of the station that may come in. Refused otherwise."""
        credentials: StationCredentials | None = None
        try:
            station_id = station_id_of(opening.path)
            source = f"{opening.host} {station_id}"
            self.attempts.require_few(source, self._time_s())
            credentials = await self._credentials(station_id)
            self._require_login(source, station_id, credentials, opening.authorization)
            require_subprotocol(list(opening.subprotocols))
        except Refused as refused:
            await self._note(opening, credentials, refused)
            raise
        return station_id

    async def _credentials(self, station_id: str) -> StationCredentials | None:
        try:
            async with self._room:
                return await self._backend.credentials(station_id)
        except CpmsError as error:
            log.warning("%s cannot be checked now: %s", station_id, error)
            raise Refused(503, "The station cannot be checked now. Try again later.") from error

    def _require_login(
        self, source: str, station_id: str, credentials: StationCredentials | None, header: str | None
    ) -> None:
        try:
            require_login(station_id, credentials, header, self._pepper)
        except Refused:
            self.attempts.failed(source, self._time_s())
            raise
        self.attempts.succeeded(source)

    async def _note(self, opening: Opening, credentials: StationCredentials | None, refused: Refused) -> None:
        self.refused_count += 1
        line = f"{opening.host} {opening.path[:100]!r}: {refused.status} {refused.reason}"
        self.last_refusals.append(f"{self._clock.now().isoformat()} {line}")
        log.warning("connection refused: %s", line)
        if credentials is None:
            return
        problem = f"connection refused: {refused.status} {refused.reason}"
        deviation = DeviationSeen(
            credentials.station_id, self._clock.now(), "connect", problem, opening.path[:200], True
        )
        try:
            await self._backend.handle(deviation)
        except CpmsError as error:
            log.warning("%s: a refused connection was not noted: %s", credentials.station_id, error)

    def _time_s(self) -> float:
        return asyncio.get_running_loop().time()
