"""The product as a process of its own: started, watched, started again if it dies (as an init system would), stopped."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from pathlib import Path

import httpx

from cpms.domain.errors import CpmsError

RESTART_PAUSE_S = 0.2
STOP_WITHIN_S = 15.0
log = logging.getLogger(__name__)


class ServerFailed(CpmsError):
    """The server did not start."""


class ServerProcess:
    """`cpms serve` with `environment`; what it prints goes to `log_path`."""

    def __init__(self, environment: dict[str, str], api_url: str, log_path: Path) -> None:
        self.restarts = 0
        self.environment = environment
        self._api_url = api_url
        self._log_path = log_path
        self._process: asyncio.subprocess.Process | None = None
        self._watcher: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """Of the process that serves now."""
        return None if self._process is None else self._process.pid

    async def start(self, ready_within_s: float) -> None:
        """Start it and wait until it is ready."""
        await self._spawn()
        self._watcher = asyncio.create_task(self._watch(), name="watch the server")
        await self._ready(ready_within_s)

    async def stop(self) -> None:
        """Stop it: SIGTERM, and after a while SIGKILL."""
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.gather(self._watcher, return_exceptions=True)
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(STOP_WITHIN_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _spawn(self) -> None:
        with self._log_path.open("ab") as file:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "cpms", "serve"),
                env=os.environ | self.environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    async def _watch(self) -> None:
        while self._process is not None:
            status = await self._process.wait()
            log.warning("the server ended with status %s; starting it again", status)
            self.restarts += 1
            await asyncio.sleep(RESTART_PAUSE_S)
            await self._spawn()

    async def _ready(self, within_s: float) -> None:
        async with httpx.AsyncClient(base_url=self._api_url, trust_env=False) as http:
            try:
                async with asyncio.timeout(within_s):
                    while not await _is_ready(http):  # noqa: ASYNC110  another process has no event
                        await asyncio.sleep(0.1)
            except TimeoutError as error:
                raise ServerFailed(f"the server was not ready within {within_s:g} s; see {self._log_path}") from error


async def create_token(environment: dict[str, str], role: str) -> str:
    """`cpms token create --role ROLE`: what it prints. On a fresh data directory this also makes the database."""
    return await run_cpms(environment, "token", "create", "--role", role, "--label", "demo")


async def run_cpms(environment: dict[str, str], *arguments: str) -> str:
    """What a verb of `cpms` prints; ServerFailed if it fails."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cpms", *arguments),
        env=os.environ | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        out, problem = await process.communicate()
    except asyncio.CancelledError:
        process.terminate()
        await process.wait()
        raise
    if process.returncode != 0:
        raise ServerFailed(f"cpms {' '.join(arguments)} failed: {problem.decode(errors='replace')[-2000:]}")
    return out.decode().strip()


async def _is_ready(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/readyz")).is_success
    except httpx.TransportError:
        return False


def free_port() -> int:
    """A loopback TCP port that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
