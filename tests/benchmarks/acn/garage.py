"""A garage of acnportal for a stretch of time, its sessions, tariff and history: everything a run needs."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path

import numpy as np
from acnportal import acnsim
from acnportal.acnsim.interface import InfrastructureInfo
from acnportal.acnsim.models.battery import batt_cap_fn
from acnportal.acnsim.network import ChargingNetwork
from acnportal.algorithms import BaseAlgorithm

from cpms.domain.errors import InvalidInput
from cpms.domain.need import AcceptancePoint, VehicleBattery
from cpms.domain.tariff import Tariff, bill
from forecasting.arrivals.visits import Visit
from tests.benchmarks.acn.data import (
    MAX_KW,
    MAX_STAY_PERIODS,
    PERIOD_S,
    PERIODS_PER_HOUR,
    VOLTAGE_V,
    Stay,
    instant,
    read_stays,
    visits,
)
from tests.benchmarks.acn.network import Floats, Network, network_of, pods_of
from tests.benchmarks.acn.offline import offline_bill

TAPERS_FROM_SOC = 0.8
VIOLATION = 1e-5
"""Share of a limit from which on exceeding it counts."""

SITES = {"caltech": acnsim.sites.caltech_acn, "jpl": acnsim.sites.jpl_acn, "office001": acnsim.sites.office001_acn}


@dataclass(frozen=True)
class Garage:
    """`stays` are those of the stretch; `known` all that the files hold, of which a controller is shown the past."""

    site: str
    cap_kw: float | None
    start: datetime
    tariff: Tariff
    stays: tuple[Stay, ...]
    known: tuple[Visit, ...]
    real_stations: bool = False
    tapering: bool = False

    @classmethod
    def read(
        cls, files: Sequence[Path], site: str, cap_kw: float | None, tariff: Tariff, start: datetime, end: datetime
    ) -> Garage:
        """The stays that begin in `[start, end)`; InvalidInput if there are none or a station is unknown to the site."""
        if site not in SITES:
            raise InvalidInput("site", f"{site!r} is unknown", f"choose one of {', '.join(SITES)}")
        stays = tuple(read_stays(files, start, end))
        if not stays:
            raise InvalidInput("sessions", f"none begins from {start:%Y-%m-%d} to {end:%Y-%m-%d}", "give another file")
        garage = cls(site, cap_kw, start, tariff, stays, ())
        unknown = sorted({stay.station_id for stay in stays} - set(garage.network().station_ids))
        if unknown:
            raise InvalidInput("sessions", f"station {unknown[0]} is not at {site}", "give the right --site")
        _, pod_of = pods_of(garage.info())
        return replace(garage, known=tuple(visits(read_stays(files, start), start, pod_of)))

    def network(self) -> ChargingNetwork:
        """A fresh network."""
        cap = {} if self.cap_kw is None else {"transformer_cap": self.cap_kw}
        return SITES[self.site](basic_evse=not self.real_stations, voltage=VOLTAGE_V, **cap)

    @cached_property
    def price_per_kwh(self) -> list[float]:
        """Price of every period, and beyond the last departure for as long as a plan may reach."""
        periods = max(stay.departure for stay in self.stays) + MAX_STAY_PERIODS + PERIODS_PER_HOUR
        return [float(self.tariff.import_price_per_kwh(instant(self.start, t))) for t in range(periods)]

    @property
    def demand_per_kw(self) -> float:
        """Price of the highest period of the month in which the stretch begins."""
        charges = self.tariff.demand_charges
        return float(sum(c.price_per_kw for c in charges if c.band is None or c.band.contains(self.start)))

    def past(self, at: datetime) -> list[Visit]:
        """What was known at an instant: the visits that had ended."""
        return [visit for visit in self.known if visit.departs_at <= at]

    def info(self) -> InfrastructureInfo:
        """Stations and constraints as controllers see them."""
        simulator = acnsim.Simulator(self.network(), None, acnsim.EventQueue(), self.start)
        return acnsim.Interface(simulator).infrastructure_info()

    def batteries(self) -> dict[str, VehicleBattery]:
        """Of those who taper, by session."""
        known = ((stay.session_id, tapering_battery(stay)) for stay in self.stays if self.tapering)
        return {session_id: battery for session_id, battery in known if battery is not None}

    def infrastructure(self) -> tuple[dict[str, int], Network]:
        """Each station's place, and the constraints on them."""
        info = self.info()
        return {station_id: n for n, station_id in enumerate(info.station_ids)}, network_of(info)

    def offline(self, sells_per_kwh: float | None = None) -> tuple[float, float]:
        """Bill, less what is earned where energy is sold, and peak [kW] with perfect foresight, on ideal stations and batteries."""
        stations, network = self.infrastructure()
        prices = np.array(self.price_per_kwh)
        return offline_bill(self.stays, prices, self.demand_per_kw, network, stations, sells_per_kwh)

    def run(self, controller: BaseAlgorithm) -> dict[str, float]:
        """Live through the stretch; the bill as the tariff makes it, of the whole stretch as one billing period."""
        simulator = self._simulator(controller)
        with warnings.catch_warnings():
            warnings.filterwarnings(
                "ignore", message="Invalid schedule provided"
            )  # counted below, in what really flowed
            simulator.run()
        power_kw = simulator.charging_rates.sum(axis=0) * VOLTAGE_V / 1000
        starts_at = [instant(self.start, t) for t in range(len(power_kw))]
        energy_cost = float(bill(self.tariff, starts_at, power_kw.tolist(), PERIOD_S).energy_cost)
        peak_kw = float(power_kw.max())
        return {
            "cost": energy_cost + self.demand_per_kw * peak_kw,
            "energy_cost": energy_cost,
            "demand_charge": self.demand_per_kw * peak_kw,
            "peak_kw": peak_kw,
            "delivered_pct": 100 * acnsim.proportion_of_energy_delivered(simulator),
            "violated_periods": _violated_periods(simulator.network, simulator.charging_rates),
            "overpermitted_periods": _violated_periods(simulator.network, simulator.pilot_signals[:, : len(power_kw)]),
        }

    def _simulator(self, controller: BaseAlgorithm) -> acnsim.Simulator:
        events = [acnsim.PluginEvent(stay.arrival, _vehicle(stay, self.tapering)) for stay in self.stays]
        return acnsim.Simulator(
            self.network(), controller, acnsim.EventQueue(events), self.start, period=PERIOD_S // 60, verbose=False
        )


