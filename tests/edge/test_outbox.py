import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from edge.agent_builders import NOON, receipt, seqs, stamp, tap, telemetry
from hubwell_edge.outbox.file import OutboxError, OutboxUnavailableError
from hubwell_edge.outbox.message import Kind
from hubwell_edge.outbox.store import UNWRITTEN_BYTES, Outbox
from hubwell_wire.messages import Gap, Telemetry
from hubwell_wire.parse import parse
from lanes.small_disk import mounted_disk


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    box = Outbox(tmp_path, kernel_boot="k1")
    yield box
    box.close()


def _message(row: object) -> object:
    return parse(f"hub/v1/hub/room-1/{row.channel}", row.payload()).message  # type: ignore[attr-defined] # a StoredMessage


def test_put_numbers_without_holes_and_keeps_values_exact(outbox: Outbox) -> None:
    values = [0.1 + 0.2, 1e-300, 27.272, 1 / 3, -0.0]
    outbox.put([telemetry(value, stamp(NOON + i)) for i, value in enumerate(values)])
    outbox.put([tap()])
    messages = [_message(row) for row in outbox.unsent(10)]
    assert seqs(outbox) == [1, 2, 3, 4, 5, 6]
    assert [m.r[0].v for m in messages if isinstance(m, Telemetry)] == values
    assert messages[1].ts.isoformat() == "2026-11-22T12:00:00.001000+00:00"  # type: ignore[attr-defined] # telemetry
    assert (outbox.last_seq, outbox.pending) == (6, 6)


def test_message_id_stays_the_same_when_sent_again(outbox: Outbox) -> None:
    outbox.put([telemetry()])
    (first,), (again,) = outbox.unsent(1), outbox.unsent(1)
    assert first.id == again.id
    assert first.payload() == again.payload()


def test_reopen_keeps_boot_numbers_rows_and_cursors(tmp_path: Path) -> None:
    box = Outbox(tmp_path, kernel_boot="k1")
    box.put([telemetry(), tap()], {"replay": "7"})
    boot = box.boot
    box.close()
    box = Outbox(tmp_path, kernel_boot="k1")
    assert (box.boot, box.last_seq, box.pending, box.cursor("replay")) == (boot, 2, 2, "7")
    assert box.cursor("other") is None
    box.close()


def test_new_kernel_boot_begins_a_new_numbering_and_keeps_the_old_rows(tmp_path: Path) -> None:
    box = Outbox(tmp_path, kernel_boot="k1")
    box.put([telemetry(1), telemetry(2)])
    old = box.boot
    box.close()
    box = Outbox(tmp_path, kernel_boot="k2")
    box.put([telemetry(3)])
    assert box.boot != old
    assert [(row.boot, row.seq) for row in box.unsent(9)] == [(old, 1), (old, 2), (box.boot, 1)]
    assert box.apply(receipt(old, 2)) == 2
    assert [row.boot for row in box.unsent(9)] == [box.boot]
    box.close()


def test_receipt_deletes_what_it_covers_and_nothing_else(outbox: Outbox) -> None:
    outbox.put([telemetry() for _ in range(10)])
    assert outbox.apply(receipt(outbox.boot, 3, (5, 6), (9, 20))) == 7
    assert seqs(outbox) == [4, 7, 8]
    assert outbox.apply(receipt(outbox.boot, 3, (5, 6))) == 0
    assert outbox.apply(receipt(UUID(int=1), 99)) == 0
    assert (outbox.pending, outbox.last_seq) == (3, 10)


def test_sent_rows_are_left_out(outbox: Outbox) -> None:
    outbox.put([telemetry() for _ in range(6)])
    sent = [row.key for row in outbox.unsent(2)]
    assert [row.seq for row in outbox.unsent(2, sent=sent)] == [3, 4]


def test_full_drops_oldest_telemetry_never_events_and_declares_exactly_that(tmp_path: Path) -> None:
    box = Outbox(tmp_path, cap_bytes=4000, kernel_boot="k1")
    box.put([telemetry(), telemetry(), tap()])
    for i in range(40):
        box.put([telemetry(i)])
    assert box.size <= 4000
    assert 3 in seqs(box)
    dropped = set(range(1, 44)) - set(seqs(box))
    assert dropped
    assert box.declare(stamp()) == 2  # the tap stands between the two ranges
    gaps = [m for row in box.unsent(2) if isinstance(m := _message(row), Gap)]
    declared = {seq for gap in gaps for seq in range(gap.data.first or 0, (gap.data.last or 0) + 1)}
    assert declared == dropped
    assert {gap.data.cause for gap in gaps} == {"outbox-full"}
    assert [gap.seq for gap in gaps] == [44, 45]
    assert box.declare(stamp()) == 0
    box.close()


