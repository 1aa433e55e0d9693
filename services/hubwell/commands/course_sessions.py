"""`hubwell session`: course sessions. Rolls are not shown here: only a session's owner reads its roll."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import typer

from hubwell.access.principal import Principal
from hubwell.commands.cli_output import print_rows
from hubwell.commands.cli_transactions import COMMAND_LINE, CommandTransaction, in_transaction

session_app = typer.Typer(help="Course sessions of staff.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")]
Owner = Annotated[str, typer.Option(help="Login of the account that owns the session and reads its roll.")]
Moment = Annotated[datetime, typer.Option(help="In the hub's time zone.", formats=["%Y-%m-%dT%H:%M"])]


@session_app.command("add")
def session_add(
    owner: Owner,
    title: Annotated[str, typer.Option(help="Title of the session.")],
    purpose: Annotated[str, typer.Option(help="What the roll is for.")],
    space: Annotated[str, typer.Option(help="Id of the space.")],
    start: Moment,
    end: Moment,
    kept_days: Annotated[int, typer.Option(help="Days for which the roll can be read.")] = 14,
) -> None:
    """Enter a session, and print its id."""
    from zoneinfo import ZoneInfo

    from hubwell.people.course_sessions import Plan
    from hubwell.workflows import course_sessions

    async def work(transaction: CommandTransaction) -> UUID:
        zone = ZoneInfo(transaction.settings.zone)
        plan = Plan(
            title=title,
            purpose=purpose,
            space_id=space,
            start=start.replace(tzinfo=zone),
            end=end.replace(tzinfo=zone),
            kept_days=kept_days,
        )
        actor = await _actor(transaction, owner)
        return await course_sessions.add(transaction.conn, actor, plan, transaction.now)

    print(in_transaction(work))


@session_app.command("list")
def session_list(owner: Owner, json_: Json = False) -> None:
    """List an owner's sessions whose roll can still be read, the latest first."""
    from hubwell.people import course_sessions
    from hubwell.workflows.accounts import own_account

    async def work(transaction: CommandTransaction) -> list[dict[str, Any]]:
        account_id = own_account(await _actor(transaction, owner))
        return [
            {
                "id": str(session.id),
                "title": session.title,
                "space": session.space,
                "start": session.start,
                "end": session.end,
                "roll_until": session.roll_until,
            }
            for session in await course_sessions.sessions_of(transaction.conn, account_id, transaction.now)
        ]

    print_rows(in_transaction(work), title="sessions", as_json=json_)


@session_app.command("delete")
def session_delete(session: Annotated[UUID, typer.Argument(help="Id of the session.")], owner: Owner) -> None:
    """Delete a session with its roll."""
    from hubwell.errors import DomainError
    from hubwell.people.errors import SESSION_GONE
    from hubwell.workflows import course_sessions

    async def work(transaction: CommandTransaction) -> None:
        actor = await _actor(transaction, owner)
        if not await course_sessions.delete(transaction.conn, actor, session):
            raise DomainError(SESSION_GONE)

    in_transaction(work)
    print(f"Session {session} is deleted.")


async def _actor(transaction: CommandTransaction, owner: str) -> Principal:
    """Return the operator acting for the account of a login. Raises DomainError."""
    from hubwell.access import accounts
    from hubwell.access.errors import ACCOUNT_UNKNOWN
    from hubwell.errors import DomainError

    account = await accounts.credentials(transaction.conn, login=owner)
    if account is None:
        raise DomainError(ACCOUNT_UNKNOWN)
    return replace(COMMAND_LINE, account_id=account.id)
