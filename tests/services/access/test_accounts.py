"""Accounts as administrators and their owners keep them."""

import html
import re
from datetime import UTC, datetime
from uuid import UUID

import httpx
import pytest

from hubwell.access import accounts, codes, kiosks
from hubwell.errors import DomainError
from hubwell.vocabulary import Role
from services.access.running_app import PASSWORD, House, send, sign_in

OTHER = "five other words not together"


@pytest.fixture
async def admin(house: House) -> httpx.AsyncClient:
    return await house.signed_in("ida", Role.ADMIN)


def shown_once(answer: httpx.Response) -> str:
    found = re.search(r'<code class="secret">([^<]+)</code>', answer.text)
    assert found is not None, answer.text
    return html.unescape(found[1])


async def actions(house: House) -> list[str]:
    async with house.connection() as conn:
        rows = await (await conn.execute("SELECT action FROM audit_entry ORDER BY id")).fetchall()
    return [row[0] for row in rows]


async def test_new_account_gets_an_invented_password_that_is_shown_once(
    house: House, admin: httpx.AsyncClient
) -> None:
    answer = await send(admin, "/accounts", login="Rosa", name="Rosa Lind", roles=["staff", "osh"])
    password = shown_once(answer)

    assert re.fullmatch(r"([a-z2-9]{5}-){3}[a-z2-9]{5}", password)
    assert (await sign_in(house.browser(), "rosa", password)).status_code == 303
    added = await house.value("SELECT id FROM account WHERE login = 'rosa'")
    assert password not in (await admin.get(f"/accounts/{added}")).text
    assert await actions(house) == ["account.added"]
    entry = await house.value("SELECT row_to_json(e)::text FROM audit_entry e")
    assert "rosa" not in entry.lower()


@pytest.mark.parametrize(
    ("fields", "link", "sentence"),
    [
        ({"login": "ida", "roles": "staff"}, "#login", "This login is taken."),
        ({"login": "two words", "roles": "staff"}, "#login", "without spaces"),
        ({"login": "", "roles": "staff"}, "#login", "without spaces"),
        ({"login": "i\0da", "name": "\0", "roles": "staff"}, "#login", "This login is taken."),
        ({"login": "new"}, "#roles", "Choose at least one role."),
        ({"login": "new", "roles": "emperor"}, "#roles", "Choose at least one role."),
        ({"login": "new", "name": "x" * 121, "roles": "staff"}, "#name", "at most 120 characters"),
    ],
)
async def test_mistake_is_named_and_linked_to_its_field(
    house: House, admin: httpx.AsyncClient, fields: dict[str, str], link: str, sentence: str
) -> None:
    answer = await send(admin, "/accounts", **fields)

    assert answer.status_code == 422
    assert f'href="{link}"' in answer.text
    assert f'id="{link[1:]}"' in answer.text
    assert sentence in html.unescape(answer.text)
    assert await house.value("SELECT count(*) FROM account") == 1


async def test_closing_ends_what_is_signed_in_at_once(house: House, admin: httpx.AsyncClient) -> None:
    rosa = await house.signed_in("rosa", Role.STAFF)
    account = await house.value("SELECT id FROM account WHERE login = 'rosa'")
    assert (await rosa.get("/account")).status_code == 200

    assert (await send(admin, f"/accounts/{account}/disable")).status_code == 303

    assert (await rosa.get("/account")).status_code == 303
    assert (await sign_in(house.browser(), "rosa")).status_code == 422
    assert (await send(admin, f"/accounts/{account}/enable")).status_code == 303
    assert (await rosa.get("/account")).status_code == 303  # the old sign-in does not come back
    assert (await sign_in(house.browser(), "rosa")).status_code == 303
    assert await actions(house) == ["account.disabled", "account.enabled"]


@pytest.mark.parametrize("path", ["disable", "roles"])
async def test_last_administrator_stays(house: House, admin: httpx.AsyncClient, path: str) -> None:
    account = await house.value("SELECT id FROM account")

    answer = await send(admin, f"/accounts/{account}/{path}")

    assert answer.status_code == 422
    assert "This is the last administrator." in answer.text
    assert (await admin.get("/accounts")).status_code == 200


