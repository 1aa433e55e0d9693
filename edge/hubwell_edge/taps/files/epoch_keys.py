"""The epoch keys of this device: files `epoch-N.key` with 64 hex digits, as the hub writes them.

They are in a folder of their own or are systemd credentials, which may put a prefix before the name.
"""

import re
from pathlib import Path
from typing import Final

from hubwell_wire.pseudonym import KEY_BYTES, EpochKey

_EPOCH: Final = re.compile(r"^(?:.*_)?epoch-(\d{1,9})\.key$")


class KeysError(Exception):
    """There is no usable key; the sentence names the file and the remedy, and never contains a key."""


class KeyFolder:
    """Epoch keys in a folder, read again when a file changes, so that a new epoch needs no restart."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._read_state: tuple[tuple[str, int], ...] | None = None
        self._epochs: tuple[EpochKey, ...] = ()

    def epochs(self) -> tuple[EpochKey, ...]:
        """Return the keys, the newest epoch first, at least one. Raises KeysError."""
        files = self._files()
        if not files:
            where = self._folder or "the device file: set badges.keys_dir, or give systemd credentials"
            raise KeysError(
                f"there is no key for badges in {where}; copy the hub's newest epoch-N.key there, "
                "because without it badges cannot be distinguished"
            )
        state = tuple(sorted((path.name, path.stat().st_mtime_ns) for path in files.values()))
        if state != self._read_state:
            self._epochs = tuple(EpochKey(n, _read(files[n])) for n in sorted(files, reverse=True))
            self._read_state = state
        return self._epochs

    def _files(self) -> dict[int, Path]:
        if self._folder is None:
            return {}
        try:
            files = list(self._folder.iterdir())
        except OSError as error:
            raise KeysError(
                f"cannot read the folder of keys {self._folder}: {error.strerror}; make it readable for the "
                "agent's user only"
            ) from error
        return {int(match[1]): path for path in files if (match := _EPOCH.match(path.name))}


def _read(path: Path) -> bytes:
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except OSError as error:
        raise KeysError(
            f"cannot read the key {path}: {error.strerror}; make it readable for the agent's user"
        ) from error
    except ValueError:
        raise KeysError(
            f"{path} is not a key: a key has {2 * KEY_BYTES} hex digits; copy it from the hub again"
        ) from None
    if len(key) != KEY_BYTES:
        raise KeysError(f"{path} has {len(key)} bytes and needs {KEY_BYTES}; copy it from the hub again")
    return key
