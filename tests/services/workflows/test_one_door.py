"""One door for writes: the switchboard sees the same facts, whoever wrote."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from feed.ingest_setup import ingest_of
from feed.simulated_device import Device
from hubwell.cli import app
from hubwell.events import (
    AllowlistChanged,
    CheckedIn,
    CheckedOut,
    DoorLeft,
    Fact,
    MessagesStored,
    Moved,
    VisitsChanged,
)
from hubwell.settings import Settings
from hubwell.switchboard import Switchboard
from hubwell.vocabulary import Role
from lanes.database_lane import Database
from services.access.running_app import send
from services.people.people_register import badge, now
from services.web.staffed_hub import Staffed, staffed


@pytest.fixture
async def hub(database: Database, tmp_path: Path) -> AsyncIterator[Staffed]:
    async with staffed(database, tmp_path / "keys") as staffed_hub:
        yield staffed_hub


@pytest.fixture
def subscriber(monkeypatch: pytest.MonkeyPatch) -> list[Fact]:
    """Give the list of what the switchboard of this process reacts to, messages stored left out."""
    seen: list[Fact] = []
    react_to = Switchboard._react_to

    async def recording(self: Switchboard, conn: Any, fact: Any, notices: Any) -> Any:
        if not isinstance(fact, MessagesStored):
            seen.append(fact)
        return await react_to(self, conn, fact, notices)

    monkeypatch.setattr(Switchboard, "_react_to", recording)
    return seen


def kinds(facts: list[Fact], *wanted: type) -> list[tuple[str, str]]:
    """Return kind and space of the movements among the facts, and clear the list."""
    wanted = wanted or (CheckedIn, CheckedOut, Moved)
    found = [(type(fact).__name__, getattr(fact, "space_id", "")) for fact in facts if type(fact) in wanted]
    facts.clear()
    return found


async def door(hub: Staffed, space: str) -> Device:
    """Put a device with a reader into a space."""
    device = Device(f"{space}-pi")
    await hub.register.conn.execute(
        "INSERT INTO device (id, space_id) VALUES (%s, %s) ON CONFLICT DO NOTHING", (device.name, space)
    )
    return device


async def badge_of(hub: Staffed, person: str) -> bytes:
    """Return the pseudonym of a person's badge, which counts since yesterday."""
    since = "UPDATE credential SET valid = tstzrange(now() - interval '1 day', NULL) WHERE person_id = %s"
    await hub.register.conn.execute(since, (person,))
    query = (
        "SELECT p.badge FROM credential_pseudonym p JOIN credential c ON c.id = p.credential_id "
        "WHERE c.person_id = %s"
    )
    return bytes(await hub.register.value(query, person))


async def test_reader_and_desk_make_the_same_facts(hub: Staffed, subscriber: list[Fact]) -> None:
    address = await hub.enrol("Ada")
    pseudonym = await badge_of(hub, address.rpartition("/")[2])
    wood, metal = await door(hub, "wood"), await door(hub, "metal")
    subscriber.clear()

    async with ingest_of(hub.register.database.url) as ingest:
        await ingest.commit([wood.tap(now() - timedelta(minutes=30), pseudonym)])
        assert kinds(subscriber) == [("CheckedIn", "wood")]
        await ingest.commit([metal.tap(now() - timedelta(minutes=20), pseudonym)])
        assert kinds(subscriber) == [("Moved", "metal")]
        await ingest.commit([metal.tap(now() - timedelta(minutes=10), pseudonym)])
        assert kinds(subscriber) == [("CheckedOut", "metal")]

    await hub.send(f"{address}/visit", way="in", space="wood")
    assert kinds(subscriber) == [("CheckedIn", "wood")]
    await hub.send(f"{address}/visit", way="in", space="metal")
    assert kinds(subscriber) == [("Moved", "metal")]
    await hub.send(f"{address}/visit", way="out")
    assert kinds(subscriber) == [("CheckedOut", "metal")]


