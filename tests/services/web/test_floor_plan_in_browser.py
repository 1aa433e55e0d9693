"""The plan in a real browser: accessible, live, at every size; spaces are dragged and moved by keys."""

from collections.abc import AsyncIterator

import psycopg
import pytest
from playwright.async_api import Browser, Page, expect

from hubwell.vocabulary import Role
from lanes.database_lane import Database
from services.access.running_app import House, open_house
from services.spaces.plans.sample_pictures import SVG, png
from services.web.axe_check import problems
from services.web.running_site import Site
from services.web.sample_hub import Hub, ordinary_day
from services.web.test_floor_plan import PLACED, add_plan

pytestmark = pytest.mark.browser
PLACE = "SELECT x::float, y::float FROM space_place WHERE space_id = 'studio'"


@pytest.fixture
def plan(hub: Hub) -> int:
    number = add_plan(hub)
    for space, (x, y) in PLACED.items():
        hub.conn.execute("INSERT INTO space_place VALUES (%s, %s, %s, %s)", (space, number, x, y))
    return number


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """Give a page that fails the test for what it says on the console."""
    page = await browser.new_page(viewport={"width": 1440, "height": 900})
    logged: list[str] = []
    page.on("console", lambda message: logged.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: logged.append(str(error)))
    yield page
    await page.close()
    assert [line for line in logged if "ERR_" not in line] == []


async def faults(page: Page) -> list[str]:
    found = await problems(page)
    await page.emulate_media(color_scheme="light", forced_colors="active")
    for width in (320, 3840):
        await page.set_viewport_size({"width": width, "height": 700})
        result = await page.evaluate("options => axe.run(options)", {"resultTypes": ["violations"]})
        found += [f"forced colours at {width}: {each['id']}" for each in result["violations"]]
        if await page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            found.append(f"scrolls sideways at {width}")
    await page.emulate_media(forced_colors="none")
    return found


async def open_plan(page: Page, address: str) -> None:
    await page.goto(f"{address}/?view=plan")
    await expect(page.locator("#live")).to_have_attribute("data-state", "live")


@pytest.mark.usefixtures("plan")
async def test_axe_finds_nothing_on_the_plan(site: Site, hub: Hub, page: Page) -> None:
    add_plan(hub, png(), "First floor")
    await open_plan(page, site.address)
    assert await faults(page) == []


@pytest.mark.usefixtures("plan")
async def test_marks_are_where_they_were_placed_and_within_the_picture(site: Site, page: Page) -> None:
    for width in (1440, 360):
        await page.set_viewport_size({"width": width, "height": 800})
        await open_plan(page, site.address)
        picture = await page.locator(".plan > img").bounding_box()
        assert picture is not None
        assert picture["width"] > 700
        for space, (x, y) in PLACED.items():
            mark = await page.locator(f"#mark-{space}").bounding_box()
            assert mark is not None
            left, top = picture["x"] + picture["width"] * x / 100, picture["y"] + picture["height"] * y / 100
            assert mark["x"] - 1 <= left <= mark["x"] + mark["width"] + 1, space
            assert mark["y"] - 1 <= top <= mark["y"] + mark["height"] + 1, space
            assert mark["x"] >= picture["x"] - 1, space
            assert mark["x"] + mark["width"] <= picture["x"] + picture["width"] + 1, space
            assert mark["height"] >= 40


@pytest.mark.usefixtures("plan")
async def test_phone_has_a_list_below_the_plan(site: Site, page: Page) -> None:
    await open_plan(page, site.address)
    await expect(page.locator("#space-studio")).to_be_hidden()
    await expect(page.locator("#space-quiet-room")).to_be_visible()
    await page.goto(f"{site.address}/?view=plan#space-studio")
    await expect(page.locator("#space-studio")).to_be_visible()  # a link leads there
    await page.set_viewport_size({"width": 360, "height": 740})
    await page.goto(f"{site.address}/?view=plan")
    await expect(page.locator("#space-studio")).to_be_visible()


