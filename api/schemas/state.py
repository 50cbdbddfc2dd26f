"""What goes on: the live state of sites and stations, and alarms."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pydantic import Field

from api.schemas.common import View
from api.schemas.live import LiveSite
from api.schemas.sites import SiteConfiguration
from api.schemas.stations import ConnectorStatusView, ReadingView, StationView
from cpms.control.state import SiteState
from cpms.domain.identity import ConnectorKey
from cpms.domain.site import Site, Station
from cpms.domain.telemetry import Alarm, ConnectorStatusChanged, Sample
from data.stations import ConnectionState


class SiteView(SiteConfiguration):
    """A site as it is configured, its stations, and its controller's view of it."""

    station_ids: list[str]
    live: LiveSite | None = Field(description="null while no controller runs for it")

    @classmethod
    def with_state(cls, site: Site, live: SiteState | None) -> SiteView:
        """A stored site and its live state."""
        configuration = dict(SiteConfiguration.of(site))
        return cls(
            **configuration,
            station_ids=[station.id for station in site.stations if station.retired_at is None],
            live=None if live is None else LiveSite.of(live),
        )


class StationReading(ReadingView):
    """The last reading of one of a station's connectors."""

    connector_id: int


class StationDetail(StationView):
    """A station, when it was last heard of, and what its connectors last said and measured."""

    protocol: str | None
    connected_at: datetime | None
    disconnected_at: datetime | None
    last_seen_at: datetime | None
    booted_at: datetime | None
    serial_number: str | None
    firmware_version: str | None
    clock_error_s: float | None = Field(description="How far its clock is ahead (negative: behind); null: not measured")
    clock_behind_s: float | None = Field(
        description="How far it may be behind at most, counted; null: nothing is known"
    )
    statuses: list[ConnectorStatusView]
    readings: list[StationReading]

    @classmethod
    def build(
        cls,
        station: Station,
        connected: bool,
        connection: ConnectionState,
        statuses: Mapping[ConnectorKey, ConnectorStatusChanged],
        last_values: Mapping[ConnectorKey, Sample],
    ) -> StationDetail:
        """A station of a site whose `statuses` and `last_values` are given."""
        return cls(
            **dict(StationView.of(station, connected)),
            protocol=connection.protocol,
            connected_at=connection.connected_at,
            disconnected_at=connection.disconnected_at,
            last_seen_at=connection.last_seen_at,
            booted_at=connection.booted_at,
            serial_number=connection.serial_number,
            firmware_version=connection.firmware_version,
            clock_error_s=None if connection.clock is None else connection.clock.error_s,
            clock_behind_s=None if connection.clock is None else connection.clock.behind_s,
            statuses=[ConnectorStatusView.of(s) for key, s in statuses.items() if key.station_id == station.id],
            readings=[
                StationReading(**dict(ReadingView.of(sample)), connector_id=key.connector_id)
                for key, sample in last_values.items()
                if key.station_id == station.id
            ],
        )


class AlarmView(View):
    """What somebody should look at."""

    raised_at: datetime
    kind: str
    message: str
    station_id: str | None

    @classmethod
    def of(cls, alarm: Alarm) -> AlarmView:
        """A stored alarm."""
        return cls(raised_at=alarm.raised_at, kind=alarm.kind, message=alarm.message, station_id=alarm.station_id)
