"""What staff and their programs do through the API: the same use cases as at the desk."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from hubwell.vocabulary import Role
from lanes.database_lane import Database
from services.access.running_app import House, csrf_on, open_house
from services.people.people_register import Register, badge, now, opened

API = "/api/v1"


@dataclass
class Desk:
    """A running server with two spaces, and a program of staff."""

    house: House
    register: Register
    program: httpx.AsyncClient

    async def post(self, path: str, **body: Any) -> httpx.Response:
        return await self.program.post(API + path, json=body)

    async def ok(self, path: str, **body: Any) -> Any:
        answer = await self.post(path, **body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def problem(self, path: str, **body: Any) -> tuple[int, str, str]:
        """Return status, code and field of a refusal."""
        return problem_of(await self.post(path, **body))

    async def actions(self) -> list[str]:
        rows = await self.register.conn.execute("SELECT action FROM audit_entry ORDER BY id")
        return [row[0] for row in await rows.fetchall()]


def problem_of(answer: httpx.Response) -> tuple[int, str, str]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body = answer.json()
    assert body["type"] == f"urn:hubwell:problem:{body['code']}"
    assert body["status"] == answer.status_code
    return answer.status_code, body["code"], body["field"]


def program(house: House, token: str) -> httpx.AsyncClient:
    """Return a client that sends a token."""
    return house.browser(accept="application/json", authorization=f"Bearer {token}")


@pytest.fixture
async def desk(database: Database, tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_house(database, keys_dir=str(tmp_path / "keys")) as house, opened(database) as register:
        await register.space("wood")
        await register.space("metal")
        yield Desk(house, register, program(house, await house.token("desk", [Role.STAFF])))


async def test_badge_at_the_desk_is_enrolled_for_a_new_person(desk: Desk) -> None:
    tap_id = await desk.register.desk_tap(badge())
    (tap,) = (await desk.program.get(f"{API}/badges/taps")).json()["taps"]
    assert (tap["id"], tap["badge_id"], tap["name"]) == (tap_id, None, None)
    assert "badge" not in tap, "what recognises it is never shown"

    owner = {"kind": "new", "name": "Ada", "language": "it"}
    made = await desk.ok(f"/badges/taps/{tap_id}/enrol", owner=owner, label="blue")

    entry = (await desk.program.get(f"{API}/persons/{made['person_id']}")).json()
    assert (entry["name"], entry["language"], entry["badges"][0]["id"]) == ("Ada", "it", made["badge_id"])
    assert (entry["badges"][0]["label"], entry["badges"][0]["revoked_why"]) == ("blue", None)
    assert await desk.actions() == ["badge.enrolled"]


async def test_all_badges_but_the_one_in_the_hand_are_revoked(desk: Desk) -> None:
    owner: dict[str, Any] = {"kind": "new", "name": "Ada"}
    first = await desk.ok(f"/badges/taps/{await desk.register.desk_tap(badge())}/enrol", owner=owner)
    held, known = badge(), {"kind": "known", "person_id": first["person_id"]}
    tap = await desk.register.desk_tap(held)
    kept = (await desk.ok(f"/badges/taps/{tap}/enrol", owner=known, label="lanyard"))["badge_id"]
    tap = await desk.register.desk_tap(held)
    (shown,) = (await desk.program.get(f"{API}/badges/taps")).json()["taps"]
    assert (shown["badge_id"], shown["label"]) == (kept, "lanyard")

    result = await desk.ok(f"/badges/taps/{tap}/revoke-others", why="lost")

    assert (result["kept"], result["revoked"]) == (kept, [first["badge_id"]])
    assert await desk.register.value("SELECT id FROM credential WHERE upper_inf(valid)") == kept
    path = f"/badges/taps/{tap}/revoke-others"
    assert await desk.problem(path, why="lost") == (409, "no-other-badge", "")
    unknown = await desk.register.desk_tap(badge())
    assert (await desk.problem(f"/badges/taps/{unknown}/revoke-others", why="lost"))[1] == "not-enrolled"


async def test_badge_is_for_a_known_or_a_nameless_person(desk: Desk) -> None:
    ada = (await desk.ok("/persons", name="Ada"))["id"]
    for owner, person in (({"kind": "known", "person_id": ada}, ada), ({"kind": "nameless"}, None)):
        tap = await desk.register.desk_tap(badge())
        made = await desk.ok(f"/badges/taps/{tap}/enrol", owner=owner)
        assert person in (made["person_id"], None)


async def test_enrolling_a_counted_badge_ends_the_visit_of_its_anonymous_person(desk: Desk) -> None:
    held = badge()
    counted = await desk.register.counted(held)
    await desk.register.visit(counted, "wood", now() - timedelta(hours=1))
    await desk.register.conn.execute(
        "INSERT INTO tap (person_id, space_id, time, source, intent, verdict) "
        "SELECT person_id, space_id, lower(during), 'desk', 'in', 'counts' FROM visit"
    )
    tap = await desk.register.desk_tap(held)
    await desk.ok(f"/badges/taps/{tap}/enrol", owner={"kind": "new", "name": "Ada"})
    assert await desk.register.value("SELECT count(*) FROM visit WHERE upper_inf(during)") == 0


async def test_enrolments_that_are_refused(desk: Desk) -> None:
    held, new = badge(), {"kind": "new", "name": "Ada"}
    tap = await desk.register.desk_tap(held)
    path = f"/badges/taps/{tap}/enrol"
    assert await desk.problem(path, owner={"kind": "new", "name": "   "}) == (422, "name-missing", "name")
    assert await desk.problem(path, owner=new | {"language": "xx"}) == (422, "language-unknown", "language")
    assert await desk.problem(path, owner=new, label="x" * 61) == (422, "label-too-long", "label")
    unknown = {"kind": "known", "person_id": str(uuid4())}
    assert (await desk.problem(path, owner=unknown))[:2] == (404, "person-gone")
    assert (await desk.problem(path, owner={"kind": "nobody"}))[:2] == (422, "bad-parameters")
    assert (await desk.problem(path, owner=new, badge="00"))[:2] == (422, "bad-parameters")
    assert (await desk.problem("/badges/taps/999/enrol", owner=new))[:2] == (404, "badge-gone")
    await desk.ok(path, owner=new)
    again = await desk.register.desk_tap(held)
    assert (await desk.problem(f"/badges/taps/{again}/enrol", owner=new))[:2] == (409, "already-enrolled")
    assert await desk.actions() == ["badge.enrolled"], "what is refused changes nothing"


async def test_badge_is_revoked_restored_and_its_enrolment_undone(desk: Desk) -> None:
    tap = await desk.register.desk_tap(badge())
    made = await desk.ok(f"/badges/taps/{tap}/enrol", owner={"kind": "new", "name": "Ada"})
    path = f"/badges/{made['badge_id']}"

    assert (await desk.problem(f"{path}/revoke", why="stolen"))[:2] == (422, "bad-parameters")
    assert (await desk.problem(f"{path}/restore"))[:2] == (409, "not-revoked")
    assert await desk.ok(f"{path}/revoke", why="lost") == {"person_id": made["person_id"]}
    assert (await desk.problem(f"{path}/revoke", why="lost"))[:2] == (409, "already-revoked")
    assert await desk.ok(f"{path}/restore") == {"person_id": made["person_id"]}
    assert await desk.ok(f"{path}/undo-enrolment") == {"person_id": None}
    assert (await desk.problem(f"{path}/undo-enrolment"))[:2] == (409, "too-late")
    assert (await desk.problem(f"{path}/revoke", why="lost"))[:2] == (404, "credential-gone")
    assert await desk.register.value("SELECT count(*) FROM person") == 0
    expected = ["badge.enrolled", "badge.revoked", "badge.restored", "badge.taken-back"]
    assert await desk.actions() == expected


async def test_note_on_a_badge_is_changed_and_the_log_does_not_hold_it(desk: Desk) -> None:
    tap = await desk.register.desk_tap(badge())
    owner = {"kind": "new", "name": "Ada"}
    made = await desk.ok(f"/badges/taps/{tap}/enrol", owner=owner, label="blue")

    async def put(label: str, number: int = made["badge_id"]) -> tuple[int, str]:
        answer = await desk.program.put(f"{API}/badges/{number}/note", json={"label": label})
        return answer.status_code, answer.json().get("code", "")

    assert await put(" grey  lanyard ") == (200, "")
    entry = (await desk.program.get(f"{API}/persons/{made['person_id']}")).json()
    assert entry["badges"][0]["label"] == "grey lanyard"
    assert await put("x" * 61) == (422, "label-too-long")
    assert await put("blue\u202egnir") == (422, "label-odd")
    assert await put("lanyard", 999) == (404, "credential-gone")
    assert await put("") == (200, "")
    assert await desk.register.value("SELECT label FROM credential") == ""
    assert await desk.actions() == ["badge.enrolled", "badge.note-changed", "badge.note-changed"]
    assert not await desk.register.value(
        "SELECT count(*) FROM audit_entry e WHERE e::text LIKE '%%lanyard%%'"
    )


async def test_person_is_found_renamed_and_merged(desk: Desk) -> None:
    keep, drop = [(await desk.ok("/persons", name=name))["id"] for name in ("Ada", "Ada Lovelace")]
    found = await desk.ok("/persons/search", text="ada")
    assert {person["id"] for person in found["persons"]} == {keep, drop}
    assert found["persons"][0].keys() == {"id", "name", "language", "badges"}

    changed = await desk.program.put(f"{API}/persons/{keep}", json={"name": "Ada K.", "language": "et"})
    assert changed.status_code == 204
    assert (await desk.problem(f"/persons/{keep}/merge", other=keep))[:2] == (422, "same-person")
    await desk.ok(f"/persons/{keep}/merge", other=drop)

    assert (await desk.program.get(f"{API}/persons/{drop}")).status_code == 404
    assert (await desk.program.get(f"{API}/persons/{keep}")).json()["name"] == "Ada K."
    nobody = await desk.program.put(f"{API}/persons/{drop}", json={"name": "Ada"})
    assert problem_of(nobody)[:2] == (404, "person-gone")
    expected = ["person.entered", "person.entered", "person.searched", "person.changed", "person.merged"]
    assert await desk.actions() == expected


async def test_code_is_issued_once(desk: Desk) -> None:
    ada = (await desk.ok("/persons", name="Ada"))["id"]
    code = await desk.post(f"/persons/{ada}/codes", label="phone")
    assert code.status_code == 201
    assert code.headers["cache-control"] == "no-store"
    (kept,) = (await desk.program.get(f"{API}/persons/{ada}")).json()["badges"]
    assert (kept["id"], kept["kind"], kept["label"]) == (code.json()["badge_id"], "qr", "phone")
    assert code.json()["text"] not in str(kept)
    assert (await desk.problem(f"/persons/{uuid4()}/codes"))[:2] == (404, "person-gone")


async def test_person_is_checked_in_and_out(desk: Desk) -> None:
    ada = (await desk.ok("/persons", name="Ada"))["id"]
    assert await desk.problem(f"/persons/{ada}/check-in", space_id="cellar") == (
        422, "space-unknown", "space"
    )  # fmt: skip
    assert (await desk.problem(f"/persons/{ada}/check-out"))[:2] == (409, "not-checked-in")
    await desk.ok(f"/persons/{ada}/check-in", space_id="wood")
    await desk.ok(f"/persons/{ada}/check-in", space_id="metal")
    await desk.ok(f"/persons/{ada}/check-out")
    rows = await desk.register.conn.execute("SELECT space_id, ended_by FROM visit ORDER BY during")
    assert await rows.fetchall() == [("wood", "moved"), ("metal", "tap")]
    assert (await desk.problem(f"/persons/{uuid4()}/check-in", space_id="wood"))[:2] == (404, "person-gone")
    counted = await desk.register.counted(badge())
    assert (await desk.problem(f"/persons/{counted}/check-in", space_id="wood"))[:2] == (404, "person-gone")
    expected = ["person.entered", "desk.checked-in", "desk.checked-in", "desk.checked-out"]
    assert await desk.actions() == expected


async def test_question_about_a_badge_is_closed(desk: Desk) -> None:
    tap = await desk.register.desk_tap(badge())
    made = await desk.ok(f"/badges/taps/{tap}/enrol", owner={"kind": "new", "name": "Ada"})
    await desk.register.conn.execute(
        "INSERT INTO suspicion (credential_id, kind, at) VALUES (%s, 'revoked-used', now())",
        (made["badge_id"],),
    )
    (question,) = (await desk.program.get(f"{API}/badges/suspicions")).json()["suspicions"]
    assert (question["badge_id"], question["name"]) == (made["badge_id"], "Ada")
    assert not question.keys() & {"space", "space_id", "other_space_id"}
    await desk.ok(f"/badges/suspicions/{question['id']}/resolve")
    assert (await desk.problem(f"/badges/suspicions/{question['id']}/resolve"))[:2] == (404, "not-found")
    assert (await desk.program.get(f"{API}/badges/suspicions")).json() == {"suspicions": []}


async def test_browser_needs_the_anti_forgery_token(desk: Desk) -> None:
    """A person's session may use the API too; another site cannot make it."""
    staff = await desk.house.signed_in("staff", Role.STAFF, accept="application/json")
    refused = await staff.post(f"{API}/persons", json={"name": "Ada"})
    assert problem_of(refused)[:2] == (403, "form-expired")
    token = await csrf_on(await desk.house.signed_in("other", Role.STAFF), "/desk")
    foreign = await staff.post(f"{API}/persons", json={"name": "Ada"}, headers={"x-csrf-token": token})
    assert problem_of(foreign)[:2] == (403, "form-expired")
    page = await staff.get("/desk", headers={"accept": "text/html"})
    own = page.text.partition('name="csrf" value="')[2].partition('"')[0]
    accepted = await staff.post(f"{API}/persons", json={"name": "Ada"}, headers={"x-csrf-token": own})
    assert accepted.status_code == 201
    assert await desk.register.value("SELECT count(*) FROM person") == 1


async def test_own_entry_is_merged_by_a_colleague(desk: Desk) -> None:
    own, other = [(await desk.ok("/persons", name=name))["id"] for name in ("Self", "Ada")]
    staff = await desk.house.signed_in("staff", Role.STAFF, accept="application/json")
    await desk.register.conn.execute("UPDATE account SET person_id = %s", (own,))
    page = await staff.get("/desk", headers={"accept": "text/html"})
    token = page.text.partition('name="csrf" value="')[2].partition('"')[0]
    for keep, drop in ((own, other), (other, own)):
        path, headers = f"{API}/persons/{keep}/merge", {"x-csrf-token": token}
        refused = await staff.post(path, json={"other": drop}, headers=headers)
        assert problem_of(refused)[:2] == (403, "own-entry")
