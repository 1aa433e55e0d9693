"""What the edge asks of a badge reader, and what a reader gives back.

A reader talks to one part, blocks while it does, and knows nothing of threads, asyncio, pseudonyms or MQTT.
Cards go from here to `watch.py`. The number of a card is in memory only: it is never logged, and no error
repeats it.
"""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Protocol

from pydantic import Field

from hubwell_edge.config_tables import Options
from hubwell_edge.drivers.sensor import SensorError
from hubwell_wire.fields import ReaderName
from hubwell_wire.messages import SunMessage
from hubwell_wire.pseudonym import UID_BYTES

RANDOM_UID_BYTES = 4
RANDOM_UID_FIRST = 0x08
"""A number of 4 bytes that begins so is drawn anew at each tap (ISO/IEC 14443-3, 6.5.4): phones, and cards
set to hide their number."""


@dataclass(frozen=True, slots=True)
class Card:
    """One presentation of one card or code. Nothing of it shows in `repr`.

    `uid` are the raw bytes of the card's number (4, 7 or 10) as ISO/IEC 14443-3 orders them. `token` is the
    whole text of a Hubwell QR code, `HW1:` included. `sun` is what an NTAG 424 DNA signed for this tap; it
    says more than `uid`, which may be random then. Raises ValueError where there is nothing to go by, or for
    a number of another length.
    """

    uid: bytes | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    sun: SunMessage | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.uid is None and self.token is None and self.sun is None:
            raise ValueError("a card has a number, a token or a signed message")
        if self.uid is not None and len(self.uid) not in UID_BYTES:
            raise ValueError(f"a card's number has 4, 7 or 10 bytes, this one has {len(self.uid)}")

    @property
    def random_uid(self) -> bool:
        """Whether `uid` means nothing, because the next tap has another one."""
        uid = self.uid
        return uid is not None and len(uid) == RANDOM_UID_BYTES and uid[0] == RANDOM_UID_FIRST


class ReaderError(SensorError):
    """The reader cannot be used. The text is a sentence that a person at the device can act on."""


class ReaderSilentError(ReaderError):
    """The reader is not there, or does not answer."""

    state: Literal["silent", "error"] = "silent"


class Reader(Protocol):
    """One badge reader. All methods block, and are called from one thread."""

    @property
    def name(self) -> str:
        """Name in taps, for example ``door``; unique on a device."""
        ...

    @property
    def driver(self) -> str:
        """Name of the kind of reader, as in the device file."""
        ...

    @property
    def bus(self) -> str:
        """What the reader is attached to; no two readers of a device share it."""
        ...

    def open(self) -> None:
        """Make the reader ready. Raises ReaderError."""
        ...

    def wait(self, timeout_s: float) -> Card | None:
        """Return the next card that is presented, or None after about `timeout_s` seconds without one.

        A card that stays is reported once. Raises ReaderError; the reader has to be closed and opened then.
        """
        ...

    def close(self) -> None:
        """Let the reader go. Harmless when it was never opened, and before another `open`."""
        ...


class ReaderSettings(Options):
    """What every reader can be told in the device file; each driver adds its own."""

    name: Annotated[ReaderName, Field(description="name in taps: lower case letters, digits and hyphens")] = (
        "door"
    )
    feedback: list[dict[str, Any]] = Field(default_factory=list, description="its [[reader.feedback]] tables")


class SignedCardSettings(ReaderSettings):
    """How signed messages of NTAG 424 DNA cards are found in the address that they show."""

    sun: Annotated[bool, Field(description="false: do not look for signed messages on cards")] = True
    picc_parameter: Annotated[
        str, Field(min_length=1, max_length=20, description="name of the PICC data in the card's address")
    ] = "p"
    cmac_parameter: Annotated[
        str, Field(min_length=1, max_length=20, description="name of the signature in the card's address")
    ] = "c"
