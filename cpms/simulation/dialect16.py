"""OCPP 1.6J as a station speaks it. Source: OCPP 1.6 edition 2, chapters 4 to 7."""

from __future__ import annotations

import math

from cpms.ocpp.composite import ProfilePurpose, parse_v16
from cpms.simulation.messages import (
    ClearProfiles,
    Command,
    Kind,
    Message,
    Outcome,
    Payload,
    ReadComposite,
    ReadSettings,
    SetProfile,
    StartRemotely,
    StopRemotely,
    wire_time,
)
from cpms.simulation.plant import Reading

_PURPOSES = {purpose.value: purpose for purpose in ProfilePurpose} | {
    "ChargePointMaxProfile": ProfilePurpose.STATION_MAX
}


class Dialect16:
    """The 1.6 wording; stateless."""

    subprotocol = "ocpp1.6"
    chooses_transaction_id = False

    def encode(self, model: str, message: Message) -> tuple[str, Payload]:
        """Action and payload of a message."""
        at, transaction, reading = wire_time(message.at), message.transaction, message.reading
        match message.kind:
            case Kind.BOOT:
                return "BootNotification", {"chargePointVendor": "Virtual", "chargePointModel": model}
            case Kind.HEARTBEAT:
                return "Heartbeat", {}
            case Kind.STATUS:
                status = {"connectorId": message.connector_id, "status": message.state.value, "timestamp": at}
                return "StatusNotification", status | {"errorCode": "NoError"}
            case Kind.AUTHORIZE:
                return "Authorize", {"idTag": message.id_tag}
            case _:
                assert transaction is not None  # noqa: S101  the station makes these with both
                assert reading is not None  # noqa: S101
                return _transaction_message(message, int(transaction.id or 0), reading)

    def accepted(self, message: Message, answer: Payload) -> bool:
        """Whether the answer says yes; a transaction's start also brings its id."""
        if message.kind is Kind.BOOT:
            return bool(answer.get("status") == "Accepted")
        if message.kind is Kind.START and message.transaction is not None:
            message.transaction.id = str(answer["transactionId"])
        return bool(answer.get("idTagInfo", {}).get("status") == "Accepted")

    def command(self, action: str, payload: Payload) -> Command | None:
        """What the server asks for."""
        match action:
            case "SetChargingProfile":
                return SetProfile(parse_v16(int(payload["connectorId"]), payload["csChargingProfiles"]))
            case "ClearChargingProfile":
                purpose = payload.get("chargingProfilePurpose")
                return ClearProfiles(
                    id=payload.get("id"),
                    connector_id=payload.get("connectorId"),
                    purpose=None if purpose is None else _PURPOSES[purpose],
                    stack_level=payload.get("stackLevel"),
                )
            case "GetCompositeSchedule":
                return ReadComposite(int(payload["connectorId"]), int(payload["duration"]))
            case "GetConfiguration":
                return ReadSettings(tuple(payload.get("key", ())))
            case "RemoteStartTransaction":
                return _remote_start(payload)
            case "RemoteStopTransaction":
                return StopRemotely(str(payload["transactionId"]))
            case _:
                return None

    def reply(self, command: Command, outcome: Outcome) -> Payload:
        """The answer to a command."""
        match command:
            case ReadSettings():
                known = [
                    {"key": key, "readonly": True, "value": value}
                    for key, value in outcome.settings.items()
                    if value is not None
                ]
                unknown = [key for key, value in outcome.settings.items() if value is None]
                return {"configurationKey": known} | ({"unknownKey": unknown} if unknown else {})
            case ReadComposite() if outcome.accepted:
                return _composite(command, outcome)
            case ClearProfiles():
                return {"status": "Accepted" if outcome.accepted else "Unknown"}
            case _:
                return {"status": "Accepted" if outcome.accepted else "Rejected"}


def _remote_start(payload: Payload) -> StartRemotely:
    connector_id, profile = payload.get("connectorId"), payload.get("chargingProfile")
    stored = None if profile is None else parse_v16(int(connector_id or 0), profile)
    return StartRemotely(connector_id, str(payload["idTag"]), stored)


def _composite(command: ReadComposite, outcome: Outcome) -> Payload:
    assert outcome.starts_at is not None  # noqa: S101  accepted composites carry their start
    at = wire_time(outcome.starts_at)
    periods = [{"startPeriod": int(s), "limit": round(a, 1)} for s, a in outcome.schedule if math.isfinite(a)]
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": periods, "duration": command.duration_s}
    answer: Payload = {"status": "Accepted", "connectorId": command.connector_id, "scheduleStart": at}
    return answer | ({"chargingSchedule": schedule | {"startSchedule": at}} if periods else {})


def _transaction_message(message: Message, transaction_id: int, reading: Reading) -> tuple[str, Payload]:
    at, meter_wh = wire_time(message.at), round(reading.energy_kwh * 1000)
    if message.kind is Kind.START:
        payload = {"connectorId": message.connector_id, "idTag": message.id_tag, "meterStart": meter_wh}
        return "StartTransaction", payload | {"timestamp": at}
    if message.kind is Kind.STOP:
        payload = {"transactionId": transaction_id, "meterStop": meter_wh, "timestamp": at}
        return "StopTransaction", payload | {"idTag": message.id_tag, "reason": message.reason}
    values = {"timestamp": at, "sampledValue": _sampled(reading)}
    payload = {"connectorId": message.connector_id, "transactionId": transaction_id, "meterValue": [values]}
    return "MeterValues", payload


def _sampled(reading: Reading) -> list[Payload]:
    values = [
        {"measurand": "Energy.Active.Import.Register", "unit": "Wh", "value": f"{reading.energy_kwh * 1000:.1f}"},
        {"measurand": "Power.Active.Import", "unit": "W", "value": f"{reading.power_kw * 1000:.1f}"},
    ]
    for n, (current, voltage) in enumerate(zip(reading.current_a, reading.voltage_v, strict=True), start=1):
        values.append({"measurand": "Current.Import", "phase": f"L{n}", "unit": "A", "value": f"{current:.2f}"})
        values.append({"measurand": "Voltage", "phase": f"L{n}-N", "unit": "V", "value": f"{voltage:.1f}"})
    return values
