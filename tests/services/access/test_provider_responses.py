"""Responses of providers: errors of prompts, the issuer (RFC 9207), times at their limits, audiences."""

import html
import time
from typing import Any

import pytest

from services.access.oidc_providers import CLIENT, Forger, Leaving, leave
from services.access.provider_house import roles
from services.access.running_app import House

OTHER = "https://elsewhere.example"
PROMISED = {"authorization_response_iss_parameter_supported": True}


async def back_with_error(leaving: Leaving, code: str, **more: str) -> Any:
    query = {"error": code, "error_description": "<b>made up</b>", "state": leaving.state} | more
    return await leaving.browser.get("/sign-in/back", params=query)


@pytest.mark.parametrize(
    "code",
    [
        "access_denied",
        "account_selection_required",
        "consent_required",
        "interaction_required",
        "login_required",
        "unmet_authentication_requirements",
    ],
)
async def test_person_who_was_not_signed_in_reads_why_and_is_asked_next_time(
    school: House, forger: Forger, caplog: pytest.LogCaptureFixture, code: str
) -> None:
    leaving = await leave(school)

    answer = await back_with_error(leaving, code)

    assert answer.status_code == 403
    assert f"The provider did not sign you in. Reason: {code}." in html.unescape(answer.text)
    assert "made up" not in answer.text
    assert [record.why for record in caplog.records if hasattr(record, "why")] == [code]
    again = await leave(school, leaving.browser)
    assert again.query["prompt"] == "login"
    forger.token = forger.signed(forger.claims(again.nonce))
    assert (await again.back()).status_code == 303


async def test_error_is_for_one_tab_and_for_one_time(school: House, forger: Forger) -> None:
    one = await leave(school)
    other = await leave(school, one.browser)
    forger.token = forger.signed(forger.claims(other.nonce))
    assert (await back_with_error(one, "login_required")).status_code == 403
    assert (await back_with_error(one, "login_required")).status_code == 403
    assert (await one.back()).status_code == 403
    assert (await other.back()).status_code == 303


@pytest.mark.parametrize(
    ("about", "issuer", "status"),
    [
        ({}, None, 303),
        ({}, "own", 303),
        ({}, OTHER, 403),
        ({}, "", 403),
        (PROMISED, "own", 303),
        (PROMISED, None, 403),
        (PROMISED, OTHER, 403),
        ({"authorization_response_iss_parameter_supported": "yes"}, None, 303),
    ],
)
async def test_response_of_another_provider_is_refused(
    school: House,
    forger: Forger,
    caplog: pytest.LogCaptureFixture,
    about: dict[str, Any],
    issuer: str | None,
    status: int,
) -> None:
    forger.about = about
    leaving = await leave(school)
    forger.token = forger.signed(forger.claims(leaving.nonce))
    query = {} if issuer is None else {"iss": forger.address if issuer == "own" else issuer}

    answer = await leaving.back(**query)

    assert answer.status_code == status
    if status == 403:
        assert [record.why for record in caplog.records if hasattr(record, "why")] == ["issuer"]
        assert not forger.asked  # the code went to nobody


@pytest.mark.parametrize(("about", "query"), [({}, {"iss": OTHER}), (PROMISED, {})], ids=["other", "none"])
async def test_error_of_another_provider_is_refused(
    school: House,
    forger: Forger,
    caplog: pytest.LogCaptureFixture,
    about: dict[str, Any],
    query: dict[str, str],
) -> None:
    forger.about = about
    leaving = await leave(school)
    answer = await back_with_error(leaving, "access_denied", **query)
    assert (answer.status_code, "response is not valid" in answer.text) == (403, True)
    assert [record.why for record in caplog.records if hasattr(record, "why")] == ["issuer"]


@pytest.mark.parametrize(
    ("claim", "in_s", "status"),
    [
        ("exp", 300, 303),
        ("exp", -50, 303),
        ("exp", -70, 403),
        ("iat", -3600, 303),
        ("iat", 50, 303),
        ("iat", 80, 403),
        ("exp", "soon", 403),
        ("iat", None, 403),
        ("exp", True, 403),
    ],
)
async def test_clocks_may_differ_by_a_minute(
    school: House, forger: Forger, claim: str, in_s: Any, status: int
) -> None:
    leaving = await leave(school)
    is_number = isinstance(in_s, int) and not isinstance(in_s, bool)
    value = int(time.time()) + in_s if is_number else in_s
    forger.token = forger.signed(forger.claims(leaving.nonce) | {claim: value})
    assert (await leaving.back()).status_code == status


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"aud": [CLIENT]}, 303),
        ({"aud": [CLIENT], "azp": CLIENT}, 303),
        ({"aud": [CLIENT, "project"], "azp": CLIENT}, 303),
        ({"aud": ["project", CLIENT], "azp": CLIENT}, 303),
        ({"aud": [CLIENT, "project"]}, 403),
        ({"aud": [CLIENT, "project"], "azp": "project"}, 403),
        ({"aud": CLIENT, "azp": "project"}, 403),
        ({"aud": CLIENT, "azp": None}, 403),
        ({"aud": []}, 403),
        ({"aud": [[CLIENT]]}, 403),
        ({"aud": {CLIENT: True}}, 403),
        ({"aud": f"{CLIENT} project"}, 403),
    ],
)
async def test_token_for_several_audiences_names_this_client(
    school: House, forger: Forger, claims: dict[str, Any], status: int
) -> None:
    leaving = await leave(school)
    forger.token = forger.signed(forger.claims(leaving.nonce) | claims)
    assert (await leaving.back()).status_code == status


@pytest.mark.parametrize(
    "methods",
    [["client_secret_basic"], ["client_secret_post", "client_secret_basic"], [], None, "client_secret_basic"],
    ids=str,
)
async def test_secret_goes_by_basic_unless_the_provider_wants_it_otherwise(
    school: House, forger: Forger, methods: Any
) -> None:
    forger.about = {"token_endpoint_auth_methods_supported": methods}
    leaving = await leave(school)
    forger.token = forger.signed(forger.claims(leaving.nonce))
    assert (await leaving.back()).status_code == 303
    assert forger.authorization[0].startswith("Basic ")
    assert "client_secret" not in forger.asked[0]
    assert await roles(school) == {"staff": "oidc"}
