"""Signing in with a password: what is let in, what is refused, and that a refusal tells nothing."""

import re
from asyncio import gather
from dataclasses import replace
from datetime import timedelta
from hashlib import sha512
from time import monotonic
from typing import Any

import pytest
from argon2 import PasswordHasher
from fastapi import Request

from hubwell.access import accounts, password_policy, passwords
from hubwell.errors import DomainError
from hubwell.http import rate_limits
from hubwell.http.rate_limits import address_of
from hubwell.vocabulary import Role
from lanes.database_lane import Database
from services.access.running_app import PASSWORD, QUICK_HASHER, House, open_house, send, sign_in


async def test_login_and_password_open_the_account(house: House) -> None:
    await house.add("rosa", Role.STAFF)
    browser = house.browser()

    answer = await sign_in(browser, "  Rosa ")
    page = await browser.get("/account")

    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert page.status_code == 200
    assert "Staff" in page.text
    assert page.headers["cache-control"] == "no-store"


async def test_password_counts_in_any_keyboards_spelling(house: House) -> None:
    stored = passwords.hashed("ståltråd och plåt", QUICK_HASHER)
    account_id = await house.add("maja", Role.STAFF)
    await house.run("UPDATE account SET password_hash = %s WHERE id = %s", stored, account_id)

    answer = await sign_in(house.browser(), "maja", "sta\u030altra\u030ad och pla\u030at")

    assert answer.status_code == 303


async def test_cookie_is_the_servers_alone(house: House) -> None:
    await house.add("rosa", Role.STAFF)

    cookie = (await sign_in(house.browser(), "rosa")).headers["set-cookie"]

    assert re.fullmatch(r"hubwell=[\w-]{43}; HttpOnly; Path=/; SameSite=lax", cookie)
    stored = bytes(await house.value("SELECT token_hash FROM sign_in"))
    assert cookie[8:51].encode() not in stored
    assert len(stored) == 32


async def test_behind_https_the_cookie_is_for_https_only(database: Database) -> None:
    async with open_house(database, public_url="https://hub.example") as house:
        await house.add("rosa", Role.STAFF)
        answer = await sign_in(house.browser(), "rosa")
        ticket = answer.headers["set-cookie"].partition(";")[0]
        page = await house.browser(cookie=ticket).get("/account")

    assert answer.headers["set-cookie"].startswith("__Host-hubwell=")
    assert answer.headers["set-cookie"].endswith("; HttpOnly; Path=/; SameSite=lax; Secure")
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert page.status_code == 200


async def test_over_http_nothing_promises_https(house: House) -> None:
    assert "strict-transport-security" not in (await house.browser().get("/sign-in")).headers


async def test_every_refusal_looks_the_same(house: House) -> None:
    await house.add("rosa", Role.STAFF)
    await house.add("closed", Role.STAFF)
    await house.run("UPDATE account SET disabled_at = now() WHERE login = 'closed'")
    await house.add("passwordless", Role.STAFF, password=False)
    tried = [
        ("rosa", "not this password"),
        ("nobody", PASSWORD),
        ("closed", PASSWORD),
        ("passwordless", PASSWORD),
        ("", ""),
        ("ro\0sa", "ro\0sa"),
    ]

    answers = [await sign_in(house.browser(), login, password) for login, password in tried]

    assert {answer.status_code for answer in answers} == {422}
    assert not any("set-cookie" in answer.headers for answer in answers)
    texts = {re.sub(r' value="[^"]*"', "", answer.text) for answer in answers}
    assert len(texts) == 1
    assert "The login or the password is wrong." in texts.pop()


