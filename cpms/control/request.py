"""Building a PlanRequest: steps, caps that the ledger will grant, prices, expectations, needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from cpms.control.caps import cap_of
from cpms.control.contracts import subscriptions, with_export_cap
from cpms.control.expected import co2_g_per_kwh, energy_prices, likely_days, medians, under_the_sun
from cpms.control.known import Known
from cpms.control.peaks import FULL_PRICE, demand_prices
from cpms.control.rows import KW_ROW, row_weights
from cpms.control.settings import ControlSettings
from cpms.control.steps import first_mark, steps_from
from cpms.control.switching import switchable
from cpms.control.underway import under_way
from cpms.domain.forecast import ForecastQuantity
from cpms.domain.need import EnergyTarget
from cpms.domain.plan import ChargingNeed, DemandPrice, FeederCap, LikelyDay, PlanRequest
from cpms.domain.session import Session
from cpms.domain.site import Connector
from cpms.domain.time import Interval
from cpms.domain.units import PHASES, Phase, power_kw

LITTLE_KWH = 0.05
"""Below this a need counts as met."""
HURRY_S = 1200.0
"""Time to spare [s], or lacking, within which every minute of charging counts."""
TAPERING_SHARE = 0.2
"""The last share of a vehicle's energy, in which it accepts less and less; it takes up to twice as long."""

EARLY_SHARE = 1.0
"""What a kWh counts that is later than it might be, against the mean price: early is better, but no reason for a new peak."""
LEAVES_EARLY_WEIGHT = 1.0
"""What a kWh counts that is later than by when a vehicle may leave before it said, against one that is missing at the departure."""
SAFE_WEIGHT = 0.3
"""What a kWh counts that is later than is safe, against one that is missing at the departure."""


def plan_request(known: Known, request_id: str, now: datetime) -> PlanRequest:
    """The request for everything known at `now`."""
    sessions = [s for s in known.book.sessions.values() if s.connector in known.steerable]
    sessions.sort(key=lambda s: s.connector)
    needs = tuple(need_of(session, known, now) for session in sessions)
    sent_a = [_sent_a(session, known, now) for session in sessions]
    steps = steps_from(now, (need.departs_at for need in needs), known.settings, sending=any(sent_a))
    other_kw = _expected(known, ForecastQuantity.OTHER_LOAD_KW, known.measured_other_kw, steps)
    solar_kw = _expected(known, ForecastQuantity.SOLAR_KW, known.measured_solar_kw, steps)
    prices, exports = energy_prices(known.tariff, known.forecasts, steps)
    early_price_per_kwh = EARLY_SHARE * sum(map(abs, prices)) / len(prices)
    return PlanRequest(
        id=request_id,
        site_id=known.site.id,
        requested_at=now,
        steps=steps,
        voltage_v=known.site.voltage_v,
        feeders=_feeders(known, steps, solar_kw, other_kw),
        needs=tuple(
            replace(need, frozen_a=frozen_a, targets=_targets(need, session, known, now, early_price_per_kwh))
            for need, frozen_a, session in zip(needs, sent_a, sessions, strict=True)
        ),
        import_price_per_kwh=prices,
        export_price_per_kwh=exports,
        solar_kw=solar_kw,
        other_load_kw=other_kw,
        demand=_demand(known, steps, now),
        likely=_likely(known, steps, solar_kw),
        co2_g_per_kwh=co2_g_per_kwh(known.forecasts, steps),
        co2_price_per_kg=known.settings.co2_price_per_kg,
        time_limit_s=known.settings.plan_time_limit_s,
        gap_target=known.settings.plan_gap_target,
        subscriptions=subscriptions(known.tariff, steps),
        fairness=known.site.policy.fairness,
        shortfall_price_per_kwh=known.site.policy.shortfall_price_per_kwh,
    )


def _feeders(
    known: Known, steps: Sequence[Interval], solar_kw: Sequence[float], other_kw: Sequence[float]
) -> tuple[FeederCap, ...]:
    return tuple(
        with_export_cap(cap_of(known, feeder.id, feeder.parent_id, steps), known.site, solar_kw, other_kw)
        for feeder in known.site.feeders
    )


def _likely(known: Known, steps: Sequence[Interval], solar_kw: Sequence[float]) -> tuple[LikelyDay, ...]:
    days = likely_days(known.arrivals, known.book.sessions.values(), steps)
    return under_the_sun(days, known.forecasts.get(ForecastQuantity.SOLAR_KW), steps, solar_kw)


