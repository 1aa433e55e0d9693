"""The three targets of a panel, and reports from a screen at a door: for its own space, and no text."""

import asyncio
import re

import httpx
import pytest

from hubwell.vocabulary import Role
from services.access.running_app import send
from services.web.running_site import away
from services.web.screens.screen_browsers import COOKIE, Foyer, text_of

KEY = re.compile(r'name="report" value="([^"]+)"')


@pytest.fixture
async def door(foyer: Foyer) -> httpx.AsyncClient:
    return await foyer.paired("Door", "panel", space="lab")


async def tapped(screen: httpx.AsyncClient, kind: str) -> httpx.Response:
    """Tap a kind; return the page that follows."""
    answer = await screen.post("/screen/defects", data={"kind": kind})
    assert answer.status_code == 303, text_of(answer)
    return await screen.get(answer.headers["location"])


async def stored(foyer: Foyer) -> list[str]:
    defects: list[str] = await foyer.house.value(
        "SELECT coalesce(array_agg(concat_ws(' ', space_id, kind, reports) ORDER BY kind), '{}') FROM defect"
    )
    return defects


def targets(page: httpx.Response) -> list[str]:
    return re.findall(r'<a class="target" id="to-(\w+)"', page.text)


async def test_panel_has_three_targets_and_a_badge_only_where_there_is_a_reader(
    foyer: Foyer, door: httpx.AsyncClient
) -> None:
    assert targets(await door.get("/screen")) == ["badge", "take", "free", "broken"]
    assert targets(await door.get("/screen/now")) == ["badge", "take", "free", "broken"]
    other = await foyer.paired("Den", "panel", space="den")
    assert targets(await other.get("/screen")) == ["free", "broken"]
    await foyer.house.run("INSERT INTO reader VALUES ('lab-pi', 'door', 'desk')")
    assert targets(await door.get("/screen")) == ["free", "broken"]
    assert "Hold your badge" not in text_of(await door.get("/screen?part=badge"))


async def test_visitor_sees_two_targets_and_an_account_three(foyer: Foyer) -> None:
    visitor = foyer.house.browser()
    assert targets(await visitor.get("/panel/lab")) == ["badge", "free"]
    assert targets(await visitor.get("/panel/lab/now")) == ["badge", "free"]
    assert "What is broken?" not in (await visitor.get("/panel/lab?part=broken")).text
    page = await foyer.staff.get("/panel/lab")
    assert targets(page) == ["badge", "free", "broken"]
    source = re.search(r'data-source="([^"]+)"', page.text)
    assert source is not None
    assert targets(await foyer.staff.get(source[1])) == ["badge", "free", "broken"]


async def test_badge_part_says_where_and_what_without_one(foyer: Foyer, door: httpx.AsyncClient) -> None:
    await foyer.house.run("UPDATE device SET name = 'Door of the lab' WHERE id = 'lab-pi'")
    text = text_of(await door.get("/screen?part=badge"))
    assert "Hold your badge to the reader" in text
    assert "The reader is at: Door of the lab" in text
    assert "the staff at the desk check you in" in text
    await foyer.house.run("UPDATE device SET status = 'offline' WHERE id = 'lab-pi'")
    text = text_of(await door.get("/screen?part=badge"))
    assert "The reader cannot be reached right now. Please ask at the desk." in text
    assert "Door of the lab" not in text


async def test_one_tap_reports_for_the_space_of_the_screen_and_can_be_taken_back(
    foyer: Foyer, door: httpx.AsyncClient
) -> None:
    part = await door.get("/screen?part=broken")
    assert len(re.findall(r'<button class="target"[^>]*name="kind"', part.text)) == 8
    assert not re.search(r"<(input|textarea|select)\b", part.text)  # nothing can be written here
    page = await tapped(door, "electricity")
    assert "Facilities see it now Lamp or socket" in text_of(page)
    assert await stored(foyer) == ["lab electricity 1"]
    assert "Lab" in (await foyer.staff.get("/defects")).text
    key = KEY.search(page.text)
    assert key is not None
    undone = await door.post("/screen/defects/undo", data={"report": key[1]})
    assert "The report is taken back" in text_of(await door.get(undone.headers["location"]))
    assert await stored(foyer) == []
    late = await door.post("/screen/defects/undo", data={"report": key[1]})
    assert (late.status_code, "cannot be taken back any more" in text_of(late)) == (409, True)


