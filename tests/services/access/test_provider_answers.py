"""What a provider sends, in all the shapes that providers use, and what is wrong with it by its own name."""

import base64
import html
import json
import time
from typing import Any

import pytest
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response

from hubwell.access.oidc.claims import groups_in
from lanes.database_lane import Database
from services.access.oidc_providers import CLIENT, Forger, leave
from services.access.provider_house import ROLES, provider_settings, roles
from services.access.running_app import House, open_house


async def test_client_id_and_secret_are_form_encoded_in_basic(database: Database, forger: Forger) -> None:
    """RFC 6749, 2.3.1; the secret has each character that a form writes otherwise."""
    changed = {"oidc_client_id": "hub well:1", "oidc_client_secret": "k+7/x= %ä"}
    async with open_house(database, **provider_settings(forger.address) | changed) as house:
        leaving = await leave(house)
        forger.token = forger.signed(forger.claims(leaving.nonce, aud="hub well:1"))
        assert (await leaving.back()).status_code == 303
    scheme, _, value = forger.authorization[0].partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(value).decode() == "hub+well%3A1:k%2B7%2Fx%3D+%25%C3%A4"
    assert "client_secret" not in forger.asked[0]


async def test_secret_goes_into_the_form_where_the_provider_wants_it_there(
    school: House, forger: Forger
) -> None:
    forger.about = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    leaving = await leave(school)
    forger.token = forger.signed(forger.claims(leaving.nonce))
    assert (await leaving.back()).status_code == 303
    assert (forger.asked[0]["client_id"], forger.asked[0]["client_secret"]) == ([CLIENT], ["a secret"])
    assert forger.authorization == [""]


