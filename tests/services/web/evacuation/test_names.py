"""The muster's pages: who sees names, and when."""

from services.evacuation.populated_hub import House
from services.web.evacuation.officer import HTML, NAMES, Officer, signed_in
from services.web.running_site import Site

ROLES = ("learner", "staff", "facilities", "admin")


async def test_drill_shows_numbers_until_two_people_agree(site: Site, house: House, osh: Officer) -> None:
    house.badge(house.inside("Dee Label", "wood"), label="red key ring")
    page = (await osh.send("/muster", kind="drill")).text
    for path in ("/muster", "/muster/list", "/muster/sheet", "/muster/close", "/muster/names"):
        shown = await osh.page(path)
        assert not any(name in shown for name in (*NAMES, "red key ring")), path
    assert "Person 1" in page
    assert "Tapped in at" not in page
    muster = await osh.muster()

    asked = await osh.send(f"/muster/names/{muster}", reason="a rucksack was found")
    assert "You asked for this yourself" in asked.text
    request = house.conn.execute("SELECT id FROM break_glass").fetchone()
    assert request is not None
    refused = await osh.send(f"/muster/names/{request[0]}/agree")
    assert "Another person has to agree" in refused.text
    assert "Ada Example" not in await osh.page()

    async with signed_in(site, house, "keeper", "admin") as admin:
        waiting = await admin.page("/muster/names")
        assert "officer asked at" in waiting
        assert "a rucksack was found" in waiting
        agreed = await admin.send(f"/muster/names/{request[0]}/agree")
        assert "Officers see names until" in agreed.text
        assert not any(name in agreed.text for name in NAMES)
        assert (await admin.client.get("/muster", headers=HTML)).status_code == 403
    assert "Ada Example" in await osh.page()
    house.conn.execute("UPDATE break_glass SET expires_at = now() - interval '1 second'")
    assert "Ada Example" not in await osh.page()
    assert house.actions() == [
        "muster.opened",
        "muster.names-asked",
        "muster.names-given",
        "muster.names-seen",
    ]
    details = house.conn.execute("SELECT detail::text FROM audit_entry").fetchall()
    assert not any("rucksack" in detail[0] for detail in details)


async def test_drill_becomes_real_with_one_button(osh: Officer) -> None:
    page = (await osh.send("/muster", kind="drill")).text
    assert "This is real: evacuate" in page

    page = (await osh.send("/muster", kind="alarm")).text

    assert "Evacuation since" in page
    assert "Ada Example" in page


async def test_nobody_else_sees_anything(site: Site, house: House, osh: Officer) -> None:
    await osh.send("/muster", kind="alarm")
    muster = await osh.muster()
    paths = ["/muster", "/muster/list", "/muster/sheet", "/muster/close", "/muster/reports"]
    paths += [f"/muster/reports/{muster}", "/api/v1/muster", "/api/v1/muster/reports"]
    for role in ROLES:
        async with signed_in(site, house, role, role) as visitor:
            for path in paths:
                answer = await visitor.client.get(path)
                assert answer.status_code == 403, (role, path)
                assert not any(name in answer.text for name in NAMES)
            for path in ("/muster", f"/muster/{muster}/tick", f"/muster/{muster}/close"):
                assert (await visitor.send(path, kind="drill", tick="1:safe")).status_code == 403
            answer = await visitor.client.get("/muster/names")
            assert answer.status_code == (200 if role == "admin" else 403)
            assert not any(name in answer.text for name in NAMES)
    for path in paths:
        answer = await site.client.get(path)
        assert answer.status_code == 401
        assert not any(name in answer.text for name in NAMES)
    assert house.count("muster_person") == 4


async def test_tick_without_the_form_s_token_is_refused(house: House, osh: Officer) -> None:
    await osh.send("/muster", kind="alarm")
    muster, people = await osh.muster(), await osh.people()

    answer = await osh.client.post(f"/muster/{muster}/tick", data={"tick": f"{people[0]}:safe"})

    assert answer.status_code == 403
    row = house.conn.execute("SELECT count(*) FROM muster_person WHERE state = 'safe'").fetchone()
    assert row == (0,)


async def test_looks_that_are_close_together_are_noted_once(house: House, osh: Officer) -> None:
    await osh.send("/muster", kind="alarm")
    for _ in range(3):
        await osh.page()

    assert house.actions().count("muster.names-seen") == 1


async def test_nothing_with_names_is_kept_by_a_browser(osh: Officer) -> None:
    await osh.send("/muster", kind="alarm")
    for path in ("/muster", "/muster/list", "/muster/sheet", "/api/v1/muster"):
        answer = await osh.client.get(path)
        assert "Ada Example" in answer.text
        assert answer.headers["cache-control"] == "no-store", path
