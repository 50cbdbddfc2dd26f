"""OCPP 2.0.1 as a station speaks it. Source: OCPP 2.0.1 edition 3, part 2 (use cases B, C, E, J, K)."""

from __future__ import annotations

import math

from cpms.ocpp.composite import ProfilePurpose, parse_v201
from cpms.simulation.messages import (
    ClearProfiles,
    Command,
    Kind,
    Message,
    Outcome,
    Payload,
    ReadComposite,
    ReadInventory,
    ReadSettings,
    SetProfile,
    StartRemotely,
    State,
    StopRemotely,
    wire_time,
)
from cpms.simulation.plant import Reading

_CHARGING_STATES = {
    State.PREPARING: "EVConnected",
    State.CHARGING: "Charging",
    State.SUSPENDED_EV: "SuspendedEV",
    State.SUSPENDED_EVSE: "SuspendedEVSE",
    State.FINISHING: "EVConnected",
    State.AVAILABLE: "Idle",
}
_EVENTS = {
    Kind.START: ("Started", "Authorized", "Transaction.Begin"),
    Kind.METER: ("Updated", "MeterValuePeriodic", "Sample.Periodic"),
    Kind.STOP: ("Ended", "EVCommunicationLost", "Transaction.End"),
}
_ENDED_BY = {"Remote": "RemoteStop", "DeAuthorized": "Deauthorized"}


class Dialect201:
    """The 2.0.1 wording; stateless."""

    subprotocol = "ocpp2.0.1"
    chooses_transaction_id = True

    def encode(self, model: str, message: Message) -> tuple[str, Payload]:
        """Action and payload of a message."""
        match message.kind:
            case Kind.BOOT:
                station = {"vendorName": "Virtual", "model": model}
                return "BootNotification", {"reason": "PowerUp", "chargingStation": station}
            case Kind.HEARTBEAT:
                return "Heartbeat", {}
            case Kind.STATUS:
                status = "Available" if message.state is State.AVAILABLE else "Occupied"
                place = {"evseId": message.connector_id, "connectorId": 1}
                return "StatusNotification", place | {"timestamp": wire_time(message.at), "connectorStatus": status}
            case Kind.AUTHORIZE:
                return "Authorize", {"idToken": _id_token(message.id_tag)}
            case _:
                return "TransactionEvent", _transaction_event(message)

    def accepted(self, message: Message, answer: Payload) -> bool:
        """Whether the answer says yes; one to a transaction's start without an opinion on the token counts as yes."""
        if message.kind is Kind.BOOT:
            return bool(answer.get("status") == "Accepted")
        silence = "Accepted" if message.kind is Kind.START else None
        return bool(answer.get("idTokenInfo", {}).get("status", silence) == "Accepted")

    def command(self, action: str, payload: Payload) -> Command | None:
        """What the server asks for."""
        match action:
            case "SetChargingProfile":
                return SetProfile(parse_v201(int(payload["evseId"]), payload["chargingProfile"]))
            case "ClearChargingProfile":
                return _clear(payload)
            case "GetCompositeSchedule":
                return ReadComposite(int(payload["evseId"]), int(payload["duration"]))
            case "GetVariables":
                return ReadSettings(tuple(_variable(data) for data in payload["getVariableData"]))
            case "GetBaseReport":
                return ReadInventory()
            case "RequestStartTransaction":
                evse_id, profile = payload.get("evseId"), payload.get("chargingProfile")
                stored = None if profile is None else parse_v201(int(evse_id or 0), profile)
                return StartRemotely(evse_id, str(payload["idToken"]["idToken"]), stored)
            case "RequestStopTransaction":
                return StopRemotely(str(payload["transactionId"]))
            case _:
                return None

    def reply(self, command: Command, outcome: Outcome) -> Payload:
        """The answer to a command."""
        match command:
            case ReadSettings():
                return {"getVariableResult": [_result(key, value) for key, value in outcome.settings.items()]}
            case ReadComposite() if outcome.accepted:
                return _composite(command, outcome)
            case ReadInventory():
                return {"status": "EmptyResultSet"}
            case ClearProfiles():
                return {"status": "Accepted" if outcome.accepted else "Unknown"}
            case _:
                return {"status": "Accepted" if outcome.accepted else "Rejected"}