def test_dropped_numbers_of_an_earlier_boot_are_declared_in_its_own_numbering(tmp_path: Path) -> None:
    box = Outbox(tmp_path, cap_bytes=2000, kernel_boot="k1")
    box.put([telemetry() for _ in range(10)])
    old = box.boot
    box.close()
    box = Outbox(tmp_path, cap_bytes=2000, kernel_boot="k2")
    box.put([telemetry() for _ in range(4)])
    box.declare(stamp())
    first = box.unsent(1)[0]
    assert (first.boot, first.seq, first.kind) == (old, 11, Kind.GAP)
    assert box.last_seq == 4
    box.close()


def test_dropped_rows_that_the_server_has_after_all_are_not_declared(tmp_path: Path) -> None:
    box = Outbox(tmp_path, cap_bytes=2000, kernel_boot="k1")
    box.put([telemetry() for _ in range(30)])
    box.apply(receipt(box.boot, 25))
    assert box.declare(stamp()) == 0
    box.close()


def test_clock_becoming_right_corrects_rows_of_this_boot_only(tmp_path: Path) -> None:
    box = Outbox(tmp_path, kernel_boot="k1")
    box.put([telemetry(1, stamp(wall_ms=1000, mono_ms=500, synced=False))])
    box.close()
    box = Outbox(tmp_path, kernel_boot="k2")
    early, right = stamp(wall_ms=0, mono_ms=100, synced=False), stamp(wall_ms=NOON, mono_ms=160)
    box.put([telemetry(2, early), tap(early), telemetry(3, right)])
    assert box.restamp(stamp(wall_ms=NOON + 1000, mono_ms=1100)) == 2
    rows = box.unsent(9)
    assert [row.stamp.synced for row in rows] == [False, True, True, True]
    assert [row.stamp.wall_ms for row in rows] == [1000, NOON, NOON, NOON]
    box.close()


def test_unsynced_clock_cannot_correct(outbox: Outbox) -> None:
    with pytest.raises(ValueError, match="not synchronised"):
        outbox.restamp(stamp(synced=False))


def test_unsynced_rows_of_this_boot_are_held_back_for_a_while(outbox: Outbox) -> None:
    outbox.put(
        [telemetry(1, stamp(mono_ms=1000, synced=False)), telemetry(2, stamp(mono_ms=5000, synced=False))]
    )
    outbox.put([telemetry(3, stamp(mono_ms=5000))])
    assert [row.seq for row in outbox.unsent(9, hold_from_ms=2000)] == [1, 3]
    assert [row.seq for row in outbox.unsent(9, hold_from_ms=0)] == [3]


@pytest.mark.usefixtures("usual_mask")
def test_files_are_for_their_user_only_also_those_of_an_earlier_release(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "outbox"
    first = Outbox(folder, kernel_boot="k1")
    first.put([tap()])
    open_to_all = {path for path in (folder, *folder.iterdir()) if path.stat().st_mode & 0o077}
    assert not open_to_all
    assert {"outbox.db", "outbox.db-wal"} <= {path.name for path in folder.iterdir()}
    shutil.copytree(folder, tmp_path / "old")  # as a crash left it
    first.close()
    for path in (tmp_path / "old").iterdir():
        path.chmod(0o644)
    again = Outbox(tmp_path / "old", kernel_boot="k1")
    assert again.pending == 1
    assert not [path for path in (tmp_path / "old").glob("outbox.db*") if path.stat().st_mode & 0o077]
    again.close()


@pytest.fixture
def usual_mask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_second_agent_on_the_same_outbox_is_refused(outbox: Outbox, tmp_path: Path) -> None:
    outbox.put([telemetry()])
    with pytest.raises(OutboxError, match=r"another agent \(process \d+\) already uses the outbox"):
        Outbox(tmp_path)


def test_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutboxError, match=r"cannot write to the outbox folder .*; give"):
        Outbox(tmp_path / "file" / "below")


def test_corrupt_file_is_set_aside_at_the_start(tmp_path: Path) -> None:
    box = Outbox(tmp_path, kernel_boot="k1")
    box.put([telemetry() for _ in range(200)])
    old = box.boot
    box.close()
    path = tmp_path / "outbox.db"
    path.write_bytes(b"SQLite format 3\0" + b"no such thing" * 2000)
    box = Outbox(tmp_path, kernel_boot="k1")
    fault = box.take_fault()
    assert fault is not None
    assert "corrupt" in fault.detail
    assert box.take_fault() is None
    assert (box.boot == old, box.last_seq) == (False, 0)
    assert len(list(tmp_path.glob("outbox-corrupt-*.db"))) == 1
    box.put([tap()])
    assert seqs(box) == [1]
    box.close()