def _demand(known: Known, steps: Sequence[Interval], now: datetime) -> tuple[DemandPrice, ...]:
    if known.tariff is None:
        return ()
    this_month = FULL_PRICE if known.arrivals is None else known.arrivals.peak_prices
    return demand_prices(known.tariff, known.peaks, steps, now, this_month)


def _sent_a(session: Session, known: Known, now: datetime) -> tuple[float, ...]:
    """What is on its way to a session's station [A per phase], for the first step; nothing where its answer is known."""
    grant = under_way(session, known.ledger, now)
    return () if grant is None else (grant.limit_a_at(now),)


def need_of(session: Session, known: Known, now: datetime) -> ChargingNeed:
    """What to plan for a session: what was stated, else a usual need; nobody who is still plugged in is forgotten."""
    remaining_kwh, departs_at = _remaining(session, known, now)
    connector, idle = known.site.connectors[session.connector], known.book.declines(session, now)
    full_power_h, tapering_h = _hours(session, known, remaining_kwh, _wanted(session, known.settings)[0])
    latest_at = _latest(departs_at, now, full_power_h, tapering_h, known.settings)
    in_force = known.ledger.accounts[session.connector].in_force()
    phases = session.active_phases or connector.phases
    counted_phases, counted_ratio = _counted(known, connector, phases)
    switches = switchable(session, known.ledger, known.book, now)
    return ChargingNeed(
        session_id=session.id,
        connector=session.connector,
        feeder_id=known.ledger.path(session.connector)[0],
        energy_kwh=remaining_kwh,
        departs_at=latest_at,
        phases=phases,
        counted_phases=counted_phases,
        counted_ratio=counted_ratio,
        max_current_a=connector.min_current_a if idle else known.book.acceptances.planned_a(session, connector),
        min_current_a=connector.min_current_a,
        step_a=connector.step_a,
        priority=session.priority,
        current_a=in_force.grant.limit_a_at(now) if in_force is not None else 0.0,
        draws_a=None if idle or switches is not None else known.book.acceptances.draws_a(session, now),
        minimum_now_kwh=_minimum_now_kwh(session, remaining_kwh),
        switching=switches.switching if switches is not None else None,
        on_single_phase=switches is not None and switches.single is not None,
        switched_at=switches.switched_at if switches is not None else None,
    )


def _minimum_now_kwh(session: Session, remaining_kwh: float) -> float:
    """What is still missing [kWh] of what the driver wants as soon as possible."""
    wanted_kwh = 0.0 if session.need is None else session.need.minimum_now_kwh
    return min(max(0.0, wanted_kwh - session.energy_kwh), remaining_kwh)


def _counted(known: Known, connector: Connector, phases: tuple[Phase, ...]) -> tuple[tuple[Phase, ...], float]:
    """On which phases the ledger counts a vehicle that is believed to use `phases`, and how many times its power, so that what is
    planned is granted."""
    weights = known.ledger.weights_if_told(connector.key, None)
    counted = {phase for row, phase in enumerate(PHASES) if row in weights} | set(phases)
    ratio = weights[KW_ROW] / row_weights(connector, known.site.max_voltage_v, phases)[KW_ROW]
    return () if counted == set(phases) else tuple(p for p in PHASES if p in counted), max(1.0, ratio)


def _remaining(session: Session, known: Known, now: datetime) -> tuple[float, datetime]:
    """Energy [kWh] still to plan, and the departure."""
    settings = known.settings
    wanted_kwh, departs_at = _wanted(session, settings)
    remaining_kwh, idle = wanted_kwh - session.energy_kwh, known.book.declines(session, now)
    if remaining_kwh <= LITTLE_KWH:
        remaining_kwh = settings.rolling_need_kwh
    if idle:
        remaining_kwh = min(remaining_kwh, settings.idle_need_kwh)
    if idle or wanted_kwh - session.energy_kwh <= LITTLE_KWH:
        departs_at = max(departs_at, now + timedelta(seconds=settings.rolling_stay_s))
    return remaining_kwh, departs_at


