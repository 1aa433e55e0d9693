"""Writes small private files as a whole, and overwrites the content that they replace."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from hubwell_edge.outbox.file import overwrite

_ONLY_OWNER: Final = 0o600


def replace_file(path: Path, content: bytes) -> None:
    """Write a file atomically, readable by its owner only, and overwrite the previous content with zeros.

    Raises OSError; the previous file is then unchanged.
    """
    unfinished = path.with_name(path.name + ".new")
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _ONLY_OWNER)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    # A hard link keeps the old content reachable, to be overwritten after the new file has replaced it.
    old = path.with_name(path.name + ".old")
    old.unlink(missing_ok=True)
    with suppress(OSError):  # no old file, or a file system without hard links
        old.hardlink_to(path)
    unfinished.replace(path)
    remove_file(old)


def remove_file(path: Path) -> None:
    """Overwrite a file with zeros and delete it, if it exists."""
    if path.exists():
        overwrite(path)
        path.unlink()
