"""How services on the internet are asked: seldom, never for long, and without anybody failing because they do."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Hashable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

import httpx

from cpms.domain.errors import InvalidInput

logger = logging.getLogger(__name__)

RETRY = timedelta(minutes=10)
LONGEST_RETRY_S = 86400

Asked = TypeVar("Asked", bound=Hashable)
Answer = TypeVar("Answer")


class Remembered(Generic[Asked, Answer]):
    """Answers of a service by what was asked: fetched at most once per `refresh`, after a failure once per RETRY or when the
    service says. The last good answer stays while the service is down, slow or wrong. `what`: its name in the log."""

    def __init__(self, what: str, fetch: Callable[[Asked, datetime], Awaitable[Answer]], refresh: timedelta) -> None:
        self._what = what
        self._fetch = fetch
        self._refresh = refresh
        self._last: dict[Asked, Answer] = {}
        self._ask_at: dict[Asked, datetime] = {}
        self._problems: dict[Asked, str] = {}

    async def get(self, asked: Asked, now: datetime) -> Answer | None:
        """The last good answer, however old; None where there was none yet."""
        if now >= self._ask_at.get(asked, now):
            self._ask_at[asked] = now + self._refresh
            try:
                self._last[asked] = await self._fetch(asked, now)
                self._problems.pop(asked, None)
            except (httpx.HTTPError, InvalidInput, ValueError) as error:
                self._ask_at[asked] = now + max(min(RETRY, self._refresh), _retry_after(error))
                self._problems[asked] = f"{type(error).__name__} {_said(error)}".strip()
                logger.warning("no %s for %s: %s", self._what, asked, self._problems[asked])
        return self._last.get(asked)

    def problem(self, asked: Asked) -> str:
        """Why the last ask failed; empty where it did not."""
        return self._problems.get(asked, "")


def _said(error: Exception) -> str:
    """The error in words, without the address asked, which may hold a secret."""
    return f"status {error.response.status_code}" if isinstance(error, httpx.HTTPStatusError) else str(error)


def _retry_after(error: Exception) -> timedelta:
    """How long a service that refused wants to be left alone (RFC 9110, section 10.2.3, in seconds)."""
    said = error.response.headers.get("Retry-After", "") if isinstance(error, httpx.HTTPStatusError) else ""
    return timedelta(seconds=min(int(said), LONGEST_RETRY_S) if said.isdecimal() else 0)
