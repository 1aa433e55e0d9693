"""Addresses of calendars over HTTP: made, read, revoked, and what programs get while something is wrong."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import httpx
import pytest

from hubwell.booking.calendar import addresses
from hubwell.http.database import DatabaseAwayError
from hubwell.vocabulary import Role
from services.access.running_app import csrf_on
from services.api.test_desk import API
from services.booking.booking_house import ZONE, Booker, BookingHouse, clock
from services.booking.calendar.calendar_readers import by_ical_js, by_icalendar, in_khal
from services.web.staffed_hub import text_of

CALENDARS = f"{API}/calendars"


async def made(booker: Booker, shows: str, space: str = "") -> dict[str, Any]:
    answer = await booker.client.post(CALENDARS, json={"shows": shows, "space": space})
    assert answer.status_code == 201, answer.text
    address: dict[str, Any] = answer.json()
    return address


@pytest.fixture
def program(hub: BookingHouse) -> httpx.AsyncClient:
    """Give a calendar program."""
    return hub.house.browser(accept="text/calendar")


def summaries(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    return sorted(each.summary for each in by_icalendar(answer.content))


async def test_calendars_show_what_their_readers_may_see(
    hub: BookingHouse, program: httpx.AsyncClient, tmp_path: Path
) -> None:
    await hub.staff.booked(clock(9), clock(10))
    hidden = await hub.staff.booked(clock(11), clock(12), title="Ida's talk", shows_title=False)
    await hub.colleague.booked(clock(13), clock(14), title="Choir")
    gone = await hub.staff.booked(clock(15), clock(16), title="Cancelled")
    await hub.staff.cancel(gone)
    own, space, busy = (
        await made(hub.staff, "own"),
        await made(hub.staff, "space", "wood"),
        await made(hub.staff, "busy", "wood"),
    )
    assert summaries(await program.get(own["url"])) == ["Ida's talk", "Robotics"]
    shown = await program.get(space["url"])
    assert summaries(shown) == ["Booked", "Choir", "Robotics"]
    times = await program.get(busy["url"])
    assert summaries(times) == ["Booked"] * 3
    for word in ("Robotics", "Ida", "Wood", hidden["id"]):
        assert word not in times.text.replace("X-WR-CALNAME:Wood", "").replace("NAME:Wood", ""), word
    assert by_icalendar(shown.content) == by_ical_js(shown.content)
    listed = await asyncio.to_thread(in_khal, tmp_path, space["url"], ZONE.key, clock(9)[:10], 1)
    day = clock(9)[:10]
    assert listed == [
        f"{day} 09:00 {day} 10:00 Robotics",
        f"{day} 11:00 {day} 12:00 Booked",
        f"{day} 13:00 {day} 14:00 Choir",
    ]
    # A change is a new version of the same event.
    before = {each.uid: each.sequence for each in by_icalendar((await program.get(own["url"])).content)}
    await hub.staff.change(hidden, start=clock(17), end=clock(18))
    after = {each.uid: each.sequence for each in by_icalendar((await program.get(own["url"])).content)}
    uid = f"booking-{hidden['id']}@hubwell"
    assert after.keys() == before.keys()
    assert after[uid] == before[uid] + 1


async def test_unchanged_calendar_is_not_sent_again(hub: BookingHouse, program: httpx.AsyncClient) -> None:
    await hub.staff.booked(clock(9), clock(10))
    url = (await made(hub.staff, "space", "wood"))["url"]
    first = await program.get(url)
    assert first.headers["cache-control"] == "private, no-cache"
    again = {"if-none-match": first.headers["etag"]}
    assert (await program.get(url, headers=again)).status_code == 304
    head = await program.head(url)
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", first.headers["etag"])
    await hub.staff.booked(clock(10), clock(11))
    changed = await program.get(url, headers=again)
    assert len(summaries(changed)) == 2
    listed = (await hub.staff.client.get(CALENDARS)).json()["calendars"]
    assert [each["last_read_on"] is not None for each in listed] == [True]


async def test_revoked_and_unknown_addresses_are_404_and_nothing_else(
    hub: BookingHouse, program: httpx.AsyncClient
) -> None:
    mine, theirs = await made(hub.staff, "own"), await made(hub.colleague, "space", "wood")
    assert (await program.get(mine["url"])).status_code == 200
    refused = await hub.staff.client.delete(f"{CALENDARS}/{theirs['id']}")
    assert (refused.status_code, refused.json()["code"]) == (403, "calendar-address-not-yours")
    hidden = await hub.facilities.client.delete(f"{CALENDARS}/{mine['id']}")
    assert hidden.status_code == 403, "one's own bookings are nobody else's"
    assert (await hub.facilities.client.delete(f"{CALENDARS}/{theirs['id']}")).status_code == 204
    assert (await hub.staff.client.delete(f"{CALENDARS}/{mine['id']}")).status_code == 204
    assert (await hub.staff.client.delete(f"{CALENDARS}/{mine['id']}")).status_code == 404
    forged = mine["url"][:-5] + ("A" if mine["url"][-5] != "A" else "B") + ".ics"
    for url in (
        mine["url"],
        theirs["url"],
        forged,
        f"{hub.house.address}/calendar/{'x' * 5000}.ics",
        f"{hub.house.address}/calendar/%00.ics",
    ):
        answer = await program.get(url)
        assert answer.status_code == 404, url
        assert "html" not in answer.headers["content-type"]
        assert answer.headers["cache-control"] == "no-store"


async def test_outage_of_the_database_shows_the_kept_calendar(
    hub: BookingHouse,
    program: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await hub.staff.booked(clock(9), clock(10))
    read, unread = await made(hub.staff, "own"), await made(hub.staff, "space", "wood")
    before = await program.get(read["url"])

    async def away(*_: object) -> None:
        raise DatabaseAwayError("gone")

    monkeypatch.setattr(addresses, "with_token", away)
    caplog.set_level(logging.DEBUG)
    kept = await program.get(read["url"])
    assert (kept.status_code, kept.content) == (200, before.content)
    again = await program.get(read["url"], headers={"if-none-match": before.headers["etag"]})
    assert again.status_code == 304
    assert (await program.get(unread["url"])).status_code == 404, "harmless to programs, unlike 503"
    token = read["url"].rpartition("/")[2].removesuffix(".ics")
    # The access log is off; caplog alone hears its logger.
    assert not logging.getLogger("uvicorn.access").propagate
    elsewhere = ("httpx", "httpcore", "uvicorn.access")
    hubwell = [record for record in caplog.records if not record.name.startswith(elsewhere)]
    assert hubwell, "the outage is logged"
    assert not [record for record in hubwell if token in record.getMessage()]


async def test_address_is_made_copied_and_revoked_on_its_page(
    hub: BookingHouse, program: httpx.AsyncClient
) -> None:
    staff = await hub.house.signed_in("ida", Role.STAFF)
    assert 'href="/calendars"' in (await staff.get("/bookings")).text
    assert 'href="/calendars?space=wood"' in (await staff.get("/spaces/wood")).text
    page = text_of(await staff.get("/calendars?space=wood"))
    assert "Google may show changes up to a day late" in page
    csrf = await csrf_on(staff, "/calendars")
    wrong = await staff.post("/calendars", data={"csrf": csrf, "shows": "space", "space": ""})
    assert (wrong.status_code, 'id="space-wrong"' in wrong.text) == (422, True)
    done = await staff.post("/calendars", data={"csrf": csrf, "shows": "busy", "space": "wood"})
    url = done.text.partition('<code class="secret">')[2].partition("<")[0]
    assert summaries(await program.get(url)) == []
    listed = await staff.get("/calendars")
    assert url not in listed.text, "shown once"
    assert "Wood: booked times" in text_of(listed)
    action = listed.text.partition('method="post" action="/calendars/')[2].partition('"')[0]
    assert (await staff.post(f"/calendars/{action}", data={"csrf": csrf})).status_code == 303
    assert (await program.get(url)).status_code == 404


async def test_erased_and_closed_accounts_have_no_calendar(
    hub: BookingHouse, program: httpx.AsyncClient
) -> None:
    staff = await hub.house.signed_in("ida", Role.STAFF)
    csrf = await csrf_on(staff, "/calendars")
    done = await staff.post("/calendars", data={"csrf": csrf, "shows": "own", "space": ""})
    url = done.text.partition('<code class="secret">')[2].partition("<")[0]
    assert (await program.get(url)).status_code == 200
    await hub.house.run("UPDATE account SET disabled_at = now() WHERE login = 'ida'")
    assert (await program.get(url)).status_code == 404
    await hub.house.run("UPDATE account SET disabled_at = NULL WHERE login = 'ida'")
    assert (await program.get(url)).status_code == 200
    admin = await hub.house.signed_in("ada", Role.ADMIN)
    account = await hub.house.value("SELECT id FROM account WHERE login = 'ida'")
    erased = await admin.post(
        f"/accounts/{account}/erase",
        data={"csrf": await csrf_on(admin, f"/accounts/{account}/erase"), "login": "ida"},
    )
    assert erased.status_code < 400, text_of(erased)
    assert (await program.get(url)).status_code == 404
    assert await hub.house.value("SELECT count(*) FROM calendar_address") == 0


async def test_too_many_addresses_are_refused(hub: BookingHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "MOST_ADDRESSES", 1)
    await made(hub.staff, "own")
    answer = await hub.staff.client.post(CALENDARS, json={"shows": "own"})
    assert (answer.status_code, answer.json()["code"]) == (409, "calendar-too-many-addresses")
    cell = await hub.colleague.client.post(CALENDARS, json={"shows": "space", "space": "cell"})
    assert (cell.status_code, cell.json()["code"]) == (422, "booking-space-not-bookable")
