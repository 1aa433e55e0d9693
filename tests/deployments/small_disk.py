"""A disk of its own for a volume, small enough to be filled."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """Give the block device of an empty ext4 file system; the image is in `folder`."""
    image = folder / "disk"
    with image.open("wb") as file:
        os.truncate(file.fileno(), megabytes << 20)
    _run("mkfs.ext4", "-q", "-m", "0", str(image))
    # A cluster is made in an empty folder only.
    _run("debugfs", "-w", "-R", "rmdir lost+found", str(image))
    device = _run("losetup", "--find", "--show", str(image)).strip()
    try:
        yield Path(device)
    finally:
        _run("losetup", "--detach", device)
        image.unlink()


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