async def test_api_makes_the_same_facts(hub: Staffed, subscriber: list[Fact]) -> None:
    address = await hub.enrol("Ada")
    person = address.rpartition("/")[2]
    token = await hub.house.token("desk", [Role.STAFF])
    program = hub.house.browser(accept="application/json", authorization=f"Bearer {token}")
    subscriber.clear()

    async def post(action: str, **body: str) -> None:
        answer = await program.post(f"/api/v1/persons/{person}/{action}", json=body)
        assert answer.status_code == 204, answer.text

    await post("check-in", space_id="wood")
    assert kinds(subscriber) == [("CheckedIn", "wood")]
    await post("check-in", space_id="metal")
    assert kinds(subscriber) == [("Moved", "metal")]
    await post("check-out")
    assert kinds(subscriber) == [("CheckedOut", "metal")]


async def test_every_way_of_enrolling_calls_for_new_lists(
    hub: Staffed, subscriber: list[Fact], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hub.enrol("Ada")
    assert AllowlistChanged() in subscriber
    subscriber.clear()

    token = await hub.house.token("desk", [Role.STAFF])
    program = hub.house.browser(accept="application/json", authorization=f"Bearer {token}")
    tap = await hub.register.desk_tap(badge())
    owner = {"kind": "new", "name": "Bea"}
    answer = await program.post(f"/api/v1/badges/taps/{tap}/enrol", json={"owner": owner})
    assert answer.status_code == 201, answer.text
    assert subscriber == [AllowlistChanged()]
    subscriber.clear()

    monkeypatch.chdir(tmp_path)
    environment = {"HUBWELL_DATABASE_URL": hub.register.database.url}
    words = ["person", "enrol", str(await hub.register.desk_tap(badge())), "--name", "Cleo"]
    result = await asyncio.to_thread(CliRunner().invoke, app, words, env=environment)
    assert result.exit_code == 0, result.output
    assert subscriber == [AllowlistChanged()]


async def test_refused_actions_make_no_facts(hub: Staffed, subscriber: list[Fact]) -> None:
    address = await hub.enrol("Ada")
    subscriber.clear()
    before = await hub.actions()
    assert (await hub.send(f"{address}/visit", way="in", space="nowhere")).status_code == 422
    assert (await hub.send("/desk/badges/999/revoke", why="lost")).status_code == 404
    assert subscriber == []
    assert await hub.actions() == before, "nor an entry in the audit log"


async def test_command_line_makes_the_same_facts(
    hub: Staffed, subscriber: list[Fact], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = await hub.enrol("Ada")
    person = address.rpartition("/")[2]
    subscriber.clear()
    monkeypatch.chdir(tmp_path)  # no `hubwell up` runs over a folder here

    async def run(*words: str) -> None:
        environment = {"HUBWELL_DATABASE_URL": hub.register.database.url}
        result = await asyncio.to_thread(CliRunner().invoke, app, ["person", *words], env=environment)
        assert result.exit_code == 0, result.output

    await run("check-in", person, "wood")
    assert kinds(subscriber) == [("CheckedIn", "wood")]
    await run("check-in", person, "metal")
    assert kinds(subscriber) == [("Moved", "metal")]
    await run("check-out", person)
    assert kinds(subscriber) == [("CheckedOut", "metal")]


async def test_person_with_a_code_from_the_kiosk(hub: Staffed, subscriber: list[Fact]) -> None:
    """Their own correction is a check-out, their removal a change; the door that held them is left."""
    address = await hub.enrol("Ada")
    person = UUID(address.rpartition("/")[2])
    pseudonym, wood = await badge_of(hub, str(person)), await door(hub, "wood")
    async with ingest_of(hub.register.database.url) as ingest:
        await ingest.commit([wood.tap(now() - timedelta(minutes=30), pseudonym)])
    subscriber.clear()
    learner = await hub.house.with_code(person)
    visit = await hub.register.value("SELECT id FROM visit")

    zone = ZoneInfo(Settings().zone)
    left = (now() - timedelta(minutes=5)).astimezone(zone).strftime("%Y-%m-%dT%H:%M")
    answer = await send(learner, f"/me/visits/{visit}/end", f"/me/visits/{visit}/end", left=left)
    assert answer.status_code == 303, answer.text
    assert kinds(subscriber, CheckedOut, DoorLeft) == [("CheckedOut", "wood"), ("DoorLeft", "")]

    visit = await hub.register.value("SELECT id FROM visit")
    await send(learner, f"/me/visits/{visit}/remove", f"/me/visits/{visit}/remove")
    assert kinds(subscriber, VisitsChanged, CheckedOut) == [("VisitsChanged", "")]
