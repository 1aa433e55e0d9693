"""Who gets through: roles, tokens, forms from elsewhere, and where one is sent to sign in."""

import pytest
from fastapi import APIRouter, FastAPI

from hubwell.http.guard import PUBLIC, check_every_route, require_role
from hubwell.vocabulary import Role
from services.access.running_app import House, csrf_on, send
from services.web.running_site import away

PROBLEM = "application/problem+json"
RAW = "/api/v1/spaces/nowhere/readings?resolution=raw"


async def test_nobody_is_sent_to_sign_in_and_back(house: House) -> None:
    answer = await house.browser().get("/accounts?done=erased")

    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=/accounts%3Fdone%3Derased"


async def test_form_of_a_sign_in_that_is_over_leads_back_to_its_page(house: House) -> None:
    browser = house.browser(referer=f"{house.address}/accounts")
    stranger = house.browser(referer="http://elsewhere.example/accounts")

    assert (await browser.post("/tokens/revoke")).headers["location"] == "/sign-in?next=/accounts"
    assert (await stranger.post("/tokens/revoke")).headers["location"] == "/sign-in?next=/"


async def test_header_that_is_no_address_is_from_elsewhere(house: House) -> None:
    stranger = house.browser(origin="http://[", referer="http://[")

    assert (await stranger.post("/sign-in", data={"login": "rosa"})).status_code == 403
    assert (await stranger.post("/tokens/revoke")).headers["location"] == "/sign-in?next=/"


async def test_program_without_token_is_told_how(house: House) -> None:
    answer = await house.browser(accept="application/json").get(RAW)

    assert (answer.status_code, answer.headers["content-type"]) == (401, PROBLEM)
    assert answer.headers["www-authenticate"] == 'Bearer realm="hubwell"'
    assert answer.json()["type"] == "urn:hubwell:problem:sign-in-needed"


@pytest.mark.parametrize("path", [RAW, "/api/v1/spaces", "/", "/accounts"])
async def test_token_that_does_not_count_is_refused_everywhere(house: House, path: str) -> None:
    answer = await house.browser(accept="*/*", authorization="Bearer hubwell_made-up").get(path)

    assert (answer.status_code, answer.headers["content-type"]) == (401, PROBLEM)
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_token_that_is_over_or_revoked_counts_no_longer(house: House) -> None:
    program = house.browser(accept="*/*", authorization=f"Bearer {await house.token('grafana', [Role.OSH])}")
    assert (await program.get(RAW)).status_code == 404  # let in: there is no such space

    await house.run("UPDATE service_token SET expires_at = now()")
    assert (await program.get(RAW)).status_code == 401
    await house.run("UPDATE service_token SET expires_at = NULL, revoked_at = now()")
    assert (await program.get(RAW)).status_code == 401


async def test_token_has_exactly_its_roles(house: House) -> None:
    staff = house.browser(accept="*/*", authorization=f"Bearer {await house.token('desk', [Role.STAFF])}")

    answer = await staff.get(RAW)

    assert (answer.status_code, answer.headers["content-type"]) == (403, PROBLEM)
    assert answer.json()["type"] == "urn:hubwell:problem:not-allowed"
    assert (await staff.get("/accounts")).status_code == 403


async def test_token_is_stored_as_its_hash_alone(house: House) -> None:
    token = await house.token("desk", [Role.STAFF])

    stored = await house.value("SELECT row_to_json(t)::text FROM service_token t")

    assert token not in stored
    assert token.removeprefix("hubwell_") not in stored


async def test_wrong_role_gets_a_page_with_a_sentence(house: House) -> None:
    browser = await house.signed_in("rosa", Role.STAFF)

    answer = await browser.get("/accounts")

    assert answer.status_code == 403
    assert "Your roles do not allow this" in answer.text
    assert "Sign out" in answer.text  # the page knows who is there


async def test_page_that_is_not_there_knows_who_asks(house: House) -> None:
    browser = await house.signed_in("rosa", Role.ADMIN)

    answer = await browser.get("/nowhere")

    assert answer.status_code == 404
    assert 'href="/accounts"' in answer.text


async def test_navigation_shows_what_one_may(house: House) -> None:
    staff = await (await house.signed_in("rosa", Role.STAFF)).get("/")
    admin = await (await house.signed_in("ida", Role.ADMIN)).get("/")
    nobody = await house.browser().get("/")

    assert 'href="/accounts"' in admin.text
    assert 'href="/accounts"' not in staff.text + nobody.text
    assert 'href="/sign-in"' in nobody.text


async def test_role_that_is_taken_is_gone_at_once(house: House) -> None:
    await house.add("last", Role.ADMIN)  # the database keeps one
    browser = await house.signed_in("rosa", Role.ADMIN)
    assert (await browser.get("/accounts")).status_code == 200

    await house.run("DELETE FROM account_role USING account WHERE id = account_id AND login = 'rosa'")

    assert (await browser.get("/accounts")).status_code == 403


@pytest.mark.parametrize(
    ("fields", "headers"),
    [
        ({}, {}),
        ({"csrf": ""}, {}),
        ({"csrf": "bm90IHRoaXM="}, {}),
        ({"csrf": "ünreadable"}, {}),
        ({}, {"x-csrf-token": "bm90IHRoaXM="}),
    ],
)
async def test_form_without_its_token_changes_nothing(
    house: House, fields: dict[str, str], headers: dict[str, str]
) -> None:
    browser = await house.signed_in("rosa", Role.STAFF)

    answer = await browser.post("/account/language", data={"language": "fi", **fields}, headers=headers)

    assert answer.status_code == 403
    assert "Nothing was changed" in answer.text
    assert await house.value("SELECT language FROM account") is None


