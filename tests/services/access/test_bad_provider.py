"""A provider that drips, hangs, sends 1 GB, redirects in a circle or speaks HTML: an answer within 10 s."""

import asyncio
import html
import resource
import ssl
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import monotonic

import pytest

from feed.bad_servers import (
    Answer,
    bad_server,
    drip_body,
    drip_headers,
    endless_body,
    hang,
    raw,
    status,
    text,
)
from lanes.database_lane import Database
from services.access.oidc_providers import Forger, leave
from services.access.provider_house import provider_settings
from services.access.running_app import House, open_house

WITHIN_S = 10.0
PASSES = "Try again in a few minutes."
STAYS = "trying again does not help."
BAD: dict[str, tuple[Answer, str, str]] = {
    "drips": (drip_body, "too-slow", PASSES),
    "drips its head": (drip_headers, "too-slow", PASSES),
    "hangs": (hang, "too-slow", PASSES),
    "sends nothing": (raw(b""), "unreachable", PASSES),
    "sends 1 GB": (endless_body, "too-large", STAYS),
    "redirects in a circle": (status("302 Found", "Location: /alerts"), "redirect", STAYS),
    "speaks HTML": (
        text(b"<!doctype html><title>Sign in</title>", "Content-Type: text/html"),
        "no-json",
        STAYS,
    ),
    "speaks no HTTP": (raw(b"220 mail ESMTP\r\n\r\n"), "not-http", STAYS),
    "is not there": (status("404 Not Found"), "status-404", STAYS),
    "is broken": (status("500 Internal Server Error"), "status-500", PASSES),
}


