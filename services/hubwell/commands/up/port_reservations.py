"""Ports that one `hubwell up` has chosen and does not serve yet.

Between the choice and the start of the broker another `hubwell up` of this machine can find the same port
free. Each reservation is a UDP socket of the same number: TCP servers do not meet it, other reservations do.
"""

import secrets
import socket
from types import TracebackType
from typing import Self

from hubwell.runtime.preflight import is_free

_ATTEMPTS = 100
_PORTS = range(10_000, 20_000)
"""Below the ports that Linux gives to outgoing connections, which could take one before it is served."""


class PortReservations:
    """The reserved ports; leaving the context gives them back."""

    def __init__(self) -> None:
        """Begin without a port."""
        self._held: list[socket.socket] = []

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give every port back."""
        while self._held:
            self._held.pop().close()

    def reserve(self, host: str, preferred: int = 0) -> int:
        """Return a free port that no other `hubwell up` has reserved, the preferred one if possible.

        :raises OSError: no port is free.
        """
        for wanted in (preferred or _any(), *(_any() for _ in range(_ATTEMPTS))):
            held = _bound(host, wanted)
            if held is None:
                continue
            port: int = held.getsockname()[1]
            if is_free(host, port):
                self._held.append(held)
                return port
            held.close()
        raise OSError(f"no free port at {host} in {_ATTEMPTS} attempts")


def _any() -> int:
    return secrets.choice(_PORTS)


def _bound(host: str, port: int) -> socket.socket | None:
    family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    reserved = socket.socket(family, socket.SOCK_DGRAM)
    try:
        reserved.bind(address)
    except OSError:
        reserved.close()
        return None
    return reserved
