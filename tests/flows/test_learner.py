"""One learner's story through real processes, card in hand: enrolled, in, moved, offline, forgotten, erased.

Four doors, each a real agent with a real PC/SC reader of its own: a desk, a laboratory, a den and a kiosk.
"""

import re
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest

from edge.readers.virtual_card import VirtualReader
from feed.ingest_setup import one, rows
from flows.form_browser import Pages
from flows.system_processes import Program, System, eventually
from hubwell.keys import Keys
from hubwell.presence.rules import APART, DEBOUNCE
from hubwell_edge.sim.chips.cards import MemoryCard
from hubwell_edge.taps.local_presence import FILE, read_since
from hubwell_wire.pseudonym import pseudonym
from lanes.brokers import Mosquitto
from lanes.database_lane import Database
from lanes.servers import accepts, free_port

NAME = "Zuzanna Flowtest"
UID = bytes.fromhex("04a1b2c3d4e5f6")
PASSWORD = "a door that sings"  # noqa: S105 - of a made-up account
DOORS = ("desk", "lab", "den", "kiosk")
ZONE = ZoneInfo("Europe/Helsinki")


@dataclass
class Door:
    """A device with one reader: its agent, and the reader on which a test lays the card."""

    agent: Program
    reader: VirtualReader
    tapped_at: float = 0.0

    def tap(self, expect: str, within: float = 15) -> str:
        """Hold the card to the reader; return what the person is told, once it is the expected verdict."""
        time.sleep(
            max(0.0, self.tapped_at + DEBOUNCE.total_seconds() + 0.5 - time.monotonic())
        )  # another gesture
        before = len(self.agent.said())
        with self.reader.card(MemoryCard(UID)):
            self.tapped_at = time.monotonic()
            eventually(lambda: f" {expect}: " in self.agent.said()[before:], expect, within=within)
        return self.agent.said()[before:]


@pytest.fixture
def readers(tmp_path: Path, virtual_reader: VirtualReader) -> Iterator[dict[str, VirtualReader]]:
    """Give a virtual reader a door, each with a pcscd of its own."""
    assert virtual_reader.name, "the parts are there"
    with ExitStack() as stack:
        found = {}
        for door in DOORS:
            folder = tmp_path / "pcsc" / door
            folder.mkdir(parents=True)
            found[door] = VirtualReader(folder)
            stack.callback(found[door].stop)
            found[door].start()
        yield found


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path / "keys")


@pytest.fixture
def hub(
    tmp_path: Path,
    database: Database,
    mosquitto: Mosquitto,
    keys: Keys,
) -> Iterator[System]:
    with System(
        tmp_path,
        database=database.url,
        broker=mosquitto.url,
        keys_dir=str(keys.folder),
        unknown_badges="refuse",
    ) as system:
        yield system


@pytest.fixture
def browsers() -> Iterator[Callable[[int], Pages]]:
    """Give a function that opens another browser at the pages on a port."""
    with ExitStack() as stack:

        def browser(port: int) -> Pages:
            return stack.enter_context(Pages(f"http://127.0.0.1:{port}"))

        yield browser


def furnish(hub: System) -> None:
    """Register two spaces, four devices and the account of a member of staff."""

    def do(*command: str) -> None:
        done = hub.run(*command)
        assert done.returncode == 0, done.stderr + done.stdout

    for space in ("lab", "den"):
        kind = ["--kind", "workshop", "--capacity", "12", "--zone", "Ground floor"]
        do("space", "add", space, "--name", space.capitalize(), *kind)
    for door in DOORS:
        do("device", "add", f"{door}-pi", "--space", "den" if door == "den" else "lab")
    do("reader", "add", "desk-pi", "door", "--purpose", "desk")
    do("reader", "add", "kiosk-pi", "door", "--purpose", "kiosk")
    secret = hub.folder / "password"
    secret.write_text(PASSWORD + "\n")
    do("account", "add", "sam", "--role", "staff", "--password-file", str(secret))


