"""The simulated hub through the real path: a seed and a span determine what the database holds."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest

from feed.ingest_setup import one, reading
from flows.system_processes import System
from hubwell.spaces.demo import seed as register_demo
from hubwell.storage.table_digest import content_digest
from lanes.brokers import Mosquitto
from lanes.database_lane import Database, Lane

# Twenty minutes around a change of blocks, when people tap; in the past, so that every run sees the same.
SPAN = ("--from", "2026-11-16T11:20:00+00:00", "--until", "2026-11-16T11:40:00+00:00")
FAULTS = (
    "--fault", "wood-workshop-1/scd41:silent:2026-11-16T11:25Z-2026-11-16T11:30Z",
    "--fault", "team-room-a-1:network-gone:2026-11-16T11:28Z-2026-11-16T11:36Z",
)  # fmt: skip

TICKS = 9 * 121
"""Sets of six readings: nine spaces, every ten seconds, both ends of the span."""

Simulate = Callable[..., "Outcome"]


class Outcome:
    """What one simulation left behind."""

    def __init__(self, url: str) -> None:
        with reading(url) as conn:
            self.digest = content_digest(conn)
        self.readings = int(one(url, "SELECT count(*) FROM reading"))
        self.taps = int(one(url, "SELECT count(*) FROM tap"))
        self.visits = int(one(url, "SELECT count(*) FROM visit"))


@contextmanager
def _at_end(work: Callable[[], None]) -> Iterator[None]:
    try:
        yield
    finally:
        work()


@pytest.fixture
def simulate(tmp_path: Path, lanes: Callable[[str], Lane]) -> Iterator[Simulate]:
    """Give a function that runs the demonstration hub into a fresh database, and tells what is there then.

    The broker is fresh too: it retains what devices of an earlier run said of their numbering.
    """
    used: list[Database] = []

    def run(*options: str, ingests: int = 1) -> Outcome:
        database = lanes("plain").create("migrated")
        used.append(database)
        with closing(psycopg.connect(database.url)) as conn:
            register_demo(conn)
            conn.commit()
        folder = tmp_path / f"run-{len(used)}"
        folder.mkdir()
        broker = Mosquitto(folder)
        broker.start()
        with (
            _at_end(broker.stop),
            System(folder, database=database.url, broker=broker.url, site="demo") as system,
        ):
            for worker in range(1, ingests + 1):
                system.ingest(str(worker))
            simulator = system.simulator(*SPAN, *options)
            simulator.begin()
            assert simulator.wait(90) == 0, simulator.tail()
            assert system.audit()["clean"]
        return Outcome(database.url)

    yield run
    for database in used:
        lanes("plain").drop(database)


@pytest.mark.broker
@pytest.mark.slow
def test_same_seed_gives_the_same_database_whoever_ingests_it_and_another_seed_another(
    simulate: Simulate,
) -> None:
    first = simulate("--seed", "7")
    assert first.readings == TICKS * 6
    assert first.taps > 0
    assert first.visits > 0
    again = simulate("--seed", "7", ingests=2)
    assert again.digest == first.digest
    assert (again.readings, again.taps, again.visits) == (first.readings, first.taps, first.visits)
    assert simulate("--seed", "8").digest != first.digest


@pytest.mark.broker
def test_silent_sensor_leaves_its_hole_and_a_lost_network_leaves_none(simulate: Simulate) -> None:
    outcome = simulate("--seed", "7", *FAULTS)
    # Three series are not measured for five minutes; what was measured without network arrives later.
    assert outcome.readings == TICKS * 6 - 30 * 3