async def test_every_refusal_takes_the_same_work(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await house.add("rosa", Role.STAFF)
    await house.add("passwordless", Role.STAFF, password=False)
    parameters: list[str] = []
    verify = PasswordHasher.verify

    def counting(self: PasswordHasher, stored: str, password: str) -> Any:
        parameters.append(stored.rpartition("$")[0].rpartition("$")[0])
        return verify(self, stored, password)

    monkeypatch.setattr(PasswordHasher, "verify", counting)
    for login in ("rosa", "nobody", "passwordless"):
        await sign_in(house.browser(), login, "not this password")

    assert len(parameters) == 3
    assert len(set(parameters)) == 1


async def test_password_is_hashed_anew_when_the_library_asks_for_more(database: Database) -> None:
    async with open_house(database, PasswordHasher()) as house:
        weaker = PasswordHasher(time_cost=1, memory_cost=8192).hash(PASSWORD)
        account_id = await house.add("rosa", Role.STAFF)
        await house.run("UPDATE account SET password_hash = %s WHERE id = %s", weaker, account_id)

        assert (await sign_in(house.browser(), "rosa")).status_code == 303
        stored = await house.value("SELECT password_hash FROM account")
        assert stored != weaker
        assert not passwords.is_outdated(stored)
        assert (await sign_in(house.browser(), "rosa")).status_code == 303


async def test_token_from_before_the_sign_in_is_worth_nothing(house: House) -> None:
    attacker = await house.signed_in("mallory", Role.LEARNER)
    planted = attacker.cookies["hubwell"]
    await house.add("rosa", Role.ADMIN)
    victim = house.browser()
    victim.cookies.set("hubwell", planted)

    page = await victim.get("/sign-in", headers={"cookie": ""})
    assert page.status_code == 200
    answer = await send(victim, "/sign-in", page="/account", login="rosa", password=PASSWORD)

    assert answer.status_code == 303
    assert answer.cookies["hubwell"] != planted
    assert (await attacker.get("/account")).status_code == 303  # nobody any more


async def test_unknown_cookie_is_taken_away(house: House) -> None:
    browser = house.browser(cookie="hubwell=never-given-out")

    answer = await browser.get("/")

    assert answer.status_code == 200
    assert 'hubwell=""; ' in answer.headers["set-cookie"]
    assert "Max-Age=0" in answer.headers["set-cookie"]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE sign_in SET expires_at = now()",
        "UPDATE sign_in SET last_seen_at = now() - interval '8 hours 1 second'",
    ],
)
async def test_sign_in_ends_by_itself(house: House, change: str) -> None:
    browser = await house.signed_in("rosa", Role.STAFF)
    assert (await browser.get("/account")).status_code == 200

    await house.run(change)

    answer = await browser.get("/account")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/account")
    assert "Max-Age=0" in answer.headers["set-cookie"]


async def test_use_keeps_a_sign_in_alive_but_not_for_longer_than_a_day(house: House) -> None:
    browser = await house.signed_in("rosa", Role.STAFF)
    await house.run("UPDATE sign_in SET last_seen_at = now() - interval '7 hours'")

    assert (await browser.get("/account")).status_code == 200

    assert await house.value("SELECT now() - last_seen_at < interval '1 minute' FROM sign_in")
    assert await house.value("SELECT expires_at - created_at = interval '24 hours' FROM sign_in")


async def test_what_is_over_is_cleared_away(house: House) -> None:
    await house.signed_in("old", Role.STAFF)
    await house.run("UPDATE sign_in SET expires_at = now() - interval '1 second'")
    await house.add("rosa", Role.STAFF)

    await sign_in(house.browser(), "rosa")

    assert await house.value("SELECT count(*) FROM sign_in") == 1


async def test_sign_out_ends_it_on_the_server_too(house: House) -> None:
    browser = await house.signed_in("rosa", Role.STAFF)
    ticket = browser.cookies["hubwell"]

    answer = await send(browser, "/sign-out")

    assert answer.status_code == 303
    assert await house.value("SELECT count(*) FROM sign_in") == 0
    assert (await house.browser(cookie=f"hubwell={ticket}").get("/account")).status_code == 303


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/devices", "/devices"),
        ("/?people=4&find=1", "/?people=4&find=1"),
        ("https://elsewhere.example/", "/"),
        ("//elsewhere.example/", "/"),
        ("/\\elsewhere.example", "/"),
        ("\\\\elsewhere.example", "/"),
        ("/\t/elsewhere.example", "/"),
        ("javascript:alert(1)", "/"),
        ("elsewhere.example", "/"),
        ("", "/"),
    ],
)
async def test_sign_in_leads_to_pages_of_this_site_only(house: House, wanted: str, reached: str) -> None:
    await house.add("rosa", Role.STAFF)
    browser = house.browser()

    answer = await sign_in(browser, "rosa", next=wanted)
    again = await browser.get("/sign-in", params={"next": wanted})

    assert answer.headers["location"] == again.headers["location"] == reached


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PASSWORD_OF_LOGIN_FROM_ADDRESS", "PASSWORD_OF_LOGIN", "PASSWORD_FROM_ADDRESS"):
        shorter = replace(getattr(rate_limits, name), pause=timedelta(milliseconds=20))
        monkeypatch.setattr(rate_limits, name, shorter)


async def test_after_ten_wrong_passwords_each_try_waits_and_the_right_one_still_gets_in(house: House) -> None:
    await house.add("rosa", Role.STAFF)
    for _ in range(10):
        assert (await sign_in(house.browser(), "rosa", "not this password")).status_code == 422
    began = monotonic()

    wrong = await sign_in(house.browser(), "ROSA", "not this password")
    right = await sign_in(house.browser(), "rosa")

    assert monotonic() - began >= 4  # two seconds each
    assert (wrong.status_code, wrong.headers["retry-after"]) == (429, "2")
    assert "There were many attempts, so each takes a moment longer." in wrong.text
    assert right.status_code == 303
    assert (await sign_in(house.browser(), "rosa", "not this password")).status_code == 422  # begins again