def in_a_hurry(session: Session, known: Known, now: datetime) -> bool:
    """Whether what is missing takes just about all the time that is left: with less than it, or much more, an hour of others changes
    nothing."""
    wanted_kwh, departs_at = _wanted(session, known.settings)
    missing_kwh = wanted_kwh - session.energy_kwh
    spare_s = (departs_at - now).total_seconds() - 3600.0 * sum(_hours(session, known, missing_kwh, wanted_kwh))
    return missing_kwh > LITTLE_KWH and -HURRY_S < spare_s < HURRY_S


def _hours(session: Session, known: Known, missing_kwh: float, wanted_kwh: float) -> tuple[float, float]:
    """Hours that missing energy takes at all the vehicle accepts, and how much longer tapering makes that."""
    connector = known.site.connectors[session.connector]
    phases = session.active_phases or connector.phases
    full_kw = power_kw(known.book.acceptances.planned_a(session, connector), known.site.voltage_v, len(phases))
    return missing_kwh / full_kw, min(missing_kwh, TAPERING_SHARE * wanted_kwh) / full_kw


def nearly_done(session: Session, connector: Connector, voltage_v: float, settings: ControlSettings) -> bool:
    """Whether less is missing than a quarter of an hour at the minimum gives: too little to plan for, and not to be forgotten."""
    missing_kwh = _wanted(session, settings)[0] - session.energy_kwh
    quarter_kwh = power_kw(connector.min_current_a, voltage_v, len(session.active_phases or connector.phases)) / 4
    return session.energy_kwh > LITTLE_KWH and LITTLE_KWH < missing_kwh < quarter_kwh


def _wanted(session: Session, settings: ControlSettings) -> tuple[float, datetime]:
    """Energy [kWh] from the start of the session, and until when: as stated or forecast, else as usual."""
    if session.need is not None:
        return session.need.energy_kwh, session.need.departs_at
    return settings.default_need_kwh, session.started_at + timedelta(seconds=settings.default_stay_s)


def _targets(
    need: ChargingNeed, session: Session, known: Known, now: datetime, early_price_per_kwh: float
) -> tuple[EnergyTarget, ...]:
    """Being done earlier than at the last moment is worth something: less is known of what is further away. Not to a vehicle that
    stopped by itself: it is offered the minimum as long as nobody else can use it."""
    if known.book.declines(session, now):
        return ()
    _, departs_at = _remaining(session, known, now)
    safe_at = departs_at - timedelta(seconds=known.settings.departure_margin_s)
    early_at = min(safe_at, departs_at - known.settings.early_share * (departs_at - now))
    soonest_at = first_mark(now, known.settings)
    wished = (
        EnergyTarget(need.energy_kwh, max(early_at, soonest_at), price_per_kwh=early_price_per_kwh),
        EnergyTarget(need.energy_kwh, max(safe_at, soonest_at), weight=SAFE_WEIGHT),
        *_if_it_leaves_early(session, soonest_at),
    )
    return tuple(target for target in wished if target.due_at < need.departs_at)


def _if_it_leaves_early(session: Session, soonest_at: datetime) -> Iterable[EnergyTarget]:
    """What vehicles like this take, by when it may have gone."""
    said = session.need
    if said is not None and said.early_at is not None and said.early_kwh > session.energy_kwh:
        yield EnergyTarget(
            said.early_kwh - session.energy_kwh, max(said.early_at, soonest_at), weight=LEAVES_EARLY_WEIGHT
        )


def _latest(
    departs_at: datetime, now: datetime, full_power_h: float, tapering_h: float, settings: ControlSettings
) -> datetime:
    """When charging has to be over: the time of tapering before the departure, as far as the stay allows more than the energy takes at
    full power. Who is due now, or overdue, is due in the first step."""
    possible = now + timedelta(hours=1.05 * full_power_h)
    return max(min(departs_at, max(departs_at - timedelta(hours=tapering_h), possible)), first_mark(now, settings))


def _expected(
    known: Known, quantity: ForecastQuantity, measured_kw: float | None, steps: Sequence[Interval]
) -> tuple[float, ...]:
    """What is expected for money [kW]: the median forecast; without one, what is measured now; without that, nothing of sun and the
    reserve of load."""
    reserve_kw = known.site.reserved_other_load_kw if quantity is ForecastQuantity.OTHER_LOAD_KW else 0.0
    default_kw = reserve_kw if measured_kw is None else measured_kw
    return medians(known.forecasts.get(quantity), steps, (default_kw,) * len(steps))
