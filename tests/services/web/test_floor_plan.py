"""The board as plan: marks with states in words, and pictures with headers of their own."""

import re
from pathlib import Path

import httpx
import psycopg
import pytest

from hubwell.spaces.plans import pictures
from hubwell.storage.backup import read_backup, write_backup
from lanes.database_lane import Database
from services.spaces.plans.sample_pictures import SVG, png
from services.web.running_site import Site
from services.web.sample_hub import Hub

PLACED = {"wood-workshop": (10, 20), "studio": (90.5, 5), "cafe": (50, 100), "library": (0, 0)}


def add_plan(hub: Hub, content: bytes = SVG, name: str = "Ground floor") -> int:
    picture = pictures.read(content)
    row = hub.conn.execute(
        "INSERT INTO floor_plan (name, position, media_type, width, height, is_paper, digest, picture) "
        "VALUES (%s, 1, %s, %s, %s, %s, %s, %s) RETURNING id",
        (
            *(name, picture.media_type, picture.width, picture.height, picture.is_paper),
            *(picture.digest, picture.content),
        ),
    ).fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture
def plan(hub: Hub) -> int:
    """Give a plan with four of the nine spaces on it."""
    number = add_plan(hub)
    for space, (x, y) in PLACED.items():
        hub.conn.execute("INSERT INTO space_place VALUES (%s, %s, %s, %s)", (space, number, x, y))
    return number


async def text_of(site: Site, path: str) -> str:
    answer = await site.client.get(path)
    assert answer.status_code == 200
    return answer.text


def mark_of(page: str, space: str) -> str:
    found = re.search(rf'<li class="spot" id="mark-{space}".*?</li>', page)
    assert found is not None
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found[0])).strip()


async def test_plan_is_offered_where_there_is_one(site: Site, hub: Hub) -> None:
    assert "view=plan" not in await text_of(site, "/")
    rows = await text_of(site, "/?view=plan")
    assert 'class="spot"' not in rows
    assert 'aria-current="true">Rows' in rows
    add_plan(hub)
    assert '<a href="/?view=plan">Plan</a>' in await text_of(site, "/")


async def test_marks_say_state_and_air_in_words_and_shapes(site: Site, plan: int) -> None:
    page = await text_of(site, "/?view=plan")
    assert page.count('<li class="spot"') == len(PLACED)
    assert mark_of(page, "studio") == "Media studio Free Fresh air"
    assert mark_of(page, "wood-workshop").startswith("Wood workshop In use")
    assert "Stuffy" in mark_of(page, "wood-workshop")
    assert "Not known" in mark_of(page, "library")
    assert 'href="#shape-free"' in page
    assert f'src="/plans/{plan}/picture?v=' in page
    assert 'href="/spaces/studio"' in page
    assert " style=" not in page


@pytest.mark.usefixtures("plan")
async def test_spaces_without_a_place_are_rows_below(site: Site) -> None:
    page = await text_of(site, "/?view=plan")
    assert set(re.findall(r'class="row placed" id="space-([\w-]+)"', page)) == set(PLACED)
    assert 'class="row" id="space-quiet-room"' in page
    assert 'id="plot-quiet-room"' in page
    assert 'id="plot-studio"' not in page


@pytest.mark.usefixtures("plan")
async def test_sheet_has_the_places_and_is_kept_for_good_at_its_address(
    site: Site,
    hub: Hub,
) -> None:
    page = await text_of(site, "/?view=plan")
    found = re.search(r'href="(/plans/places\.css\?v=\w+)"', page)
    assert found is not None
    sheet = await site.client.get(found[1])
    assert "#mark-studio{left:90.50%;top:5.00%;transform:translate(-90.50%,-5.00%)}" in sheet.text
    assert "immutable" in sheet.headers["cache-control"]
    hub.conn.execute("UPDATE space_place SET x = 1 WHERE space_id = 'studio'")
    assert "immutable" not in (await site.client.get(found[1])).headers["cache-control"]
    assert found[1] not in await text_of(site, "/?view=plan")


