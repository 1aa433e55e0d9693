"""Several tabs, links of other sites, shared browsers: a login state for each tab, and another account."""

import asyncio
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from lanes.database_lane import Database
from services.access.oidc_providers import CLIENT, Forger, Leaving, leave
from services.access.provider_house import provider_settings
from services.access.running_app import House, open_house, send, sign_in

ACCOUNT = "SELECT login FROM account a JOIN sign_in s ON s.account_id = a.id ORDER BY s.began_at DESC LIMIT 1"


def tokens(forger: Forger, *leavings: Leaving, subject: str = "subject-1") -> None:
    """Let the forger answer each of them, by its state, as the same person."""
    for leaving in leavings:
        claims = forger.claims(leaving.nonce, sub=subject, name=subject, preferred_username=subject)
        forger.token_for[leaving.state] = forger.signed(claims)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["first tab first", "second tab first"])
async def test_two_tabs_sign_in_in_any_order(school: House, forger: Forger, order: tuple[int, int]) -> None:
    browser = school.browser()
    tabs = [await leave(school, browser, "/devices"), await leave(school, browser, "/alerts")]
    tokens(forger, *tabs)

    answers = [await tabs[index].back(code=tabs[index].state) for index in order]

    assert [answer.headers["location"] for answer in answers] == [("/devices", "/alerts")[i] for i in order]
    assert (await browser.get("/account")).status_code == 200
    assert not [name for name in browser.cookies if name.startswith("hubwell-login-")]


async def test_two_tabs_at_the_same_moment_void_no_request_of_each_other(
    school: House, forger: Forger
) -> None:
    browser = school.browser()
    tabs = [await leave(school, browser), await leave(school, browser)]
    tokens(forger, *tabs)

    async def whole_way(tab: Leaving) -> int:
        await tab.back(code=tab.state)
        pages = await asyncio.gather(*(browser.get("/account") for _ in range(4)))
        return sum(page.status_code == 200 for page in pages)

    assert await asyncio.gather(*map(whole_way, tabs)) == [4, 4]
    assert (await browser.get("/account")).status_code == 200


async def test_link_of_another_site_voids_no_sign_in(school: House, forger: Forger) -> None:
    leaving = await leave(school)
    tokens(forger, leaving)
    for query in (
        "state=x&code=y",
        "state=&code=y",
        "state=x&error=access_denied",
        "code=y",
        "",
        "state=%ff",
    ):
        answer = await leaving.browser.get(f"/sign-in/back?{query}")
        assert "set-cookie" not in answer.headers, query

    assert (await leaving.back(code=leaving.state)).status_code == 303


async def test_reloaded_answer_leads_who_is_signed_in_to_the_page(school: House, forger: Forger) -> None:
    leaving = await leave(school, to="/devices?kind=co2")
    tokens(forger, leaving)
    await leaving.back(code=leaving.state)
    sessions = await school.value("SELECT count(*) FROM sign_in")

    again = await leaving.back(code=leaving.state)
    unknown = await leaving.browser.get("/sign-in/back?state=x&code=y")

    assert (again.status_code, again.headers["location"]) == (303, "/devices?kind=co2")
    assert (unknown.status_code, unknown.headers["location"]) == (303, "/")
    assert await school.value("SELECT count(*) FROM sign_in") == sessions


async def test_second_tab_of_another_person_takes_the_browser_over(school: House, forger: Forger) -> None:
    browser = school.browser()
    one, other = await leave(school, browser), await leave(school, browser)
    tokens(forger, one, subject="rosa")
    tokens(forger, other, subject="juris")
    await one.back(code=one.state)
    first = browser.cookies["hubwell"]
    await other.back(code=other.state)

    assert "juris" in (await browser.get("/account")).text
    browser.cookies.set("hubwell", first)
    assert (await browser.get("/account")).status_code == 303


async def test_browser_with_many_begun_sign_ins_keeps_the_newest(school: House, forger: Forger) -> None:
    browser = school.browser()
    tabs = [await leave(school, browser) for _ in range(30)]
    assert len(browser.cookies) == 12
    tokens(forger, *tabs)
    assert (await tabs[0].back(code=tabs[0].state)).status_code == 403
    assert (await tabs[-12].back(code=tabs[-12].state)).status_code == 303
    assert (await tabs[-1].back(code=tabs[-1].state)).status_code == 303


async def test_address_that_is_too_long_for_a_cookie_leads_to_the_board(
    school: House, forger: Forger
) -> None:
    leaving = await leave(school, to="/devices?" + "a" * 5000)
    tokens(forger, leaving)
    assert (await leaving.back(code=leaving.state)).headers["location"] == "/"


