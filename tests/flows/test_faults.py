"""What goes wrong on the way, with what is promised then: nothing lost or doubled, or a declared gap.

Load comes from the counting driver: number n at its own time, one a message. The whole of it is in the
database at the end, whatever happened meanwhile. The same faults under one another: tests/chaos.
"""

import os
import signal
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from feed.ingest_setup import device_in, one, rows
from flows.lossy_relay import LossyRelay
from flows.system_processes import Program, System, eventually, total
from lanes.brokers import Mosquitto
from lanes.postgres import PostgresServer
from lanes.servers import until
from lanes.small_disk import mounted_disk

LONG = os.environ.get("HUBWELL_CHAOS") == "long"
AWAY_S = 60.0 if LONG else 4.0
"""How long the database is away."""
START = datetime(2026, 1, 1, tzinfo=UTC)

pytestmark = [pytest.mark.broker, pytest.mark.slow]


def counting(system: System, count: int, *, rate: float = 0, **more: Any) -> Program:
    """Make an agent that sends 0 .. count-1, one number a message."""
    device_in(system.database, "lab", "counter")
    return counter(system, count, rate=rate, **more)


def counter(
    system: System, count: int, *, rate: float = 0, name: str = "", start: datetime = START, **more: Any
) -> Program:
    sensor = {"driver": "steady", "count": count, "rate": rate, "start": start.isoformat()}
    batch = {"batch": {"readings": 1, "seconds": 0.05}, "sensor": [sensor]}
    return system.agent("counter", {**batch, **more}, name=name)


def numbers(url: str, device: str = "counter") -> list[int]:
    query = """SELECT r.value::bigint FROM reading r JOIN series s ON s.id = r.series_id
               WHERE s.device_id = %s ORDER BY r.time, r.value"""
    return [number for (number,) in rows(url, query, device)]


def stored(system: System) -> int:
    return int(one(system.database, "SELECT count(*) FROM reading"))


def pause(seconds: float) -> None:
    """Let time pass while the fault lasts: here the time itself is what is tested."""
    for _ in until(seconds):
        pass


