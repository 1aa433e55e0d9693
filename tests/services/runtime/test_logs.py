"""What the processes write: read from their own output, as an operator does."""

import logging
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from flows.system_processes import Program
from hubwell.runtime.logs import TextLines
from lanes.database_lane import Database
from lanes.servers import free_port

LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (INFO|WARNING|ERROR) [\w.]+: \S.*")


@pytest.fixture
def api(database: Database, tmp_path: Path) -> Iterator[tuple[Program, str]]:
    """Run `hubwell api` with a provider that is away."""
    port = free_port()
    settings = {
        "HUBWELL_DATABASE_URL": database.url,
        "HUBWELL_HTTP_PORT": str(port),
        "HUBWELL_PUBLIC_URL": f"http://localhost:{port}",
        "HUBWELL_OIDC_ISSUER": f"http://127.0.0.1:{free_port()}/realms/school?key=secret",
        "HUBWELL_OIDC_CLIENT_ID": "hubwell",
        "HUBWELL_KEYS_DIR": str(tmp_path / "keys"),
    }
    program = Program("api", [sys.executable, "-P", "-m", "hubwell", "api"], tmp_path, settings)
    program.begin("action=listening")
    try:
        yield program, f"http://127.0.0.1:{port}"
    finally:
        program.stop()


def test_api_writes_what_it_does_and_why(api: tuple[Program, str]) -> None:
    program, address = api
    fields = {"login": "rosa", "password": "not this password"}
    assert httpx.post(f"{address}/sign-in", data=fields).status_code == 422
    assert httpx.get(f"{address}/sign-in/provider").status_code == 502

    lines = program.said().splitlines()

    assert not [line for line in lines if not LINE.fullmatch(line)]
    by_action = {line.partition("action=")[2]: line for line in lines if "action=" in line}
    assert " INFO hubwell.app: listening on http://" in next(
        line for action, line in by_action.items() if action.startswith("listening port=")
    )
    assert " INFO hubwell.web.accounts.login: " in by_action["sign-in-refused why=password"]
    assert " WARNING hubwell.web.accounts.provider_login: " in by_action["sign-in-refused why=unreachable"]
    assert not [line for line in lines if "rosa" in line or "secret" in line]


@pytest.mark.parametrize("process", ["ingest", "worker"])
def test_every_process_writes_lines_of_one_kind(database: Database, tmp_path: Path, process: str) -> None:
    settings = {
        "HUBWELL_DATABASE_URL": database.url,
        "HUBWELL_BROKER_URL": f"mqtt://127.0.0.1:{free_port()}",
        "HUBWELL_KEYS_DIR": str(tmp_path / "keys"),
    }
    program = Program(process, [sys.executable, "-P", "-m", "hubwell", process], tmp_path, settings)
    program.begin(" WARNING hubwell.mqtt.")
    program.stop()
    lines = program.said().splitlines()
    assert lines
    assert not [line for line in lines if not LINE.fullmatch(line)]
    assert [line for line in lines if " action=" in line]


def test_text_that_looks_like_a_line_is_one_line() -> None:
    record = logging.makeLogRecord({"name": "hubwell.x", "msg": "a\n2026-11-29 INFO forged", "why": "b"})
    assert TextLines().format(record).endswith("hubwell.x: a\\n2026-11-29 INFO forged why=b")


def test_fields_of_libraries_are_left_out() -> None:
    record = logging.makeLogRecord({"name": "procrastinate.worker", "msg": "text", "job": {"args": "secret"}})
    assert TextLines().format(record).endswith("procrastinate.worker: text")


def test_broker_writes_lines_of_the_same_kind(tmp_path: Path) -> None:
    ports = ["--server-port", str(free_port()), "--device-port", str(free_port())]
    program = Program("broker", [sys.executable, "-P", "-m", "hubwell", "broker", *ports], tmp_path, {})
    program.begin(" INFO hubwell.runtime.embedded_broker: broker on 127.0.0.1")
    program.stop()
    assert LINE.match(program.said())
