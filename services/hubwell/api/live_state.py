"""Look up what is now: spaces with their open alerts, devices, episodes. Functions of a connection."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, tzinfo
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from hubwell.api.schemas import Alert, Alerts, Delivered, Device, SeriesNow, SpaceNow
from hubwell.spaces.rules import is_open
from hubwell.storage.queries import Queries

SQL: Final = Queries("hubwell.api")
_RECENT: Final = 100

Row = dict[str, Any]
Rows = list[Row]


async def rows(conn: AsyncConnection[Any], query: str, values: dict[str, Any] | None = None) -> Rows:
    """Return the rows of a named query as dictionaries."""
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(SQL[query], values)
        return await cursor.fetchall()


async def spaces(
    conn: AsyncConnection[Any], zone: tzinfo, ids: Collection[str] | None = None
) -> list[SpaceNow]:
    """Return these spaces, or all, grouped by kind and in order of name; `zone` is that of opening hours."""
    local = datetime.now(zone).time()
    values = {"ids": None if ids is None else list(ids), "exact": False}
    alerts: dict[str, list[Alert]] = defaultdict(list)
    for row in await rows(conn, "open_alerts", values):
        alerts[row["space_id"]].append(_alert(row))
    return [
        SpaceNow.model_validate(
            {
                **row,
                "open": is_open(row["opens_at"], row["closes_at"], local),
                "alerts": alerts[row["id"]],
            }
        )
        for row in await rows(conn, "spaces", values)
    ]


async def devices(
    conn: AsyncConnection[Any], *, exact: bool = False, device: str | None = None
) -> list[Device]:
    """Return all devices, or one, with their series, the silent ones first.

    `exact` is for those who may see single readings; others get those of closed windows, and none of counts
    and of one person's room.
    """
    series: dict[str, list[SeriesNow]] = defaultdict(list)
    for row in await rows(conn, "series_now", {"exact": exact, "device": device}):
        series[row.pop("device_id")].append(SeriesNow.model_validate(row))
    all_devices = [
        Device.model_validate(
            {
                **row,
                "silent_since": (row["last_heard"] or row["registered_at"]) if row["silent"] else None,
                "series": series[row["id"]],
            }
        )
        for row in await rows(conn, "devices", {"exact": exact, "device": device})
    ]
    return sorted(all_devices, key=lambda device: (not device.silent, device.id))


async def alerts(
    conn: AsyncConnection[Any], since: datetime, *, exact: bool = False, space: str | None = None
) -> Alerts:
    """Return the open episodes and those that ended since then (at most 100), with their deliveries.

    `exact`: also those of one person's room. With a `space`, its own only.
    """
    ids = None if space is None else [space]
    now = [_alert(row) for row in await rows(conn, "open_alerts", {"ids": ids, "exact": exact})]
    past = {"since": since, "limit": _RECENT, "exact": exact, "ids": ids}
    recent = [_alert(row) for row in await rows(conn, "recent_alerts", past)]
    await _add_deliveries(conn, [*now, *recent])
    return Alerts(open=now, recent=recent)


async def _add_deliveries(conn: AsyncConnection[Any], found: list[Alert]) -> None:
    if not found:
        return
    by_id = {alert.id: alert for alert in found}
    values = {
        "since": min(alert.opened_at for alert in found),
        "episodes": [str(alert_id) for alert_id in by_id],
    }
    for row in await rows(conn, "alert_deliveries", values):
        by_id[row["episode_id"]].deliveries.append(Delivered.model_validate(row))


def _alert(row: dict[str, Any]) -> Alert:
    evidence = row["evidence"] if isinstance(row["evidence"], dict) else {}
    return Alert.model_validate(
        {
            **row,
            "evidence": evidence,
            "unit": evidence.get("unit"),
            "clause": evidence.get("source"),
            "deliveries": [],
        }
    )
