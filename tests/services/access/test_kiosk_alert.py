"""What a kiosk's account tries, from its messages to the page of administrators."""

import asyncio
import html
from datetime import UTC, datetime

from feed.enrolled_people import enrol
from feed.ingest_setup import commit, device_in, one
from hubwell.vocabulary import Role
from services.access.running_app import House


async def test_kiosk_that_names_badges_it_does_not_have_is_shown_to_administrators(house: House) -> None:
    """It publishes the pseudonyms of a list as taps of its reader."""
    url, badges = house.database.url, [bytes([number]) * 16 for number in range(1, 7)]
    kiosk = await asyncio.to_thread(device_in, url, "hall", "kiosk-pi")
    await house.run("INSERT INTO reader VALUES ('kiosk-pi', 'kiosk', 'kiosk')")
    for badge in badges:
        await asyncio.to_thread(enrol, url, badge)
    admin, staff = await house.signed_in("chief", Role.ADMIN), await house.signed_in("desk", Role.STAFF)
    assert "kiosk-pi" not in (await admin.get("/accounts")).text

    now = datetime.now(UTC)
    listed = [{"reader": "kiosk", "badge": badge.hex(), "epoch": 1} for badge in badges]
    await asyncio.to_thread(commit, url, [kiosk.event(now, "tap", data) for data in listed])

    text = html.unescape((await admin.get("/accounts")).text)
    assert "The kiosk kiosk-pi was refused codes, most recently at" in text
    assert "it did not prove the badges. Update its software" in text
    assert "kiosk-pi" not in (await staff.get("/account")).text
    assert await asyncio.to_thread(one, url, "SELECT count(*) FROM visit_code") == 0
