"""Defects in the browser: reported on the page of a space, seen and done on the list of defects."""

import re
from datetime import UTC, datetime

import httpx
import pytest

from hubwell.vocabulary import Role
from services.access.running_app import House, send
from services.web.screens.screen_browsers import text_of

FORM = 'action="/spaces/lab/defects"'


async def report(client: httpx.AsyncClient, kind: str, space: str = "lab") -> httpx.Response:
    """Send the form of a space's page; return the page that follows."""
    answer = await send(client, f"/spaces/{space}/defects", f"/spaces/{space}", kind=kind)
    assert answer.status_code == 303, text_of(answer)
    return await client.get(answer.headers["location"].partition("#")[0])


async def open_ones(client: httpx.AsyncClient, row: re.Pattern[str]) -> list[tuple[str, str]]:
    return row.findall((await client.get("/defects")).text)


async def test_report_on_the_page_of_a_space_is_on_the_list_and_done(
    staff: httpx.AsyncClient, keeper: httpx.AsyncClient, defect_row: re.Pattern[str], house: House
) -> None:
    assert "Facilities see it now: Lamp or socket." in text_of(await report(staff, "electricity"))
    ((defect, what),) = await open_ones(keeper, defect_row)
    assert what == "Lamp or socket"
    page = await keeper.get("/defects")
    assert "1 is open" in text_of(page)
    assert '">Defects (1)</a>' in page.text
    assert "Reported Once" in text_of(page)

    done = await send(keeper, f"/defects/{defect}/close", "/defects", note="New bulb")
    after = await keeper.get(done.headers["location"])
    assert await open_ones(keeper, defect_row) == []
    assert "New bulb" in text_of(after)
    assert "by keeper" in text_of(after)
    assert ">Defects</a>" in after.text
    undo = re.search(r'role="status">.*?action="(/defects/[^"]+/reopen)"', after.text, re.DOTALL)
    assert undo is not None
    await send(keeper, undo[1], "/defects")
    assert await open_ones(keeper, defect_row) == [(defect, what)]
    actions = await house.value("SELECT array_agg(action ORDER BY id) FROM audit_entry")
    assert actions[-3:] == ["defect.reported", "defect.closed", "defect.reopened"]


async def test_report_is_taken_back_on_the_page_of_the_space(
    staff: httpx.AsyncClient, keeper: httpx.AsyncClient, defect_row: re.Pattern[str]
) -> None:
    page = await report(staff, "water")
    key = re.search(r'name="report" value="([^"]+)"', page.text)
    assert key is not None
    answer = await send(staff, "/spaces/lab/defects/undo", "/spaces/lab", report=key[1])
    back = await staff.get(answer.headers["location"].partition("#")[0])
    assert "The report is taken back." in text_of(back)
    assert await open_ones(keeper, defect_row) == []
    twice = await send(staff, "/spaces/lab/defects/undo", "/spaces/lab", report=key[1])
    assert twice.status_code == 409


async def test_oldest_is_first_and_says_how_often_it_was_reported(
    keeper: httpx.AsyncClient, defect_row: re.Pattern[str], house: House
) -> None:
    for kind in ("water", "machine"):
        await report(keeper, kind)
    await house.run(
        "UPDATE defect SET first_at = now() - interval '9 days', reports = 3 WHERE kind = 'machine'"
    )
    assert [what for _, what in await open_ones(keeper, defect_row)] == ["Machine or tool", "Water or toilet"]
    page = await keeper.get("/defects")
    assert "3 times, last" in text_of(page)
    assert page.text.count('<dd class="old">') == 1  # the one that waits for longer than a week


async def test_staff_see_defects_and_do_not_mark_them_as_done(
    staff: httpx.AsyncClient, keeper: httpx.AsyncClient, defect_row: re.Pattern[str]
) -> None:
    await report(staff, "other")
    ((defect, _),) = await open_ones(staff, defect_row)
    assert "/close" not in (await staff.get("/defects")).text
    assert (await send(staff, f"/defects/{defect}/close", "/spaces/lab")).status_code == 403
    await send(keeper, f"/defects/{defect}/close", "/defects")
    seen = await staff.get("/defects")
    assert "keeper" not in text_of(seen)
    assert "/reopen" not in seen.text
    assert (await send(staff, f"/defects/{defect}/reopen", "/spaces/lab")).status_code == 403


@pytest.mark.parametrize("role", list(Role))
async def test_page_of_a_space_shows_to_each_role_what_it_may(
    house: House, keeper: httpx.AsyncClient, role: Role
) -> None:
    await report(keeper, "climate")
    page = await (await house.signed_in("somebody", role)).get("/spaces/lab")
    assert FORM in page.text
    sees = role in {Role.STAFF, Role.FACILITIES, Role.ADMIN}
    assert ("<strong>Heating or air</strong>" in page.text) == sees


async def test_visitor_and_person_with_a_code_are_offered_no_report(house: House) -> None:
    visitor = house.browser()
    assert FORM not in (await visitor.get("/spaces/lab")).text
    assert "part=broken" not in (await visitor.get("/panel/lab")).text
    refused = await visitor.post("/spaces/lab/defects", data={"kind": "other"})
    assert refused.status_code in {303, 401}
    async with house.connection() as conn:
        row = await (
            await conn.execute("INSERT INTO person (kind) VALUES ('enrolled') RETURNING id")
        ).fetchone()
    assert row is not None
    person = await house.with_code(row[0])
    assert FORM not in (await person.get("/spaces/lab")).text
    assert (await send(person, "/spaces/lab/defects", "/me", kind="other")).status_code == 403
    assert await house.value("SELECT count(*) FROM defect") == 0


