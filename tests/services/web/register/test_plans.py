"""Floor plans are uploaded, named, ordered and removed, and spaces placed, by page, API and command."""

import asyncio
import html
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hubwell.spaces.plans.formats import LARGEST_BYTES
from hubwell.vocabulary import Role
from lanes.database_lane import Database
from services.access.running_app import csrf_on, open_house, send
from services.spaces.plans.sample_pictures import SVG, pdf, png, svg
from services.web.register.plan_pages import PLACES, PLANS, PlanWays, upload

WAYS = ("page", "api", "command")
SPACES = (
    "INSERT INTO space (id, name, kind, capacity) "
    "VALUES ('lab', 'Lab', 'workshop', 8), ('den', 'Den', 'workshop', 4)"
)


@pytest.fixture
async def ways(database: Database, tmp_path: Path) -> AsyncIterator[PlanWays]:
    async with open_house(database) as house:
        await house.run(SPACES)
        boss = await house.signed_in("boss", Role.FACILITIES)
        token = await house.token("script", [Role.FACILITIES])
        program = house.browser(accept="application/json", authorization=f"Bearer {token}")
        yield PlanWays(house, boss, program, tmp_path)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("content", "named", "media_type"),
    [
        (SVG, "floor.svg", "image/svg+xml"),
        (png(), "floor.png", "image/webp"),
        (pdf(2), "floor.pdf", "image/webp"),
    ],
    ids=["svg", "png", "pdf"],
)
async def test_picture_comes_in_and_out(
    ways: PlanWays, way: str, content: bytes, named: str, media_type: str
) -> None:
    good, text = await ways.add(way, content, named=named)
    assert good, text
    shown = await ways.house.browser().get("/plans/1/picture")
    assert shown.status_code == 200
    assert shown.headers["content-type"].partition(";")[0] == media_type
    assert shown.content != content
    assert await ways.actions() == ["plan.added"]
    assert "Ground floor" in (await ways.boss.get(PLANS)).text


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("content", "named", "words"),
    [
        (svg("<script>alert(1)</script>"), "floor.svg", 'has the element "script" (line 2)'),
        (png()[:-100], "floor.png", "damaged or incomplete"),
        (png(), "floor.pdf", 'type PNG, but was sent as "floor.pdf"'),
        (b"", "floor.png", "Choose a picture of the floor"),
        (pdf(101), "floor.pdf", "101 pages, more than 100"),
    ],
    ids=["script", "truncated", "misnamed", "empty", "pages"],
)
async def test_bad_picture_is_refused_in_words_and_nothing_is_stored(
    ways: PlanWays, way: str, content: bytes, named: str, words: str
) -> None:
    good, text = await ways.add(way, content, named=named)
    if way == "api" and "was sent as" in words:
        assert good  # what is sent has no name
        return
    assert not good
    assert words in html.unescape(text).replace('\\"', '"')
    assert await ways.rows("SELECT count(*) FROM floor_plan") == [(0,)]


async def test_media_type_that_is_another_one_is_refused(ways: PlanWays) -> None:
    answer = await ways.program.post(
        "/api/v1/register/plans",
        params={"name": "Hall"},
        content=png(),
        headers={"content-type": "image/svg+xml"},
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "picture-misnamed")
    assert answer.json()["field"] == "picture"


@pytest.mark.parametrize(
    ("path", "accept"),
    [(PLANS, "text/html"), ("/api/v1/register/plans?name=Hall", "application/json")],
    ids=["page", "api"],
)
async def test_picture_of_200_megabytes_is_refused_before_it_is_sent(
    ways: PlanWays, path: str, accept: str
) -> None:
    host, _, port = ways.house.address.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        f"POST {path} HTTP/1.1\r\nHost: hub.example\r\nAccept: {accept}\r\n"
        f"Authorization: {ways.program.headers['authorization']}\r\n"
        f"Content-Length: {200 * 1024 * 1024}\r\n\r\n".encode()
    )
    answer = await asyncio.wait_for(reader.readuntil(b"Send a smaller file."), 10)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"larger than 10 MB" in answer


@pytest.mark.parametrize("sent", ["whole", "in chunks"])
async def test_larger_form_is_refused_in_words(ways: PlanWays, sent: str) -> None:
    csrf = await csrf_on(ways.boss, PLANS)
    request = ways.boss.build_request(
        "POST",
        PLANS,
        data={"csrf": csrf, "name": "Hall"},
        files={"picture": ("a.png", png() + bytes(LARGEST_BYTES + 200_000))},
    )
    content = await request.aread()

    async def pieces() -> AsyncIterator[bytes]:
        for begin in range(0, len(content), 65536):
            yield content[begin : begin + 65536]

    headers = {"content-type": request.headers["content-type"]}
    answer = await ways.boss.post(
        PLANS, content=pieces() if sent == "in chunks" else content, headers=headers
    )
    assert answer.status_code == 413
    assert "larger than 10 MB" in answer.text
    assert await ways.rows("SELECT count(*) FROM floor_plan") == [(0,)]


