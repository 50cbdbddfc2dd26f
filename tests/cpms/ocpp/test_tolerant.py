"""Reading over what stations get wrong, and refusing only what cannot be used."""

from contextlib import suppress
from typing import Annotated

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpms.ocpp.tolerant import Message, Reader, read_number
from cpms.ocpp.violations import ErrorCode, Violation


class Part(Message):
    value: float
    unit: str | None = None


class Whole(Message):
    connector_id: int
    serial: Annotated[str, msgspec.Meta(max_length=5)] | None = None
    is_on: bool = False
    parts: tuple[Part, ...] = ()
    part: Part | None = None


reader = Reader(Whole)


def read(text: str) -> tuple[Whole, list[str]]:
    deviations: list[str] = []
    return reader.read(text.encode(), deviations), deviations


def test_a_conforming_message_has_no_deviations():
    whole, deviations = read('{"connectorId":1,"serial":"abc","parts":[{"value":1.5}]}')
    assert (whole.connector_id, whole.serial, whole.parts[0].value, deviations) == (1, "abc", 1.5, [])


@pytest.mark.parametrize(
    ("text", "deviation"),
    [
        ('{"connectorId":"1"}', "connectorId is not as specified"),
        ('{"connectorId":1.0}', "connectorId is not as specified"),
        ('{"connectorId":1,"vendorExtra":{}}', "vendorExtra is not a property"),
        ('{"connectorId":1,"serial":"longer than five"}', "serial is not as specified"),
        ('{"connectorId":1,"serial":12}', "serial is not as specified"),
        ('{"connectorId":1,"isOn":"true"}', "isOn is not as specified"),
        ('{"connectorId":1,"parts":{"value":1}}', None),
        ('{"connectorId":1,"parts":[{"value":"12,5"}]}', "parts[0].value is not as specified"),
        ('{"connectorId":1,"parts":[{"unit":"W"}]}', "parts[0].value is missing"),
        ('{"connectorId":1,"part":"x"}', "part is not an object"),
    ],
)
def test_deviations_are_read_over_and_noted(text: str, deviation: str | None):
    whole, deviations = read(text)
    assert whole.connector_id == 1
    assert deviations == ([] if deviation is None else [deviation])


def test_long_texts_are_kept_whole():
    assert read('{"connectorId":1,"serial":"longer than five"}')[0].serial == "longer than five"


def test_one_unusable_part_does_not_cost_the_others():
    whole, deviations = read('{"connectorId":1,"parts":[{"value":"abc"},{"value":2}]}')
    assert [part.value for part in whole.parts] == [2]
    assert len(deviations) == 1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{}", ErrorCode.MISSING),
        ('{"connectorId":null}', ErrorCode.MISSING),
        ('{"connectorId":"one"}', ErrorCode.TYPE),
        ('{"connectorId":1.5}', ErrorCode.TYPE),
        ('{"connectorId":true}', ErrorCode.TYPE),
        ("null", ErrorCode.MISSING),
        ("[1]", ErrorCode.FORMAT),
        ('"\xff', ErrorCode.FORMAT),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_right_code(text: str, code: ErrorCode):
    with pytest.raises(Violation) as refused:
        reader.read(text.encode("latin-1"), [])
    assert refused.value.code is code


@given(st.binary())
def test_no_payload_raises_anything_but_a_violation(payload: bytes):
    with suppress(Violation):
        assert isinstance(reader.read(payload, []), Whole)


@pytest.mark.parametrize(
    ("text", "number"), [("1", 1), (" 1.5 ", 1.5), ("1,5", 1.5), ("-2", -2), ("1e3", 1000), (7, 7)]
)
def test_numbers_are_read_as_stations_write_them(text: str | float, number: float):
    assert read_number(text) == number


@pytest.mark.parametrize("text", ["", "abc", "1.234,5", "nan", "inf", "1e99", "-Infinity"])
def test_what_is_no_finite_number_is_none(text: str):
    assert read_number(text) is None


def test_codes_are_spelled_as_the_version_wants():
    assert ErrorCode.FORMAT.wire("ocpp1.6") == "FormationViolation"
    assert ErrorCode.FORMAT.wire("ocpp2.0.1") == "FormatViolation"
    assert ErrorCode.MISSING.wire("ocpp1.6") == "OccurenceConstraintViolation"
    assert ErrorCode.MISSING.wire("ocpp2.0.1") == "OccurrenceConstraintViolation"
