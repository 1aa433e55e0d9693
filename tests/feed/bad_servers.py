"""Web servers that behave badly, written on bare sockets."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from time import monotonic

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class BadServer:
    """A server that reads a request and then answers as `answer` does."""

    answer: Answer
    url: str = ""
    posts: list[float] = field(default_factory=list)
    """When each request was there, in monotonic seconds."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = await reader.readuntil(b"\r\n\r\n")
            lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            if lengths:
                await reader.readexactly(int(lengths[0].partition(b":")[2]))
            self.posts.append(monotonic())
            await self.answer(writer)
        writer.close()


@asynccontextmanager
async def bad_server(answer: Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator[BadServer]:
    """Serve on a free port; its connections end with it."""
    bad = BadServer(answer)
    server = await asyncio.start_server(bad.serve, "127.0.0.1", 0, ssl=tls)
    bad.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}/alerts"
    try:
        yield bad
    finally:
        server.close()


async def hang(_: asyncio.StreamWriter) -> None:
    """Take the post and never answer."""
    await asyncio.Event().wait()


async def drip_headers(writer: asyncio.StreamWriter) -> None:
    """Send a byte of a header now and then, for ever."""
    writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.05)


async def drip_body(writer: asyncio.StreamWriter) -> None:
    """Send a whole head, and a byte of the body now and then."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.05)


async def endless_body(writer: asyncio.StreamWriter) -> None:
    """Send 1 GB."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
    for _ in range(1000):
        writer.write(bytes(1_000_000))
        await writer.drain()


def text(body: bytes, *headers: str, line: str = "200 OK") -> Answer:
    """Return an answer with this body."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {line}", f"Content-Length: {len(body)}", *headers, "", ""]
        writer.write("\r\n".join(lines).encode() + body)
        await writer.drain()

    return answer


def raw(answered: bytes) -> Answer:
    """Return an answer of these bytes, after which the connection ends."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(answered)
        await writer.drain()

    return answer


def status(line: str, *headers: str) -> Answer:
    """Return an answer with this status line and these headers, and no body."""

    return text(b"", *headers, line=line)
