"""An evacuation with the server gone, then with the server back: the device's list and the officers' own.

Through real processes: a door that is a muster station, two officers' parts of the key, and the pages.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from feed.enrolled_people import enrol
from feed.ingest_setup import one, rows
from flows.form_browser import Pages
from flows.line_reader_door import LineDoor, line_door, terminal
from flows.system_processes import Program, System, eventually
from hubwell.keys import Keys
from hubwell_wire.pseudonym import pseudonym
from lanes.brokers import Mosquitto
from lanes.servers import accepts, free_port

ADA, BO, CLEO = (bytes.fromhex(f"04a1b2c3d4e5f{n}") for n in range(3))
NAMES = {ADA: "Ada Flowtest", BO: "Bo Flowtest", CLEO: "Cleo Flowtest"}
PASSWORD = "a bell that rings"  # noqa: S105 - of a made-up account


@pytest.fixture
def parts(hub: System) -> list[str]:
    """Furnish a workshop whose door is a muster station; give the two officers' parts of the key."""

    def do(*command: str) -> str:
        done = hub.run(*command)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    where = ["--kind", "workshop", "--capacity", "12", "--zone", "Ground floor"]
    do("space", "add", "lab", "--name", "Lab", *where)
    do("device", "add", "lab-pi", "--space", "lab")
    secret = hub.folder / "password"
    secret.write_text(PASSWORD + "\n")
    do("account", "add", "olga", "--role", "osh", "--password-file", str(secret))
    newest = Keys(hub.folder / "keys").newest_epoch()
    for uid, name in NAMES.items():
        person = enrol(hub.database, bytes.fromhex(pseudonym(uid, newest)))
        one(hub.database, "UPDATE person SET name = %s WHERE id = %s RETURNING id", name, person)
    shown = re.split(r"^Part [AB]$", do("muster", "keys"), flags=re.MULTILINE)[1:]
    found = [" ".join(re.findall(r"[a-z]+", card.partition("\n\n")[0])) for card in shown]
    do("muster", "station", "lab-pi", "on")
    return found


@pytest.fixture
def door(hub: System, parts: list[str]) -> Iterator[LineDoor]:
    assert len(parts) == 2
    with terminal() as line:
        yield line_door(hub, "lab-pi", line)


@pytest.fixture
def port() -> int:
    return free_port()


def opened(hub: System, parts: list[str]) -> dict[str, Any]:
    """Open the list that the device keeps, as two officers do at its terminal."""
    command = ["muster", "--config", str(hub.folder / "lab-pi.toml"), "--json"]
    program = hub.edge(*command, "--part", parts[0], "--part", parts[1], name="opened")
    program.begin()
    if program.wait(20) != 0:
        return {}
    told: dict[str, Any] = json.loads(program.said())
    return told


def names(told: dict[str, Any]) -> set[str]:
    return {person["name"] for zone in told.get("zones", ()) for person in zone["people"]}


def serve(hub: System, port: int) -> list[Program]:
    """Start the server's processes."""
    ingest, worker, api = hub.ingest(), hub.server("worker"), hub.server("api", http_port=str(port))
    for program in (worker, api):
        program.begin()
    eventually(lambda: accepts(port), "the pages answer")
    return [ingest, worker, api]


def text(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


@pytest.mark.slow
def test_everybody_is_on_the_list_of_the_device_and_then_on_that_of_the_server(
    hub: System, door: LineDoor, parts: list[str], port: int, mosquitto: Mosquitto
) -> None:
    server = serve(hub, port)
    door.agent.begin("connected to")
    listed = "SELECT roster_at IS NOT NULL FROM device"
    eventually(lambda: bool(one(hub.database, listed)), "the door has its list of badges")

    # two come in while everything runs, and the device is told, sealed
    door.tap(ADA.hex(), "in")
    door.tap(CLEO.hex(), "in")
    inside = {NAMES[ADA], NAMES[CLEO]}
    eventually(lambda: names(opened(hub, parts)) == inside, "the device keeps the list", within=90)

    # everything but the device is gone; one comes, one leaves
    for program in server:
        program.stop()
    mosquitto.stop()
    door.tap(BO.hex(), "in", within=40)
    door.tap(CLEO.hex(), "out", within=40)
    told = opened(hub, parts)
    assert names(told) == {NAMES[ADA], NAMES[BO]}
    assert (told["people"], told["gone"]) == (2, 1)
    assert [zone["zone"] for zone in told["zones"]] == ["Ground floor"]

    # the server is back: what happened meanwhile is on the officers' list, and each is ticked off
    mosquitto.start()
    serve(hub, port)
    visits = "SELECT p.name, v.ended_by FROM visit v JOIN person p ON p.id = v.person_id ORDER BY p.name"
    late = [(NAMES[ADA], None), (NAMES[BO], None), (NAMES[CLEO], "tap")]
    eventually(lambda: rows(hub.database, visits) == late, "the late taps are known", within=60)
    with Pages(f"http://127.0.0.1:{port}") as officer:
        muster_with_pages(hub, officer)

    # nobody's name is left of it: not in the muster, not in a log, not in any file of the device
    assert one(hub.database, "SELECT count(*) FROM muster_person") == 0
    written = [path for path in hub.folder.rglob("*") if path.is_file() and path.name != "opened.log"]
    assert not [path for path in written if b"Flowtest" in path.read_bytes()]


def muster_with_pages(hub: System, officer: Pages) -> None:
    """Start an evacuation, tick everybody off, and close it."""
    officer.post("/sign-in", "/sign-in", login="olga", password=PASSWORD, next="/muster")
    page = officer.post("/muster", "/account", kind="alarm")
    assert "0 of 2 people are accounted for" in text(page)
    assert NAMES[CLEO] not in page
    (muster,) = set(re.findall(r'action="/muster/([0-9a-f-]{36})/tick"', page))
    for who in (ADA, BO):
        person = next(
            number
            for number, row in re.findall(r'<li id="person-(\d+)"(.*?)</li>', page, re.DOTALL)
            if NAMES[who] in row
        )
        page = officer.post(f"/muster/{muster}/tick", "/account", tick=f"{person}:safe")
    assert "2 of 2 people are accounted for" in text(page)
    report = text(officer.post(f"/muster/{muster}/close", "/account"))
    assert "On the list 2 Safe 2" in report
    assert "Flowtest" not in report
    actions = rows(hub.database, "SELECT DISTINCT action FROM audit_entry WHERE action LIKE 'muster.%%'")
    assert {"muster.opened", "muster.names-seen", "muster.closed"} <= {row[0] for row in actions}
