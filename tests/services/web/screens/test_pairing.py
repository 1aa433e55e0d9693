"""A screen shows a code, is paired, shows what was chosen, follows changes, and is unpaired."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from hubwell.http import rate_limits
from hubwell.screens.rules import CODE_LENGTH, MOST_WAITING
from hubwell.vocabulary import CODE_ALPHABET, Role
from lanes.database_lane import Database
from services.access.running_app import House, open_house, send
from services.web.running_site import away
from services.web.screens.screen_browsers import COOKIE, WAITING, Foyer, code_on, foyer_of, text_of

UNPAIRED = "This screen is not paired any more."


async def test_screen_changes_by_itself_once_its_code_was_entered(foyer: Foyer) -> None:
    screen, code = await foyer.waiting()
    assert len(code) == CODE_LENGTH
    assert set(code) <= set(CODE_ALPHABET)
    assert code_on(await screen.get("/screen")) == code, "the same as long as it is valid"
    assert code_on(await screen.get("/screen/now")) == code
    assert screen.cookies.get(COOKIE) is None

    typed = f" {code[:3].lower()}-{code[3:].lower()} "
    answer = await foyer.pair(typed, "  Foyer  ")
    assert answer.headers["location"] == "/screens?done=paired"

    now = await screen.get("/screen/now")
    assert 'data-version="wall"' in now.text, "which differs, so the script loads the page again"
    page = await screen.get("/screen")
    assert "spaces are free" in page.text or 'class="tiles"' in page.text
    assert "Lab" in page.text
    assert screen.cookies.get(WAITING) is None
    assert '<meta http-equiv="refresh" content="4">' in page.text, "and without the script"
    listed = text_of(await foyer.staff.get("/screens"))
    assert "Foyer" in listed
    assert "Seen just now" in listed
    assert await foyer.house.value("SELECT count(*) FROM screen_code") == 0, "a code works once"
    entries = "SELECT array_agg(action || ' ' || (subject = 'screen:' || %s) ORDER BY id) FROM audit_entry"
    assert await foyer.house.value(entries, await foyer.id_of("Foyer")) == ["screen.paired true"]


async def test_cookie_of_a_screen_is_for_the_server_alone(foyer: Foyer) -> None:
    screen, code = await foyer.waiting()
    await foyer.pair(code)
    cookies = (await screen.get("/screen")).headers.get_list("set-cookie")
    (paired,) = [cookie for cookie in cookies if cookie.startswith(COOKIE) and "Max-Age=0" not in cookie]
    assert "HttpOnly" in paired
    assert "SameSite=lax" in paired
    assert f"Max-Age={400 * 24 * 3600}" in paired
    token = screen.cookies[COOKIE]
    stored = await foyer.house.value("SELECT token_hash = sha256(%s) FROM screen", token.encode())
    assert stored is True, "the database has the hash alone"


async def test_over_https_the_cookies_are_of_this_host_alone(database: Database, url: str) -> None:
    async with open_house(database, public_url="https://hub.example") as house:
        foyer = await foyer_of(house, url)
        answer = await house.browser().get("/screen")
        (waiting,) = [c for c in answer.headers.get_list("set-cookie") if "Max-Age=0" not in c]
        assert waiting.startswith("__Host-hubwell-waiting=")
        assert "Secure" in waiting
        assert foyer.url


async def test_mistakes_name_the_field_and_keep_what_was_typed(foyer: Foyer) -> None:
    _, code = await foyer.waiting()
    wrong = await foyer.pair("ABCDEF", "Foyer")
    assert wrong.status_code == 422
    assert "No screen shows this code now." in text_of(wrong)
    assert 'value="Foyer"' in wrong.text
    nothing = await foyer.pair(code, " ", "everything")
    assert "Enter a name by which you recognise the screen" in text_of(nothing)
    assert "Choose what the screen shows" in text_of(nothing)
    assert "There is no such space." in text_of(await foyer.pair(code, "A", "panel", space="nowhere"))
    assert "There is no such reader" in text_of(await foyer.pair(code, "A", "kiosk", reader="lab-pi/none"))
    assert "There is no such reader" in text_of(await foyer.pair(code, "A", "kiosk"))
    assert "at most 60 characters" in text_of(await foyer.pair(code, "x" * 61))
    assert await foyer.house.value("SELECT count(*) FROM screen_code") == 1, "the code is not used up"
    assert (await foyer.pair(code, "Foyer")).status_code == 303
    _, other = await foyer.waiting()
    assert "Another screen has this name." in text_of(await foyer.pair(other, " foyer "))


async def test_desk_reader_is_no_kiosk(foyer: Foyer) -> None:
    await foyer.house.run("INSERT INTO reader VALUES ('den-pi', 'desk', 'desk')")
    _, code = await foyer.waiting()
    refused = await foyer.pair(code, "Desk", "kiosk", reader="den-pi/desk")
    assert "it is a desk's reader" in text_of(refused)
    assert 'value="kiosk-pi/kiosk"' in refused.text
    assert 'value="lab-pi/door"' in refused.text
    assert 'value="den-pi/desk"' not in refused.text


async def test_code_that_has_expired_pairs_nothing_and_a_new_one_comes_by_itself(foyer: Foyer) -> None:
    screen, code = await foyer.waiting()
    await foyer.house.run("UPDATE screen_code SET expires_at = now()")
    assert "No screen shows this code now." in text_of(await foyer.pair(code))
    renewed = code_on(await screen.get("/screen/now"))
    assert renewed != code
    assert (await foyer.pair(renewed)).status_code == 303
    assert 'class="tiles"' in (await screen.get("/screen")).text


def without_pauses(monkeypatch: pytest.MonkeyPatch) -> list[rate_limits.Limit]:
    """Take turns without a pause; return the limits past which turns were taken."""
    taken: list[rate_limits.Limit] = []

    async def take_turn(_: object, limit: rate_limits.Limit) -> None:
        taken.append(limit)

    monkeypatch.setattr(rate_limits, "_take_turn", take_turn)
    return taken


async def test_guessed_codes_are_slowed_down(foyer: Foyer, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses = without_pauses(monkeypatch)
    for _ in range(rate_limits.CODE_FROM_ADDRESS.most):
        await foyer.pair("ABCDEF")
    assert pauses == []
    assert (await foyer.pair("ABCDEF")).status_code == 422
    assert pauses == [rate_limits.CODE_FROM_ADDRESS], "one try a second: there are a billion codes"
    _, code = await foyer.waiting()
    assert (await foyer.pair(code)).status_code == 303, "and the right one is still taken"


async def test_visitor_gets_so_many_codes_and_then_waits(
    foyer: Foyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = rate_limits.WAITING_SCREEN_FROM_ADDRESS
    for _ in range(limit.most):
        await foyer.waiting()
    pauses = without_pauses(monkeypatch)
    screen, code = await foyer.waiting()
    assert pauses == [limit]
    assert code_on(await screen.get("/screen")) == code
    assert len(pauses) == 1, "a code that is there already costs nothing"


async def test_no_more_than_so_many_screens_wait(foyer: Foyer) -> None:
    await foyer.house.run(
        "INSERT INTO screen_code SELECT sha256(n::text::bytea), 'c' || n, now() + '1 h' "
        "FROM generate_series(1, %s) n",
        MOST_WAITING,
    )
    answer = await foyer.house.browser().get("/screen")
    assert answer.status_code == 429
    assert "Too many screens are waiting" in answer.text


async def test_two_screens_at_once_have_two_codes_and_two_pages(foyer: Foyer) -> None:
    (first, code), (second, other) = await asyncio.gather(foyer.waiting(), foyer.waiting())
    assert code != other
    await asyncio.gather(foyer.pair(code, "Door", "panel", space="lab"), foyer.pair(other, "Foyer"))
    assert "Lab" in (await first.get("/screen")).text
    assert 'class="panel' in (await first.get("/screen")).text
    assert 'class="tiles"' in (await second.get("/screen")).text
    await foyer.revoke("Door")
    assert UNPAIRED in text_of(await first.get("/screen"))
    assert 'class="tiles"' in (await second.get("/screen")).text


async def test_one_code_pairs_one_screen_when_two_people_enter_it(foyer: Foyer) -> None:
    _, code = await foyer.waiting()
    answers = await asyncio.gather(foyer.pair(code, "One"), foyer.pair(code, "Two"))
    assert sorted(answer.status_code for answer in answers) == [303, 422]


async def test_screen_follows_what_is_chosen(foyer: Foyer) -> None:
    screen = await foyer.paired()
    assert (await foyer.change("Foyer", name="Hall", shows="panel", space="den")).status_code == 303
    assert 'data-version="panel den"' in (await screen.get("/screen/now")).text
    assert "Den" in (await screen.get("/screen")).text
    same = await foyer.change("Hall", shows="panel", space="den")
    assert same.status_code == 303
    assert await foyer.house.value("SELECT count(*) FROM audit_entry WHERE action = 'screen.changed'") == 1
    refused = await foyer.change("Hall", name="", shows="panel", space="den")
    assert refused.status_code == 422
    assert "Enter a name" in refused.text


async def test_revoked_screen_shows_nothing_else_until_it_is_paired_again(foyer: Foyer) -> None:
    screen = await foyer.paired()
    await foyer.revoke("Foyer")
    assert (await screen.get("/screen/now")).status_code == 410
    page = await screen.get("/screen")
    assert text_of(page) == f"{UNPAIRED} Pair it again"
    assert "Test hub" not in page.text, "not even the hub's name"
    assert (await screen.get("/wall")).status_code == 403, "the browser is still a screen's"
    again = await screen.get("/screen?again=1")
    code = code_on(again)
    assert screen.cookies.get(COOKIE) is None
    assert (await foyer.pair(code)).status_code == 303
    assert 'class="tiles"' in (await screen.get("/screen")).text
    gone = await send(foyer.staff, "/screens/00000000-0000-0000-0000-000000000000/revoke", "/screens")
    assert "There is no such screen." in text_of(gone)


async def test_paired_screen_is_not_unpaired_by_an_address(foyer: Foyer) -> None:
    screen = await foyer.paired()
    assert 'class="tiles"' in (await screen.get("/screen?again=1")).text
    assert screen.cookies.get(COOKIE)


async def test_screen_that_is_used_stays_paired_and_one_that_is_not_goes(foyer: Foyer) -> None:
    screen = await foyer.paired()
    await foyer.house.run(
        "UPDATE screen SET last_seen_at = now() - interval '179 days', expires_at = now() + interval '1 day'"
    )
    assert "Last seen" in text_of(await foyer.staff.get("/screens"))
    assert 'class="tiles"' in (await screen.get("/screen")).text
    left = await foyer.house.value("SELECT expires_at - now() FROM screen")
    assert left > timedelta(days=179)
    await foyer.house.run("UPDATE screen SET expires_at = now()")
    assert UNPAIRED in text_of(await screen.get("/screen"))


async def test_last_seen_is_shown_in_minutes(foyer: Foyer) -> None:
    await foyer.paired()
    await foyer.house.run("UPDATE screen SET last_seen_at = now() - interval '3 minutes'")
    assert "Last seen 3 minutes ago" in text_of(await foyer.staff.get("/screens"))


async def test_screen_survives_a_restart_of_the_server(database: Database, url: str) -> None:
    async with open_house(database) as house:
        screen = await (await foyer_of(house, url)).paired("Door", "panel", space="lab")
        token = screen.cookies[COOKIE]
    async with open_house(database) as house:
        again = house.browser()
        again.cookies.set(COOKIE, token)
        assert 'class="panel' in (await again.get("/screen")).text


async def test_screen_that_is_switched_on_while_the_database_is_away_tries_again(foyer: Foyer) -> None:
    screen = await foyer.paired()
    with away(foyer.house.database):
        page = await screen.get("/screen")
        assert page.status_code == 503
        assert text_of(page) == "The hub cannot be reached right now. This screen tries again by itself."
        assert '<meta http-equiv="refresh" content="5">' in page.text
        assert "<nav" not in page.text
        assert screen.cookies.get(COOKIE), "and is still paired"
        assert (await screen.get("/screen/now")).status_code == 503
        assert (await screen.get("/")).status_code == 403, "what it may open needs no database"
    assert 'class="tiles"' in (await screen.get("/screen")).text


async def test_panel_of_an_archived_space_says_so_and_comes_back(foyer: Foyer) -> None:
    screen = await foyer.paired("Door", "panel", space="den")
    await foyer.house.run("UPDATE space SET archived_at = now() WHERE id = 'den'")
    for path in ("/screen", "/screen/now"):
        page = await screen.get(path)
        assert page.status_code == 200
        assert "This space is not in use any more." in page.text
    assert "Panel of Den, which is archived" in text_of(await foyer.staff.get("/screens"))
    assert (await foyer.change("Door", name="Old door", shows="panel", space="den")).status_code == 303
    await foyer.house.run("UPDATE space SET archived_at = NULL WHERE id = 'den'")
    assert 'class="panel' in (await screen.get("/screen/now")).text


async def test_evacuation_takes_every_screen_over(foyer: Foyer) -> None:
    screens = [await foyer.paired("Foyer"), await foyer.paired("Door", "panel", space="lab")]
    screens += [await foyer.paired("Kiosk", "kiosk", reader="kiosk-pi/kiosk"), (await foyer.waiting())[0]]
    await foyer.house.run("INSERT INTO muster (kind) VALUES ('alarm')")
    for screen in screens:
        shown = text_of(await screen.get("/screen"))
        assert "Evacuation: leave the building now." in shown
        assert "free" not in shown


async def test_api_does_the_same(foyer: Foyer) -> None:
    program = foyer.house.browser(authorization=f"Bearer {await foyer.house.token('pairs', [Role.ADMIN])}")
    screen, code = await foyer.waiting()
    body = {"code": "ABCDEF", "name": "Foyer", "shows": "wall"}
    refused = await program.post("/api/v1/screens", json=body)
    assert (refused.status_code, refused.json()["code"], refused.json()["field"]) == (
        422,
        "screen-code-unknown",
        "code",
    )
    made = await program.post("/api/v1/screens", json=body | {"code": code})
    assert made.status_code == 201
    address = f"/api/v1/screens/{made.json()['id']}"
    assert 'class="tiles"' in (await screen.get("/screen")).text
    changed = await program.put(address, json={"name": "Kiosk", "shows": "kiosk", "reader": "kiosk-pi/kiosk"})
    assert changed.json() | {"name": "Kiosk", "reader": "kiosk-pi/kiosk", "space": None} == changed.json()
    assert "Hold your badge to the reader." in (await screen.get("/screen")).text
    assert [item["name"] for item in (await program.get("/api/v1/screens")).json()["screens"]] == ["Kiosk"]
    assert (await program.delete(address)).status_code == 204
    assert (await program.get(address)).status_code == 404
    assert UNPAIRED in text_of(await screen.get("/screen"))


async def until_changed(lines: httpx.Response, *, within: float = 5.0) -> None:
    async with asyncio.timeout(within):
        async for line in lines.aiter_lines():
            if line == "event: changed":
                return
    raise AssertionError("the stream ended without saying why")


@pytest.mark.parametrize("how", ["page", "sql", "other content"])
async def test_open_stream_says_within_five_seconds_that_the_screen_changed(foyer: Foyer, how: str) -> None:
    screen = await foyer.paired()
    async with screen.stream("GET", "/screen/live?version=wall") as stream:
        assert stream.status_code == 200
        if how == "page":
            await foyer.revoke("Foyer")
        elif how == "sql":  # no notification
            await foyer.house.run("DELETE FROM screen")
        else:
            await foyer.change("Foyer", shows="panel", space="lab")
        await until_changed(stream)


async def test_stream_of_another_version_or_of_nobody_ends_at_once(foyer: Foyer) -> None:
    screen = await foyer.paired()
    for client, version in ((screen, "panel lab"), (foyer.house.browser(), "wall")):
        async with client.stream("GET", "/screen/live", params={"version": version}) as stream:
            await until_changed(stream)


async def test_streams_end_when_the_server_stops(database: Database, url: str) -> None:
    async with asyncio.timeout(30):
        async with open_house(database) as house:
            screen = await (await foyer_of(house, url)).paired()
            async with screen.stream("GET", "/screen/live?version=wall") as stream:
                lines = stream.aiter_lines()
                await anext(lines)
                house.app.state.api_parts.feed.close()
                async for _ in lines:
                    pass


async def test_roles_other_than_facilities_and_admin_see_no_screens(house_roles: House) -> None:
    for role in (Role.STAFF, Role.OSH):
        client = await house_roles.signed_in(role.value, role)
        assert (await client.get("/screens")).status_code == 403


@pytest.fixture
def house_roles(foyer: Foyer) -> House:
    return foyer.house
