"""Samples into the database: batches by COPY against one INSERT per commit, in the same run on the same server.

    python -m tests.benchmarks.ingest --json

One JSON object: rows per second and CPU microseconds per sample of both (this process and the server's), and their ratios.
fsync is on, as in production.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from cpms.domain.identity import ConnectorKey
from cpms.domain.telemetry import Sample
from data.embedded import EmbeddedServer
from data.ingest import SampleIngest
from data.migrate import migrate
from data.store import Store
from tests.databases import open_folder

START = datetime(2026, 1, 15, tzinfo=UTC)
_INSERT = "INSERT INTO samples VALUES (" + ", ".join(["%s"] * 17) + ") ON CONFLICT DO NOTHING"


@dataclass(frozen=True)
class Measured:
    """A way of storing: rows per second of wall time, CPU of client and server per row [us]."""

    rows: int
    rows_per_s: float
    client_cpu_us_per_row: float
    server_cpu_us_per_row: float


def made_up(rows: int, prefix: str, connectors: int = 1000) -> list[Sample]:
    """`rows` wide samples of `connectors` connectors, each its next one 10 s later."""
    return [
        _sample(f"{prefix}-{n % connectors}", START + timedelta(seconds=10 * (n // connectors)), n) for n in range(rows)
    ]


def _sample(station_id: str, instant: datetime, n: int) -> Sample:
    current_a = 6.0 + n % 260 / 10
    return Sample(
        ConnectorKey(station_id, 1), instant, instant, "4711", current_a * 0.69, 1000 + n / 1000,
        (current_a, current_a, current_a), (230.1, 229.8, 231.2), current_a, 50.0, False, instant,
    )  # fmt: skip


async def _in_batches(store: Store, samples: Sequence[Sample]) -> None:
    async with SampleIngest(store, flush_interval_s=3600, capacity=len(samples)) as ingest:
        ingest.add(samples)
        await ingest.flush()
        assert ingest.health().counters["samples"] == len(samples)


async def _one_by_one(dsn: str, samples: Sequence[Sample]) -> None:
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        for s in samples:
            row = (
                s.connector.station_id, s.connector.connector_id, s.sampled_at, s.received_at, s.reported_at,
                s.transaction_id, s.power_kw, s.energy_kwh, *s.current_a, *s.voltage_v, s.offered_a, s.soc_pct, s.derived,
            )  # fmt: skip
            await connection.execute(_INSERT, row)


async def _measure(
    server: EmbeddedServer, samples: Sequence[Sample], store_all: Callable[[], Awaitable[None]]
) -> Measured:
    wall_s, client_s, server_s = time.perf_counter(), time.process_time(), _server_cpu_s(server)
    await store_all()
    wall_s, client_s = time.perf_counter() - wall_s, time.process_time() - client_s
    server_s = _server_cpu_s(server) - server_s
    return Measured(len(samples), len(samples) / wall_s, client_s / len(samples) * 1e6, server_s / len(samples) * 1e6)


def _server_cpu_s(server: EmbeddedServer) -> float:
    """CPU seconds of the postmaster and its living children, from /proc (Linux). Connections outlive what is measured."""
    postmaster = (server.cluster / "postmaster.pid").read_text().split()[0]
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
        if postmaster in (fields[1], stat.parent.name):
            ticks += int(fields[11]) + int(fields[12])
            ticks += int(fields[13]) + int(fields[14]) if stat.parent.name == postmaster else 0
    return ticks / os.sysconf("SC_CLK_TCK")


async def run(batch_rows: int, single_rows: int) -> dict[str, object]:
    """Measure both ways on one embedded server."""
    with open_folder() as folder, EmbeddedServer(folder) as server:
        await asyncio.to_thread(migrate, server.dsn)
        batched, single = made_up(batch_rows, "B"), made_up(single_rows, "S")
        async with Store.open(server.dsn) as store:
            await store.add_samples(made_up(1000, "warm"))
            ours = await _measure(server, batched, lambda: _in_batches(store, batched))
            plain = await _measure(server, single, lambda: _one_by_one(server.dsn, single))
    cpu = [m.client_cpu_us_per_row + m.server_cpu_us_per_row for m in (ours, plain)]
    return {
        "batched": vars(ours),
        "one_insert_per_commit": vars(plain),
        "rows_per_s_ratio": ours.rows_per_s / plain.rows_per_s,
        "cpu_per_row_ratio": cpu[1] / cpu[0],
    }


def main() -> None:
    """Print the measurement."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--single-rows", type=int, default=1_000)
    parser.add_argument("--json", action="store_true", help="one line (default: indented)")
    arguments = parser.parse_args()
    result = asyncio.run(run(arguments.rows, arguments.single_rows))
    print(json.dumps(result, indent=None if arguments.json else 2))


if __name__ == "__main__":
    main()
