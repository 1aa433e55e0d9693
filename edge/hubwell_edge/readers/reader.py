"""The interface of badge readers, and the cards that they return.

A reader handles one part, blocks while it does, and has no part in threads, asyncio, pseudonyms or MQTT. Its
cards go to `card_stream.py`. A card's number is held in memory only: it is never logged, and no error repeats
it.
"""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Protocol, runtime_checkable

from pydantic import Field

from hubwell_edge.config_tables import Options
from hubwell_edge.drivers.sensor import SensorError
from hubwell_edge.readers.numbers import implausible
from hubwell_wire.fields import ReaderName
from hubwell_wire.messages import SunMessage
from hubwell_wire.pseudonym import UID_BYTES

RANDOM_UID_BYTES = 4
RANDOM_UID_FIRST = 0x08
"""A 4-byte number that begins with this byte is random at each tap (ISO/IEC 14443-3, 6.5.4): phones, and
cards set to hide their number.
"""


@dataclass(frozen=True, slots=True)
class Card:
    """One presentation of one card or code. `repr` shows none of its content.

    `uid` is the card's number as raw bytes (4, 7 or 10) in the order of ISO/IEC 14443-3. `token` is the whole
    text of a Hubwell QR code, including `HW1:`. `sun` is the message that an NTAG 424 DNA signed for this
    tap; it takes precedence over `uid`, which may then be random. Raises ValueError without any of the three,
    for a number of another length, and for one that no single card has.
    """

    uid: bytes | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    sun: SunMessage | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.uid is None and self.token is None and self.sun is None:
            raise ValueError("a card has a number, a token or a signed message")
        if self.uid is not None and len(self.uid) not in UID_BYTES:
            raise ValueError(
                f"a card's number has 4, 7 or 10 bytes, this one has {len(self.uid)}: "
                "set the reader to send the card's number (UID) alone"
            )
        if self.uid is not None and (reason := implausible(self.uid)) is not None:
            raise ValueError(reason)

    @property
    def random_uid(self) -> bool:
        """Whether `uid` is random, so that the next tap has another one."""
        uid = self.uid
        return uid is not None and len(uid) == RANDOM_UID_BYTES and uid[0] == RANDOM_UID_FIRST


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something was presented that cannot be read; `reason` advises a person at the device."""

    reason: str


class ReaderError(SensorError):
    """The reader cannot be used. The text is a sentence with advice for a person at the device."""


class ReaderSilentError(ReaderError):
    """The reader is not present, or does not answer."""

    state: Literal["silent", "error"] = "silent"


class Reader(Protocol):
    """One badge reader. All methods block, and are called from one thread."""

    @property
    def name(self) -> str:
        """Name in taps, for example ``door``; unique on a device."""
        ...

    @property
    def driver(self) -> str:
        """Kind of the reader, as in the device file."""
        ...

    @property
    def bus(self) -> str:
        """What the reader is attached to; no two readers of a device share it."""
        ...

    def open(self) -> None:
        """Prepare the reader. Raises ReaderError."""
        ...

    def wait(self, timeout_s: float) -> Card | None:
        """Return the next card that is presented, or None after about `timeout_s` seconds without one.

        A card that stays on the reader is returned once. Raises ReaderError; the reader must then be closed
        and opened again.
        """
        ...

    def close(self) -> None:
        """Release the reader. Harmless when it was never opened, and before another `open`."""
        ...


@runtime_checkable
class NoticesUnreadable(Protocol):
    """A reader that notices presentations which it cannot read."""

    def take_unreadable(self) -> str | None:
        """Return, once, why something presented since the last call was not read; None: nothing was."""
        ...


class ReaderSettings(Options):
    """Options of every reader in the device file; each driver adds its own."""

    name: Annotated[ReaderName, Field(description="name in taps: lower case letters, digits and hyphens")] = (
        "door"
    )
    feedback: list[dict[str, Any]] = Field(default_factory=list, description="its [[reader.feedback]] tables")


class SignedCardSettings(ReaderSettings):
    """Options for finding the signed message of an NTAG 424 DNA card in the address on the card."""

    sun: Annotated[bool, Field(description="false: do not look for signed messages on cards")] = True
    picc_parameter: Annotated[
        str, Field(min_length=1, max_length=20, description="name of the PICC data in the card's address")
    ] = "p"
    cmac_parameter: Annotated[
        str, Field(min_length=1, max_length=20, description="name of the signature in the card's address")
    ] = "c"