async def test_double_tap_counts_once_and_a_stranger_fills_no_list(
    foyer: Foyer, door: httpx.AsyncClient
) -> None:
    await asyncio.gather(*(tapped(door, "water") for _ in range(5)))
    assert await stored(foyer) == ["lab water 1"]
    for kind in ("machine", "other") * 12:
        await tapped(door, kind)
    full = [(await door.post("/screen/defects", data={"kind": "climate"})).status_code for _ in range(4)]
    assert full == [303, 429, 429, 429]
    refused = await door.post("/screen/defects", data={"kind": "furniture"})
    assert "This was not reported" in text_of(refused)
    assert len(await stored(foyer)) == 4


async def test_unknown_kinds_are_refused_with_a_sentence(foyer: Foyer, door: httpx.AsyncClient) -> None:
    for data in ({"kind": "roof"}, {"kind": ""}, {}, {"kind": "water\x00"}, {"kind": "w" * 4000}):
        answer = await door.post("/screen/defects", data=data)
        assert (answer.status_code, "This was not reported" in text_of(answer)) == (422, True), data
    assert (await door.post("/screen/defects/undo", data={"report": "x"})).status_code == 409
    assert await stored(foyer) == []


async def test_screen_reports_for_no_other_space(foyer: Foyer, door: httpx.AsyncClient) -> None:
    await door.post("/screen/defects?space_id=den&space=den", data={"kind": "other", "space_id": "den"})
    assert await stored(foyer) == ["lab other 1"]
    for path in ("/panel/den/defects", "/panel/lab/defects", "/spaces/den/defects", "/api/v1/defects"):
        assert (await door.post(path, data={"kind": "other"})).status_code == 403
    await send(foyer.staff, "/spaces/den/defects", "/spaces/den", kind="water")
    defect = await foyer.house.value("SELECT id FROM defect WHERE space_id = 'den'")
    micros = await foyer.house.value(
        "SELECT (extract(epoch FROM last_at) * 1000000)::bigint FROM defect WHERE space_id = 'den'"
    )
    taken = await door.post("/screen/defects/undo", data={"report": f"{defect}.{micros}"})
    assert taken.status_code == 409
    assert await stored(foyer) == ["lab other 1", "den water 1"]


@pytest.mark.parametrize("shows", ["wall", "kiosk"])
async def test_screen_that_shows_no_panel_reports_nothing(foyer: Foyer, shows: str) -> None:
    screen = await foyer.paired("Foyer", shows, reader="kiosk-pi/kiosk")
    for path in ("/screen/defects", "/screen/defects/undo"):
        answer = await screen.post(path, data={"kind": "other", "report": "x"})
        assert answer.status_code in {404, 409}
    assert await stored(foyer) == []


async def test_stolen_tablet_that_was_unpaired_reports_nothing(foyer: Foyer, door: httpx.AsyncClient) -> None:
    key = KEY.search((await tapped(door, "other")).text)
    assert key is not None
    await foyer.revoke("Door")
    for path in ("/screen/defects", "/screen/defects/undo"):
        answer = await door.post(path, data={"kind": "water", "report": key[1]})
        assert answer.status_code == 410
        assert "not paired any more" in text_of(answer)
    assert await stored(foyer) == ["lab other 1"]