def _violated_periods(network: ChargingNetwork, current_a: Floats) -> int:
    """Periods in which a current of the network is too high with `current_a` [A] at its stations (stations x periods)."""
    currents = np.abs(network.constraint_current(current_a))
    return int((currents > network.magnitudes[:, None] * (1 + VIOLATION)).any(axis=0).sum())


def _vehicle(stay: Stay, tapering: bool) -> acnsim.EV:
    known = tapering_battery(stay) if tapering else None
    battery = acnsim.Battery(stay.energy_kwh, 0, MAX_KW)
    if known is not None:
        held_kwh = known.soc * known.capacity_kwh
        battery = acnsim.Linear2StageBattery(known.capacity_kwh, held_kwh, MAX_KW, transition_soc=TAPERS_FROM_SOC)
    return acnsim.EV(stay.arrival, stay.departure, stay.energy_kwh, stay.station_id, stay.session_id, battery)


def tapering_battery(stay: Stay) -> VehicleBattery | None:
    """The worst that still gets its energy in its stay, accepting less and less; None where that takes full power to the end."""
    try:
        capacity_kwh, held_kwh = batt_cap_fn(stay.energy_kwh, stay.departure - stay.arrival, VOLTAGE_V, PERIOD_S // 60)
    except ValueError:
        return None
    acceptance = (AcceptancePoint(TAPERS_FROM_SOC, MAX_KW), AcceptancePoint(1.0, 0.0))
    return VehicleBattery(capacity_kwh, held_kwh / capacity_kwh, acceptance)
