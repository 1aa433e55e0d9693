"""Who reacts to what, from a device's message to what the board shows."""

import asyncio
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from apscheduler.triggers.base import BaseTrigger

from feed.ingest_setup import commit, device_in, one, reading, rows, settings_for
from feed.notifications import listen_to
from feed.simulated_device import Packet
from hubwell import schedule
from hubwell.storage.connect import connect_sync
from hubwell.switchboard import Switchboard
from lanes.database_lane import Database

NOW = datetime.now(UTC).replace(microsecond=0)
ROOT = Path(__file__).parents[2]
BADGES = [bytes([n]) * 16 for n in range(6)]


def people(url: str, space: str) -> tuple[Any, ...]:
    inside = "SELECT count(*) FROM visit v WHERE v.space_id = n.space_id AND upper_inf(during)"
    query = f"SELECT state, ({inside}) FROM space_now n WHERE space_id = %s"  # noqa: S608 - both stand here
    (row,) = rows(url, query, space)
    return row


def told(url: str, *batch: Packet) -> set[str]:
    """Commit one batch and return the spaces that the board is told of."""
    with connect_sync(url, name="board") as board:
        board.execute(listen_to("hubwell_change").encode())
        commit(url, batch)
        notices = [json.loads(notice.payload) for notice in board.notifies(timeout=0.2)]
    return {space for notice in notices for space in notice["spaces"]}


def test_taps_become_visits_and_people_in_the_space(lane_database: Database) -> None:
    url = lane_database.url
    hall = device_in(url, "hall", capacity=20)
    commit(url, [hall.tap(NOW - timedelta(minutes=9), badge) for badge in BADGES[:4]])
    assert people(url, "hall") == ("used", 4)
    commit(url, [hall.tap(NOW - timedelta(minutes=8), badge) for badge in BADGES[4:]])
    assert people(url, "hall") == ("used", 6)
    commit(url, [hall.tap(NOW, badge) for badge in BADGES])
    assert people(url, "hall") == ("unknown", 0)
    assert rows(url, "SELECT DISTINCT ended_by FROM visit") == [("tap",)]


def test_board_hears_of_the_space_that_somebody_left(database: Database) -> None:
    url = database.url
    lab, den = device_in(url, "lab"), device_in(url, "den")
    assert told(url, lab.tap(NOW - timedelta(minutes=5), BADGES[0])) == {"lab"}
    assert told(url, den.tap(NOW, BADGES[0])) == {"lab", "den"}


def test_fault_is_recorded_and_disturbs_nobody(database: Database) -> None:
    pi = device_in(database.url, "lab")
    commit(
        database.url,
        [pi.fault(NOW, "scd41", "silent", "no answer on the bus")],
        webhook_url="http://127.0.0.1:9",
    )
    ((kind, at, space, payload),) = rows(
        database.url, "SELECT type, occurred_at, space_id, payload FROM event"
    )
    assert (kind, at, space) == ("FaultReported", NOW, "lab")
    assert (payload["part"], payload["state"], payload["detail"]) == (
        "scd41",
        "silent",
        "no answer on the bus",
    )
    assert one(database.url, "SELECT count(*) FROM delivery") == 0


def test_jobs_react_too(database: Database) -> None:
    """A forgotten visit that is closed by the timetable is told to the board."""
    url = database.url
    device_in(url, "lab")
    with reading(url) as conn:
        conn.execute(
            "WITH somebody AS (INSERT INTO person (kind) VALUES ('enrolled') RETURNING id) "
            "INSERT INTO visit (person_id, space_id, during) "
            "SELECT id, 'lab', tstzrange(%s, NULL) FROM somebody",
            (NOW - timedelta(hours=13),),
        )
    settings = settings_for(url)
    react = Switchboard.of(settings).commit
    with connect_sync(url, name="board") as board:
        board.execute(listen_to("hubwell_change").encode())
        for _, job in schedule.TIMETABLE:
            asyncio.run(schedule._in_transaction(settings, react, job))
        (notice,) = board.notifies(timeout=5, stop_after=1)
    assert json.loads(notice.payload) == {"spaces": ["lab"]}
    assert one(url, "SELECT ended_by FROM visit") == "inferred"


def test_timetable_says_when_and_nothing_else() -> None:
    settings = settings_for("postgresql://nobody@127.0.0.1:9/nothing")
    timetable = schedule.scheduler(settings, Switchboard.of(settings).commit)
    assert len(timetable.get_jobs()) == len(schedule.TIMETABLE)
    assert all(isinstance(trigger, BaseTrigger) for trigger, _ in schedule.TIMETABLE)


def test_timetable_does_not_ask_for_the_machine_s_zone() -> None:
    """A machine may have none, as a small container; a trigger that asks warns then, at import."""
    assert [trigger.timezone for trigger, _ in schedule.TIMETABLE] == [UTC] * len(schedule.TIMETABLE)


def test_job_without_a_database_waits_for_its_next_turn() -> None:
    settings = settings_for("postgresql://nobody@127.0.0.1:9/nothing")
    react = Switchboard.of(settings).commit
    for _, job in schedule.TIMETABLE:
        asyncio.run(schedule._in_transaction(settings, react, job))


def test_forgotten_case_is_found_by_the_type_checker(tmp_path: Path) -> None:
    """Only the facts and the switchboard are looked at: what else it imports may be anything."""
    hubwell = tmp_path / "hubwell"
    hubwell.mkdir()
    (hubwell / "__init__.py").touch()
    for name in ("events.py", "switchboard.py"):
        (hubwell / name).write_text((ROOT / "services" / "hubwell" / name).read_text())
    assert mypy(hubwell).returncode == 0
    switchboard = hubwell / "switchboard.py"
    case = "case EpisodeOpened() | EpisodeResolved() | FaultReported():"
    assert case in switchboard.read_text()
    switchboard.write_text(switchboard.read_text().replace(case, "case EpisodeOpened() | FaultReported():"))
    checked = mypy(hubwell)
    assert checked.returncode == 1
    assert 'has incompatible type "EpisodeResolved"; expected "Never"' in checked.stdout


def mypy(package: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mypy", "--config-file=", "--follow-imports=skip"]
    command += ["--cache-dir", str(package.parent / "cache"), str(package)]
    return subprocess.run(command, cwd=package.parent, capture_output=True, text=True, check=False)
