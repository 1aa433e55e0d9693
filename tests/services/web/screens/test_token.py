"""The token of a paired screen opens what the screen shows and nothing else, whatever it shows."""

import re
from uuid import UUID

import pytest
from fastapi.routing import iter_route_contexts

from hubwell.vocabulary import Role
from services.access.running_app import send
from services.web.screens.screen_browsers import COOKIE, Foyer, text_of

OPEN = {
    "GET /screen",
    "GET /screen/now",
    "GET /screen/live",
    "POST /screen/defects",
    "POST /screen/defects/undo",
    "POST /screen/bookings",
    "GET /kiosk",
    "GET /static/{name}",
    "GET /hub.css",
}
CONTENT = [("wall", {}), ("panel", {"space": "lab"}), ("kiosk", {"reader": "kiosk-pi/kiosk"})]


@pytest.mark.parametrize(("shows", "fields"), CONTENT, ids=[shows for shows, _ in CONTENT])
async def test_screen_opens_nothing_but_its_page(foyer: Foyer, shows: str, fields: dict[str, str]) -> None:
    screen = await foyer.paired("Screen", shows, **fields)
    walked, opened = set(), set()
    for route in iter_route_contexts(foyer.house.app.routes):
        path = re.sub(r"\{\w+\}", str(UUID(int=0)), route.path or "")
        for method in (route.methods or set()) - {"HEAD"}:
            walked.add(f"{method} {route.path}")
            async with screen.stream(method, path) as answer:
                if answer.status_code != 403:
                    opened.add(f"{method} {route.path}")
    assert len(walked) > 150
    assert opened == OPEN


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
async def test_addresses_that_are_not_there_are_refused_as_well(foyer: Foyer, method: str) -> None:
    screen = await foyer.paired()
    for path in ("/nothing", "/screen/", "/screen/other", "/static/../wall", "//wall", "/wall/", "/WALL"):
        assert (await screen.request(method, path)).status_code in {403, 404, 405}, path


async def test_refusal_is_a_page_for_browsers_and_a_problem_for_programs(foyer: Foyer) -> None:
    screen = await foyer.paired()
    page = await screen.get("/")
    assert page.status_code == 403
    assert text_of(page).startswith("This page is not for this screen.")
    assert "<nav" not in page.text
    problem = await screen.get("/api/v1/spaces")
    assert (problem.status_code, problem.json()["code"]) == (403, "screen-only")


async def test_panel_shows_no_other_space(foyer: Foyer) -> None:
    screen = await foyer.paired("Door", "panel", space="lab")
    page = (await screen.get("/screen")).text + (await screen.get("/screen/now?space=den&space_id=den")).text
    assert "Lab" in page
    assert "Den" not in page
    assert (await screen.get("/panel/den")).status_code == 403


async def test_token_is_neither_a_session_nor_a_bearer_token(foyer: Foyer) -> None:
    screen = await foyer.paired()
    token = screen.cookies[COOKIE]
    for headers in ({"cookie": f"hubwell={token}"}, {"authorization": f"Bearer {token}"}):
        other = foyer.house.browser(**headers)
        assert (await other.get("/screens")).status_code in {303, 401}
        assert (await other.get("/screen/now")).status_code == 410


async def test_token_of_a_session_is_no_screen(foyer: Foyer) -> None:
    browser = foyer.house.browser()
    browser.cookies.set(COOKIE, foyer.staff.cookies["hubwell"])
    assert (await browser.get("/screen/now")).status_code == 410


async def test_screen_at_which_somebody_signed_in_before_is_theirs_until_they_sign_out(foyer: Foyer) -> None:
    screen = await foyer.paired()
    staff = await foyer.house.signed_in("chief", Role.ADMIN)
    staff.cookies.set(COOKIE, screen.cookies[COOKIE])
    assert (await staff.get("/accounts")).status_code == 200
    assert 'class="tiles"' in (await staff.get("/screen")).text
    await send(staff, "/sign-out", "/account")
    staff.cookies.delete("hubwell")  # set by hand above, so the answer does not take it away
    assert (await staff.get("/accounts")).status_code == 403


async def test_waiting_browser_is_not_restricted(foyer: Foyer) -> None:
    browser, _ = await foyer.waiting()
    assert (await browser.get("/")).status_code == 200


async def test_no_form_of_another_site_pairs_a_screen(foyer: Foyer) -> None:
    _, code = await foyer.waiting()
    data = {"code": code, "name": "Foyer", "shows": "wall"}
    assert (await foyer.staff.post("/screens", data=data)).status_code == 403
    assert await foyer.house.value("SELECT count(*) FROM screen") == 0


async def test_made_up_cookies_are_no_screens(foyer: Foyer) -> None:
    for token in ("", "x", "0" * 43, "ä", "a" * 5000):
        browser = foyer.house.browser()
        cookie = {b"cookie": f"{COOKIE}={token}".encode()}
        answer = await browser.get("/screen/now", headers=cookie)
        assert answer.status_code in {410, 400, 431}, token
