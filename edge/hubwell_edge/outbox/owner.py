"""Whose outbox a folder holds: each device has its own numbers, also where one folder serves several in turn.

What waits under one device's name cannot be sent under another's, and a numbering that went on under another
name would look like lost messages. The file of the earlier device is kept under its name.
"""

import logging
from pathlib import Path
from typing import Final

_LOG: Final = logging.getLogger(__name__)
_PARTS: Final = ("", "-wal", "-shm")


def hand_over(outbox: Path, device: str) -> None:
    """Make `outbox`, which nothing has open, the file of `device`; keep and bring back those of others.

    Raises OSError when the folder cannot be written.
    """
    note = outbox.with_name("outbox.device")
    before = note.read_text().strip() if note.exists() else ""
    if before == device:
        return
    if before and outbox.exists():
        kept = _file_of(outbox, before)
        _rename(outbox, kept)
        _LOG.warning(
            "this outbox was used by the device %s: what it has not sent yet waits in %s until a device of "
            "that name runs here again",
            before,
            kept.name,
            extra={"action": "outbox-handed-over"},
        )
    # Before this device's file comes back: interrupted here, the next start must not take it for another's.
    note.write_text(device + "\n")
    if before and not outbox.exists():
        _rename(_file_of(outbox, device), outbox)


def _file_of(outbox: Path, device: str) -> Path:
    return outbox.with_name(f"outbox-of-{device}.db")


def _rename(source: Path, target: Path) -> None:
    for part in _PARTS:
        file = source.with_name(source.name + part)
        if file.exists():
            file.rename(target.with_name(target.name + part))
