"""A station of version 1.6 by hand, over a real socket, for tests of the whole product."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.product import Product, now_text


class Station:
    """A station of version 1.6, by hand: whatever a test wants it to say. It accepts every command."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.profiles: list[dict[str, Any]] = []
        self._number = 0

    async def call(self, action: str, payload: dict[str, Any]) -> Any:
        self._number += 1
        await self.connection.send(json.dumps([2, f"m{self._number}", action, payload]))
        return await self.answer(f"m{self._number}")

    async def answer(self, message_id: str) -> Any:
        """The frame that answers `message_id`; commands that come first are accepted."""
        async with asyncio.timeout(60):
            while True:
                frame = json.loads(await self.connection.recv())
                if frame[0] != 2 and frame[1] == message_id:
                    return frame
                if frame[0] == 2:
                    await self._accept(frame)

    async def until_profile(self) -> dict[str, Any]:
        """The next charging profile of the transaction."""
        async with asyncio.timeout(60):
            while not self.profiles:
                frame = json.loads(await self.connection.recv())
                if frame[0] == 2:
                    await self._accept(frame)
        return self.profiles.pop(0)

    async def _accept(self, frame: list[Any]) -> None:
        payload: dict[str, Any] = {"status": "Accepted"}
        if frame[2] == "GetConfiguration":
            payload = {"configurationKey": [], "unknownKey": []}
        if frame[2] == "SetChargingProfile":
            profile = frame[3]["csChargingProfiles"]
            if profile["chargingProfilePurpose"] == "TxProfile":
                self.profiles.append(profile)
        await self.connection.send(json.dumps([3, frame[1], payload]))

    async def boot(self) -> None:
        await self.call("BootNotification", {"chargePointVendor": "Hand", "chargePointModel": "Made"})
        await self.call("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"})

    async def start(self, meter_wh: int = 0, at: str | None = None) -> int:
        payload = {"connectorId": 1, "idTag": "TAG-1", "meterStart": meter_wh, "timestamp": at or now_text()}
        return int((await self.call("StartTransaction", payload))[2]["transactionId"])

    async def stop(self, transaction_id: int, meter_wh: int, at: str | None = None) -> Any:
        payload = {"transactionId": transaction_id, "meterStop": meter_wh, "timestamp": at or now_text()}
        return await self.call("StopTransaction", payload)


@asynccontextmanager
async def station(product: Product, station_id: str, key: str, protocol: str = "ocpp1.6") -> AsyncIterator[Station]:
    credentials = base64.b64encode(f"{station_id}:{key}".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}"}
    url = f"{product.url}/{station_id}"
    async with connect(url, subprotocols=[Subprotocol(protocol)], additional_headers=headers, proxy=None) as connection:
        yield Station(connection)
