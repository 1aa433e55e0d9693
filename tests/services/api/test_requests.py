"""What a request may hold, and in which order it is refused: rights, then method and values."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx
import pytest

from hubwell.vocabulary import Role
from lanes.database_lane import Database
from services.access.running_app import House, open_house


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    await asyncio.to_thread(_add_space, database.url)
    async with open_house(database) as opened:
        yield opened


def _add_space(url: str) -> None:
    from feed.ingest_setup import device_in  # noqa: PLC0415 (opens a connection at import)

    device_in(url, "lab")


NUMBERS = [
    "0",
    "1",
    "0.5",
    "1700000000",
    "-1",
    "1e9",
    "20261129",
    "2026-W48-7",
    "2026-333",
    "today",
    "\u0662\u0660\u0662\u0666-11-29",
]


@pytest.mark.parametrize("day", NUMBERS)
@pytest.mark.parametrize("path", ["/api/v1/people", "/api/v1/people.csv"])
async def test_day_is_an_iso_date(house: House, path: str, day: str) -> None:
    client = house.browser(accept="application/json")
    answer = await client.get(path, params={"day": day})
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] == "bad-parameters"
    assert "2026-11-22" in answer.json()["errors"][0]["do"]
    assert (await client.get(path, params={"day": "2026-11-29"})).status_code == 200


@pytest.mark.parametrize("moment", ["0", "0.5", "1700000000", "2026-11-29", "2026-11-29T10:00:00", "10:00"])
@pytest.mark.parametrize("name", ["from", "to"])
async def test_time_is_iso_with_its_zone(house: House, name: str, moment: str) -> None:
    client = house.browser(accept="application/json")
    answer = await client.get("/api/v1/spaces/lab/readings", params={name: moment})
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == f"query.{name}"


async def test_times_in_bodies_are_texts(house: House) -> None:
    admin = await house.token("robot", [Role.ADMIN])
    client = house.browser(accept="application/json", authorization=f"Bearer {admin}")
    body = {"name": "robot-2", "roles": ["staff"]}
    for moment in (1700000000, 2000000000.5, "2000000000", True):
        answer = await client.post("/api/v1/tokens", json=body | {"expires_at": moment})
        assert answer.status_code == 422, moment
    answer = await client.post("/api/v1/tokens", json=body | {"expires_at": "2036-11-29T10:00:00+02:00"})
    assert answer.status_code < 300, answer.text


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/api/v1/muster", "GET, POST"),
        ("DELETE", "/sign-in", "GET, POST"),
        ("PUT", "/sign-out", "GET, POST"),
        ("PATCH", "/api/v1/persons/0b0e6a8c-0000-4000-8000-000000000000", "GET, PUT"),
        ("POST", "/api/v1/spaces/lab", "GET"),
    ],
)
async def test_allow_names_all_methods_of_the_address(
    house: House, method: str, path: str, allowed: str
) -> None:
    answer = await house.browser(accept="application/json").request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


BODIES = [b'"\xff\xfe"', b"{", b"[" * 100_000, b"null", b"", bytes(900_000)]


@pytest.mark.parametrize("body", BODIES, ids=["no UTF-8", "half", "deep", "null", "empty", "large"])
@pytest.mark.parametrize(
    "path", ["/api/v1/muster", "/api/v1/tokens", "/api/v1/persons", "/api/v1/badges/taps"]
)
async def test_stranger_is_refused_before_the_body_is_looked_at(house: House, path: str, body: bytes) -> None:
    client = house.browser(accept="application/json")
    headers = {"content-type": "application/json"}
    answer = await client.post(path, content=body, headers=headers)
    if path == "/api/v1/badges/taps":
        assert answer.status_code == 405  # no such method: there is no right to ask for
        return
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="hubwell"'
    assert answer.headers["cache-control"] == "no-store"
    headers |= {"authorization": "Bearer made-up"}
    assert (await client.post(path, content=body, headers=headers)).status_code == 401
    other = await house.token("robot", [Role.LEARNER])
    headers |= {"authorization": f"Bearer {other}"}
    assert (await client.post(path, content=body, headers=headers)).status_code == 403


async def test_stranger_gets_the_answer_without_sending_the_body(house: House) -> None:
    """The body is announced and never comes: the answer does not wait for it."""
    parts = urlsplit(house.address)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    head = f"POST /api/v1/muster HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Content-Length: 1000\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n"), 5)
    writer.close()
    assert b" 401 " in answer


@pytest.mark.parametrize("body", BODIES[:4], ids=["no UTF-8", "half", "deep", "null"])
async def test_body_that_cannot_be_read_is_422_as_documented(house: House, body: bytes) -> None:
    token = await house.token("robot", [Role.ADMIN])
    headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
    client = house.browser(accept="application/json")
    answer = await client.post("/api/v1/tokens", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad-parameters")
    described = (await client.get("/api/v1/openapi.json")).json()["paths"]["/api/v1/tokens"]["post"]
    assert {"401", "403", "422"} <= described["responses"].keys()


async def test_page_of_staff_sends_a_stranger_to_sign_in_before_its_form_is_read(house: House) -> None:
    answer: httpx.Response = await house.browser().post(
        "/desk/people", content=b"\xff", headers={"content-type": "multipart/form-data"}
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/")


async def test_form_of_another_site_is_still_refused(house: House) -> None:
    browser = await house.signed_in("rosa", Role.ADMIN)
    headers = {"sec-fetch-site": "cross-site"}
    answer = await browser.post("/accounts", data={"login": "x"}, headers=headers)
    assert answer.status_code == 403
