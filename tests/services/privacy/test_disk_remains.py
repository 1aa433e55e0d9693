"""docs/privacy.md, "What is left on the disk": what it says of a real server's files, and its command."""

import re
from pathlib import Path
from typing import Any

import psycopg
import pytest

from hubwell.storage.migrate import migrate
from hubwell.storage.tables import tables
from lanes.postgres import PostgresServer

GUIDE = (Path(__file__).resolve().parents[3] / "docs" / "privacy.md").read_text()
MARK = "Wilhelmiina-Remains-4711"


def documented() -> tuple[str, list[str]]:
    """Return the documented VACUUM, and the tables that it names."""
    found = re.search(r'-c\s+"(VACUUM\s+\(FULL,\s+ANALYZE\)\s+([^"]+))"\s+-c\s+CHECKPOINT', GUIDE)
    assert found is not None
    return found[1], re.findall(r"\w+", found[2])


def test_command_names_every_table_that_an_erasure_reaches() -> None:
    reached = {table.name for table in tables().tables if table.erasure not in {"none", "", "ids stay"}}
    assert set(documented()[1]) == reached


def files_with_mark(server: PostgresServer, part: str) -> list[Path]:
    assert server.folder is not None
    folder = server.folder / "data" / part
    return [path for path in folder.rglob("*") if path.is_file() and MARK.encode() in path.read_bytes()]


@pytest.fixture
def conn(own_postgres: PostgresServer) -> Any:
    url = own_postgres.url("postgres")
    migrate(url)
    with psycopg.connect(url, autocommit=True) as conn:
        yield conn


def test_erased_name_is_in_the_files_until_they_are_written_again(
    own_postgres: PostgresServer, conn: psycopg.Connection[Any]
) -> None:
    conn.execute("INSERT INTO person (id, kind, name) VALUES (gen_random_uuid(), 'enrolled', %s)", [MARK])
    conn.execute("ANALYZE person")
    conn.execute("DELETE FROM person")
    conn.execute("CHECKPOINT")
    assert files_with_mark(own_postgres, "base"), "the documentation says that it is still there"
    assert files_with_mark(own_postgres, "pg_wal"), "the documentation says that it is still there"

    conn.execute(documented()[0])
    conn.execute("CHECKPOINT")
    assert not files_with_mark(own_postgres, "base")
