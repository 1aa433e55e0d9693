"""Copies for Grafana's account of what everybody may see, in the transaction of a scheduled job.

The account reads the table `published` and no view of live tables (`storage/views/60_published.sql`).
"""

from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from hubwell.settings import Settings


async def copy_shown(conn: AsyncConnection[Any], now: datetime, settings: Settings) -> None:
    """Copy how spaces, sensors, devices and alerts are at this moment."""
    del now, settings
    await conn.execute("SELECT publish_shown()")


async def copy_ledger(conn: AsyncConnection[Any], now: datetime, settings: Settings) -> None:
    """Copy how many messages of sensors were stored and lost, by windows of five minutes."""
    del now, settings
    await conn.execute("SELECT publish_ledger()")
