"""uvicorn's HTTP protocol, stricter: requests of ambiguous length are refused, half requests end in time.

A proxy in front could see another end of a request of ambiguous length than this server does, and pass what
follows as the next visitor's request (request smuggling, RFC 9112, 11.2). uvicorn has no time limit for a
request that never ends.
"""

import asyncio
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_WITHIN_S: Final = 10.0
"""From the first byte, or from connecting, to the end of the header."""
BODY_WITHIN_S: Final = 30.0
"""From the end of the header to the end of the body, and for each further MiB of a larger one."""
_MIB: Final = 1024 * 1024
_TIMED_OUT: Final = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class StrictProtocol(H11Protocol):
    """One connection of a client or a proxy."""

    _deadline: asyncio.TimerHandle | None = None
    _awaits_body = False
    _received = 0
    """Bytes since the wait began."""

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401  (as uvicorn makes it)
        super().__init__(*args, **options)
        self.conn = _StrictConnection(h11.SERVER)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._limit(HEAD_WITHIN_S)

    def data_received(self, data: bytes) -> None:
        """Read on; wait for the rest of an incomplete request, but not for ever."""
        super().data_received(data)
        self._received += len(data)
        is_unanswered = self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE)
        if self._awaits_body and is_unanswered and self._received >= _MIB:
            self._unlimit()  # a picture that is uploaded takes its time
        self._watch(has_begun=True)

    def on_response_complete(self) -> None:
        """Watch what a client sent before it had its answer."""
        super().on_response_complete()
        self._watch(has_begun=bool(self.conn.trailing_data[0]))

    def connection_lost(self, exc: Exception | None) -> None:
        """End the wait."""
        self._unlimit()
        super().connection_lost(exc)

    def _watch(self, *, has_begun: bool) -> None:
        awaits_body = self.conn.their_state is h11.SEND_BODY
        awaits_head = self.conn.their_state is h11.IDLE and has_begun
        if self._deadline is not None and (
            awaits_body != self._awaits_body or not (awaits_body or awaits_head)
        ):
            self._unlimit()
        if self._deadline is None and (awaits_body or awaits_head):
            self._limit(BODY_WITHIN_S if awaits_body else HEAD_WITHIN_S)
        self._awaits_body = awaits_body

    def _limit(self, seconds: float) -> None:
        self._received = 0
        self._deadline = self.loop.call_later(seconds, self._give_up)

    def _unlimit(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        if self.transport.is_closing():
            return
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):  # else an answer is on its way already
            self.transport.write(_TIMED_OUT)
        self.transport.close()


class _StrictConnection(h11.Connection):
    """Refuses what h11 accepts by preferring one of two lengths."""

    def next_event(self) -> Any:  # noqa: ANN401  (as h11's)
        """Return the next event. Raises RemoteProtocolError for a request of ambiguous length."""
        event = super().next_event()
        if isinstance(event, h11.Request):
            names = [name for name, _ in event.headers]
            if b"transfer-encoding" in names and (b"content-length" in names or event.http_version < b"1.1"):
                raise h11.RemoteProtocolError("the length of the request is ambiguous")
        return event
