"""Requests as raw bytes: ambiguous lengths are refused, half requests end, redirects name no host."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from hubwell.http import strict_protocol
from hubwell.vocabulary import Role
from lanes.database_lane import Database
from services.access.running_app import PASSWORD, House, open_house

FORM = f"login=rosa&password={PASSWORD.replace(' ', '+')}".encode()
HEAD = b"Host: hub.example\r\nContent-Type: application/x-www-form-urlencoded\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: hub.example\r\n\r\n"


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    async with open_house(database) as opened:
        yield opened


class Wire:
    """A connection of raw bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def rest(self, within: float = 10) -> bytes:
        """Return all that comes until the server closes the connection."""
        async with asyncio.timeout(within):
            try:
                return await self.reader.read()
            finally:
                self.writer.close()


async def wire(house: House) -> Wire:
    host, _, port = house.address.removeprefix("http://").partition(":")
    return Wire(*await asyncio.open_connection(host, int(port)))


def post(*headers: bytes, body: bytes = FORM, version: bytes = b"1.1") -> bytes:
    lines = b"".join(header + b"\r\n" for header in headers)
    return b"POST /sign-in HTTP/" + version + b"\r\n" + HEAD + lines + b"\r\n" + body


LENGTH = b"Content-Length: %d" % len(FORM)
CHUNKED = b"Transfer-Encoding: chunked"
IN_CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(FORM), FORM)


@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(post(LENGTH, CHUNKED, body=IN_CHUNKS + SMUGGLED), id="length and chunks"),
        pytest.param(post(CHUNKED, LENGTH, body=IN_CHUNKS + SMUGGLED), id="chunks and length"),
        pytest.param(post(b"Content-Length: 0", LENGTH, body=SMUGGLED), id="two lengths"),
        pytest.param(post(b"Content-Length: 0, %d" % len(FORM), body=SMUGGLED), id="list of lengths"),
        pytest.param(post(b"Content-Length: +%d" % len(FORM)), id="sign"),
        pytest.param(post(b"Content-Length: 0x10"), id="hexadecimal"),
        pytest.param(post(b"Content-Length: -1"), id="negative"),
        pytest.param(post(b"Content-Length : %d" % len(FORM)), id="space before the colon"),
        pytest.param(post(CHUNKED, b"Transfer-Encoding: identity", body=IN_CHUNKS), id="two encodings"),
        pytest.param(post(b"Transfer-Encoding: identity, chunked", body=IN_CHUNKS), id="list of encodings"),
        pytest.param(post(b"Transfer-Encoding: xchunked", body=IN_CHUNKS), id="unknown encoding"),
        pytest.param(post(b"Transfer-Encoding:\x0bchunked", body=IN_CHUNKS), id="odd blank"),
        pytest.param(post(CHUNKED, body=IN_CHUNKS + SMUGGLED, version=b"1.0"), id="chunks in HTTP/1.0"),
        pytest.param(post(CHUNKED, body=b"0x5\r\nlogin\r\n0\r\n\r\n"), id="size of a chunk"),
    ],
)
async def test_request_of_ambiguous_length_is_refused_and_nothing_after_it_is_read(
    house: House, request_bytes: bytes
) -> None:
    await house.add("rosa", Role.STAFF)
    connection = await wire(house)
    await connection.send(request_bytes)
    answer = await connection.rest()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"set-cookie" not in answer


@pytest.mark.parametrize(
    "request_bytes", [post(LENGTH, b"Connection: close"), post(CHUNKED, b"Connection: close", body=IN_CHUNKS)]
)
async def test_request_with_one_length_is_answered(house: House, request_bytes: bytes) -> None:
    await house.add("rosa", Role.STAFF)
    connection = await wire(house)
    await connection.send(request_bytes)
    assert (await connection.rest()).startswith(b"HTTP/1.1 303 ")


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHost: hub.example\r\n",
        post(LENGTH, body=FORM[:-1]),
        post(CHUNKED, body=b"5\r\nlog"),
    ],
)
async def test_half_request_ends_in_time(
    house: House, beginning: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strict_protocol, "HEAD_WITHIN_S", 0.3)
    monkeypatch.setattr(strict_protocol, "BODY_WITHIN_S", 0.6)
    connection = await wire(house)
    await connection.send(beginning)
    assert (await connection.rest(within=3)).startswith(b"HTTP/1.1 408 ")


async def test_large_body_has_its_time_for_each_mebibyte(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strict_protocol, "BODY_WITHIN_S", 0.8)
    connection = await wire(house)
    await house.add("boss", Role.FACILITIES)
    token = (await house.token("script", [Role.FACILITIES])).encode()
    head = (
        b"POST /api/v1/register/plans?name=Hall HTTP/1.1\r\nHost: hub.example\r\nAuthorization: Bearer "
        + token
    )
    await connection.send(head + b"\r\nContent-Length: %d\r\n\r\n" % (4 * 2**20))
    for _ in range(3):
        await connection.send(bytes(2**20))
        await asyncio.sleep(0.5)
    assert not connection.reader.at_eof()
    assert (await connection.rest(within=3)).startswith(b"HTTP/1.1 408 ")


async def test_dripping_header_ends_in_time_and_a_slow_answer_does_not(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strict_protocol, "HEAD_WITHIN_S", 0.4)
    watching = await wire(house)
    await watching.send(b"GET /api/v1/stream HTTP/1.1\r\nHost: hub.example\r\n\r\n")
    dripping = await wire(house)
    await dripping.send(b"GET / HTTP/1.1\r\nHost: hub.example\r\n")
    drops = 0
    while not dripping.reader.at_eof() and drops < 20:
        await asyncio.sleep(0.1)
        drops += 1
        try:
            await dripping.send(b"X-Drop: 1\r\n")
        except ConnectionError:
            break
        if dripping.reader.at_eof() or b"408" in dripping.reader._buffer:  # type: ignore[attr-defined]
            break
    assert drops < 10
    dripping.writer.close()
    assert (await watching.reader.readline()).startswith(b"HTTP/1.1 200 ")
    await asyncio.sleep(0.6)
    assert not watching.reader.at_eof()
    watching.writer.close()


async def test_second_half_request_on_one_connection_ends_too(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strict_protocol, "HEAD_WITHIN_S", 0.4)
    connection = await wire(house)
    whole = b"GET /api/v1/health HTTP/1.1\r\nHost: hub.example\r\n\r\n"
    await connection.send(whole + b"GET /api/v1/health HT")
    answers = await connection.rest(within=3)
    assert answers.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 408 " in answers


@pytest.mark.parametrize("path", ["/sign-in/", "/devices/", "/api/v1/spaces/", "/api/v1/health/?a=b"])
@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "hub.example@evil.example"])
async def test_redirect_names_no_host(house: House, path: str, host: str) -> None:
    answer = await house.browser(host=host).get(path)
    assert answer.status_code == 307
    assert answer.headers["location"] == path.replace("/?", "?").removesuffix("/")


async def test_sign_in_forced_by_a_page_leads_to_this_site_whatever_the_host(house: House) -> None:
    for host in ("evil.example", "hub.example"):
        answer = await house.browser(host=host).get("/account")
        assert answer.headers["location"].startswith("/sign-in?next=/account")
