"""The product's HTTP API as a customer uses it: what the demo sets up, states, measures and reads back."""

from __future__ import annotations

import asyncio
import dataclasses
import enum
import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import httpx

from cpms.domain.errors import CpmsError
from cpms.domain.grid import DemandResponseEvent, GridLimit
from cpms.domain.identity import ConnectorKey
from cpms.domain.site import Connector, Site, Station
from cpms.domain.tariff import Tariff, TimeOfUseBand
from cpms.domain.telemetry import FeederMeasurement
from cpms.simulation.scenario import Visit

RETRY_PAUSE_S = 0.2
GIVE_UP_AFTER_S = 60.0
"""The server may be restarting: a request is tried again this long [s]."""
BATCH = 500
TRAINING_ROUNDS = re.compile(r'^cpms_component_rounds\{component="forecast models"\} (\d+)', re.MULTILINE)


class RequestRefused(CpmsError):
    """The API refused what the demo sent, with HTTP status `status` (None: nobody answered)."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class Platform:
    """A client of the API at `url` with a bearer token. Requests wait for a server that is starting again."""

    def __init__(self, url: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self._http = httpx.AsyncClient(base_url=url, headers=headers, timeout=20.0, trust_env=False)

    async def close(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def create_site(self, site: Site) -> None:
        """POST /sites."""
        fields = (
            "id",
            "name",
            "timezone",
            "currency",
            "voltage_v",
            "max_voltage_v",
            "import_limit_kw",
            "feeders",
            "solar",
            "region",
            "place",
        )
        body = {name: plain(getattr(site, name)) for name in (*fields, "reserved_other_load_kw")}
        await self._send("POST", "/sites", body)

    async def create_station(self, station: Station) -> str | None:
        """POST /stations; returns the station's key."""
        body = {
            "id": station.id,
            "site_id": station.site_id,
            "feeder_id": station.feeder_id,
            "security_profile": station.security_profile,
            "vendor": station.vendor,
            "model": station.model,
            "connectors": [_connector(connector) for connector in station.connectors],
        }
        created = await self._send("POST", "/stations", body)
        key = created["key"]
        return None if key is None else str(key)

    async def create_token(self, visit: Visit) -> None:
        """POST /tokens."""
        await self._send("POST", "/tokens", {"id_tag": visit.id_tag, "priority": visit.priority})

    async def put_tariff(self, site_id: str, tariff: Tariff) -> None:
        """PUT /sites/{id}/tariff."""
        body = {name: plain(getattr(tariff, name)) for name in ("currency", "timezone", "flat_price_per_kwh")}
        body["export_price_per_kwh"] = plain(tariff.export_price_per_kwh)
        body["bands"] = [_band(band) for band in tariff.bands]
        body["intervals"] = [
            plain(price.interval)
            | {
                "import_price_per_kwh": str(price.import_price_per_kwh),
                "export_price_per_kwh": str(price.export_price_per_kwh),
            }
            for price in tariff.intervals
        ]
        body["demand_charges"] = [
            {"price_per_kw": str(c.price_per_kw), "period": c.period.value, "window_s": c.window_s}
            | ({} if c.band is None else {"band": _band(c.band)})
            for c in tariff.demand_charges
        ]
        await self._send("PUT", f"/sites/{site_id}/tariff", body)

    async def put_limits(self, site_id: str, limits: Sequence[GridLimit]) -> None:
        """PUT /sites/{id}/limits."""
        names = ("id", "feeder_id", "limit_kw", "limit_a", "starts_at", "ends_at", "reason")
        items = [{name: plain(getattr(limit, name)) for name in names} for limit in limits]
        await self._send("PUT", f"/sites/{site_id}/limits", {"items": items})

    async def put_event(self, event: DemandResponseEvent) -> None:
        """PUT /sites/{id}/events/{event_id}."""
        body = {name: plain(getattr(event, name)) for name in ("name", "starts_at", "ends_at", "limit_kw", "priority")}
        await self._send("PUT", f"/sites/{event.site_id}/events/{event.id}", body)

    async def add_measurements(self, site_id: str, measurements: Sequence[FeederMeasurement]) -> None:
        """POST /sites/{id}/measurements, in batches."""
        names = ("feeder_id", "measured_at", "power_kw", "current_a", "solar_kw", "other_load_kw")
        items = [{name: plain(getattr(m, name)) for name in names} for m in measurements]
        for first in range(0, len(items), BATCH):
            await self._send("POST", f"/sites/{site_id}/measurements", {"items": items[first : first + BATCH]})

    async def open_session(self, connector: ConnectorKey, id_tag: str) -> str | None:
        """Id of the open session of `id_tag` at `connector`; None while there is none."""
        query = {"station_id": connector.station_id, "open": "true"}
        for session in (await self._send("GET", "/sessions", query=query))["items"]:
            if session["connector_id"] == connector.connector_id and session["id_tag"] == id_tag:
                return str(session["id"])
        return None

    async def put_need(self, session_id: str, visit: Visit) -> None:
        """PUT /sessions/{id}/need: what the driver states; of no consequence if the session has just ended."""
        body = {
            "energy_kwh": visit.stated_kwh,
            "departs_at": plain(visit.told_departs_at),
            "priority": visit.priority,
        }
        try:
            await self._send("PUT", f"/sessions/{session_id}/need", body)
        except RequestRefused as refusal:
            if refusal.status != httpx.codes.CONFLICT:
                raise

    async def sessions(self, site_id: str) -> list[dict[str, Any]]:
        """GET /sessions: all of the site, up to 1000."""
        answer = await self._send("GET", "/sessions", query={"site_id": site_id, "limit": "1000"})
        return list(answer["items"])

    async def plans(self, site_id: str, since: datetime) -> list[dict[str, Any]]:
        """GET /sites/{id}/plans: summaries."""
        answer = await self._send("GET", f"/sites/{site_id}/plans", query={"since": since.isoformat()})
        return list(answer["items"])

    async def alarms(self, site_id: str, since: datetime) -> list[dict[str, Any]]:
        """GET /sites/{id}/alarms."""
        answer = await self._send("GET", f"/sites/{site_id}/alarms", query={"since": since.isoformat()})
        return list(answer["items"])

    async def training_rounds(self) -> int:
        """GET /metrics: how often it was looked which forecasts are to be trained, and that was done."""
        response = await self._http.get("/metrics")
        found = TRAINING_ROUNDS.search(response.text) if response.is_success else None
        return 0 if found is None else int(found[1])

    async def _send(
        self, method: str, path: str, body: Any = None, query: dict[str, str] | None = None
    ) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        give_up_at_s = loop.time() + GIVE_UP_AFTER_S
        while True:
            problem: str
            try:
                response = await self._http.request(method, f"/api/v1{path}", json=body, params=query)
            except httpx.TransportError as error:
                problem = repr(error)
            else:
                if response.is_success:
                    return dict(response.json()) if response.content else {}
                problem = f"{response.status_code} {response.text[:500]}"
                if response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                    raise RequestRefused(f"{method} {path}: {problem}", response.status_code)
            if loop.time() > give_up_at_s:
                raise RequestRefused(f"{method} {path}: {problem}")
            await asyncio.sleep(RETRY_PAUSE_S)


def plain(value: Any) -> Any:
    """Dataclasses, instants, decimals and enums as JSON knows them; decimals as text, so that none is rounded."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return value.value if isinstance(value, enum.Enum) else value


def _connector(connector: Connector) -> dict[str, Any]:
    names = ("phases", "max_current_a", "min_current_a", "fallback_current_a", "step_a", "rotation_known", "switching")
    return {"id": connector.key.connector_id} | {name: plain(getattr(connector, name)) for name in names}


def _band(band: TimeOfUseBand) -> dict[str, Any]:
    return {
        "import_price_per_kwh": str(band.import_price_per_kwh),
        "starts": band.starts.isoformat(),
        "ends": band.ends.isoformat(),
        "weekdays": sorted(band.weekdays),
        "months": sorted(band.months),
    }
