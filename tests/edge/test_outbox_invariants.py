"""Whatever happens to the outbox in whatever order: no undeclared hole, nothing deleted without a receipt."""

import shutil
from pathlib import Path
from tempfile import mkdtemp
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edge.agent_builders import receipt, stamp, tap, telemetry
from hubwell_edge.outbox.message import Kind
from hubwell_edge.outbox.store import Outbox
from hubwell_wire.messages import Gap
from hubwell_wire.parse import parse

CAP = 3000


class OutboxMachine(RuleBasedStateMachine):
    """`given` is what was put, `safe` what receipts covered; the rest must be there or declared."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(mkdtemp(prefix="hubwell-test-"))
        self.kernel = 1
        self.full = False
        self.safe: set[tuple[UUID, int]] = set()
        self.events: set[tuple[UUID, int]] = set()
        self.last: dict[UUID, int] = {}
        self.declared: set[tuple[UUID, int]] = set()
        self.values = 0
        self.box = self._open()

    def _open(self) -> Outbox:
        return Outbox(self.folder, cap_bytes=CAP, kernel_boot=str(self.kernel))

    @rule(count=st.integers(1, 6), events=st.integers(0, 2))
    def put(self, count: int, events: int) -> None:
        self.values += count
        drafts = [telemetry() for _ in range(count)] + [tap() for _ in range(events)]
        self.box.put(drafts, {"s": str(self.values)})

    @rule(upto=st.integers(0, 30), start=st.integers(1, 30), length=st.integers(0, 5), old=st.booleans())
    def receive(self, upto: int, start: int, length: int, *, old: bool) -> None:
        """A receipt of the server, which can only cover what it could have got."""
        boot = next(iter(self.last)) if old and self.last else self.box.boot
        last = self.last.get(boot, 0)
        upto, first, end = min(upto, last), min(start, last), min(start + length, last)
        ranges = ((first, end),) if last else ()
        before = {(row.boot, row.seq) for row in self.box.unsent(10**6)}
        self.box.apply(receipt(boot, upto, *ranges))
        covered = {(boot, seq) for seq in [*range(1, upto + 1), *range(first, end + 1)]}
        after = {(row.boot, row.seq) for row in self.box.unsent(10**6)}
        assert before - after == before & covered
        self.safe |= covered

    @rule()
    def declare(self) -> None:
        self.box.declare(stamp())

    @rule()
    def restart(self) -> None:
        if self.full:
            self.free()
        self.box.close()
        self.box = self._open()

    @rule()
    def reboot(self) -> None:
        self.kernel += 1
        self.restart()

    @precondition(lambda self: not self.full)
    @rule()
    def fill_disk(self) -> None:
        self.box._file._db.execute("PRAGMA max_page_count = 1")
        self.full = True

    @precondition(lambda self: self.full)
    @rule()
    def free(self) -> None:
        self.box._file._db.execute("PRAGMA max_page_count = 1000000")
        self.full = False
        assert self.box.flush()

    @invariant()
    def books_balance(self) -> None:
        rows = self.box.unsent(10**6)
        assert len(rows) == self.box.pending
        there = {(row.boot, row.seq) for row in rows}
        self.last[self.box.boot] = self.box.last_seq
        for row in rows:
            self.last[row.boot] = max(self.last.get(row.boot, 0), row.seq)
            if row.kind != Kind.TELEMETRY:
                self.events.add((row.boot, row.seq))
            self._note_gap(parse(f"hub/v1/s/d/{row.channel}", row.payload()).message)
        undeclared = self._dropped()
        for boot, last in self.last.items():
            for seq in range(1, last + 1):
                one = (boot, seq)
                assert one in there or one in self.safe or one in self.declared or one in undeclared
        assert self.events <= there | self.safe
        if not self.full:
            assert self.box.cursor("s") in {None, str(self.values)}

    def _note_gap(self, message: object) -> None:
        if isinstance(message, Gap) and message.data.first is not None and message.data.last is not None:
            self.declared |= {(message.boot, n) for n in range(message.data.first, message.data.last + 1)}

    def _dropped(self) -> set[tuple[UUID, int]]:
        names = {n: boot for boot, n in self.box._boots.items()}
        return {
            (names[key >> 40], key & (2**40 - 1))
            for first, last in self.box._read("SELECT first, last FROM dropped")
            for key in range(first, last + 1)
        }

    def teardown(self) -> None:
        if self.full:
            self.free()
        self.box.close()
        shutil.rmtree(self.folder)


OutboxMachine.TestCase.settings = settings(
    max_examples=20,
    stateful_step_count=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
TestOutboxInvariants = OutboxMachine.TestCase