async def test_forms_without_their_token_change_nothing(
    staff: httpx.AsyncClient, keeper: httpx.AsyncClient, defect_row: re.Pattern[str], house: House
) -> None:
    await report(staff, "other")
    ((defect, _),) = await open_ones(keeper, defect_row)
    for client, path in (
        (staff, "/spaces/lab/defects"),
        (staff, "/panel/lab/defects"),
        (keeper, f"/defects/{defect}/close"),
    ):
        assert (await client.post(path, data={"kind": "water"})).status_code == 403
    assert await house.value("SELECT array_agg(kind) FROM defect WHERE closed_at IS NULL") == ["other"]


async def test_what_cannot_be_is_refused_with_a_sentence(
    staff: httpx.AsyncClient, keeper: httpx.AsyncClient, defect_row: re.Pattern[str], house: House
) -> None:
    assert (await send(staff, "/spaces/lab/defects", "/spaces/lab", kind="roof")).status_code == 422
    assert (await send(staff, "/spaces/nowhere/defects", "/spaces/lab", kind="other")).status_code == 422
    await report(staff, "other")
    ((defect, _),) = await open_ones(keeper, defect_row)
    long = await send(keeper, f"/defects/{defect}/close", "/defects", note="x" * 301)
    assert long.status_code == 422
    assert "A note on what was done has at most 300 characters." in text_of(long)
    await send(keeper, f"/defects/{defect}/close", "/defects")
    again = await send(keeper, f"/defects/{defect}/close", "/defects")
    assert (again.status_code, "marked as done already" in text_of(again)) == (409, True)
    await report(keeper, "other")
    clash = await send(keeper, f"/defects/{defect}/reopen", "/defects")
    assert (clash.status_code, "reported there again since" in text_of(clash)) == (409, True)
    assert await house.value("SELECT count(*) FROM defect") == 2


async def test_archiving_a_space_closes_its_defects(
    keeper: httpx.AsyncClient, defect_row: re.Pattern[str]
) -> None:
    await report(keeper, "furniture")
    await report(keeper, "furniture", space="den")
    assert "1 open defect is closed." in text_of(await keeper.get("/spaces/lab/archive"))
    await send(keeper, "/spaces/lab/archive", "/spaces/lab/archive")
    assert len(await open_ones(keeper, defect_row)) == 1
    page = await keeper.get("/defects")
    assert "when the space was archived" in text_of(page)
    assert "/reopen" not in page.text
    assert (await send(keeper, "/spaces/lab/defects", "/defects", kind="other")).status_code == 422


async def test_sender_of_very_many_reports_has_to_wait(
    staff: httpx.AsyncClient, keeper: httpx.AsyncClient, house: House
) -> None:
    for _ in range(30):
        await send(staff, "/spaces/lab/defects", "/spaces/lab", kind="other")
    assert (await send(staff, "/spaces/lab/defects", "/spaces/lab", kind="water")).status_code == 429
    assert "Facilities see it now" in text_of(await report(keeper, "water"))  # others are not held up
    assert await house.value("SELECT count(*) FROM defect") == 2


async def test_programs_report_list_and_close(house: House) -> None:
    async def program(role: Role) -> httpx.AsyncClient:
        token = await house.token(f"program-{role}", [role])
        return house.browser(authorization=f"Bearer {token}", accept="application/json")

    caretaker, school = await program(Role.FACILITIES), await program(Role.STAFF)
    sent = await school.post("/api/v1/defects", json={"space_id": "lab", "kind": "display"})
    assert (sent.status_code, sent.json()["counted"], sent.json()["reports"]) == (201, True, 1)
    double = await school.post("/api/v1/defects", json={"space_id": "lab", "kind": "display"})
    assert double.json() == sent.json() | {"counted": False}
    defect = sent.json()["id"]
    (listed,) = (await school.get("/api/v1/defects")).json()["defects"]
    assert (listed["space_name"], listed["kind"], listed["closed_at"]) == ("Lab", "display", None)

    assert (await school.post(f"/api/v1/defects/{defect}/close", json={})).status_code == 403
    closed = await caretaker.post(f"/api/v1/defects/{defect}/close", json={"note": "cable"})
    assert (closed.status_code, closed.json()["note"]) == (200, "cable")
    assert datetime.fromisoformat(closed.json()["closed_at"]) <= datetime.now(UTC)
    assert (await caretaker.post(f"/api/v1/defects/{defect}/close", json={})).json()["code"] == "defect-done"
    assert (await caretaker.post(f"/api/v1/defects/{defect}/reopen")).json()["closed_at"] is None
    for body in ({"space_id": "lab", "kind": "roof"}, {"space_id": "no", "kind": "other"}, {"kind": "other"}):
        assert (await school.post("/api/v1/defects", json=body)).status_code == 422
    text = await school.post(
        "/api/v1/defects", json={"space_id": "lab", "kind": "other", "text": "Ada did it"}
    )
    assert text.status_code == 422


async def test_log_of_the_hub_says_in_words_what_happened(house: House, staff: httpx.AsyncClient) -> None:
    await report(staff, "machine")
    boss = await house.signed_in("boss", Role.ADMIN)
    page = text_of(await boss.get("/audit-log?area=spaces"))
    assert "Something was reported as broken." in page
    assert "Machine or tool" in page
