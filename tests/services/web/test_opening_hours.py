"""Closed spaces are not offered, however they are asked for; attributes that people need are chips."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from zoneinfo import ZoneInfo

import httpx

from services.web.running_site import Site
from services.web.sample_hub import Hub

ZONE = ZoneInfo("Europe/Helsinki")


def _words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


async def _page(client: httpx.AsyncClient, path: str = "/") -> str:
    answer = await client.get(path, headers={"accept": "text/html"})
    assert answer.status_code == 200
    return answer.text


def _row(page: str, space: str) -> str:
    found = re.search(rf'<li class="row" id="space-{space}".*?</li>', page, re.DOTALL)
    assert found is not None, space
    return found[0]


def _close(hub: Hub, *spaces: str) -> str:
    """Close spaces for the next hours; return when they open."""
    now = datetime.now(ZONE)
    opens = (now + timedelta(hours=2)).strftime("%H:%M")
    hub.conn.execute(
        "UPDATE space SET closes_at = %s, opens_at = %s WHERE id = ANY (%s)",
        ((now - timedelta(hours=1)).strftime("%H:%M"), opens, list(spaces)),
    )
    return opens


async def test_closed_space_is_closed_and_not_free(hub: Hub, site: Site) -> None:
    opens = _close(hub, "studio", "wood-workshop")

    page = await _page(site.client)
    studio = _row(page, "studio")
    assert "Closed" in _words(studio)
    assert f"It opens at {opens}." in _words(studio)
    assert "#shape-closed" in studio
    assert "Free" not in _words(studio)
    assert "In use" in _words(_row(page, "wood-workshop"))  # people are there, whatever the hours
    assert re.findall(r'<li class="row" id="space-([a-z-]+)"', page)[3:6] == [
        "project-room",
        "commons",
        "studio",
    ]

    for path in ("/wall", "/panel/studio", "/spaces/studio"):
        assert "Closed" in _words(await _page(site.client, path)), path
    spaces = {space["id"]: space for space in (await site.client.get("/api/v1/spaces")).json()["spaces"]}
    assert (spaces["studio"]["open"], spaces["project-room"]["open"]) == (False, True)


async def test_closed_space_is_never_offered_and_not_counted(hub: Hub, site: Site) -> None:
    before = re.search(r"(\d) of 9 spaces are free", await _page(site.client))
    assert before is not None
    _close(hub, "studio", "project-room")

    page = _words(await _page(site.client, "/?people=7&quiet=1&kind=collaboration&find=1"))

    assert "No space matches right now" in page
    assert f"{int(before[1]) - 2} of 9 spaces are free" in page


async def test_hub_after_hours_says_so(hub: Hub, site: Site) -> None:
    hub.conn.execute("DELETE FROM visit")
    hub.conn.execute(
        "UPDATE reading SET value = 0 WHERE series_id IN (SELECT id FROM series WHERE quantity = 'presence')"
    )
    _close(hub, *[row[0] for row in hub.conn.execute("SELECT id FROM space").fetchall()])

    assert "Every space is closed now" in _words(await _page(site.client))


async def test_closing_time_is_part_of_the_answer(hub: Hub, site: Site) -> None:
    closes = (datetime.now(ZONE) + timedelta(minutes=40)).strftime("%H:%M")
    hub.conn.execute("UPDATE space SET closes_at = %s WHERE id = 'studio'", (closes,))
    if closes < datetime.now(ZONE).strftime("%H:%M"):  # after midnight: say when it opened
        hub.conn.execute("UPDATE space SET opens_at = '12:00' WHERE id = 'studio'")

    words = _words(await _page(site.client, "/?people=7&kind=collaboration&find=1"))

    assert f"It closes at {closes}." in words[words.index("Go to Media studio") :]


async def test_board_changes_by_itself_when_a_space_closes(hub: Hub, site: Site) -> None:
    closes = datetime.now(ZONE) + timedelta(seconds=6)
    hub.conn.execute(
        "UPDATE space SET closes_at = %s, opens_at = %s WHERE id = 'studio'",
        (closes.time(), (closes + timedelta(hours=1)).time()),
    )

    async with site.client.stream("GET", "/live", timeout=40) as stream:
        async for line in stream.aiter_lines():
            if line.startswith("data:") and "shape-closed" in line and "studio" in line:
                break
        else:
            raise AssertionError("the stream ended before the space was shown as closed")
    assert datetime.now(UTC) >= closes


async def test_access_attributes_filter_board_and_answer(hub: Hub, site: Site) -> None:
    assert 'name="access"' not in await _page(site.client)  # no space has any
    hub.conn.execute("UPDATE space SET features = '{step-free,daylight}' WHERE id = 'studio'")
    hub.conn.execute("UPDATE space SET features = '{step-free}' WHERE id IN ('commons', 'library')")

    page = await _page(site.client, "/?access=step-free&access=daylight&access=lift&find=1")

    assert re.findall(r'name="access" type="checkbox" value="([a-z-]+)"( checked)?', page) == [
        ("step-free", " checked"),
        ("daylight", " checked"),
    ]
    words = _words(page)
    assert "Go to Media studio" in words
    assert "As you asked: Step-free access, Daylight." in words
    assert "1 of 9 spaces matches your request" in words
    shown = set(re.findall(r'<li class="row" id="space-([a-z-]+)"[^>]*data-place="\d"(?! hidden)>', page))
    assert shown == {"studio"}
    assert "3 of 9 spaces match your request" in _words(await _page(site.client, "/?access=step-free"))