def open_doors(hub: System, keys: Keys, readers: dict[str, VirtualReader]) -> dict[str, Door]:
    """Start an agent at each door and wait until each holds the list of badges."""
    exported = hub.folder / "device-keys"
    assert hub.run("keys", "export", str(exported)).returncode == 0
    public = hub.run("keys", "roster-public").stdout.split()[-1]
    assert keys.roster_key().verify_key.encode().hex() == public
    doors = {}
    for door, reader in readers.items():
        settings = {
            "badges": {"keys_dir": str(exported), "roster_key": public},
            "reader": [{"driver": "pcsc", "name": "door", "feedback": [{"driver": "console"}]}],
        }
        agent = hub.agent(f"{door}-pi", settings, env={**reader.environment, "PYTHONUNBUFFERED": "1"})
        agent.begin("connected to")
        doors[door] = Door(agent, reader)
    eventually(lambda: listed(hub) == len(DOORS), "every device holds the list of badges", within=60)
    return doors


def listed(hub: System) -> int:
    return int(one(hub.database, "SELECT count(*) FROM device WHERE roster_at IS NOT NULL"))


def visits(hub: System) -> list[tuple[str, str | None]]:
    return list(rows(hub.database, "SELECT space_id, ended_by FROM visit ORDER BY lower(during)"))


def nobody_in(hub: System, door: str) -> bool:
    """Tell whether a door's device holds nobody for inside."""
    folder = hub.folder / "outbox" / f"{door}-pi"
    assert (folder / FILE).exists()
    return not [seen for seen in read_since(folder, 0) if seen.inside]


def walk(door: Door, before: Door) -> None:
    """Take as long as a person needs from one door to the next."""
    time.sleep(max(0.0, before.tapped_at + APART.total_seconds() + 0.5 - time.monotonic()))
    assert door is not before


def enrol(pages: Pages, desk: Door) -> None:
    desk.tap("desk")
    pages.post("/sign-in", "/sign-in", login="sam", password=PASSWORD, next="/desk")
    address = re.search(r'href="(/desk/taps/\d+)"', pages.get("/desk"))
    assert address, pages.get("/desk")
    done = pages.post(address[1], address[1], owner="new", name=NAME, language="it", label="blue card")
    assert NAME in done


def close_the_lab(hub: System, doors: dict[str, Door]) -> None:
    """Let the laboratory close a moment after the last tap, and wait until it is closed."""
    closing = datetime.now(ZONE) + timedelta(seconds=1)
    one(hub.database, "UPDATE space SET closes_at = %s WHERE id = 'lab' RETURNING id", closing.time())
    time.sleep(2)
    walk(doors["den"], doors["lab"])


def come_back_to_the_lab(hub: System, mosquitto: Mosquitto, doors: dict[str, Door]) -> None:
    """Tap at the laboratory while the broker is gone: its door knows already that the learner had left it."""
    eventually(lambda: nobody_in(hub, "lab"), "the laboratory's door hears that it was left")
    mosquitto.stop()
    walk(doors["lab"], doors["den"])
    doors["lab"].tap("in", within=40)
    assert visits(hub) == [("lab", "moved"), ("den", None)]
    mosquitto.start()
    back = [("lab", "moved"), ("den", "moved"), ("lab", None)]
    eventually(lambda: visits(hub) == back, "the tap of the time without a broker", within=60)


