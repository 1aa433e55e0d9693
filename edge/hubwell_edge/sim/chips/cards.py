"""Models of cards as a reader sees them: number, kind, and answers to ISO 7816-4 commands."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

_OK: Final = b"\x90\x00"
_NOT_FOUND: Final = b"\x6a\x82"
_NO_SUCH_INSTRUCTION: Final = b"\x6d\x00"
_WRONG_OFFSET: Final = b"\x6b\x00"
_APPLICATION: Final = bytes.fromhex("d2760000850101")
_FILE: Final = bytes.fromhex("e104")
_SELECT, _READ_BINARY = 0xA4, 0xB0
_HTTPS: Final = 0x04


@dataclass(frozen=True, slots=True)
class MemoryCard:
    """MIFARE Ultralight or NTAG21x: a number, and no commands."""

    uid: bytes = field(repr=False)
    sens_res: bytes = b"\x00\x44"
    sel_res: int = 0x00
    historical: bytes = bytes.fromhex("804f0ca00000030603000300000000")

    def exchange(self, apdu: bytes) -> bytes:
        """Return nothing: such a card does not accept commands."""
        del apdu
        return b""


@dataclass(slots=True)
class CommandCard:
    """A card that accepts ISO 14443-4 commands and has no NDEF application: DESFire, or a phone."""

    uid: bytes = field(repr=False)
    sens_res: bytes = b"\x03\x44"
    sel_res: int = 0x20
    historical: bytes = b"\x80"

    def exchange(self, apdu: bytes) -> bytes:
        """Answer that the file does not exist."""
        return _NOT_FOUND if apdu[1:2] == bytes([_SELECT]) else _NO_SUCH_INSTRUCTION


@dataclass(slots=True)
class Ntag424(CommandCard):
    """An NTAG 424 DNA whose file contains one address, without its ``https://``.

    `address` is called at each selection, because the card's counter changes it at each tap.
    """

    address: Callable[[], str] = lambda: ""
    _file: bytes = field(default=b"", repr=False)
    _selected: bytes = b""

    def exchange(self, apdu: bytes) -> bytes:
        """Answer SELECT and READ BINARY of the NDEF application (NTAG 424 DNA data sheet, 10.9)."""
        instruction = apdu[1]
        if instruction == _SELECT:
            return self._select(apdu[5 : 5 + apdu[4]])
        if instruction == _READ_BINARY and self._selected == _FILE:
            offset, count = int.from_bytes(apdu[2:4], "big"), apdu[4]
            return self._file[offset : offset + count] + _OK if offset < len(self._file) else _WRONG_OFFSET
        return _NO_SUCH_INSTRUCTION

    def _select(self, name: bytes) -> bytes:
        if name not in {_APPLICATION, _FILE} or (name == _FILE and not self._selected):
            return _NOT_FOUND
        if name == _FILE:
            self._file = ndef_file(self.address())
        self._selected = name
        return _OK


Card = MemoryCard | CommandCard


def ndef_file(address: str) -> bytes:
    """Return the 256 bytes of a file with one URI record (NFC Forum Type 4 Tag and URI record)."""
    payload = bytes([_HTTPS]) + address.encode()
    record = b"\xd1\x01" + bytes([len(payload)]) + b"U" + payload
    return (len(record).to_bytes(2, "big") + record).ljust(256, b"\x00")


def phone(random_bytes: bytes) -> CommandCard:
    """Return a phone as a reader sees it; `random_bytes` are the 3 bytes that change with every tap."""
    return CommandCard(uid=b"\x08" + random_bytes)