async def test_stranger_is_refused_before_the_picture_is_read(ways: PlanWays) -> None:
    for role in (None, Role.STAFF):
        browser = await ways.house.signed_in("other", role) if role else ways.house.browser()
        answer = await browser.post(PLANS, data={"name": "Hall"}, files={"picture": ("a.png", png())})
        assert answer.status_code in {303, 403}
    assert await ways.rows("SELECT count(*) FROM floor_plan") == [(0,)]


async def test_form_of_another_site_uploads_nothing(ways: PlanWays) -> None:
    answer = await ways.boss.post(PLANS, data={"name": "Hall"}, files={"picture": ("a.svg", SVG)})
    assert answer.status_code == 403
    assert await ways.rows("SELECT count(*) FROM floor_plan") == [(0,)]


@pytest.mark.parametrize("way", WAYS)
async def test_name_is_needed_short_and_free(ways: PlanWays, way: str) -> None:
    assert (await ways.add("api", name="Hall"))[0]
    for name, words in ((" ", "name of its floor"), ("x" * 61, "at most 60"), ("HALL", "already")):
        good, text = await ways.add(way, name=name)
        assert not good
        assert words in html.unescape(text)


async def test_twenty_plans_are_the_most(ways: PlanWays) -> None:
    await ways.add("api", name="Floor 0")
    await ways.house.run(
        "INSERT INTO floor_plan (name, position, media_type, width, height, is_paper, digest, picture) "
        "SELECT 'Floor ' || n, n, media_type, width, height, is_paper, digest, picture "
        "FROM floor_plan, generate_series(1, 19) n"
    )
    good, text = await ways.add("page", name="Attic")
    assert not good
    assert "at most 20" in text


async def test_plan_is_renamed_replaced_moved_and_removed(ways: PlanWays) -> None:
    for name in ("Ground floor", "First floor"):
        assert (await ways.add("page", name=name))[0]
    assert (await ways.place("page", "lab", "10", "20"))[0]
    change = f"{PLANS}/1/change"
    assert (await send(ways.boss, change, page=change, name="Basement")).status_code == 303
    taken = await send(ways.boss, change, page=change, name="first FLOOR")
    assert taken.status_code == 422
    assert "already" in taken.text
    before = (await ways.house.browser().get("/plans/1/picture")).headers["etag"]
    assert (await upload(ways.boss, png(), named="a.png", to=f"{PLANS}/1/picture")).status_code == 303
    assert (await ways.house.browser().get("/plans/1/picture")).headers["etag"] != before
    bad = await upload(ways.boss, b"no", named="a.png", to=f"{PLANS}/1/picture")
    assert bad.status_code == 422
    assert (await send(ways.boss, f"{PLANS}/2/move", page=PLANS, to="up")).status_code == 303
    listed = (await ways.program.get("/api/v1/register/plans")).json()["plans"]
    assert [plan["name"] for plan in listed] == ["First floor", "Basement"]
    assert listed[1]["spaces"] == [{"space_id": "lab", "x": 10.0, "y": 20.0}]
    assert (await send(ways.boss, f"{PLANS}/1/remove", page=PLANS)).status_code == 303
    assert await ways.rows(PLACES) == []
    assert await ways.rows("SELECT count(*) FROM space") == [(2,)]
    assert await ways.actions() == [
        *("plan.added", "plan.added", "space.placed"),
        *("plan.changed", "plan.changed", "plan.ordered", "plan.removed"),
    ]


async def test_the_same_by_api_and_command(ways: PlanWays) -> None:
    assert (await ways.add("command"))[0]
    answer = await ways.program.put("/api/v1/register/plans/1", json={"name": "Cellar"})
    assert answer.json()["name"] == "Cellar"
    assert (await ways.hubwell("plan", "rename", "1", "Basement"))[0]
    (ways.folder / "b.png").write_bytes(png())
    assert (await ways.hubwell("plan", "replace", "1", str(ways.folder / "b.png")))[0]
    assert (await ways.program.put("/api/v1/register/plans/1/picture", content=SVG)).status_code == 200
    assert (await ways.place("command", "lab", "12,5", "7"))[0]
    good, text = await ways.hubwell("plan", "list", "--json")
    assert good
    assert '"Basement"' in text
    assert '"spaces": 1' in text
    assert (await ways.hubwell("plan", "take-off", "1", "lab"))[0]
    assert (await ways.program.delete("/api/v1/register/plans/1/places/lab")).status_code == 204
    assert await ways.rows(PLACES) == []
    assert (await ways.hubwell("plan", "remove", "1"))[0]
    assert (await ways.program.delete("/api/v1/register/plans/1")).json()["code"] == "plan-gone"
    for words in (
        ("remove", "7"),
        ("rename", "7", "x"),
        ("place", "7", "lab", "1", "1"),
        ("add", "no.png", "--name", "x"),
    ):
        good, text = await ways.hubwell("plan", *words)
        assert not good, words
        assert text.strip(), words


