"""Answers and requests to a 2.0.1 station, and what its answers mean."""

from __future__ import annotations

import re
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
    "SmartChargingCtrlr.ProfileStackLevel",
    "SmartChargingCtrlr.RateUnit",
    "SmartChargingCtrlr.PeriodsPerSchedule",
    "SmartChargingCtrlr.Entries[ChargingProfiles]",
    "SmartChargingCtrlr.ACPhaseSwitchingSupported",
)

_KEY = re.compile(r"([^.\[\]]+)\.([^\[\]]+)(?:\[(.+)\])?")


def answer(action: str, incoming: Incoming, reply: Reply, now: datetime) -> Mapping[str, Any]:
    """The payload that says `reply`. ProtocolError if it does not fit the question."""
    match action, reply:
        case "Heartbeat", _:
            return {"currentTime": write_instant(now)}
        case "BootNotification", BootReply():
            return _boot(reply, now)
        case "Authorize", AuthorizeReply():
            return _id_token_info(reply.status)
        case "TransactionEvent", TransactionReply() if incoming.has_id_tag:
            return _id_token_info(reply.status or AuthorizationStatus.ACCEPTED)
        case "DataTransfer", _:
            return {"status": "UnknownVendorId"}
        case (("BootNotification" | "Authorize"), _):
            raise unfit(action, reply)
    return {}


def request(command: Command, abilities: ProfileAbilities, now: datetime, number: int) -> Outgoing:
    """A command as a request. InvalidInput if 2.0.1 cannot say it."""
    match command:
        case InstallGrant():
            profile = profiles.v201(command.grant, command.connector, abilities, now)
            evse_id = command.grant.connector.connector_id
            return Outgoing("SetChargingProfile", {"evseId": evse_id, "chargingProfile": profile})
        case ClearProfiles():
            criteria = {"evseId": command.connector.connector_id, "chargingProfilePurpose": "TxProfile"}
            return Outgoing("ClearChargingProfile", {"chargingProfileCriteria": criteria})
        case ReadCompositeSchedule():
            question = {"evseId": command.connector.connector_id, "duration": command.duration_s}
            return Outgoing("GetCompositeSchedule", question | {"chargingRateUnit": "A"})
        case ReadConfiguration():
            return Outgoing(
                "GetVariables", {"getVariableData": [_variable(k) for k in command.keys or CAPABILITY_KEYS]}
            )
        case RemoteStart():
            token = {"idToken": command.id_tag, "type": "Central"}
            start = {"evseId": command.connector.connector_id, "remoteStartId": number, "idToken": token}
            return Outgoing("RequestStartTransaction", start)
        case RemoteStop():
            return Outgoing("RequestStopTransaction", {"transactionId": command.transaction_id})


def result(command: Command, payload: Mapping[str, Any]) -> CommandResult:
    """What a station's answer to `command` means."""
    match command:
        case ClearProfiles():
            return cleared_result(payload)
        case ReadCompositeSchedule():
            return _composite_schedule(payload)
        case ReadConfiguration():
            return CommandResult(CommandOutcome.ACCEPTED, "", _variables(payload))
    return status_result(payload)


def capabilities(station_id: str, now: datetime, values: Mapping[str, Any]) -> StationCapabilities:
    """What GetVariables says of smart charging; the number of EVSEs is no variable of it."""
    stack_level, units, periods, installed, selects_phase = (values.get(key) for key in CAPABILITY_KEYS)
    return StationCapabilities(
        station_id,
        now,
        max_stack_level=whole_number(stack_level),
        max_periods=whole_number(periods),
        max_profiles=whole_number(installed),
        rate_units=rate_units(units),
        selects_phase=str(selects_phase).strip().lower() == "true",
    )


def _boot(reply: BootReply, now: datetime) -> dict[str, Any]:
    status = "Accepted" if reply.accepted else "Rejected"
    return {"status": status, "currentTime": write_instant(now), "interval": reply.heartbeat_interval_s}


def _id_token_info(status: AuthorizationStatus) -> dict[str, Any]:
    return {"idTokenInfo": {"status": status.value}}


def _composite_schedule(payload: Mapping[str, Any]) -> CommandResult:
    schedule = payload.get("schedule")
    start = schedule.get("scheduleStart") if isinstance(schedule, Mapping) else None
    return CommandResult(outcome_of(payload.get("status")), "", {"start": start, "schedule": schedule})


def _variable(key: str) -> dict[str, Any]:
    match = _KEY.fullmatch(key)
    component, variable, instance = match.groups() if match else (key, key, None)
    named = {"name": variable} | ({"instance": instance} if instance else {})
    return {"component": {"name": component}, "variable": named}


def _variables(payload: Mapping[str, Any]) -> dict[str, object]:
    results = payload.get("getVariableResult")
    found: dict[str, object] = {}
    for entry in results if isinstance(results, list) else []:
        if isinstance(entry, dict) and entry.get("attributeStatus") == "Accepted":
            component, variable = entry.get("component") or {}, entry.get("variable") or {}
            instance = f"[{variable['instance']}]" if variable.get("instance") else ""
            found[f"{component.get('name')}.{variable.get('name')}{instance}"] = entry.get("attributeValue")
    return found
