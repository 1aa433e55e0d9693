"""Notifications between the server's processes (NOTIFY and LISTEN of PostgreSQL): channels and functions.

PostgreSQL delivers a notification when its transaction commits, to the connections that listen at that
moment, and stores none. So a notification means only that something changed, and each listener reads the
whole state when it begins to listen (`docs/architecture.md` has the table of channels).

PostgreSQL lets every role of a database listen and notify. So a channel's name in the database is derived
from a secret of that database (`channel_name`), which a role that may only read figures cannot read: it can
neither hear when a person taps nor send what a process would believe.
"""

import json
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NoReturn

import psycopg
from psycopg import AsyncConnection, sql

from hubwell.storage.connect import connection
from hubwell.storage.retry import Backoff, WarnOnce

_LOG: Final = logging.getLogger(__name__)
_SPACES_TOGETHER: Final = 100
"""Spaces in one notification: PostgreSQL takes at most 8000 bytes, an id has at most 63."""


class Channel(StrEnum):
    """Channels of notifications. The database derives their names from these values: `channel_name`."""

    SPACES = "hubwell_change"
    """The state of spaces changed, or an alert was delivered: `SpacesChanged`, as JSON."""
    ALLOWLISTS = "hubwell_roster"
    """The data of allow-lists changed. No payload."""
    ERASURES = "hubwell_forget"
    """Badges were erased, which devices have to delete too. No payload."""
    DESK_TAPS = "hubwell_desk"
    """A badge was tapped at a desk's reader: the id of the `desk_tap`."""
    EVACUATIONS = "hubwell_evacuation"
    """An evacuation or a drill began, ended, or became the other kind. No payload."""
    MUSTERS = "hubwell_muster"
    """People on the list of the open evacuation were ticked off, or a visitor was entered. No payload."""
    HUB = "hubwell_profile"
    """What administrators chose for the hub changed: name, zone, language and the rest. No payload."""
    SCREENS = "hubwell_screen"
    """A paired screen was changed, or a badge was tapped at its reader: JSON (`screens/notices`)."""
    BOOKINGS = "hubwell_booking"
    """Bookings were made, changed or cancelled. No payload."""
    DEPARTURES = "hubwell_left"
    """A visit that began with a tap ended elsewhere: the tap, as stream and number with a space between."""


async def notify(conn: AsyncConnection[Any], channel: Channel, payload: str = "") -> None:
    """Notify the channel's listeners once the caller's transaction commits."""
    await conn.execute("SELECT pg_notify(channel_name(%s), %s)", (channel, payload))


async def notify_each(conn: AsyncConnection[Any], channel: Channel, payloads: Sequence[str]) -> None:
    """Send several notifications in one round trip, once the caller's transaction commits."""
    if payloads:
        query = "SELECT pg_notify(channel_name(%s), payload) FROM unnest(%s::text[]) payload"
        await conn.execute(query, (channel, list(payloads)))


@dataclass(frozen=True, slots=True)
class SpacesChanged:
    """The payload of `Channel.SPACES`: ids of spaces, and the id of the alert's event if it is an alert."""

    spaces: tuple[str, ...]
    alert: int | None = None

    def payload(self) -> str:
        """Return the payload as JSON."""
        alert = {} if self.alert is None else {"alert": self.alert}
        return json.dumps({"spaces": self.spaces} | alert)

    @classmethod
    def parse(cls, payload: str) -> "SpacesChanged":
        """Parse a payload. Raises ValueError."""
        try:
            message = json.loads(payload)
            spaces = tuple(str(space) for space in message["spaces"] if space is not None)
            alert = message.get("alert")
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"no spaces in it: {error!r}") from error
        return cls(spaces, alert if isinstance(alert, int) else None)


async def notify_spaces(conn: AsyncConnection[Any], spaces: Iterable[str]) -> None:
    """Notify of changed spaces, in as many notifications as their ids need."""
    ids = tuple(spaces)
    parts = (ids[first : first + _SPACES_TOGETHER] for first in range(0, len(ids), _SPACES_TOGETHER))
    await notify_each(conn, Channel.SPACES, [SpacesChanged(part).payload() for part in parts])


def _nothing() -> None:
    pass


async def _names(conn: AsyncConnection[Any], channels: Iterable[Channel]) -> dict[str, Channel]:
    query = "SELECT channel_name(channel), channel FROM unnest(%s::text[]) channel"
    rows = await (await conn.execute(query, (list(channels),))).fetchall()
    return {name: Channel(channel) for name, channel in rows}


async def listen(
    url: str,
    channels: Iterable[Channel],
    receive: Callable[[Channel, str], Awaitable[None]],
    *,
    name: str,
    on_listening: Callable[[], None] = _nothing,
    on_lost: Callable[[], None] = _nothing,
) -> NoReturn:
    """Call `receive` with each notification's channel and payload until cancelled, with reconnection.

    `on_listening` is called when notifications begin to arrive, because those before were missed, and after a
    payload that `receive` could not process, because something did change. `on_lost` is called when
    notifications no longer arrive. A psycopg.OperationalError out of `receive` is a lost connection.
    """
    backoff = Backoff()
    warn = WarnOnce(_LOG, f"no notifications for {name}: %s", action="listen-failed")
    while True:
        try:
            async with connection(url, name=name) as conn:
                by_name = await _names(conn, channels)
                for channel_name in by_name:
                    await conn.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel_name)))
                backoff.reset()
                warn.clear()
                on_listening()
                async for notice in conn.notifies():
                    channel = by_name[notice.channel]
                    try:
                        await receive(channel, notice.payload)
                    except psycopg.OperationalError:
                        raise
                    except Exception as error:  # noqa: BLE001 (no payload may end the listener)
                        _LOG.warning("unreadable on %s: %.200r (%s)", channel, notice.payload, error)
                        on_listening()
        except psycopg.Error as error:
            warn(error)
        on_lost()
        await backoff.wait()
