"""Model of an NXP PN532 as its host sees it (user manual UM0701-02): frames, acknowledgements, four commands.

`receive` takes bytes from the host, `send` returns bytes for the host. Like the chip, the model is silent
after a search for a card until there is one.
"""

from collections.abc import Callable
from typing import Final

from hubwell_edge.sim.chips.cards import Card

FIRMWARE: Final = bytes([0x32, 0x01, 0x06, 0x07])
ACK: Final = bytes.fromhex("0000ff00ff00")
_TO_CHIP, _FROM_CHIP = 0xD4, 0xD5
_FIRMWARE, _SAM, _RELEASE, _LIST, _EXCHANGE = 0x02, 0x14, 0x52, 0x4A, 0x40
_TIMED_OUT: Final = 0x01
"""Error code for a card that does not answer (UM0701-02, 7.1)."""
_SYNTAX_ERROR: Final = bytes.fromhex("0000ff01ff7f8100")
_START: Final = b"\x00\xff"


def frame(data: bytes) -> bytes:
    """Return the normal information frame around `data` (UM0701-02, 6.2.1.1)."""
    return b"\x00\x00\xff" + bytes([len(data), -len(data) & 0xFF]) + data + bytes([-sum(data) & 0xFF, 0])


class Pn532Chip:
    """The chip. `card` is the card on it; alternatively `field` is called at each search."""

    def __init__(self, field: Callable[[], Card | None] | None = None) -> None:
        self.card: Card | None = None
        self.dead = False
        """If set, nothing is acknowledged, as without power."""
        self.garble = 0
        """How many of the next answers get a wrong checksum."""
        self._field = field
        self._input = b""
        self._output = b""
        self._searching = False

    @property
    def ready(self) -> bool:
        """Whether there are bytes to send."""
        self._search()
        return bool(self._output)

    def receive(self, data: bytes) -> None:
        """Process bytes from the host, in pieces of any size."""
        self._input += data
        while (command := self._next_command()) is not None:
            if not self.dead:
                self._searching = False
                self._output = ACK
                self._execute(command)

    def send(self, count: int | None = None) -> bytes:
        """Return up to `count` bytes for the host."""
        self._search()
        data = self._output[:count]
        self._output = self._output[len(data) :]
        return data

    def _next_command(self) -> bytes | None:
        """Remove the next command frame from the input and return it; other bytes are skipped."""
        while (start := self._input.find(_START)) >= 0:
            head = self._input[start + 2 : start + 4]
            if len(head) < 2:  # noqa: PLR2004 - length and its checksum
                return None
            if (head[0] + head[1]) & 0xFF or head[0] == 0:
                self._input = self._input[start + 2 :]
                continue
            end = start + 4 + head[0] + 1
            if len(self._input) < end:
                return None
            data, check = self._input[start + 4 : end - 1], self._input[end - 1]
            self._input = self._input[end:]
            if (sum(data) + check) & 0xFF == 0 and data[0] == _TO_CHIP:
                return data[1:]
        self._input = self._input[-1:]
        return None

    def _execute(self, command: bytes) -> None:
        code, parameters = command[0], command[1:]
        if code == _FIRMWARE:
            self._answer(code, FIRMWARE)
        elif code == _SAM:
            self._answer(code, b"")
        elif code == _RELEASE:
            self._answer(code, b"\x00")
        elif code == _LIST:
            self._searching = True
        elif code == _EXCHANGE:
            card = self._card_present()
            answer = card.exchange(parameters[1:]) if card is not None else b""
            self._answer(code, b"\x00" + answer if answer else bytes([_TIMED_OUT]))
        else:
            self._output += _SYNTAX_ERROR

    def _card_present(self) -> Card | None:
        return self._field() if self._field is not None else self.card

    def _search(self) -> None:
        card = self._card_present() if self._searching and not self.dead else None
        if card is None:
            return
        self._searching = False
        speaks = card.sel_res & 0x20
        answer_to_select = bytes([5 + len(card.historical), 0x78, 0x77, 0x81, 0x02]) if speaks else b""
        target = bytes([1, 1]) + card.sens_res + bytes([card.sel_res, len(card.uid)]) + card.uid
        self._answer(_LIST, target + answer_to_select + (card.historical if speaks else b""))

    def _answer(self, code: int, data: bytes) -> None:
        whole = bytearray(frame(bytes([_FROM_CHIP, code + 1]) + data))
        if self.garble:
            self.garble -= 1
            whole[-2] ^= 0xFF
        self._output += bytes(whole)
