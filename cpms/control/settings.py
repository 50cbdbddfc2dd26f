"""How the controller weighs safety, radio traffic and liveness. Every default says why."""

from __future__ import annotations

from dataclasses import dataclass, fields

from cpms.domain.errors import InvalidInput


@dataclass(frozen=True)
class ControlSettings:
    """Durations in seconds [s] of the injected clock.

    Grants
        `lease_s`: how long a grant holds without renewal; longer means less traffic and a longer hold of an unreachable
        station's share. Renewed when half of it is left, so that one lost exchange costs nothing.
        `ramp_s`: time a vehicle takes to follow a lower limit (IEC 61851-1: 5 s, some take longer).
        `clock_margin_s`: how far behind a station's clock may be that seems right, and by how much one may be set back at any time;
        schedules are counted that much later, and by more where a clock was measured to be further behind.
        `clock_transit_s`: lateness of a station's swiftest messages that is no clock's: 0, but under an accelerated clock.
        `bin_s`: resolution of the ledger's look ahead; `ramp_s + clock_margin_s` is best below 0.45 of it.
        `answer_timeout_s`: an unanswered grant counts on, but a new one may be sent after this.
        `retry_s`: pause after a rejection, doubled each time up to `lease_s`.
        `tolerance_a` [A]: smaller differences between plan and grant are not worth a message.
        `raise_step_a` [A] and `raise_hold_s`: a partial raise below this step waits until the last send is so long ago.
        `settle_s`: what happens within this time of the last decision is answered together; what concerns safety is not delayed.
    `reboot_grace_s`: a station that just booted counts at its hardware maximum at once (nobody is raised), but others
        are reduced for it only after this time, since its default is usually confirmed again within seconds.

    Obedience (G6)
        `disobey_a` [A] above the grant for `disobey_s` is quarantine; obeying for `quarantine_release_s` ends it.
        `phases_trusted_s`: a vehicle seen on the same fewer phases for so long counts on these only; until then, on all (G9).
        `sample_max_age_s`: older samples say nothing about obedience (they come from offline queues).

    Guard (G7)
        `overload_s`: measured overload for this long sheds load; at once when beyond `overload_at_once` (ratio of limit).
        `guard_response_s`: time given to a shed to show in the meter before shedding more.
        `guard_release_s`: after so long below the limit half of the measured room is given back.
        `meter_stale_s`: an older measurement is no measurement; the reserved other load counts and no sun.
        `solar_credit_kw` [kW]: sun that the ledger may rely on while the meter is fresh; 0 because clouds are faster than us.

    Planning
        `cycle_s`: at the latest. `replan_debounce_s`: events that come together make one plan. `plan_timeout_s`: a request
        unanswered so long has failed. `plan_max_age_s`: an older plan gives way to equal shares.
        `fine_step_s` for `fine_s`, then `coarse_step_s` until the last departure, within `horizon_min_s`..`horizon_max_s`.
        `other_load_level`: quantile of other load that plans must leave room for.
        `departure_margin_s`: plans prefer to be done so long before a departure, drivers come early; and, less strongly, when
        `early_share` of the time left is still to come: who is yet to arrive will want room too.
        `co2_price_per_kg`: what a kg of CO2 from the grid counts in plans [money].
        `drift_kwh` [kWh]: a session this far from its plan asks for a new one.

    Needs nobody stated
        `default_need_kwh` [kWh] until `default_stay_s` after the start; past its departure, or satisfied and still drawing, a
        session is planned `rolling_need_kwh` [kWh] for the coming `rolling_stay_s`; one that stopped by itself `idle_need_kwh` at the
        minimum.
    """

    lease_s: float = 900.0
    ramp_s: float = 10.0
    clock_margin_s: float = 10.0
    clock_transit_s: float = 0.0
    bin_s: int = 60
    answer_timeout_s: float = 60.0
    retry_s: float = 30.0
    tolerance_a: float = 0.5
    raise_step_a: float = 2.0
    raise_hold_s: float = 60.0
    settle_s: float = 1.0
    reboot_grace_s: float = 60.0

    disobey_a: float = 1.0
    disobey_s: float = 10.0
    quarantine_release_s: float = 300.0
    phases_trusted_s: float = 180.0
    sample_max_age_s: float = 120.0

    overload_s: float = 3.0
    overload_at_once: float = 1.2
    guard_response_s: float = 15.0
    guard_release_s: float = 60.0
    meter_stale_s: float = 60.0
    solar_credit_kw: float = 0.0

    cycle_s: float = 300.0
    replan_debounce_s: float = 2.0
    plan_timeout_s: float = 600.0
    plan_max_age_s: float = 3600.0
    fine_step_s: int = 300
    fine_s: int = 3600
    coarse_step_s: int = 900
    horizon_min_s: int = 12 * 3600
    horizon_max_s: int = 36 * 3600
    other_load_level: float = 0.9
    departure_margin_s: float = 2700.0
    early_share: float = 0.3
    drift_kwh: float = 2.0
    plan_time_limit_s: float = 10.0
    plan_gap_target: float = 0.001
    co2_price_per_kg: float = 0.0

    default_need_kwh: float = 20.0
    default_stay_s: float = 4 * 3600.0
    rolling_need_kwh: float = 2.0
    rolling_stay_s: float = 3600.0
    idle_need_kwh: float = 0.5

    def __post_init__(self) -> None:
        for field in fields(self):
            if not getattr(self, field.name) >= 0:
                raise InvalidInput(field.name, f"{getattr(self, field.name)} is negative", "give 0 or more")
        if self.bin_s <= 0:
            raise InvalidInput("bin_s", f"{self.bin_s} s is no length of time", "give 60 or so")
        if self.lease_s < 4 * self.bin_s:
            raise InvalidInput("lease_s", f"{self.lease_s:g} s is too short", "give at least four times bin_s")
        if self.fine_step_s % self.bin_s or self.coarse_step_s % self.fine_step_s:
            raise InvalidInput("fine_step_s", "does not fit", "make bin_s divide fine_step_s, and that coarse_step_s")

    @property
    def lead_s(self) -> float:
        """How long [s] a decrease takes at most at a station whose clock seems right."""
        return self.ramp_s + self.clock_margin_s
