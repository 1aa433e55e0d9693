"""A school with a private certificate authority: nginx speaks https for Keycloak, and for the hub."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from counterparts.certificates import Certificates, make_certificates
from counterparts.keycloak import Keycloak
from counterparts.keycloak_days import fill_in
from lanes.database_lane import Database
from lanes.servers import Server, accepts, free_port, leashed
from services.access.provider_house import roles
from services.access.running_app import House, open_house

PLACES = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
HEADERS = """
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Host $http_host;
    proxy_set_header X-Forwarded-Proto https;
"""


def nginx(folder: Path, tls: Certificates, inner_ports: dict[int, int]) -> list[str]:
    """Return the command of an nginx that speaks https at these ports, for servers at the others."""
    servers = "".join(
        f"server {{ listen 127.0.0.1:{port} ssl; location / {{ proxy_pass http://127.0.0.1:{inner}; }} }}\n"
        for port, inner in inner_ports.items()
    )
    text = f"""
        daemon off; user root; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
        events {{ worker_connections 64; }}
        http {{
            access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
            fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
            proxy_buffer_size 32k; proxy_buffers 8 32k;
            ssl_certificate {tls.certificate}; ssl_certificate_key {tls.key};
            {HEADERS}
            {servers}
        }}
    """
    (folder / "nginx.conf").write_text(text)
    return ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", f"{folder}/error.log"]


@asynccontextmanager
async def behind_nginx(
    database: Database, keycloak: Keycloak, folder: Path, *, trusted: bool
) -> AsyncIterator[tuple[House, str]]:
    """Run nginx and a hub; yield the hub, and its address at nginx."""
    tls = await asyncio.to_thread(make_certificates, folder)
    hub_port, hub_outside, keycloak_outside = free_port(), free_port(), free_port()
    ports = {hub_outside: hub_port, keycloak_outside: keycloak.port}
    command = leashed(["env", f"PATH={PLACES}", *nginx(folder, tls, ports)])
    server = Server("nginx", command, folder / "nginx.log")
    await asyncio.to_thread(server.start, lambda: accepts(hub_outside))
    hub = f"https://127.0.0.1:{hub_outside}"
    outside = replace(keycloak, outside=f"https://127.0.0.1:{keycloak_outside}")
    settings = outside.add_client(hub) | ({"ca_file": tls.authority} if trusted else {})
    try:
        async with open_house(database, port=hub_port, **settings) as house:
            yield house, hub
    finally:
        await asyncio.to_thread(server.stop)


async def test_private_authority_is_trusted_by_the_setting(
    database: Database, keycloak: Keycloak, chromium: Browser, tmp_path: Path
) -> None:
    async with behind_nginx(database, keycloak, tmp_path, trusted=True) as (house, hub):
        context = await chromium.new_context(ignore_https_errors=True)
        page = await context.new_page()
        await page.goto(f"{hub}/sign-in?next=/account")
        await page.get_by_role("link", name="Sign in with School").click()
        await fill_in(page, "rosa")
        await expect(page.get_by_role("main")).to_contain_text("Rosa Bērziņa")
        assert await roles(house) == {"staff": "oidc"}
        cookies = {cookie["name"]: cookie for cookie in await context.cookies(hub)}
        session = next(cookie for name, cookie in cookies.items() if name.endswith("hubwell"))
        assert session["secure"]
        await page.get_by_role("button", name="Sign out", exact=True).first.click()
        await page.get_by_role("link", name="Sign out at School").click()
        await page.locator("[type=submit]").first.click()
        await page.wait_for_url(f"{hub}/sign-out")


async def test_unknown_authority_is_named(
    database: Database,
    keycloak: Keycloak,
    chromium: Browser,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with behind_nginx(database, keycloak, tmp_path, trusted=False) as (_, hub):
        context = await chromium.new_context(ignore_https_errors=True)
        page = await context.new_page()
        await page.goto(f"{hub}/sign-in/provider")
        await expect(page.get_by_role("alert")).to_contain_text("trying again does not help")
        await expect(page.get_by_role("alert")).to_contain_text("Reason: certificate.")
    assert "HUBWELL_CA_FILE" in caplog.text
