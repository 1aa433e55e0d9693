"""Add and change spaces and devices, in the caller's transaction."""

from datetime import time
from typing import Any, Final

import psycopg
from psycopg import Connection
from psycopg.rows import dict_row

from hubwell.errors import SPACE_UNKNOWN, DomainError
from hubwell.spaces import errors
from hubwell.storage.notify import Channel, notify_blocking
from hubwell.storage.queries import Queries
from hubwell.vocabulary import SpaceKind

_SQL: Final = Queries("hubwell.spaces")
_KINDS: Final = {
    "hub_id_is_plain": errors.ID_NOT_PLAIN,
    "space_name_not_empty": errors.SPACE_UNNAMED,
    "space_kind_known": errors.SPACE_KIND_UNKNOWN,
    "space_capacity_positive": errors.CAPACITY_TOO_SMALL,
    "space_when_full_known": errors.WHEN_FULL_UNKNOWN,
    "device_space_id_fkey": SPACE_UNKNOWN,
}
"""The refusal for each constraint of the tables."""


def put_space(
    conn: Connection[Any],
    *,
    space_id: str,
    name: str,
    kind: str,
    capacity: int,
    zone: str = "",
    when_full: str | None = None,
    closes_at: str | None = None,
    personal: bool | None = None,
) -> None:
    """Add a space or change the one with this id. Raises DomainError.

    Of the last three, None leaves the stored value as it is. `when_full` is "warn" or "refuse", `closes_at`
    is local time as "HH:MM" or "hub" for the hub's closing time, `personal` marks one person's room.
    """
    values = {"id": space_id, "name": name, "kind": kind, "capacity": capacity, "zone": zone}
    door = {"when_full": when_full, "closes_at": _closing(closes_at), "personal": personal}
    _put(conn, "put_space", {**values, **door, "closing_set": closes_at is not None})


def _closing(text: str | None) -> time | None:
    if text is None or text == "hub":
        return None
    try:
        return time.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        raise DomainError(errors.CLOSING_TIME_UNREADABLE) from None


def put_device(conn: Connection[Any], *, device_id: str, space_id: str | None, name: str = "") -> None:
    """Register a device, or move the one with this id to another space. Raises DomainError."""
    _put(conn, "put_device", {"id": device_id, "space": space_id, "name": name})


def set_station(conn: Connection[Any], device_id: str, *, on: bool) -> bool:
    """Choose whether a device is a muster station; return whether there is such a device."""
    return conn.execute(_SQL["set_station"], {"device": device_id, "on": on}).rowcount > 0


def _put(conn: Connection[Any], query: str, values: dict[str, Any]) -> None:
    try:
        with conn.transaction():
            conn.execute(_SQL[query], values)
            notify_blocking(conn, Channel.ALLOWLISTS)  # allow-lists hold the space of each device
    except psycopg.IntegrityError as error:
        kind = _KINDS.get(error.diag.constraint_name or "")
        if kind is None:
            raise
        raise DomainError(kind, kinds=", ".join(SpaceKind)) from error


def list_spaces(conn: Connection[Any]) -> list[dict[str, Any]]:
    """Return the spaces, by kind and name."""
    return conn.cursor(row_factory=dict_row).execute(_SQL["spaces"]).fetchall()


def list_devices(conn: Connection[Any]) -> list[dict[str, Any]]:
    """Return the devices by id, with the time of each one's last message."""
    return conn.cursor(row_factory=dict_row).execute(_SQL["devices"]).fetchall()
