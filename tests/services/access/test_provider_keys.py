"""Keys of providers: every kind, junk beside them, ids that are missing or doubled, rotation, encryption."""

import warnings
from typing import Any

import pytest
from fastapi.responses import Response
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

from services.access.oidc_providers import Forger, leave
from services.access.provider_house import roles
from services.access.running_app import House

RSA = RSAKey.generate_key(2048)
OTHER_RSA = RSAKey.generate_key(2048)
with warnings.catch_warnings(action="ignore"):
    WEAK_RSA = RSAKey.generate_key(1024)
CURVES = {name: ECKey.generate_key(name) for name in ("P-256", "P-384", "P-521", "secp256k1")}
SECRET = "c2hhcmVkIGJ5IGV2ZXJ5Ym9keSB3aG8gcmVhZHMgdGhlIHNldA"  # noqa: S105 (published)
ED25519 = OKPKey.generate_key("Ed25519")


def public(key: Key, **members: Any) -> dict[str, Any]:
    """Return the public key as a provider publishes it; a member that is None is left out."""
    return {
        name: value for name, value in (key.as_dict(private=False) | members).items() if value is not None
    }


async def outcome(school: House, forger: Forger, key: Any, header: dict[str, str]) -> int:
    """Return the status of a sign-in whose token this key signed."""
    leaving = await leave(school)
    forger.token = forger.signed_with(header, forger.claims(leaving.nonce), key)
    return (await leaving.back()).status_code


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # and providers still use it
@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        *((algorithm, RSA) for algorithm in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")),
        ("ES256", CURVES["P-256"]),
        ("ES384", CURVES["P-384"]),
        ("ES512", CURVES["P-521"]),
        ("EdDSA", ED25519),
        ("Ed25519", ED25519),
    ],
)
@pytest.mark.parametrize("named", [True, False], ids=["alg and use", "neither"])
async def test_every_kind_of_signature(
    school: House,
    forger: Forger,
    algorithm: str,
    key: Key,
    named: bool,  # noqa: FBT001 (a parameter of the test)
) -> None:
    members = {"alg": algorithm, "use": "sig"} if named else {}
    forger.published = [public(key, kid="a", **members)]
    assert await outcome(school, forger, key, {"alg": algorithm, "kid": "a"}) == 303


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
async def test_both_names_of_edwards_signatures_are_one(school: House, forger: Forger) -> None:
    forger.published = [public(ED25519, kid="a", alg="EdDSA")]
    assert await outcome(school, forger, ED25519, {"alg": "Ed25519", "kid": "a"}) == 303


JUNK: dict[str, Any] = {
    "kind of the future": {"kty": "AKP", "alg": "ML-DSA-65", "pub": "AAAA", "kid": "a"},
    "no kind": {"kid": "a"},
    "kind as a list": {"kty": ["RSA"], "kid": "a"},
    "numbers missing": {"kty": "RSA", "kid": "a"},
    "no base64": {"kty": "RSA", "n": "!!", "e": "AQAB", "kid": "a"},
    "number in place of a text": {"kty": "RSA", "n": 7, "e": "AQAB", "kid": "a"},
    "unknown curve": {"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA", "kid": "a"},
    "point not on the curve": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "a"},
    "for another purpose": public(CURVES["secp256k1"], use="odd", kid="a"),
    "shared secret": {"kty": "oct", "k": SECRET, "kid": "a", "alg": "HS256"},
    "encryption by use": public(OTHER_RSA, use="enc", alg="RSA-OAEP", kid="a"),
    "encryption by operations": public(OTHER_RSA, key_ops=["encrypt"], kid="a"),
    "too short": public(WEAK_RSA, kid="a"),
    "a text": "junk",
    "null": None,
}


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK)
async def test_junk_beside_the_key_is_ignored_also_under_the_same_id(
    school: House, forger: Forger, junk: Any
) -> None:
    forger.published = [junk, public(RSA, kid="a")]
    assert await outcome(school, forger, RSA, {"alg": "RS256", "kid": "a"}) == 303


async def test_all_junk_together_is_ignored(school: House, forger: Forger) -> None:
    certificate = {"x5c": ["junk"], "x5t": "junk", "issuer": "https://login.example/{tenantid}/v2.0"}
    forger.published = [*JUNK.values(), public(RSA, kid="b", **certificate)]
    assert await outcome(school, forger, RSA, {"alg": "RS256", "kid": "b", "x5t": "junk"}) == 303


