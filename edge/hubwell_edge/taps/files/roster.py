"""The list of badges that this device holds: checked against the hub's key, never older than before, on disk.

It holds pseudonyms and no names. The file has no signature: who can write it can read the epoch keys too,
and an erasure must be able to take a badge out of it.
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
AHEAD: Final = timedelta(days=1)
"""A list from further in the future is refused: kept, it would shut out all right ones until then."""


class RosterError(Exception):
    """A list is refused; the sentence says why and what to do."""


class RosterStore:
    """Holds the newest list of one device. `key` is the hub's Ed25519 key in hexadecimal, or None."""

    def __init__(self, folder: Path, *, site: str, device: str, key: str | None) -> None:
        self._path = folder / FILE
        self._site, self._device, self._key = site, device, key
        self.roster = self._load()

    def take(self, sealed: SealedRoster, now: Stamp) -> bool:
        """Keep a list if it is right and newer than the one held; tell whether it was kept.

        Raises RosterError, also when the disk refuses it.
        """
        roster = self._checked(sealed)
        held = self.roster
        if held is not None and roster.at == held.at:
            return False
        if held is not None and roster.at < held.at:
            raise RosterError(f"a list of badges of {roster.at} is older than the one held, of {held.at}")
        if now.synced and roster.at > to_datetime(now.wall_ms) + AHEAD:
            raise RosterError(f"a list of badges is dated {roster.at}: set the clock of the server, or ours")
        self._keep(roster)
        return True

    def forget(self, badges: Collection[str]) -> None:
        """Take badges out of the list, in memory and on disk. Raises RosterError when the disk refuses."""
        held = self.roster
        if held is not None and not held.badges.keys().isdisjoint(badges):
            kept = {badge: known for badge, known in held.badges.items() if badge not in badges}
            self._keep(held.model_copy(update={"badges": kept}))

    def _keep(self, roster: Roster) -> None:
        self.roster = roster
        try:
            replace_file(self._path, roster.encode())
        except OSError as error:
            raise RosterError(f"the list of badges cannot be written: {error.strerror}") from error

    def _checked(self, sealed: SealedRoster) -> Roster:
        if self._key is None:
            raise RosterError(
                "a list of badges came, but the hub's key is not known here: set badges.roster_key"
            )
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
            logger.warning("%s is no list for this device", self._path, extra={"action": "roster-lost"})
            remove_file(self._path)
            return None
        return roster


def space_of(folder: Path) -> RosterSpace | None:
    """Return the space of a device by the list it holds, beside a running agent too."""
    try:
        roster = _parsed((folder / FILE).read_bytes())
    except OSError:
        return None
    return roster.space if roster is not None else None


def signed_by(key: str, body: bytes, signature: bytes) -> bool:
    """Tell whether a signature is right. Raises RosterError for a key that is none."""
    from nacl.exceptions import BadSignatureError  # noqa: PLC0415 - half a megabyte that only lists need
    from nacl.signing import VerifyKey  # noqa: PLC0415

    try:
        VerifyKey(bytes.fromhex(key)).verify(body, signature)
    except BadSignatureError:
        return False
    except ValueError as error:
        raise RosterError(f"badges.roster_key is no Ed25519 key: {error}") from None
    return True


def _parsed(body: bytes) -> Roster | None:
    try:
        return Roster.model_validate_json(body)
    except ValidationError:  # its words would repeat what stands in the list
        return None
