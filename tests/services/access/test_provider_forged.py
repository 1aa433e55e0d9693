"""Signing in through a provider that forges: what is refused, and that it changes nothing."""

import base64
import hmac
import json
import time
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from services.access.oidc_providers import (
    CLIENT,
    Forger,
    Leaving,
    leave,
)
from services.access.provider_house import EVERYTHING
from services.access.running_app import House

OTHER = RSAKey.generate_key(2048, parameters={"kid": "right"})


def _unsigned(claims: dict[str, Any]) -> str:
    parts = [json.dumps(part).encode() for part in ({"alg": "none"}, claims)]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


def _signed_with_the_public_key(claims: dict[str, Any], key: RSAKey) -> str:
    parts = [json.dumps(part).encode() for part in ({"alg": "HS256", "kid": "right"}, claims)]
    text = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    proof = hmac.digest(key.as_pem(private=False), text, "sha256")
    return f"{text.decode()}.{base64.urlsafe_b64encode(proof).rstrip(b'=').decode()}"


def forged(forger: Forger, leaving: Leaving) -> dict[str, str]:
    """Return a bad token for each thing that can be wrong, by what is to be said of it."""
    now = int(time.time())
    good = forger.claims(leaving.nonce)
    head, _, signature = forger.signed(good).split(".")
    body = base64.urlsafe_b64encode(json.dumps(good | {"sub": "boss"}).encode()).rstrip(b"=").decode()
    return {
        "signature": forger.signed(good, key=OTHER),
        "signature of another text": f"{head}.{body}.{signature}",
        "signature by an unknown key": forger.signed(good, key=OTHER, kid="unknown"),
        "algorithm": _unsigned(good),
        "algorithm that shares a secret": _signed_with_the_public_key(good, forger.key),
        "issuer": forger.signed(good | {"iss": "https://elsewhere.example"}),
        "audience": forger.signed(good | {"aud": "another-program"}),
        "audience of several": forger.signed(good | {"aud": [CLIENT, "another-program"]}),
        "audience by azp": forger.signed(good | {"azp": "another-program"}),
        "nonce": forger.signed(good | {"nonce": "of another sign-in"}),
        "nonce missing": forger.signed({key: value for key, value in good.items() if key != "nonce"}),
        "expired": forger.signed(good | {"iat": now - 900, "exp": now - 600}),
        "expired never": forger.signed(forger.claims(leaving.nonce, exp=None)),
        "expired at no time": forger.signed(good | {"exp": float("nan")}),
        "not-yet": forger.signed(good | {"iat": now + 600, "exp": now + 900}),
        "malformed": "not.a.token",
        "malformed subject": forger.signed(good | {"sub": ""}),
    }


async def test_forged_token_is_refused_and_changes_nothing(
    school: House, forger: Forger, caplog: pytest.LogCaptureFixture
) -> None:
    before = await school.value(EVERYTHING)
    kinds = list(forged(forger, await leave(school)))
    for kind in kinds:
        leaving = await leave(school)
        forger.token = forged(forger, leaving)[kind]
        caplog.clear()

        answer = await leaving.back()

        assert answer.status_code == 403, kind
        assert "hubwell=" not in answer.headers.get("set-cookie", ""), kind
        assert "response is not valid" in answer.text or "response has expired" in answer.text, kind
        said = [record.why for record in caplog.records if hasattr(record, "why")]
        assert len(said) == 1, kind
        assert kind.startswith(said[0]), (kind, said)
        assert await school.value(EVERYTHING) == before, kind


async def test_answer_that_was_used_is_worth_nothing(school: House, forger: Forger) -> None:
    leaving = await leave(school)
    cookies = dict(leaving.browser.cookies)
    forger.token = forger.signed(forger.claims(leaving.nonce))
    assert (await leaving.back()).status_code == 303
    before = await school.value(EVERYTHING)
    thief = school.browser()
    thief.cookies.update(cookies)
    leaving.browser = thief

    again = await leaving.back()

    assert again.status_code == 403
    assert "This sign-in has expired or was started in another browser." in again.text
    assert await school.value(EVERYTHING) == before


async def test_answer_to_another_browser_is_worth_nothing(school: House, forger: Forger) -> None:
    leaving = await leave(school)
    forger.token = forger.signed(forger.claims(leaving.nonce))
    leaving.browser = school.browser()

    assert (await leaving.back()).status_code == 403
    assert await school.value("SELECT count(*) FROM account") == 0


@pytest.mark.parametrize(
    "answer", [{"state": "made up"}, {"state": ""}, {"iss": "https://elsewhere.example"}]
)
async def test_answer_of_somebody_else_is_refused(
    school: House, forger: Forger, answer: dict[str, str]
) -> None:
    leaving = await leave(school)
    forger.token = forger.signed(forger.claims(leaving.nonce))

    assert (await leaving.back(**answer)).status_code == 403
    assert await school.value("SELECT count(*) FROM account") == 0


async def test_userinfo_of_somebody_else_is_refused(school: House, forger: Forger) -> None:
    leaving = await leave(school)
    forger.token = forger.signed(forger.claims(leaving.nonce, groups=None))
    forger.userinfo = {"sub": "subject-2", "groups": ["caretakers"]}

    assert (await leaving.back()).status_code == 403
