"""A badge at the panel takes a space, extends and ends: taps come through ingest, answers are shown."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest

from feed.ingest_setup import ingest_of
from feed.simulated_device import Device
from hubwell.access.principal import Principal
from hubwell.ingest.consumer import Ingest
from hubwell.vocabulary import Role
from hubwell.workflows.erasure import erase_person
from hubwell.workflows.people import merge
from services.api.test_desk import API, program
from services.web.running_site import away
from services.web.screens.screen_browsers import Foyer, text_of
from services.web.screens.test_door import targets


@dataclass
class Lab:
    """The lab's panel, its reader, and the badges that are held to it."""

    foyer: Foyer
    screen: httpx.AsyncClient
    ingest: Ingest
    device: Device = field(default_factory=lambda: Device("lab-pi"))

    async def press(self, wish: str) -> httpx.Response:
        """Press a button; return the page that follows."""
        answer = await self.screen.post("/screen/bookings", data={"wish": wish})
        if answer.status_code != 303:
            return answer
        self.part = answer.headers["location"]
        return await self.screen.get(self.part)

    async def tap(self, badge: bytes, *, ago: timedelta = timedelta()) -> str:
        """Hold a badge to the reader; return what the panel says then."""
        await self.ingest.commit([self.device.tap(datetime.now(UTC) - ago, badge)])
        return text_of(await self.screen.get(self.part))

    async def pressed_and_tapped(self, wish: str, badge: bytes) -> str:
        """Press, and hold a badge to the reader."""
        await self.press(wish)
        return await self.tap(badge)

    async def value(self, query: str, *values: Any) -> Any:
        return await self.foyer.house.value(query, *values)

    async def length(self) -> int:
        """Return for how many minutes the space is taken, as its only booking has it."""
        minutes = "SELECT extract(epoch FROM upper(during) - lower(during)) / 60 FROM booking"
        length: float = await self.value(minutes)
        return round(length)

    async def later(self) -> None:
        """Let a minute pass for the taps: two within seconds are one gesture."""
        await self.foyer.house.run("UPDATE tap SET time = time - interval '1 min'")
        await self.foyer.house.run(
            "UPDATE visit SET during = tstzrange(lower(during) - interval '1 min', upper(during))"
        )


_HELD: Final = """
WITH made AS (
    INSERT INTO booking (space_id, atoms, during, title, shows_title, people, owner, created_at, changed_at)
    SELECT 'lab', ARRAY[id], tstzrange(%s, %s), 'Robotics', true, 2, '', now(), now() FROM atom
    WHERE space_id = 'lab' RETURNING id, atoms, during
) INSERT INTO hold SELECT id, atoms[1], during FROM made
"""


@pytest.fixture
async def lab(foyer: Foyer) -> AsyncIterator[Lab]:
    screen = await foyer.paired("Door", "panel", space="lab")
    async with ingest_of(foyer.url) as ingest:
        yield Lab(foyer, screen, ingest)


def new_badge() -> bytes:
    return uuid4().bytes


async def held(lab: Lab, begins: timedelta, ends: timedelta) -> None:
    """Let the lab be booked."""
    now = datetime.now(UTC)
    await lab.foyer.house.run(_HELD, now + begins, now + ends)


async def test_badge_takes_extends_and_ends(lab: Lab) -> None:
    badge = new_badge()
    before = await lab.value("SELECT max(id) FROM audit_entry")
    assert targets(await lab.screen.get("/screen")) == ["badge", "take", "free", "broken"]
    page = await lab.screen.get("/screen?part=take")
    assert re.findall(r'value="(take:\d+)"', page.text) == ["take:30", "take:60", "take:90"]
    assert "Hold your badge to the reader now" in text_of(await lab.press("take:30"))
    assert await lab.value("SELECT count(*) FROM booking") == 0
    assert "It is yours until" in await lab.tap(badge)
    assert await lab.length() in {29, 30}
    state = await lab.screen.get("/screen")
    assert "Booked until" in text_of(state)
    assert targets(state) == ["badge", "change", "free", "broken"]

    await lab.later()
    assert "It is yours until" in await lab.pressed_and_tapped("extend:15", badge)
    assert await lab.length() in {44, 45}
    assert (
        await lab.value("SELECT count(*) FROM visit WHERE upper_inf(during)") == 1
    )  # the taps were no way out
    await lab.later()
    assert "It has ended" in await lab.pressed_and_tapped("end", badge)
    assert await lab.length() == 0
    assert await lab.value("SELECT count(*) FROM visit WHERE upper_inf(during)") == 0
    assert targets(await lab.screen.get("/screen")) == ["badge", "take", "free", "broken"]
    log = await lab.value(
        "SELECT array_agg(action || ' ' || actor ORDER BY id) FROM audit_entry WHERE id > %s", before
    )
    assert log == [
        "booking.taken-at-door badge",
        "booking.extended-at-door badge",
        "booking.ended-at-door badge",
    ]


