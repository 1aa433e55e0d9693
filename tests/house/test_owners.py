"""Table owners: each kind of use that is refused, with its place, and a tree in order."""

import tomllib
from pathlib import Path

import pytest

from house.small_tree import lines, server_tree
from house_rules.tables import owners
from house_rules.tables.discover import discover

MIGRATION = """\
CREATE TABLE person (id int, name text);
CREATE TABLE old (id int);
ALTER TABLE old RENAME TO visit;
CREATE TEMPORARY TABLE scratch AS SELECT 1;
CREATE TABLE gone (id int);
DROP TABLE gone;
"""
TABLES = """\
[table.person]
owner = "people"
readers = ["spaces"]
writers = [{ package = "privacy", why = "Erasure deletes the row." }]
since = "0001"
retention = "kept"
erasure = "delete"
backup = true
personal = true
data = "person"
activity = "register"

[table.visit]
owner = "presence"
readers = ["people"]
since = "0001"
retention = "visit"
erasure = "cascade"
backup = true
personal = true
data = "visit"
activity = "presence"

[retention.visit]
keep = "90d"

[view.present]
owner = "spaces"
readers = ["web"]

[outside.jobs]
owner = "presence"
readers = []
why = "Created by the queue."

[exempt.bench]
why = "Works on databases of its own."
"""
GOOD = {
    "storage/migrations/0001_start.sql": MIGRATION,
    "storage/__init__.py": "",
    "storage/views/present.sql": "CREATE VIEW present AS SELECT name FROM person;\n",
    "tables.toml": TABLES,
    "people/queries.sql": (
        "-- name: add\nINSERT INTO person VALUES (%(id)s)\n\n-- name: seen\nSELECT id FROM visit\n"
    ),
    "people/__init__.py": "",
    "people/erasure.sql": "-- name: person\nFROM person WHERE id = %(person)s\n",
    "presence/erasure.sql": "-- name: visit\nFROM visit WHERE id = %(person)s\n",
    "presence/retention.sql": "-- name: visit\nFROM visit WHERE until < %(older)s\n",
    "presence/__init__.py": 'SQL = "INSERT INTO visit SELECT %s"\nJOBS = "SELECT id FROM jobs"\n',
    "privacy/__init__.py": 'SQL = "DELETE " "FROM person WHERE id = %s"\n',
    "spaces/__init__.py": '"""SELECT is a word of SQL."""\n',
    "web.py": 'SQL = f"SELECT {1} FROM present"\n',
    "bench/__init__.py": 'SQL = "DELETE FROM person"\n',
}


def edited(path: str, old: str, new: str) -> dict[str, str]:
    text = GOOD[path]
    assert old in text
    return {**GOOD, path: text.replace(old, new, 1)}


def test_a_tree_in_order_passes(tmp_path: Path) -> None:
    found = owners.check(server_tree(tmp_path, GOOD))
    assert found.findings == ()
    assert found.figure == "2 tables, 1 views, 11 uses in SQL"


@pytest.mark.parametrize(
    ("path", "old", "new", "finding"),
    [
        ("web.py", "SQL", 'X = "UPDATE person SET name = %s"\nSQL',
         "web.py:1: web writes person, which people owns: call an action of people, or list the cascade"),
        ("people/queries.sql", "INSERT INTO", "-- why\nDELETE FROM visit; INSERT INTO",
         "people/queries.sql:1: people writes visit, which presence owns: call an action of presence"),
        ("web.py", "present", "visit",
         "web.py:1: web reads visit, which presence owns: call presence, or add web to its readers."),
        ("storage/views/present.sql", "FROM person", "FROM visit",
         "storage/views/present.sql:1: spaces reads visit, which presence owns: call presence"),
        ("storage/migrations/0001_start.sql", "CREATE TABLE gone", "CREATE TABLE new ();\nCREATE TABLE gone",
         "storage/migrations/0001_start.sql:5: the table new has no entry: add [table.new] to tables.toml."),
        ("storage/migrations/0001_start.sql", "DROP TABLE gone", "DROP TABLE gone, visit",
         "tables.toml:13: no migration creates the table visit: take its entry out."),
        ("people/queries.sql", "FROM visit", "FROM visit WHERE",
         "people/queries.sql:4: the query seen cannot be parsed"),
        ("web.py", "SQL", 'X = Queries("hubwell.people")\nSQL',
         "web.py:1: loads the SQL of people: call a function of people that runs the query."),
        ("web.py", "present", "jbos", "web.py:1: uses jbos, which has no entry in tables.toml."),
        ("tables.toml", 'readers = ["people"]', 'readers = ["people", "web"]',
         "tables.toml:13: visit: web does not read it: take it out of readers."),
        ("tables.toml", "Erasure deletes the row.", "",
         'tables.toml:1: person: a writer is { package = "...", why = "one sentence" }.'),
        ("tables.toml", 'erasure = "delete"', 'erasure = "shred"',
         "tables.toml:1: person: erasure is one of cascade, delete, anonymise, none."),
        ("tables.toml", 'personal = true\ndata = "person"', 'data = "person"',
         "tables.toml:1: person: personal is missing or no bool."),
        ("tables.toml", 'since = "0001"\n', "", "tables.toml:1: person: since is missing or no str."),
        ("tables.toml", 'data = "person"\n', "",
         "tables.toml:1: person: data is missing: its rows are about persons."),
        ("tables.toml", 'erasure = "delete"', 'erasure = "none"',
         "tables.toml:1: person: say why its rows may stay when a person is erased."),
        ("tables.toml", 'erasure = "delete"', 'erasure = "anonymise"',
         "tables.toml:1: person: people/erasure.sql has no query anonymise_person."),
        ("people/erasure.sql", "-- name: person", "-- name: persons",
         "tables.toml:1: person: people/erasure.sql has no query for the rows of a person in it."),
        ("presence/retention.sql", "-- name: visit", "-- name: visits",
         "tables.toml:24: visit: presence/retention.sql has no query for it."),
        ("tables.toml", 'retention = "kept"', 'retention = "keep"',
         "tables.toml:1: person: there is no class of data 'keep': add it under retention, or write kept."),
        ("tables.toml", 'keep = "90d"', 'stay = "90d"',
         "tables.toml:24: visit: stay is no key of a class of data"),
        ("tables.toml", 'owner = "presence"', 'owner = "presense"',
         "tables.toml:13: visit: there is no package presense under hubwell."),
    ],
)  # fmt: skip
def test_a_planted_violation_is_found(tmp_path: Path, path: str, old: str, new: str, finding: str) -> None:
    found = owners.check(server_tree(tmp_path, edited(path, old, new)))
    assert any(line.startswith(finding) for line in lines(found))


def test_a_tree_without_the_list_is_refused(tmp_path: Path) -> None:
    texts = {path: text for path, text in GOOD.items() if path != "tables.toml"}
    found = owners.check(server_tree(tmp_path, texts))
    assert lines(found) == ["tables.toml:1: Write it: check-house --discover begins it."]


def test_discover_prints_a_list_that_only_lacks_the_reasons(tmp_path: Path) -> None:
    tree = server_tree(tmp_path, GOOD)
    text = "\n".join(discover(tree))
    assert tomllib.loads(text)["table"]["visit"]["owner"] == "presence"
    owners.path_of(tree).write_text(text.replace('""', '"A reason."'), encoding="utf-8")
    assert lines(owners.check(tree)) == []
