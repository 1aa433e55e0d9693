"""A class at the desk, by form: names one after another, known names, undo, two desks, deletion."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from hubwell.privacy.retention import retention_each_minute
from hubwell.vocabulary import Role
from lanes.database_lane import Database
from services.access.running_app import send
from services.people.people_register import badge, now
from services.web.staffed_hub import Staffed, staffed, text_of

NAMES = "Lovelace; Ada\nBea Bee\n\nCleo"


@pytest.fixture
async def hub(database: Database, tmp_path: Path) -> AsyncIterator[Staffed]:
    """Give a staffed hub."""
    async with staffed(database, tmp_path / "keys") as hub:
        yield hub


async def started(hub: Staffed, names: str = NAMES, **fields: str) -> str:
    """Paste a list; return its address."""
    answer = await hub.send("/desk/class", "/desk/class", names=names, **fields)
    assert answer.status_code == 303, text_of(answer)
    return str(answer.headers["location"])


async def press(hub: Staffed, address: str, what: str = "", **changed: Any) -> httpx.Response:
    """Send the form of the name whose turn it is, as the page has it."""
    page = await hub.staff.get(address)
    form = page.text.partition('id="class"')[2].partition("</form>")[0]
    fields = dict(re.findall(r'name="(position|tap|name)"[^>]*? value="([^"]*)"', form))
    fields |= dict(re.findall(r'name="(owner)" value="([^"]*)" checked', form))
    return await hub.send(address.partition("?")[0] + what, address, **fields | changed)


async def names_with_badges(hub: Staffed) -> list[str]:
    rows = await hub.register.conn.execute(
        "SELECT p.name FROM person p JOIN credential c ON c.person_id = p.id ORDER BY c.id"
    )
    return [row[0] for row in await rows.fetchall()]


async def test_names_get_their_badges_one_after_another(hub: Staffed) -> None:
    address = await started(hub)
    badges = [badge() for _ in range(3)]
    for number, name in enumerate(("Ada Lovelace", "Bea Bee", "Cleo")):
        page = await hub.staff.get(address)
        assert f'value="{name}"' in page.text
        assert f"Name {number + 1} of 3" in text_of(page)
        await hub.register.desk_tap(badges[number])
        answer = await press(hub, address)
        assert answer.status_code == 303, text_of(answer)
        address = answer.headers["location"]

    said = text_of(await hub.staff.get(address))
    assert "3 of 3 people have a badge" in said
    assert "Every name is done" in said
    assert await names_with_badges(hub) == ["Ada Lovelace", "Bea Bee", "Cleo"]
    stored = await hub.register.value(
        "SELECT array_agg(badge ORDER BY credential_id) FROM credential_pseudonym"
    )
    assert stored == [each.pseudonym for each in badges]
    answer = await hub.send(f"{address}/end", address)
    assert "The list is deleted" in text_of(await hub.staff.get(answer.headers["location"]))
    assert await hub.register.value("SELECT count(*) FROM class_name") == 0
    assert [entry[1] for entry in await hub.actions()] == [
        "class.begun", "badge.enrolled", "badge.enrolled", "badge.enrolled", "class.ended",
    ]  # fmt: skip
    entries = await hub.register.value("SELECT string_agg(detail::text, ' ') FROM audit_entry")
    assert "Ada" not in entries


async def test_enter_without_the_form_knowing_the_badge_takes_the_one_that_waits(hub: Staffed) -> None:
    """So it is without a script: the page was there before the tap."""
    address = await started(hub)
    early = await press(hub, address)
    assert (early.status_code, "Hold the badge to the desk reader first" in text_of(early)) == (422, True)
    assert 'value="Ada Lovelace"' in early.text

    await hub.register.desk_tap(badge())
    answer = await press(hub, address, tap="")

    assert answer.headers["location"].endswith("?at=2")
    assert await names_with_badges(hub) == ["Ada Lovelace"]


async def test_of_several_badges_one_is_chosen_and_never_guessed(hub: Staffed) -> None:
    address = await started(hub)
    first, second = await hub.register.desk_tap(badge()), await hub.register.desk_tap(badge())
    page = await hub.staff.get(address)
    assert "Several badges wait" in text_of(page)
    assert page.text.index(f'value="{first}"') < page.text.index(f'value="{second}"')
    refused = await press(hub, address, tap="")
    assert (refused.status_code, await names_with_badges(hub)) == (422, [])

    await press(hub, address, tap=str(second))
    assert await names_with_badges(hub) == ["Ada Lovelace"]
    assert "A badge waits" in text_of(await hub.staff.get(address))
    await press(hub, address, "/next-tap")
    assert "Hold the badge to the desk reader." in text_of(await hub.staff.get(address))


async def test_same_badge_held_twice_is_one_badge(hub: Staffed) -> None:
    address, held = await started(hub), badge()
    await hub.register.desk_tap(held)
    await hub.register.desk_tap(held)
    assert (await press(hub, address, tap="")).status_code == 303


async def test_badge_of_another_person_is_named_and_not_given(hub: Staffed) -> None:
    held = badge()
    await hub.send(f"/desk/taps/{await hub.register.desk_tap(held)}", owner="new", name="Dora")
    address = await started(hub)
    tap = await hub.register.desk_tap(held)

    assert "belongs to Dora already" in text_of(await hub.staff.get(address))
    assert (await press(hub, address, tap="")).status_code == 422
    forced = await press(hub, address, tap=str(tap))

    assert (forced.status_code, "enrolled already" in text_of(forced)) == (422, True)
    assert await names_with_badges(hub) == ["Dora"]


async def test_name_that_is_registered_is_offered_and_gets_one_more_badge(hub: Staffed) -> None:
    known = (await hub.enrol("ada lovelace")).rpartition("/")[2]
    address = await started(hub)
    said = text_of(await hub.staff.get(address))
    assert "This name is registered already" in said
    assert "it is one more, beside 1 badge in use" in said

    await hub.register.desk_tap(badge())
    await press(hub, address)
    assert await hub.register.value("SELECT count(*) FROM credential WHERE person_id = %s", known) == 2

    again = await started(hub, "Ada Lovelace")
    await hub.register.desk_tap(badge())
    await press(hub, again, owner="new")
    assert await hub.register.value("SELECT count(*) FROM person") == 2


async def test_second_of_two_equal_names_is_another_person_unless_it_is_chosen(hub: Staffed) -> None:
    address = await started(hub, "Anna Rossi\nanna rossi")
    assert "on the list more than once" in text_of(await hub.staff.get(address))
    for _ in range(2):
        await hub.register.desk_tap(badge())
        address = (await press(hub, address)).headers["location"]
    assert await hub.register.value("SELECT count(*) FROM person") == 2


async def test_skipped_name_waits_to_the_end_and_can_be_gone_back_to(hub: Staffed) -> None:
    address = await started(hub)
    answer = await press(hub, address, "/skip")
    said = text_of(await hub.staff.get(answer.headers["location"]))
    assert "Ada Lovelace was skipped." in said
    assert "Back one name" in said

    back = f"{address}?at=1"
    await hub.register.desk_tap(badge())
    answer = await press(hub, back)
    assert answer.headers["location"].endswith("?at=2")
    assert await names_with_badges(hub) == ["Ada Lovelace"]
    assert "skipped" not in text_of(await hub.staff.get(address))


async def test_undo_takes_back_the_badge_and_the_person_and_goes_back_to_the_name(hub: Staffed) -> None:
    address = await started(hub)
    await hub.register.desk_tap(badge())
    await press(hub, address, name="Ada Byron")
    assert await names_with_badges(hub) == ["Ada Byron"]
    await press(hub, address, "/skip")

    for position in (2, 1):
        answer = await hub.send(f"{address}/undo", address)
        assert answer.headers["location"].endswith(f"?at={position}")
    assert await hub.register.value("SELECT count(*) FROM person") == 0
    assert 'value="Ada Byron"' in (await hub.staff.get(address)).text, "as it was typed"
    nothing = await hub.send(f"{address}/undo", address)
    assert (nothing.status_code, "nothing to undo" in text_of(nothing)) == (422, True)


async def test_enrolment_that_is_too_old_is_not_undone_and_stays_on_the_list(hub: Staffed) -> None:
    address = await started(hub)
    await hub.register.desk_tap(badge())
    await press(hub, address)
    await hub.register.conn.execute(
        "UPDATE credential SET valid = tstzrange(now() - interval '11 minutes', NULL)"
    )
    answer = await hub.send(f"{address}/undo", address)
    assert (answer.status_code, "for 10 minutes" in text_of(answer)) == (422, True)
    assert "1 of 3 people have a badge" in text_of(answer)


async def test_badge_that_was_taken_back_elsewhere_lets_the_name_wait_again(hub: Staffed) -> None:
    address = await started(hub)
    await hub.register.desk_tap(badge())
    await press(hub, address)
    number = await hub.register.value("SELECT id FROM credential")
    await hub.send(f"/desk/badges/{number}/take-back", address)
    page = await hub.staff.get(address)
    assert ("0 of 3 people" in text_of(page), 'value="Ada Lovelace"' in page.text) == (True, True)


async def test_two_tabs_with_one_list_do_not_give_two_badges_to_one_name(hub: Staffed) -> None:
    address = await started(hub)
    first, second = await hub.register.desk_tap(badge()), await hub.register.desk_tap(badge())
    fields = {"position": "1", "name": "Ada Lovelace", "owner": "new"}
    assert (await hub.send(address, address, **fields, tap=str(first))).status_code == 303
    late = await hub.send(address, address, **fields, tap=str(second))
    assert (late.status_code, "got its badge meanwhile" in text_of(late)) == (422, True)
    assert await names_with_badges(hub) == ["Ada Lovelace"]


async def test_two_desks_do_not_take_each_others_badges(hub: Staffed) -> None:
    conn = hub.register.conn
    await conn.execute("INSERT INTO device (id) VALUES ('desk-1'), ('desk-2')")
    await conn.execute(
        "INSERT INTO reader (device_id, name, purpose) "
        "VALUES ('desk-1', 'desk', 'desk'), ('desk-2', 'desk', 'desk')"
    )
    nowhere = await hub.send("/desk/class", "/desk/class", names=NAMES)
    assert (nowhere.status_code, "Choose the reader at your desk." in text_of(nowhere)) == (422, True)
    assert "Lovelace; Ada" in nowhere.text, "what was pasted is kept"
    mine = await started(hub, reader="desk-2/desk")
    others = await started(hub, reader="desk-1/desk")

    await hub.register.desk_tap(badge())

    assert "A badge waits" not in text_of(await hub.staff.get(mine))
    assert (await press(hub, mine, tap="")).status_code == 422
    assert "A badge waits" in text_of(await hub.staff.get(others))


async def test_list_is_its_owners_alone_and_of_no_program(hub: Staffed) -> None:
    address = await started(hub)
    colleague = await hub.house.signed_in("colleague", Role.STAFF)
    program = hub.house.browser(authorization=f"Bearer {await hub.house.token('robot', [Role.STAFF])}")
    for path in (address, f"{address}/badges", f"/desk/class/{uuid4()}"):
        assert (await colleague.get(path)).status_code == 404, path
    assert (await program.get("/desk/class")).status_code == 403
    for what in ("", "/skip", "/undo", "/next-tap", "/end"):
        await send(colleague, address + what, "/desk/class", position="1", name="x")
    assert await hub.register.value("SELECT count(*) FROM class_name WHERE NOT skipped") == 3


async def test_list_that_is_left_alone_is_deleted_after_hours(hub: Staffed) -> None:
    address = await started(hub)
    conn = hub.register.conn
    await conn.execute("UPDATE class_list SET used_at = now() - interval '119 minutes'")
    await _minute(hub)
    assert (await hub.staff.get(address)).status_code == 200
    await conn.execute("UPDATE class_list SET used_at = now() - interval '121 minutes'")
    await _minute(hub)
    assert (await hub.staff.get(address)).status_code == 404
    assert await hub.register.value("SELECT count(*) FROM class_name") == 0


async def _minute(hub: Staffed) -> None:
    """Let the timetable's deletion of each minute run."""
    await retention_each_minute(hub.register.conn, now(), hub.house.settings)


