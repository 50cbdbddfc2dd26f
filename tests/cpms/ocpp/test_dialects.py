"""Everything we send satisfies the schemas of the specification, in both versions."""

import decimal
import json
from typing import Any

import pytest
from ocpp.messages import MessageType, get_validator

from cpms.domain.command import (
    ClearProfiles,
    Command,
    InstallGrant,
    ReadCompositeSchedule,
    ReadConfiguration,
    RemoteStart,
    RemoteStop,
)
from cpms.domain.errors import ProtocolError
from cpms.domain.identity import AuthorizationStatus
from cpms.domain.telemetry import AuthorizeReply, BootReply, CommandOutcome, Reply, TransactionReply
from cpms.ocpp.answers import rate_units
from cpms.ocpp.context import Incoming
from cpms.ocpp.profiles import ProfileAbilities
from cpms.ocpp.v16.dialect import V16
from cpms.ocpp.v201.dialect import V201
from tests.cpms.ocpp.grants import CONNECTOR, KEY, NOW, grant

DIALECTS = [V16(), V201()]
VERSIONS = {"ocpp1.6": "1.6", "ocpp2.0.1": "2.0.1"}
COMMANDS: list[Command] = [
    InstallGrant(grant(16.1, 9.7), CONNECTOR),
    InstallGrant(grant(transaction_id=None), CONNECTOR),
    ClearProfiles(KEY),
    ReadCompositeSchedule(KEY, 3600),
    ReadConfiguration(),
    ReadConfiguration(("HeartbeatInterval", "SmartChargingCtrlr.Entries[ChargingProfiles]")),
    RemoteStart(KEY, "TAG"),
    RemoteStop("7"),
]
REPLIES: list[tuple[str, str, Reply]] = [
    ("BootNotification", "BootNotification", BootReply(60)),
    ("BootNotification", "BootNotification", BootReply(60, accepted=False)),
    ("Heartbeat", "Heartbeat", None),
    ("StatusNotification", "StatusNotification", None),
    ("MeterValues", "MeterValues", None),
    ("DataTransfer", "DataTransfer", None),
    *(("Authorize", "Authorize", AuthorizeReply(status)) for status in AuthorizationStatus),
    ("StartTransaction", "TransactionEvent", TransactionReply("7", AuthorizationStatus.ACCEPTED)),
    ("StopTransaction", "TransactionEvent", TransactionReply("7", AuthorizationStatus.INVALID)),
    ("StopTransaction", "TransactionEvent", TransactionReply("7")),
]


def validate(kind: int, action: str, protocol: str, payload: Any) -> None:
    exact = json.loads(json.dumps(payload), parse_float=decimal.Decimal)
    get_validator(kind, action, VERSIONS[protocol], decimal.Decimal).validate(exact)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: type(c).__name__)
def test_every_request_is_valid(dialect: Any, command: Command):
    request = dialect.request(command, ProfileAbilities(), NOW, 1)
    validate(MessageType.Call, request.action, dialect.protocol, request.payload)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("old", "new", "reply"), REPLIES)
@pytest.mark.parametrize("has_id_tag", [True, False])
def test_every_answer_is_valid(dialect: Any, old: str, new: str, reply: Reply, has_id_tag: bool):
    action = old if dialect.protocol == "ocpp1.6" else new
    payload = dialect.answer(action, Incoming(None, has_id_tag), reply, NOW)
    validate(MessageType.CallResult, action, dialect.protocol, payload)


@pytest.mark.parametrize(
    ("dialect", "action"),
    [(d, a) for d in DIALECTS for a in ("BootNotification", "Authorize")] + [(V16(), "StartTransaction")],
)
def test_a_question_without_its_answer_is_an_error(dialect: Any, action: str):
    with pytest.raises(ProtocolError, match=action):
        dialect.answer(action, Incoming(None), None, NOW)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_nothing_to_clear_is_as_good_as_cleared(dialect: Any):
    assert dialect.result(ClearProfiles(KEY), {"status": "Unknown"}).outcome is CommandOutcome.ACCEPTED


def test_composite_schedules_are_handed_on_as_they_are():
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16}]}
    old = {"status": "Accepted", "scheduleStart": "2026-06-01T12:00:00Z", "chargingSchedule": schedule}
    new = {"status": "Accepted", "schedule": schedule | {"scheduleStart": "2026-06-01T12:00:00Z"}}
    for dialect, payload in zip(DIALECTS, (old, new), strict=True):
        result = dialect.result(ReadCompositeSchedule(KEY, 60), payload)
        assert (result.outcome, result.values["start"]) == (CommandOutcome.ACCEPTED, "2026-06-01T12:00:00Z")


def test_variables_are_named_as_they_are_asked_for():
    names = {
        "component": {"name": "SmartChargingCtrlr"},
        "variable": {"name": "Entries", "instance": "ChargingProfiles"},
    }
    results = [
        names | {"attributeStatus": "Accepted", "attributeValue": "4"},
        names | {"attributeStatus": "Rejected"},
        7,
    ]
    result = V201().result(ReadConfiguration(), {"getVariableResult": results})
    assert result.values == {"SmartChargingCtrlr.Entries[ChargingProfiles]": "4"}
    capabilities = V201().capabilities("ST-1", NOW, result.values)
    assert (capabilities.max_profiles, capabilities.max_periods) == (4, None)


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("Current", "A"),
        ("Power", "W"),
        ("Current,Power", "AW"),
        ("W, A", "AW"),
        ("w", "W"),
        ("", "A"),
        (None, "A"),
        ("?", "A"),
    ],
)
def test_rate_units_are_understood_in_every_spelling(text: str | None, units: str):
    assert rate_units(text) == frozenset(units)