async def test_roles_given_here_change_and_those_of_the_provider_stay(
    house: House, admin: httpx.AsyncClient
) -> None:
    account = await house.add("rosa", Role.STAFF)
    await house.run("INSERT INTO account_role VALUES (%s, 'osh', 'oidc')", account)

    answer = await send(admin, f"/accounts/{account}/roles", roles=["facilities"])

    assert answer.status_code == 303
    page = await admin.get(f"/accounts/{account}")
    assert "Roles from the provider" in page.text
    async with house.connection() as conn:
        assert await accounts.roles_of(conn, account) == {Role.FACILITIES, Role.OSH}


async def test_reset_password_ends_the_old_one_and_every_sign_in(
    house: House, admin: httpx.AsyncClient
) -> None:
    rosa = await house.signed_in("rosa", Role.STAFF)
    account = await house.value("SELECT id FROM account WHERE login = 'rosa'")

    password = shown_once(await send(admin, f"/accounts/{account}/password"))

    assert (await rosa.get("/account")).status_code == 303
    assert (await sign_in(house.browser(), "rosa")).status_code == 422
    assert (await sign_in(house.browser(), "rosa", password)).status_code == 303


async def test_erasing_says_what_is_lost_and_needs_the_login(house: House, admin: httpx.AsyncClient) -> None:
    account = await house.add("rosa", Role.STAFF)

    asked = await admin.get(f"/accounts/{account}/erase")
    wrong = await send(admin, f"/accounts/{account}/erase", login="rose")

    assert "This will be deleted permanently" in asked.text
    assert wrong.status_code == 422
    assert await house.value("SELECT count(*) FROM account") == 2
    assert (await send(admin, f"/accounts/{account}/erase", login=" Rosa ")).status_code == 303
    assert await house.value("SELECT count(*) FROM account") == 1
    assert await actions(house) == ["account.erased"]


@pytest.mark.parametrize(("fields", "left"), [({}, 1), ({"person": "yes"}, 0)])
async def test_person_of_an_erased_account_goes_only_if_wished(
    house: House, admin: httpx.AsyncClient, fields: dict[str, str], left: int
) -> None:
    account = await house.add("rosa", Role.STAFF)
    person = await _person(house)
    async with house.connection() as conn:
        await accounts.link(conn, account, person)
    assert "Erase their badges and visits as well" in (await admin.get(f"/accounts/{account}/erase")).text

    await send(admin, f"/accounts/{account}/erase", login="rosa", **fields)

    assert await house.value("SELECT count(*) FROM person") == left


async def _person(house: House) -> UUID:
    person: UUID = await house.value("INSERT INTO person (kind) VALUES ('enrolled') RETURNING id")
    return person


async def test_own_account_cannot_be_erased(house: House, admin: httpx.AsyncClient) -> None:
    await house.add("other", Role.ADMIN)
    own = await house.value("SELECT id FROM account WHERE login = 'ida'")

    answer = await send(admin, f"/accounts/{own}/erase", login="ida")

    assert answer.status_code == 422
    assert await house.value("SELECT count(*) FROM account") == 2


async def test_account_that_is_gone_is_said_so(admin: httpx.AsyncClient) -> None:
    answer = await admin.get(f"/accounts/{UUID(int=0)}")

    assert answer.status_code == 422
    assert "There is no such account." in answer.text


