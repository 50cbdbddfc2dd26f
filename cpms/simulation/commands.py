"""How a virtual station answers what the server asks of it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Protocol

from cpms.domain.errors import InvalidInput
from cpms.domain.site import Station
from cpms.simulation.messages import (
    ClearProfiles,
    Command,
    Dialect,
    Outcome,
    Outlet,
    ReadComposite,
    ReadInventory,
    ReadSettings,
    SetProfile,
    StartRemotely,
    StopRemotely,
)
from cpms.simulation.profiles import MAX_PERIODS, MAX_PROFILES, MAX_STACK_LEVEL, ProfileStore


class Commanded(Protocol):
    """What commands act upon: a virtual station."""

    station: Station
    dialect: Dialect
    outlets: dict[int, Outlet]
    profiles: ProfileStore

    def start(self, outlet: Outlet, now: datetime) -> None:
        """Begin a transaction."""
        ...

    def stop(self, outlet: Outlet, reason: str, now: datetime) -> None:
        """End the transaction."""
        ...

    def limit_changed(self) -> None:
        """Profiles changed."""
        ...


def answer(station: Commanded, message_id: str, action: str, payload: dict[str, Any], now: datetime) -> str:
    """The frame that answers a CALL: its result, or NotImplemented, or FormationViolation if it cannot be read."""
    try:
        command = station.dialect.command(action, payload)
    except (KeyError, TypeError, ValueError, AttributeError, InvalidInput) as problem:
        return json.dumps([4, message_id, "FormationViolation", str(problem), {}])
    if command is None:
        return json.dumps([4, message_id, "NotImplemented", f"{action} is unknown to this station", {}])
    return json.dumps([3, message_id, station.dialect.reply(command, obey(station, command, now))])


def obey(station: Commanded, command: Command, now: datetime) -> Outcome:
    """Do it, if it can be done."""
    match command:
        case SetProfile(profile):
            outlet = station.outlets.get(profile.connector_id)
            accepted = station.profiles.install(profile, outlet.transaction if outlet else None)
            station.limit_changed()
            return Outcome(accepted)
        case ClearProfiles():
            cleared = station.profiles.clear(command)
            station.limit_changed()
            return Outcome(cleared)
        case ReadComposite():
            return _composite(station, command, now)
        case ReadSettings(keys):
            known = _settings(station)
            return Outcome(True, settings={key: known.get(key) for key in keys} if keys else dict(known))
        case ReadInventory():
            return Outcome(True)
        case StartRemotely():
            return Outcome(_start(station, command, now))
        case StopRemotely(transaction_id):
            return Outcome(_stop(station, transaction_id, now))


def _composite(station: Commanded, command: ReadComposite, now: datetime) -> Outcome:
    outlet = station.outlets.get(command.connector_id)
    if outlet is None:
        return Outcome(False)
    schedule = station.profiles.schedule(command.connector_id, now, command.duration_s, outlet.transaction)
    return Outcome(True, tuple(schedule), now)


def _start(station: Commanded, command: StartRemotely, now: datetime) -> bool:
    free = [o for o in station.outlets.values() if o.vehicle_present and o.transaction is None]
    chosen = [o for o in free if command.connector_id in (None, o.key.connector_id)]
    if not chosen:
        return False
    chosen[0].id_tag = command.id_tag
    station.start(chosen[0], now)
    if command.profile is not None:
        station.profiles.install(command.profile, chosen[0].transaction)
        station.limit_changed()
    return True


def _stop(station: Commanded, transaction_id: str, now: datetime) -> bool:
    for outlet in station.outlets.values():
        if outlet.transaction is not None and outlet.transaction.id == transaction_id:
            station.stop(outlet, "Remote", now)
            return True
    return False


def _settings(station: Commanded) -> dict[str, str]:
    switches = any(connector.switching is not None for connector in station.station.connectors)
    if station.dialect.chooses_transaction_id:
        return {
            "SmartChargingCtrlr.ACPhaseSwitchingSupported": str(switches).lower(),
            "SmartChargingCtrlr.Enabled": "true",
            "SmartChargingCtrlr.Available": "true",
            "SmartChargingCtrlr.ProfileStackLevel": str(MAX_STACK_LEVEL),
            "SmartChargingCtrlr.RateUnit": "A",
            "SmartChargingCtrlr.PeriodsPerSchedule": str(MAX_PERIODS),
            "SmartChargingCtrlr.Entries[ChargingProfiles]": str(MAX_PROFILES * len(station.outlets)),
        }
    return {
        "ConnectorSwitch3to1PhaseSupported": str(switches).lower(),
        "NumberOfConnectors": str(len(station.outlets)),
        "SupportedFeatureProfiles": "Core,SmartCharging",
        "ChargeProfileMaxStackLevel": str(MAX_STACK_LEVEL),
        "ChargingScheduleAllowedChargingRateUnit": "Current",
        "ChargingScheduleMaxPeriods": str(MAX_PERIODS),
        "MaxChargingProfilesInstalled": str(MAX_PROFILES * len(station.outlets)),
        "MeterValuesSampledData": "Energy.Active.Import.Register,Power.Active.Import,Current.Import,Voltage",
    }
