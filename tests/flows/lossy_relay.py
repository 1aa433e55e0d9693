"""A relay between a device and its broker that loses one kind of message on the way down.

It understands just enough of MQTT 3.1.1 to see where a packet ends and which topic a PUBLISH has. A lost
PUBLISH is confirmed to the broker all the same, as by a device that dies after its PUBACK.
"""

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

_PUBLISH = 3
_PUBACK = b"\x40\x02"


class LossyRelay:
    """Listens on a free port; everything goes through but PUBLISH packets down to it with `lost` in them."""

    def __init__(self, broker_port: int, *, lost: str) -> None:
        self._broker_port = broker_port
        self._lost = lost.encode()
        self._losing = threading.Event()
        self._losing.set()
        self._server = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self.lost = 0

    @property
    def url(self) -> str:
        """Where a device connects."""
        return f"mqtt://127.0.0.1:{self._server.getsockname()[1]}"

    def mend(self) -> None:
        """Lose nothing from now on."""
        self._losing.clear()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for end in (self._server, *self._sockets):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self) -> None:
        with suppress(OSError):  # closed at the end of the test
            while True:
                device, _ = self._server.accept()
                broker = socket.create_connection(("127.0.0.1", self._broker_port))
                self._sockets += [device, broker]
                threading.Thread(target=self._up, args=(device, broker), daemon=True).start()
                threading.Thread(target=self._down, args=(broker, device), daemon=True).start()

    def _up(self, device: socket.socket, broker: socket.socket) -> None:
        with suppress(OSError):
            while data := device.recv(65536):
                broker.sendall(data)
            broker.shutdown(socket.SHUT_WR)

    def _down(self, broker: socket.socket, device: socket.socket) -> None:
        waiting = b""
        with suppress(OSError):
            while data := broker.recv(65536):
                waiting += data
                while (packet := _first_packet(waiting)) is not None:
                    waiting = waiting[len(packet) :]
                    if self._losing.is_set() and packet[0] >> 4 == _PUBLISH and self._lost in packet[:200]:
                        self.lost += 1
                        broker.sendall(_PUBACK + _packet_id(packet))
                    else:
                        device.sendall(packet)
            device.shutdown(socket.SHUT_WR)


def _first_packet(data: bytes) -> bytes | None:
    """Return the packet at the start, or None while it is not whole (MQTT 3.1.1 section 2.2)."""
    length, shift, at = 0, 0, 1
    while at < len(data):
        length |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if not data[at - 1] & 0x80:
            return data[: at + length] if len(data) >= at + length else None
    return None


def _packet_id(publish: bytes) -> bytes:
    """Return the two bytes that stand after the topic of a QoS 1 PUBLISH."""
    at = 1
    while publish[at] & 0x80:
        at += 1
    at += 1
    return publish[at + 2 + int.from_bytes(publish[at : at + 2]) :][:2]
