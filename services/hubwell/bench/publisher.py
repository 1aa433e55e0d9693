"""Publish a prepared load as fast as the broker accepts it, in a separate process that is not measured.

Reads the encoded packets from a file written by `write_load`, keeps a window of unconfirmed messages and ends
when the broker has confirmed the last one.
"""

import asyncio
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import mqtt5

_WINDOW: Final = 2000
_IDS: Final = 65_000
_LENGTH_BYTES: Final = 4


def write_load(file: Path, messages: Iterable[tuple[str, bytes]]) -> None:
    """Write (topic, payload) pairs as encoded QoS 1 PUBLISH packets, each after its length."""
    with file.open("wb") as out:
        for number, (topic, payload) in enumerate(messages):
            packet = mqtt5.PublishPacket(
                topic, payload, qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=number % _IDS + 1
            ).write()
            out.write(len(packet).to_bytes(_LENGTH_BYTES) + packet)


def read_load(file: Path) -> list[bytes]:
    """Return the encoded packets of a file made by `write_load`."""
    data = file.read_bytes()
    frames, position = [], 0
    while position < len(data):
        start = position + _LENGTH_BYTES
        position = start + int.from_bytes(data[position:start])
        frames.append(data[start:position])
    return frames


class _Confirmations:
    """Counts the broker's PUBACKs in the stream of its packets."""

    def __init__(self) -> None:
        self.count = 0
        self._rest = b""

    def feed(self, data: bytes) -> None:
        view, position = memoryview(self._rest + data), 0
        while True:
            try:
                packet, size = mqtt5.read(view[position:])
            except IndexError:
                self._rest = bytes(view[position:])
                return
            position += size
            if isinstance(packet, mqtt5.PubAckPacket):
                self.count += 1


async def publish(url: str, frames: list[bytes]) -> None:
    """Send every frame and wait for the last confirmation. Raises OSError."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(mqtt5.ConnectPacket("hubwell-bench-publisher", keep_alive=600).write())
    await reader.read(1024)
    confirmations, sent_count = _Confirmations(), 0
    while confirmations.count < len(frames):
        room = _WINDOW - (sent_count - confirmations.count)
        writer.write(b"".join(frames[sent_count : sent_count + room]))
        sent_count = min(len(frames), sent_count + room)
        await writer.drain()
        confirmations.feed(await reader.read(1 << 18))
    writer.write(mqtt5.DisconnectPacket().write())
    await writer.drain()
    writer.close()
    await writer.wait_closed()


if __name__ == "__main__":
    asyncio.run(publish(sys.argv[1], read_load(Path(sys.argv[2]))))