async def test_own_password_changes_and_other_browsers_are_signed_out(house: House) -> None:
    here = await house.signed_in("rosa", Role.STAFF)
    there = house.browser()
    await sign_in(there, "rosa")
    before = here.cookies["hubwell"]

    answer = await send(here, "/account/password", current=PASSWORD, password=OTHER)

    assert answer.status_code == 303
    assert answer.cookies["hubwell"] != before
    assert (await there.get("/account")).status_code == 303
    renewed = house.browser(cookie=f"hubwell={answer.cookies['hubwell']}")
    assert "Your password was changed." in (await renewed.get("/account?done=password")).text
    assert (await sign_in(house.browser(), "rosa", OTHER)).status_code == 303
    assert await actions(house) == ["account.password-changed"]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"current": "not this one", "password": "five other words"}, "This is not your current password."),
        ({"current": PASSWORD, "password": "eleven char"}, "at least 12 characters"),
        ({"current": PASSWORD, "password": "ROSA.LIND@HUB.example"}, "not your login"),
        ({"current": PASSWORD, "password": "x" * 1001}, "at most 1000 characters"),
    ],
)
async def test_password_that_cannot_be_taken_changes_nothing(
    house: House, fields: dict[str, str], sentence: str
) -> None:
    rosa = await house.signed_in("rosa.lind@hub.example", Role.STAFF)

    answer = await send(rosa, "/account/password", **fields)

    assert answer.status_code == 422
    assert sentence in answer.text
    assert (await sign_in(house.browser(), "rosa.lind@hub.example")).status_code == 303


async def test_own_language_follows_the_account(house: House) -> None:
    rosa = await house.signed_in("rosa", Role.STAFF)

    await send(rosa, "/account/language", language="fi")
    finnish = await rosa.get("/account")
    await send(rosa, "/account/language", language="")

    assert '<html lang="fi">' in finnish.text
    assert '<html lang="en">' in (await rosa.get("/account")).text


async def test_language_link_wins_over_the_stored_choice_of_this_session_only(house: House) -> None:
    rosa = await house.signed_in("rosa", Role.STAFF)
    await send(rosa, "/account/language", language="fi")

    await rosa.get("/language?to=it")

    assert '<html lang="it">' in (await rosa.get("/account")).text
    assert await house.value("SELECT language FROM account WHERE login = 'rosa'") == "fi"
    there = house.browser()
    await sign_in(there, "rosa")
    assert '<html lang="fi">' in (await there.get("/account")).text
    await send(rosa, "/account/language", language="nl")  # what is stored now is the newer choice
    assert '<html lang="nl">' in (await rosa.get("/account")).text


async def test_every_mistake_of_a_new_account_and_token_is_shown_at_once(
    house: House, admin: httpx.AsyncClient
) -> None:
    account = await send(admin, "/accounts", login="two words", name="x" * 121)
    token = await send(admin, "/tokens", name=" ")
    long = await send(admin, "/tokens", name="x" * 121)

    for answer, sentences in (
        (account, ("without spaces", "at most 120 characters", "Choose at least one role.")),
        (token, ("Enter the name of the program", "Choose at least one role.")),
        (long, ("at most 120 characters", "Choose at least one role.")),
    ):
        assert answer.status_code == 422
        for sentence in sentences:
            assert answer.text.count(sentence) == 2, sentence
    assert await house.value("SELECT count(*) FROM account WHERE login LIKE 'two%%'") == 0


async def test_both_passwords_of_the_form_are_judged_at_once(house: House) -> None:
    rosa = await house.signed_in("rosa", Role.STAFF)

    answer = await send(rosa, "/account/password", current="wrong", password="short")  # noqa: S106 (refused)

    assert "This is not your current password." in answer.text
    assert "Choose a password of at least 12 characters." in answer.text


async def test_signing_out_everywhere_ends_every_browser(house: House) -> None:
    here = await house.signed_in("rosa", Role.STAFF)
    there = house.browser()
    await sign_in(there, "rosa")
    other = await house.signed_in("other", Role.STAFF)
    assert "2 browsers" in (await here.get("/account")).text

    assert (await send(here, "/account/sign-out-everywhere")).status_code == 303

    assert (await here.get("/account")).status_code == 303
    assert (await there.get("/account")).status_code == 303
    assert (await other.get("/account")).status_code == 200


async def test_code_from_the_kiosk_is_no_account(house: House) -> None:
    person = await _person(house)
    browser = await house.with_code(person)

    assert (await browser.get("/account")).status_code == 403
    assert await house.value("SELECT expires_at - created_at = interval '30 minutes' FROM sign_in")


