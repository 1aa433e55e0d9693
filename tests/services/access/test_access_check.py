"""`hubwell access check` in a terminal, with a real provider and a person at a browser."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from hubwell.access.oidc.check import describe_provider
from hubwell.access.oidc.client import Provider
from hubwell.access.oidc.keys import ProviderKeys
from hubwell.access.oidc.metadata import ProviderMetadata
from hubwell.settings import Settings
from lanes.servers import free_port
from services.access.school_provider import School, SchoolBrowser, running

HUB = "http://localhost:8123"


def environment(school: School, **changes: Any) -> dict[str, str]:
    settings = {
        "HUBWELL_PUBLIC_URL": HUB,
        "HUBWELL_OIDC_ISSUER": school.address,
        "HUBWELL_OIDC_CLIENT_ID": school.clientId,
        "HUBWELL_OIDC_CLIENT_SECRET": school.secret,
        "HUBWELL_OIDC_ROLES": json.dumps({"teachers": "staff"}),
    }
    return {**os.environ, **settings, **changes}


async def check(env: dict[str, str], folder: Path, login: str = "", pasted: str = "") -> tuple[int, str]:
    """Run the command; with a login, sign in at each address that it prints and paste the answer.

    `pasted` is pasted in place of the answer.
    """
    signs_in = login or pasted
    command = [sys.executable, "-P", "-m", "hubwell", "access", "check"]
    command += [] if signs_in else ["--no-sign-in"]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.STDOUT, env=env, cwd=folder
    )
    assert process.stdin is not None
    assert process.stdout is not None
    printed: list[str] = []
    address = ""
    while signs_in and (line := (await process.stdout.readline()).decode()):
        printed.append(line)
        address = line.strip() if line.startswith("http://127.0.0.1") else address
        if "paste it here" in line:
            async with httpx.AsyncClient() as client:
                back = pasted or await SchoolBrowser(HUB, client).answer(address, login)
            process.stdin.write(f"{back}\n".encode())
    rest, _ = await process.communicate()
    return process.returncode or 0, "".join(printed) + rest.decode()


@pytest.fixture
def school() -> School:
    return School(back=f"{HUB}/sign-in/back", groupsScope="groups")


async def test_check_prints_what_came_and_which_role_follows(school: School, tmp_path: Path) -> None:
    async with running(school, tmp_path):
        status, text = await check(environment(school), tmp_path, "teachers-1")
    assert status == 0, text
    assert f"redirect URI      {HUB}/sign-in/back" in text
    assert "scopes requested  openid profile email groups\n" in text
    assert "sign-out there    offered\n" in text
    assert "preferred_username teachers-1\n" in text
    assert "group             teachers: staff\n" in text
    assert text.endswith("result            staff\n")
    assert school.secret not in text


@pytest.mark.parametrize(
    ("changes", "login", "reason"),
    [
        ({}, "pupils-1", "no role: none of the groups is in HUBWELL_OIDC_ROLES"),
        ({"HUBWELL_OIDC_ROLES": "{}"}, "teachers-1", "no role: HUBWELL_OIDC_ROLES is empty"),
        ({"HUBWELL_OIDC_GROUPS_CLAIM": "roles"}, "teachers-1", "there is no claim 'roles'"),
        ({"HUBWELL_OIDC_SCOPES": "openid profile"}, "teachers-1", "there is no claim 'groups'"),
    ],
)
async def test_check_says_why_there_is_no_role(
    school: School, tmp_path: Path, changes: dict[str, str], login: str, reason: str
) -> None:
    async with running(school, tmp_path):
        status, text = await check(environment(school, **changes), tmp_path, login)
    assert status == 1, text
    assert reason in text.splitlines()[-1]


async def test_check_names_what_is_wrong_with_the_settings(school: School, tmp_path: Path) -> None:
    wrong = {"HUBWELL_OIDC_CLIENT_SECRET": "another one"}
    async with running(school, tmp_path):
        status, text = await check(environment(school, **wrong), tmp_path, "teachers-1")
        assert status == 2
        assert "invalid_client" in text
        assert "HUBWELL_OIDC_CLIENT_SECRET" in text
        assert "another one" not in text
        status, text = await check(environment(school), tmp_path)
        assert (status, "result" in text) == (0, False)
    away = {"HUBWELL_OIDC_ISSUER": f"http://127.0.0.1:{free_port()}"}
    status, text = await check(environment(school, **away), tmp_path)
    assert status == 2
    assert "unreachable" in text
    assert "Traceback" not in text


async def test_check_without_a_provider_is_one_sentence(tmp_path: Path) -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith("HUBWELL_OIDC")}
    status, text = await check(env, tmp_path)
    assert (status, text.count("\n")) == (2, 1)
    assert "HUBWELL_OIDC_ISSUER" in text


async def test_check_goes_on_as_the_pages_do_where_a_listed_scope_is_refused(tmp_path: Path) -> None:
    school = School(back=f"{HUB}/sign-in/back", groupsScope="groups", clientScope="openid profile email")
    async with running(school, tmp_path):
        roles = {"HUBWELL_OIDC_ROLES": json.dumps({"*": "learner"})}
        status, text = await check(environment(school, **roles), tmp_path, "teachers-1")
    assert status == 0, text
    assert "refuses the scope groups" in text
    assert text.endswith("result            learner\n")


@pytest.mark.parametrize("pasted", ["no address", HUB, f"{HUB}/sign-in/back?state=check.x", "x" * 3000])
async def test_check_says_what_it_needs_where_something_else_is_pasted(
    school: School, tmp_path: Path, pasted: str
) -> None:
    async with running(school, tmp_path):
        status, text = await check(environment(school), tmp_path, pasted=pasted)
    assert status == 2
    assert f"begins with {HUB}/sign-in/back?" in text.splitlines()[-1]
    assert "expired" not in text


async def test_check_tells_what_to_do_where_the_provider_shows_an_error(
    school: School, tmp_path: Path
) -> None:
    """A provider that knows neither the client nor the redirect URI sends nobody back."""
    async with running(school, tmp_path):
        _, text = await check(environment(school), tmp_path, "teachers-1")
    assert "does not know the client ID" in text


def test_check_prints_no_control_characters_of_a_provider() -> None:
    provider = {"oidc_issuer": "https://school.example", "oidc_client_id": "x", "public_url": HUB}
    settings = Settings.model_validate(provider)
    document = {"issuer": "https://school.example", "scopes_supported": ["openid", "\x1b[2J\r\n\x9bx"]}
    metadata = ProviderMetadata(document, ProviderKeys(()), 0.0)
    text = "".join(describe_provider(Provider(settings), metadata, settings))
    assert "openid" in text
    assert text.isprintable()
