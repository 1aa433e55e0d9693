"""The muster's pages: who sees names, and when."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from httpx import AsyncClient
from psycopg import AsyncConnection, sql

from hubwell.access import accounts, tokens
from hubwell.errors import DomainError
from hubwell.evacuation import break_glass
from hubwell.vocabulary import Role
from services.evacuation.populated_hub import House
from services.web.evacuation.officer import HTML, NAMES, Officer, sign_in_as, signed_in
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


async def asked_in_a_drill(house: House, osh: Officer) -> str:
    """Open a drill and let the officer ask for its names; return the request's id."""
    await osh.send("/muster", kind="drill")
    await osh.send(f"/muster/names/{await osh.muster()}", reason="a rucksack was found")
    row = house.conn.execute("SELECT id FROM break_glass").fetchone()
    assert row is not None
    return str(row[0])


async def test_account_made_during_the_drill_agrees_to_nothing(
    site: Site, house: House, osh: Officer
) -> None:
    request = await asked_in_a_drill(house, osh)

    async with signed_in(site, house, "puppet", "admin", is_new=True) as puppet:
        refused = await puppet.send(f"/muster/names/{request}/agree")

    assert "Your account is newer than this drill" in refused.text
    assert "Ada Example" not in await osh.page()


@pytest.mark.parametrize("hand", ["created_by", "password_set_by"])
async def test_account_in_the_hand_of_the_asker_agrees_to_nothing(
    site: Site, house: House, osh: Officer, hand: str
) -> None:
    async with signed_in(site, house, "puppet", "osh") as puppet:
        query = sql.SQL("UPDATE account SET {} = %s WHERE id = %s").format(sql.Identifier(hand))
        house.conn.execute(query, (osh.account, puppet.account))
        request = await asked_in_a_drill(house, osh)

        refused = await puppet.send(f"/muster/names/{request}/agree")

        assert "was made by the other or by a program" in refused.text
        assert "Ada Example" not in await osh.page()
    async with signed_in(site, house, "another", "osh") as another:
        await another.send(f"/muster/names/{request}/agree")
    assert "Ada Example" in await osh.page()


async def test_account_that_the_asker_made_on_the_page_agrees_to_nothing(site: Site, house: House) -> None:
    """Made before the drill, by the form; it agrees to what another officer asks."""
    async with (
        signed_in(site, house, "boss", "admin", "osh") as boss,
        signed_in(site, house, "olga", "osh") as olga,
    ):
        await boss.send("/accounts", login="puppet", name="", roles="osh")
        house.conn.execute("UPDATE account SET created_at = now() - interval '1 day' WHERE login = 'puppet'")
        async with sign_in_as(site, house, "puppet") as puppet:
            request = await asked_in_a_drill(house, boss)
            await puppet.send(f"/muster/names/{request}/agree")
            assert "Ada Example" not in await boss.page()
            house.conn.execute("DELETE FROM break_glass")
            await olga.send(f"/muster/names/{await olga.muster()}", reason="a rucksack was found")
            row = house.conn.execute("SELECT id FROM break_glass").fetchone()
            assert row is not None
            await puppet.send(f"/muster/names/{row[0]}/agree")
        assert "Ada Example" in await olga.page()


@pytest.mark.parametrize("steps", [1, 2])
async def test_asker_in_the_hand_of_who_agrees_is_no_second_person(
    site: Site, house: House, osh: Officer, steps: int
) -> None:
    """An administrator makes an officer, asks as the officer, and agrees; also through a further account."""
    async with (
        signed_in(site, house, "boss", "admin") as boss,
        signed_in(site, house, "between", "osh") as by,
    ):
        made = "UPDATE account SET created_by = %s WHERE id = %s"
        house.conn.execute(made, (boss.account, by.account))
        house.conn.execute(made, (by.account if steps == 2 else boss.account, osh.account))
        request = await asked_in_a_drill(house, osh)

        refused = await boss.send(f"/muster/names/{request}/agree")

        assert "was made by the other or by a program" in refused.text
        assert "Ada Example" not in await osh.page()


@pytest.mark.parametrize("way", ["made", "password set"])
async def test_account_that_a_program_made_agrees_to_nothing(
    site: Site, house: House, osh: Officer, way: str
) -> None:
    """Whoever made the program's token could be the asker."""
    async with signed_in(site, house, "puppet", "admin") as puppet:
        async with await AsyncConnection.connect(site.database.url, autocommit=True) as conn:
            _, token = await tokens.add(conn, name="tool", roles=[Role.ADMIN], expires_at=None)
        headers = {"Authorization": f"Bearer {token}"}
        async with AsyncClient(base_url=site.address, headers=headers) as program:
            if way == "made":
                body = {"login": "made", "name": "", "roles": ["osh"]}
                assert (await program.post("/api/v1/accounts", json=body)).status_code == 201
                house.conn.execute(
                    """UPDATE account SET created_by = (SELECT created_by FROM account WHERE login = 'made')
                       WHERE id = %s""",
                    [puppet.account],
                )
            else:
                answer = await program.post(f"/api/v1/accounts/{puppet.account}/password")
                assert answer.status_code == 200, answer.text
        request = await asked_in_a_drill(house, osh)
        async with await AsyncConnection.connect(site.database.url, autocommit=True) as conn:
            with pytest.raises(DomainError, match="made by the other or by a program"):
                await break_glass.agree(conn, UUID(request), by=puppet.account, now=datetime.now(UTC))


async def test_hand_of_who_made_an_account_or_reset_its_password_is_remembered(
    site: Site, house: House
) -> None:
    async with signed_in(site, house, "boss", "admin") as boss, signed_in(site, house, "olga", "osh") as olga:
        await boss.send("/accounts", login="made", name="", roles="osh")
        await boss.send(f"/accounts/{olga.account}/password")
        hands = dict(
            house.conn.execute("SELECT login, coalesce(created_by, password_set_by) FROM account").fetchall()
        )
        assert hands == {"boss": None, "made": boss.account, "olga": boss.account}
        async with await AsyncConnection.connect(site.database.url, autocommit=True) as conn:
            await accounts.set_password(conn, olga.account, "another hash")  # by herself: it was known before
    row = house.conn.execute("SELECT password_set_by FROM account WHERE login = 'olga'").fetchone()
    assert row == (boss.account,)


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