@pytest.mark.usefixtures("plan")
async def test_mark_changes_without_reload(site: Site, hub: Hub, page: Page) -> None:
    await open_plan(page, site.address)
    await page.evaluate("window.kept = true")
    mark = page.locator("#mark-studio")
    await expect(mark).to_contain_text("Free")

    hub.reading("studio-1", "presence", 1)
    hub.reading("studio-1", "co2", 2310)
    hub.notify("studio")

    await expect(mark).to_contain_text("In use")
    await expect(mark).to_contain_text("Bad air")
    await expect(mark.locator("a.used")).to_be_visible()
    await expect(page.locator("#news")).to_have_text("Media studio is in use.")
    assert await page.evaluate("window.kept")


@pytest.mark.parametrize(
    ("change", "selector", "count"),
    [
        ("UPDATE floor_plan SET name = 'Cellar'", "h2:text('Cellar')", 1),
        ("UPDATE floor_plan SET digest = repeat('0', 64)", "img[src$='v=0000000000000000']", 1),
        ("UPDATE space_place SET x = 1 WHERE space_id = 'studio'", "#mark-studio", 1),
        ("DELETE FROM space_place WHERE space_id = 'studio'", "#mark-studio", 0),
        ("DELETE FROM floor_plan", ".floor", 0),
    ],
    ids=["name", "picture", "place", "place removed", "plan removed"],
)
async def test_board_follows_a_changed_plan(
    site: Site, hub: Hub, plan: int, page: Page, change: str, selector: str, count: int
) -> None:
    assert plan
    await open_plan(page, site.address)
    before = await page.locator("#mark-studio").bounding_box()
    await page.evaluate("document.body.dataset.kept = ''")

    hub.conn.execute(change.encode())

    await expect(page.locator("body:not([data-kept])")).to_have_count(1)
    await expect(page.locator("#live")).to_have_attribute("data-state", "live")
    await expect(page.locator(selector)).to_have_count(count)
    if "SET x" in change:
        after = await page.locator(selector).bounding_box()
        assert before is not None
        assert after is not None
        assert after["x"] < before["x"] - 100
    await page.evaluate("window.kept = true")
    await page.wait_for_timeout(2500)  # two looks of the server at everything
    assert await page.evaluate("window.kept")


async def test_board_shows_the_first_plan_to_a_page_that_asked_for_one(
    site: Site, hub: Hub, page: Page
) -> None:
    await open_plan(page, site.address)
    await expect(page.locator(".floor")).to_have_count(0)
    add_plan(hub)
    await expect(page.locator(".floor")).to_have_count(1)


async def test_board_follows_a_changed_plan_once_nobody_uses_it(
    site: Site, hub: Hub, plan: int, page: Page
) -> None:
    await open_plan(page, site.address)
    await page.locator("#people").fill("4")
    await page.locator("#people").focus()
    hub.conn.execute("DELETE FROM floor_plan WHERE id = %s", (plan,))
    await page.wait_for_timeout(2500)
    await expect(page.locator("#people")).to_have_value("4")
    await expect(page.locator(".floor")).to_have_count(1)

    await page.locator("#people").fill("1")
    await page.locator("h1").click()

    await expect(page.locator(".floor")).to_have_count(0)


@pytest.mark.usefixtures("plan")
async def test_board_without_the_plan_stays_when_a_plan_changes(site: Site, hub: Hub, page: Page) -> None:
    await page.goto(site.address)
    await expect(page.locator("#live")).to_have_attribute("data-state", "live")
    await page.evaluate("window.kept = true")
    hub.conn.execute("DELETE FROM floor_plan")
    await page.wait_for_timeout(2500)
    assert await page.evaluate("window.kept")