def _clear(payload: Payload) -> ClearProfiles:
    criteria = payload.get("chargingProfileCriteria") or {}
    purpose = criteria.get("chargingProfilePurpose")
    return ClearProfiles(
        id=payload.get("chargingProfileId"),
        connector_id=criteria.get("evseId"),
        purpose=None if purpose is None else ProfilePurpose(purpose),
        stack_level=criteria.get("stackLevel"),
    )


def _variable(data: Payload) -> str:
    instance = data["variable"].get("instance")
    name = data["variable"]["name"] + (f"[{instance}]" if instance else "")
    return f"{data['component']['name']}.{name}"


def _result(key: str, value: str | None) -> Payload:
    component, _, variable = key.partition(".")
    name, _, instance = variable.rstrip("]").partition("[")
    result: Payload = {
        "component": {"name": component},
        "variable": {"name": name} | ({"instance": instance} if instance else {}),
        "attributeStatus": "UnknownVariable" if value is None else "Accepted",
    }
    return result if value is None else result | {"attributeValue": value}


def _composite(command: ReadComposite, outcome: Outcome) -> Payload:
    assert outcome.starts_at is not None  # noqa: S101  accepted composites carry their start
    periods = [{"startPeriod": int(s), "limit": round(a, 1)} for s, a in outcome.schedule if math.isfinite(a)]
    if not periods:
        return {"status": "Rejected"}
    schedule = {"evseId": command.connector_id, "duration": command.duration_s, "chargingRateUnit": "A"}
    timed = {"scheduleStart": wire_time(outcome.starts_at), "chargingSchedulePeriod": periods}
    return {"status": "Accepted", "schedule": schedule | timed}


def _id_token(id_tag: str) -> Payload:
    return {"idToken": id_tag, "type": "ISO14443"}


def _transaction_event(message: Message) -> Payload:
    assert message.transaction is not None  # noqa: S101  the station makes these with both
    assert message.reading is not None  # noqa: S101
    event, trigger, context = _EVENTS[message.kind]
    info: Payload = {"transactionId": message.transaction.id, "chargingState": _CHARGING_STATES[message.state]}
    values = {"timestamp": wire_time(message.at), "sampledValue": _sampled(message.reading, context)}
    payload: Payload = {
        "eventType": event,
        "timestamp": wire_time(message.at),
        "triggerReason": _ENDED_BY.get(message.reason, trigger),
        "seqNo": message.sequence_number,
        "offline": message.offline,
        "evse": {"id": message.connector_id, "connectorId": 1},
        "meterValue": [values],
    }
    if message.kind is Kind.START:
        payload["idToken"] = _id_token(message.id_tag)
    if message.kind is Kind.STOP:
        info["stoppedReason"] = message.reason
    return payload | {"transactionInfo": info}


def _sampled(reading: Reading, context: str) -> list[Payload]:
    def value(measurand: str, unit: str, number: float, phase: str | None = None) -> Payload:
        sampled: Payload = {"measurand": measurand, "value": round(number, 2), "unitOfMeasure": {"unit": unit}}
        return sampled | {"context": context} | ({} if phase is None else {"phase": phase})

    values = [
        value("Energy.Active.Import.Register", "Wh", reading.energy_kwh * 1000),
        value("Power.Active.Import", "W", reading.power_kw * 1000),
    ]
    for n, (current, voltage) in enumerate(zip(reading.current_a, reading.voltage_v, strict=True), start=1):
        values.append(value("Current.Import", "A", current, f"L{n}"))
        values.append(value("Voltage", "V", voltage, f"L{n}-N"))
    return values
