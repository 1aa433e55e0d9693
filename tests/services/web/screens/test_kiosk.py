"""A kiosk shows the answer of a tap at its reader, in the person's language, on its screen only."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest
import segno

from feed.enrolled_people import enrol
from feed.ingest_setup import commit
from feed.simulated_device import Device, Packet
from hubwell.storage.notify import Channel
from hubwell.vocabulary import Role
from hubwell_wire.pseudonym import EpochKey, proof, pseudonym
from services.web.screens.screen_browsers import Foyer, text_of

KEY = EpochKey(1, b"\x01" * 32)
UID = b"\x04KIOSK1"
BADGE = bytes.fromhex(pseudonym(UID, KEY))
REST = "Hold your badge to the reader."
CODE = re.compile(r"\b[2-9A-Z]{4}-[2-9A-Z]{4}\b")


def tap(device: Device, reader: str, at: datetime | None = None) -> Packet:
    data = {"reader": reader, "badge": pseudonym(UID, KEY), "epoch": 1, "proof": proof(UID, KEY)}
    return device.event(at or datetime.now(UTC), "tap", data)


async def sent(foyer: Foyer, *packets: Packet) -> list[Any]:
    outcomes = await asyncio.to_thread(commit, foyer.url, packets, unknown_badges="refuse")
    return [answer for outcome in outcomes for answer in outcome.answers]


@pytest.fixture
async def kiosk(foyer: Foyer) -> httpx.AsyncClient:
    """Give the screen beside the kiosk's reader, and a person whose badge was at a door."""
    await asyncio.to_thread(enrol, foyer.url, BADGE, language="lv")
    await sent(foyer, tap(Device("lab-pi"), "door"))
    screen = await foyer.paired("Kiosk", "kiosk", reader="kiosk-pi/kiosk")
    assert REST in text_of(await screen.get("/screen"))
    return screen


async def looks(stream: httpx.Response) -> AsyncIterator[str]:
    async for line in stream.aiter_lines():
        if line.startswith("event: "):
            yield line.removeprefix("event: ")


async def test_tap_shows_the_code_large_and_as_qr_in_the_persons_language(
    foyer: Foyer, kiosk: httpx.AsyncClient
) -> None:
    version = "kiosk kiosk-pi kiosk"
    async with kiosk.stream("GET", "/screen/live", params={"version": version}) as stream:
        events = looks(stream)
        (answer,) = await sent(foyer, tap(Device("kiosk-pi"), "kiosk"))
        assert answer.verdict == "code"
        async with asyncio.timeout(5):
            assert await anext(events) == "look"
    page = await kiosk.get("/screen/now")
    (code,) = CODE.findall(text_of(page) or page.text) or CODE.findall(page.text)[:1]
    assert code in answer.text
    assert 'lang="lv"' in page.text
    assert "Tavs kods" in page.text
    drawn = segno.make(f"{foyer.house.address}/me#code={code}", error="m", micro=False)
    assert _path(drawn.svg_inline(scale=4, border=4, omitsize=True)) in page.text
    vanishes = re.search(r'data-vanishes="(\d+)"', page.text)
    assert vanishes is not None
    assert 30_000 < int(vanishes[1]) <= 45_000
    phone = foyer.house.browser()
    entered = await phone.post("/me/code", data={"code": code})
    assert entered.headers["location"] == "/me"


def _path(svg: str) -> str:
    found = re.search(r' d="([^"]+)"', svg)
    assert found is not None
    return found[1]


async def test_without_a_script_the_page_shows_the_same(foyer: Foyer, kiosk: httpx.AsyncClient) -> None:
    assert '<meta http-equiv="refresh" content="2">' in (await kiosk.get("/screen")).text
    await sent(foyer, tap(Device("kiosk-pi"), "kiosk"))
    await _until(kiosk, CODE.search)


async def _until(screen: httpx.AsyncClient, found: Any) -> str:
    async with asyncio.timeout(10):
        while not found((page := await screen.get("/screen")).text):  # noqa: ASYNC110 - the server's other side
            await asyncio.sleep(0.05)
    return page.text


async def test_answer_vanishes_and_the_next_person_replaces_it(
    foyer: Foyer, kiosk: httpx.AsyncClient
) -> None:
    await sent(foyer, tap(Device("kiosk-pi"), "kiosk"))
    await _until(kiosk, CODE.search)
    stranger = Device("kiosk-pi").event(
        datetime.now(UTC), "tap", {"reader": "kiosk", "badge": "ab" * 16, "epoch": 1}
    )
    await sent(foyer, stranger)
    page = await _until(kiosk, lambda text: "This badge is not known here." in text)
    assert CODE.search(page) is None
    held = foyer.house.app.state.page_parts.screen_notices
    later = datetime.now(UTC) + timedelta(seconds=9)
    (screen_id,) = held._shown
    assert held.answer(screen_id, later) is None
    assert "This badge is not known here." not in (await kiosk.get("/screen/now")).text


async def test_other_screens_and_other_browsers_see_nothing_of_it(
    foyer: Foyer, kiosk: httpx.AsyncClient
) -> None:
    await foyer.house.run("INSERT INTO reader VALUES ('kiosk-pi', 'second', 'kiosk')")
    others = [
        await foyer.paired("Other kiosk", "kiosk", reader="kiosk-pi/second"),
        await foyer.paired("Door", "kiosk", reader="lab-pi/door"),
        await foyer.paired("Foyer"),
        await foyer.house.signed_in("desk", Role.STAFF),
    ]
    for other in others[:2]:
        await other.get("/screen")
    await sent(foyer, tap(Device("kiosk-pi"), "kiosk"))
    await _until(kiosk, CODE.search)
    for other, path in zip(others, ("/screen", "/screen", "/screen", "/kiosk"), strict=True):
        page = await other.get(path)
        assert page.status_code == 200
        assert CODE.search(page.text) is None
        assert "data-vanishes" not in page.text


