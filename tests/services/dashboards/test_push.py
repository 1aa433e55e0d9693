"""Pushing to a Grafana: a small HTTP server with the answers that Grafana's API documents."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from typer.testing import CliRunner

from feed.bad_servers import Answer, bad_server, drip_body, endless_body, text
from hubwell.commands.dashboards import app
from hubwell.dashboards.files import dashboards
from hubwell.outbound.exchange import Limits

TOKEN = "glsa_of_the_test"  # noqa: S105 - opens nothing


@dataclass
class Grafana:
    """What the server was asked, and how it shall answer."""

    url: str = ""
    has_datasource: bool = True
    stored: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture
def grafana() -> Iterator[Grafana]:
    state = Grafana()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/grafana/api/datasources/uid/hubwell" and state.has_datasource:
                self.answer(200, {"uid": "hubwell", "type": "grafana-postgresql-datasource"})
            else:
                self.answer(404, {"message": "Data source not found"})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert self.path == "/grafana/api/dashboards/db"
            state.stored.append(body)
            self.answer(200, {"status": "success", "url": f"/d/{body['dashboard']['uid']}/hub-now"})

        def answer(self, status: int, body: dict[str, Any]) -> None:
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                status, body = 401, {"message": "Invalid API key"}
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.url = f"http://127.0.0.1:{server.server_port}/grafana"
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield state
        server.shutdown()
        thread.join()


def push(url: str, token: str = TOKEN) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["push", "--url", url, "--token", token])
    return result.exit_code, result.output


def test_push_sends_what_the_file_holds_and_prints_the_address(grafana: Grafana) -> None:
    assert push(grafana.url + "/") == (0, f"{grafana.url}/d/hubwell-hub-now/hub-now\n")
    assert [sent["dashboard"] for sent in grafana.stored] == [made.json() for made in dashboards().values()]
    assert all(sent["overwrite"] for sent in grafana.stored)


def test_push_wrong_token_is_one_sentence(grafana: Grafana) -> None:
    status, output = push(grafana.url, "wrong")
    assert status == 1
    assert "service account" in output
    assert "wrong" not in output
    assert not grafana.stored


def test_push_without_the_data_source_says_what_to_add(grafana: Grafana) -> None:
    grafana.has_datasource = False
    status, output = push(grafana.url)
    assert status == 1
    assert "provisioning/datasources" in output
    assert not grafana.stored


def test_push_nobody_there_is_one_sentence() -> None:
    status, output = push("http://127.0.0.1:9")
    assert status == 1
    assert "does not answer" in output


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (drip_body, "took longer than 1.5 s"),
        (endless_body, "sent more than 1048576 bytes"),
        (text(b"<!doctype html>", line="200 OK"), "no JSON: is this a Grafana?"),
        (text(b'{"message": "no licence"}', line="500 Internal Server Error"), "500: no licence"),
        (text(b'{"message": "Permissions needed"}', line="403 Forbidden"), "the role Editor"),
    ],
    ids=["drips", "1 GB", "HTML", "refuses", "forbids"],
)
def test_push_to_a_server_that_answers_badly_is_one_sentence(
    answer: Answer, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hubwell.dashboards.push._LIMITS", Limits(seconds=1.5, body_bytes=1024 * 1024))

    async def pushed() -> tuple[int, str]:
        async with bad_server(answer) as server:
            return await asyncio.to_thread(push, server.url)

    status, output = asyncio.run(pushed())
    assert status == 1
    assert sentence in output
    assert TOKEN not in output
