"""The hub's secrets: a folder of small files, stored apart from the data and never in a backup.

One file per key: `epoch-N.key` makes the pseudonyms of badges (readers hold copies), `roster.key` signs the
lists that readers keep and the orders to devices, `muster.pub` seals musters, `sun.key` reads NTAG 424 DNA
cards, `setup.hash` is of the code for the first account. Destroying an epoch's file makes everything of that
epoch anonymous for good.
"""

import os
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from nacl.signing import SigningKey

from hubwell.errors import N_, DomainError, ErrorKind
from hubwell_wire.pseudonym import KEY_BYTES, EpochKey

_EPOCH: Final = re.compile(r"^epoch-(\d{1,9})\.key$")
_ROSTER: Final = "roster.key"
_SUN: Final = "sun.key"
_MUSTER: Final = "muster.pub"
_SETUP: Final = "setup.hash"
_SUN_BYTES: Final = 16
_CARD_KEY: Final = re.compile(rf"[0-9a-fA-F]{{{2 * _SUN_BYTES}}}")
_ONLY_OWNER: Final = 0o600


EPOCH_UNKNOWN: Final = ErrorKind(
    "key-epoch-unknown",
    N_("There is no key of epoch {epoch}. Choose one that `hubwell keys list` shows."),
    "epoch",
    404,
)
EPOCH_IN_USE: Final = ErrorKind(
    "key-epoch-in-use",
    N_("Epoch {epoch} is in use. Begin the next one first with `hubwell keys rotate`."),
    "epoch",
    409,
)
CARD_KEY_MALFORMED: Final = ErrorKind(
    "card-key-malformed", N_("A key of NTAG 424 DNA cards has {digits} hexadecimal digits."), "key"
)
KEY_UNREADABLE: Final = ErrorKind(
    "key-unreadable", N_("The key {file} cannot be read: {reason}."), status=500
)
KEY_MALFORMED: Final = ErrorKind(
    "key-malformed", N_("{file} is not a key: it has to hold {digits} hexadecimal digits."), status=500
)
KEYS_NOT_WRITTEN: Final = ErrorKind(
    "keys-not-written", N_("The keys cannot be written to {folder}: {reason}."), "folder", 500
)
KEYS_PLACE_UNSET: Final = ErrorKind(
    "keys-place-unset",
    N_(
        "This command would make a second set of keys in {folder}: set HUBWELL_KEYS_DIR to the folder of "
        "the hub's keys."
    ),
    "folder",
    500,
)


