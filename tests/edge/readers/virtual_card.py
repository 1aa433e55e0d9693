"""A virtual smart card on a virtual reader: real pcscd, real reader driver (vpcd), made-up cards.

From a test (fixture `virtual_reader` of `tests/conftest.py`):

    virtual_reader.environment        for processes that should see this reader: `{**os.environ, **...}`
    virtual_reader.name               part of the reader's name, for the option `reader`
    with virtual_reader.card(card):   a card lies on the reader inside the block; `card` is one of
        ...                           hubwell_edge.sim.chips.cards (MemoryCard, CommandCard, Ntag424, phone)
    virtual_reader.present(card)      lays a card down, and takes away what was there
    virtual_reader.remove()           takes it away
    virtual_reader.commands           what was sent to cards, as bytes

`present` and `remove` return when pcscd has noticed, which takes up to half a second: it looks every 0.4 s.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from hubwell_edge.sim.chips.cards import Card
from lanes.missing_part import missing
from lanes.servers import Server, free_port, leashed, until

PREPARE: Final = "scripts/prepare-readers brings it"
DRIVER: Final = "serial/libifdvpcd.so"
DRIVER_FOLDERS: Final = ("/usr/lib/pcsc/drivers", "/usr/lib64/pcsc/drivers", "/usr/lib/pcsc-drivers")
_TRIES: Final = 5
_RECONNECT_S: Final = 0.1
_POWER_OFF, _POWER_ON, _RESET, _GIVE_ATR = 0, 1, 2, 4
_OK: Final = b"\x90\x00"
_NOT_SUPPORTED: Final = b"\x6a\x81"
_LAMPS: Final = bytes.fromhex("ff0040")
_TONE: Final = bytes.fromhex("ff0052")
_GET_UID: Final = bytes.fromhex("ffca0000")

_LAUNCH: Final = """
import os, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen(16)
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
"""
"""Becomes pcscd, so that the process id that it checks is its own."""


def answer_to_reset(historical: bytes) -> bytes:
    """Return the ATR that a contactless reader makes up for a card (PC/SC part 3, 3.1.3.2.3)."""
    head = bytes([0x80 | len(historical), 0x80, 0x01]) + historical
    check = 0
    for byte in head:
        check ^= byte
    return b"\x3b" + head + bytes([check])


class VirtualCard:
    """One card, connected to vpcd; talks its protocol of a two-byte length and a command or an APDU."""

    def __init__(self, card: Card, port: int, commands: list[bytes]) -> None:
        self._card = card
        self._commands = commands
        self._loop = asyncio.new_event_loop()
        self._connected = threading.Event()
        self._gone = asyncio.Event()
        self._thread = threading.Thread(target=self._work, args=(port,), name="virtual-card", daemon=True)

    def connect(self) -> None:
        """Lay the card on the reader. Raises TimeoutError."""
        self._thread.start()
        if not self._connected.wait(10):
            raise TimeoutError("the virtual reader takes no card")

    def remove(self) -> None:
        """Take it away."""
        self._loop.call_soon_threadsafe(self._gone.set)
        self._thread.join(10)

    def _work(self, port: int) -> None:
        self._loop.run_until_complete(self._lie_there(port))
        self._loop.close()

    async def _lie_there(self, port: int) -> None:
        gone = asyncio.create_task(self._gone.wait())
        # vpcd on a busy machine may hang up on a card that answers late; the card still lies there.
        while not gone.done():
            talk = asyncio.create_task(self._connection(port))
            await asyncio.wait({talk, gone}, return_when=asyncio.FIRST_COMPLETED)
            talk.cancel()
            await asyncio.gather(talk, return_exceptions=True)
            await asyncio.wait({gone}, timeout=_RECONNECT_S)

    async def _connection(self, port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        self._connected.set()
        try:
            await self._talk(reader, writer)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            length = int.from_bytes(await reader.readexactly(2), "big")
            message = await reader.readexactly(length)
            if length == 1 and message[0] in {_POWER_OFF, _POWER_ON, _RESET}:
                continue
            if length == 1 and message[0] == _GIVE_ATR:
                answer = answer_to_reset(self._card.historical)
            else:
                self._commands.append(message)
                answer = self._answer(message)
            writer.write(len(answer).to_bytes(2, "big") + answer)
            await writer.drain()

    def _answer(self, apdu: bytes) -> bytes:
        """Answer for the reader what is meant for the reader, and as the card does all else."""
        if apdu.startswith(_GET_UID):
            return self._card.uid + _OK
        if apdu.startswith((_LAMPS, _TONE)):
            return _OK
        return self._card.exchange(apdu) or _NOT_SUPPORTED


class VirtualReader:
    """A pcscd of our own with one virtual reader, beside any other pcscd of the machine.

    It is handed its socket as systemd would (LISTEN_FDS), so that it listens in a folder of the test;
    clients find it by PCSCLITE_CSOCK_NAME. The driver listens for cards on all addresses: for tests only.
    """

    name: Final = "Hubwell virtual"

    def __init__(self, folder: Path) -> None:
        program = shutil.which("pcscd") or shutil.which("pcscd", path="/usr/sbin:/usr/local/sbin")
        if program is None:
            missing("pcscd", PREPARE)
        driver = next((Path(one, DRIVER) for one in DRIVER_FOLDERS if Path(one, DRIVER).exists()), None)
        if driver is None:
            missing("vpcd, the virtual card reader", PREPARE)
        if os.geteuid() != 0:
            missing("the right to start pcscd", "run the tests as root")
        self._socket = folder / "pcscd.comm"
        self._program = program
        self._driver = driver
        self._configuration = folder / "readers"
        self._configuration.mkdir()
        self._log = folder / "pcscd.log"
        self._port = 0
        self._server: Server | None = None
        self._card: VirtualCard | None = None
        self.commands: list[bytes] = []

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in its environment to use this reader."""
        return {"PCSCLITE_CSOCK_NAME": str(self._socket)}

    def start(self) -> None:
        """Start pcscd and wait until its reader takes cards; harmless when it is running."""
        if self._server is not None and self._server.running:
            return
        command = [sys.executable, "-c", _LAUNCH, str(self._socket), self._program]
        command += ["--foreground", "--info", "--config", str(self._configuration)]
        if "--disable-polkit" in self._help():
            command.append("--disable-polkit")
        server = Server("pcscd", leashed(command), self._log)
        for _ in range(_TRIES):
            self._socket.unlink(missing_ok=True)
            self._log.unlink(missing_ok=True)
            self._configure()
            server.start(lambda: self._told("daemon ready") > 0)
            if not self._told("Address already in use"):
                self._server = server
                return
            server.stop()
        raise RuntimeError("the virtual reader found no free ports")

    def _configure(self) -> None:
        self._port = free_port(row=2)
        (self._configuration / "virtual").write_text(
            f'FRIENDLYNAME "{self.name}"\nDEVICENAME /dev/null:0x{self._port:04X}\nLIBPATH {self._driver}\n'
            f"CHANNELID 0x{self._port:04X}\n"
        )

    def stop(self) -> None:
        """Stop it; harmless when it is not running."""
        self.remove()
        if self._server is not None:
            self._server.stop()
            self._server = None

    def present(self, card: Card) -> None:
        """Lay a card on the reader."""
        self.remove()
        self._card = VirtualCard(card, self._port, self.commands)
        before = self._told("Card inserted into")
        self._card.connect()
        self._until_told("Card inserted into", before)

    def remove(self) -> None:
        """Take the card away; harmless when there is none."""
        card, self._card = self._card, None
        if card is not None:
            before = self._told("Card Removed From")
            card.remove()
            if self._server is not None and self._server.running:
                self._until_told("Card Removed From", before)

    def _told(self, what: str) -> int:
        return self._log.read_text(errors="replace").count(what)

    def _until_told(self, what: str, before: int) -> None:
        for _ in until(60):
            if self._told(what) > before:
                return
        raise TimeoutError(f"pcscd does not say {what!r}:\n{self._log.read_text(errors='replace')[-4000:]}")

    def _help(self) -> str:
        done = subprocess.run(
            [self._program, "--help"], capture_output=True, text=True, timeout=20, check=False
        )
        return done.stdout + done.stderr

    @contextmanager
    def card(self, card: Card) -> Iterator[None]:
        """Keep a card on the reader while the block runs."""
        self.present(card)
        try:
            yield
        finally:
            self.remove()
