"""The muster's interface for programs."""

from psycopg import AsyncConnection

from hubwell.access import tokens
from hubwell.vocabulary import Role
from services.evacuation.populated_hub import House
from services.web.evacuation.officer import NAMES
from services.web.running_site import Site


async def program(site: Site, *roles: Role) -> dict[str, str]:
    """Return the header of a program with these roles."""
    async with await AsyncConnection.connect(site.database.url, autocommit=True) as conn:
        name = "program-" + "-".join(roles)
        _, token = await tokens.add(conn, name=name, roles=roles, expires_at=None)
    return {"authorization": f"Bearer {token}"}


async def test_program_opens_an_alarm_and_reads_the_list(site: Site, house: House) -> None:
    header = await program(site, Role.OSH)
    assert (await site.client.get("/api/v1/muster", headers=header)).json() == {"muster": None}

    opened = await site.client.post("/api/v1/muster", headers=header, json={"kind": "alarm"})

    assert opened.status_code == 200
    assert opened.json()["was_drill"] is False
    muster = (await site.client.get("/api/v1/muster", headers=header)).json()["muster"]
    people = [p for zone in muster["zones"] for space in zone["spaces"] for p in space["people"]]
    assert {person["name"] for person in people} == {*NAMES, None}
    assert (muster["people"], muster["safe"], muster["names_shown"]) == (4, 0, True)
    busy = await site.client.post("/api/v1/muster", headers=header, json={"kind": "drill"})
    assert busy.status_code == 409
    assert busy.json()["type"] == "urn:hubwell:problem:already-open"
    other = await program(site, Role.ADMIN, Role.STAFF, Role.FACILITIES)
    assert (await site.client.get("/api/v1/muster", headers=other)).status_code == 403
    actors = {row[0] for row in house.conn.execute("SELECT actor FROM audit_entry").fetchall()}
    assert all(actor.startswith("token:") for actor in actors)


async def test_program_ticks_people_off_and_the_audit_log_has_no_name(site: Site, house: House) -> None:
    header = await program(site, Role.OSH)
    opened = (await site.client.post("/api/v1/muster", headers=header, json={"kind": "alarm"})).json()["id"]
    muster = (await site.client.get("/api/v1/muster", headers=header)).json()["muster"]
    person = next(p for zone in muster["zones"] for space in zone["spaces"] for p in space["people"])
    address = f"/api/v1/muster/{opened}/people/{person['id']}"

    ticked = await site.client.put(address, headers=header, json={"state": "safe"})

    assert ticked.status_code == 204
    assert (await site.client.get("/api/v1/muster", headers=header)).json()["muster"]["safe"] == 1
    entry = house.conn.execute(
        "SELECT subject, detail FROM audit_entry WHERE action = 'muster.ticked'"
    ).fetchone()
    assert entry == (f"muster:{opened}", {"entry": person["id"], "state": "safe"})
    for wrong, status in (
        ((address, {"state": "fine"}), 422),
        ((f"/api/v1/muster/{opened}/people/999999", {"state": "safe"}), 404),
        ((f"/api/v1/muster/{opened}/people/0", {"state": "safe"}), 422),
    ):
        assert (await site.client.put(wrong[0], headers=header, json=wrong[1])).status_code == status, wrong
    other = await program(site, Role.ADMIN, Role.STAFF)
    assert (await site.client.put(address, headers=other, json={"state": "safe"})).status_code == 403


async def test_program_sees_no_names_in_a_drill(site: Site, house: House) -> None:
    header = await program(site, Role.OSH)
    await site.client.post("/api/v1/muster", headers=header, json={"kind": "drill"})

    answer = await site.client.get("/api/v1/muster", headers=header)

    assert not any(name in answer.text for name in NAMES)
    people = [
        person
        for zone in answer.json()["muster"]["zones"]
        for space in zone["spaces"]
        for person in space["people"]
    ]
    assert [(person["name"], person["since"]) for person in people] == [(None, None)] * 4
    assert house.count("muster_person") == 4
