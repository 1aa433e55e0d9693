"""Two providers: a real one in a process of its own, and one that says whatever a test makes it say."""

import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import Response
from joserfc import jws
from joserfc.jwk import RSAKey

from services.access.running_app import House

CLIENT = "hubwell-client"
WITHIN_S = 60
RIGHT = RSAKey.generate_key(2048, parameters={"kid": "right"})


@dataclass
class RealProvider:
    """oidc-provider-mock: a provider by other people, with its own code for every step."""

    address: str

    async def knows(self, subject: str, **claims: Any) -> None:
        """Make somebody known there."""
        async with httpx.AsyncClient() as client:
            answer = await client.put(f"{self.address}/users/{subject}", json=claims)
            assert answer.status_code == 204

    async def sign_in(self, browser: httpx.AsyncClient, subject: str) -> httpx.Response:
        """Go there and back as a browser does; return the answer to coming back."""
        leaving = await browser.get("/sign-in/provider", params={"next": "/devices"})
        assert leaving.headers["location"].startswith(self.address), leaving.text
        async with httpx.AsyncClient() as there:
            allowed = await there.post(leaving.headers["location"], data={"sub": subject})
        return await browser.get(allowed.headers["location"])


@asynccontextmanager
async def real_provider(folder: Path) -> AsyncIterator[RealProvider]:
    """Run the real provider on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce", "true"]
    with (folder / "provider.log").open("wb") as log:
        process = await asyncio.to_thread(subprocess.Popen, command, stdout=log, stderr=log)
    try:
        await _until_up(f"http://127.0.0.1:{port}/.well-known/openid-configuration", process, folder)
        yield RealProvider(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 10)


async def _until_up(address: str, process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + WITHIN_S
    async with httpx.AsyncClient() as client:
        while time.monotonic() < deadline and process.poll() is None:
            try:
                if (await client.get(address)).is_success:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.1)
    raise AssertionError((folder / "provider.log").read_text())


@dataclass
class Forger:
    """A provider whose every answer a test writes."""

    address: str = ""
    key: RSAKey = field(default_factory=lambda: RIGHT)
    about: dict[str, Any] = field(default_factory=dict)
    token: str = ""
    token_for: dict[str, str] = field(default_factory=dict)
    """Tokens by the code that asks for them; for other codes there is `token`."""
    delay_s: float = 0
    """How long token and userinfo take."""
    userinfo: Any = field(default_factory=dict)
    asked: list[dict[str, list[str]]] = field(default_factory=list)
    authorization: list[str] = field(default_factory=list)
    """The header of each request for a token."""
    published: list[Any] | None = None
    """The key set, where it is not the one key."""
    key_loads: int = 0
    """How often the key set was asked for."""
    refusal: Response | None = None
    """The answer to a request for a token, in place of one."""

    def claims(self, nonce: str, **changes: Any) -> dict[str, Any]:
        """Return what a good token says, with these changes; None leaves a claim out."""
        now = int(time.time())
        good = {
            "iss": self.address,
            "aud": CLIENT,
            "sub": "subject-1",
            "nonce": nonce,
            "iat": now,
            "exp": now + 300,
            "groups": ["teachers"],
        }
        return {key: value for key, value in (good | changes).items() if value is not None}

    def signed(self, claims: dict[str, Any], key: Any = None, **header: str) -> str:
        """Return a token with these claims, signed as the provider signs."""
        return self.signed_with({"alg": "RS256", "kid": "right"} | header, claims, key or self.key)

    def signed_with(self, header: dict[str, str], claims: dict[str, Any], key: Any) -> str:
        """Return a token with exactly this header."""
        return jws.serialize_compact(header, json.dumps(claims), key, algorithms=[header["alg"]])

    def app(self) -> FastAPI:
        """Return the provider's server."""
        app = FastAPI()

        @app.get("/.well-known/openid-configuration")
        async def about() -> dict[str, Any]:
            return {
                "issuer": self.address,
                "authorization_endpoint": f"{self.address}/authorize",
                "token_endpoint": f"{self.address}/token",
                "jwks_uri": f"{self.address}/keys",
                "userinfo_endpoint": f"{self.address}/userinfo",
            } | self.about

        @app.get("/keys")
        async def keys() -> dict[str, Any]:
            self.key_loads += 1
            own = [self.key.as_dict(private=False)]
            return {"keys": own if self.published is None else self.published}

        @app.post("/token")
        async def token(request: Request) -> Any:
            asked = parse_qs((await request.body()).decode())
            await asyncio.sleep(self.delay_s)
            self.asked.append(asked)
            self.authorization.append(request.headers.get("authorization", ""))
            if self.refusal is not None:
                return self.refusal
            token = self.token_for.get(asked["code"][0], self.token)
            return {"id_token": token, "access_token": "opaque", "token_type": "Bearer"}

        @app.get("/userinfo")
        async def userinfo() -> Any:
            await asyncio.sleep(self.delay_s)
            return self.userinfo

        return app


@asynccontextmanager
async def forging() -> AsyncIterator[Forger]:
    """Serve a forger."""
    forger = Forger()
    with socket.create_server(("127.0.0.1", 0)) as sock:
        forger.address = f"http://127.0.0.1:{sock.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(forger.app(), log_config=None, lifespan="off", ws="none"))
        server.capture_signals = nullcontext  # type: ignore[method-assign, assignment] # the test runner has them
        running = asyncio.create_task(server.serve(sockets=[sock]))
        try:
            yield forger
        finally:
            server.should_exit = True
            await running


@dataclass
class Leaving:
    """A browser that went to the forger: what Hubwell sent along."""

    browser: httpx.AsyncClient
    state: str
    nonce: str
    challenge: str
    query: dict[str, str]

    async def back(self, **answer: str) -> httpx.Response:
        """Come back with an answer."""
        return await self.browser.get(
            "/sign-in/back", params={"code": "code-1", "state": self.state} | answer
        )


async def leave(house: House, browser: httpx.AsyncClient | None = None, to: str = "/devices") -> Leaving:
    """Begin a sign-in at the provider."""
    browser = browser or house.browser()
    answer = await browser.get("/sign-in/provider", params={"next": to})
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"].startswith(("http://", "https://"))
    query = {key: values[0] for key, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}
    assert query["redirect_uri"] == f"{house.address}/sign-in/back"
    assert (query["response_type"], query["code_challenge_method"]) == ("code", "S256")
    return Leaving(browser, query["state"], query["nonce"], query["code_challenge"], query)
