"""Files of ACN-Data's sessions, as the forecast figures read them, and where in time the unseen part begins."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd

from cpms.domain.errors import InvalidInput
from cpms.domain.identity import ConnectorKey
from cpms.domain.session import EnergyNeed, Session, SessionState
from forecasting.calendar import Calendar, calendar_of
from forecasting.series import zone_of

FOLDER = Path(__file__).parents[2].parent / "shared/data/sessions"
COLUMNS = ("arrival", "departure", "requested_energy (kWh)", "delivered_energy (kWh)", "estimated_departure", "claimed")


def add_file_arguments(parser: argparse.ArgumentParser) -> None:
    """Which sessions, from when on they are unseen, and whose clock and holidays count."""
    default = FOLDER / "caltech_2019-05-01_2019-08-31.csv.gz"
    parser.add_argument("--sessions", type=Path, nargs="+", default=[default], help="one or more files, in any order")
    parser.add_argument("--train-until", help="default: the middle of the file's time")
    parser.add_argument("--timezone", default="America/Los_Angeles")
    parser.add_argument("--region", default="US-CA", help="ISO 3166 code whose public holidays count")


@dataclass(frozen=True)
class Recorded:
    """Sessions by start, unseen from `split_s` [s] on."""

    sessions: list[Session]
    zone: ZoneInfo
    split_s: int
    calendar: Calendar


def read_recorded(arguments: argparse.Namespace) -> Recorded:
    """What `add_file_arguments` asked for."""
    zone = zone_of(arguments.timezone)
    read = [session for path in arguments.sessions for session in read_sessions(path)]
    sessions = sorted(read, key=lambda session: session.started_at)
    first_at, last_at = sessions[0].started_at, sessions[-1].started_at
    split_s = int(first_at.timestamp() + last_at.timestamp()) // 2
    if arguments.train_until:
        split_s = int(datetime.fromisoformat(arguments.train_until).replace(tzinfo=zone).timestamp())
    return Recorded(sessions, zone, split_s, calendar_of(arguments.region, first_at, last_at, zone))


def read_sessions(path: Path) -> list[Session]:
    """Sessions of an ACN-Data table; an unclaimed one has no statement: its columns repeat what really happened."""
    frame = pd.read_csv(path)
    missing = [column for column in COLUMNS if column not in frame]
    if missing:
        raise InvalidInput(
            "sessions", f"{path.name} has no column {missing[0]!r}", f"give a file with {', '.join(COLUMNS)}"
        )
    for column in ("arrival", "departure", "estimated_departure"):
        frame[column] = pd.to_datetime(frame[column], utc=True)
    rows = frame.to_dict("records")
    return [
        Session(
            id=str(row["session_id"]),
            site_id="recorded",
            connector=ConnectorKey(str(row["station_id"]), 1),
            transaction_id=str(row["session_id"]),
            started_at=row["arrival"].to_pydatetime(),
            ended_at=row["departure"].to_pydatetime(),
            energy_kwh=float(row["delivered_energy (kWh)"]),
            state=SessionState.ENDED,
            need=EnergyNeed(float(row["requested_energy (kWh)"]), row["estimated_departure"].to_pydatetime())
            if row["claimed"]
            else None,
        )
        for row in rows
    ]