async def test_token_of_another_sign_in_does_not_fit(house: House) -> None:
    rosa = await house.signed_in("rosa", Role.STAFF)
    other = await house.signed_in("other", Role.STAFF)

    token = await csrf_on(other, "/account")

    assert (await rosa.post("/account/language", data={"language": "fi", "csrf": token})).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://elsewhere.example"},
        {"origin": "null"},
    ],
)
async def test_form_from_elsewhere_changes_nothing_even_with_the_token(
    house: House, headers: dict[str, str]
) -> None:
    browser = await house.signed_in("rosa", Role.STAFF)
    token = await csrf_on(browser, "/account")

    answer = await browser.post("/account/language", data={"language": "fi", "csrf": token}, headers=headers)

    assert answer.status_code == 403
    assert await house.value("SELECT language FROM account") is None


async def test_form_from_elsewhere_cannot_sign_anybody_in(house: House) -> None:
    await house.add("mallory", Role.STAFF)
    fields = {"login": "mallory", "password": "four words not together"}

    answer = await house.browser(origin="https://elsewhere.example").post("/sign-in", data=fields)

    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


async def test_own_form_passes_with_field_or_header(house: House) -> None:
    browser = await house.signed_in("rosa", Role.STAFF)
    here = {"origin": house.address}

    assert (await send(browser, "/account/language", language="fi")).status_code == 303
    token = await csrf_on(browser, "/account")
    answer = await browser.post(
        "/account/language", data={"language": "it"}, headers={"x-csrf-token": token} | here
    )

    assert answer.status_code == 303
    assert await house.value("SELECT language FROM account") == "it"


async def test_program_needs_no_form_token(house: House) -> None:
    token = await house.token("tool", [Role.ADMIN])
    program = house.browser(authorization=f"Bearer {token}", origin="https://elsewhere.example")

    answer = await program.post("/tokens/revoke", data={"name": "tool"})

    assert answer.status_code == 303
    assert await house.value("SELECT revoked_at IS NOT NULL FROM service_token")


async def test_page_shows_the_form_token_in_another_way_each_time(house: House) -> None:
    browser = await house.signed_in("rosa", Role.STAFF)

    shown = {await csrf_on(browser, "/account") for _ in range(3)}

    assert len(shown) == 3
    assert await house.value("SELECT csrf FROM sign_in") not in shown


async def test_large_body_is_refused_before_anything_is_looked_at(house: House) -> None:
    answer = await house.browser().post("/sign-in", data={"login": "x" * 2_000_000})

    assert answer.status_code == 413


def test_application_with_an_undeclared_route_does_not_start() -> None:
    app, router = FastAPI(docs_url=None, redoc_url=None), APIRouter(prefix="/area")

    @router.get("/forgotten")
    async def forgotten() -> None: ...

    @router.get("/said", dependencies=[PUBLIC])
    async def said() -> None: ...

    app.include_router(router)

    with pytest.raises(RuntimeError, match=r"GET /area/forgotten$"):
        check_every_route(app)


def test_router_may_declare_for_all_its_routes() -> None:
    app, router = FastAPI(openapi_url="/openapi.json", docs_url=None, redoc_url=None), APIRouter()

    @router.get("/one")
    async def one() -> None: ...

    app.include_router(router, dependencies=[require_role(Role.ADMIN)])

    check_every_route(app)


def test_files_that_are_mounted_declare_nothing_and_are_refused() -> None:
    app = FastAPI(docs_url=None, redoc_url=None)
    app.mount("/files", FastAPI())

    with pytest.raises(RuntimeError, match="/files"):
        check_every_route(app)


def test_rule_for_nobody_in_particular_must_be_said() -> None:
    with pytest.raises(ValueError, match="PUBLIC"):
        require_role()


@pytest.mark.parametrize("role", [None, *Role])
async def test_single_readings_are_for_those_who_work_with_them(house: House, role: Role | None) -> None:
    headers = {"accept": "*/*"}
    if role:
        headers["authorization"] = f"Bearer {await house.token('tool', [role])}"
    program = house.browser(**headers)

    answers = {
        resolution: (
            await program.get(f"/api/v1/spaces/nowhere/readings?resolution={resolution}")
        ).status_code
        for resolution in ("raw", "1m", "5m", "1h")
    }

    exact = {None: 401, Role.LEARNER: 403, Role.STAFF: 403}.get(role, 404)
    assert answers == {"raw": exact, "1m": exact, "5m": 404, "1h": 404}


async def test_what_needs_no_database_asks_nobody_who_they_are(house: House) -> None:
    browser = await house.signed_in("rosa", Role.STAFF)
    with away(house.database):
        assert (await browser.get("/static/forms.css")).status_code == 200
        assert "hubwell_database_up 0.0" in (await browser.get("/metrics")).text
        page = await browser.get("/account")

    assert page.status_code == 503
    assert "cannot be shown right now" in page.text
    assert (await browser.get("/account")).status_code == 200  # nobody was signed out meanwhile


async def test_page_of_a_visitor_is_kept_by_no_cache_and_a_file_for_good(house: House) -> None:
    browser = await house.signed_in("rosa", Role.STAFF)

    assert (await browser.get("/")).headers["cache-control"] == "no-store"
    assert "immutable" in (await browser.get("/static/forms.css")).headers["cache-control"]