async def test_panel_and_pages_name_nobody_and_the_person_sees_it(lab: Lab) -> None:
    badge = new_badge()
    await lab.pressed_and_tapped("take:60", badge)
    person = str(await lab.value("SELECT substr(owner, 8) FROM booking"))
    await lab.foyer.house.run(
        "UPDATE person SET kind = 'enrolled', name = 'Ida Example' WHERE id = %s", person
    )
    for page in ("/screen", lab.part):
        assert "Ida" not in (await lab.screen.get(page)).text
    booking = await lab.value("SELECT id FROM booking")
    shown = text_of(await lab.foyer.staff.get(f"/bookings/{booking}"))
    assert "Taken at the door" in shown
    assert "Ida" not in shown


async def test_other_badge_changes_nothing(lab: Lab) -> None:
    await lab.pressed_and_tapped("take:30", new_badge())
    before = await lab.value("SELECT during FROM booking")
    for wish in ("extend:30", "end"):
        assert "Nothing has changed This badge has nothing booked here" in await lab.pressed_and_tapped(
            wish, new_badge()
        )
    assert await lab.value("SELECT during FROM booking") == before


async def test_one_badge_takes_one_space(lab: Lab) -> None:
    badge = new_badge()
    await lab.pressed_and_tapped("take:30", badge)
    await lab.foyer.house.run("UPDATE booking SET space_id = 'den'; DELETE FROM hold")
    assert "This badge has taken a space already" in await lab.pressed_and_tapped("take:30", badge)


async def test_it_ends_before_the_next_booking_and_its_preparation(lab: Lab) -> None:
    await lab.foyer.house.run("UPDATE space SET turnaround_min = 10 WHERE id = 'lab'")
    await held(lab, timedelta(minutes=55), timedelta(minutes=100))
    page = await lab.screen.get("/screen?part=take")
    assert re.findall(r'value="(take:\d+)"', page.text) == ["take:30"]
    badge = new_badge()
    await lab.pressed_and_tapped("take:30", badge)
    await lab.pressed_and_tapped("extend:30", badge)
    assert (
        await lab.value(
            "SELECT extract(epoch FROM max(lower(during)) - min(upper(during))) / 60 FROM booking"
        )
        == 10
    )
    assert "It cannot last longer" in await lab.pressed_and_tapped("extend:15", badge)
    assert "It has ended" in await lab.pressed_and_tapped("end", badge)