@pytest.mark.parametrize("published", [[], [*JUNK.values()], [public(WEAK_RSA, kid="a")]])
async def test_set_without_a_key_for_signatures_is_named(
    school: House, forger: Forger, caplog: pytest.LogCaptureFixture, published: list[Any]
) -> None:
    forger.published = published
    answer = await school.browser().get("/sign-in/provider")
    assert answer.status_code == 502
    assert "Reason: no-keys." in answer.text
    assert f"of {len(published)} keys" in caplog.text


@pytest.mark.parametrize("junk", ["encryption by use", "encryption by operations"])
async def test_signature_by_a_key_for_encryption_is_refused(school: House, forger: Forger, junk: str) -> None:
    forger.published = [public(RSA, kid="b"), JUNK[junk]]
    assert await outcome(school, forger, OTHER_RSA, {"alg": "RS256", "kid": "a"}) == 403
    assert await school.value("SELECT count(*) FROM account") == 0


async def test_signature_with_a_published_shared_secret_is_refused(school: House, forger: Forger) -> None:
    forger.published = [JUNK["shared secret"], public(RSA, kid="b")]
    secret = OctKey.import_key({"kty": "oct", "k": SECRET})
    assert await outcome(school, forger, secret, {"alg": "HS256", "kid": "a"}) == 403


@pytest.mark.parametrize("signer", [RSA, OTHER_RSA, CURVES["P-256"]], ids=["first", "second", "third"])
@pytest.mark.parametrize("ids", [("a", "a", "a"), (None, None, None), ("a", None, "c")], ids=str)
async def test_id_that_is_missing_or_doubled_finds_the_key(
    school: House, forger: Forger, signer: Key, ids: tuple[str | None, ...]
) -> None:
    keys: tuple[Key, ...] = (RSA, OTHER_RSA, CURVES["P-256"])
    forger.published = [public(key, kid=key_id) for key, key_id in zip(keys, ids, strict=True)]
    key_id = ids[keys.index(signer)]
    header = {"alg": "RS256" if isinstance(signer, RSAKey) else "ES256"}
    assert await outcome(school, forger, signer, header | ({"kid": key_id} if key_id else {})) == 303


async def test_token_without_an_id_is_held_against_every_key_and_a_foreign_one_is_refused(
    school: House, forger: Forger
) -> None:
    forger.published = [public(RSA, kid="a"), public(CURVES["P-256"], kid="b")]
    assert await outcome(school, forger, CURVES["P-256"], {"alg": "ES256"}) == 303
    assert await outcome(school, forger, OTHER_RSA, {"alg": "RS256"}) == 403


async def test_id_of_another_key_does_not_find_the_signer(school: House, forger: Forger) -> None:
    forger.published = [public(RSA, kid="a"), public(OTHER_RSA, kid="b")]
    assert await outcome(school, forger, OTHER_RSA, {"alg": "RS256", "kid": "a"}) == 403


async def test_new_key_under_the_old_id_is_learned_at_once(school: House, forger: Forger) -> None:
    forger.published = [public(RSA, kid="a")]
    assert await outcome(school, forger, RSA, {"alg": "RS256", "kid": "a"}) == 303
    forger.published = [public(OTHER_RSA, kid="a")]
    assert await outcome(school, forger, OTHER_RSA, {"alg": "RS256", "kid": "a"}) == 303
    assert forger.key_loads == 2
    assert await outcome(school, forger, RSA, {"alg": "RS256", "kid": "a"}) == 403
    assert forger.key_loads == 3


async def test_encrypted_token_is_named(
    school: House, forger: Forger, caplog: pytest.LogCaptureFixture
) -> None:
    leaving = await leave(school)
    forger.token = "eyJhbGciOiJSU0EtT0FFUCJ9.a.b.c.d"  # noqa: S105 (not one)
    answer = await leaving.back()
    assert (answer.status_code, "Reason: encrypted." in answer.text) == (502, True)
    assert [record.why for record in caplog.records if hasattr(record, "why")] == ["encrypted"]
    assert "not encrypt" in caplog.text


async def test_userinfo_without_an_id_of_the_key(school: House, forger: Forger) -> None:
    forger.published = [public(RSA), public(OTHER_RSA)]
    leaving = await leave(school)
    forger.token = forger.signed_with({"alg": "RS256"}, forger.claims(leaving.nonce, groups=None), RSA)
    more = forger.signed_with({"alg": "RS256"}, {"sub": "subject-1", "groups": ["teachers"]}, OTHER_RSA)
    forger.userinfo = Response(more, media_type="application/jwt; charset=utf-8")
    assert (await leaving.back()).status_code == 303
    assert await roles(school) == {"staff": "oidc"}
