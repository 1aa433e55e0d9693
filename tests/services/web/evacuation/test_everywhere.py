"""An open evacuation or drill is on every page, in the API and in its stream: the place, and no names."""

import asyncio
import json
import re
from typing import Any, Literal

import pytest
from playwright.async_api import Browser, Page, expect

from lanes.database_lane import Database
from services.evacuation.populated_hub import House
from services.web.axe_check import problems
from services.web.evacuation.officer import HTML, NAMES, PLACE, Officer, signed_in, words
from services.web.page_addresses import PAGES
from services.web.running_site import Site, away, serving

Kind = Literal["alarm", "drill"]
TELLS: dict[Kind, str] = {
    "alarm": "Evacuation: leave the building now.",
    "drill": "Evacuation drill: leave the building now, as in an emergency.",
}
OFFERS = ("Find me a space", "is free", "are free", ">Free<", "Nobody is here")


def banner_of(page: str) -> str:
    found = re.search(r'<div class="evacuation.*?</div>\s*</div>', page, re.DOTALL)
    return words(found[0]) if found else ""


def open_muster(house: House, kind: Kind = "alarm") -> None:
    house.conn.execute("INSERT INTO muster (kind) VALUES (%s)", (kind,))


@pytest.mark.parametrize("kind", ["alarm", "drill"])
async def test_every_page_says_it_and_where_to_gather(site: Site, house: House, kind: Kind) -> None:
    async with signed_in(
        site, house, "everybody", "osh", "admin", "staff", "facilities", "learner"
    ) as all_roles:
        open_muster(house, kind)
        seen = 0
        for client in (site.client, all_roles.client):
            for path in [*PAGES, "/no-such-page"]:  # the board first: it looks
                answer = await client.get(path, headers=HTML)
                if not answer.headers.get("content-type", "").startswith("text/html") or answer.is_redirect:
                    continue
                seen += 1
                assert TELLS[kind] in banner_of(answer.text), path
                assert f"Gather here: {PLACE}." in banner_of(answer.text), path
                assert not any(name in banner_of(answer.text) for name in NAMES), path
        assert seen > 35


async def test_page_and_panel_of_a_space_say_it_and_offer_nothing(site: Site, house: House) -> None:
    house.sensor("metal", "pir/presence", 0)
    before = (await site.client.get("/panel/metal", headers=HTML)).text
    open_muster(house)

    page = (await site.client.get("/spaces/metal", headers=HTML)).text
    panel = (await site.client.get("/panel/metal", headers=HTML)).text

    assert TELLS["alarm"] in banner_of(page)
    assert f"Gather here: {PLACE}." in banner_of(page)
    assert "Free" in words(before)
    assert TELLS["alarm"] in words(panel)
    assert PLACE in words(panel)
    present = page.partition('class="present"')[2].partition("</section>")[0]
    assert "Leave this space" in present
    for shown in (present, panel):
        assert not any(offer in shown for offer in OFFERS)


async def test_only_officers_get_the_way_to_the_list(site: Site, house: House, osh: Officer) -> None:
    open_muster(house)

    async with signed_in(site, house, "admin", "admin", "staff") as other:
        for path in ("/", "/account"):
            assert "Go to the list of people" in await osh.page(path)
            assert "Go to the list of people" not in await other.page(path)
    assert "Go to the list of people" not in (await site.client.get("/", headers=HTML)).text


@pytest.mark.parametrize("kind", ["alarm", "drill"])
async def test_nothing_is_offered_until_it_is_closed(
    site: Site, house: House, osh: Officer, kind: Kind
) -> None:
    house.sensor("metal", "pir/presence", 0)
    before = (await site.client.get("/?find=1&people=1", headers=HTML)).text
    assert "Go to Metal workshop" in before

    await osh.send("/muster", kind=kind)
    during = (await site.client.get("/?find=1&people=1", headers=HTML)).text
    await osh.send(f"/muster/{await osh.muster()}/close")
    after = (await site.client.get("/", headers=HTML)).text

    assert not any(offer in during for offer in (*OFFERS, "Go to Metal workshop"))
    assert "No space is offered now" in during
    assert during.count("Leave this space") == len(house.conn.execute("SELECT FROM space").fetchall())
    assert "Find me a space" in after
    assert banner_of(after) == ""