async def test_what_is_not_free_is_refused_with_a_sentence(lab: Lab) -> None:
    await held(lab, timedelta(minutes=-5), timedelta(minutes=30))
    assert targets(await lab.screen.get("/screen")) == ["badge", "change", "free", "broken"]
    taken = await lab.press("take:30")
    assert (taken.status_code, "Nothing is free here right now." in text_of(taken)) == (409, True)
    await lab.foyer.house.run("DELETE FROM booking")
    moment = datetime.now(ZoneInfo(lab.foyer.house.settings.zone)).replace(microsecond=0)
    hours = [(moment + timedelta(hours=count)).time() for count in (2, 3)]
    change = "UPDATE space SET opens_at = %s, closes_at = %s, walk_ins = %s WHERE id = 'lab'"
    for values, sentence in (
        ((*hours, True), "This space is closed"),
        ((None, None, False), "cannot be taken with a badge"),
    ):
        await lab.foyer.house.run(change, *values)
        assert targets(await lab.screen.get("/screen")) == ["badge", "free", "broken"], sentence
        refused = await lab.press("take:30")
        assert (refused.status_code, sentence in text_of(refused)) == (409, True)
    await lab.foyer.house.run("UPDATE space SET personal = true, walk_ins = true WHERE id = 'lab'")
    assert (await lab.press("take:30")).status_code == 409
    await lab.foyer.house.run("UPDATE space SET personal = false WHERE id = 'lab'")
    for wish in ("", "take:5", "take:600", "take:x", "extend:16", "paint:30", "take:30\x00"):
        answer = await lab.screen.post("/screen/bookings", data={"wish": wish})
        assert (answer.status_code, "Choose one of the times" in text_of(answer)) == (422, True), wish
    await lab.foyer.house.run("UPDATE device SET status = 'offline' WHERE id = 'lab-pi'")
    answer = await lab.press("take:30")
    assert (answer.status_code, "can be reached" in text_of(answer)) == (409, True)


async def test_it_was_booked_meanwhile(lab: Lab) -> None:
    await lab.press("take:30")
    await held(lab, timedelta(seconds=-1), timedelta(minutes=30))
    assert "Nothing is free here right now." in await lab.tap(new_badge())


async def test_without_a_badge_nothing_happens_and_an_old_tap_answers_nothing(lab: Lab) -> None:
    await lab.press("take:30")
    assert "Hold your badge" in await lab.tap(new_badge(), ago=timedelta(seconds=20))
    await lab.foyer.house.run("UPDATE door_request SET expires_at = now() - interval '10 s'")
    assert "No badge was held to the reader" in text_of(await lab.screen.get(lab.part))
    assert "No badge was held to the reader" in await lab.tap(new_badge())
    assert await lab.value("SELECT count(*) FROM booking") == 0


async def test_evacuation_takes_no_space(lab: Lab) -> None:
    await lab.press("take:30")
    await lab.foyer.house.run("INSERT INTO muster (kind) VALUES ('alarm')")
    await lab.tap(new_badge())
    assert await lab.value("SELECT count(*) FROM booking") == 0


async def test_space_in_parts_is_taken_part_by_part(lab: Lab) -> None:
    await lab.foyer.house.run("UPDATE atom SET name = 'Bench 1' WHERE space_id = 'lab'")
    await lab.foyer.house.run("INSERT INTO atom (space_id, position, name) VALUES ('lab', 2, 'Bench 2')")
    said = [await lab.pressed_and_tapped("take:30", new_badge()) for _ in range(2)]
    assert ["Bench 1" in said[0], "Bench 2" in said[1]] == [True, True]
    assert (await lab.press("take:30")).status_code == 409
    assert targets(await lab.screen.get("/screen")) == ["badge", "change", "free", "broken"]


async def test_two_readers_of_one_space_and_one_request(lab: Lab) -> None:
    await lab.press("take:30")
    other = Device("lab-pi")
    async with ingest_of(lab.foyer.url, worker="2") as second:
        now = datetime.now(UTC)
        await asyncio.gather(
            lab.ingest.commit([lab.device.tap(now, new_badge())]),
            second.commit([other.tap(now, new_badge())]),
        )
    assert await lab.value("SELECT count(*) FROM booking") == 1


async def test_no_other_browser_presses(lab: Lab) -> None:
    wall = await lab.foyer.paired("Wall")
    assert (await wall.post("/screen/bookings", data={"wish": "take:30"})).status_code == 404
    visitor = lab.foyer.house.browser()
    assert (await visitor.post("/screen/bookings", data={"wish": "take:30"})).status_code == 410
    assert targets(await visitor.get("/panel/lab")) == ["badge", "free"]
    assert "How long" not in (await visitor.get("/panel/lab?part=take")).text
    for request in ("", "x", str(uuid4())):
        assert "part-title" not in (await lab.screen.get(f"/screen?part=asked&request={request}")).text
    with away(lab.foyer.house.database):
        answer = await lab.screen.post("/screen/bookings", data={"wish": "take:30"})
    assert (answer.status_code, "Nothing has changed." in text_of(answer)) == (503, True)


