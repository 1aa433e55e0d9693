"""The roles of the database in Compose: made by the real script and psql, tried by what each may do."""

import os
import shutil
import subprocess
from base64 import b64decode
from hashlib import pbkdf2_hmac, sha256
from hmac import digest
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from hubwell.storage.migrate import migrate
from lanes.missing_part import missing
from lanes.postgres import PostgresServer

PROJECT = Path(__file__).resolve().parents[2]
MAKE_ROLE = PROJECT / "firmware_configs" / "postgresql" / "hubwell-role.sh"
READER = PROJECT / "dashboards" / "database"
PASSWORDS = {"hubwell": 'it\'s "quoted" \\ and $x :y', "hubwell_grafana": "another's ' one"}


def as_user(url: str, user: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{user}@{parts.hostname}:{parts.port}", path="/hubwell"))


@pytest.fixture
def server(own_postgres: PostgresServer) -> str:
    """A server as the image leaves it: the superuser is `postgres`, and the hub's database is its own."""
    if shutil.which("psql") is None:
        missing("psql", "install Debian's package postgresql-client")
    url = own_postgres.url("postgres")
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("CREATE ROLE postgres SUPERUSER LOGIN")
        conn.execute("CREATE DATABASE hubwell OWNER postgres")
    with psycopg.connect(as_user(url, "postgres"), autocommit=True) as conn:
        conn.execute("ALTER ROLE hubwell RENAME TO bootstrap")  # the tests' own superuser has this name
    return url


def psql_environment(url: str) -> dict[str, str]:
    parts = urlsplit(url)
    address = {"PGHOST": str(parts.hostname), "PGPORT": str(parts.port), "PGUSER": "postgres"}
    image = {"POSTGRES_USER": "postgres", "POSTGRES_DB": "hubwell", "PGDATABASE": "hubwell"}
    secrets = {
        "HUBWELL_DATABASE_PASSWORD": PASSWORDS["hubwell"],
        "HUBWELL_GRAFANA_DATABASE_PASSWORD": PASSWORDS["hubwell_grafana"],
    }
    return os.environ | address | image | secrets | {"HUBWELL_ZONE": "Europe/Riga"}


def make_roles(url: str) -> None:
    environment = psql_environment(url)
    subprocess.run([str(MAKE_ROLE)], env=environment, check=True, timeout=60)
    migrate(as_user(url, "hubwell"))
    files = ["-f", str(READER / "settings.psql"), "-f", str(READER / "grafana_reader.sql")]
    command = ["psql", "--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1", *files]
    for _ in range(2):  # as at every start
        done = subprocess.run(
            command, env=environment, check=True, timeout=60, capture_output=True, text=True
        )
        assert done.stdout == ""


def test_services_own_their_database_and_are_no_superuser(server: str) -> None:
    make_roles(server)
    with psycopg.connect(as_user(server, "hubwell"), autocommit=True) as conn:
        row = conn.execute(
            "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, datdba = r.oid"
            " FROM pg_roles r, pg_database WHERE rolname = current_user AND datname = current_database()"
        ).fetchone()
        assert row == (False, False, False, False, False, True)
        for statement in (
            "COPY (SELECT 1) TO PROGRAM 'id'",
            "SELECT pg_read_file('/etc/passwd')",
            "CREATE ROLE other",
            "ALTER ROLE hubwell_grafana SUPERUSER",
            "SET ROLE postgres",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(statement)
        assert conn.execute("SELECT count(*) FROM space").fetchone() == (0,)


def test_passwords_are_the_ones_of_the_environment_whatever_is_in_them(server: str) -> None:
    make_roles(server)
    with psycopg.connect(as_user(server, "postgres")) as conn:
        roles = "SELECT rolname, rolpassword FROM pg_authid WHERE rolname LIKE 'hubwell%'"
        stored: dict[str, str] = dict(conn.execute(roles).fetchall())
        zone = conn.execute("SELECT setconfig FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = setrole")
        assert "TimeZone=Europe/Riga" in str(zone.fetchall())
    for name, password in PASSWORDS.items():
        assert is_password(stored[name], password)


def is_password(verifier: str, password: str) -> bool:
    """Return whether a stored SCRAM verifier (RFC 5802) is of this password."""
    _, rounds_and_salt, keys = verifier.split("$")
    rounds, salt = rounds_and_salt.split(":")
    salted = pbkdf2_hmac("sha256", password.encode(), b64decode(salt), int(rounds))
    stored_key = sha256(digest(salted, b"Client Key", "sha256")).digest()
    return b64decode(keys.split(":")[0]) == stored_key
