"""Sessions and what they need."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query

from api.auth import OPERATOR, VIEWER
from api.dependencies import ServicesDep
from api.schemas.common import Id, Items
from api.schemas.sessions import NeedBody, SampleView, SessionView
from cpms.domain.errors import Conflict, InvalidInput

router = APIRouter(prefix="/sessions", tags=["sessions"])


@router.get("", dependencies=[VIEWER])
async def list_sessions(
    services: ServicesDep,
    site_id: Id | None = None,
    station_id: Id | None = None,
    open_only: Annotated[bool, Query(alias="open", description="Only those that have not ended")] = False,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Items[SessionView]:
    """Sessions, newest first; also those of stations and sites that are retired."""
    if site_id is not None:
        await services.store.site(site_id, retired=True)
    if station_id is not None:
        await services.store.station(station_id)
    sessions = await services.store.sessions(site_id=site_id, station_id=station_id, open_only=open_only, limit=limit)
    return Items(items=[SessionView.of(session) for session in sessions])


@router.get("/{session_id}", dependencies=[VIEWER])
async def read_session(session_id: Id, services: ServicesDep) -> SessionView:
    """One session."""
    return SessionView.of(await services.store.session(session_id))


@router.get("/{session_id}/samples", dependencies=[VIEWER])
async def list_samples(session_id: Id, services: ServicesDep) -> Items[SampleView]:
    """The meter readings of a session, the one at its end included, oldest first."""
    session = await services.store.session(session_id)
    until = session.ended_at or services.clock.now()
    samples = await services.store.samples(session.connector, session.started_at, until + timedelta.resolution)
    return Items(items=[SampleView.of(sample) for sample in samples])


@router.put("/{session_id}/need", dependencies=[OPERATOR])
async def put_need(session_id: Id, body: NeedBody, services: ServicesDep) -> SessionView:
    """Say what a session needs: energy counted from its start, and until when."""
    session = await services.store.session(session_id)
    if session.ended_at is not None:
        raise Conflict(f"Session {session_id} has ended.")
    if body.departs_at <= session.started_at:
        raise InvalidInput("departs_at", "is not after the session's start", "give a later instant")
    changed = await services.store.set_need(session_id, body.to_domain(), priority=body.priority)
    await services.live.need_changed(session_id)
    return SessionView.of(changed)
