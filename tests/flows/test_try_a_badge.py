"""Try a badge, with every part a real process: page, simulated device, broker, ingest, and the page again."""

import html
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from feed.ingest_setup import one, rows
from flows.system_processes import Program, System
from lanes.servers import accepts, free_port

DOOR, OTHER = "wood-workshop-1", "metal-workshop-1"


@contextmanager
def demonstration(system: System) -> Iterator[tuple[httpx.Client, Program]]:
    """Run the demonstration with two of its devices, and give a browser."""
    assert system.run("migrate").returncode == 0
    assert system.run("demo", "add").returncode == 0
    with tempfile.TemporaryDirectory() as folder:
        taps, port = Path(folder) / "taps", free_port()
        simulated = system.edge(
            "simulate",
            *("--broker", system.device_broker, "--data", str(system.folder / "sim"), "--site", system.site),
            *("--device", DOOR, "--device", OTHER, "--taps", str(taps)),
        )
        simulated.begin()
        system.ingest()
        api = system.server("api", http_port=str(port), demo_socket=str(taps))
        api.start(lambda: accepts(port) and taps.exists())
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            yield client, simulated


def hold(client: httpx.Client, card: int, device: str) -> str:
    answer = client.post("/try", data={"hold": f"{card} {device}"}, headers={"accept": "text/html"})
    assert answer.status_code == 200, text_of(answer.text)
    return text_of(answer.text)


def text_of(page: str) -> str:
    main = page.partition("<main")[2].partition("</main>")[0]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", main)).split())


@pytest.mark.slow
def test_press_becomes_a_tap_an_answer_a_visit_and_a_count(system: System) -> None:
    with demonstration(system) as (client, simulated):
        page = client.get("/try").text
        assert page.count('name="hold"') == 27, "nine doors, three cards"
        before = one(system.database, "SELECT count(*) FROM tap")

        shown = hold(client, 1, DOOR)

        assert "Welcome. You are checked in." in shown
        assert "The reader at Wood workshop read card A" in shown
        assert "A visit of Wood workshop began at" in shown
        (counted,) = re.findall(r"(\d+) simulated (?:person is|people are) in Wood workshop now", shown)
        assert re.search(r"The hub stored the tap and answered it after [\d.]+ seconds", shown)
        assert one(system.database, "SELECT count(*) FROM tap") > before
        inside = "SELECT count(*) FROM visit WHERE space_id = 'wood-workshop' AND upper_inf(during)"
        assert 1 <= int(counted) <= one(system.database, inside) + 1

        assert "You have just tapped. Nothing has changed." in hold(client, 1, DOOR)
        assert "This badge was at another reader a moment ago." in hold(client, 1, OTHER)
        assert "Welcome. You are checked in." in hold(client, 2, DOOR), "another card is another person"
        kinds = rows(system.database, "SELECT DISTINCT kind FROM person")
        assert kinds == [("counted",)], "virtual cards have no name"

        wrong = client.post("/try", data={"hold": f"9 {DOOR}"}, headers={"accept": "text/html"})
        assert wrong.status_code == 422
        assert "Choose a card and a door." in text_of(wrong.text)
        real = client.post("/try", data={"hold": "1 my-own-pi"}, headers={"accept": "text/html"})
        assert real.status_code == 422

        simulated.stop()
        away = client.post("/try", data={"hold": f"3 {DOOR}"}, headers={"accept": "text/html"})
        assert away.status_code == 503
        assert "The simulated hub does not answer." in text_of(away.text)

        assert system.run("demo", "remove").returncode == 0
        assert client.get("/try").status_code == 404