async def test_person_sees_and_takes_along_what_a_badge_took_and_erasure_forgets_it(lab: Lab) -> None:
    house = lab.foyer.house
    await lab.pressed_and_tapped("take:30", new_badge())
    person = UUID(await lab.value("SELECT substr(owner, 8) FROM booking"))
    await house.run("UPDATE person SET kind = 'enrolled', name = 'Ida Example' WHERE id = %s", person)
    browser = await house.with_code(person)
    assert "Taken at the door" in text_of(await browser.get("/me"))
    (exported,) = (await browser.get("/me/export.json")).json()["bookings"]
    assert (exported["space"], exported["walk_in"]) == ("Lab", True)
    assert '"booking","Lab"' in (await browser.get("/me/export.csv")).text
    async with house.connection() as conn, conn.transaction():
        proof = (await erase_person(conn, Principal(actor="test"), person)).proof
    assert proof.left_over == 0
    assert await lab.value("SELECT owner FROM booking") == ""
    assert "Booked until" in text_of(await lab.screen.get("/screen"))  # still held


async def test_two_entries_of_one_person_keep_one_booking(lab: Lab) -> None:
    house = lab.foyer.house
    badge = new_badge()
    await lab.pressed_and_tapped("take:30", badge)
    drop = UUID(await lab.value("SELECT substr(owner, 8) FROM booking"))
    await house.run("UPDATE person SET kind = 'enrolled', name = 'Ida Example' WHERE id = %s", drop)
    keep = await lab.value("INSERT INTO person (kind, name) VALUES ('enrolled', 'Ida Example') RETURNING id")
    async with house.connection() as conn, conn.transaction():
        await merge(conn, Principal(actor="test"), house.settings, keep=keep, drop=drop)
    assert "It has ended" in await lab.pressed_and_tapped("end", badge)


async def test_program_asks_as_a_press_does(lab: Lab) -> None:
    house = lab.foyer.house
    client = program(house, await house.token("panel", [Role.STAFF]))
    path = f"{API}/spaces/lab/door-requests"
    asked = await client.post(path, json={"wish": "take", "minutes": 30})
    assert (asked.status_code, asked.json()["state"]) == (201, "waiting")
    await lab.ingest.commit([lab.device.tap(datetime.now(UTC), new_badge())])
    done = (await client.get(f"{path}/{asked.json()['id']}")).json()
    assert (done["state"], datetime.fromisoformat(done["until"]) > datetime.now(UTC)) == ("done", True)
    day = f"{datetime.now(ZoneInfo(house.settings.zone)):%Y-%m-%d}"
    (booking,) = (await client.get(f"{API}/bookings", params={"from": day})).json()["bookings"]
    assert (booking["walk_in"], booking["title"], booking["booked_by"]) == (True, None, "")
    changed = await client.patch(
        f"{API}/bookings/{booking['id']}", json={"people": 2}, headers={"if-match": "*"}
    )
    assert (changed.status_code, changed.json()["people"]) == (200, 2)
    ended = await client.post(f"{API}/bookings/{booking['id']}/end", headers={"if-match": "*"})
    assert ended.status_code == 200  # staff look after what walk-ins took
    for body, status in (({"wish": "take", "minutes": 5}, 422), ({"wish": "extend", "minutes": 15}, 409)):
        assert (await client.post(path, json=body)).status_code == status
    assert (await client.get(f"{path}/{uuid4()}")).status_code == 404
    switched = await client.put(f"{API}/spaces/lab/booking", json={"parts": [{}], "walk_ins": False})
    assert switched.status_code == 403
    facilities = program(house, await house.token("other", [Role.FACILITIES]))
    switched = await facilities.put(f"{API}/spaces/lab/booking", json={"parts": [{}], "walk_ins": False})
    assert (switched.status_code, switched.json()["walk_ins"]) == (200, False)
    again = await client.post(path, json={"wish": "take", "minutes": 30})
    assert again.json()["code"] == "walk-ins-off"