async def test_hub_without_a_named_place_says_where_to_go(house: House, database: Database) -> None:
    open_muster(house)
    async with serving(database) as unnamed:
        page = (await unnamed.client.get("/", headers=HTML)).text
    assert "Go to the assembly point." in banner_of(page)


async def test_it_stays_on_the_page_of_an_absent_database(site: Site, house: House) -> None:
    open_muster(house)
    await site.client.get("/", headers=HTML)

    with away(site.database):
        answer = await site.client.get("/", headers=HTML)

    assert answer.status_code == 503
    assert TELLS["alarm"] in banner_of(answer.text)


async def test_api_says_it_to_everybody(site: Site, house: House) -> None:
    assert (await site.client.get("/api/v1/evacuation")).json() == {"evacuation": None}
    open_muster(house, "drill")

    told = (await site.client.get("/api/v1/evacuation")).json()["evacuation"]

    assert (told["kind"], told["assembly_point"]) == ("drill", PLACE)
    assert set(told) == {"kind", "since", "assembly_point"}
    assert (await site.client.get("/api/v1/spaces")).json()["evacuation"] == told


@pytest.mark.parametrize("address", ["/api/v1/stream", "/live"])
async def test_streams_say_when_it_begins_and_ends(site: Site, osh: Officer, address: str) -> None:
    async with site.client.stream("GET", address) as response:
        events = _evacuations(response)
        assert not _is_open(await anext(events))
        await osh.send("/muster", kind="alarm")
        begun = await anext(events)
        await osh.send(f"/muster/{await osh.muster()}/close")
        assert _is_open(begun)
        assert not _is_open(await anext(events))
        if address == "/api/v1/stream":
            assert begun["evacuation"]["assembly_point"] == PLACE


def _is_open(data: Any) -> bool:
    return bool(data["open"] if "open" in data else data["evacuation"])


async def _evacuations(response: Any) -> Any:
    kind = ""
    async with asyncio.timeout(20):
        async for line in response.aiter_lines():
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
            elif line.startswith("data: ") and kind == "evacuation":
                yield json.loads(line.removeprefix("data: "))


async def test_open_pages_ask_without_keeping_a_session_alive(house: House, osh: Officer) -> None:
    house.conn.execute("UPDATE sign_in SET last_seen_at = now() - interval '2 hours'")

    assert (await osh.client.get("/evacuation?language=fi")).text.strip() == ""
    await osh.send("/muster", kind="alarm")
    house.conn.execute("UPDATE sign_in SET last_seen_at = now() - interval '2 hours'")
    said = (await osh.client.get("/evacuation?language=fi&officer=1")).text

    assert PLACE in said
    assert 'href="/muster"' in said
    assert house.conn.execute("SELECT now() - last_seen_at > '1 hour' FROM sign_in").fetchone() == (True,)


@pytest.mark.browser
async def test_pages_that_are_open_already_learn_of_it(
    browser: Browser, site: Site, house: House, osh: Officer
) -> None:
    house.sensor("metal", "pir/presence", 0)
    board, form = await browser.new_page(), await browser.new_page()
    await board.goto(site.address + "/?find=1&people=1")
    await board.locator("#live[data-state=live]").wait_for()
    await form.goto(site.address + "/sign-in")
    await form.get_by_label("Login").fill("half typed")

    await osh.send("/muster", kind="alarm")

    for page in (board, form):
        await expect(page.locator(".evacuation")).to_contain_text(PLACE, timeout=20_000)
    await expect(board.locator(".find")).to_have_count(0)
    await expect(board.locator(".answer")).to_have_count(0)
    await expect(form.get_by_label("Login")).to_have_value("half typed")
    await osh.send(f"/muster/{await osh.muster()}/close")
    await expect(board.locator(".evacuation")).to_have_count(0, timeout=20_000)
    await expect(board.locator(".find")).to_have_count(1)
    await board.close()
    await form.close()


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["alarm", "drill"])
async def test_axe_finds_nothing_on_pages_of_an_evacuation(
    browser: Browser, site: Site, house: House, osh: Officer, kind: Kind
) -> None:
    open_muster(house, kind)
    page: Page = await browser.new_page()
    await page.context.add_cookies(
        [{"name": "hubwell", "value": osh.client.cookies["hubwell"], "url": site.address}]
    )
    for path in ("/", "/devices", "/account", "/no-such-page"):
        await page.goto(site.address + path)
        assert await problems(page) == [], path
    await page.close()
