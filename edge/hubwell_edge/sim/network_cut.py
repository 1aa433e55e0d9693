"""A network cable for one simulated device: relays its bytes to the broker until it is cut.

A relay on the loopback interface, so that the device's real uplink meets a real lost connection.
"""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self

_CHUNK = 64 * 1024


class NetworkCut:
    """Relays from a free local port to `host`:`port`. Connected at first; use it with ``async with``."""

    def __init__(self, host: str, port: int) -> None:
        self.port = 0
        """The local port; chosen at the first `connect` and then unchanged."""
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._relays: set[asyncio.Task[None]] = set()

    async def connect(self) -> None:
        """Start relaying, if not connected.

        Raises OSError if another program has taken the port meanwhile.
        """
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Stop relaying, if connected: every connection is closed, and new ones are refused."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        for relay in self._relays:
            relay.cancel()
        await asyncio.gather(*self._relays, return_exceptions=True)

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.cut()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A task of its own, because `cut` cancels it: the task of the asyncio server must not be cancelled.
        relay = asyncio.create_task(self._relay(reader, writer), name="network-cut.relay")
        self._relays.add(relay)
        relay.add_done_callback(self._relays.discard)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_writer: asyncio.StreamWriter | None = None
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
            ways = [_copy(reader, far_writer), _copy(far_reader, writer)]
            tasks = [asyncio.create_task(way) for way in ways]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        except OSError:
            pass  # no broker there: the device sees a closed connection and tries again
        finally:
            for end in (writer, far_writer):
                if end is not None:
                    end.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