async def test_over_https_no_neighbouring_host_can_plant_a_sign_in(
    database: Database, forger: Forger
) -> None:
    """A page of pupils.school.example may set cookies for hub.school.example, but none with this prefix."""
    settings = provider_settings(forger.address) | {"public_url": "https://hub.school.example"}
    async with open_house(database, **settings) as house:
        begun = await house.browser().get("/sign-in/provider")
        cookie, _, attributes = begun.headers["set-cookie"].partition("; ")
        query = query_of(begun)
        claims = forger.claims(query["nonce"])
        forger.token = forger.signed(claims)
        answer = {"code": "code-1", "state": query["state"]}

        planted = house.browser(cookie=cookie.removeprefix("__Host-"))
        refused = await planted.get("/sign-in/back", params=answer)
        back = await house.browser(cookie=cookie).get("/sign-in/back", params=answer)

    assert cookie.startswith("__Host-hubwell-login-")
    assert sorted(attributes.lower().split("; ")) == [
        "httponly", "max-age=600", "path=/", "samesite=lax", "secure"
    ]  # fmt: skip
    assert refused.status_code == 403
    assert back.status_code == 303
    deleted = next(
        value for value in back.headers.get_list("set-cookie") if value.startswith("__Host-hubwell-login-")
    )
    assert "Max-Age=0; Path=/" in deleted
    assert "Secure" in deleted  # else a browser does not delete a cookie of this name


async def test_begun_sign_ins_fit_into_the_header_of_cookies_that_web_servers_take(
    school: House, forger: Forger
) -> None:
    browser = school.browser()
    tabs = [await leave(school, browser, "/devices?" + "a" * 290) for _ in range(12)]
    assert sum(len(f"{name}={value}; ") for name, value in browser.cookies.items()) < 5000
    tokens(forger, *tabs)
    assert (await tabs[-1].back(code=tabs[-1].state)).status_code == 303


def query_of(answer: httpx.Response) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


async def prompt_of(browser: httpx.AsyncClient) -> str | None:
    answer = await browser.get("/sign-in/provider")
    return query_of(answer).get("prompt")


@pytest.mark.parametrize(
    ("supported", "after_refusal", "after_sign_out"),
    [
        (None, "login", "login"),
        (["none", "login", "consent"], "login", "login"),
        (["login", "select_account"], "select_account", "login"),
        (["select_account", "consent"], "select_account", "select_account"),
        (["none"], None, None),
    ],
)
async def test_refused_person_and_next_person_are_asked_who_they_are(
    school: House,
    forger: Forger,
    supported: list[str] | None,
    after_refusal: str | None,
    after_sign_out: str | None,
) -> None:
    forger.about = {"prompt_values_supported": supported} if supported else {}
    leaving = await leave(school)
    assert "prompt" not in leaving.query
    forger.token = forger.signed(forger.claims(leaving.nonce, groups=[]))
    assert (await leaving.back()).status_code == 403
    assert await prompt_of(leaving.browser) == after_refusal

    again = await leave(school, leaving.browser)
    forger.token = forger.signed(forger.claims(again.nonce))
    assert (await again.back()).status_code == 303
    assert await prompt_of(leaving.browser) is None  # who signed in is not asked for ever

    await send(leaving.browser, "/sign-out")
    assert await prompt_of(leaving.browser) == after_sign_out


async def test_sign_out_offers_the_providers_sign_out(school: House, forger: Forger) -> None:
    forger.about = {"end_session_endpoint": f"{forger.address}/leave?realm=school"}
    leaving = await leave(school)
    tokens(forger, leaving)
    await leaving.back(code=leaving.state)

    answer = await send(leaving.browser, "/sign-out")
    page = await leaving.browser.get(answer.headers["location"])
    away = await leaving.browser.get("/sign-out/provider")

    assert answer.headers["location"] == "/sign-out"
    assert "You are signed out" in page.text
    assert 'href="/sign-out/provider"' in page.text
    assert away.headers["location"].startswith(f"{forger.address}/leave?realm=school&")
    query = query_of(away)
    assert query["client_id"] == CLIENT
    assert query["post_logout_redirect_uri"] == f"{school.address}/sign-in/back"
    assert (await leaving.browser.get("/sign-in/back")).headers["location"] == "/sign-out"


async def test_provider_without_a_sign_out_is_named_and_a_local_account_hears_nothing_of_it(
    school: House, forger: Forger
) -> None:
    leaving = await leave(school)
    tokens(forger, leaving)
    await leaving.back(code=leaving.state)
    await send(leaving.browser, "/sign-out")
    page = await leaving.browser.get("/sign-out")
    assert "At School you may still be signed in" in page.text
    assert "/sign-out/provider" not in page.text
    assert (await leaving.browser.get("/sign-out/provider")).headers["location"] == "/sign-out"

    await school.add("local-1")
    local = school.browser()
    await sign_in(local, "local-1")
    assert (await send(local, "/sign-out")).headers["location"] == "/"
    assert await prompt_of(local) is None


async def test_sign_out_page_of_who_is_signed_in_has_the_button(house: House) -> None:
    browser = await house.signed_in("rosa")
    page = await browser.get("/sign-out")
    assert 'action="/sign-out"' in page.text
    assert "You are signed out" not in page.text


async def test_sign_out_while_the_provider_is_away_still_signs_out_here(
    school: House, forger: Forger
) -> None:
    leaving = await leave(school)
    tokens(forger, leaving)
    await leaving.back(code=leaving.state)
    async with open_house(school.database, **provider_settings("http://127.0.0.1:9")) as other:
        browser = other.browser()
        browser.cookies.set("hubwell", leaving.browser.cookies["hubwell"])
        assert (await send(browser, "/sign-out")).headers["location"] == "/sign-out"
        assert (await browser.get("/sign-out")).status_code == 200
        assert (await browser.get("/account")).status_code == 303