@pytest.mark.parametrize("content", [SVG, png()], ids=["svg", "png"])
async def test_picture_has_a_policy_of_its_own_and_is_asked_for_once(
    site: Site, hub: Hub, content: bytes
) -> None:
    number = add_plan(hub, content, "First floor")
    address = f"/plans/{number}/picture"
    answer = await site.client.get(address)
    assert (
        answer.headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "public, no-cache"
    again = await site.client.get(address, headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    versioned = re.search(rf"{address}\?v=\w+", await text_of(site, "/?view=plan"))
    assert versioned is not None
    assert "immutable" in (await site.client.get(versioned[0])).headers["cache-control"]
    other = await site.client.get(f"{address}?v=0000000000000000", headers={"if-none-match": '"other"'})
    assert (other.status_code, other.headers["cache-control"]) == (200, "public, no-cache")


async def test_picture_of_no_plan_is_missing(site: Site) -> None:
    for path in ("/plans/7/picture", "/plans/0/picture", "/plans/x/picture", "/plans/99999999999/picture"):
        assert (await site.client.get(path)).status_code in {404, 422}, path


@pytest.mark.usefixtures("plan")
async def test_need_hides_the_marks_that_do_not_fit(site: Site) -> None:
    page = await text_of(site, "/?view=plan&fresh=1")
    assert 'id="mark-studio"><' in page
    assert 'id="mark-cafe" hidden>' in page
    assert '<input type="hidden" name="view" value="plan">' in page


@pytest.mark.usefixtures("hub", "plan")
async def test_live_event_has_the_mark_of_a_plan_only(site: Site) -> None:
    assert '"mark"' not in await first_space(site, "/live")
    event = await first_space(site, "/live?view=plan")
    assert '"mark"' in event
    assert 'class=\\"spot\\"' in event


async def first_space(site: Site, path: str) -> str:
    async with site.client.stream("GET", path) as stream:
        async for line in stream.aiter_lines():
            if line.startswith("data:") and '"rank"' in line:
                return line
    raise AssertionError(path)


@pytest.mark.usefixtures("plan")
async def test_evacuation_offers_nothing_on_the_plan(site: Site, hub: Hub) -> None:
    hub.conn.execute("INSERT INTO muster (kind) VALUES ('alarm')")
    page = await text_of(site, "/?view=plan")
    assert mark_of(page, "studio") == "Media studio Leave this space"
    assert "Evacuation" in page


@pytest.mark.usefixtures("plan")
async def test_room_of_one_person_shows_nothing_but_its_name(site: Site, hub: Hub) -> None:
    hub.conn.execute("UPDATE space SET personal = true WHERE id = 'studio'")
    mark = mark_of(await text_of(site, "/?view=plan"), "studio")
    assert "Fresh" not in mark
    assert "Free" not in mark


@pytest.mark.usefixtures("hub")
async def test_backup_and_restore_keep_plan_and_places(
    plan: int, site: Site, empty_database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "hub.backup"
    write_backup(site.database.url, file)
    read_backup(empty_database.url, file)
    with psycopg.connect(empty_database.url) as conn:
        kept = conn.execute("SELECT picture FROM floor_plan").fetchone()
        assert kept is not None
        assert kept[0] == (await site.client.get(f"/plans/{plan}/picture")).content
        places = conn.execute("SELECT space_id, x, y FROM space_place").fetchall()
    assert {space: (x, y) for space, x, y in places} == PLACED


@pytest.mark.usefixtures("plan")
async def test_first_view_stays_small(site: Site) -> None:
    size = 0
    headers = {"accept-encoding": "gzip"}
    page = await site.client.get("/?view=plan", headers=headers)
    files = set(re.findall(r'(?:href|src)="(/(?:static|plans/places)[^"]*\.(?:css|js)[^"]*)"', page.text))
    for address in ("/?view=plan", *files):
        answer: httpx.Response = await site.client.get(address, headers=headers)
        size += int(answer.headers["content-length"])
    assert len(files) > 5
    assert size <= 25_000
