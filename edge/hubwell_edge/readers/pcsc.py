"""Card readers that speak PC/SC (ACR122U and most others on USB) through pcscd and pyscard."""

import logging
import time
from typing import Annotated, Any, Final

from pydantic import Field

from hubwell_edge.drivers.hardware import Hardware
from hubwell_edge.readers import smartcards
from hubwell_edge.readers.ntag424 import read_sun
from hubwell_edge.readers.reader import Card, ReaderError, ReaderSilentError, SignedCardSettings

GET_UID: Final = bytes.fromhex("ffca000000")
"""Asks the reader for the card's number (PC/SC part 3, 3.2.2.1.3); it is not sent to the card."""
STORAGE_CARD: Final = bytes.fromhex("a000000306")
"""Part of the answer to reset of cards that accept no commands: MIFARE, NTAG21x (PC/SC part 3,
3.1.3.2.3.1).
"""
_OK: Final = b"\x90\x00"
_AGAIN_S: Final = 0.05

log = logging.getLogger(__name__)


class PcscSettings(SignedCardSettings):
    """A PC/SC reader of the device file."""

    reader: Annotated[
        str, Field(max_length=120, description="part of its name as `pcsc_scan` shows it; '': the first")
    ] = ""


class Pcsc:
    """One PC/SC reader."""

    driver = "pcsc"

    def __init__(self, settings: PcscSettings, hardware: Hardware) -> None:
        del hardware
        self._settings = settings
        self._scard: Any = None
        self._context: Any = None
        self._reader = ""
        self._state = 0
        self._unreadable: str | None = None
        self.name = settings.name
        self.bus = f"pcsc {settings.reader}".strip()

    def open(self) -> None:
        """Find the reader. Raises ReaderError."""
        self._scard = smartcards.load()
        self._context = smartcards.context(self._scard)
        self._reader = smartcards.pick(self._scard, self._context, self._settings.reader)
        self._state = self._scard.SCARD_STATE_UNAWARE

    def wait(self, timeout_s: float) -> Card | None:
        """Return the next card. Raises ReaderError."""
        if self._context is None:
            raise ReaderError(f"{self.name} is not open")
        end = time.monotonic() + timeout_s
        while (remaining := end - time.monotonic()) > 0:
            if self._card_comes(remaining) and (card := self._read()) is not None:
                return card
            if self._unreadable is not None:
                return None
        return None

    def take_unreadable(self) -> str | None:
        """Return, once, why the latest card was not read."""
        reason, self._unreadable = self._unreadable, None
        return reason

    def close(self) -> None:
        """Release the reader."""
        context, self._context = self._context, None
        if context is not None:
            self._scard.SCardReleaseContext(context)

    def _card_comes(self, timeout_s: float) -> bool:
        """Wait for a change; return whether a card has arrived. Raises ReaderError."""
        scard = self._scard
        code, states = scard.SCardGetStatusChange(
            self._context, max(1, int(timeout_s * 1000)), [(self._reader, self._state)]
        )
        if smartcards.unsigned(code) == smartcards.TIMEOUT:
            return False
        smartcards.check(code, "wait for a card")
        _, now, _ = states[0]
        if now & (scard.SCARD_STATE_UNKNOWN | scard.SCARD_STATE_UNAVAILABLE):
            raise ReaderSilentError(f"{self._reader} was unplugged: plug it in again")
        before, self._state = self._state, now & ~scard.SCARD_STATE_CHANGED
        # The upper 16 bits count insertions and removals: a card removed for an instant is new, a card that
        # another program merely opened is not.
        moved = before >> 16 != now >> 16 or not before & scard.SCARD_STATE_PRESENT
        if moved and now & scard.SCARD_STATE_PRESENT and now & scard.SCARD_STATE_MUTE:
            self._refuse("it does not answer: hold one card alone, flat and the right way round")
            return False
        return moved and bool(now & scard.SCARD_STATE_PRESENT)

    def _refuse(self, reason: str) -> None:
        self._unreadable = reason
        log.warning("%s read a card that cannot be used to check in: %s", self.name, reason)

    def _read(self) -> Card | None:
        try:
            return self._ask_card()
        except smartcards.CardGoneError:
            # Removed, or at the edge of the field: with the state unaware, the next wait reads it if present.
            log.debug("%s: a card was not read", self.name)
            self._state = self._scard.SCARD_STATE_UNAWARE
            time.sleep(_AGAIN_S)
        except ValueError as error:
            self._refuse(str(error))
        return None

    def _ask_card(self) -> Card:
        with smartcards.connected(self._scard, self._context, self._reader) as transmit:
            answer = transmit(GET_UID)
            uid = answer[:-2] if answer.endswith(_OK) else None
            sun = None
            if self._settings.sun and STORAGE_CARD not in self._answer_to_reset():
                settings = self._settings
                sun = read_sun(transmit, settings.picc_parameter, settings.cmac_parameter)
        return Card(uid=uid or None, sun=sun)

    def _answer_to_reset(self) -> bytes:
        _, states = self._scard.SCardGetStatusChange(self._context, 0, [(self._reader, 0)])
        return bytes(states[0][2])
