"""When to ask for a plan: soon after something that matters, at the latest every cycle, never twice at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cpms.control.settings import ControlSettings


@dataclass
class Replanning:
    """Reasons gather from `since` on while a request is under way or the debounce lasts; one request answers all of them."""

    settings: ControlSettings
    site_id: str
    epoch: int
    reasons: list[str] = field(default_factory=list)
    since: datetime | None = None
    asked_at: datetime | None = None
    request_id: str | None = None
    count: int = 0

    def need(self, reason: str, now: datetime) -> None:
        """Something that matters happened."""
        if reason not in self.reasons:
            self.reasons.append(reason)
        self.since = self.since or now

    def due(self, now: datetime) -> bool:
        """Whether to ask now."""
        return now >= self.due_at()

    def due_at(self) -> datetime:
        """When to ask next."""
        if self.asked_at is None:
            return self.since or datetime.fromtimestamp(0, UTC)
        if self.request_id is not None:
            return self.asked_at + timedelta(seconds=self.settings.plan_timeout_s)
        cycle_at = self.asked_at + timedelta(seconds=self.settings.cycle_s)
        if self.since is None:
            return cycle_at
        return min(cycle_at, self.since + timedelta(seconds=self.settings.replan_debounce_s))

    def failed(self, request_id: str, now: datetime) -> None:
        """The request under way brought nothing: ask again after a pause."""
        if self.answered(request_id):
            self.reasons = [*self.reasons, "the last plan failed"]
            self.since = now + timedelta(seconds=self.settings.retry_s)

    def ask(self, now: datetime) -> str:
        """A new request goes out; its id."""
        self.count += 1
        self.request_id = f"{self.site_id}:{self.epoch}:{self.count}"
        self.asked_at, self.since, self.reasons = now, None, []
        return self.request_id

    def answered(self, request_id: str) -> bool:
        """Whether this is the answer to the request under way, which is then over."""
        if request_id != self.request_id:
            return False
        self.request_id = None
        return True
