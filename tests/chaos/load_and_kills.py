"""Steady load through real agents while somebody kills -9 every part in turn; then the account of it.

Each agent counts 0, 1, 2, ... on a series of its own, one number a message, number n with its own time. So
the database alone tells what was lost (a number that is not there) and what was doubled (a number that is
there twice, or a message whose reading had already come in another one).
"""

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import cycle

import psycopg

from feed.ingest_setup import device_in
from flows.system_processes import Program, System, total
from lanes.servers import until

START = datetime(2026, 1, 1, tzinfo=UTC)
"""The time of number 0; number n is n seconds later."""
_LOOK_EVERY_S = 0.1
_STALLED_AFTER_S = 60.0

Kill = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Load:
    """How much goes through: `rate` in messages a second for each agent, 0 for as fast as it can."""

    agents: int
    messages_each: int
    rate: float

    @property
    def messages(self) -> int:
        return self.agents * self.messages_each


@dataclass(frozen=True, slots=True)
class Part:
    """Something to kill -9, and how it comes back."""

    name: str
    kill: Kill
    start: Kill


@dataclass(slots=True)
class Figures:
    """The outcome. Only `lost`, `doubled`, `missing` and `rejected` have to be zero."""

    broker: str
    messages: int
    kills: dict[str, int]
    lost: int = 0
    doubled: int = 0
    missing: int = 0
    rejected: int = 0
    duplicates_absorbed: int = 0
    seconds: float = 0.0
    messages_per_second: float = 0.0
    clean: bool = field(default=False)

    def line(self) -> str:
        """One JSON object on one line."""
        return json.dumps(asdict(self))


class Rig:
    """A system under load. `parts` besides the agents are killed in turn, the agents among them."""

    def __init__(self, system: System, load: Load, *, seed: int, protocol: int = 5) -> None:
        self._system = system
        self._load = load
        self._chance = random.Random(seed)
        self.agents = [self._agent(number, protocol) for number in range(1, load.agents + 1)]

    def _agent(self, number: int, protocol: int) -> Program:
        device = device_in(self._system.database, f"room-{number}", f"steady-{number}")
        load = self._load
        counter = {
            "driver": "steady",
            "count": load.messages_each,
            "rate": load.rate,
            "start": START.isoformat(),
        }
        settings = {
            "broker": {"protocol": protocol, "resend_s": 2.0, "window": 200, "status_s": 5},
            "batch": {"readings": 1, "seconds": 0.05},
            "sensor": [counter],
        }
        return self._system.agent(device.name, settings)

    def agent_part(self) -> Part:
        """All agents as one part: each time the next one is killed."""
        turn = cycle(self.agents)
        victim: list[Program] = []

        def kill() -> None:
            # One that is done has nothing to lose; the next that is at work is meant.
            running = [next(turn) for _ in self.agents]
            victim[:] = [agent for agent in running if agent.running][:1] or running[:1]
            if victim[0].running:
                next(turn)  # so that the same one is not first again
            victim[0].kill()

        def start() -> None:
            victim[0].begin()

        return Part("agent", kill, start)

    def run(self, broker: str, parts: Sequence[Part], kills: int, *, within: float) -> Figures:
        """Load the system, kill `kills` times spread evenly over the messages, wait for the end, count."""
        begun = time.monotonic()
        for agent in self.agents:
            agent.begin()
        killed: Counter[str] = Counter()
        for number, part in zip(range(1, kills + 1), cycle(parts), strict=False):
            self._wait_for(self._load.messages * number // (kills + 2), begun + within)
            part.kill()
            killed[part.name] += 1
            time.sleep(self._chance.uniform(0.0, 1.0))  # how long it stays dead
            part.start()
        for agent in self.agents:
            assert agent.wait(max(1.0, begun + within - time.monotonic())) == 0, agent.tail()
        seconds = time.monotonic() - begun
        figures = Figures(broker, self._load.messages, dict(killed), seconds=round(seconds, 1))
        figures.messages_per_second = round(self._load.messages / seconds, 1)
        self._count(figures)
        return figures

    def _wait_for(self, messages: int, deadline: float) -> None:
        """Wait until so many messages are committed: kills hit a system that is at work."""
        last, changed = -1, time.monotonic()
        for _ in until(max(1.0, deadline - time.monotonic())):
            found = self._committed()
            if found >= messages:
                return
            if found > last:
                last, changed = found, time.monotonic()
            assert time.monotonic() - changed < _STALLED_AFTER_S, (
                f"stuck at {found} messages:\n{self._tails()}"
            )
            time.sleep(_LOOK_EVERY_S)
        raise AssertionError(f"{last} of {messages} messages in time:\n{self._tails()}")

    def _committed(self) -> int:
        # From the receipts' own record: counting the messages themselves would be load of its own.
        query = "SELECT coalesce(sum(upper(r) - lower(r)), 0) FROM stream, unnest(received) r"
        try:
            with psycopg.connect(self._system.database, connect_timeout=5) as conn:
                row = conn.execute(query).fetchone()
        except psycopg.OperationalError:
            return -1
        return int(row[0]) if row else 0

    def _tails(self) -> str:
        return "\n".join(f"{agent.name}: {agent.tail()[-600:]}" for agent in self.agents)

    def _count(self, figures: Figures) -> None:
        for device, found in self._numbers():
            wanted = set(range(self._load.messages_each))
            assert set(found) <= wanted, f"{device} has numbers that nobody sent"
            figures.lost += len(wanted - set(found))
            figures.doubled += len(found) - len(set(found))
        account = self._system.audit()
        # The table's key would hide a reading that two messages brought; the ledger says what they brought.
        with psycopg.connect(self._system.database) as conn:
            row = conn.execute("SELECT count(*) FROM reading").fetchone()
        figures.doubled += total(account, "readings") - (int(row[0]) if row else 0)
        figures.missing = account["missing"]
        figures.rejected = total(account, "rejected")
        figures.duplicates_absorbed = total(account, "duplicated")
        figures.clean = account["clean"]

    def _numbers(self) -> Iterator[tuple[str, list[int]]]:
        """Yield each device with the numbers in the database; a number at a wrong time is none."""
        query = """SELECT r.value::bigint FROM reading r JOIN series s ON s.id = r.series_id
                   WHERE s.device_id = %s AND r.time = %s + r.value * interval '1 second'"""
        with psycopg.connect(self._system.database) as conn:
            for agent in self.agents:
                yield agent.name, [number for (number,) in conn.execute(query, [agent.name, START])]
