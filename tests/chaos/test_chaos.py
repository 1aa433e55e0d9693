"""kill -9 of broker, database, ingest and agent in turn under a steady load: nothing lost, nothing doubled.

The short form is part of the suite. `scripts/chaos` runs the long one: at least 20 kills over at least
100,000 messages on each broker; its figures are in docs/proofs.md.
"""

import os
import sys
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import pytest

from chaos.load_and_kills import Figures, Load, Part, Rig
from flows.system_processes import Program, System
from hubwell.runtime.embedded_broker import EmbeddedBroker
from lanes.brokers import Mosquitto
from lanes.postgres import PostgresServer
from lanes.servers import accepts, free_port

LONG = os.environ.get("HUBWELL_CHAOS") == "long"
SEED = int(os.environ.get("HUBWELL_CHAOS_SEED", "20261122"))
WITHIN = 1500.0 if LONG else 120.0

pytestmark = [pytest.mark.chaos, pytest.mark.slow]


def load() -> Load:
    if LONG:
        return Load(agents=4, messages_each=26_000, rate=150)
    return Load(agents=4, messages_each=2_500, rate=200)


def kills() -> int:
    return 24 if LONG else 4


@pytest.fixture
def database_url(own_postgres: PostgresServer) -> str:
    return own_postgres.create("migrated").url


def database_part(server: PostgresServer) -> Part:
    return Part("database", server.kill, server.start)


def ingest_part(*processes: Program) -> Part:
    """Several share the work; each time the next one is killed."""
    turn = cycle(processes)
    victim: list[Program] = []

    def kill() -> None:
        victim[:] = [next(turn)]
        victim[0].kill()

    def start() -> None:
        victim[0].begin()

    return Part("ingest", kill, start)


def check(figures: Figures) -> None:
    sys.stdout.write(f"\nchaos {figures.line()}\n")
    assert sum(figures.kills.values()) == kills()
    assert (figures.lost, figures.doubled) == (0, 0)
    assert (figures.missing, figures.rejected, figures.clean) == (0, 0, True)


@pytest.mark.broker
def test_nothing_is_lost_or_doubled_with_mosquitto_and_two_ingest_processes(
    tmp_path: Path, own_postgres: PostgresServer, database_url: str, mosquitto: Mosquitto
) -> None:
    with System(tmp_path, database=database_url, broker=mosquitto.url) as system:
        rig = Rig(system, load(), seed=SEED)
        ingests = [system.ingest("1"), system.ingest("2")]
        broker = Part("broker", mosquitto.kill, mosquitto.start)
        parts = [broker, database_part(own_postgres), ingest_part(*ingests), rig.agent_part()]
        check(rig.run("mosquitto", parts, kills(), within=WITHIN))


@pytest.fixture
def embedded() -> EmbeddedBroker:
    return EmbeddedBroker(server_port=free_port(), device_port=free_port())


@pytest.fixture
def embedded_process(tmp_path: Path, embedded: EmbeddedBroker) -> Iterator[Program]:
    process = Program("broker", embedded.command(), tmp_path, embedded.environment())
    process.start(lambda: accepts(embedded.server_port) and accepts(embedded.device_port))
    yield process
    process.kill()


def test_nothing_is_lost_or_doubled_with_the_embedded_broker_that_only_remembers_in_memory(
    tmp_path: Path,
    own_postgres: PostgresServer,
    database_url: str,
    embedded: EmbeddedBroker,
    embedded_process: Program,
) -> None:
    def start() -> None:
        embedded_process.start(lambda: accepts(embedded.server_port) and accepts(embedded.device_port))

    urls = {"broker": embedded.server_url, "device_broker": embedded.device_url}
    # The embedded broker dies when the last member of a shared subscription leaves: see docs/proofs.md.
    with System(tmp_path, database=database_url, **urls, ingest_shared="false") as system:
        rig = Rig(system, load(), seed=SEED + 1, protocol=311)
        broker = Part("broker", embedded_process.kill, start)
        parts = [rig.agent_part(), ingest_part(system.ingest()), broker, database_part(own_postgres)]
        check(rig.run("embedded", parts, kills(), within=WITHIN))
