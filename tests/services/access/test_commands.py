"""`hubwell account` and `hubwell token`, as typed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from hubwell.access import passwords
from lanes.database_lane import Database
from services.access.running_app import PASSWORD

Typed = subprocess.CompletedProcess[str]


class Terminal:
    """A terminal whose commands know the database."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._folder = folder
        self._environment = {
            name: value for name, value in os.environ.items() if not name.startswith("HUBWELL")
        }
        self._environment |= {"HUBWELL_DATABASE_URL": database.url, "HUBWELL_KEYS_DIR": str(folder / "keys")}

    def __call__(self, *words: str, typed: str = "") -> Typed:
        return subprocess.run(
            [sys.executable, "-m", "hubwell", *words],
            input=typed,
            capture_output=True,
            text=True,
            env=self._environment,
            cwd=self._folder,
            timeout=120,
            check=False,
        )


@pytest.fixture
def terminal(database: Database, tmp_path: Path) -> Terminal:
    return Terminal(database, tmp_path)


def test_account_from_its_beginning_to_its_end(
    terminal: Terminal, database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\n")

    added = terminal(
        "account", "add", "Ida", "--role", "admin", "--role", "osh", "--password-file", str(file)
    )
    terminal("account", "add", "rosa", "--role", "staff", "--name", "Rosa", typed=PASSWORD + "\n")
    terminal("account", "role", "rosa", "--role", "facilities")
    terminal("account", "password", "rosa", typed="five other words not together\n")
    terminal("account", "disable", "rosa")

    assert (added.returncode, added.stdout) == (0, "Account Ida is added, with: admin, osh.\n")
    listed = json.loads(terminal("account", "list", "--json").stdout)["accounts"]
    assert [(row["login"], row["roles"], row["signs_in"]) for row in listed] == [
        ("ida", "admin osh", "password"),
        ("rosa", "facilities", "closed"),
    ]
    assert terminal("account", "erase", "rosa", "--confirm", "rosa").returncode == 0
    with psycopg.connect(database.url) as conn:
        stored = conn.execute("SELECT password_hash FROM account").fetchone()
        noted = conn.execute("SELECT action, actor FROM audit_entry ORDER BY id").fetchall()
    assert stored is not None
    assert passwords.verify_password(stored[0], PASSWORD)
    assert [action for action, _ in noted] == [
        "account.added",
        "account.added",
        "account.roles-changed",
        "account.password-reset",
        "account.disabled",
        "account.erased",
    ]
    assert {actor for _, actor in noted} == {"cli"}


def test_what_cannot_be_done_is_one_sentence(terminal: Terminal) -> None:
    terminal("account", "add", "ida", "--role", "admin", typed=PASSWORD)
    unknown = "There is no such account. It may have been erased in the meantime.\n"
    tried = {
        ("account", "add", "ida"): "login: This login is taken. Choose another one.\n",
        ("account", "role", "ida"): "This is the last administrator. Add another one first.\n",
        ("account", "disable", "nobody"): unknown,
        ("account", "erase", "ida", "--confirm", "ada"): "Nothing was erased: the logins differ.\n",
        ("token", "add", "tool"): "roles: Choose at least one role.\n",
        ("token", "revoke", "tool"): "There is no such token.\n",
    }

    for words, sentence in tried.items():
        answer = terminal(*words, typed=PASSWORD)
        assert (answer.returncode, answer.stdout, answer.stderr) == (2, "", sentence), words
    short = terminal("account", "add", "rosa", typed="short")
    assert short.stderr == "password: Choose a password of at least 12 characters.\n"
    wrong = terminal("account", "add", "Rosa Lind", "--name", "x" * 200, typed="short")
    assert [line.split(":")[0] for line in wrong.stderr.splitlines()] == ["login", "name", "password"]


def test_token_is_printed_once_and_listed_without_its_secret(terminal: Terminal, database: Database) -> None:
    token = terminal("token", "add", "grafana", "--role", "facilities", "--days", "0").stdout.strip()

    assert token.startswith("hubwell_")
    listed = terminal("token", "list", "--json").stdout
    assert token not in listed
    assert json.loads(listed)["tokens"][0]["counts_until"] is None
    assert terminal("token", "revoke", "grafana").returncode == 0
    with psycopg.connect(database.url) as conn:
        assert conn.execute("SELECT count(*) FROM service_token WHERE revoked_at IS NOT NULL").fetchone() == (
            1,
        )
