"""What people ask of a station directly. A station that does not answer is a 503; its own refusal is an outcome."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.auth import OPERATOR
from api.dependencies import ServicesDep
from api.ports import Services
from api.schemas.common import ConnectorId, Id, Text
from api.schemas.stations import CommandView, RemoteStartBody, RemoteStopBody
from cpms.domain.command import Command, ReadCompositeSchedule, ReadConfiguration, RemoteStart, RemoteStop
from cpms.domain.errors import InvalidInput, StationUnreachable
from cpms.domain.identity import ConnectorKey
from cpms.domain.site import Station
from cpms.domain.telemetry import CommandOutcome

router = APIRouter(prefix="/stations/{station_id}", tags=["stations"])

SECRET_KEYS = frozenset({"AuthorizationKey", "SecurityCtrlr.BasicAuthPassword"})
"""Write-only by the specification; some stations show them all the same."""


@router.post("/remote-start", dependencies=[OPERATOR])
async def remote_start(station_id: Id, body: RemoteStartBody, services: ServicesDep) -> CommandView:
    """Ask a station to start charging at a connector."""
    station = await services.store.station(station_id)
    key = _connector_of(station, body.connector_id)
    return await _send(services, station, RemoteStart(key, body.id_tag))


@router.post("/remote-stop", dependencies=[OPERATOR])
async def remote_stop(station_id: Id, body: RemoteStopBody, services: ServicesDep) -> CommandView:
    """Ask a station to stop a transaction."""
    station = await services.store.station(station_id)
    return await _send(services, station, RemoteStop(body.transaction_id))


@router.get("/composite-schedule", dependencies=[OPERATOR])
async def read_composite_schedule(
    station_id: Id,
    services: ServicesDep,
    connector_id: ConnectorId = 1,
    duration_s: Annotated[int, Query(ge=1, le=86_400)] = 3600,
) -> CommandView:
    """Ask a station which limits it will keep, in A per phase."""
    station = await services.store.station(station_id)
    return await _send(services, station, ReadCompositeSchedule(_connector_of(station, connector_id), duration_s))


@router.get("/configuration", dependencies=[OPERATOR])
async def read_configuration(
    station_id: Id, services: ServicesDep, key: Annotated[list[Text] | None, Query(max_length=50)] = None
) -> CommandView:
    """Ask a station for its configuration keys or variables; without `key`, for all it gives."""
    station = await services.store.station(station_id)
    answer = await _send(services, station, ReadConfiguration(tuple(key or ())))
    shown = {name: "(not shown)" if name in SECRET_KEYS else value for name, value in answer.values.items()}
    return CommandView(outcome=answer.outcome, detail=answer.detail, values=shown)


def _connector_of(station: Station, connector_id: int) -> ConnectorKey:
    key = ConnectorKey(station.id, connector_id)
    known = [connector.key for connector in station.connectors_in_service]
    if key not in known:
        raise InvalidInput(
            "connector_id", f"{connector_id} is not one of {station.id}", f"use {[k.connector_id for k in known]}"
        )
    return key


async def _send(services: Services, station: Station, command: Command) -> CommandView:
    if station.id not in services.live.connected():
        raise StationUnreachable(f"Station {station.id} is not connected.")
    result = await services.live.send(station.id, command)
    if result.outcome is CommandOutcome.UNREACHABLE:
        raise StationUnreachable(f"Station {station.id} went away before it answered.")
    if result.outcome is CommandOutcome.TIMED_OUT:
        raise StationUnreachable(f"Station {station.id} did not answer in time; it may or may not have done it.")
    return CommandView.of(result)