async def test_browser_without_a_screens_token_reports_nothing(foyer: Foyer) -> None:
    waiting, _ = await foyer.waiting()
    made_up = foyer.house.browser()
    made_up.cookies.set(COOKIE, "x" * 43)
    for client in (foyer.house.browser(), waiting, made_up):
        assert (await client.post("/screen/defects", data={"kind": "other"})).status_code == 410
    assert await stored(foyer) == []


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://elsewhere.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
async def test_form_of_another_site_reports_nothing(
    foyer: Foyer, door: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    for path in ("/screen/defects", "/screen/defects/undo"):
        assert (await door.post(path, data={"kind": "other"}, headers=headers)).status_code == 403
    assert await stored(foyer) == []


async def test_signed_in_browser_with_a_screens_token_needs_its_forms_token(
    foyer: Foyer, door: httpx.AsyncClient
) -> None:
    foyer.staff.cookies.set(COOKIE, door.cookies[COOKIE])
    assert (await foyer.staff.post("/screen/defects", data={"kind": "other"})).status_code == 403
    sent = await send(foyer.staff, "/screen/defects", "/screen?part=broken", kind="other")
    assert sent.status_code == 303
    assert await stored(foyer) == ["lab other 1"]


async def test_archived_space_takes_no_report(foyer: Foyer, door: httpx.AsyncClient) -> None:
    await foyer.house.run("UPDATE space SET archived_at = now() WHERE id = 'lab'")
    answer = await door.post("/screen/defects", data={"kind": "other"})
    assert answer.status_code == 422
    assert "This space is not in use any more." in text_of(answer)
    assert await stored(foyer) == []


async def test_account_reports_on_the_panel(foyer: Foyer) -> None:
    answer = await send(foyer.staff, "/panel/lab/defects", "/panel/lab?part=broken", kind="furniture")
    page = await foyer.staff.get(answer.headers["location"])
    assert "Furniture, door or window" in text_of(page)
    key = KEY.search(page.text)
    assert key is not None
    undone = await send(foyer.staff, "/panel/lab/defects/undo", "/panel/lab?part=broken", report=key[1])
    assert "The report is taken back" in text_of(await foyer.staff.get(undone.headers["location"]))
    assert await stored(foyer) == []
    learner = await foyer.house.signed_in("learner", Role.LEARNER)
    assert (await send(learner, "/panel/lab/defects", "/panel/lab?part=broken", kind="other")).is_redirect
    assert (
        await send(learner, "/panel/no/defects", "/panel/lab?part=broken", kind="other")
    ).status_code == 404


async def test_in_an_evacuation_there_are_no_targets_and_no_parts(
    foyer: Foyer, door: httpx.AsyncClient
) -> None:
    await foyer.house.run("INSERT INTO muster (kind) VALUES ('alarm')")
    for path in ("/screen", "/screen?part=broken", "/screen?part=free", "/screen?part=badge"):
        page = await door.get(path)
        assert 'class="evacuation alarm"' in page.text
        assert targets(page) == []
        assert 'class="part' not in page.text
        assert "data-self" not in page.text
    assert (await door.post("/screen/defects", data={"kind": "other"})).headers["location"] == "/screen"
    assert await stored(foyer) == []


async def test_part_ends_at_the_time_in_its_address(foyer: Foyer, door: httpx.AsyncClient) -> None:
    page = await door.get("/screen?part=broken")
    address = re.search(r'data-self="([^"]+)"', page.text)
    assert address is not None
    assert '<meta http-equiv="refresh" content="4; url=/screen?part=broken&amp;until=' in page.text
    assert "What is broken?" in (await door.get(address[1].replace("&amp;", "&"))).text
    for until in ("0", "1700000000"):
        past = await door.get(f"/screen?part=broken&until={until}")
        assert "What is broken?" not in past.text
        assert targets(past) == ["badge", "take", "free", "broken"]
    for until in ("9999999999", "x", "-1", "²", "1" * 400):
        page = await door.get("/screen", params={"part": "broken", "until": until})
        returns = re.search(r'data-returns="(\d+)"', page.text)
        assert returns is not None
        assert int(returns[1]) <= 30_000
    visitor = await foyer.house.browser().get("/panel/lab?part=free")
    assert re.search(r'content="30; url=/panel/lab"', visitor.text)


async def test_words_that_are_no_part_show_the_state(door: httpx.AsyncClient) -> None:
    for part in ("", "nothing", "refused", "BROKEN", "reported", "x" * 1000):
        page = await door.get("/screen", params={"part": part, "report": "x"})
        assert targets(page) == ["badge", "take", "free", "broken"], part


async def test_report_while_the_database_is_away_is_not_confirmed(
    foyer: Foyer, door: httpx.AsyncClient
) -> None:
    with away(foyer.house.database):
        answer = await door.post("/screen/defects", data={"kind": "other"})
        assert answer.status_code == 503
        assert "Your report may not have arrived." in text_of(answer)
        assert 'content="10; url=/screen"' in answer.text
    assert await stored(foyer) == []
