"""Tokens and UserInfo in the shapes that providers document, and odd ones beside them.

Entra ID: "ID token claims reference"; Google: "OpenID Connect, an ID token's payload"; AD FS: "OpenID Connect
and OAuth flows and application scenarios"; Authentik: "OAuth2 provider"; Zitadel: "Claims"; Authelia: "OpenID
Connect 1.0 claims"; Okta, Auth0 and Cognito: their ID token references. Names and numbers are made up.
"""

from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi.responses import Response

from hubwell.access.oidc.errors import OidcError
from hubwell.access.oidc.id_token import check_claims
from lanes.database_lane import Database
from services.access.oidc_providers import CLIENT, Forger, leave
from services.access.provider_house import ROLES, provider_settings, roles
from services.access.running_app import open_house

GROUP_ID = "9f4c1d6e-2b5a-4c0e-8f7d-3a1b2c4d5e6f"
ZITADEL_ROLES = "urn:zitadel:iam:org:project:roles"


@dataclass(frozen=True)
class Shape:
    """What a provider sends, and what has to come of it."""

    token: dict[str, Any]
    login: str
    name: str
    settings: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] | None = None
    about: dict[str, Any] = field(default_factory=dict)
    role: str = "staff"


SHAPES: dict[str, Shape] = {
    "Entra ID, groups": Shape(
        {
            "ver": "2.0",
            "aio": "Df2UVXL1ix!lMCWMSOJBcFatzcGfvFGhjKv8q5g0x732dR5MB5BisvGQO7YWByjd8iQDLq",
            "name": "Rosa Lind",
            "preferred_username": "rosa@school.example",
            "oid": "00000000-0000-0000-66f3-3332eca7ea81",
            "tid": "9122040d-6c67-4c5b-b112-36a304b66dad",
            "rh": "0.ASAA",
            "uti": "x",
            "groups": [GROUP_ID, "11111111-2222-3333-4444-555555555555"],
        },
        "sso/rosa@school.example",
        "Rosa Lind",
        {"oidc_roles": {GROUP_ID: "staff"}},
    ),
    "Entra ID, app roles": Shape(
        {
            "ver": "2.0",
            "name": "Rosa Lind",
            "preferred_username": "rosa@school.example",
            "roles": ["teachers"],
        },
        "sso/rosa@school.example",
        "Rosa Lind",
        {"oidc_groups_claim": "roles"},
    ),
    "Google Workspace": Shape(
        {
            "azp": CLIENT,
            "hd": "school.example",
            "email": "rosa@school.example",
            "email_verified": True,
            "at_hash": "HK6E_P6Dh8Y93mRNtsDB1Q",
            "name": "Rosa Lind",
            "given_name": "Rosa",
            "family_name": "Lind",
            "picture": "https://pictures.example/rosa",
        },
        "sso/rosa@school.example",
        "Rosa Lind",
        {"oidc_groups_claim": "hd", "oidc_roles": {"school.example": "learner"}},
        {"sub": "subject-1", "hd": "school.example", "email": "rosa@school.example"},
        role="learner",
    ),
    "AD FS, one group as a text": Shape(
        {
            "auth_time": 1764450000,
            "upn": "rosa@school.example",
            "unique_name": "SCHOOL\\rosa",
            "sid": "S-1-5-21-1-2-3-1104",
            "ver": "1.0",
            "scp": "openid",
            "pwd_url": "https://adfs.school.example/adfs/portal/updatepassword/",
            "group": "SCHOOL\\teachers",
        },
        "sso/rosa@school.example",
        "",
        {"oidc_groups_claim": "group", "oidc_roles": {"SCHOOL\\teachers": "staff"}},
    ),
    "AD FS, a claim with an address as its name": Shape(
        {
            "unique_name": "SCHOOL\\rosa",
            "given_name": "Rosa",
            "family_name": "Lind",
            "http://schemas.xmlsoap.org/claims/Group": ["Domain Users", "teachers"],
            "appid": CLIENT,
            "apptype": "Confidential",
        },
        "sso/schoolrosa",
        "Rosa Lind",
        {"oidc_groups_claim": "http://schemas.xmlsoap.org/claims/Group"},
    ),
    "Authentik": Shape(
        {
            "auth_time": 1764450000,
            "acr": "goauthentik.io/providers/oauth2/default",
            "amr": ["pwd"],
            "sid": "e3",
            "email": "rosa@school.example",
            "email_verified": True,
            "name": "Rosa Lind",
            "given_name": "Rosa Lind",
            "preferred_username": "rosa",
            "nickname": "rosa",
            "groups": ["authentik Admins", "teachers"],
        },
        "sso/rosa",
        "Rosa Lind",
    ),
    "Zitadel": Shape(
        {
            "aud": [CLIENT, "284729834729834", "284729834729833"],
            "azp": CLIENT,
            "client_id": CLIENT,
            "amr": ["pwd"],
            "auth_time": 1764450000,
            "name": "Rosa Lind",
            "preferred_username": "rosa@school.zitadel.example",
            "updated_at": 1764440000,
            "locale": None,
            ZITADEL_ROLES: {"teachers": {"284729834729800": "school.zitadel.example"}},
        },
        "sso/rosa@school.zitadel.example",
        "Rosa Lind",
        {"oidc_groups_claim": ZITADEL_ROLES},
    ),
    "Authelia, all at UserInfo": Shape(
        {
            "amr": ["pwd", "kba"],
            "at_hash": "x",
            "aud": [CLIENT],
            "azp": CLIENT,
            "client_id": CLIENT,
            "auth_time": 1764450000,
            "jti": "7b8fd1f4-5b1c-4a36-9d55-5a47a8d2f1c4",
        },
        "sso/rosa",
        "Rosa Lind",
        userinfo={
            "sub": "subject-1",
            "rat": 1764450000,
            "updated_at": 1764450000,
            "name": "Rosa Lind",
            "preferred_username": "rosa",
            "email": "rosa@school.example",
            "email_verified": True,
            "alt_emails": ["rosa@home.example"],
            "groups": ["teachers", "dev"],
        },
        about={"authorization_response_iss_parameter_supported": True},
    ),
    "Auth0, a claim with a namespace": Shape(
        {
            "nickname": "rosa",
            "name": "Rosa Lind",
            "email": "rosa@school.example",
            "email_verified": "true",
            "https://school.example/groups": ["teachers"],
        },
        "sso/rosa@school.example",
        "Rosa Lind",
        {"oidc_groups_claim": "https://school.example/groups"},
    ),
    "Cognito": Shape(
        {
            "cognito:groups": ["teachers"],
            "cognito:username": "rosa",
            "email_verified": "true",
            "email": "rosa@school.example",
            "token_use": "id",
            "auth_time": "1764450000",
        },
        "sso/rosa@school.example",
        "",
        {"oidc_groups_claim": "cognito:groups"},
    ),
    "Okta": Shape(
        {
            "ver": 1,
            "amr": ["pwd"],
            "idp": "00ok1u7AsAkrwdZL3z0g3",
            "email_verified": False,
            "preferred_username": "rosa@school.example",
            "name": "Rosa Lind",
            "groups": ["Everyone", "teachers"],
        },
        "sso/rosa@school.example",
        "Rosa Lind",
    ),
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
async def test_documented_shape_signs_in(database: Database, forger: Forger, shape: Shape) -> None:
    forger.about = shape.about
    forger.userinfo = shape.userinfo
    async with open_house(database, **provider_settings(forger.address) | shape.settings) as house:
        leaving = await leave(house)
        forger.token = forger.signed(forger.claims(leaving.nonce, groups=None) | shape.token)
        answer = await leaving.back(iss=forger.address)
        assert answer.status_code == 303, answer.text
        assert await roles(house) == {shape.role: "oidc"}
        assert await house.value("SELECT login FROM account") == shape.login
        assert await house.value("SELECT name FROM account") == shape.name


async def test_issuer_that_ends_with_a_slash(database: Database, forger: Forger) -> None:
    """Authentik and Auth0: `iss` has the slash as well."""
    issuer = f"{forger.address}/"
    forger.about = {"issuer": issuer}
    async with open_house(database, **provider_settings(issuer)) as house:
        leaving = await leave(house)
        forger.token = forger.signed(forger.claims(leaving.nonce, iss=issuer))
        assert (await leaving.back(iss=issuer)).status_code == 303
        assert await house.value("SELECT issuer FROM account_identity") == issuer


@pytest.mark.parametrize("tenant", ["{tenantid}", "{tenantId}"])
async def test_issuer_of_any_tenant_is_named(
    database: Database, forger: Forger, caplog: pytest.LogCaptureFixture, tenant: str
) -> None:
    """Entra ID at `common` and `organizations`: the document has a place to fill in, and no issuer."""
    forger.about = {"issuer": f"https://login.microsoftonline.example/{tenant}/v2.0"}
    async with open_house(database, **provider_settings(forger.address)) as house:
        answer = await house.browser().get("/sign-in/provider")
        assert "Reason: any-tenant." in answer.text
    assert "your tenant's id" in caplog.text


@pytest.mark.parametrize(
    ("issuer", "named", "fits"),
    [
        ("https://accounts.google.com", "https://accounts.google.com", True),
        ("https://accounts.google.com", "accounts.google.com", True),
        ("https://accounts.google.com", "http://accounts.google.com", False),
        ("https://login.example", "login.example", False),
        ("https://login.example", ["https://login.example"], False),
        ("https://login.example", None, False),
    ],
)
def test_google_writes_its_issuer_in_two_ways_and_others_do_not(issuer: str, named: Any, fits: bool) -> None:  # noqa: FBT001 (a parameter of the test)
    claims = {"iss": named, "aud": CLIENT, "sub": "s", "nonce": "n", "iat": 0, "exp": 300}
    if fits:
        assert check_claims(claims, issuer=issuer, client_id=CLIENT, nonce="n", now=0) == "s"
        return
    with pytest.raises(OidcError, match="not valid"):
        check_claims(claims, issuer=issuer, client_id=CLIENT, nonce="n", now=0)


ODD: dict[str, tuple[dict[str, Any], str]] = {
    "half a character": ({"name": "Rosa \ud83d Lind", "preferred_username": "ro\udc00sa"}, "Rosa Lind"),
    "NUL": ({"name": "Rosa\0 Lind", "preferred_username": "rosa\0"}, "Rosa Lind"),
    "lines and tabs": ({"name": "Rosa\r\n\tLind", "preferred_username": "rosa\n"}, "Rosa Lind"),
    "other blanks": ({"name": "\u00a0Rosa\u2003Lind\u2028", "preferred_username": "rosa"}, "Rosa Lind"),
    "direction": ({"name": "Rosa \u202eLind\u202c", "preferred_username": "rosa"}, "Rosa Lind"),
    "joiner of a name": ({"name": "می\u200cنو", "preferred_username": "rosa"}, "می\u200cنو"),
    "no text": ({"name": ["Rosa"], "preferred_username": 7, "email": {"a": 1}}, ""),
    "only blanks": ({"name": " ", "given_name": "Rosa", "preferred_username": " "}, "Rosa"),
    "whole name of 5000": ({"name": "Ž" * 5000, "preferred_username": "r" * 5000}, "Ž" * 120),
}


@pytest.mark.parametrize(("claims", "name"), ODD.values(), ids=ODD)
async def test_odd_names(database: Database, forger: Forger, claims: dict[str, Any], name: str) -> None:
    async with open_house(database, **provider_settings(forger.address)) as house:
        leaving = await leave(house)
        forger.token = forger.signed(forger.claims(leaving.nonce, **claims))
        assert (await leaving.back()).status_code == 303
        assert await house.value("SELECT name FROM account") == name
        assert (await house.value("SELECT login FROM account")).startswith("sso/")
        assert (await leaving.browser.get("/account")).status_code == 200


@pytest.mark.parametrize("subject", ["a\0b", "\ud83d", "a\nb", "a" * 256, 7, ["subject-1"], None, ""])
async def test_odd_subject_is_refused(database: Database, forger: Forger, subject: Any) -> None:
    async with open_house(database, **provider_settings(forger.address)) as house:
        leaving = await leave(house)
        forger.token = forger.signed(forger.claims(leaving.nonce) | {"sub": subject})
        answer = await leaving.back()
        assert (answer.status_code, "response is not valid" in answer.text) == (403, True)
        assert await house.value("SELECT count(*) FROM account") == 0


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
async def test_userinfo_in_other_encodings(database: Database, forger: Forger, encoding: str) -> None:
    async with open_house(database, **provider_settings(forger.address)) as house:
        leaving = await leave(house)
        forger.token = forger.signed(forger.claims(leaving.nonce, groups=None))
        text = '{"sub": "subject-1", "name": "Bērziņa", "groups": ["teachers"]}'
        forger.userinfo = Response(text.encode(encoding), media_type="text/plain; charset=nonsense")
        assert (await leaving.back()).status_code == 303
        assert await house.value("SELECT name FROM account") == "Bērziņa"


@pytest.mark.parametrize(
    ("body", "headers", "why"),
    [
        ('{"sub": "subject-1", "name": "Bērziņa"}'.encode("iso-8859-13"), {}, "no-json"),
        (b"\xff\xfe\xff", {}, "no-json"),
        (b"", {}, "no-json"),
        (b"null", {}, "no-json"),
        (b"\x1f\x8b", {"Content-Encoding": "gzip"}, "not-http"),
    ],
    ids=["Latin-7", "half", "nothing", "null", "compressed"],
)
async def test_userinfo_that_cannot_be_read_is_named(
    database: Database,
    forger: Forger,
    caplog: pytest.LogCaptureFixture,
    body: bytes,
    headers: dict[str, str],
    why: str,
) -> None:
    async with open_house(database, **provider_settings(forger.address)) as house:
        leaving = await leave(house)
        forger.token = forger.signed(forger.claims(leaving.nonce, groups=None))
        forger.userinfo = Response(body, media_type="application/json", headers=headers)
        assert (await leaving.back()).status_code == 502
    assert [record.why for record in caplog.records if hasattr(record, "why")] == [why]


async def test_role_of_everybody_needs_no_groups(database: Database, forger: Forger) -> None:
    async with open_house(
        database, **provider_settings(forger.address) | {"oidc_roles": ROLES | {"*": "learner"}}
    ) as house:
        leaving = await leave(house)
        forger.userinfo = {"sub": "subject-1"}
        forger.token = forger.signed(forger.claims(leaving.nonce, groups=None))
        assert (await leaving.back()).status_code == 303
        assert await roles(house) == {"learner": "oidc"}
