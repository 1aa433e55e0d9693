"""The work of a command: one transaction, facts through the switchboard, refusals as one sentence."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

import typer

from hubwell.access.principal import Principal
from hubwell.commands.cli_settings import settings
from hubwell.doctor.typed_commands import in_text
from hubwell.events import Facts

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from hubwell.settings import Settings

COMMAND_LINE: Final = Principal(actor="cli")
"""Who acts: an operator at the server's command line."""
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class CommandTransaction:
    """What a command works with. It is committed when the work returns, and rolled back on an exception.

    The settings are the installation's, completed by what administrators chose.
    """

    conn: "AsyncConnection[Any]"
    settings: "Settings"
    now: datetime

    async def commit(self, facts: Facts) -> None:
        """Let the switchboard react to the facts in this transaction."""
        from hubwell.switchboard import Switchboard

        await Switchboard.of(self.settings).commit(self.conn, facts)


def in_transaction(work: Callable[[CommandTransaction], Awaitable[Result]]) -> Result:
    """Do a command's work in a transaction; a refusal ends the command with exit code 2."""
    from hubwell.hub_profile import actions
    from hubwell.storage.connect import connection

    configured = settings()

    async def run() -> Result:
        async with connection(configured.database_url, name="cli") as conn, conn.transaction():
            complete = configured.with_profile(await actions.read(conn))
            return await work(CommandTransaction(conn, complete, datetime.now(UTC)))

    with refusals():
        return asyncio.run(run())


def hub_settings() -> "Settings":
    """Read the settings, completed by what administrators chose in the browser."""
    from hubwell.hub_profile import actions
    from hubwell.storage.connect import connect_sync

    configured = settings()
    with connect_sync(configured.database_url, name="cli") as conn:
        return configured.with_profile(actions.read_sync(conn))


@contextmanager
def refusals(status: int = 2) -> Iterator[None]:
    """Print the field at fault and the sentence of a refusal, and end the command."""
    from hubwell.errors import DomainError

    try:
        yield
    except DomainError as error:
        for each in (error, *error.also):
            text = in_text(str(each))
            print(f"{each.field}: {text}" if each.field else text, file=sys.stderr)
        raise typer.Exit(status) from None


def refuse(sentence: str) -> typer.Exit:
    """Print why a command ends without having done anything; return the exit to be raised."""
    sentence = in_text(sentence.removesuffix("."))
    print(f"{sentence[:1].upper()}{sentence[1:]}.", file=sys.stderr)
    return typer.Exit(2)
