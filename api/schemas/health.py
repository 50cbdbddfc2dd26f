"""Health and readiness."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from api.ports import ComponentHealth
from api.schemas.common import View


class Alive(View):
    """The process answers."""

    status: Literal["ok"]


class ComponentView(View):
    """One part of the process."""

    name: str
    ok: bool
    detail: str
    since: datetime | None


class Readiness(View):
    """Whether every component works."""

    ready: bool
    components: list[ComponentView]

    @classmethod
    def of(cls, components: Sequence[ComponentHealth]) -> Readiness:
        """The readiness that follows from `components`."""
        views = [ComponentView(name=c.name, ok=c.ok, detail=c.detail, since=c.since) for c in components]
        return cls(ready=all(c.ok for c in components), components=views)
