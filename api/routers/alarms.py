"""What somebody should look at."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter

from api.auth import VIEWER
from api.dependencies import ServicesDep
from api.schemas.common import Id, Instant, Items
from api.schemas.state import AlarmView

router = APIRouter(prefix="/sites/{site_id}/alarms", tags=["alarms"])

DEFAULT_HISTORY = timedelta(days=7)


@router.get("", dependencies=[VIEWER])
async def list_alarms(site_id: Id, services: ServicesDep, since: Instant | None = None) -> Items[AlarmView]:
    """Alarms from `since` on; by default those of the last seven days."""
    await services.store.site(site_id)
    since = since or services.clock.now() - DEFAULT_HISTORY
    return Items(items=[AlarmView.of(alarm) for alarm in await services.store.alarms(site_id, since)])
