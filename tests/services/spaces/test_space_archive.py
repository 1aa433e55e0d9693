"""A space is archived with what belongs to it, after a preview, and comes back."""

import asyncio
import re
from datetime import UTC, datetime, timedelta

from feed.ingest_setup import commit, device_in
from hubwell.storage.connect import connect_sync
from hubwell.vocabulary import Role
from lanes.database_lane import Database
from services.access.running_app import open_house, send
from services.spaces.register_ways import Ways


async def test_names_taken_meanwhile_keep_an_archived_space_away(ways: Ways) -> None:
    await ways.add("command")
    assert (await ways.hubwell("space", "archive", "lab"))[0]
    assert (await ways.add("page", id="other"))[0]
    answer = await send(ways.boss, "/spaces/lab/restore", page="/spaces")
    assert answer.status_code == 422
    assert "has this name already" in answer.text
    assert (await ways.program.post("/api/v1/spaces/lab/restore")).json()["code"] == "space-name-taken"


async def test_preview_of_an_archive_says_what_goes(ways: Ways, database: Database) -> None:
    pi = device_in(database.url, "lab")
    with connect_sync(database.url, name="test") as conn:
        conn.execute(
            "INSERT INTO episode (rule, rule_version, space_id, opened_at, value, peak, evidence)"
            " VALUES ('co2', 1, 'lab', now(), 1500, 1500, '{}')"
        )
        conn.execute("INSERT INTO person (kind) VALUES ('enrolled')")
        conn.execute(
            "INSERT INTO visit (person_id, space_id, during)"
            " SELECT id, 'lab', tstzrange(now(), NULL) FROM person"
        )
        conn.execute(
            "INSERT INTO course_session (title, purpose, space_id, during, owner_id, roll_until) VALUES"
            " ('t', 'p', 'lab', tstzrange(now() + interval '1 h', now() + interval '2 h'), "
            " gen_random_uuid(), now() + interval '3 h')"
        )
        conn.execute(
            "INSERT INTO defect (space_id, kind, first_at, last_at, reports)"
            " VALUES ('lab', 'other', now(), now(), 1)"
        )
    preview = (await ways.program.get("/api/v1/register/spaces/lab/archive")).json()
    assert preview == {
        "people": True,
        "devices": [pi.name],
        "alerts": 1,
        "sessions": 1,
        "defects": 1,
        "readings_until": None,
    }
    page = (await ways.boss.get("/spaces/lab/archive")).text
    assert "People are checked in there." in page
    assert "1 open alert is resolved." in page
    assert "1 open defect is closed." in page
    assert "1 session is planned here." in page
    assert 'class="danger"' not in page  # it would be refused
    good, text = await ways.hubwell("space", "archive", "lab", "--preview")
    assert good
    assert pi.name in text
    assert (await ways.boss.get("/spaces/lab/edit")).status_code == 200  # nothing was archived


async def test_readings_of_an_archived_space_have_the_term_that_is_set(database: Database) -> None:
    pi = device_in(database.url, "lab")
    now = datetime.now(UTC).replace(microsecond=0)
    await asyncio.to_thread(commit, database.url, [pi.telemetry(now, {"co2": 600.0})])
    async with open_house(database, retention={"reading": "30d"}) as house:
        token = await house.token("script", [Role.ADMIN])
        program = house.browser(authorization=f"Bearer {token}")
        preview = (await program.get("/api/v1/register/spaces/lab/archive")).json()
    assert datetime.fromisoformat(preview["readings_until"]) == now + timedelta(days=30)


async def test_zone_full_of_archived_devices_stays_usable(ways: Ways, database: Database) -> None:
    for number in range(3):
        device_in(database.url, f"lab-{number}", f"pi-{number}")
        await ways.add("command", id=f"lab-{number}", name=f"Lab {number}", zone="north")
        assert (await ways.hubwell("device", "archive", f"pi-{number}"))[0]
    page = (await ways.boss.get("/spaces")).text
    assert page.count("No device") == 3
    assert re.findall(r"/spaces/devices/(pi-\d)/restore", page) == ["pi-0", "pi-1", "pi-2"]
    assert "No device is registered here." in (await ways.boss.get("/spaces/lab-0/edit")).text
    assert (await ways.house.browser().get("/")).status_code == 200
    for number in range(3):
        answer = await send(ways.boss, f"/spaces/lab-{number}/archive", page=f"/spaces/lab-{number}/archive")
        assert answer.headers["location"] == "/spaces?done=archived"
    assert (await ways.boss.get("/spaces")).status_code == 200
    await send(ways.boss, "/spaces/devices/pi-0/restore", page="/spaces")  # refused: its space is archived
    await send(ways.boss, "/spaces/lab-0/restore", page="/spaces")
    restored = await send(ways.boss, "/spaces/devices/pi-0/restore", page="/spaces")
    assert restored.headers["location"] == "/spaces?done=restored"
