"""One folder, several devices in turn: each has its own numbers, and what waits is kept for its device."""

import logging
from pathlib import Path

import pytest

from edge.agent_builders import tap, telemetry
from hubwell_edge.outbox.store import Outbox


def opened(folder: Path, device: str) -> Outbox:
    return Outbox(folder, kernel_boot="k1", device=device)


def test_another_device_begins_a_numbering_of_its_own(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    room = opened(tmp_path, "room-1")
    room.put([telemetry(), tap()])
    boot = room.boot
    room.close()

    with caplog.at_level(logging.WARNING):
        door = opened(tmp_path, "door-1")
    assert (door.last_seq, door.pending) == (0, 0)
    assert door.boot != boot
    assert "used by the device room-1" in caplog.text
    door.put([tap()])
    door.close()

    room = opened(tmp_path, "room-1")
    assert (room.boot, room.last_seq, room.pending) == (boot, 2, 2)
    room.close()
    door = opened(tmp_path, "door-1")
    assert (door.last_seq, door.pending) == (1, 1)
    door.close()


def test_outbox_of_an_earlier_release_is_taken_over(tmp_path: Path) -> None:
    earlier = Outbox(tmp_path, kernel_boot="k1")
    earlier.put([telemetry()])
    boot = earlier.boot
    earlier.close()
    box = opened(tmp_path, "room-1")
    assert (box.boot, box.pending) == (boot, 1)
    box.close()


def test_interrupted_change_of_the_device_mixes_nothing_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = opened(tmp_path, "room-1")
    room.put([telemetry()])
    room.close()
    rename = Path.rename

    def cut(source: Path, target: Path) -> Path:
        rename(source, target)
        raise OSError(5, "power cut")

    monkeypatch.setattr(Path, "rename", cut)
    with pytest.raises(Exception, match="power cut"):
        opened(tmp_path, "door-1")
    monkeypatch.undo()
    door = opened(tmp_path, "door-1")
    assert door.pending == 0
    door.close()
    room = opened(tmp_path, "room-1")
    assert room.pending == 1
    room.close()


def test_erasure_reaches_the_files_of_other_devices(tmp_path: Path) -> None:
    room = opened(tmp_path, "room-1")
    room.put([tap()])
    room.close()
    door = opened(tmp_path, "door-1")
    door.erase({"00" * 16})
    assert list(tmp_path.glob("outbox-of-*")) == []
    door.close()
