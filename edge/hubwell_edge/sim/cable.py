"""The network cable of one simulated device: carries its bytes to the broker until somebody pulls it.

A relay on the loopback interface, so that the device's own uplink meets a real lost connection.
"""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self

_CHUNK = 64 * 1024


class Cable:
    """Relays from a free local port to `host`:`port`. Plugged in at first; use it with ``async with``."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._plugged = True
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """The local port; only while the cable is in use."""
        if self._server is None:
            raise RuntimeError("the cable is not in use")
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def set(self, *, plugged: bool) -> None:
        """Pull the cable, which cuts every connection at once, or plug it in again."""
        if self._plugged and not plugged:
            for talk in self._talks:
                talk.cancel()
        self._plugged = plugged

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A task of its own: the server's task must not be the one that is cancelled.
        talk = asyncio.create_task(self._relay(reader, writer), name="cable.relay")
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_writer: asyncio.StreamWriter | None = None
        try:
            if self._plugged:
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