def test_database_away_nothing_is_acknowledged_and_nothing_lost(
    tmp_path: Path, own_postgres: PostgresServer, mosquitto: Mosquitto
) -> None:
    """The agent goes on measuring, ingest waits without reading on, and all of it arrives afterwards."""
    url = own_postgres.create("migrated").url
    rate = 100.0
    count = int(rate * (AWAY_S + 4))
    with System(tmp_path, database=url, broker=mosquitto.url) as system:
        agent = counting(system, count, rate=rate)
        ingest = system.ingest()
        agent.begin()
        eventually(lambda: stored(system) > count // 20, "the load is running")
        own_postgres.kill()
        pause(AWAY_S)
        assert ingest.running
        assert agent.running
        own_postgres.start()
        assert agent.wait(60 + AWAY_S) == 0, agent.tail()
        assert numbers(url) == list(range(count))
        assert system.audit()["clean"]
        assert "database not usable" in ingest.said()


def test_broker_restart_without_persistence_loses_nothing(tmp_path: Path, system: System) -> None:
    """Queued messages, sessions and retained states are gone; agents send what has no receipt again."""
    folder = tmp_path / "forgetful"
    folder.mkdir()
    broker = Mosquitto(folder, persistence=False)
    broker.start()
    try:
        with System(folder, database=system.database, broker=broker.url) as forgetful:
            agent = counting(forgetful, 1500, rate=300)
            ingest = forgetful.ingest()
            agent.begin()
            eventually(lambda: stored(forgetful) > 300, "the load is running")
            # With ingest away the broker holds all that agents send: exactly what it then forgets.
            ingest.stop()
            pause(1)
            broker.kill()
            broker.start()
            ingest.begin("Connected to the broker")
            assert agent.wait(60) == 0, agent.tail()
            assert numbers(forgetful.database) == list(range(1500))
            assert forgetful.audit()["clean"]
    finally:
        broker.stop()


def test_two_agents_with_the_same_id_take_turns_and_both_keep_everything(system: System) -> None:
    """Each has a numbering of its own, so neither hides the other; the log of both says what is wrong."""
    one_of_them = counting(system, 300, name="first")
    other = counter(system, 300, name="second", start=START + timedelta(days=1))
    system.ingest()
    one_of_them.begin()
    other.begin()
    assert one_of_them.wait(90) == 0, one_of_them.tail()
    assert other.wait(90) == 0, other.tail()
    assert numbers(system.database) == [*range(300), *range(300)]
    account = system.audit()
    assert account["clean"]
    assert total(account, "stored") == 600
    assert one(system.database, "SELECT count(DISTINCT boot) FROM stream") == 2


def test_two_agents_with_copies_of_one_outbox_are_found_out(system: System) -> None:
    """The same numbers with other message ids: refused with the advice, never taken for copies.

    Only on one machine: elsewhere the kernel's boot id differs, and with it the numbering.
    """
    agent = counting(system, 200, name="original")
    system.ingest()
    agent.begin()
    assert agent.wait(60) == 0, agent.tail()
    box = system.folder / "outbox"
    subprocess.run(["cp", "-r", str(box / "original"), str(box / "clone")], check=True)
    original = counter(system, 260, name="original")
    original.begin()
    assert original.wait(60) == 0, original.tail()
    clone = counter(system, 260, name="clone")
    clone.begin()
    assert clone.wait(60) == 0, clone.tail()
    assert numbers(system.database) == list(range(260))
    reasons = rows(system.database, "SELECT DISTINCT code FROM rejected")
    assert reasons == [("seq-reused",)]


def test_lost_receipts_are_covered_by_later_ones(system: System, mosquitto: Mosquitto) -> None:
    """Every receipt is lost for a while: one window of messages is sent again and again, and stored once."""
    with LossyRelay(mosquitto.port, lost="down/ack") as relay:
        agent = counting(
            system, 400, broker={"url": relay.url, "resend_s": 0.5, "protocol": 311, "window": 100}
        )
        system.ingest()
        agent.begin()
        eventually(lambda: stored(system) == 100, "a window is stored although no receipt came through")
        copies = "SELECT sum(copies - 1) FROM message"
        eventually(lambda: one(system.database, copies) > 50, "messages without a receipt are sent again")
        assert agent.running
        relay.mend()
        assert agent.wait(60) == 0, agent.tail()
    assert numbers(system.database) == list(range(400))
    account = system.audit()
    assert account["clean"]
    assert total(account, "duplicated") > 50


def test_ingest_killed_between_commit_and_receipt_doubles_nothing(system: System) -> None:
    """The commit is the truth: what was committed without a receipt comes again and is counted as a copy."""
    device_in(system.database, "lab", "counter")
    with psycopg.connect(system.database, autocommit=True) as conn:
        # Every commit takes its time at the very end, so that kills fall between commit and receipt too.
        conn.execute(
            """CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS
               $$ BEGIN PERFORM pg_sleep(0.05); RETURN NULL; END $$"""
        )
        conn.execute(
            """CREATE CONSTRAINT TRIGGER dawdle AFTER INSERT ON reading DEFERRABLE INITIALLY DEFERRED
               FOR EACH ROW WHEN (new.value::int % 40 = 0) EXECUTE FUNCTION dawdle()"""
        )
    agent = counter(system, 1000, rate=250)
    ingest = system.ingest()
    agent.begin()
    for part in range(1, 4):
        eventually(lambda part=part: stored(system) > part * 220, "the load is running")  # type: ignore[misc] # bound now
        ingest.kill()
        ingest.begin()
    assert agent.wait(60) == 0, agent.tail()
    assert numbers(system.database) == list(range(1000))
    account = system.audit()
    assert account["clean"]
    assert total(account, "stored") == 1000


def test_clock_stepping_back_keeps_both_times_and_the_order_of_numbers(system: System) -> None:
    """A believed clock that is set back: times are stored as given, the numbering keeps the true order."""
    device_in(system.database, "lab", "counter")
    ahead, back = START + timedelta(hours=2), START
    system.ingest()
    for name, start in (("ahead", ahead), ("back", back)):
        sensor = {"driver": "steady", "part": name, "count": 50, "rate": 0, "start": start.isoformat()}
        values = {"sensor": [sensor], "batch": {"readings": 1}}
        agent = system.agent("counter", values, name=name, outbox="one")
        agent.begin()
        assert agent.wait(60) == 0, agent.tail()
    in_order = rows(
        system.database,
        "SELECT time FROM message WHERE verdict = 'stored' AND kind = 'telemetry' ORDER BY seq",
    )
    times = [time for (time,) in in_order]
    assert times == [start + timedelta(seconds=n) for start in (ahead, back) for n in range(50)]
    assert one(system.database, "SELECT count(DISTINCT boot) FROM stream") == 1
    assert numbers(system.database) == [*range(50), *range(50)]
    assert system.audit()["clean"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a file system that is full after 300 kB."""
    with mounted_disk(tmp_path / "disk", "300k") as folder:
        yield folder


def test_full_disk_of_the_outbox_slows_a_source_that_can_wait_and_loses_nothing(
    system: System, small_disk: Path
) -> None:
    """The disk refuses: what is not stored yet waits in memory, and goes on when receipts make room."""
    agent = counting(system, 3000, outbox={"dir": str(small_disk / "box"), "cap_bytes": 800_000})
    agent.begin("cannot be written")
    system.ingest()
    assert agent.wait(90) == 0, agent.tail()
    assert numbers(system.database) == list(range(3000))
    assert system.audit()["clean"]


def test_full_outbox_drops_oldest_telemetry_and_declares_exactly_that(system: System) -> None:
    """A cap of 64 KiB and no server: what had to go is declared, so that the audit has a cause for it."""
    device_in(system.database, "lab", "weather")
    # Sources that cannot wait: sensors, the chips models, each on a bus of its own and read once a second.
    sensors = [{"driver": "bme280", "part": f"bme-{bus}", "bus": bus, "every_s": 1} for bus in range(40)]
    batch = {"readings": 1, "seconds": 0.05}
    agent = system.agent(
        "weather", {"outbox": {"cap_bytes": 64 * 1024}, "batch": batch, "sensor": sensors}, chips=True
    )
    agent.begin("outbox is full")
    system.ingest()
    gaps = "SELECT count(*) FROM gap WHERE cause = 'outbox-full'"
    eventually(lambda: one(system.database, gaps) > 0, "the gap is declared", within=60)

    def holes() -> list[str]:
        """Causes of all holes but the last: the sensors go on, so there is always something on its way."""
        causes = [hole["cause"] for day in system.audit()["days"] for hole in day["holes"]]
        return [cause for cause in causes if not cause.startswith("not arrived yet")]

    eventually(lambda: set(holes()) == {"dropped by the device: outbox-full"}, "all else arrived", within=60)
    dropped = total(system.audit(), "dropped")
    declared = one(system.database, "SELECT sum(count) FROM gap WHERE cause = 'outbox-full'")
    assert 0 < dropped <= declared  # what was dropped while it was on its way may have arrived all the same


def test_two_ingest_processes_share_the_work_and_the_death_of_one_loses_nothing(system: System) -> None:
    """The broker goes on giving the dead one its share; agents send that again until the other has it."""
    agent = counting(system, 1000, rate=300, broker={"resend_s": 0.3})
    first, second = system.ingest("1"), system.ingest("2")
    agent.begin()
    eventually(lambda: stored(system) > 400, "the load is running")
    first.kill()
    assert agent.wait(90) == 0, agent.tail()
    assert second.running
    assert numbers(system.database) == list(range(1000))
    assert system.audit()["clean"]


def test_second_ingest_that_is_stopped_in_order_leaves_its_share_to_the_first(system: System) -> None:
    first, second = system.ingest("1"), system.ingest("2")
    os.kill(second.pid, signal.SIGTERM)
    assert second.wait(30) == 0, second.tail()
    agent = counting(system, 100, rate=100, broker={"resend_s": 3600})  # nothing gets a second try
    agent.begin()
    assert agent.wait(60) == 0, agent.tail()
    assert first.running
    assert numbers(system.database) == list(range(100))
