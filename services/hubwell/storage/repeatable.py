"""Drop and re-create views, functions and triggers, which hold no data, from `views/*.sql`.

All are dropped before the first migration, so that a migration may change any table below them, and
created after the last. Privileges on views (Grafana's role has some) are read before and granted again.
A function in a constraint, a default or an index cannot be dropped: it belongs in a migration.
"""

import re
from collections.abc import Iterable
from typing import Any, Final, Literal, NamedTuple

import psycopg
from psycopg import sql

from hubwell.storage.engine import detect
from hubwell.storage.queries import Queries
from hubwell.storage.revisions import VIEWS, SqlFile, view_files, views_digest

_SQL: Final = Queries("hubwell.storage")
_CREATED: Final = re.compile(r"^CREATE (VIEW|FUNCTION) (\w+)", re.MULTILINE)
_TRIGGER: Final = re.compile(r"^CREATE (?:CONSTRAINT )?TRIGGER (\w+)[^;]*?\bON (\w+)", re.MULTILINE)


class Objects(NamedTuple):
    """Names of views and functions, and triggers with their tables, each in the order of creation."""

    views: list[str]
    functions: list[str]
    triggers: list[tuple[str, str]]


_ROLLUPS: Final = ("reading_5m",)
"""Views that a migration creates on some engine, and may create again: their privileges are restored too."""
RETIRED: Final = Objects(
    views=["reading_shown"], functions=["hubwell_fullness", "nobody_sensed_now"], triggers=[]
)
"""Objects of earlier releases that `views/` no longer has: an upgrade drops them."""


def created_by(files: Iterable[SqlFile]) -> Objects:
    """Return the objects that the files create."""
    text = "\n".join(file.text for file in files)
    pairs = _CREATED.findall(text)
    return Objects(
        [name for kind, name in pairs if kind == "VIEW"],
        [name for kind, name in pairs if kind == "FUNCTION"],
        _TRIGGER.findall(text),
    )


def _files(conn: psycopg.Connection[Any]) -> list[SqlFile]:
    engine = detect(conn).engine
    return [file for file in view_files() if file.runs_on(engine)]


class Grant(NamedTuple):
    """A privilege that a role has on a view, as `GRANT` names it."""

    view: str
    statement: str


def drop_views(conn: psycopg.Connection[Any]) -> list[Grant]:
    """Drop all views, functions and triggers of this and earlier releases; return the views' GRANTs.

    :raises psycopg.errors.DependentObjectsStillExist: an operator's own view, named in it, uses one of them.
    """
    objects = created_by(_files(conn))
    views = [*objects.views, *RETIRED.views]
    grants = [Grant(*row) for row in conn.execute(_SQL["view_grants"], {"views": [*views, *_ROLLUPS]})]
    for trigger, table in [*objects.triggers, *RETIRED.triggers]:
        drop = sql.SQL("DROP TRIGGER IF EXISTS {} ON {}")
        conn.execute(drop.format(sql.Identifier(trigger), sql.Identifier(table)))
    _drop(conn, "VIEW", views)
    _drop(conn, "FUNCTION", [*objects.functions, *RETIRED.functions])
    conn.execute("DELETE FROM schema_migration WHERE name = %s", (VIEWS,))
    return grants


def _drop(conn: psycopg.Connection[Any], kind: Literal["VIEW", "FUNCTION"], names: list[str]) -> None:
    """Drop the objects in one statement, for which their dependencies among each other do not matter."""
    if names:
        # From the last to the first: a query locks a view before those that the view reads, too.
        name_list = sql.SQL(", ").join(sql.Identifier(name) for name in reversed(names))
        conn.execute(sql.SQL("DROP {} IF EXISTS {}").format(sql.SQL(kind), name_list))


def create_views(conn: psycopg.Connection[Any], grants: list[Grant]) -> None:
    """Create all views, functions and triggers, and restore the GRANTs of views that still exist."""
    files = _files(conn)
    for file in files:
        conn.execute(file.text.encode())
    views = {*created_by(files).views, *_ROLLUPS}
    for grant in grants:
        if grant.view in views:
            conn.execute(grant.statement.encode())
    conn.execute("INSERT INTO schema_migration (name, digest) VALUES (%s, %s)", (VIEWS, views_digest()))
