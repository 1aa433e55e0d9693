"""The free spaces on a panel: those that are free now, near ones first, and a sentence where none is."""

import html
import re

from services.web.running_site import Site
from services.web.sample_hub import Hub

PLACE = re.compile(r"<li>.*?<b>([^<]+)</b><span class=\"detail\">([^<]*)</span>", re.DOTALL)


async def free_from(site: Site, space: str) -> list[tuple[str, str]]:
    page = (await site.client.get(f"/panel/{space}?part=free")).text
    return [(html.unescape(name), html.unescape(detail)) for name, detail in PLACE.findall(page)]


async def test_free_spaces_are_listed_those_of_the_same_zone_first(site: Site) -> None:
    places = await free_from(site, "library")
    assert [name for name, _ in places] == ["Media studio", "Quiet room", "Metal workshop", "Project room"]
    assert places[0][1] == "Free · Room for 8 people · Second floor, near here"
    assert places[2][1] == "Free · Room for 12 people · Ground floor, north"
    assert "Project room" not in [name for name, _ in await free_from(site, "project-room")]


async def test_rooms_of_one_person_and_closed_spaces_are_not_offered(site: Site, hub: Hub) -> None:
    hub.conn.execute("UPDATE space SET personal = true WHERE id = 'studio'")
    hub.conn.execute("UPDATE space SET archived_at = now() WHERE id = 'quiet-room'")
    assert [name for name, _ in await free_from(site, "library")] == ["Metal workshop", "Project room"]


async def test_hub_without_another_space_sends_to_the_desk(site: Site, hub: Hub) -> None:
    hub.conn.execute("UPDATE space SET archived_at = now() WHERE id <> 'commons'")
    page = (await site.client.get("/panel/commons?part=free")).text
    assert "Please ask at the desk." in page
    assert "<li>" not in page


async def test_used_spaces_alone_say_that_none_is_free(site: Site, hub: Hub) -> None:
    free = ("metal-workshop", "project-room", "studio", "quiet-room")
    hub.conn.execute("UPDATE space SET archived_at = now() WHERE id = ANY (%s)", (list(free),))
    page = (await site.client.get("/panel/commons?part=free")).text
    assert "No space is free right now" in page
