"""Stationary batteries. kW and kWh as seen at their terminals, money per kWh."""

from __future__ import annotations

from dataclasses import dataclass

from cpms.domain.units import PHASES, Phase


@dataclass(frozen=True)
class Battery:
    """A stationary battery at a feeder, loading its `phases` evenly.

    Of a kWh charged `charge_efficiency` is stored, and of a kWh stored `discharge_efficiency` comes out again.
    `wear_per_kwh`: money per kWh discharged. `stored_kwh` never falls below `reserve_kwh` [kWh] by a plan; where it
    begins below, being below it at the end is worth as much as a need of the lowest priority. `final_value_per_kwh`:
    what a kWh stored at the end of the horizon is worth [money]; None: the median import price, less the losses and
    the wear of discharging it.
    """

    battery_id: str
    feeder_id: str
    capacity_kwh: float
    stored_kwh: float
    max_charge_kw: float
    max_discharge_kw: float
    charge_efficiency: float = 0.95
    discharge_efficiency: float = 0.95
    wear_per_kwh: float = 0.0
    reserve_kwh: float = 0.0
    final_value_per_kwh: float | None = None
    phases: tuple[Phase, ...] = PHASES


@dataclass(frozen=True)
class BatteryPlan:
    """A battery's power per step [kW, positive: charging] and what is stored at the end of each step [kWh]."""

    battery_id: str
    power_kw: tuple[float, ...]
    stored_kwh: tuple[float, ...]
