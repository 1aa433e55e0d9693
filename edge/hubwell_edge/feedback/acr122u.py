"""Lamp and buzzer of an ACR122U through PC/SC (ACR122U API 2.04, 6.2 and 6.7).

The command is addressed to the card on the reader, but the reader executes it and does not pass it on.
Without a card it is sent as an escape command, which the driver of CCID readers has to allow.
"""

from contextlib import suppress
from typing import Annotated, Any, Final

from pydantic import Field

from hubwell_edge.config_tables import Options
from hubwell_edge.drivers.hardware import Hardware
from hubwell_edge.feedback.output import FeedbackError, Group, Signal, Wait
from hubwell_edge.readers import smartcards
from hubwell_edge.readers.reader import ReaderError

LIGHTS: Final = bytes.fromhex("ff0040")
"""Followed by: lamps (P2), 04, duration of the first and second half of a blink in 0.1 s, number of
blinks, and the half that has a tone (1: the first).
"""
GREEN_STAYS, CHANGE_BOTH = 0x02, 0x0C
RED_FIRST, GREEN_FIRST, RED_BLINKS, GREEN_BLINKS = 0x10, 0x20, 0x40, 0x80
BUZZER_SILENT_ON_CARD: Final = bytes.fromhex("ff00520000")
"""Turns off the reader's own tone for each card, which would sound like "yes" for every card."""
OFF: Final = LIGHTS + bytes([CHANGE_BOTH, 4, 0, 0, 0, 0])

COMMANDS: Final[dict[Group, bytes]] = {
    "yes": LIGHTS + bytes([CHANGE_BOTH | GREEN_STAYS | GREEN_FIRST | GREEN_BLINKS, 4, 1, 1, 1, 1]),
    "ask": LIGHTS + bytes([CHANGE_BOTH | RED_FIRST | GREEN_FIRST | RED_BLINKS | GREEN_BLINKS, 4, 1, 1, 2, 1]),
    "no": LIGHTS + bytes([CHANGE_BOTH | RED_FIRST | RED_BLINKS, 4, 6, 2, 1, 1]),
}


class Acr122uSettings(Options):
    """An ACR122U of the device file."""

    reader: Annotated[str, Field(max_length=120, description="part of its name as `pcsc_scan` shows it")] = (
        "ACR122"
    )


class Acr122u:
    """Lamp and buzzer of one ACR122U."""

    name = "acr122u"
    rest_s = 1.5

    def __init__(self, settings: Acr122uSettings, hardware: Hardware) -> None:
        del hardware
        self._settings = settings
        self._scard: Any = None
        self._context: Any = None
        self._reader = ""

    def open(self) -> None:
        """Find the reader and turn its own tone off. Raises FeedbackError."""
        self.close()
        try:
            self._scard = smartcards.load()
            self._context = smartcards.context(self._scard)
            self._reader = smartcards.pick(self._scard, self._context, self._settings.reader)
        except (ReaderError, smartcards.CardGoneError) as error:
            raise FeedbackError(str(error)) from error
        with suppress(FeedbackError):  # optional: without a card it needs escape commands
            self._send(BUZZER_SILENT_ON_CARD)

    def show(self, signal: Signal, wait: Wait) -> None:
        """Play the pattern of the verdict on the reader, at most 0.8 s. Raises FeedbackError."""
        del wait
        if not signal.quiet:
            self._send(COMMANDS[signal.group])

    def clear(self) -> None:
        """Turn the lamps off. Raises FeedbackError."""
        self._send(OFF)

    def close(self) -> None:
        """Release the reader."""
        context, self._context = self._context, None
        if context is not None:
            self._scard.SCardReleaseContext(context)

    def _send(self, command: bytes) -> None:
        try:
            try:
                with smartcards.connected(self._scard, self._context, self._reader) as transmit:
                    transmit(command)
            except smartcards.CardGoneError:
                smartcards.escape(self._scard, self._context, self._reader, command)
        except (ReaderError, smartcards.CardGoneError) as error:
            raise FeedbackError(f"the reader does not accept commands for its lamps: {error}") from error
