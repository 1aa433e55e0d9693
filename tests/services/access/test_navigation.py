"""The navigation: five areas at most, only pages that the principal may open, and where the reader is."""

import re

import httpx
import pytest

from hubwell.vocabulary import Role
from services.access.running_app import House

LINK = re.compile(r'<a href="([^"]+)"(?: aria-current="(\w+)")?>([^<]+)</a>')
Links = list[tuple[str, str, str]]


async def links(client: httpx.AsyncClient, path: str) -> tuple[Links, Links]:
    """Return (address, current, name) of the areas, and of the pages of the open area."""
    body = (await client.get(path)).text
    areas, _, rest = body.partition('<nav class="areas"')[2].partition("</nav>")
    pages = rest.partition('<nav class="area"')[2].partition("</nav>")[0]
    return LINK.findall(areas), LINK.findall(pages)


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        ((), ["Board", "On site now", "Alerts", "Devices"]),
        ((Role.STAFF,), ["Board", "People and visits", "Alerts", "Spaces and devices"]),
        ((Role.OSH,), ["Board", "On site now", "Safety", "Devices"]),
        ((Role.FACILITIES,), ["Board", "On site now", "Alerts", "Spaces and devices"]),
        ((Role.ADMIN,), ["Board", "On site now", "Alerts", "Spaces and devices", "Administration"]),
        (tuple(Role), ["Board", "People and visits", "Safety", "Spaces and devices", "Administration"]),
    ],
)
async def test_areas_are_five_at_most_and_every_page_opens(
    house: House, roles: tuple[Role, ...], expected: list[str]
) -> None:
    client = await house.signed_in("ida", *roles) if roles else house.browser()
    areas, _ = await links(client, "/")
    assert [name for _, _, name in areas] == expected
    for address, _, _ in areas:
        seen, pages = await links(client, address)
        assert [link[0] for link in seen if link[1] == "page"] == [address]
        for page, _, _ in pages:
            assert (await client.get(page)).status_code == 200, page


async def test_pages_of_an_area_show_where_the_reader_is(house: House) -> None:
    client = await house.signed_in("ida", *Role)
    for path, area, page in (
        ("/desk", ("/desk", "page"), ("/desk", "page")),
        ("/on-site", ("/desk", "true"), ("/on-site", "page")),
        ("/sessions/new", ("/desk", "true"), ("/sessions", "true")),
        ("/muster", ("/alerts", "true"), ("/muster", "page")),
        ("/muster/names", ("/accounts", "true"), ("/muster/names", "page")),
        ("/privacy/retention", ("/accounts", "true"), ("/audit-log", "true")),
    ):
        areas, pages = await links(client, path)
        assert [link[:2] for link in areas if link[1]] == [area], path
        assert [link[:2] for link in pages if link[1]] == [page], path
    async with house.connection() as conn:
        await conn.execute(
            "INSERT INTO space (id, name, kind, capacity) VALUES ('lab', 'Lab', 'workshop', 8)"
        )
    areas, _ = await links(client, "/spaces/lab")
    assert [link[:2] for link in areas if link[1]] == [("/", "true")]
    officer = await house.signed_in("olga", Role.OSH)
    areas, pages = await links(officer, "/muster/names")
    assert [link[:2] for link in pages if link[1]] == [("/muster", "true")]


async def test_my_visits_are_beside_the_account_on_every_page(house: House) -> None:
    for client in (house.browser(), await house.signed_in("ida", Role.STAFF)):
        page = (await client.get("/")).text
        assert '<a href="/me">My visits</a>' in page.partition('<div class="who">')[2].partition("</div>")[0]
