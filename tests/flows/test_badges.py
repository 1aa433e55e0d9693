"""A badge and a phone's code at a small room's door, in real processes: full, new keys, lost, offline."""

import asyncio
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from feed.enrolled_people import enrol
from feed.ingest_setup import one, rows
from flows.line_reader_door import LineDoor, line_door, terminal
from flows.system_processes import System, eventually
from hubwell.keys import Keys
from hubwell.people.credentials import NewPerson, issue_code
from hubwell.storage.connect import connect
from hubwell_wire.pseudonym import pseudonym
from lanes.brokers import Mosquitto

UID = bytes.fromhex("04a1b2c3d4e5f6")
OTHER_UID = bytes.fromhex("04c3d4e5f60718")
EPOCHS_OF_BADGES = """SELECT kind, array_agg(epoch ORDER BY epoch)
FROM credential c JOIN credential_pseudonym p ON p.credential_id = c.id GROUP BY c.id, kind ORDER BY kind"""


@pytest.fixture
def do(hub: System) -> Callable[..., str]:
    """Give a function that runs a command of the operator."""

    def do(*command: str) -> str:
        done = hub.run(*command)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    return do


@pytest.fixture
def door(hub: System, do: Callable[..., str]) -> Iterator[LineDoor]:
    """Give the door of a room for one, which turns away whoever comes when it is full."""
    room = ["--name", "Booth", "--kind", "relaxation", "--capacity", "1", "--when-full", "refuse"]
    do("space", "add", "booth", *room)
    do("device", "add", "booth-pi", "--space", "booth")
    with terminal() as line:
        yield line_door(hub, "booth-pi", line)


async def phone(hub: System, key_folder: Path) -> str:
    """Give somebody without a badge a code for their phone."""
    conn = await connect(hub.database, name="test")
    async with conn:
        code = await issue_code(
            conn, NewPerson("Ada", "it"), Keys(key_folder).newest_epoch(), datetime.now(UTC)
        )
    return code.text


def holds_list_of(hub: System, moment: datetime) -> bool:
    return bool(one(hub.database, "SELECT coalesce(max(roster_at) >= %s, false) FROM device", moment))


@pytest.mark.slow
def test_code_and_badge_at_a_small_door_over_new_keys_and_a_loss(
    hub: System, do: Callable[..., str], door: LineDoor, mosquitto: Mosquitto
) -> None:
    keys = Keys(hub.folder / "keys")
    code = asyncio.run(phone(hub, keys.folder))
    enrol(hub.database, bytes.fromhex(pseudonym(UID, keys.newest_epoch())))
    badge = str(one(hub.database, "SELECT id FROM credential WHERE kind = 'badge'"))
    ingest = hub.ingest()
    worker = hub.server("worker")
    worker.begin()
    began = datetime.now(UTC)
    door.agent.begin("connected to")
    eventually(lambda: holds_list_of(hub, began), "the device holds a list", within=60)

    # the phone's code is as good as a badge; the booth is for one, and says so to the next
    assert "entrat" in door.tap(code, "in").lower()
    assert "full" in door.tap(UID.hex(), "full")
    door.tap(code, "out")

    # new keys: who is enrolled is linked over by the next tap, and the old key may go
    do("keys", "rotate")
    do("keys", "export", str(hub.folder / "device-keys"))
    door.tap(code, "in")
    door.tap(code, "out")
    door.tap(UID.hex(), "in")
    eventually(
        lambda: rows(hub.database, EPOCHS_OF_BADGES) == [("badge", [1, 2]), ("qr", [1, 2])],
        "both are linked over",
    )
    assert "0 badges must be enrolled again" in do("keys", "destroy", "1", "--confirm", "1")
    (hub.folder / "device-keys" / "epoch-1.key").unlink()
    door.tap(UID.hex(), "out")
    visits = [("tap",)] * 3
    # The answer may be the reader's own, which does not wait for the server.
    eventually(lambda: rows(hub.database, "SELECT ended_by FROM visit") == visits, "three visits have ended")

    # lost: refused at once, then also by the reader alone, and nothing that is stored changes
    enrol(hub.database, bytes.fromhex(pseudonym(OTHER_UID, keys.newest_epoch())), epoch=2)
    lost = datetime.now(UTC)
    do("person", "revoke", badge)
    door.tap(UID.hex(), "revoked")
    eventually(lambda: holds_list_of(hub, lost), "the device knows of the loss")
    for part in (ingest, worker):
        part.stop()
    mosquitto.stop()
    door.tap(UID.hex(), "revoked")

    # and it goes on to know by itself when the booth is full
    assert "entrat" in door.tap(code, "in").lower()
    assert "no room left" in door.tap(OTHER_UID.hex(), "full")
    door.tap(code, "out")
    door.tap(OTHER_UID.hex(), "in")
    assert rows(hub.database, "SELECT ended_by FROM visit") == visits
    assert rows(hub.database, "SELECT DISTINCT kind FROM suspicion") == [("revoked-used",)]
    assert not re.search(UID.hex(), door.agent.said(), re.IGNORECASE)