async def test_list_is_found_again_after_the_browser_was_closed(hub: Staffed) -> None:
    address = await started(hub)
    await press(hub, address, "/skip")
    page = await hub.staff.get("/desk/class")
    assert "1 of 3 names done" in text_of(page)
    assert f'href="{address}"' in page.text


async def test_old_tap_and_odd_numbers_are_refused(hub: Staffed) -> None:
    address = await started(hub)
    old = await hub.register.desk_tap(badge(), ago=timedelta(minutes=3))
    for fields in ({"tap": str(old)}, {"position": "99"}, {"position": "x"}, {"name": "  "}):
        answer = await press(hub, address, **fields)
        assert answer.status_code == 422, fields
    assert (await hub.staff.get(f"{address}?at=99")).status_code == 200
    assert await names_with_badges(hub) == []


async def test_checked_in_with_two_presses_and_the_space_is_first_the_next_time(hub: Staffed) -> None:
    person = (await hub.enrol("Ada")).rpartition("/")[2]
    found = await hub.send("/desk/find", q="ada")
    assert found.text.index('value="metal"') < found.text.index('value="wood"')

    answer = await hub.send(f"/desk/people/{person}/visit", back="desk", space="wood")

    assert answer.headers["location"] == f"/desk?done=in&person={person}"
    assert "Ada is checked in." in text_of(await hub.staff.get(answer.headers["location"]))
    assert await hub.register.value("SELECT space_id FROM visit WHERE upper_inf(during)") == "wood"
    found = await hub.send("/desk/find", q="ada")
    assert found.text.index('value="wood"') < found.text.index('value="metal"')
    answer = await hub.send(f"/desk/people/{person}/visit", back="desk", way="out")
    assert "Ada is checked out." in text_of(await hub.staff.get(answer.headers["location"]))
    answer = await hub.send(f"/desk/people/{person}/visit", back="desk", way="out")
    assert "was not checked in anywhere" in text_of(await hub.staff.get(answer.headers["location"]))
