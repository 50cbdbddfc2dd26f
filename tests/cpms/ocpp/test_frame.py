"""OCPP-J framing: whatever comes, reading it never raises."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpms.ocpp import frame
from cpms.ocpp.frame import Call, CallError, CallResult, FrameProblem, parse

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=5) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=12,
)


@given(st.one_of(st.binary(), st.text()))
def test_arbitrary_bytes_and_texts_never_raise(data: bytes | str):
    assert isinstance(parse(data), Call | CallResult | CallError | FrameProblem)


@given(_json, st.integers(0, 3))
def test_arbitrary_json_never_raises_whole_or_cut(value: object, cut: int):
    data = json.dumps(value).encode()
    assert isinstance(parse(data[: len(data) - cut]), Call | CallResult | CallError | FrameProblem)


@given(st.lists(_json, max_size=6).map(lambda rest: [2, *rest]))
def test_anything_with_a_readable_id_is_a_call_or_a_problem_with_that_id(parts: list[object]):
    found = parse(json.dumps(parts))
    if len(parts) >= 3 and isinstance(parts[1], str) and "\x00" not in parts[1]:
        try:
            json.dumps(parts, allow_nan=False).encode()
            parts[1].encode()
        except ValueError:  # NaN and lone surrogates are no JSON
            return
        assert isinstance(found, Call | FrameProblem)
        assert found.message_id == parts[1]


@pytest.mark.parametrize("data", [b"[" * 1_000_000, b'[2,"1","A",' + b'{"a":' * 1_000_000, b'["' * 300_000])
def test_bottomless_nesting_is_a_problem_like_any_other(data: bytes):
    assert isinstance(parse(data), FrameProblem)


def test_the_three_frames_are_told_apart():
    assert parse('[2,"a","Heartbeat",{}]') == Call("a", "Heartbeat", parse('[2,"a","Heartbeat",{}]').payload)  # type: ignore[union-attr]
    assert isinstance(parse('[3,"a",{"status":"Accepted"}]'), CallResult)
    assert parse('[4,"a","InternalError","no",{}]') == CallError("a", "InternalError", "no")
    assert parse('[4,"a","InternalError"]') == CallError("a", "InternalError", "")


def test_a_call_without_payload_has_an_empty_one():
    found = parse('[2,"a","Heartbeat"]')
    assert isinstance(found, Call)
    assert found.payload == b"{}"


def test_a_message_id_is_salvaged_from_broken_json():
    assert parse('[2,"42","Heartbeat",{]') == FrameProblem(parse('[2,"42","Heartbeat",{]').problem, "42")  # type: ignore[union-attr]


def test_broken_answers_are_not_answered():
    found = parse('[3,"42",{]')
    assert isinstance(found, FrameProblem)
    assert not found.is_answerable


def test_an_unknown_message_type_is_named():
    found = parse('[9,"42","Heartbeat",{}]')
    assert isinstance(found, FrameProblem)
    assert (found.message_id, found.unknown_type) == ("42", True)


def test_a_numeric_message_id_cannot_be_answered():
    found = parse('[2,42,"Heartbeat",{}]')
    assert isinstance(found, FrameProblem)
    assert found.message_id is None


def test_nul_characters_which_no_database_takes_are_dropped():
    found = parse(r'[2,"a","A",{"x":"b\u0000c\\u0000"}]')
    assert isinstance(found, Call)
    assert bytes(found.payload) == rb'{"x":"bc\\u0000"}'


def test_what_is_written_is_json_of_the_specified_shape():
    assert json.loads(frame.call("1", "Reset", {"type": "Hard"})) == [2, "1", "Reset", {"type": "Hard"}]
    assert json.loads(frame.call_result("1", {})) == [3, "1", {}]
    assert json.loads(frame.call_error("1", "InternalError", "x" * 300)) == [4, "1", "InternalError", "x" * 255, {}]
