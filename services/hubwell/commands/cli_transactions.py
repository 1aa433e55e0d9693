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
from hubwell.events import Facts

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from hubwell.settings import Settings

COMMAND_LINE: Final = Principal(actor="cli")
"""Who acts: an operator at the server's command line."""
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class CommandTransaction:
    """What a command works with. It is committed when the work returns, and rolled back on an exception."""

    conn: "AsyncConnection[Any]"
    settings: "Settings"
    now: datetime

    async def commit(self, facts: Facts) -> None:
        """Let the switchboard react to the facts in this transaction."""
        from hubwell.switchboard import Switchboard

        await Switchboard.of(self.settings).commit(self.conn, facts)


def in_transaction(work: Callable[[CommandTransaction], Awaitable[Result]]) -> Result:
    """Do a command's work in a transaction; a refusal ends the command with exit code 2."""
    from hubwell.storage.connect import connect

    configured = settings()

    async def run() -> Result:
        async with await connect(configured.database_url, name="cli") as conn, conn.transaction():
            return await work(CommandTransaction(conn, configured, datetime.now(UTC)))

    with refusals():
        return asyncio.run(run())


@contextmanager
def refusals(status: int = 2) -> Iterator[None]:
    """Print the field at fault and the sentence of a refusal, and end the command."""
    from hubwell.errors import DomainError

    try:
        yield
    except DomainError as error:
        print(f"{error.field}: {error}" if error.field else error, file=sys.stderr)
        raise typer.Exit(status) from None


def refuse(sentence: str) -> typer.Exit:
    """Print why a command ends without having done anything; return the exit to be raised."""
    sentence = sentence.removesuffix(".")
    print(f"{sentence[:1].upper()}{sentence[1:]}.", file=sys.stderr)
    return typer.Exit(2)
