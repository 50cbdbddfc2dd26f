from datetime import UTC, datetime, timedelta

from cpms.control.obedience import Obedience, Verdict
from cpms.control.settings import ControlSettings

NOW = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)


def observe(record: Obedience, second: float, current_a: float) -> Verdict | None:
    return record.observe(current_a, 10.0, NOW + timedelta(seconds=second), ControlSettings())


def test_ten_seconds_more_than_one_ampere_above_is_disobedience():
    record = Obedience()
    assert [observe(record, s, 11.1) for s in (0, 5, 9, 10)] == [None, None, None, Verdict.DISOBEYS]


def test_a_reading_within_an_ampere_in_between_starts_anew():
    record = Obedience()
    assert [observe(record, s, a) for s, a in ((0, 20.0), (8, 11.0), (12, 20.0), (20, 20.0))] == [None] * 4


def test_five_obedient_minutes_end_the_quarantine_and_a_relapse_starts_them_anew():
    record = Obedience(quarantined=True)
    observe(record, 0, 10.0)
    observe(record, 200, 20.0)
    assert [observe(record, s, 10.0) for s in (210, 509)] == [None, None]
    assert observe(record, 510, 10.0) is Verdict.OBEYS_AGAIN
