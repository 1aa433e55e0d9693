"""A real provider for tests (oidc-provider in Node), and a browser that fills in its forms."""

import asyncio
import html
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from lanes.missing_part import missing
from lanes.paths import NODE_PACKAGES, node_program
from lanes.servers import Server, free_port, leashed

_PROGRAM: Final = Path(__file__).with_suffix(".mjs")
_ACTION: Final = re.compile(r'<form[^>]*action="([^"]+)"')
_FIELD: Final = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')
_MOST_STEPS: Final = 12


@dataclass
class School:
    """The options of the provider, by the names that its program knows."""

    port: int = field(default_factory=free_port)
    back: str = ""
    """The redirect URI, for sign-out as well."""
    clientId: str = "hubwell"  # noqa: N815 (the program's name)
    secret: str = "k+7/x= of the test"  # noqa: S105 (of a client of tests)
    algorithm: str = "RS256"
    authentication: str = "client_secret_basic"
    groupsScope: str = "profile"  # noqa: N815 (the program's name)
    """The scope that brings the groups: `groups`, as at Dex, or `profile`."""
    clientScope: str = ""  # noqa: N815 (the program's name)
    """Scopes that the client may request, with spaces between; by default all."""
    claimsInIdToken: bool = True  # noqa: N815 (the program's name)
    signedUserinfo: bool = False  # noqa: N815 (the program's name)

    @property
    def address(self) -> str:
        """The issuer."""
        return f"http://127.0.0.1:{self.port}"

    def settings(self) -> dict[str, Any]:
        """Return the settings of a hub whose people sign in here."""
        return {
            "public_url": "{address}",
            "oidc_issuer": self.address,
            "oidc_client_id": self.clientId,
            "oidc_client_secret": self.secret if self.authentication != "none" else None,
            "oidc_name": "School",
            "oidc_roles": {"teachers": "staff", "caretakers": "facilities", "pupils": "learner"},
        }


@asynccontextmanager
async def running(school: School, folder: Path) -> AsyncIterator[None]:
    """Run the provider."""
    node = node_program()
    if node is None or not (NODE_PACKAGES / "node_modules" / "oidc-provider").exists():
        missing("oidc-provider (tests/node)")
    command = [str(node), str(_PROGRAM), str(NODE_PACKAGES), json.dumps(asdict(school))]
    log = folder / f"school-{school.port}.log"
    server = Server("school", leashed(command), log)
    await asyncio.to_thread(server.start, lambda: "ready" in log.read_text(), within=30)
    try:
        yield
    finally:
        await asyncio.to_thread(server.stop)


@dataclass
class SchoolBrowser:
    """A browser for the hub and the provider: one jar of cookies for all of its tabs."""

    hub: str
    client: httpx.AsyncClient

    async def begin(self, next_: str = "/account") -> str:
        """Begin a sign-in in a tab; return the address at the provider."""
        answer = await self.client.get(f"{self.hub}/sign-in/provider", params={"next": next_})
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    async def answer(self, address: str, login: str | None) -> str:
        """Go through the provider's pages as this person; return the address that leads back.

        Without a login the provider has to know the person already.
        """
        answer = await self.client.get(address)
        for _ in range(_MOST_STEPS):
            if answer.is_redirect:
                address = str(answer.next_request.url) if answer.next_request else ""
                if address.startswith(f"{self.hub}/sign-in/back"):
                    return address
                answer = await self.client.get(address)
            else:
                assert login is not None, "the provider asks who this is"
                answer = await self._send_form(answer, login=login, password="any")  # noqa: S106 (as it says)
        raise AssertionError(f"no way back from {address}")

    async def sign_in(self, login: str | None, next_: str = "/account") -> httpx.Response:
        """Sign in; return the hub's answer."""
        return await self.client.get(await self.answer(await self.begin(next_), login))

    async def sign_out_there(self) -> httpx.Response:
        """Sign out at the provider, and say yes there; return the hub's answer to the way back."""
        away = await self.client.get(f"{self.hub}/sign-out/provider")
        asked = await self.client.get(away.headers["location"])
        answer = await self._send_form(asked, logout="yes")
        assert answer.is_redirect, answer.text
        return await self.client.get(answer.headers["location"])

    async def _send_form(self, page: httpx.Response, **fields: str) -> httpx.Response:
        action = _ACTION.search(page.text)
        assert action is not None, (
            page.status_code,
            re.sub(r"<style.*?</style>|<[^>]*>|\s+", " ", page.text, flags=re.DOTALL)[:500],
        )
        hidden = dict(_FIELD.findall(page.text))
        target = str(page.url.join(html.unescape(action[1])))
        return await self.client.post(target, data=hidden | fields)
