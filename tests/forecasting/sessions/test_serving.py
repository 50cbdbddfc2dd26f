from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from cpms.domain.forecast_record import ForecastModel, ModelKind
from cpms.domain.identity import ConnectorKey
from cpms.domain.session import EnergyNeed, NeedSource, Session, SessionState
from forecasting.sessions.outlook import SessionOutlook, expect_session, review_outlooks
from forecasting.sessions.serving import need_to_plan, serve_sessions
from forecasting.sessions.training import read_sessions, train_site_sessions

ZONE = "Europe/Berlin"
NOW = datetime(2026, 6, 15, 7, tzinfo=UTC)
START = NOW - timedelta(hours=1)


def session(number, started_at, stay_h, energy_kwh, stated_h=None, over=True):
    need = None if stated_h is None else EnergyNeed(2 * energy_kwh, started_at + timedelta(hours=stated_h))
    return Session(
        id=f"s{number}",
        site_id="site",
        connector=ConnectorKey(f"CP-{number % 7}", 1),
        transaction_id=str(number),
        started_at=started_at,
        id_tag=f"TAG-{number % 20}",
        energy_kwh=energy_kwh if over else 0.0,
        state=SessionState.ENDED if over else SessionState.CHARGING,
        need=need,
        ended_at=started_at + timedelta(hours=stay_h) if over else None,
    )


@pytest.fixture(scope="module")
def history():
    """Commuters who say nine hours and leave after six or so, and take half of what they say."""
    rng = np.random.default_rng(4)
    starts = [NOW - timedelta(days=60) + timedelta(hours=3.4 * n + float(rng.uniform(0, 1))) for n in range(420)]
    return [
        session(n, at, 4.5 + 0.1 * (n % 20) + float(rng.normal(0, 0.4)), 8.0 + 0.4 * (n % 20), 9.0)
        for n, at in enumerate(starts)
    ]


@pytest.fixture(scope="module")
def model(history):
    """Trained for seconds, once for the module."""
    return train_site_sessions("site", ZONE, [s for s in history if s.ended_at <= NOW], NOW, None)


@pytest.fixture(scope="module")
def records(history, model):
    return review_outlooks(history, ZONE, read_sessions(model.text), START)


def outlook(stay_h=(3.0, 5.0, 7.0)):
    return SessionOutlook(START, (0.2, 0.5, 0.8), stay_h, (5.0, 8.0, 12.0), "made up")


def test_a_model_that_knows_its_drivers_goes_into_service(model):
    assert model.in_service, model.why
    assert (model.kind, model.floor_crps) == (ModelKind.SESSIONS, 1.0)
    assert model.crps < 0.8
    assert model.data_until < NOW - timedelta(days=20)


def test_too_few_sessions_train_nothing(history):
    assert train_site_sessions("site", ZONE, history[-150:], NOW, None) is None


def test_the_same_model_again_does_not_lose_its_place_to_a_worse_one(history, model):
    known = [s for s in history if s.ended_at <= NOW]
    again = train_site_sessions("site", ZONE, known, NOW, model)
    assert again.in_service
    assert f"the model before {model.crps:.4g}" in again.why


def test_a_driver_who_always_leaves_early_is_planned_for_earlier_and_never_for_less(history, model, records):
    new = session(1000, START, 0, 10.0, 9.0, over=False)
    (found,) = serve_sessions(history, [new], ZONE, NOW, model, records)
    assert found.model_version == model.version
    assert found.need.early_at < new.need.departs_at - timedelta(hours=2)
    assert 0.0 < found.need.early_kwh <= new.need.energy_kwh
    assert (found.need.energy_kwh, found.need.departs_at) == (new.need.energy_kwh, new.need.departs_at)
    assert found.need.source is NeedSource.DRIVER


def test_who_stays_longer_than_usual_is_expected_to_stay_on(history, model, records):
    new = session(1000, START, 0, 10.0, 9.0, over=False)
    later = [START + timedelta(hours=h) for h in (1, 5, 6, 7)]
    needs = [serve_sessions(history, [new], ZONE, at, model, records)[0].need for at in later]
    departures = [need.early_at or need.departs_at for need in needs]
    assert departures == sorted(departures)
    assert all(at <= departs_at <= new.need.departs_at for at, departs_at in zip(later, departures, strict=True))


def test_statements_stand_while_there_is_no_model(history):
    new = session(1000, START, 0, 10.0, 9.0, over=False)
    (found,) = serve_sessions(history, [new], ZONE, NOW)
    assert found.need == new.need
    assert found.outlook == found.floor


def test_a_model_of_another_version_is_not_asked_and_the_reason_is_told(history):
    stored = ForecastModel("site", ModelKind.SESSIONS, 3, NOW, NOW, NOW, 0, '{"made_by": "older"}')
    new = session(1000, START, 0, 10.0, 9.0, over=False)
    (found,) = serve_sessions(history, [new], ZONE, NOW, stored)
    assert (found.model_version, found.need) == (0, new.need)
    assert "another version" in found.fallback


def test_what_was_reviewed_once_is_as_good_as_reviewed_anew(history, model, records):
    learned = read_sessions(model.text)
    new = session(1000, START, 0, 10.0, 9.0, over=False)
    assert len(records["stay_h"].positions) > 50
    quick = expect_session(history, new, ZONE, learned, records=records)
    assert quick == expect_session(history, new, ZONE, learned)


def test_who_is_still_there_counts_in_a_review_of_who_came_meanwhile():
    """Where the tenth of a day stays an hour, and the first ten, a vehicle is the tenth also while the nine before it are there."""
    days = [START - timedelta(days=back) for back in range(60, 0, -1)]
    past = [
        session(10 * n + k, day + timedelta(minutes=10 * k), 10.0 - k, 15.0 - k)
        for n, day in enumerate(days)
        for k in range(10)
    ]
    learned = read_sessions(train_site_sessions("site", ZONE, past, START + timedelta(days=1), None).text)
    nine = [session(1000 + k, START + timedelta(minutes=10 * k), 0, 10.0, over=False) for k in range(9)]
    tenth = session(1009, START + timedelta(minutes=90), 1.0, 10.0)
    alone, among_them = (
        review_outlooks([*past, *others, tenth], ZONE, learned, START + timedelta(hours=3))["stay_h"].learned_error[-1]
        for others in ([], nine)
    )
    assert among_them < 0.5 < alone


def test_nobody_is_planned_for_later_than_was_said():
    stated = EnergyNeed(20.0, START + timedelta(hours=2))
    assert need_to_plan(session(1, START, 0, 10.0, 2.0, over=False), outlook()) == stated


def test_an_operators_word_stands():
    said = EnergyNeed(20.0, START + timedelta(hours=9), NeedSource.OPERATOR)
    one = Session(**{**vars(session(1, START, 0, 1.0, over=False)), "need": said})
    assert need_to_plan(one, outlook()) is said


def test_where_nobody_says_anything_an_ample_energy_is_planned_by_an_early_departure():
    need = need_to_plan(session(1, START, 0, 1.0, over=False), outlook())
    assert need == EnergyNeed(12.0, START + timedelta(hours=3), NeedSource.FORECAST)
