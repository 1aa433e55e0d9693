"""The list of badges on this device: signed by the hub, never replaced by an older one, stored on disk.

Contains pseudonyms and no names. The stored file has no signature: a user who can write it can read the epoch
keys too, and an erasure must be able to remove a badge from it.
"""

import logging
from collections.abc import Collection
from datetime import timedelta
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from hubwell_edge.clock import Stamp, to_datetime
from hubwell_edge.taps.files.private_file import remove_file, replace_file
from hubwell_wire.commands import Roster, RosterSpace, SealedRoster

logger: Final = logging.getLogger(__name__)

FILE: Final = "roster.json"
AHEAD: Final = timedelta(minutes=5)
"""A list or order dated further ahead is refused: once stored, it would block every valid one until then."""


class RosterError(Exception):
    """A list of badges is refused; the sentence gives the reason and what to do."""


class RosterStore:
    """The newest list of badges of one device.

    `key` is the hub's Ed25519 public key in hexadecimal, or None.
    """

    def __init__(self, folder: Path, *, site: str, device: str, key: str | None) -> None:
        self._path = folder / FILE
        self._site, self._device, self._key = site, device, key
        self.roster = self._load()

    def update(self, sealed: SealedRoster, now: Stamp) -> bool:
        """Store a list if it is valid and newer than the stored one; return whether it was stored.

        Raises RosterError, also when the disk refuses it.
        """
        roster = self._checked(sealed)
        stored = self.roster
        if stored is not None and roster.at == stored.at:
            return False
        if stored is not None and roster.at < stored.at:
            raise RosterError(f"a list of badges of {roster.at} is older than the stored one, of {stored.at}")
        if now.synced and roster.at > to_datetime(now.wall_ms) + AHEAD:
            raise RosterError(
                f"a list of badges is dated {roster.at}: set the clock of the server, or of this device"
            )
        self._save(roster)
        return True

    def forget(self, badges: Collection[str]) -> None:
        """Remove badges from the list, in memory and on disk. Raises RosterError when the disk refuses."""
        roster = self.roster
        if roster is not None and not roster.badges.keys().isdisjoint(badges):
            remaining = {badge: entry for badge, entry in roster.badges.items() if badge not in badges}
            self._save(roster.model_copy(update={"badges": remaining}))

    def _save(self, roster: Roster) -> None:
        self.roster = roster
        try:
            replace_file(self._path, roster.encode())
        except OSError as error:
            raise RosterError(f"the list of badges cannot be written: {error.strerror}") from error

    def _checked(self, sealed: SealedRoster) -> Roster:
        if self._key is None:
            raise RosterError(
                "a list of badges arrived, but this device does not have the hub's key: set badges.roster_key"
            )
        # JSON may hold lone surrogates: they must fail the signature check, not raise here.
        body = sealed.body.encode("utf-8", "surrogatepass")
        if not signed_by(self._key, body, bytes.fromhex(sealed.sig)):
            raise RosterError("the signature of a list of badges is not the hub's: compare badges.roster_key")
        roster = _parsed(body)
        if roster is None:
            raise RosterError("a list of badges cannot be understood: update this device")
        if (roster.site, roster.device) != (self._site, self._device):
            raise RosterError(f"a list of badges is for {roster.site}/{roster.device}, not for this device")
        return roster

    def _load(self) -> Roster | None:
        try:
            body = self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            logger.warning("cannot read %s: %s", self._path, error.strerror, extra={"action": "roster-lost"})
            return None
        roster = _parsed(body)
        if roster is None or (roster.site, roster.device) != (self._site, self._device):
            logger.warning("%s is not a list for this device", self._path, extra={"action": "roster-lost"})
            remove_file(self._path)
            return None
        return roster


def space_of(folder: Path) -> RosterSpace | None:
    """Return the space of a device from its stored list; works beside a running agent."""
    try:
        roster = _parsed((folder / FILE).read_bytes())
    except OSError:
        return None
    return roster.space if roster is not None else None


def signed_by(key: str, body: bytes, signature: bytes) -> bool:
    """Return whether a signature is valid. Raises RosterError for an invalid key."""
    from nacl.exceptions import BadSignatureError  # noqa: PLC0415 - half a megabyte, needed only to verify lists
    from nacl.signing import VerifyKey  # noqa: PLC0415

    try:
        VerifyKey(bytes.fromhex(key)).verify(body, signature)
    except BadSignatureError:
        return False
    except ValueError as error:
        raise RosterError(f"badges.roster_key is not an Ed25519 key: {error}") from None
    return True


def _parsed(body: bytes) -> Roster | None:
    try:
        return Roster.model_validate_json(body)
    except ValidationError:  # pydantic's message would repeat the content of the list
        return None
