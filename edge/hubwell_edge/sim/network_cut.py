"""The network cable of one simulated device: carries its bytes to the broker until somebody pulls it.

A relay on the loopback interface, so that the device's own uplink meets a real lost connection.
"""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self

_CHUNK = 64 * 1024


class NetworkCut:
    """Relays from a free local port to `host`:`port`. Plugged in at first; use it with ``async with``."""

    def __init__(self, host: str, port: int) -> None:
        self.port = 0
        """The local port; given when the cable is first plugged in, and kept."""
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()

    async def plug(self) -> None:
        """Plug it in, if it is not. Raises OSError if somebody else took the port meanwhile."""
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def pull(self) -> None:
        """Pull it, if it is plugged in: every connection is cut, and new ones are refused."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    async def __aenter__(self) -> Self:
        await self.plug()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.pull()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A task of its own: the server's task must not be the one that is cancelled.
        talk = asyncio.create_task(self._relay(reader, writer), name="cable.relay")
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)

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
