"""Delivery channels: the board (through database notifications) and a webhook (CloudEvents over HTTP)."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx
from psycopg import AsyncConnection

from hubwell.settings import Settings
from hubwell.storage.connect import connect
from hubwell.storage.notify import Channel, SpacesChanged, notify
from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.deliver")
_TIMEOUT_S: Final = 10.0

EventRow = tuple[Any, ...]
"""(id, type, occurred_at, space_id, space_name, payload, attempts)"""


class Channels:
    """Targets of alerts, and how to send to them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def targets(self) -> list[tuple[str, str]]:
        """Return (channel, target) of every delivery an alert gets."""
        targets = [("board", "all")]
        if self._settings.webhook_url is not None:
            targets.append(("webhook", "alerts"))  # a name: an address may hold a secret
        return targets

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection[Any]]:
        """Open a connection for one delivery: alerts are rare, an idle connection would cost more."""
        conn = await connect(self._settings.database_url, name="deliver")
        try:
            yield conn
        finally:
            await conn.close()

    async def send(
        self, conn: AsyncConnection[Any], channel: str, target: str, event: EventRow
    ) -> str | None:
        """Send one event; return None, or the reason why it could not be sent."""
        if channel == "board":
            await notify(conn, Channel.SPACES, SpacesChanged((event[3],), event[0]).payload())
            return None
        if self._settings.webhook_url is None:
            return f"no address is set for the webhook {target!r}: set HUBWELL_WEBHOOK_URL"
        return await self._post(str(self._settings.webhook_url), event)

    async def _post(self, url: str, event: EventRow) -> str | None:
        body = json.dumps(cloud_event(self._settings.site, event)).encode()
        headers = {
            "Content-Type": "application/cloudevents+json",
            "Idempotency-Key": f"{self._settings.site}-{event[0]}",
        }
        if self._settings.webhook_secret is not None:
            key = self._settings.webhook_secret.get_secret_value().encode()
            headers["X-Hubwell-Signature"] = "sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest()
        try:
            async with httpx.AsyncClient(timeout=_TIMEOUT_S) as client:
                answer = await client.post(url, content=body, headers=headers)
        except httpx.HTTPError as error:
            return f"{type(error).__name__}: {error}"[:300]
        return None if answer.is_success else f"the webhook answered {answer.status_code}"


def cloud_event(site: str, event: EventRow) -> dict[str, Any]:
    """Return an event in the structured JSON form of CloudEvents 1.0."""
    key, kind, occurred_at, space_id, space_name, payload, _attempts = event
    return {
        "specversion": "1.0",
        "id": str(key),
        "source": f"/hubwell/{site}",
        "type": f"org.hubwell.{kind}",
        "time": occurred_at.isoformat(),
        "subject": space_id,
        "datacontenttype": "application/json",
        "data": {**payload, "space_name": space_name},
    }