async def judged(
    request: Callable[[], Awaitable[object]], why: str, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Send a request; hold time, memory, sentence and reason to what they have to be."""
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = monotonic()
    answer = await request()
    assert monotonic() - began < WITHIN_S
    assert answer.status_code == 502  # type: ignore[attr-defined] # an answer of httpx
    shown = html.unescape(answer.text)  # type: ignore[attr-defined] # the same
    assert sentence in shown
    assert f"Reason: {why}." in shown
    assert [record.why for record in caplog.records if hasattr(record, "why")] == [why]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 60_000


@pytest.mark.parametrize(("answer", "why", "sentence"), BAD.values(), ids=BAD)
async def test_bad_provider_at_the_beginning(
    database: Database, caplog: pytest.LogCaptureFixture, answer: Answer, why: str, sentence: str
) -> None:
    async with bad_server(answer) as bad, open_house(database, **provider_settings(bad.url)) as house:
        browser = house.browser()
        await judged(lambda: browser.get("/sign-in/provider"), why, sentence, caplog)


@pytest.mark.parametrize(("answer", "why", "sentence"), BAD.values(), ids=BAD)
async def test_bad_token_endpoint(
    school: House,
    forger: Forger,
    caplog: pytest.LogCaptureFixture,
    answer: Answer,
    why: str,
    sentence: str,
) -> None:
    async with bad_server(answer) as bad:
        forger.about = {"token_endpoint": bad.url}
        leaving = await leave(school)
        await judged(leaving.back, why, sentence, caplog)
    assert await school.value("SELECT count(*) FROM account") == 0


FIVE = {name: BAD[name] for name in ("drips", "hangs", "sends 1 GB", "redirects in a circle", "speaks HTML")}
"""The five of the promise, for the other steps of a login."""


@pytest.mark.parametrize(("answer", "why", "sentence"), FIVE.values(), ids=FIVE)
async def test_bad_keys(
    school: House,
    forger: Forger,
    caplog: pytest.LogCaptureFixture,
    answer: Answer,
    why: str,
    sentence: str,
) -> None:
    async with bad_server(answer) as bad:
        forger.about = {"jwks_uri": bad.url}
        browser = school.browser()
        await judged(lambda: browser.get("/sign-in/provider"), why, sentence, caplog)


@pytest.mark.parametrize(("answer", "why", "sentence"), FIVE.values(), ids=FIVE)
async def test_bad_keys_where_an_unknown_key_reloads_them(
    school: House,
    forger: Forger,
    caplog: pytest.LogCaptureFixture,
    answer: Answer,
    why: str,
    sentence: str,
) -> None:
    async with bad_server(answer) as bad:
        leaving = await leave(school)
        forger.token = forger.signed(forger.claims(leaving.nonce), kid="next")
        forger.about = {"jwks_uri": bad.url}
        await judged(leaving.back, why, sentence, caplog)
    assert await school.value("SELECT count(*) FROM account") == 0


@pytest.mark.parametrize(("answer", "why", "sentence"), FIVE.values(), ids=FIVE)
async def test_bad_userinfo_endpoint(
    school: House,
    forger: Forger,
    caplog: pytest.LogCaptureFixture,
    answer: Answer,
    why: str,
    sentence: str,
) -> None:
    async with bad_server(answer) as bad:
        forger.about = {"userinfo_endpoint": bad.url}
        leaving = await leave(school)
        forger.token = forger.signed(forger.claims(leaving.nonce, groups=None))
        await judged(leaving.back, why, sentence, caplog)
    assert await school.value("SELECT count(*) FROM account") == 0


@pytest.mark.parametrize("path", ["/sign-out", "/sign-out/provider"])
@pytest.mark.parametrize(("answer", "why"), [(bad[0], bad[1]) for bad in FIVE.values()], ids=FIVE)
async def test_bad_provider_at_the_sign_out(
    database: Database, caplog: pytest.LogCaptureFixture, answer: Answer, why: str, path: str
) -> None:
    """The session here ends at once; only whether the provider offers a sign-out has to be asked."""
    async with bad_server(answer) as bad, open_house(database, **provider_settings(bad.url)) as house:
        memory, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, monotonic()
        page = await house.browser().get(path)
        assert monotonic() - began < WITHIN_S
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 60_000
    if path == "/sign-out":
        assert "At School you may still be signed in" in page.text
        assert "/sign-out/provider" not in page.text
    else:
        assert (page.status_code, page.headers["location"]) == (303, "/sign-out")
    assert [record.why for record in caplog.records if hasattr(record, "why")] == [why]


async def test_slow_steps_together_have_one_limit(
    school: House, forger: Forger, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Token and userinfo are each within the limit of one exchange: the person does not wait for both."""
    monkeypatch.setattr("hubwell.access.oidc.client._STEP_S", 1.0)
    leaving = await leave(school)
    forger.token = forger.signed(forger.claims(leaving.nonce, groups=None))
    forger.delay_s = 0.7
    await judged(leaving.back, "too-slow", PASSES, caplog)


async def test_many_people_wait_for_a_hanging_provider_no_longer_than_one(database: Database) -> None:
    async with bad_server(hang) as bad, open_house(database, **provider_settings(bad.url)) as house:
        began = monotonic()
        answers = await asyncio.gather(*(house.browser().get("/sign-in/provider") for _ in range(30)))
        assert monotonic() - began < WITHIN_S
        assert {answer.status_code for answer in answers} == {502}
        assert len(bad.posts) < 5  # one asks for all of them


async def test_certificate_of_an_unknown_authority_is_named_and_can_be_trusted(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-keyout", "key.pem", "-out", "ca.pem", "-days", "1", "-subj", "/CN=school"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1"]
    await asyncio.to_thread(subprocess.run, command, cwd=tmp_path, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "ca.pem", tmp_path / "key.pem")
    async with bad_server(text(b"{}"), context) as server:
        async with open_house(database, **provider_settings(server.url)) as house:
            await judged(lambda: house.browser().get("/sign-in/provider"), "certificate", STAYS, caplog)
        assert "self-signed certificate" in caplog.text
        assert "HUBWELL_CA_FILE" in caplog.text
        caplog.clear()
        trusting = provider_settings(server.url) | {"ca_file": tmp_path / "ca.pem"}
        async with open_house(database, **trusting) as house:
            await judged(lambda: house.browser().get("/sign-in/provider"), "issuer-differs", STAYS, caplog)
