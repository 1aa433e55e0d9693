"""Small private files that are replaced as a whole, so that nothing of the old content stays readable."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from hubwell_edge.outbox.file import overwrite

_ONLY_OWNER: Final = 0o600


def replace_file(path: Path, content: bytes) -> None:
    """Write a file for its owner only, whole or not at all, and blank what stood there before.

    Raises OSError; the old file is still there then.
    """
    unfinished = path.with_name(path.name + ".new")
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _ONLY_OWNER)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    # A second name keeps the old content in reach until the new one is in its place.
    old = path.with_name(path.name + ".old")
    old.unlink(missing_ok=True)
    with suppress(OSError):  # no old file, or a file system without second names
        old.hardlink_to(path)
    unfinished.replace(path)
    remove_file(old)


def remove_file(path: Path) -> None:
    """Blank and delete a file, if it is there."""
    if path.exists():
        overwrite(path)
        path.unlink()
