"""How old the lists of badges are: what doctor says, and the page of devices."""

from datetime import datetime, timedelta

import psycopg
import pytest

from hubwell.api import live_state
from hubwell.doctor import checks
from lanes.database_lane import Database
from services.people.people_register import now, opened


@pytest.mark.parametrize(
    ("minutes", "state", "found"),
    [
        (1, "ok", "all 1 devices with readers have a fresh one"),
        (16, "warning", "1 of 1 devices have none, or one older than 15 minutes: door-1"),
        (None, "warning", "1 of 1 devices have none, or one older than 15 minutes: door-1"),
    ],
)
async def test_doctor_says_which_lists_are_old(
    database: Database, minutes: int | None, state: str, found: str
) -> None:
    at = None if minutes is None else now() - timedelta(minutes=minutes)
    async with opened(database) as register:
        await register.device("door-1", '{"readers": [{"name": "door"}]}')
        await register.device("sensor-1")
        await register.device("made-up-1", '{"readers": [{"name": "door", "driver": "simulated"}]}')
        await register.conn.execute("UPDATE device SET status = 'online', status_at = now()")
        await register.conn.execute("UPDATE device SET roster_at = %s WHERE id = 'door-1'", (at,))

        with psycopg.connect(database.url) as conn:
            (finding,) = checks._lists_of_badges(conn)
        devices = {device.id: device.roster_at for device in await live_state.devices(register.conn)}

    assert (finding.state, finding.found) == (state, found)
    assert devices == {"door-1": at and in_quarters(at), "sensor-1": None, "made-up-1": None}


def in_quarters(at: datetime) -> datetime:
    """Return the beginning of the quarter of an hour: the page does not tell when somebody was enrolled."""
    return at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)
