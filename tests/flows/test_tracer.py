"""One story through all four users: people tap in, the air gets bad, officer and board are told once.

Every part is the real process: simulated hub, Mosquitto, ingest, worker, API. Only the clock on the hub's
wall is chosen: it is always noon there, so that the story never runs over midnight.
"""

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from feed.ingest_setup import device_in, one, rows
from flows.system_processes import System, eventually
from lanes.brokers import Mosquitto
from lanes.database_lane import Database
from lanes.servers import accepts, free_port

LEARNERS = 10
SCENARIO = """
title = "One room"
site = "hub"
timezone = "{zone}"
latitude = 60.2
longitude = 24.9
seed = 5
every_s = 10

[people]
absent = 0
badge = 1
forgets = 0
wander = 0

[[spaces]]
id = "studio"
device = "studio-pi"
name = "Tracer studio"
kind = "collaboration"
zone = "Ground floor"
capacity = 12
volume_m3 = 60
air_changes = [["00:00", 0.5], ["{aired}", 30]]
window = {{ opens_above = 9000, closes_below = 700, air_changes = 6 }}

[[programmes]]
name = "Before the break"
starts = "{first}"
block_min = 30
break_min = 5
groups = [{{ name = "a", learners = {learners}, places = ["studio"] }}]

[[programmes]]
name = "After the break"
starts = "{second}"
block_min = 60
break_min = 5
groups = [{{ name = "b", learners = {learners}, places = ["studio"] }}]
"""


@dataclass
class Officer:
    """An officer's webhook: out of order for the first post, then it takes each one."""

    url: str = ""
    refused: int = 0
    taken: list[tuple[str, dict[str, Any]]] = field(default_factory=list)