@pytest.mark.parametrize("way", WAYS)
async def test_space_is_at_one_point_of_one_plan(ways: PlanWays, way: str) -> None:
    for name in ("Ground floor", "First floor"):
        await ways.add("api", name=name)
    assert (await ways.place(way, "lab", "12.5", "40"))[0]
    assert (await ways.place(way, "den", "0", "100"))[0]
    assert (await ways.place(way, "lab", "99.25", "1", plan=2))[0]
    assert await ways.rows(PLACES) == [("den", 1, "0.00", "100.00"), ("lab", 2, "99.25", "1.00")]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("space", "x", "y", "words"),
    [
        ("lab", "101", "50", "from the left it is as a number from 0 to 100"),
        ("lab", "50", "-1", "from the top it is as a number from 0 to 100"),
        ("lab", "nan", "50", "from the left"),
        ("nowhere", "50", "50", "There is no such space"),
    ],
)
async def test_wrong_place_is_refused_in_words(
    ways: PlanWays, way: str, space: str, x: str, y: str, words: str
) -> None:
    await ways.add("api")
    if way == "api" and x == "nan":
        return  # JSON has no such number
    good, text = await ways.place(way, space, x, y)
    assert not good
    assert words in html.unescape(text)
    assert await ways.rows(PLACES) == []


async def test_what_was_typed_stays_beside_its_mistake(ways: PlanWays) -> None:
    await ways.add("api")
    page = f"{PLANS}/1"
    answer = await send(ways.boss, f"{page}/places", page=page, space="lab", x="left", y="40")
    assert answer.status_code == 422
    assert 'href="#x-lab"' in answer.text
    assert (
        'id="x-lab" name="x" type="text" inputmode="decimal" maxlength="12" autocomplete="off" value="left"'
        in answer.text
    )
    assert 'value="40"' in answer.text


async def test_click_on_the_picture_places_without_script(ways: PlanWays) -> None:
    await ways.add("api")  # 300 x 200 units, shown with 720 x 480 pixels
    page = f"{PLANS}/1"
    shown = (await ways.boss.get(page)).text
    assert 'type="image" name="at"' in shown
    assert 'width="720" height="480"' in shown
    for across, down, stored in (("180", "360", ("25.00", "75.00")), ("9999", "-4", ("100.00", "0.00"))):
        fields = {"space": "lab", "at.x": across, "at.y": down}
        assert (await send(ways.boss, f"{page}/places", page=page, **fields)).status_code == 303
        assert await ways.rows(PLACES) == [("lab", 1, *stored)]
    assert (await send(ways.boss, f"{page}/places", page=page, space="den")).status_code == 303
    assert (await ways.rows(PLACES))[0] == ("den", 1, "50.00", "50.00")
    assert (await send(ways.boss, f"{page}/places", page=page, space="den", off="1")).status_code == 303
    assert len(await ways.rows(PLACES)) == 1


async def test_archived_space_leaves_the_plan_and_comes_back_to_its_place(ways: PlanWays) -> None:
    await ways.add("api")
    await ways.place("api", "lab", "30", "30")
    mark = 'id="mark-lab"'
    assert mark in (await ways.boss.get("/?view=plan")).text
    assert (await ways.program.post("/api/v1/spaces/lab/archive")).is_success
    assert mark not in (await ways.boss.get("/?view=plan")).text
    assert "#mark-lab" not in (await ways.boss.get("/plans/places.css")).text
    assert mark not in (await ways.boss.get(f"{PLANS}/1")).text
    good, text = await ways.place("page", "lab", "1", "1")
    assert not good
    assert "This space is archived" in text
    assert (await ways.program.post("/api/v1/spaces/lab/restore")).is_success
    assert mark in (await ways.boss.get("/?view=plan")).text


@pytest.mark.parametrize("path", ["", "/change"])
async def test_plan_that_is_gone_has_a_page_in_words(ways: PlanWays, path: str) -> None:
    answer = await ways.boss.get(f"{PLANS}/7{path}")
    assert answer.status_code == 404
    assert "There is no such floor plan" in answer.text
    assert (await ways.boss.get(f"{PLANS}/99999999999{path}")).status_code in {404, 422}