@dataclass(frozen=True, slots=True)
class Keys:
    """The folder of keys. Files are read when asked for, so that a change needs no restart."""

    folder: Path

    def epochs(self) -> list[EpochKey]:
        """Return the keys that make pseudonyms, the newest epoch first. Raises DomainError."""
        if not self.folder.is_dir():
            return []
        files = [
            (int(match[1]), path) for path in self.folder.iterdir() if (match := _EPOCH.match(path.name))
        ]
        return [EpochKey(number, _read(path, KEY_BYTES)) for number, path in sorted(files, reverse=True)]

    def newest_since(self) -> tuple[int, datetime] | None:
        """Return the number of the newest epoch, and when its key was made; None where it is not known."""
        try:
            made = {
                int(match[1]): path.stat().st_mtime
                for path in self.folder.iterdir()
                if (match := _EPOCH.match(path.name))
            }
        except OSError:
            return None
        return (max(made), datetime.fromtimestamp(made[max(made)], UTC)) if made else None

    def newest_epoch(self) -> EpochKey:
        """Return the key in use; the first one is made when there is none. Raises DomainError."""
        keys = self.epochs()
        if not keys:
            _write(self.folder / "epoch-1.key", secrets.token_bytes(KEY_BYTES), once=True)
            keys = self.epochs()  # of two processes that make the first one at once, both use what was kept
        return keys[0]

    def add_epoch(self) -> EpochKey:
        """Begin a new epoch with a random key."""
        keys = self.epochs()
        key = EpochKey(keys[0].epoch + 1 if keys else 1, secrets.token_bytes(KEY_BYTES))
        _write(self.folder / f"epoch-{key.epoch}.key", key.key)
        return key

    def check_destroyable(self, epoch: int) -> None:
        """Raise DomainError when an epoch's key is the one in use, or unknown."""
        keys = self.epochs()
        if epoch not in {key.epoch for key in keys}:
            raise DomainError(EPOCH_UNKNOWN, epoch=epoch)
        if epoch == keys[0].epoch:
            raise DomainError(EPOCH_IN_USE, epoch=epoch)

    def destroy_epoch(self, epoch: int) -> None:
        """Overwrite and delete the key of an epoch. Raises DomainError when it is the one in use, or unknown.

        An overwritten file may live on in an SSD's spare blocks or in a copy of the folder: those are the
        operator's to destroy.
        """
        self.check_destroyable(epoch)
        path = self.folder / f"epoch-{epoch}.key"
        with path.open("r+b") as file:
            file.write(secrets.token_bytes(path.stat().st_size))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()

    def roster_key(self) -> SigningKey:
        """Return the key that signs lists of badges; made when there is none. Raises DomainError."""
        path = self.folder / _ROSTER
        if not path.exists():
            _write(path, bytes(SigningKey.generate()), once=True)
        return SigningKey(_read(path, 32))

    def order_key(self) -> SigningKey | None:
        """Return the key that signs orders to devices: that of the lists; None where none was made.

        None is made here: no device can check a signature before it was given the public half. Raises
        DomainError.
        """
        path = self.folder / _ROSTER
        return SigningKey(_read(path, 32)) if path.exists() else None

    def sun_key(self) -> bytes | None:
        """Return the AES key of the hub's NTAG 424 DNA cards, None where it has none. Raises DomainError."""
        path = self.folder / _SUN
        return _read(path, _SUN_BYTES) if path.exists() else None

    def put_sun_key(self, digits: str) -> None:
        """Set the AES key of the hub's NTAG 424 DNA cards, in hexadecimal. Raises DomainError."""
        if not _CARD_KEY.fullmatch(digits):
            raise DomainError(CARD_KEY_MALFORMED, digits=2 * _SUN_BYTES)
        _write(self.folder / _SUN, bytes.fromhex(digits))

    def setup_hash(self) -> str:
        """Return the SHA-256 of the code for the first account, in hexadecimal; empty where none was made."""
        path = self.folder / _SETUP
        return _read(path, 32).hex() if path.exists() else ""

    def put_setup_hash(self, digest: bytes) -> None:
        """Set the SHA-256 of the code with which a browser may make the first account. Raises DomainError."""
        _write(self.folder / _SETUP, digest)

    def muster_key(self) -> bytes | None:
        """Return the public key that seals musters, or None where none was made. Raises DomainError."""
        path = self.folder / _MUSTER
        return _read(path, 32) if path.exists() else None

    def put_muster_key(self, public: bytes) -> None:
        """Set the public key that seals musters; its private half is never stored here."""
        _write(self.folder / _MUSTER, public)


def _read(path: Path, size: int) -> bytes:
    try:
        key = bytes.fromhex(path.read_text().strip())
    except OSError as error:
        raise DomainError(KEY_UNREADABLE, file=path.name, reason=error.strerror) from error
    except ValueError:
        raise DomainError(KEY_MALFORMED, file=path.name, digits=2 * size) from None
    if len(key) != size:
        raise DomainError(KEY_MALFORMED, file=path.name, digits=2 * size)
    return key


def _write(path: Path, key: bytes, *, once: bool = False) -> None:
    """Write a key for its owner only and as a whole; `once` keeps one that is there. Raises DomainError."""
    if not path.is_absolute():  # the default: the keys would depend on the folder in which a command is typed
        raise DomainError(KEYS_PLACE_UNSET, folder=path.parent.absolute())
    try:
        _write_file(path, key, once=once)
    except OSError as error:
        raise DomainError(KEYS_NOT_WRITTEN, folder=path.parent, reason=error.strerror) from error


def _write_file(path: Path, key: bytes, *, once: bool = False) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _ONLY_OWNER), "w") as file:
        file.write(key.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    if not once:
        unfinished.rename(path)
        return
    with suppress(FileExistsError):
        path.hardlink_to(unfinished)
    unfinished.unlink()