@pytest.mark.usefixtures("short_pauses")
@pytest.mark.parametrize("logins", [["rosa"] * 110, [f"guess-{number}" for number in range(60)]])
async def test_one_visitor_locks_out_nobody_else_also_behind_the_same_address(
    house: House, logins: list[str]
) -> None:
    await house.add("rosa", Role.STAFF)
    await house.add("other", Role.STAFF)
    for login in logins:
        await sign_in(house.browser(), login, "not this password")

    assert (await sign_in(house.browser(), "guess-61", "not this password")).status_code in {422, 429}
    for login in ("other", "rosa"):
        assert (await sign_in(house.browser(), login)).status_code == 303
        elsewhere = house.browser(**{"x-forwarded-for": "192.0.2.7"})
        assert (await sign_in(elsewhere, login)).status_code == 303


async def test_tries_at_the_same_time_take_turns_as_well(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = replace(rate_limits.PASSWORD_OF_LOGIN_FROM_ADDRESS, pause=timedelta(seconds=0.2))
    monkeypatch.setattr(rate_limits, "PASSWORD_OF_LOGIN_FROM_ADDRESS", slow)
    await house.add("rosa", Role.STAFF)
    browsers = [house.browser() for _ in range(40)]

    answers = await gather(*(sign_in(browser, "rosa", "not this password") for browser in browsers))

    verified = [answer for answer in answers if "The login or the password is wrong." in answer.text]
    full = [answer for answer in answers if "Too many attempts. Try again in 1 min." in answer.text]
    assert len(verified) + len(full) == 40
    assert len(verified) in range(15, 19)  # ten at once, five that wait
    assert {answer.headers["retry-after"] for answer in full} == {"1"}
    assert (await sign_in(house.browser(), "rosa")).status_code == 303


async def test_form_with_what_was_typed_is_kept_nowhere(house: House) -> None:
    refused = await sign_in(house.browser(), "rosa", "not this password")
    assert refused.headers["cache-control"] == "no-store"


async def test_looking_and_right_passwords_never_count(house: House) -> None:
    await house.add("rosa", Role.STAFF)
    for _ in range(110):
        assert (await house.browser().get("/sign-in")).status_code == 200
    for _ in range(60):
        assert (await sign_in(house.browser(), "rosa")).status_code == 303
    assert (await sign_in(house.browser(), "rosa", "not this password")).status_code == 422


@pytest.mark.parametrize(
    "password",
    [
        "password1234",
        "Password2026!",
        "P@ssw0rd1234",
        "123456789012",
        "qwertyuiop123",
        "qwerty-qwerty",
        "aaaaaaaaaaaa",
        "letmein letmein",
        "iloveyou12345",
        "abcdefghijkl",
        "hubwellhubwell",
        "learninghub2026",
        "rosa.lind rosa.lind",
        "rosa.lind2026",
        "learning-hub-2026",
        "Rosa Lind 2026",
        "correct horse battery staple",
        "correcthorsebatterystaple1",
    ],
)
def test_password_that_is_easy_to_guess_is_refused(password: str) -> None:
    with pytest.raises(DomainError, match=r"easy to guess\. Choose three or more words"):
        accounts.check_password(password, "rosa.lind@hub.example")


@pytest.mark.parametrize(
    "password",
    [
        "four words not together",
        "five other words",
        "kanto vesi tuoli lamppu",
        "kx7md-9pqrs-tuv2w-abcde",
        "õ" + sha512(b"1").hexdigest() * 7,
    ],
)
def test_password_of_several_words_or_at_random_is_accepted(password: str) -> None:
    accounts.check_password(password, "rosa.lind@hub.example")


def test_text_that_is_too_long_is_not_composed() -> None:
    # Composing takes a time that grows with the square of the length: one form could stop the server.
    long = "e\u0301" * 2500

    assert password_policy.plain_password(long) == long
    assert password_policy.plain_login(long) == long[:500]
    with pytest.raises(DomainError, match="at most 1000 characters"):
        accounts.check_password(long, "rosa")
    assert password_policy.plain_login("Ros\u0065\u0301") == "ros\u00e9"


@pytest.mark.parametrize(
    ("host", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
    ],
)
def test_address_that_is_counted_is_one_customers(host: str, counted: str) -> None:
    assert address_of(Request({"type": "http", "client": (host, 4711)})) == counted
