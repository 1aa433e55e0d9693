"""The web servers that docs/deployment.md puts in front, run with its own words: who a request comes from."""

import os
import re
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest

from hubwell.vocabulary import Role
from lanes.database_lane import Database
from lanes.missing_part import missing
from lanes.servers import Server, accepts, free_port, leashed
from services.access.running_app import House, open_house, sign_in
from services.spaces.plans.sample_pictures import png

GUIDE = (Path(__file__).resolve().parents[3] / "docs" / "deployment.md").read_text()
PLACES = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    async with open_house(database) as opened:
        yield opened


def snippet(language: str, house: House) -> str:
    """Return the guide's configuration, for this server's port."""
    found = re.search(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    assert found is not None
    assert "127.0.0.1:8000" in found[1]
    return found[1].replace("127.0.0.1:8000", house.address.removeprefix("http://"))


def nginx(folder: Path, port: int, inner: str) -> list[str]:
    text = f"""
        daemon off; user root; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
        events {{ worker_connections 64; }}
        http {{
            access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
            fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
            server {{ listen 127.0.0.1:{port};
            {inner}
            }}
        }}
    """
    (folder / "nginx.conf").write_text(text)
    return ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", f"{folder}/error.log"]


def haproxy(folder: Path, port: int, inner: str) -> list[str]:
    text = f"""
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend pages
    bind 127.0.0.1:{port}
    default_backend hubwell
{inner}
"""
    (folder / "haproxy.cfg").write_text(text)
    return ["haproxy", "-db", "-f", str(folder / "haproxy.cfg")]


def caddy(folder: Path, port: int, inner: str) -> list[str]:
    own = inner.replace("hub.example {", f"http://127.0.0.1:{port} {{\n    bind 127.0.0.1")
    (folder / "Caddyfile").write_text("{\n    admin off\n    auto_https off\n}\n" + own)
    return [
        "env",
        f"HOME={folder}",
        "caddy",
        "run",
        "--config",
        str(folder / "Caddyfile"),
        "--adapter",
        "caddyfile",
    ]


KINDS: dict[str, Callable[[Path, int, str], list[str]]] = {"nginx": nginx, "haproxy": haproxy, "caddy": caddy}


@pytest.fixture(params=sorted(KINDS))
def proxy(request: pytest.FixtureRequest, house: House, tmp_path: Path) -> Iterator[str]:
    """A running web server in front of the house; its address."""
    name: str = request.param
    if shutil.which(name, path=PLACES) is None:
        missing(name, f"install Debian's package {name}")
    port = free_port()
    command = KINDS[name](tmp_path, port, snippet(name, house))
    program = Server(name, leashed(["env", f"PATH={PLACES}", *command]), tmp_path / "log")
    program.start(lambda: accepts(port))
    yield f"http://127.0.0.1:{port}"
    program.stop()


def visitor(proxy: str, address: str) -> httpx.AsyncClient:
    """A client of this address on the loopback network; 127.0.0.1 itself would count as a proxy."""
    transport = httpx.AsyncHTTPTransport(local_address=address)
    return httpx.AsyncClient(base_url=proxy, transport=transport, headers={"accept": "text/html"}, timeout=20)


async def test_wrong_passwords_count_for_their_visitor_whatever_the_visitor_states(
    house: House, proxy: str
) -> None:
    await house.add("rosa", Role.STAFF)
    async with visitor(proxy, "127.0.0.11") as guessing, visitor(proxy, "127.0.0.12") as other:
        for number in range(10):
            guessing.headers["x-forwarded-for"] = f"192.0.2.{number}"
            guessing.headers["forwarded"] = f"for=192.0.2.{number}"
            assert (await sign_in(guessing, "rosa", "not this password")).status_code == 422
        guessing.headers["x-forwarded-for"] = "192.0.2.99"
        assert (await sign_in(guessing, "rosa", "not this password")).status_code == 429

        assert (await sign_in(other, "rosa", "not this password")).status_code == 422
        assert (await sign_in(other, "rosa")).status_code == 303


async def test_pages_and_the_event_stream_pass(proxy: str) -> None:
    async with visitor(proxy, "127.0.0.13") as browser:
        assert (await browser.get("/")).status_code == 200
        async with browser.stream("GET", "/api/v1/stream", timeout=5) as stream:
            assert stream.status_code == 200
            assert await anext(stream.aiter_raw())
        assert (await browser.get("/sign-in/")).headers["location"] == "/sign-in"


async def test_picture_of_a_floor_passes(house: House, proxy: str) -> None:
    token = await house.token("script", [Role.FACILITIES])
    large = png() + bytes(9 * 1024 * 1024)
    async with visitor(proxy, "127.0.0.14") as program:
        program.headers["authorization"] = f"Bearer {token}"
        added = await program.post("/api/v1/register/plans?name=Hall", content=large)
    assert added.status_code == 201
