"""What a database lane is: an engine that hands out fresh databases, empty or migrated."""

import importlib
from dataclasses import dataclass
from typing import Literal, Protocol

import psycopg

Template = Literal["empty", "migrated"]


@dataclass(frozen=True, slots=True)
class Database:
    """A database of a test's own."""

    url: str
    engine: str


class Lane(Protocol):
    """A database engine; started when the first test wants it."""

    engine: str

    def start(self) -> None:
        """Start the server and wait until it answers."""

    def stop(self) -> None:
        """Stop the server and remove its files."""

    def create(self, template: Template) -> Database:
        """Make a fresh database as a copy of a template, which is made at first need."""

    def drop(self, database: Database) -> None:
        """Remove a database, whoever is still connected."""


def fill(database: Database, template: Template) -> None:
    """Turn a new database into a template.

    TimescaleDB is there from the beginning, as in its official images, so that `migrate` finds what it
    would find in production.
    """
    if database.engine != "plain":
        with psycopg.connect(database.url, autocommit=True) as conn:
            conn.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
    if template == "migrated":
        _migrate(database.url)


def _migrate(url: str) -> None:
    importlib.import_module("hubwell.storage.migrate").migrate(url)