@pytest.mark.parametrize(
    ("refusal", "why", "sentence", "status"),
    [
        (JSONResponse({"error": "invalid_client"}, 401), "invalid_client", "does not help", 502),
        (PlainTextResponse("no", 401), "invalid_client", "does not help", 502),
        (JSONResponse({"error": "unauthorized_client"}, 400), "unauthorized_client", "does not help", 502),
        (JSONResponse({"error": "invalid_grant"}, 400), "invalid_grant", "has expired", 403),
        (JSONResponse({"error": "server_error"}, 500), "server_error", "in a few minutes", 502),
        (JSONResponse({"error": "<b>made up</b>"}, 400), "status-400", "does not help", 502),
        (JSONResponse({"error": ["invalid_client"]}, 400), "status-400", "does not help", 502),
        (PlainTextResponse("busy", 503), "status-503", "in a few minutes", 502),
        (PlainTextResponse("busy", 429), "status-429", "in a few minutes", 502),
        (HTMLResponse("<h1>Sign in</h1>"), "no-json", "does not help", 502),
        (JSONResponse(["a list"]), "no-json", "does not help", 502),
        (RedirectResponse("/token"), "redirect", "does not help", 502),
        (Response(b"{" * 100_000, media_type="application/json"), "no-json", "does not help", 502),
        (Response(bytes(2_000_000), media_type="application/json"), "too-large", "does not help", 502),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_refusal_of_the_token_endpoint_is_named(
    school: House,
    forger: Forger,
    caplog: pytest.LogCaptureFixture,
    refusal: Response,
    why: str,
    sentence: str,
    status: int,
) -> None:
    leaving = await leave(school)
    forger.refusal = refusal

    answer = await leaving.back()

    assert answer.status_code == status
    text = html.unescape(answer.text)
    assert sentence in text
    assert status == 403 or f"Reason: {why}." in text
    assert "made up" not in text
    assert [record.why for record in caplog.records if hasattr(record, "why")] == [why]
    if why == "invalid_client":
        assert "HUBWELL_OIDC_CLIENT_SECRET" in caplog.text
        assert "a secret" not in caplog.text


@pytest.mark.parametrize(
    ("code", "sentence", "status"),
    [
        ("access_denied", "The provider did not sign you in. Reason: access_denied.", 403),
        ("login_required", "Reason: login_required.", 403),
        (
            "invalid_scope",
            "trying again does not help. Ask an administrator of the hub. Reason: invalid_scope",
            502,
        ),
        ("temporarily_unavailable", "Try again in a few minutes. Reason: temporarily_unavailable.", 502),
        ("<script>", "The provider did not sign you in. Reason: no-code.", 403),
    ],
)
async def test_error_of_the_authorization_endpoint_is_named(
    school: House, code: str, sentence: str, status: int
) -> None:
    leaving = await leave(school)

    answer = await leaving.browser.get("/sign-in/back", params={"error": code, "state": leaving.state})

    assert answer.status_code == status
    assert sentence in html.unescape(answer.text)


@pytest.mark.parametrize(
    ("setting", "supported", "scope"),
    [
        ("", None, "openid profile email"),
        ("", ["openid", "profile", "email"], "openid profile email"),
        ("", ["openid", "groups"], "openid profile email groups"),
        ("openid roles", ["openid", "groups"], "openid roles"),
    ],
)
async def test_scopes_are_those_of_the_setting_or_include_groups_where_listed(
    database: Database, forger: Forger, setting: str, supported: list[str] | None, scope: str
) -> None:
    forger.about = {"scopes_supported": supported} if supported else {}
    async with open_house(database, **provider_settings(forger.address), oidc_scopes=setting) as house:
        assert (await leave(house)).query["scope"] == scope


async def test_listed_scope_that_this_client_may_not_request_is_left_out_from_then_on(
    school: House, forger: Forger
) -> None:
    forger.about = {"scopes_supported": ["openid", "groups"]}
    leaving = await leave(school, to="/devices")
    refused = {"error": "invalid_scope", "state": leaving.state}

    again = await leaving.browser.get("/sign-in/back", params=refused)

    assert again.status_code == 303
    assert "scope=openid+profile+email&" in again.headers["location"]
    assert (await leave(school)).query["scope"] == "openid profile email"


@pytest.mark.parametrize(
    ("claim", "groups"),
    [
        ("teachers", {"teachers"}),
        ("teachers, caretakers", {"teachers", "caretakers"}),
        ("pupils;teachers", {"pupils", "teachers"}),
        ("Friends of teachers", {"Friends of teachers"}),
        ('["teachers", 7]', {"teachers"}),
        ("[teachers", {"[teachers"}),
        (["teachers", 7, None, ["pupils"]], {"teachers"}),
        (["/teachers", "/school/pupils"], {"teachers", "/teachers", "/school/pupils"}),
        ([{"name": "teachers"}], {"teachers"}),
        ([{"value": "0af", "display": "teachers"}], {"teachers", "0af"}),
        ([{"id": "0af", "displayName": "teachers"}, "pupils"], {"teachers", "0af", "pupils"}),
        ({"name": "teachers"}, {"teachers"}),
        ({"teachers": {"org": "school.example"}}, {"teachers"}),
        ({"teachers": True, "admins": False, "osh": None}, {"teachers"}),
        (7, set()),
        ("", set()),
        ({}, set()),
    ],
)
def test_groups_are_understood_in_every_shape(claim: Any, groups: set[str]) -> None:
    whole = {claim} if isinstance(claim, str) else set()
    assert groups_in({"groups": claim}, "groups") - {""} == groups | whole - {""}


def test_groups_are_found_deeper_and_under_a_name_with_dots() -> None:
    claims = {"realm_access": {"roles": ["a"]}, "https://hub.example/groups": ["b"], "urn:x:roles": {"c": {}}}
    assert groups_in(claims, "realm_access.roles") == {"a"}
    assert groups_in(claims, "https://hub.example/groups") == {"b"}
    assert groups_in(claims, "urn:x:roles") == {"c"}
    assert groups_in(claims, "realm_access.groups.more") == frozenset()


@pytest.mark.parametrize(
    ("groups", "given"),
    [
        ([{"name": "caretakers"}], {"facilities"}),
        ("teachers caretakers", {"staff", "facilities"}),
        ("friends of teachers", set()),
        ("teachers pupils", set()),
    ],
)
async def test_objects_and_texts_as_groups_give_roles(
    school: House, forger: Forger, groups: Any, given: set[str]
) -> None:
    leaving = await leave(school)
    forger.token = forger.signed(forger.claims(leaving.nonce, groups=groups))
    assert (await leaving.back()).status_code == (303 if given else 403)
    assert set(await roles(school)) == given


OVERAGE: list[dict[str, Any]] = [
    {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://graph.example/"}}},
    {"hasgroups": True},
]


@pytest.mark.parametrize("overage", OVERAGE, ids=["_claim_names", "hasgroups"])
async def test_withheld_groups_take_no_role_and_end_no_session(
    school: House, forger: Forger, caplog: pytest.LogCaptureFixture, overage: dict[str, Any]
) -> None:
    forger.userinfo = {"sub": "subject-1"}
    first = await leave(school)
    forger.token = forger.signed(forger.claims(first.nonce))
    await first.back()
    second = await leave(school)
    forger.token = forger.signed(forger.claims(second.nonce, groups=None, **overage))

    answer = await second.back()

    assert answer.status_code == 303
    assert await roles(school) == {"staff": "oidc"}
    assert (await first.browser.get("/account")).status_code == 200
    assert (await second.browser.get("/account")).status_code == 200
    assert "groups-overage" in [getattr(record, "why", "") for record in caplog.records]


@pytest.mark.parametrize("overage", OVERAGE, ids=["_claim_names", "hasgroups"])
async def test_stranger_whose_groups_are_withheld_reads_why(
    school: House, forger: Forger, overage: dict[str, Any]
) -> None:
    forger.userinfo = {"sub": "subject-1"}
    leaving = await leave(school)
    forger.token = forger.signed(forger.claims(leaving.nonce, groups=None, **overage))

    answer = await leaving.back()

    assert answer.status_code == 403
    assert "You are in more groups than the provider lists" in answer.text
    assert await school.value("SELECT count(*) FROM account") == 0


async def test_role_of_everybody_is_given_also_where_groups_are_withheld(
    database: Database, forger: Forger
) -> None:
    changed = {"oidc_roles": ROLES | {"*": "learner"}}
    forger.userinfo = {"sub": "subject-1"}
    async with open_house(database, **provider_settings(forger.address) | changed) as house:
        leaving = await leave(house)
        forger.token = forger.signed(forger.claims(leaving.nonce, groups=None, **OVERAGE[0]))
        assert (await leaving.back()).status_code == 303
        assert await roles(house) == {"learner": "oidc"}


async def test_groups_that_are_listed_count_also_beside_other_distributed_claims(
    school: House, forger: Forger
) -> None:
    leaving = await leave(school)
    more = {"_claim_names": {"wids": "src1", "groups": "src1"}}
    forger.token = forger.signed(forger.claims(leaving.nonce, groups=["caretakers"], **more))
    assert (await leaving.back()).status_code == 303
    assert await roles(school) == {"facilities": "oidc"}


@pytest.mark.parametrize(
    ("begins_in_s", "status"),
    [(-600, 303), (0, 303), (50, 303), (70, 403), (600, 403), ("soon", 403), (None, 403)],
)
async def test_token_is_accepted_from_its_nbf_on(
    school: House, forger: Forger, begins_in_s: Any, status: int
) -> None:
    leaving = await leave(school)
    claims = forger.claims(leaving.nonce)
    claims["nbf"] = int(time.time()) + begins_in_s if isinstance(begins_in_s, int) else begins_in_s
    forger.token = forger.signed(claims)

    answer = await leaving.back()

    assert answer.status_code == status
    assert status == 303 or "response has expired, or a clock is wrong" in answer.text


def _signed_userinfo(forger: Forger, **claims: Any) -> Response:
    return Response(forger.signed(claims), media_type="application/jwt")


async def test_signed_userinfo_is_understood(school: House, forger: Forger) -> None:
    leaving = await leave(school)
    forger.token = forger.signed(forger.claims(leaving.nonce, groups=None))
    more = {"iss": forger.address, "aud": [CLIENT], "groups": ["caretakers"]}
    forger.userinfo = _signed_userinfo(forger, sub="subject-1", **more)

    assert (await leaving.back()).status_code == 303
    assert await roles(school) == {"facilities": "oidc"}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"iss": "https://elsewhere.example"}, "issuer"),
        ({"aud": "another-program"}, "audience"),
        ({"sub": "subject-2"}, "malformed"),
    ],
)
async def test_signed_userinfo_of_others_is_refused(
    school: House, forger: Forger, caplog: pytest.LogCaptureFixture, changes: dict[str, str], why: str
) -> None:
    leaving = await leave(school)
    forger.token = forger.signed(forger.claims(leaving.nonce, groups=None))
    forger.userinfo = _signed_userinfo(forger, **{"sub": "subject-1", "groups": ["caretakers"]} | changes)

    assert (await leaving.back()).status_code == 403
    assert [record.why for record in caplog.records if hasattr(record, "why")] == [why]


