"""One HTTP exchange with another server: one limit of time for all of it, one of bytes for the answer's body.

The timeouts of HTTP libraries are per read: a server that sends a byte per second never reaches them. Here a
deadline ends name look-up, connection, request and answer together. Redirects are not followed, because an
address that was configured is the one that is meant, and compressed answers are refused, because their size
is known only after they were unpacked.
"""

import asyncio
import json
import logging
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

import httpx

from hubwell.errors import first_line

# It logs whole addresses, and that of a provider or a webhook may hold a secret; at no level may it do so.
logging.getLogger("httpx").disabled = True

ExchangeFailure = Literal["unreachable", "certificate", "too-slow", "too-large", "redirect", "not-http"]
"""Why there is no answer. `unreachable` and `too-slow` may pass, the others stay until a setting changes."""
PASSING: Final[frozenset[ExchangeFailure]] = frozenset(("unreachable", "too-slow"))
_ENDED_EARLY: Final = re.compile("disconnected|closed connection")
"""In the text of a RemoteProtocolError: the server restarts, perhaps; any other is no HTTP."""
_LARGEST_PORT: Final = 65535
_REDIRECTS: Final = frozenset((301, 302, 303, 307, 308))


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one exchange."""

    seconds: float
    """From the look-up of the name to the last byte of the answer."""
    body_bytes: int
    """Largest body of an answer; with 0 no body is read."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a request."""

    status: int
    headers: Mapping[str, str]
    """By name in lower case."""
    body: bytes

    @property
    def is_success(self) -> bool:
        """Return whether the status is 2xx."""
        return self.status // 100 == 2  # noqa: PLR2004 (the class of statuses)

    @property
    def media_type(self) -> str:
        """Return the type of the body in lower case, without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def json(self) -> Any:  # noqa: ANN401 (JSON of another server)
        """Return the body as JSON. Raises ValueError."""
        try:
            return json.loads(self.body)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error


class ExchangeError(Exception):
    """There is no answer that can be used.

    `failure` is the kind; the text says what happened with which host, and holds no path, query or password.
    """

    def __init__(self, failure: ExchangeFailure, text: str) -> None:
        super().__init__(text)
        self.failure: ExchangeFailure = failure


async def exchange(
    method: str,
    url: str,
    *,
    limits: Limits,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    ca_file: Path | None = None,
) -> Answer:
    """Send a request and return the answer, whatever its status, except a redirect.

    `ca_file` has certificate authorities (PEM) that are trusted besides the public ones. Raises
    ExchangeError; the connection is closed then, and at most `limits.body_bytes` and one chunk were read.
    """
    try:
        async with asyncio.timeout(limits.seconds):
            return await _send(method, httpx.URL(url), limits, headers or {}, body, ca_file)
    except TimeoutError as error:
        raise ExchangeError("too-slow", f"{_host(url)} took longer than {limits.seconds:g} s") from error
    except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
        raise _failure_of(error, _host(url)) from error


async def _send(
    method: str,
    url: httpx.URL,
    limits: Limits,
    headers: Mapping[str, str],
    body: bytes | None,
    ca_file: Path | None,
) -> Answer:
    if (url.port or 0) > _LARGEST_PORT:
        raise ExchangeError("not-http", f"{url.host}: there is no port {url.port}")
    # The deadline around this call is the limit of time; the library's own would only be per read.
    client = httpx.AsyncClient(verify=_trusted(ca_file), timeout=None, follow_redirects=False)  # noqa: S113
    async with (
        client,
        client.stream(
            method, url, content=body, headers={"Accept-Encoding": "identity", **headers}
        ) as response,
    ):
        if response.status_code in _REDIRECTS:
            raise ExchangeError("redirect", f"{url.host} redirects elsewhere (status {response.status_code})")
        return Answer(
            response.status_code,
            {name.lower(): value for name, value in response.headers.items()},
            await _body_of(response, limits.body_bytes) if limits.body_bytes else b"",
        )


async def _body_of(response: httpx.Response, most: int) -> bytes:
    """Return the body. Raises ExchangeError where it is longer than `most` bytes, or compressed."""
    host = response.url.host
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise ExchangeError("not-http", f"{host} sent a compressed answer that was not asked for")
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > most:
            raise ExchangeError("too-large", f"{host} sent more than {most} bytes")
    return bytes(body)


@lru_cache(maxsize=4)
def _trusted(ca_file: Path | None) -> ssl.SSLContext:
    """Return the context with the public authorities and those of the file. Raises ExchangeError."""
    context = httpx.create_ssl_context()
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=ca_file)
        except (OSError, ssl.SSLError) as error:
            text = f"the certificate authorities in {ca_file} cannot be read: {first_line(error)}"
            raise ExchangeError("certificate", text) from error
    return context


def _failure_of(error: Exception, host: str) -> ExchangeError:
    """Return what an error of the library means."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return ExchangeError("certificate", f"{host}: {cause.verify_message or first_line(cause)}")
        if isinstance(cause, ssl.SSLError):
            return ExchangeError("certificate", f"{host}: {cause.reason or first_line(cause)}")
    if isinstance(error, httpx.LocalProtocolError | UnicodeError):
        # Its text may repeat a header, and with it a secret.
        return ExchangeError("not-http", f"{host}: the request could not be written")
    text = f"{host}: {type(error).__name__}: {first_line(error)}"[:300]
    if isinstance(error, httpx.RemoteProtocolError) and not _ENDED_EARLY.search(str(error)):
        return ExchangeError("not-http", text)
    if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL):
        return ExchangeError("not-http", text)
    return ExchangeError("unreachable", text)


def _host(url: str) -> str:
    """Return the host of an address, the only part of it that may be shown."""
    try:
        return httpx.URL(url).host or "the server"
    except httpx.InvalidURL:
        return "the server"


def _causes(error: BaseException) -> list[BaseException]:
    """Return the error and what caused it, the outermost first."""
    causes: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in causes:
        causes.append(cause)
        cause = cause.__cause__ or cause.__context__
    return causes
