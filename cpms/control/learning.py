"""What meters teach: sessions' energy, who disobeys, overloads, peaks."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from math import isfinite

from cpms.control.book import draw_of
from cpms.control.effects import AlarmKind, RaiseAlarm, RecordQuarantine
from cpms.control.events import FeederMeasured
from cpms.control.obedience import Obedience, Verdict
from cpms.control.rows import KW_ROW
from cpms.control.situation import Situation
from cpms.domain.grid import Grant
from cpms.domain.session import Session
from cpms.domain.telemetry import (
    FeederMeasurement,
    Sample,
    SamplesReceived,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from cpms.domain.units import PHASES

SampleEvent = SamplesReceived | TransactionStarted | TransactionUpdated | TransactionEnded


class Learning:
    """Takes samples and measurements into the situation."""

    def __init__(self, situation: Situation) -> None:
        self._s = situation

    def samples(self, event: SampleEvent, now: datetime) -> None:
        """Samples of a station's connectors."""
        for said in event.samples:
            if said.connector.station_id == event.station_id and said.connector in self._s.ledger.accounts:
                sample = replace(said, sampled_at=min(said.sampled_at, now))  # nothing is metered before it happens
                self._learn(sample, now)
                self._verify(sample, now)

    def _learn(self, sample: Sample, now: datetime) -> None:
        situation = self._s
        account = situation.ledger.accounts[sample.connector]
        in_force = account.in_force()
        permitted_a = in_force.grant.limit_a_at(sample.sampled_at) if in_force is not None else account.base_a
        before = situation.book.at(sample.connector)
        foreign = before is None or sample.transaction_id not in (None, before.transaction_id)
        if foreign:
            situation.ledger.trust_phases(sample.connector, None)
        was_idle = before is not None and situation.book.declines(before, now)
        told = account.told(sample.sampled_at.timestamp(), now.timestamp())
        learned = situation.book.learn(sample, situation.site, permitted_a, told)
        if before is None or foreign:
            return
        after = situation.book.sessions[before.id]
        self._trust_phases(after, now)
        if learned is None:
            return
        situation.out(learned)
        if before.active_phases != after.active_phases and before.active_phases is not None:
            situation.need_plan("a vehicle changed phases", now)
        if was_idle and not situation.book.declines(after, now):
            situation.need_plan("a vehicle draws again", now)
        if self._drifted(after, now):
            situation.need_plan("a session left its plan", now)
        if in_force is not None and self._acceptance(after, sample, in_force.grant):
            situation.need_plan("a vehicle takes more or less than was believed", now)

    def _trust_phases(self, session: Session, now: datetime) -> None:
        """Who was long seen on one phase is counted on one, as a vehicle that has no more or a connector that was told so (G9)."""
        situation, key, long_s = self._s, session.connector, self._s.settings.phases_trusted_s
        proof = situation.book.phase_proof(session)
        phases = proof.shows(len(situation.site.connectors[key].phases), long_s)
        situation.ledger.trust_phases(key, phases, proof.told)
        if proof.refutes(long_s):
            situation.stop_switching(session, "does not charge on the phase it is told alone", now)

    def _acceptance(self, session: Session, sample: Sample, grant: Grant) -> bool:
        """Learn what a vehicle takes from a sample under a limit that has held long enough to be followed."""
        situation = self._s
        draw = situation.book.draws.get(sample.connector)
        late_s = situation.ledger.accounts[sample.connector].margins(grant).late_s
        since = sample.sampled_at - timedelta(seconds=late_s)
        if draw is None or draw.at != sample.sampled_at or grant.issued_at > since:
            return False
        permitted_a = min(grant.limit_a_at(since), grant.limit_a_at(sample.sampled_at))
        connector, on_all = situation.site.connectors[sample.connector], grant.single_phase is None
        return situation.book.acceptances.note(session, connector, draw.current_a, permitted_a, draw.at, on_all)

    def _drifted(self, session: Session, now: datetime) -> bool:
        plan = self._s.plan
        return plan is not None and plan.drifted(session, now, self._s.settings.drift_kwh)

    def _verify(self, sample: Sample, now: datetime) -> None:
        """Compare with what the connector might rightly draw between when the station says it was and now, unless that is too long
        ago to tell (G6). How long it lasts goes by our own clock."""
        situation, key = self._s, sample.connector
        account = situation.ledger.accounts[key]
        draw = draw_of(sample, account.connector, situation.site.max_voltage_v)
        if draw is None or (now - sample.sampled_at).total_seconds() > situation.settings.sample_max_age_s:
            return
        record = situation.obedience.setdefault(key, Obedience())
        allowed_a = account.allowed_a(sample.sampled_at.timestamp(), now.timestamp())
        verdict = record.observe(draw.current_a, allowed_a, now, situation.settings)
        if verdict is None:
            return
        disobeys = verdict is Verdict.DISOBEYS
        situation.ledger.quarantine(key, disobeys)
        situation.out(RecordQuarantine(key, disobeys))
        kind = AlarmKind.STATION_DISOBEYS if disobeys else AlarmKind.STATION_OBEYS_AGAIN
        message = f"{key} draws {draw.current_a:.1f} A per phase, allowed were {allowed_a:.1f} A"
        situation.out(RaiseAlarm(kind, str(key), message))
        situation.need_plan("a station disobeys" if disobeys else "a station obeys again", now)
        situation.urgent |= disobeys

    def feeder(self, event: FeederMeasured, now: datetime) -> None:
        """A feeder's meter spoke. One that reads no number has not spoken (G7)."""
        situation, measurement = self._s, event.measurement
        guard = situation.guards.get(measurement.feeder_id)
        if guard is None or not isfinite(measurement.power_kw):
            return
        if measurement.feeder_id in situation.stale_meters:
            situation.stale_meters.discard(measurement.feeder_id)
            situation.out(RaiseAlarm(AlarmKind.METER_BACK, measurement.feeder_id, "the meter reads again"))
        limit = situation.timeline.at(measurement.feeder_id, now)
        was_shedding = guard.shedding
        room = [row[0] for row in situation.ledger.limit_rows(measurement.feeder_id)]
        drawn = partial(self._drawn, measurement.feeder_id, now)
        if guard.measured(measurement, limit, drawn, room, situation.site.voltage_v, now):
            situation.dirty = situation.urgent = True
            self._tell(measurement, was_shedding, guard.shedding)
        if measurement.feeder_id == situation.site.root.id:
            self._root(measurement, now)

    def _tell(self, measurement: FeederMeasurement, was_shedding: bool, shedding: bool) -> None:
        if was_shedding != shedding:
            kind = AlarmKind.OVERLOAD_MEASURED if shedding else AlarmKind.OVERLOAD_OVER
            text = f"{measurement.feeder_id} measures {measurement.power_kw:.1f} kW"
            self._s.out(RaiseAlarm(kind, measurement.feeder_id, text))

    def _drawn(self, feeder_id: str, now: datetime) -> list[float]:
        """What vehicles below a feeder draw now: L1, L2, L3 [A] and kW, as last sampled; without a fresh sample, all they may."""
        situation, ledger = self._s, self._s.ledger
        used = [0.0] * (KW_ROW + 1)
        for key, account in ledger.accounts.items():
            if feeder_id not in ledger.path(key):
                continue
            draw = situation.book.draws.get(key)
            if draw is not None and (now - draw.at).total_seconds() <= situation.settings.sample_max_age_s:
                for phase, current_a in draw.phase_a.items():
                    used[PHASES.index(phase)] += current_a
                used[KW_ROW] += draw.power_kw
            elif situation.book.at(key) is not None:
                for row, weight in ledger.weights(key).items():
                    used[row] += weight * account.counted[0]
        return used

    def _root(self, measurement: FeederMeasurement, now: datetime) -> None:
        situation = self._s
        situation.root_measurement = measurement
        if situation.tariff is not None:
            situation.peaks.observe(situation.tariff, measurement.measured_at, measurement.power_kw)
        self._credit(measurement.solar_kw, now)

    def _credit(self, solar_kw: float | None, now: datetime) -> None:
        """Count on the sun as far as the setting allows and the meter shows, in whole kW so that it seldom changes."""
        situation = self._s
        shown_kw = float(int(max(0.0, solar_kw))) if solar_kw is not None and isfinite(solar_kw) else 0.0
        credit_kw = min(situation.settings.solar_credit_kw, shown_kw)
        if credit_kw != situation.solar_credit_kw:
            situation.solar_credit_kw = credit_kw
            situation.ledger.adopt(situation.timeline, now, credit_kw)
            situation.dirty = True

    def watch_meters(self, now: datetime) -> None:
        """Notice meters that fell silent."""
        situation = self._s
        for feeder_id, guard in situation.guards.items():
            if guard.stale(now) and feeder_id not in situation.stale_meters:
                situation.stale_meters.add(feeder_id)
                text = "no reading; the reserved other load counts, and no sun"
                situation.out(RaiseAlarm(AlarmKind.METER_STALE, feeder_id, text))
                if feeder_id == situation.site.root.id:
                    situation.root_measurement = None
                    self._credit(None, now)
