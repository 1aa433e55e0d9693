"""Delivery channels: the board (through database notifications) and a webhook (CloudEvents over HTTP)."""

import hashlib
import hmac
import json
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from time import monotonic
from typing import Any, Final

from psycopg import AsyncConnection

from hubwell.outbound.exchange import Answer, ExchangeError, Limits, exchange
from hubwell.settings import Settings
from hubwell.storage.connect import connection
from hubwell.storage.notify import Channel, SpacesChanged, notify

BOARD: Final = "board"
WEBHOOK: Final = "webhook"
LANES: Final = (BOARD, WEBHOOK)
"""Channels, which are the names of their queues too: a receiver that is slow delays its own channel only."""
_WEBHOOK_LIMITS: Final = Limits(seconds=10.0, body_bytes=0)
"""The answer's body means nothing here, so none is read."""
_ASKS_TO_WAIT: Final = frozenset((HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE))
_LONGEST_RETRY_AFTER: Final = timedelta(days=1)

EventRow = tuple[Any, ...]
"""(id, type, occurred_at, space_id, space_name, payload, attempts)"""


class DeliveryError(Exception):
    """A channel could not deliver; the text is the reason and is stored with the delivery.

    `retry_after_s` is how long the receiver asked to wait, in seconds; 0 where it did not.
    """

    def __init__(self, reason: str, *, retry_after_s: float = 0) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class Channels:
    """Targets of alerts, and how to send to them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._webhook_pause_ends = 0.0
        """Monotonic time in seconds until which the receiver asked for no post."""

    def targets(self, *, personal: bool) -> list[tuple[str, str]]:
        """Return (channel, target) of every delivery an alert gets.

        An alert of one person's room (`personal`) stays in the hub: it would show when the person is in.
        """
        targets = [(BOARD, "all")]
        if self._settings.webhook_url is not None and not personal:
            targets.append((WEBHOOK, "alerts"))  # a name: an address may hold a secret
        return targets

    def connection(self) -> AbstractAsyncContextManager[AsyncConnection[Any]]:
        """Open a connection for one delivery: alerts are rare, an idle connection would cost more."""
        return connection(self._settings.database_url, name="deliver")

    async def show(self, conn: AsyncConnection[Any], event: EventRow) -> None:
        """Notify the boards of an event once the caller's transaction commits."""
        await notify(conn, Channel.SPACES, SpacesChanged((event[3],), event[0]).payload())

    async def post(self, target: str, event: EventRow) -> None:
        """Post one event to the webhook; holds no connection. Raises DeliveryError."""
        if self._settings.webhook_url is None:
            raise DeliveryError(f"no address is set for the webhook {target!r}: set HUBWELL_WEBHOOK_URL")
        if (pause := self._webhook_pause_ends - monotonic()) > 0:
            raise DeliveryError("the webhook asked to wait", retry_after_s=pause)
        body = json.dumps(cloud_event(self._settings.site, event)).encode()
        try:
            answer = await exchange(
                "POST",
                str(self._settings.webhook_url),
                limits=_WEBHOOK_LIMITS,
                headers=self._headers(event, body),
                body=body,
                ca_file=self._settings.ca_file,
            )
        except ExchangeError as error:
            raise DeliveryError(f"{error.failure}: {error}") from error
        if not answer.is_success:
            pause = _retry_after(answer, datetime.now(UTC))
            self._webhook_pause_ends = monotonic() + pause
            raise DeliveryError(f"the webhook answered {answer.status}", retry_after_s=pause)

    def _headers(self, event: EventRow, body: bytes) -> dict[str, str]:
        headers = {
            "Content-Type": "application/cloudevents+json",
            "Idempotency-Key": f"{self._settings.site}-{event[0]}",
        }
        if self._settings.webhook_secret is not None:
            key = self._settings.webhook_secret.get_secret_value().encode()
            headers["X-Hubwell-Signature"] = "sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest()
        return headers


def _retry_after(answer: Answer, now: datetime) -> float:
    """Return the seconds of a Retry-After (RFC 9110, 10.2.3: seconds or a date), at most a day; else 0."""
    value = answer.headers.get("retry-after", "").strip()
    if answer.status not in _ASKS_TO_WAIT or not value:
        return 0
    try:
        seconds = float(int(value)) if value.isdecimal() else _until(value, now)
    except (ValueError, OverflowError):
        return 0
    return min(max(0.0, seconds), _LONGEST_RETRY_AFTER.total_seconds())


def _until(value: str, now: datetime) -> float:
    """Return the seconds until an HTTP date. Raises ValueError."""
    moment = parsedate_to_datetime(value)
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()


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
