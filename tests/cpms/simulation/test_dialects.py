"""What stations word is held against the schemas that come with the `ocpp` package, as a neutral reader."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from importlib import resources
from typing import Any

import jsonschema
import pytest

from cpms.simulation.dialect16 import Dialect16
from cpms.simulation.dialect201 import Dialect201
from cpms.simulation.messages import (
    ClearProfiles,
    Command,
    Dialect,
    Kind,
    Message,
    Outcome,
    ReadComposite,
    ReadInventory,
    ReadSettings,
    SetProfile,
    StartRemotely,
    State,
    StopRemotely,
    Transaction,
)
from cpms.simulation.plant import Reading

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
READING = Reading(12.3456, 7.1, (10.01, 10.02, 10.03), (229.9, 230.1, 230.2), 16.0)
DIALECTS: dict[str, Dialect] = {"v16": Dialect16(), "v201": Dialect201()}


def require_valid(version: str, name: str, payload: dict[str, Any]) -> None:
    file = resources.files("ocpp").joinpath(version, "schemas", f"{name}.json")
    jsonschema.Draft6Validator(json.loads(file.read_text("utf-8-sig"))).validate(payload)


@pytest.mark.parametrize("version", DIALECTS)
@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("state", State)
def test_every_message_keeps_to_its_schema(version: str, kind: Kind, state: State) -> None:
    reasons = ["EVDisconnected", "Remote", "DeAuthorized"] if kind is Kind.STOP else [""]
    for reason in reasons:
        transaction = Transaction(1, "TAG", NOW, id="77")
        message = Message(kind, NOW, 1, state, "TAG", transaction, READING, 3, True, reason)
        action, payload = DIALECTS[version].encode("model", message)
        require_valid(version, action + ("Request" if version == "v201" else ""), payload)


SETTINGS = {"SmartChargingCtrlr.Entries[ChargingProfiles]": "10", "SmartChargingCtrlr.Nope": None}
ANSWERS: list[tuple[str, str | None, Command, Outcome]] = [
    ("SetChargingProfile", "SetChargingProfile", SetProfile(None), Outcome(True)),  # type: ignore[arg-type]
    ("ClearChargingProfile", "ClearChargingProfile", ClearProfiles(), Outcome(False)),
    ("GetCompositeSchedule", "GetCompositeSchedule", ReadComposite(1, 60), Outcome(True, ((0.0, 6.04),), NOW)),
    ("GetCompositeSchedule", "GetCompositeSchedule", ReadComposite(1, 60), Outcome(True, ((0.0, float("inf")),), NOW)),
    ("GetCompositeSchedule", "GetCompositeSchedule", ReadComposite(9, 60), Outcome(False)),
    ("GetConfiguration", "GetVariables", ReadSettings(), Outcome(True, settings=SETTINGS)),
    ("RemoteStartTransaction", "RequestStartTransaction", StartRemotely(1, "TAG"), Outcome(True)),
    ("RemoteStopTransaction", "RequestStopTransaction", StopRemotely("77"), Outcome(False)),
]


@pytest.mark.parametrize(("name16", "name201", "command", "outcome"), ANSWERS)
def test_every_answer_keeps_to_its_schema(name16: str, name201: str, command: Command, outcome: Outcome) -> None:
    require_valid("v16", f"{name16}Response", DIALECTS["v16"].reply(command, outcome))
    require_valid("v201", f"{name201}Response", DIALECTS["v201"].reply(command, outcome))


def test_an_inventory_is_empty() -> None:
    require_valid("v201", "GetBaseReportResponse", DIALECTS["v201"].reply(ReadInventory(), Outcome(True)))


def test_energy_goes_over_the_wire_in_watt_hours() -> None:
    message = Message(Kind.START, NOW, 1, transaction=Transaction(1, "TAG", NOW), reading=READING)
    assert DIALECTS["v16"].encode("m", message)[1]["meterStart"] == 12346


def test_clearing_reads_both_forms_of_criteria() -> None:
    criteria = {"chargingProfilePurpose": "TxProfile", "stackLevel": 2}
    old = DIALECTS["v16"].command("ClearChargingProfile", {"connectorId": 1} | criteria)
    new = DIALECTS["v201"].command("ClearChargingProfile", {"chargingProfileCriteria": {"evseId": 1} | criteria})
    assert old == new
    assert isinstance(old, ClearProfiles)
    assert old.stack_level == 2
