"""Failed logins are counted: who guesses keys waits."""

from __future__ import annotations

from collections import OrderedDict

from cpms.ocpp.handshake import Refused

MAX_FAILURES = 10
WINDOW_S = 60.0
_MAX_SOURCES = 10_000


class Attempts:
    """Failures per source (host and claimed station) within `WINDOW_S` [s]; others are not disturbed."""

    def __init__(self) -> None:
        self._failures: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def require_few(self, source: str, now_s: float) -> None:
        """Refused (429) while there were `MAX_FAILURES` in the window."""
        since_s, count = self._failures.get(source, (now_s, 0))
        if count >= MAX_FAILURES and now_s - since_s < WINDOW_S:
            raise Refused(429, "Too many failed attempts. Wait a minute.")

    def failed(self, source: str, now_s: float) -> None:
        """One more failure; the window starts at the first."""
        since_s, count = self._failures.get(source, (now_s, 0))
        if now_s - since_s >= WINDOW_S:
            since_s, count = now_s, 0
        self._failures[source] = (since_s, count + 1)
        if len(self._failures) > _MAX_SOURCES:
            self._failures.popitem(last=False)

    def succeeded(self, source: str) -> None:
        """A right key forgives."""
        self._failures.pop(source, None)

    def forget(self, now_s: float) -> None:
        """Drop what is out of its window, oldest first."""
        while self._failures:
            source, (since_s, _) = next(iter(self._failures.items()))
            if now_s - since_s < WINDOW_S:
                return
            del self._failures[source]