@pytest.fixture
def officer() -> Iterator[Officer]:
    officer = Officer()

    class Desk(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if not officer.refused:
                officer.refused = 1
                self.send_error(503)
                return
            officer.taken.append((self.headers["Idempotency-Key"], body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Desk) as server:
        officer.url = f"http://127.0.0.1:{server.server_address[1]}/alerts"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield officer
        server.shutdown()


@contextmanager
def watching(url: str) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """Collect the events of the board's stream, as a browser does."""
    heard: list[tuple[str, dict[str, Any]]] = []
    client = httpx.Client(timeout=30)
    ended = threading.Event()

    def listen() -> None:
        name = ""
        try:
            with client.stream("GET", f"{url}/api/v1/stream") as answer:
                for line in answer.iter_lines():
                    if line.startswith("event: "):
                        name = line.removeprefix("event: ")
                    elif line.startswith("data: "):
                        heard.append((name, json.loads(line.removeprefix("data: "))))
        except httpx.HTTPError:
            assert ended.is_set(), "the stream broke"

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield heard
    finally:
        ended.set()
        client.close()


@pytest.fixture
def scenario(tmp_path: Path) -> tuple[Path, datetime]:
    """Give the room and its now: ten people in still air for half an hour, a break with air, ten others."""
    now = datetime.now(UTC).replace(microsecond=0)
    hours = 12 - now.hour
    zone = f"Etc/GMT{-hours:+d}" if hours else "Etc/GMT"  # POSIX counts westwards

    def local(minutes_ago: int) -> str:
        return (now - timedelta(minutes=minutes_ago)).astimezone(ZoneInfo(zone)).strftime("%H:%M")

    text = SCENARIO.format(zone=zone, learners=LEARNERS, first=local(58), aired=local(29), second=local(9))
    file = tmp_path / "room.toml"
    file.write_text(text)
    return file, now


@pytest.mark.broker
def test_taps_become_a_count_and_bad_air_one_alert_that_is_told_once_and_resolved(
    tmp_path: Path,
    database: Database,
    mosquitto: Mosquitto,
    officer: Officer,
    scenario: tuple[Path, datetime],
) -> None:
    file, now = scenario
    device_in(database.url, "studio", "studio-pi", capacity=12)
    port = free_port()
    page = f"http://127.0.0.1:{port}"
    settings = {"webhook_url": officer.url, "http_port": str(port)}
    with System(tmp_path, database=database.url, broker=mosquitto.url, **settings) as system:
        system.ingest()
        system.server("worker").begin()
        api = system.server("api")
        api.start(lambda: accepts(port))
        begin = ("--scenario", str(file), "--from", _iso(now - timedelta(minutes=58)))
        with watching(page) as heard:
            # Half an hour in: the air has been bad for a while and people are still there.
            simulator = system.simulator(*begin, "--until", _iso(now - timedelta(minutes=30)))
            simulator.begin()
            assert simulator.wait(60) == 0, simulator.tail()
            eventually(lambda: len(officer.taken) == 1, "the officer is told, at the second try")
            (space,) = httpx.get(f"{page}/api/v1/spaces").json()["spaces"]
            assert [alert["resolved_at"] for alert in space["alerts"]] == [None]
            assert "ASR A3.6" in space["alerts"][0]["clause"]

            # And on to the present: windows open, the room empties, others come.
            simulator = system.simulator(*begin, "--until", _iso(now), name="simulate-on")
            simulator.begin()
            assert simulator.wait(60) == 0, simulator.tail()
            eventually(lambda: len(officer.taken) == 2, "the officer is told that it is over")
            eventually(lambda: _last_state(heard) == "used", "the board shows that somebody is there")
            eventually(lambda: len(_alerts(heard)) == 2, "the board is told of both")
        _check_story(system, officer, heard)
        _check_pages(page)


def _check_story(system: System, officer: Officer, heard: list[tuple[str, dict[str, Any]]]) -> None:
    url = system.database
    episodes = rows(url, "SELECT space_id, opened_at, resolved_at, peak FROM episode")
    assert len(episodes) == 1
    space, opened, resolved, peak = episodes[0]
    assert (space, resolved > opened, peak >= 1000) == ("studio", True, True)

    told = [body["type"] for _, body in officer.taken]
    assert told == ["org.hubwell.EpisodeOpened", "org.hubwell.EpisodeResolved"]
    assert len({key for key, _ in officer.taken}) == 2
    assert officer.refused == 1
    deliveries = rows(
        url, "SELECT channel, count(*), count(delivered_at) FROM delivery GROUP BY 1 ORDER BY 1"
    )
    assert deliveries == [("board", 2, 2), ("webhook", 2, 2)]
    assert sorted(alert["spaces"] for alert in _alerts(heard)) == [["studio"], ["studio"]]

    # Ten came and tapped out, ten others are there now.
    ends = rows(url, "SELECT ended_by, count(DISTINCT person_id) FROM visit GROUP BY 1 ORDER BY 1 NULLS LAST")
    assert ends == [("tap", LEARNERS), (None, LEARNERS)]
    assert one(url, "SELECT count(*) FROM tap") == 3 * LEARNERS
    assert rows(url, "SELECT state, about FROM space_now") == [("used", None)], "no window is closed yet"
    assert system.audit()["clean"]


def _check_pages(page: str) -> None:
    (space,) = httpx.get(f"{page}/api/v1/spaces").json()["spaces"]
    assert (space["id"], space["state"]) == ("studio", "used")
    assert space["alerts"] == []
    (device,) = httpx.get(f"{page}/api/v1/devices").json()["devices"]
    assert (device["id"], device["silent"]) == ("studio-pi", False)
    alerts = httpx.get(f"{page}/api/v1/alerts").json()
    assert "studio" in json.dumps(alerts)
    board = httpx.get(page)
    assert board.status_code == 200
    assert "studio" in board.text.lower()


def _last_state(heard: list[tuple[str, dict[str, Any]]]) -> str | None:
    said = [data["state"] for name, data in heard if name == "space"]
    return said[-1] if said else None


def _alerts(heard: list[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    return [data for name, data in heard if name == "alert"]


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S%z")
