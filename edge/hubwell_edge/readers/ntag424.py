"""The signed message of an NTAG 424 DNA card: from its NDEF file to a `SunMessage`.

The card mirrors its encrypted number, a counter and a signature into the query of an address (NXP AN12196).
This module only extracts them; the server verifies them. Works over any transport of ISO 7816-4 commands.
"""

from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import parse_qs, urlsplit

from pydantic import ValidationError

from hubwell_wire.messages import SunMessage

Exchange = Callable[[bytes], bytes]
"""Sends a command APDU and returns data and status word. May raise the errors of the reader."""

SELECT_NDEF_APPLICATION: Final = bytes.fromhex("00a4040007d276000085010100")
SELECT_NDEF_FILE: Final = bytes.fromhex("00a4000c02e104")
"""Selects the file E104, which NTAG 424 DNA has from the factory (data sheet, 8.2)."""
_OK: Final = b"\x90\x00"
_CHUNK: Final = 0x70
"""Bytes requested in one READ BINARY; with status word and frame they fit every reader's buffer."""
_LARGEST: Final = 256
"""The file of an NTAG 424 DNA has 256 bytes."""
_SHORT_RECORD: Final = 0x10
_HAS_ID: Final = 0x08
_TYPE_NAME: Final = 0x07
_WELL_KNOWN: Final = 0x01


def read_sun(exchange: Exchange, picc_parameter: str, cmac_parameter: str) -> SunMessage | None:
    """Return the signed message of the card behind `exchange`, or None if it has none."""
    message = _ndef_message(exchange)
    for address in addresses(message):
        sun = sun_of_address(address, picc_parameter, cmac_parameter)
        if sun is not None:
            return sun
    return None


def _ndef_message(exchange: Exchange) -> bytes:
    """Return the NDEF message (NFC Forum Type 4 Tag, 7.1); empty where the card has none."""
    for select in (SELECT_NDEF_APPLICATION, SELECT_NDEF_FILE):
        if not exchange(select).endswith(_OK):
            return b""
    length = int.from_bytes(_read_binary(exchange, 0, 2), "big")
    if not 0 < length <= _LARGEST - 2:
        return b""
    message = b""
    while len(message) < length:
        part = _read_binary(exchange, 2 + len(message), min(_CHUNK, length - len(message)))
        if not part:
            return b""
        message += part
    return message


def _read_binary(exchange: Exchange, offset: int, count: int) -> bytes:
    answer = exchange(bytes([0x00, 0xB0, offset >> 8, offset & 0xFF, count]))
    return answer[:-2] if answer.endswith(_OK) else b""


def addresses(message: bytes) -> Iterator[str]:
    """Yield the addresses of the URI records of an NDEF message, without their abbreviated prefix.

    The first byte of such a record is a code for a prefix like ``https://``, which the query does not need.
    """
    at = 0
    while at + 3 <= len(message):
        flags, type_length = message[at], message[at + 1]
        size_bytes = 1 if flags & _SHORT_RECORD else 4
        size = int.from_bytes(message[at + 2 : at + 2 + size_bytes], "big")
        at += 2 + size_bytes
        id_length = 0
        if flags & _HAS_ID:
            id_length = message[at] if at < len(message) else 0
            at += 1
        kind = message[at : at + type_length]
        at += type_length + id_length
        payload = message[at : at + size]
        at += size
        # A record cut short has a shorter payload than its header promises, and is skipped.
        if flags & _TYPE_NAME == _WELL_KNOWN and kind == b"U" and len(payload) == size > 0:
            yield payload[1:].decode("utf-8", "replace")


def sun_of_address(address: str, picc_parameter: str, cmac_parameter: str) -> SunMessage | None:
    """Return the signed message in the query of an address, or None."""
    try:
        query = parse_qs(urlsplit(address).query)
    except ValueError:  # the content of a card may be anything
        return None
    picc, cmac = query.get(picc_parameter), query.get(cmac_parameter)
    if not picc or not cmac:
        return None
    try:
        return SunMessage(picc=picc[0].lower(), cmac=cmac[0].lower())
    except ValidationError:
        return None
