"""A hub on this machine is at `localhost`, a name: a browser that comes by number is led there."""

import httpx
import pytest

from lanes.database_lane import Database
from services.access.running_app import House, open_house


def number(house: House) -> str:
    return house.address


@pytest.mark.parametrize("path", ["/devices", "/alerts?since=1", "/", "/no%2Fsuch", "//elsewhere.example/"])
async def test_page_by_number_leads_to_the_name(database: Database, path: str) -> None:
    async with open_house(database) as plain:
        port = httpx.URL(plain.address).port
    async with open_house(database, public_url=f"http://localhost:{port}") as house:
        headers = {"host": f"127.0.0.1:{port}"}
        answer = await house.browser(**headers).get(number(house) + path)
        assert answer.status_code == 307
        where = answer.headers["location"]
        assert where.startswith(f"http://localhost:{port}/")
        assert where.removeprefix(f"http://localhost:{port}").lstrip("/") == path.lstrip("/")


async def test_programs_forms_and_other_hosts_are_left_alone(database: Database) -> None:
    async with open_house(database, public_url="http://localhost:8123") as house:
        by_number = {"host": "127.0.0.1:8123"}
        assert (await house.browser(**by_number, accept="*/*").get("/devices")).status_code == 200
        assert (await house.browser(**by_number).get("/api/v1/health")).status_code != 307
        assert (await house.browser(**by_number).post("/sign-in", data={"login": "x"})).status_code == 422
        for host in ("localhost:8123", "127.0.0.1:9", "hub.example", "127.0.0.1"):
            assert (await house.browser(host=host).get("/devices")).status_code == 200, host


async def test_hub_with_another_public_address_leads_nobody_away(database: Database) -> None:
    async with open_house(database, public_url="https://hub.example") as house:
        assert (await house.browser(host="127.0.0.1:8000").get("/devices")).status_code == 200
