"""Typed wrappers around pyscard's PC/SC calls: contexts, readers, cards and commands.

The calls of PC/SC return a code instead of raising; here each code becomes an exception with a sentence that
contains advice.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final

from hubwell_edge.readers.reader import ReaderError, ReaderSilentError

_NO_SERVICE: Final = frozenset({0x8010001D, 0x8010001E, 0x80100013})
"""SCARD_E_NO_SERVICE, E_SERVICE_STOPPED, F_COMM_ERROR."""
_NO_READERS: Final = frozenset({0x8010002E, 0x80100009, 0x80100017})
"""SCARD_E_NO_READERS_AVAILABLE, E_UNKNOWN_READER, E_READER_UNAVAILABLE."""
_NO_RIGHT: Final = frozenset({0x8010006A, 0x80100027})
"""SCARD_W_SECURITY_VIOLATION, E_NO_ACCESS."""
_NO_CARD: Final = frozenset(
    {0x8010000C, 0x80100066, 0x80100067, 0x80100068, 0x80100069, 0x80100016, 0x8010002F}
)
"""SCARD_E_NO_SMARTCARD, W_UNRESPONSIVE, W_UNPOWERED, W_RESET and W_REMOVED_CARD, E_NOT_TRANSACTED, F_COMM."""
TIMEOUT: Final = 0x8010000A
ESCAPE: Final = 1
"""Number of the control code for commands to the reader itself (CCID driver)."""


class CardGoneError(Exception):
    """The card was removed, or does not answer."""


def load() -> Any:  # noqa: ANN401 - no types in pyscard
    """Import pyscard's low-level module. Raises ReaderError with the way to install it."""
    try:
        return import_module("smartcard.scard")
    except ImportError as error:
        raise ReaderError(
            f"the library pyscard cannot be imported ({error}); install it with scripts/prepare-readers, or "
            "as docs/deployment.md describes"
        ) from error


def context(scard: Any) -> Any:  # noqa: ANN401 - the same
    """Open a connection to pcscd. Raises ReaderError."""
    code, handle = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    check(code, "reach pcscd")
    return handle


def pick(scard: Any, context_handle: Any, name_part: str) -> str:  # noqa: ANN401 - the same
    """Return the full name of the first reader whose name contains `name_part`. Raises ReaderError."""
    code, names = scard.SCardListReaders(context_handle, [])
    check(code, "list the card readers")
    matches = [str(name) for name in names if name_part.lower() in str(name).lower()]
    if not matches:
        present = ", ".join(str(name) for name in names) or "none"
        raise ReaderSilentError(
            f"no card reader whose name contains {name_part!r} is plugged in; there are: {present}. "
            "Plug it in, or correct 'reader'"
        )
    return matches[0]


@contextmanager
def connected(scard: Any, context_handle: Any, reader: str) -> Iterator[Any]:  # noqa: ANN401 - the same
    """Connect to the card on `reader`; yields the function that sends an APDU.

    Raises CardGoneError or ReaderError.
    """
    protocols = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
    code, card, protocol = scard.SCardConnect(context_handle, reader, scard.SCARD_SHARE_SHARED, protocols)
    check(code, "talk to the card")
    header = scard.SCARD_PCI_T1 if protocol == scard.SCARD_PROTOCOL_T1 else scard.SCARD_PCI_T0

    def transmit(apdu: bytes) -> bytes:
        code, answer = scard.SCardTransmit(card, header, list(apdu))
        check(code, "talk to the card")
        return bytes(answer)

    try:
        yield transmit
    finally:
        scard.SCardDisconnect(card, scard.SCARD_LEAVE_CARD)


def escape(scard: Any, context_handle: Any, reader: str, command: Sequence[int]) -> bytes:  # noqa: ANN401 - the same
    """Send a command to the reader itself, with or without a card. Raises CardGoneError or ReaderError."""
    code, handle, _ = scard.SCardConnect(context_handle, reader, scard.SCARD_SHARE_DIRECT, 0)
    check(code, "talk to the reader")
    try:
        code, answer = scard.SCardControl(handle, scard.SCARD_CTL_CODE(ESCAPE), list(command))
        check(code, "send a command to the reader; see 'escape commands' in docs/deployment.md")
        return bytes(answer)
    finally:
        scard.SCardDisconnect(handle, scard.SCARD_LEAVE_CARD)


def unsigned(code: int) -> int:
    """Return a code as an unsigned number, as documentation lists it; pyscard returns signed ones."""
    return code & 0xFFFFFFFF


def check(code: int, doing: str) -> None:
    """Raise CardGoneError or ReaderError unless `code` is success; `doing` completes "cannot ..."."""
    if code == 0:
        return
    number = unsigned(code)
    if number in _NO_CARD:
        raise CardGoneError(f"{number:#010x}")
    if number in _NO_SERVICE:
        raise ReaderSilentError(
            "pcscd is not running: apt install pcscd, then systemctl enable --now pcscd.socket"
        )
    if number in _NO_READERS:
        raise ReaderSilentError(
            "no card reader is plugged in, or another driver holds it: install "
            "firmware_configs/raspberry-pi/hubwell-no-pn533.conf and restart"
        )
    if number in _NO_RIGHT:
        raise ReaderError(
            "pcscd gives the user of the agent no right to its readers: install "
            "firmware_configs/raspberry-pi/hubwell-pcsc.rules"
        )
    raise ReaderError(f"cannot {doing}: PC/SC error {number:#010x}")
