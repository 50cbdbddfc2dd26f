from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from cpms.domain.errors import InvalidInput
from forecasting.calendar import EPOCH, Calendar, calendar_of, day_temperatures, days_off, require_region
from forecasting.series import zone_of

BERLIN = zone_of("Europe/Berlin")


def number(day):
    return (day - EPOCH).days


def test_a_public_holiday_counts_as_a_sunday_in_its_part_of_the_country():
    corpus_christi = date(2026, 6, 4)
    bavaria, berlin = (days_off(region, date(2026, 1, 1), date(2026, 12, 31)) for region in ("DE-BY", "DE-BE"))
    assert number(corpus_christi) in bavaria
    assert number(corpus_christi) not in berlin
    assert Calendar(off=bavaria).weekdays(np.array([number(corpus_christi)])).tolist() == [6]
    assert Calendar(off=berlin).weekdays(np.array([number(corpus_christi)])).tolist() == [3]


def test_a_region_nobody_knows_is_named():
    with pytest.raises(InvalidInput, match="XX-1"):
        days_off("XX-1", date(2026, 1, 1), date(2026, 1, 2))


@pytest.mark.parametrize("region", ["", "de", "DE-Bayern", "Germany", "XX", "DE-", "DE-XX", "NL-NH", "HolidayBase"])
def test_a_region_is_refused_with_the_codes_that_would_do(region):
    with pytest.raises(InvalidInput, match="ISO 3166") as refused:
        require_region(region)
    assert refused.value.field == "region"
    assert "DE-BY" in refused.value.cure


@pytest.mark.parametrize("region", [None, "DE", "DE-BY", "US", "US-CA", "GB-ENG", "NL"])
def test_countries_and_their_parts_are_regions(region):
    require_region(region)


def test_without_a_region_there_are_no_holidays():
    begin = datetime(2026, 12, 20, tzinfo=UTC)
    assert len(calendar_of(None, begin, begin + timedelta(days=30), BERLIN).off) == 0


def test_days_alike_count_most():
    monday = number(date(2026, 3, 2))
    days = np.array([monday, monday + 1, monday + 5])
    weights = Calendar().likeness(days, np.array([monday + 7]))[0]
    assert weights[0] > weights[1] > weights[2] > 0


def test_a_cold_day_is_expected_to_be_like_cold_days():
    monday = number(date(2026, 3, 2))
    days = np.array([monday, monday + 7])
    known = Calendar(days=np.array([monday, monday + 7, monday + 14]), day_c=np.array([-5.0, 15.0, -4.0]))
    cold, mild = known.likeness(days, np.array([monday + 14]))[0]
    plain_cold, plain_mild = Calendar().likeness(days, np.array([monday + 14]))[0]
    assert cold / mild > 10 * plain_cold / plain_mild


def test_a_day_hardly_covered_has_no_temperature():
    begin = datetime(2026, 3, 1, 23, tzinfo=UTC)
    valid_at = tuple(begin + timedelta(hours=h) for h in range(30))
    days, mean_c = day_temperatures(valid_at, (7.0,) * 30, BERLIN)
    assert days.tolist() == [number(date(2026, 3, 2))]
    assert mean_c.tolist() == [7.0]