def test_file_that_breaks_while_in_use_is_replaced_and_nothing_new_is_lost(tmp_path: Path) -> None:
    box = Outbox(tmp_path, kernel_boot="k1")
    box.put([telemetry() for _ in range(500)])
    box._file._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    box._file._db.execute("PRAGMA cache_size = 0")
    content = bytearray((tmp_path / "outbox.db").read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    with (tmp_path / "outbox.db").open("r+b") as file:
        file.write(content)
    old = box.boot
    assert box.put([tap()])
    assert box.boot != old
    assert seqs(box) == [1]
    assert box.take_fault() is not None
    box.close()


def _fill(outbox: Outbox, most_pages: int) -> None:
    outbox._file._db.execute(f"PRAGMA max_page_count = {most_pages}")


def test_full_disk_keeps_messages_in_memory_until_it_is_back(outbox: Outbox) -> None:
    outbox.put([telemetry()])
    _fill(outbox, 1)
    results = [outbox.put([telemetry(i) for _ in range(20)], {"replay": str(i)}) for i in range(30)]
    assert not results[-1]
    stored = outbox.pending
    assert stored + outbox.unwritten == 1 + 30 * 20
    assert outbox.crowded(10**6)
    _fill(outbox, 10**6)
    assert outbox.flush()
    assert seqs(outbox) == list(range(1, 602))
    assert outbox.cursor("replay") == "29"


def test_memory_overflow_is_counted_and_declared_when_the_disk_is_back(outbox: Outbox) -> None:
    _fill(outbox, 1)
    big = [telemetry() for _ in range(1000)]
    given = 0
    while given < 2 * UNWRITTEN_BYTES:
        outbox.put([*big, tap()])
        given += sum(draft.size for draft in big)
    _fill(outbox, 10**6)
    before = outbox.unwritten
    assert outbox.flush()
    gap = _message(outbox.unsent(1)[0])
    assert isinstance(gap, Gap)
    assert (gap.data.cause, gap.data.first) == ("disk-full", None)
    rows = outbox.unsent(10**6)
    rounds = -(-2 * UNWRITTEN_BYTES // sum(draft.size for draft in big))
    assert len(rows) == before + 1
    assert gap.data.count == rounds * 1001 - before
    assert sum(row.kind == Kind.EVENT for row in rows) == rounds


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with mounted_disk(tmp_path / "disk", "400k") as folder:
        yield folder


def test_really_full_disk_still_takes_receipts_and_goes_on(small_disk: Path) -> None:
    box = Outbox(small_disk, kernel_boot="k1", cap_bytes=800_000)
    given = 0
    while box.put([telemetry(given + i) for i in range(10)]):
        given += 10
    given += 10
    assert given > 100
    stored = box.last_seq
    assert stored == given - 10
    assert box.apply(receipt(box.boot, stored)) == stored
    assert box.flush()
    assert seqs(box) == list(range(stored + 1, given + 1))
    box.close()


def test_disk_error_on_a_receipt_is_reported_and_changes_nothing(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox.put([telemetry()])

    def refuse(*_: object, **__: object) -> None:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(outbox._file, "_transaction", refuse)
        with pytest.raises(OutboxUnavailableError):
            outbox.apply(receipt(outbox.boot, 1))
    assert outbox.pending == 1
    assert seqs(outbox) == [1]


def test_taps_of_just_now_go_before_what_waits_longer(tmp_path: Path) -> None:
    box = Outbox(tmp_path, kernel_boot="k1")
    box.put([telemetry(), tap(stamp(mono_ms=1000))])
    box.put([telemetry(), tap(stamp(mono_ms=5000)), tap(stamp(mono_ms=5001, synced=False))])
    keys = [row.seq for row in box.unsent(100, recent_from_ms=5000)]
    assert keys == [4, 1, 2, 3, 5]
    sent = {row.key for row in box.unsent(1, recent_from_ms=5000)}
    assert [row.seq for row in box.unsent(2, sent=sent, recent_from_ms=5000)] == [1, 2]
    box.close()


def test_many_taps_of_just_now_do_not_keep_older_rows_from_going(tmp_path: Path) -> None:
    # A receipt names at most a hundred ranges: a window full of taps that none names would never empty.
    box = Outbox(tmp_path, kernel_boot="k1")
    for n in range(80):
        box.put([telemetry(), tap(stamp(mono_ms=5000 + n))])
    first = [row.seq for row in box.unsent(60, recent_from_ms=5000)]
    assert first == [*range(2, 102, 2), *range(1, 21, 2)]
    box.close()