@pytest.mark.usefixtures("plan")
async def test_mark_appears_when_its_space_begins_to_fit(site: Site, hub: Hub, page: Page) -> None:
    await page.goto(f"{site.address}/?view=plan&fresh=1")
    await expect(page.locator("#mark-cafe")).to_be_hidden()
    hub.reading("cafe-1", "co2", 640)
    hub.notify("cafe")
    await expect(page.locator("#mark-cafe")).to_be_visible()


@pytest.mark.usefixtures("plan")
async def test_evacuation_takes_the_plan_over(site: Site, hub: Hub, page: Page) -> None:
    await open_plan(page, site.address)
    hub.conn.execute("INSERT INTO muster (kind) VALUES ('alarm')")
    await expect(page.locator("#mark-studio")).to_contain_text("Leave this space", timeout=30_000)
    assert await problems(page) == []


@pytest.mark.usefixtures("plan")
async def test_plan_loads_without_shifting(site: Site, page: Page) -> None:
    await page.add_init_script(
        "window.shift = 0; new PerformanceObserver(list => { for (const entry of list.getEntries()) "
        "window.shift += entry.value; }).observe({type: 'layout-shift', buffered: true});"
    )
    await open_plan(page, site.address)
    await expect(page.locator("#mark-studio")).to_be_visible()
    assert await page.evaluate("window.shift") < 0.01


@pytest.mark.usefixtures("plan")
async def test_plan_is_whole_without_script(site: Site, browser: Browser) -> None:
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(site.address)
    await page.get_by_role("link", name="Plan", exact=True).click()
    await expect(page.locator("#mark-studio")).to_contain_text("Free")
    await page.locator("#mark-studio a").click()
    await expect(page.locator("h1")).to_contain_text("Media studio")
    await context.close()


async def test_picture_that_is_opened_by_itself_runs_and_loads_nothing(
    site: Site, plan: int, page: Page
) -> None:
    await page.goto(f"{site.address}/plans/{plan}/picture")
    assert await page.evaluate("document.documentElement.tagName") == "svg"
    assert await page.evaluate("self.origin") == "null"


# Placing


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    with psycopg.connect(database.url, autocommit=True) as conn:
        add_plan(ordinary_day(conn, database.url))
        async with open_house(database) as running:
            yield running


async def boss_page(house: House, browser: Browser, **options: object) -> Page:
    boss = await house.signed_in("boss", Role.FACILITIES)
    context = await browser.new_context(viewport={"width": 1024, "height": 900}, **options)  # type: ignore[arg-type]
    ticket = boss.cookies["hubwell"]
    await context.add_cookies([{"name": "hubwell", "value": ticket, "url": house.address}])
    return await context.new_page()


async def place_of(house: House) -> tuple[float, float] | None:
    async with house.connection() as conn:
        return await (await conn.execute(PLACE)).fetchone()


async def test_plan_is_uploaded_and_a_space_placed_by_a_click_without_script(
    house: House, browser: Browser
) -> None:
    page = await boss_page(house, browser, java_script_enabled=False)
    await page.goto(f"{house.address}/spaces")
    await page.get_by_role("link", name="Floor plans").click()
    await page.get_by_label("Name of the floor").fill("Attic")
    await page.get_by_label("Picture").set_input_files(
        {"name": "attic.svg", "mimeType": "image/svg+xml", "buffer": SVG}
    )
    await page.get_by_role("button", name="Add the plan").click()
    await expect(page.locator("h1")).to_have_text("Attic")
    await page.get_by_label("Space to place").select_option("studio")
    await page.locator("input[type=image]").click(position={"x": 180, "y": 360})
    await expect(page.locator(".notice")).to_contain_text("Media studio is placed.")
    assert await place_of(house) == (25.0, 75.0)
    box, mark = [await page.locator(each).bounding_box() for each in ("#plan", "#mark-studio")]
    assert box is not None
    assert mark is not None
    assert mark["x"] <= box["x"] + 180 <= mark["x"] + mark["width"]
    await page.context.close()