async def test_door_beside_a_screen_shows_its_answer_and_no_code(foyer: Foyer) -> None:
    await asyncio.to_thread(enrol, foyer.url, BADGE, language="fi")
    screen = await foyer.paired("Door", "kiosk", reader="lab-pi/door")
    await screen.get("/screen")
    await sent(foyer, tap(Device("lab-pi"), "door"))
    page = await _until(screen, lambda text: "data-vanishes" in text)
    assert 'lang="fi"' in page
    assert "Tervetuloa" in page
    assert CODE.search(page) is None


async def test_card_without_proof_gets_no_code_on_the_screen_either(
    foyer: Foyer, kiosk: httpx.AsyncClient
) -> None:
    """A pseudonym from a list of badges, sent by the kiosk's account (decision 0020)."""
    data = {"reader": "kiosk", "badge": BADGE.hex(), "epoch": 1}
    (answer,) = await sent(foyer, Device("kiosk-pi").event(datetime.now(UTC), "tap", data))
    assert answer.verdict == "refused"
    page = await _until(kiosk, lambda text: "data-vanishes" in text)
    assert CODE.search(page) is None
    assert await foyer.house.value("SELECT count(*) FROM visit_code") == 0


async def test_late_tap_is_not_shown_to_whoever_stands_there_now(
    foyer: Foyer, kiosk: httpx.AsyncClient
) -> None:
    late = datetime.now(UTC) - timedelta(seconds=45)
    (answer,) = await sent(foyer, tap(Device("kiosk-pi"), "kiosk", late))
    assert answer.verdict == "code"
    await sent(foyer, tap(Device("lab-pi"), "door"))
    await asyncio.sleep(0.3)
    assert "data-vanishes" not in (await kiosk.get("/screen/now")).text


async def test_in_an_evacuation_the_kiosk_says_where_to_go(foyer: Foyer, kiosk: httpx.AsyncClient) -> None:
    await foyer.house.run("INSERT INTO muster (kind) VALUES ('alarm')")
    (answer,) = await sent(foyer, tap(Device("kiosk-pi"), "kiosk"))
    assert answer.verdict == "refused"
    page = await kiosk.get("/screen")
    assert "leave the building now" in text_of(page)
    assert REST not in page.text


@pytest.mark.usefixtures("kiosk")
async def test_code_is_sealed_on_its_way_through_the_database(foyer: Foyer) -> None:
    async with await psycopg.AsyncConnection.connect(foyer.url, autocommit=True) as conn:
        name = await (await conn.execute("SELECT channel_name(%s)", (Channel.SCREENS,))).fetchone()
        assert name is not None
        await conn.execute(f'LISTEN "{name[0]}"'.encode())
        (answer,) = await sent(foyer, tap(Device("kiosk-pi"), "kiosk"))
        heard = [notice.payload async for notice in conn.notifies(timeout=10, stop_after=1)]
    (code,) = CODE.findall(answer.text)
    assert len(heard) == 1
    assert "sealed" in heard[0]
    assert code not in heard[0]
    assert code.replace("-", "") not in heard[0]
    stored = await foyer.house.value("SELECT string_agg(s::text, '') FROM screen s")
    assert code not in stored


async def test_nobody_listens_nothing_is_sent(foyer: Foyer, kiosk: httpx.AsyncClient) -> None:
    await foyer.house.run("UPDATE screen SET seal_key = NULL")
    (answer,) = await sent(foyer, tap(Device("kiosk-pi"), "kiosk"))
    assert answer.verdict == "code", "the reader's own display shows it as ever"
    assert "data-vanishes" not in (await kiosk.get("/screen/now")).text


async def test_notice_for_another_process_or_none_at_all_changes_nothing(
    foyer: Foyer, kiosk: httpx.AsyncClient
) -> None:
    """The API was started again: what was sealed to its key of before cannot be opened any more."""
    await foyer.house.run("UPDATE screen SET seal_key = sha256('another')")
    await sent(foyer, tap(Device("kiosk-pi"), "kiosk"))
    await asyncio.sleep(0.3)
    assert REST in text_of(await kiosk.get("/screen/now")) or REST in (await kiosk.get("/screen/now")).text
    await sent(foyer, tap(Device("kiosk-pi"), "kiosk"))
    await _until(kiosk, CODE.search)


async def test_reader_that_is_away_is_said(foyer: Foyer, kiosk: httpx.AsyncClient) -> None:
    await foyer.house.run("UPDATE device SET status = 'offline' WHERE id = 'kiosk-pi'")
    page = (await kiosk.get("/screen/now")).text
    assert "The reader cannot be reached right now." in page
    assert REST not in page


async def test_kiosk_without_a_badge_leads_to_the_desk_and_asks_for_no_name(
    foyer: Foyer, kiosk: httpx.AsyncClient
) -> None:
    page = await kiosk.get("/screen")
    assert "Check in without a badge" in page.text
    assert "<form" not in page.text
    assert "<input" not in page.text
    staff = await foyer.house.signed_in("desk", Role.STAFF)
    assert REST in (await staff.get("/kiosk")).text
    stranger = await foyer.house.browser().get("/kiosk")
    assert stranger.headers["location"] == "/screen"
