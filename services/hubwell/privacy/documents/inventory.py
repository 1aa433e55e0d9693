"""The data that this hub collects, from its live configuration; used by the privacy pages and documents."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from hubwell.privacy.retention import Term, terms
from hubwell.settings import Settings
from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.privacy.documents")


@dataclass(frozen=True, slots=True)
class Measured:
    """One quantity that devices measure. `personal`: also in a room of one person."""

    quantity: str
    spaces: int
    series: int
    personal: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """The part of a hub's configuration that concerns data about people."""

    at: datetime
    settings: Settings
    terms: tuple[Term, ...]
    measured: tuple[Measured, ...]
    readers: dict[str, int]
    """Purpose (space, desk, kiosk) -> number of readers."""
    spaces: int
    personal_spaces: int
    devices: int
    muster_stations: int
    enrolled: int
    nameless: int
    accounts: int
    identities: int

    @property
    def has_readers(self) -> bool:
        """Whether badges can be read at all."""
        return bool(self.readers)

    @property
    def uses_badges(self) -> bool:
        """Whether data of badges is processed: there are readers, or enrolled people."""
        return self.has_readers or self.enrolled > 0

    @property
    def quantities(self) -> frozenset[str]:
        """All quantities that are measured."""
        return frozenset(item.quantity for item in self.measured)

    def term(self, data: str) -> Term:
        """Return how long a class of data stays. Raises KeyError."""
        return {term.data: term for term in self.terms}[data]


async def collect(conn: AsyncConnection[Any], settings: Settings) -> Inventory:
    """Return the configuration as of now, from settings and the database. Raises DomainError."""
    measured = await (await conn.execute(_SQL["quantities"])).fetchall()
    readers = await (await conn.execute(_SQL["readers"])).fetchall()
    async with conn.cursor(row_factory=dict_row) as cursor:
        numbers = await (await cursor.execute(_SQL["numbers"])).fetchone()
    return Inventory(
        at=datetime.now(UTC),
        settings=settings,
        terms=terms(settings),
        measured=tuple(Measured(*row) for row in measured),
        readers=dict(readers),
        **(numbers or {}),
    )