async def test_space_is_dragged_and_moved_by_arrow_keys(house: House, browser: Browser) -> None:
    await house.run("INSERT INTO space_place SELECT 'studio', id, 50, 50 FROM floor_plan")
    page = await boss_page(house, browser)
    await page.goto(f"{house.address}/register/plans/1")
    pin = page.get_by_role("button", name="Media studio", exact=True)
    box = await pin.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    await page.mouse.move(x, y)
    await page.mouse.down()
    await page.mouse.move(x + 72, y - 48, steps=4)
    await page.mouse.up()
    await expect(page.locator("#moved")).to_have_text(
        "Media studio is at 60 from the left and 40 from the top, in per cent."
    )
    assert await place_of(house) == (60.0, 40.0)
    await expect(page.locator("#x-studio")).to_have_value("60")

    await pin.focus()
    await page.keyboard.press("ArrowLeft")
    await page.keyboard.press("Shift+ArrowDown")
    await expect(page.locator("#moved")).to_have_text(
        "Media studio is at 59.5 from the left and 45 from the top, in per cent."
    )
    assert await place_of(house) == (59.5, 45.0)
    for _ in range(30):
        await page.keyboard.press("Shift+ArrowRight")
    await expect(page.locator("#x-studio")).to_have_value("100")
    await page.context.close()


async def test_place_that_cannot_be_saved_is_taken_back(house: House, browser: Browser) -> None:
    await house.run("INSERT INTO space_place SELECT 'studio', id, 50, 50 FROM floor_plan")
    page = await boss_page(house, browser)
    await page.goto(f"{house.address}/register/plans/1")
    await page.route("**/api/**", lambda route: route.abort())
    await page.get_by_role("button", name="Media studio", exact=True).focus()
    await page.keyboard.press("ArrowLeft")
    await expect(page.locator("#moved")).to_have_text("Media studio could not be saved. It is where it was.")
    assert await page.locator("#mark-studio").get_attribute("data-x") == "50"
    await page.context.close()


async def test_axe_finds_nothing_where_plans_are_made(house: House, browser: Browser) -> None:
    await house.run("INSERT INTO space_place SELECT 'studio', id, 50, 50 FROM floor_plan")
    page = await boss_page(house, browser)
    for path in ("/register/plans", "/register/plans/1", "/register/plans/1/change"):
        await page.goto(house.address + path)
        assert await faults(page) == [], path
    await page.goto(f"{house.address}/register/plans")
    await page.get_by_role("button", name="Add the plan").click()
    await expect(page.locator(".mistakes")).to_contain_text("name of its floor")
    assert await faults(page) == []
    await page.context.close()


async def test_picture_that_is_too_large_is_refused_before_it_is_sent(house: House, browser: Browser) -> None:
    page = await boss_page(house, browser)
    await page.goto(f"{house.address}/register/plans")
    await page.get_by_label("Picture").set_input_files(
        {"name": "scan.png", "mimeType": "image/png", "buffer": png() + bytes(11 * 1024 * 1024)}
    )
    await page.get_by_role("button", name="Add the plan").click()
    wrong = await page.get_by_label("Picture").evaluate("input => input.validationMessage")
    assert wrong.startswith("The picture has more than 10 MB.")
    assert page.url.endswith("/register/plans")
    await page.context.close()


async def test_larger_picture_without_script_is_answered_in_words(house: House, browser: Browser) -> None:
    page = await boss_page(house, browser, java_script_enabled=False)
    await page.goto(f"{house.address}/register/plans")
    await page.get_by_label("Picture").set_input_files(
        {"name": "scan.png", "mimeType": "image/png", "buffer": png() + bytes(20 * 1024 * 1024)}
    )
    await page.get_by_role("button", name="Add the plan").click()
    await expect(page.locator("main")).to_contain_text("larger than 10 MB")
    await page.context.close()
