"""Answers and requests to a 1.6 station, and what its answers mean."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cpms.domain.command import (
    ClearProfiles,
    Command,
    InstallGrant,
    ReadCompositeSchedule,
    ReadConfiguration,
    RemoteStart,
    RemoteStop,
)
from cpms.domain.identity import AuthorizationStatus
from cpms.domain.telemetry import (
    AuthorizeReply,
    BootReply,
    CommandOutcome,
    CommandResult,
    Reply,
    StationCapabilities,
    TransactionReply,
)
from cpms.ocpp import profiles
from cpms.ocpp.answers import cleared_result, outcome_of, rate_units, status_result, unfit, whole_number
from cpms.ocpp.context import Incoming, Outgoing
from cpms.ocpp.profiles import ProfileAbilities
from cpms.ocpp.station_time import write_instant

CAPABILITY_KEYS = (
    "ChargeProfileMaxStackLevel",
    "ChargingScheduleAllowedChargingRateUnit",
    "ChargingScheduleMaxPeriods",
    "MaxChargingProfilesInstalled",
    "NumberOfConnectors",
)


def answer(action: str, incoming: Incoming, reply: Reply, now: datetime) -> Mapping[str, Any]:
    """The payload that says `reply`. ProtocolError if it does not fit the question."""
    match action, reply:
        case "Heartbeat", _:
            return {"currentTime": write_instant(now)}
        case "BootNotification", BootReply():
            return _boot(reply, now)
        case "Authorize", AuthorizeReply():
            return _id_tag_info(reply.status)
        case "StartTransaction", TransactionReply():
            number = profiles.transaction_number(reply.transaction_id)
            return {"transactionId": number, **_id_tag_info(reply.status or AuthorizationStatus.ACCEPTED)}
        case "StopTransaction", TransactionReply() if incoming.has_id_tag:
            return _id_tag_info(reply.status or AuthorizationStatus.ACCEPTED)
        case "DataTransfer", _:
            return {"status": "UnknownVendorId"}
        case (("BootNotification" | "Authorize" | "StartTransaction"), _):
            raise unfit(action, reply)
    return {}


def request(command: Command, abilities: ProfileAbilities, now: datetime, number: int) -> Outgoing:
    """A command as a request. InvalidInput if 1.6 cannot say it."""
    match command:
        case InstallGrant():
            profile = profiles.v16(command.grant, command.connector, abilities, now)
            connector_id = command.grant.connector.connector_id
            return Outgoing("SetChargingProfile", {"connectorId": connector_id, "csChargingProfiles": profile})
        case ClearProfiles():
            criteria = {"connectorId": command.connector.connector_id, "chargingProfilePurpose": "TxProfile"}
            return Outgoing("ClearChargingProfile", criteria)
        case ReadCompositeSchedule():
            question = {"connectorId": command.connector.connector_id, "duration": command.duration_s}
            return Outgoing("GetCompositeSchedule", question | {"chargingRateUnit": "A"})
        case ReadConfiguration():
            return Outgoing("GetConfiguration", {"key": list(command.keys)} if command.keys else {})
        case RemoteStart():
            start = {"connectorId": command.connector.connector_id, "idTag": command.id_tag}
            return Outgoing("RemoteStartTransaction", start)
        case RemoteStop():
            transaction = {"transactionId": profiles.transaction_number(command.transaction_id)}
            return Outgoing("RemoteStopTransaction", transaction)


def result(command: Command, payload: Mapping[str, Any]) -> CommandResult:
    """What a station's answer to `command` means."""
    match command:
        case ClearProfiles():
            return cleared_result(payload)
        case ReadCompositeSchedule():
            schedule = payload.get("chargingSchedule")
            start = payload.get("scheduleStart")
            return CommandResult(outcome_of(payload.get("status")), "", {"start": start, "schedule": schedule})
        case ReadConfiguration():
            return CommandResult(CommandOutcome.ACCEPTED, "", _configuration(payload))
    return status_result(payload)


def capabilities(station_id: str, now: datetime, values: Mapping[str, Any]) -> StationCapabilities:
    """What GetConfiguration says of smart charging."""
    stack_level, units, periods, installed, connectors = (values.get(key) for key in CAPABILITY_KEYS)
    return StationCapabilities(
        station_id,
        now,
        max_stack_level=whole_number(stack_level),
        max_periods=whole_number(periods),
        max_profiles=whole_number(installed),
        rate_units=rate_units(units),
        connector_count=whole_number(connectors),
    )


def _boot(reply: BootReply, now: datetime) -> dict[str, Any]:
    status = "Accepted" if reply.accepted else "Rejected"
    return {"status": status, "currentTime": write_instant(now), "interval": reply.heartbeat_interval_s}


def _id_tag_info(status: AuthorizationStatus) -> dict[str, Any]:
    return {"idTagInfo": {"status": status.value}}


def _configuration(payload: Mapping[str, Any]) -> dict[str, object]:
    keys = payload.get("configurationKey")
    entries = [entry for entry in keys if isinstance(entry, dict)] if isinstance(keys, list) else []
    return {str(entry["key"]): entry.get("value") for entry in entries if "key" in entry}
