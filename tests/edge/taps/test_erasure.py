"""An erasure reaches the files of a device: no byte of the person is left, and the hole is declared."""

import sqlite3
from pathlib import Path

import pytest

from edge.agent_builders import ManualClock, receipt, stamp, telemetry
from edge.taps.sample_badges import BADGE, OTHER, bytes_below, forget, roster, sealed
from hubwell_edge.outbox.file import OutboxUnavailableError
from hubwell_edge.outbox.message import DraftMessage, draft_event
from hubwell_edge.outbox.store import Outbox
from hubwell_edge.outbox.thread import OutboxThread
from hubwell_edge.taps.commands import CommandDispatcher
from hubwell_edge.taps.tombstones import match_tombstones
from hubwell_wire.commands import Answer
from hubwell_wire.messages import Gap, TapData
from hubwell_wire.parse import parse


def tap(badge: str, was: str | None = None) -> DraftMessage:
    return draft_event(TapData(reader="door", badge=badge, epoch=1, was=was), stamp())


def gaps(box: Outbox) -> list[Gap]:
    rows = box.unsent(1000)
    messages = [parse(f"hub/v1/hub/room-1/{row.channel}", row.payload()).message for row in rows]
    return [message for message in messages if isinstance(message, Gap)]


def test_graves_mean_only_their_own_badge() -> None:
    assert match_tombstones({BADGE, OTHER}, forget(BADGE).badges) == {BADGE}
    assert match_tombstones({OTHER}, forget(BADGE).badges) == set()
    assert match_tombstones({BADGE, OTHER}, forget(OTHER, "ab" * 16, BADGE).badges) == {BADGE, OTHER}


def test_taps_of_a_badge_are_gone_from_the_files_and_declared_as_erased(tmp_path: Path) -> None:
    box = Outbox(tmp_path, kernel_boot="k1")
    for draft in (tap(OTHER), tap(BADGE), tap(BADGE), telemetry(), tap(OTHER, was=BADGE), tap(OTHER)):
        box.put([draft])
    assert box.badges() == {BADGE, OTHER}
    assert BADGE.encode() in bytes_below(tmp_path)
    assert box.erase({BADGE}) == 3
    assert BADGE.encode() not in bytes_below(tmp_path)
    assert (box.pending, box.last_seq, box.badges()) == (3, 6, {OTHER})
    assert box.declare(stamp()) == 2
    declared = [(gap.data.cause, gap.data.count, gap.data.first, gap.data.last) for gap in gaps(box)]
    assert declared == [("erased", 2, 2, 3), ("erased", 1, 5, 5)]
    assert sorted(row.seq for row in box.unsent(100)) == [1, 4, 6, 7, 8]
    box.close()
    assert BADGE.encode() not in bytes_below(tmp_path)


def test_taps_that_were_delivered_long_ago_leave_no_byte_either(tmp_path: Path) -> None:
    box = Outbox(tmp_path, kernel_boot="k1")
    for _ in range(300):
        box.put([tap(BADGE), telemetry()])
    box.apply(receipt(box.boot, 600))
    assert box.erase({BADGE}) == 0
    assert BADGE.encode() not in bytes_below(tmp_path)
    box.close()


def test_hole_is_declared_also_when_the_device_was_restarted_in_between(tmp_path: Path) -> None:
    box = Outbox(tmp_path, kernel_boot="k1")
    box.put([tap(BADGE), telemetry()])
    box.erase({BADGE})
    box.close()
    box = Outbox(tmp_path, kernel_boot="k2")
    assert box.declare(stamp()) == 1
    assert [(gap.data.cause, gap.data.first) for gap in gaps(box)] == [("erased", 1)]
    box.close()


def test_erased_number_that_the_server_has_is_no_hole(tmp_path: Path) -> None:
    box = Outbox(tmp_path, kernel_boot="k1")
    box.put([tap(BADGE), telemetry()])
    box.erase({BADGE})
    box.apply(receipt(box.boot, 1))
    assert box.declare(stamp()) == 0
    box.close()


def test_holes_of_different_causes_are_not_put_together(tmp_path: Path) -> None:
    box = Outbox(tmp_path, cap_bytes=4000, kernel_boot="k1")
    box.put([telemetry()])
    box.put([tap(BADGE)])
    for _ in range(40):
        box.put([telemetry()])
    box.erase({BADGE})
    box.declare(stamp())
    first, second, *_ = gaps(box)
    assert (first.data.cause, first.data.last) == ("outbox-full", 1)
    assert (second.data.cause, second.data.first, second.data.last) == ("erased", 2, 2)
    box.close()


def test_tap_that_waits_in_memory_for_the_disk_is_erased_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = Outbox(tmp_path, kernel_boot="k1")

    def refuse(*_: object, **__: object) -> None:
        raise OutboxUnavailableError("no space")

    with monkeypatch.context() as broken:
        broken.setattr(box._file, "write", refuse)
        assert box.put_event(tap(BADGE)) is None
    box.erase({BADGE})
    box._retry_at = 0
    assert box.put_event(tap(OTHER)) == (box.boot, 1)
    assert box.badges() == {OTHER}
    box.close()


def test_file_that_was_set_aside_as_corrupt_goes_with_an_erasure(tmp_path: Path) -> None:
    box = Outbox(tmp_path, kernel_boot="k1")
    box.put([tap(BADGE)])
    box.close()
    (tmp_path / "outbox.db").rename(tmp_path / "outbox-corrupt-1.db")
    box = Outbox(tmp_path, kernel_boot="k1")
    box.put([tap(OTHER)])
    box.erase({OTHER})
    assert not list(tmp_path.glob("outbox-corrupt*"))
    assert BADGE.encode() not in bytes_below(tmp_path)
    box.close()


def test_outbox_of_release_0_1_is_taken_over(tmp_path: Path) -> None:
    box = Outbox(tmp_path, cap_bytes=4000, kernel_boot="k1")
    for _ in range(40):
        box.put([telemetry()])
    box.close()
    db = sqlite3.connect(tmp_path / "outbox.db")
    db.execute("ALTER TABLE dropped DROP COLUMN cause")
    db.commit()
    db.close()
    box = Outbox(tmp_path, cap_bytes=4000, kernel_boot="k1")
    assert box.declare(stamp()) == 1
    assert gaps(box)[0].data.cause == "outbox-full"
    box.close()


async def test_device_without_readers_forgets_too(tmp_path: Path) -> None:
    outbox = OutboxThread(Outbox(tmp_path, kernel_boot="k1"))
    await outbox.put([tap(BADGE), tap(OTHER)], {})
    await CommandDispatcher(outbox, None, ManualClock(stamp())).handle(forget(BADGE))
    assert BADGE.encode() not in bytes_below(tmp_path)
    assert outbox.outbox.badges() == {OTHER}
    await outbox.close()


async def test_device_without_readers_takes_no_notice_of_answers_and_lists(tmp_path: Path) -> None:
    outbox = OutboxThread(Outbox(tmp_path, kernel_boot="k1"))
    orders = CommandDispatcher(outbox, None, ManualClock(stamp()))
    answer = Answer(v=1, type="answer", boot=outbox.outbox.boot, seq=1, verdict="in")
    before = bytes_below(tmp_path)
    assert not await orders.handle(answer)
    assert not await orders.handle(sealed(roster()))
    assert orders.roster_at is None
    assert bytes_below(tmp_path) == before
    await outbox.close()
