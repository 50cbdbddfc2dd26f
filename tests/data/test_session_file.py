from __future__ import annotations

import contextlib
import gzip
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpms.domain.errors import InvalidInput
from cpms.domain.session import EnergyNeed, PastSession
from data.session_file import parse_sessions, read_session_file

HEADER = (
    "arrival,departure,requested_energy (kWh),delivered_energy (kWh),station_id,session_id,estimated_departure,claimed"
)
CLAIMED = "2019-06-12 07:00:00-07:00,2019-06-12 12:00:00-07:00,30.0,8.5,CA-301,x,2019-06-12 15:00:00-07:00,True"
UNCLAIMED = "2019-06-12 08:00:00-07:00,2019-06-12 09:00:00-07:00,0.9,0.9,CA-302,y,2019-06-12 09:00:00-07:00,False"


def refusal(*lines: str) -> str:
    with pytest.raises(InvalidInput) as refused:
        parse_sessions([HEADER, *lines])
    return str(refused.value)


def test_a_line_is_a_session_with_what_its_driver_stated() -> None:
    (session,) = parse_sessions([HEADER, CLAIMED])
    at_seven = datetime(2019, 6, 12, 14, tzinfo=UTC)
    assert session == PastSession(
        line=2,
        session_id="x",
        station_id="CA-301",
        connector_id=None,
        started_at=at_seven,
        ended_at=at_seven + timedelta(hours=5),
        energy_kwh=8.5,
        need=EnergyNeed(30.0, at_seven + timedelta(hours=8)),
    )


def test_what_repeats_the_outcome_because_nobody_stated_anything_is_no_statement() -> None:
    assert [s.need for s in parse_sessions([HEADER, UNCLAIMED])] == [None]


def test_without_a_column_that_says_so_empty_cells_mean_that_nobody_stated_anything() -> None:
    header, claimed = HEADER.removesuffix(",claimed"), CLAIMED.removesuffix(",True")
    silent = "2019-06-12 08:00:00-07:00,2019-06-12 09:00:00-07:00,,0.9,CA-302,y,"
    assert [s.need is None for s in parse_sessions([header, claimed, silent])] == [False, True]


def test_drivers_and_connectors_are_read_where_a_file_has_them() -> None:
    header = "session_id,station_id,connector_id,user_id,arrival,departure,delivered_energy (kWh)"
    (session,) = parse_sessions([header, "x,CP-1,2,ada,2026-01-05T08:00:00Z,2026-01-05T17:00:00+01:00,11"])
    assert (session.connector_id, session.id_tag, session.need) == (2, "ada", None)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("2019-06-12 07:00:00-07:00", "2019-06-12 07:00:00", "line 3, arrival: '2019-06-12 07:00:00' is no instant with an offset"),
        ("2019-06-12 07:00:00-07:00", "yesterday", "line 3, arrival: 'yesterday'"),
        ("2019-06-12 07:00:00-07:00", "0001-01-01 00:00:00+14:00", "line 3, arrival"),
        ("2019-06-12 12:00:00-07:00", "2019-06-12 06:00:00-07:00", "line 3, departure: 2019-06-12 06:00:00-07:00 is before"),
        ("8.5", "-1", "line 3, delivered_energy (kWh): '-1' is no energy; give kWh"),
        ("8.5", "nan", "line 3, delivered_energy (kWh)"),
        ("30.0", "inf", "line 3, requested_energy (kWh)"),
        ("30.0", "", "line 3, requested_energy (kWh)"),
        ("2019-06-12 15:00:00-07:00", "soon", "line 3, estimated_departure"),
        ("CA-301", "CA/301", "line 3, station_id"),
        (",x,", ",,", "line 3, session_id"),
        (",x,", ",a\x00b,", "line 3, session_id"),
        ("True", "perhaps", "line 3, claimed: 'perhaps' is neither; give True or False"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_named_by_line_and_column(old: str, new: str, told: str) -> None:
    assert told in refusal(UNCLAIMED, CLAIMED.replace(old, new))


@pytest.mark.parametrize("connector", ["0", "-1", "1.5", "9" * 5000, "²"])
def test_a_connector_that_is_none_is_refused(connector: str) -> None:
    with pytest.raises(InvalidInput, match="line 2, connector_id"):
        parse_sessions([f"{HEADER},connector_id", f"{CLAIMED},{connector}"])


def test_lines_that_end_too_soon_are_refused_and_all_lines_that_are_wrong_are_told() -> None:
    told = refusal("2019-06-12", CLAIMED, UNCLAIMED.replace("0.9,CA", "?,CA"), CLAIMED.replace("True", "?"))
    assert told.startswith("line 2, ")
    assert "(as are line 4, line 5)" in told
    assert "and 5 more" in refusal(*["2019-06-12"] * 16)


def test_a_session_told_twice_is_one_and_told_differently_is_refused() -> None:
    assert len(parse_sessions([HEADER, CLAIMED, UNCLAIMED, CLAIMED])) == 2
    assert "line 4, session_id: contradicts line 2" in refusal(CLAIMED, UNCLAIMED, CLAIMED.replace("8.5", "8.6"))


@given(st.permutations(range(12)), st.lists(st.integers(0, 11)))
def test_order_and_repetition_of_lines_never_matter(order: list[int], again: list[int]) -> None:
    lines = [
        CLAIMED.replace(",x,", f",x{n},").replace("CA-301", f"CA-{n % 3}").replace(" 07:00", f" 07:0{n % 4}")
        for n in range(12)
    ]
    whole, shuffled = (
        [replace(session, line=0) for session in parse_sessions([HEADER, *chosen])]
        for chosen in (lines, [lines[n] for n in (*order, *again)])
    )
    assert whole == shuffled


@given(st.lists(st.text(max_size=60), max_size=5))
def test_no_text_is_too_strange_to_be_read_or_refused(lines: list[str]) -> None:
    with contextlib.suppress(InvalidInput):
        parse_sessions([HEADER, *lines])


def test_plain_and_compressed_files_are_read_alike(tmp_path: Path) -> None:
    text = "\n".join((HEADER, CLAIMED, UNCLAIMED))
    plain, packed = tmp_path / "s.csv", tmp_path / "s.csv.gz"
    plain.write_text(text)
    packed.write_bytes(gzip.compress(text.encode()))
    assert read_session_file(plain) == read_session_file(packed) != []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("s.csv", b"a,b\n1,2\n"),
        ("s.csv", b""),
        ("s.csv", b"\xff\xfe\x00"),
        ("s.csv.gz", b"not compressed"),
        ("s.csv.gz", gzip.compress(HEADER.encode() * 50)[:-20]),
        ("s.csv", f'{HEADER}\n"{"x" * 200_000}'.encode()),
    ],
)
def test_a_file_of_something_else_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=r"sessions|line 1"):
        read_session_file(path)
    with pytest.raises(InvalidInput, match="sessions"):
        read_session_file(tmp_path / "nowhere.csv")