@pytest.mark.slow
def test_learner_from_enrolment_to_erasure(
    hub: System,
    keys: Keys,
    readers: dict[str, VirtualReader],
    mosquitto: Mosquitto,
    browsers: Callable[[int], Pages],
) -> None:
    furnish(hub)
    port = free_port()
    hub.ingest()
    worker = hub.server("worker")
    worker.begin()
    api = hub.server("api", http_port=str(port))
    api.begin()
    eventually(lambda: accepts(port), "the pages answer")
    doors = open_doors(hub, keys, readers)
    desk, lab, den, kiosk = (doors[door] for door in DOORS)
    staff, learner = browsers(port), browsers(port)

    # a stranger is not known, and leaves no row; enrolled at the desk, the same card is
    lab.tap("unknown")
    assert one(hub.database, "SELECT count(*) FROM tap") == 0
    enrol(staff, desk)
    walk(den, lab)
    assert "entrat" in lab.tap("in").lower() or one(hub.database, "SELECT language FROM person") == "it"
    eventually(lambda: visits(hub) == [("lab", None)], "in the laboratory")

    # on to the den
    walk(den, lab)
    den.tap("moved")
    eventually(lambda: visits(hub) == [("lab", "moved"), ("den", None)], "in the den")

    # the broker is gone: the door answers by itself, and the server learns of it later
    come_back_to_the_lab(hub, mosquitto, doors)
    lab.tap("out")
    home = [("lab", "moved"), ("den", "moved"), ("lab", "tap")]
    eventually(lambda: visits(hub) == home, "out of the laboratory")

    # another visit ends without a tap: at closing time, marked as a guess
    walk(lab, den)
    lab.tap("in")
    close_the_lab(hub, doors)
    den.tap("in")
    guessed = [*home, ("lab", "inferred"), ("den", None)]
    eventually(lambda: visits(hub) == guessed, "a forgotten visit")

    # the kiosk gives a code, the code opens the learner's own page, and only theirs
    code = re.search(r"[A-Z0-9]{4}-[A-Z0-9]{4}", kiosk.tap("code"))
    assert code
    own = learner.post("/me/code", "/me", code=code[0])
    assert NAME in own
    export = learner.client.get("/me/export.json")
    assert export.status_code == 200
    assert len(export.json()["visits"]) == len(guessed)

    # erased while a tap still waits on a device that is cut off
    pseudonyms = [pseudonym(UID, key) for key in keys.epochs()]
    mosquitto.stop()
    den.tap("out", within=40)
    assert traces(hub.folder / "outbox", pseudonyms)
    learner.post("/me/erase", "/me/erase")
    mosquitto.start()
    eventually(lambda: not traces(hub.folder / "outbox", pseudonyms), "devices forget", within=60)
    nothing_is_left(hub, pseudonyms, port)


def nothing_is_left(hub: System, pseudonyms: list[str], port: int) -> None:
    """Look for the person everywhere: database, logs, outboxes, a backup, figures."""
    assert one(hub.database, "SELECT count(*) FROM person") == 0
    words = [NAME, NAME.split()[1], *pseudonyms, UID.hex()]
    assert not found_in_database(hub.database, words)
    backup = hub.folder / "after.zip"
    done = hub.run("backup", str(backup))
    assert done.returncode == 0, done.stderr
    metrics = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    assert not [word for word in words if word in metrics]
    assert not traces(hub.folder / "outbox", words)
    logs = [log for log in hub.folder.glob("*.log") for word in words if word.encode() in log.read_bytes()]
    assert not logs
    with zipfile.ZipFile(backup) as archive:
        texts = [archive.read(name) for name in archive.namelist()]
    assert not [word for word in words for text in texts if word.encode() in text or _raw(word) in text]


def found_in_database(url: str, words: list[str]) -> list[tuple[str, str]]:
    """Return every table that holds one of the words, as text or as bytes."""
    tables = [
        row[0]
        for row in rows(url, "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables "
                             "WHERE schemaname NOT IN ('pg_catalog', 'information_schema')")
    ]  # fmt: skip
    found = []
    for table in tables:
        text = str(one(url, f"SELECT coalesce(string_agg(t::text, ' '), '') FROM {table} t"))  # noqa: S608
        found += [(table, word) for word in words if word.lower() in text.lower()]
    return found


def traces(folder: Path, words: list[str]) -> list[Path]:
    """Return the files of a folder that hold one of the words, as text or as bytes."""
    found = []
    for path in folder.rglob("*"):
        try:
            body = path.read_bytes()
        except (FileNotFoundError, IsADirectoryError):
            continue  # a file that an agent has just replaced
        found += [path for word in words if word.encode() in body or _raw(word) in body]
    return found


def _raw(word: str) -> bytes:
    """Return the bytes that hexadecimal text stands for, or the text."""
    try:
        return bytes.fromhex(word)
    except ValueError:
        return word.encode()