async def test_token_is_made_shown_once_and_revoked(house: House, admin: httpx.AsyncClient) -> None:
    answer = await send(admin, "/tokens", name="Grafana", roles=["facilities"], days="90")
    token = shown_once(answer)
    program = house.browser(accept="*/*", authorization=f"Bearer {token}")
    raw = "/api/v1/spaces/nowhere/readings?resolution=raw"

    assert (await program.get(raw)).status_code == 404
    assert token not in (await admin.get("/tokens")).text
    assert await house.value("SELECT expires_at < now() + interval '91 days' FROM service_token")
    assert (await send(admin, "/tokens/revoke", name="Grafana")).status_code == 303
    assert (await program.get(raw)).status_code == 401
    assert await actions(house) == ["token.added", "token.revoked"]


@pytest.mark.parametrize(
    ("path", "fields", "sentence"),
    [
        ("/tokens", {"name": "", "roles": "osh"}, "program that uses the token"),
        ("/tokens", {"name": "tool"}, "Choose at least one role."),
        ("/tokens", {"name": "taken", "roles": "osh"}, "A token had this name before."),
        ("/tokens/revoke", {"name": "never"}, "There is no such token."),
    ],
)
async def test_token_that_cannot_be_is_said_so(
    house: House, admin: httpx.AsyncClient, path: str, fields: dict[str, str], sentence: str
) -> None:
    await house.token("taken", [Role.OSH])

    answer = await send(admin, path, **fields)

    assert answer.status_code == 422
    assert sentence in answer.text


async def test_code_from_the_kiosk_ties_an_account_to_its_person(house: House) -> None:
    rosa, person = await house.signed_in("rosa", Role.STAFF), await _person(house)
    async with house.connection() as conn:
        code = await codes.issue(conn, person)

    wrong = await send(rosa, "/account/person", code="AAAA-AAAA")
    linked = await send(rosa, "/account/person", code=code.lower())
    page = await rosa.get("/account?done=linked")
    again = await send(await house.signed_in("other", Role.STAFF), "/account/person", code=code)

    assert (wrong.status_code, linked.status_code, again.status_code) == (422, 303, 422)
    assert "This code is wrong, used or older than ten minutes." in wrong.text
    assert "only to you" in page.text
    assert await house.value("SELECT login FROM account WHERE person_id = %s", person) == "rosa"
    assert (await send(rosa, "/account/person/forget")).status_code == 303
    assert await house.value("SELECT count(*) FROM account WHERE person_id IS NOT NULL") == 0
    assert await house.value("SELECT count(*) FROM person") == 1
    assert await actions(house) == ["account.linked", "account.unlinked"]


async def test_deleted_person_leaves_the_account(house: House) -> None:
    account, person = await house.add("rosa", Role.STAFF), await _person(house)
    async with house.connection() as conn:
        await accounts.link(conn, account, person)
        await conn.execute("DELETE FROM person")
        assert (await accounts.get_account(conn, account)).person_id is None


async def test_unknown_account_is_a_domain_error_everywhere(house: House) -> None:
    nobody = UUID(int=0)
    async with house.connection() as conn:
        for action in (
            accounts.set_password(conn, nobody, "x"),
            accounts.set_roles(conn, nobody, [Role.ADMIN]),
            accounts.enable(conn, nobody),
            accounts.erase(conn, nobody),
            accounts.get_account(conn, nobody),
        ):
            with pytest.raises(DomainError, match="no such account"):
                await action


async def test_misuse_of_a_kiosk_is_shown_to_administrators(house: House) -> None:
    await house.run("INSERT INTO device (id) VALUES ('kiosk-pi')")
    admin = await house.signed_in("chief", Role.ADMIN)
    page = await admin.get("/accounts")
    assert "kiosk-pi" not in page.text
    async with house.connection() as conn, conn.transaction():
        await kiosks.refuse(conn, "kiosk-pi", "unproven", datetime.now(UTC))
        await kiosks.refuse(conn, "kiosk-pi", "wrong-proof", datetime.now(UTC))
    text = html.unescape((await admin.get("/accounts")).text)
    assert "The kiosk kiosk-pi was refused codes, most recently at" in text
    assert text.count("did not have the badges that it named. Change its password on the broker.") == 1