async def test_userinfo_signed_by_another_key_is_refused(school: House, forger: Forger) -> None:
    leaving = await leave(school)
    forger.token = forger.signed(forger.claims(leaving.nonce, groups=None))
    head, body, _ = forger.signed({"sub": "subject-1", "groups": ["teachers"]}).split(".")
    forged = base64.urlsafe_b64encode(json.dumps({"sub": "subject-1", "groups": ["caretakers"]}).encode())
    forger.userinfo = Response(f"{head}.{forged.rstrip(b'=').decode()}.{body}", media_type="application/jwt")

    assert (await leaving.back()).status_code == 403
    assert await school.value("SELECT count(*) FROM account") == 0


@pytest.mark.parametrize(
    ("about", "why"),
    [
        ({"issuer": "https://elsewhere.example"}, "issuer-differs"),
        ({"userinfo_endpoint": "ftp://elsewhere.example"}, "endpoint"),
        ({"end_session_endpoint": "javascript:alert(1)"}, "endpoint"),
        ({"token_endpoint": None}, "endpoint"),
    ],
)
async def test_metadata_that_cannot_be_used_is_named(
    school: House, forger: Forger, caplog: pytest.LogCaptureFixture, about: dict[str, Any], why: str
) -> None:
    forger.about = about

    answer = await school.browser().get("/sign-in/provider")

    assert answer.status_code == 502
    assert f"Reason: {why}." in html.unescape(answer.text)
    assert [record.why for record in caplog.records if hasattr(record, "why")] == [why]


async def test_answer_to_the_check_of_the_command_line_is_left_to_it(school: House) -> None:
    page = await school.browser().get("/sign-in/back?state=check.abc&code=1")
    assert page.status_code == 200
    assert "hubwell access check" in page.text
