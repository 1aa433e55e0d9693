"""The database alone goes into a file and back by the four lines that the guide for Debian prints."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from hubwell.storage.migrate import migrate
from lanes.missing_part import missing
from lanes.postgres import PostgresServer

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "deployment.md"
SPACE = "INSERT INTO space (id, name, kind, capacity) VALUES (%s, %s, 'workshop', 12)"
PROGRAMS = {
    "systemctl": 'echo "$@" >> "$LOG"',
    "runuser": 'shift 3; exec "$@"',  # runuser -u postgres -- COMMAND
    "hubwell": f'exec {sys.executable} -m hubwell "$@"',
}


def four_lines() -> list[str]:
    """Return the commands of the paragraph about the database alone."""
    found = re.search(r"\*\*The database alone\*\*.*?```sh\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert found is not None
    return found[1].splitlines()


def test_database_returns_by_the_four_lines_of_the_guide(
    own_postgres: PostgresServer, tmp_path: Path
) -> None:
    if shutil.which("createdb") is None:
        missing("createdb", "install Debian's package postgresql-client")
    url = own_postgres.url("hubwell")
    with psycopg.connect(own_postgres.url("postgres"), autocommit=True) as conn:
        conn.execute("CREATE ROLE postgres SUPERUSER LOGIN")
        conn.execute("CREATE DATABASE hubwell")
    migrate(url)
    with psycopg.connect(url) as conn:
        conn.execute(SPACE, ("wood", "Wood workshop"))
    file, log, folder = tmp_path / "hub.backup", tmp_path / "log", tmp_path / "bin"
    folder.mkdir()
    for name, line in PROGRAMS.items():
        (folder / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / name).chmod(0o755)
    parts = urlsplit(url)
    environment = os.environ | {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "LOG": str(log),
        "HUBWELL_DATABASE_URL": url,
        "PGHOST": str(parts.hostname),
        "PGPORT": str(parts.port),
        "PGUSER": "postgres",
    }

    def typed(line: str) -> str:
        done = subprocess.run(
            ["sh", "-ec", line], env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    typed(f"hubwell backup {file}")
    with psycopg.connect(url) as conn:
        conn.execute(SPACE, ("later", "Entered after the backup"))
    lines = four_lines()
    assert len(lines) == 4
    told = [typed(line.replace("/root/hub.backup", str(file))) for line in lines]

    assert "counts and digests agree" in told[2]
    assert log.read_text().splitlines() == ["stop hubwell.target", "start hubwell.target"]
    with psycopg.connect(url) as conn:
        assert conn.execute("SELECT id, name FROM space").fetchall() == [("wood", "Wood workshop")]
