"""The desk: enrol, find, check in and out, revoke, merge; by form."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from hubwell.keys import Keys
from hubwell.vocabulary import Role
from lanes.database_lane import Database
from services.people.people_register import badge, now
from services.web.staffed_hub import Staffed, staffed, text_of


@pytest.fixture
async def hub(database: Database, tmp_path: Path) -> AsyncIterator[Staffed]:
    """Give a staffed hub."""
    async with staffed(database, tmp_path / "keys") as hub:
        yield hub


async def test_badge_is_enrolled_and_the_enrolment_can_be_undone(hub: Staffed) -> None:
    held = badge()
    tap = await hub.register.desk_tap(held)
    assert "A badge that is not enrolled yet" in text_of(await hub.staff.get("/desk"))

    answer = await hub.send(f"/desk/taps/{tap}", owner="new", name="Ada Lovelace", language="it")
    page = await hub.staff.get(answer.headers["location"])

    assert "Ada Lovelace The badge is enrolled" in text_of(page)
    person = answer.headers["location"].split("/")[3].partition("?")[0]
    stored = await hub.register.value("SELECT badge FROM credential_pseudonym")
    assert stored == held.pseudonym
    undo = re.findall(r'action="(/desk/badges/\d+/take-back)"', page.text)
    answer = await hub.send(undo[0], person=person)
    assert "The badge is not known any more" in text_of(await hub.staff.get(answer.headers["location"]))
    assert await hub.register.value("SELECT count(*) FROM person") == 0
    assert [entry[1] for entry in await hub.actions()] == ["badge.enrolled", "badge.taken-back"]


async def test_name_that_is_left_empty_is_asked_for_and_enrols_nobody(hub: Staffed) -> None:
    tap = await hub.register.desk_tap(badge())
    answer = await hub.send(f"/desk/taps/{tap}", owner="new", name="  ", language="fi")
    assert answer.status_code == 422
    assert "Type a name, or choose “Without a name”." in text_of(answer)
    assert await hub.register.value("SELECT count(*) FROM person") == 0


async def test_second_badge_goes_to_somebody_who_is_found_by_name(hub: Staffed) -> None:
    address = await hub.enrol("Bea Bee")
    tap = await hub.register.desk_tap(badge())

    found = await hub.send(f"/desk/taps/{tap}/find", f"/desk/taps/{tap}", q="be")
    assert "Give it to Bea Bee" in text_of(found)
    answer = await hub.send(f"/desk/taps/{tap}", owner=address.rpartition("/")[2])

    assert answer.headers["location"].startswith(address)
    assert await hub.register.value("SELECT count(*) FROM credential") == 2
    assert await hub.register.value("SELECT count(*) FROM person") == 1


async def test_two_badges_are_told_apart_by_note_and_number_and_all_but_one_are_revoked(hub: Staffed) -> None:
    address = await hub.enrol("Ada", label=" blue  key ring ")
    person, held = address.rpartition("/")[2], badge()
    tap = await hub.register.desk_tap(held)
    await hub.send(f"/desk/taps/{tap}", owner=person, label="lanyard")
    await hub.send(f"/desk/people/{person}/code", address, label="phone")
    rows = await (await hub.register.conn.execute("SELECT id, label FROM credential ORDER BY id")).fetchall()
    assert [label for _, label in rows] == ["blue key ring", "lanyard", "phone"]
    lost, kept, code = (number for number, _ in rows)

    page = text_of(await hub.staff.get(address))
    assert f"Badge {lost} (blue key ring)" in page
    assert f"QR code {code} (phone)" in page
    assert "Revoke all but" not in page, "no badge is in the hand"
    tap = await hub.register.desk_tap(held)
    assert f"Badge {kept} (lanyard)" in text_of(await hub.staff.get("/desk"))
    page = text_of(await hub.staff.get(address))
    assert re.search(rf"Held to desk-1 at [\d:]+: Badge {kept} \(lanyard\)", page)
    assert f"Revoke all but badge {kept}" in page

    answer = await hub.send(f"/desk/taps/{tap}/revoke-others", address, person=person, why="lost")
    assert answer.headers["location"] == f"{address}?done=others-revoked"
    assert "All other badges and codes are revoked" in text_of(
        await hub.staff.get(answer.headers["location"])
    )
    assert await hub.register.value("SELECT array_agg(id) FROM credential WHERE upper_inf(valid)") == [kept]
    assert [entry[1] for entry in await hub.actions()][-2:] == ["badge.revoked", "badge.revoked"]
    again = await hub.send(f"/desk/taps/{tap}/revoke-others", address, person=person, why="lost")
    assert (again.status_code, "no other badge or code in use" in text_of(again)) == (422, True)


async def test_tap_that_is_old_unknown_or_of_a_revoked_badge_revokes_nothing(hub: Staffed) -> None:
    address = await hub.enrol("Ada")
    person, held = address.rpartition("/")[2], badge()
    await hub.send(f"/desk/taps/{await hub.register.desk_tap(held)}", owner=person)
    old = await hub.register.desk_tap(held, ago=timedelta(minutes=3))
    unknown = await hub.register.desk_tap(badge())
    second = await hub.register.value("SELECT max(id) FROM credential")
    await hub.send(f"/desk/badges/{second}/revoke", address, person=person, why="lost")
    revoked = await hub.register.desk_tap(held)
    for tap, sentence in ((old, "more than two minutes"), (unknown, "not enrolled"), (revoked, "is revoked")):
        answer = await hub.send(f"/desk/taps/{tap}/revoke-others", address, person=person, why="lost")
        assert (answer.status_code, sentence in text_of(answer)) == (422, True)
    assert await hub.register.value("SELECT count(*) FROM credential WHERE upper_inf(valid)") == 1


async def test_note_with_characters_that_cannot_be_shown_is_refused(hub: Staffed) -> None:
    tap = await hub.register.desk_tap(badge())
    answer = await hub.send(f"/desk/taps/{tap}", owner="new", name="Ada", label="blue\u202egnir")
    assert (answer.status_code, "This note holds characters" in text_of(answer)) == (422, True)
    assert await hub.register.value("SELECT count(*) FROM credential") == 0


async def test_note_is_changed_on_the_persons_page(hub: Staffed) -> None:
    address = await hub.enrol("Ada", label="blue")
    person = address.rpartition("/")[2]
    number = await hub.register.value("SELECT id FROM credential")
    note = f"/desk/badges/{number}/note"
    answer = await hub.send(note, address, person=person, label="grey lanyard")
    page = text_of(await hub.staff.get(answer.headers["location"]))
    assert "The changes were saved." in page
    assert f"Badge {number} (grey lanyard)" in page
    answer = await hub.send(note, address, person=person, label="blue\u202egnir")
    assert (answer.status_code, "This note holds characters" in text_of(answer)) == (422, True)
    assert await hub.register.value("SELECT label FROM credential") == "grey lanyard"
    assert [entry[1] for entry in await hub.actions()] == ["badge.enrolled", "badge.note-changed"]


async def test_known_badge_leads_to_its_person(hub: Staffed) -> None:
    held = badge()
    await hub.send(f"/desk/taps/{await hub.register.desk_tap(held)}", owner="new", name="Ada")
    tap = await hub.register.desk_tap(held)

    desk, form = await hub.staff.get("/desk"), await hub.staff.get(f"/desk/taps/{tap}")
    answer = await hub.send(f"/desk/taps/{tap}", owner="new", name="Somebody else")

    assert "Ada Held to desk-1" in text_of(desk)
    assert "This badge is enrolled already, for Ada." in text_of(form)
    assert answer.status_code == 422
    assert "take it off there first" in text_of(answer)
    assert await hub.register.value("SELECT count(*) FROM person") == 1


async def test_old_tap_says_what_to_do(hub: Staffed) -> None:
    tap = await hub.register.desk_tap(badge(), ago=timedelta(minutes=3))

    answer = await hub.staff.get(f"/desk/taps/{tap}")

    assert answer.status_code == 404
    assert "Hold the badge to the desk reader again" in text_of(answer)
    assert (await hub.send(f"/desk/taps/{tap}", owner="nameless")).status_code == 404


async def test_enrolling_ends_what_was_only_counted(hub: Staffed) -> None:
    held = badge()
    counted = await hub.register.counted(held)
    await hub.register.visit(counted, "wood", now() - timedelta(minutes=20))
    await hub.register.conn.execute(
        "INSERT INTO tap (person_id, space_id, time, source, intent) VALUES (%s, 'wood', %s, 'desk', 'in')",
        (counted, await hub.register.value("SELECT lower(during) FROM visit")),
    )

    await hub.send(f"/desk/taps/{await hub.register.desk_tap(held)}", owner="new", name="Ada")

    assert await hub.register.value("SELECT count(*) FROM visit WHERE upper_inf(during)") == 0
    assert await hub.register.value("SELECT person_id FROM visit") == counted


async def test_mistake_keeps_what_was_typed(hub: Staffed) -> None:
    tap = await hub.register.desk_tap(badge())

    answer = await hub.send(f"/desk/taps/{tap}", owner="new", name="x" * 121, language="lv")

    assert answer.status_code == 422
    assert 'href="#name">A name has at most 120 characters.' in answer.text
    assert "x" * 121 in answer.text
    assert '<option value="lv" selected>' in answer.text


async def test_search_is_short_noted_and_leaves_no_name_in_an_address(hub: Staffed) -> None:
    await hub.enrol("Ada Lovelace")

    answer = await hub.send("/desk/find", q="love")

    assert "Ada Lovelace 1 badge in use" in text_of(answer)
    assert "At least two letters" in text_of(await hub.send("/desk/find", q="l"))
    assert "No person with this name was found" in text_of(await hub.send("/desk/find", q="nobody"))
    assert (await hub.staff.get("/desk/find?q=love")).status_code == 405
    entries = await hub.actions()
    assert [entry[1] for entry in entries].count("person.searched") == 3
    assert "love" not in str(
        await (await hub.register.conn.execute("SELECT a FROM audit_entry a")).fetchall()
    )


async def test_desk_checks_in_and_out_as_a_reader_would(hub: Staffed) -> None:
    address = await hub.enrol()

    for way, said in (("out", "were not checked in"), ("in", "are checked in"), ("out", "are checked out")):
        answer = await hub.send(f"{address}/visit", way=way, space="wood")
        assert said in text_of(await hub.staff.get(answer.headers["location"]))
        assert "wood" not in answer.headers["location"]

    visit = await (
        await hub.register.conn.execute("SELECT space_id, upper_inf(during) FROM visit")
    ).fetchall()
    assert visit in ([("wood", False)], [])  # in and out within the moment is no visit
    answer = await hub.send(f"{address}/visit", way="in", space="no-such-space")
    assert (answer.status_code, "There is no such space" in text_of(answer)) == (422, True)
    answer = await hub.send(f"{address}/visit", way="in", space="No space!")
    assert (answer.status_code, "There is no such space" in text_of(answer)) == (422, True)


async def test_lost_badge_is_revoked_and_restored_when_found(hub: Staffed) -> None:
    address = await hub.enrol()
    page = await hub.staff.get(address)
    revoke = re.findall(r'action="(/desk/badges/\d+/revoke)"', page.text)[0]

    answer = await hub.send(revoke, why="lost", person=address.rpartition("/")[2])
    page = await hub.staff.get(answer.headers["location"])
    assert "Lost, revoked on" in text_of(page)
    again = await hub.send(revoke, why="lost", person=address.rpartition("/")[2])
    assert (again.status_code, "revoked already" in text_of(again)) == (422, True)

    answer = await hub.send(revoke.replace("revoke", "restore"), person=address.rpartition("/")[2])
    assert "In use since" in text_of(await hub.staff.get(answer.headers["location"]))
    assert [entry[1] for entry in await hub.actions()] == [
        "badge.enrolled",
        "badge.revoked",
        "badge.restored",
    ]


async def test_code_is_shown_once_and_kept_nowhere(hub: Staffed) -> None:
    answer = await hub.send("/desk/people", "/desk/people/new", name="Ada", code="1")

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert "<svg" in answer.text
    assert "HW1:" not in answer.text
    assert "style=" not in answer.text.partition("<main")[2]
    epoch = Keys(hub.house.settings.keys_dir).newest_epoch()
    assert await hub.register.value("SELECT epoch FROM credential_pseudonym") == epoch.epoch
    assert await hub.register.value("SELECT kind FROM credential") == "qr"


async def test_somebody_without_a_badge_is_entered_without_a_code(hub: Staffed) -> None:
    answer = await hub.send("/desk/people", "/desk/people/new", name="Ada")

    assert "They are checked in at this desk" in text_of(await hub.staff.get(answer.headers["location"]))
    assert await hub.register.value("SELECT count(*) FROM credential") == 0


async def test_two_entries_become_one(hub: Staffed) -> None:
    keep, drop = await hub.enrol("Ada"), await hub.enrol("Ada L")
    await hub.send(f"{drop}/visit", way="in", space="wood")

    found = await hub.send(f"{keep}/same", keep, q="ada")
    assert "Merge Ada L into this entry" in text_of(found)
    assert "Merge Ada into" not in text_of(found)
    answer = await hub.send(f"{keep}/merge", keep, other=drop.rpartition("/")[2])

    assert "one person now" in text_of(await hub.staff.get(answer.headers["location"]))
    assert (await hub.staff.get(drop)).status_code == 404
    assert str(await hub.register.value("SELECT person_id FROM visit")) == keep.rpartition("/")[2]
    again = await hub.send(f"{keep}/merge", keep, other=keep.rpartition("/")[2])
    assert (again.status_code, "same entry twice" in text_of(again)) == (422, True)


async def test_nobody_merges_somebody_into_their_own_entry_to_read_their_visits(hub: Staffed) -> None:
    own, other = await hub.enrol("Staff Self"), await hub.enrol("Ada")
    await hub.register.conn.execute("UPDATE account SET person_id = %s", (own.rpartition("/")[2],))

    for keep, drop in ((own, other), (other, own)):
        answer = await hub.send(f"{keep}/merge", keep, other=drop.rpartition("/")[2])
        assert (answer.status_code, "Ask a colleague" in text_of(answer)) == (422, True)
    assert await hub.register.value("SELECT count(*) FROM person") == 2


async def test_questions_are_asked_in_neutral_words_and_put_away(hub: Staffed) -> None:
    address = await hub.enrol()
    for kind in ("two-places", "counter-replayed", "revoked-used", "sun-forged"):
        await hub.register.conn.execute(
            "INSERT INTO suspicion (credential_id, kind, at, space_id) "
            "SELECT id, %s, now(), 'wood' FROM credential",
            (kind,),
        )

    page = await hub.staff.get("/desk")

    said = text_of(page)
    assert said.count("On ") >= 4
    assert "please ask" in said
    assert not re.search(r"suspic|fraud|guilt|stolen|cheat|wood", said, re.IGNORECASE)
    await hub.send(re.findall(r'action="(/desk/questions/\d+/settle)"', page.text)[0])
    assert text_of(await hub.staff.get("/desk")).count("Dismiss") == 3
    assert (await hub.actions())[-1][1] == "question.settled"
    assert address


async def test_person_page_never_shows_visits(hub: Staffed) -> None:
    address = await hub.enrol()
    await hub.send(f"{address}/visit", way="in", space="metal")

    page = text_of(await hub.staff.get(address))

    assert page.count("Metal") == 1  # the choice of the form
    assert not re.search(r"since \d\d:\d\d", page)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.STAFF])
async def test_desk_is_for_staff_only(hub: Staffed, role: Role) -> None:
    other = await hub.house.signed_in("other", role)
    for path in ("/desk", "/desk/live", "/desk/people/new", "/desk/taps/1", f"/desk/people/{uuid4()}"):
        assert (await other.get(path)).status_code == 403, path
    assert (await other.post("/desk/find", data={"q": "ada"})).status_code == 403
    assert (await hub.house.browser().get("/desk")).status_code in {303, 401}


async def test_every_entry_names_the_account_and_no_person_by_name(hub: Staffed) -> None:
    await hub.enrol("Zaphod")
    account = await hub.register.value("SELECT id FROM account")

    (entry,) = await hub.actions()

    person = await hub.register.value("SELECT id FROM person")
    assert entry == (f"account:{account}", "badge.enrolled", f"person:{person}")
    assert "Zaphod" not in str(
        await (await hub.register.conn.execute("SELECT a FROM audit_entry a")).fetchall()
    )
