"""The HTTP API on its socket. Whoever connects has limited time to say what it wants, and few may hesitate at a time."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from api import create_app
from api.ports import Services
from cpms.ocpp.openings import Openings


@dataclass(frozen=True)
class Patience:
    """How long [s of the machine] a request may take to arrive, body included, and on how many connections none may have arrived for
    longer than the grace."""

    request_within_s: float = 60.0
    max_openings: int = 500
    opening_grace_s: float = 2.0


@asynccontextmanager
async def serving_api(services: Services, door: socket.socket, patience: Patience | None = None) -> AsyncIterator[str]:
    """Serve; yields the address."""
    patience = patience or Patience()
    connection = partial(
        _Connection,
        openings=Openings(patience.max_openings, patience.opening_grace_s),
        request_within_s=patience.request_within_s,
    )
    config = uvicorn.Config(
        create_app(services),
        http=connection,  # type: ignore[arg-type]  # it is only called
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=2,
    )
    server = _ApiServer(config)
    task = asyncio.create_task(server.serve(sockets=[door]), name="api")
    try:
        host, port = door.getsockname()[:2]
        yield f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    finally:
        server.should_exit = True
        await task


class _ApiServer(uvicorn.Server):
    """Signals are this process's business, not uvicorn's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield


class _Connection(H11Protocol):
    """A connection that is closed when its request does not arrive in time; uvicorn waits for ever."""

    def __init__(self, *args: Any, openings: Openings, request_within_s: float, **options: Any) -> None:
        super().__init__(*args, **options)
        self._openings = openings
        self._request_within_s = request_within_s
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Part of asyncio's interface to protocols, as the next."""
        super().connection_made(transport)
        self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._arrived()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Take what came; part of uvicorn's."""
        super().handle_events()
        if self.cycle is not None and not self.cycle.more_body:
            self._arrived()

    def on_response_complete(self) -> None:
        """Wait for the next request; part of uvicorn's."""
        self._await_request()
        super().on_response_complete()

    def _await_request(self) -> None:
        if self._patience is None and not self.transport.is_closing():
            self._openings.enter(self.transport)
            self._patience = self.loop.call_later(self._request_within_s, self.transport.abort)

    def _arrived(self) -> None:
        self._openings.leave(self.transport)
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
