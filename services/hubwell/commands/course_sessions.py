"""`hubwell session`: course sessions. Rolls are not shown here: only a session's owner reads its roll."""

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from hubwell.access.principal import Principal
from hubwell.commands.cli_output import print_rows
from hubwell.commands.cli_transactions import COMMAND_LINE, CommandTransaction, in_transaction

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from hubwell.people.weekly import SeriesPlan

session_app = typer.Typer(help="Course sessions of staff.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")]
Owner = Annotated[str, typer.Option(help="Login of the account that owns the session and reads its roll.")]
Day = Annotated[datetime, typer.Option(help="A day, in the hub's time zone.", formats=["%Y-%m-%d"])]
Clock = Annotated[datetime, typer.Option(help="Time of day, in the hub's time zone.", formats=["%H:%M"])]
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


@session_app.command("add-weekly")
def session_add_weekly(
    owner: Owner,
    title: Annotated[str, typer.Option(help="Title of the sessions.")],
    purpose: Annotated[str, typer.Option(help="What the rolls are for.")],
    space: Annotated[str, typer.Option(help="Id of the space.")],
    first: Day,
    until: Day,
    start: Clock,
    end: Clock,
    without: Annotated[
        list[datetime] | None,
        typer.Option(help="A day without a session; may be given several times.", formats=["%Y-%m-%d"]),
    ] = None,
    kept_days: Annotated[int, typer.Option(help="Days for which each roll can be read.")] = 14,
    preview: Annotated[bool, typer.Option("--preview", help="Show every session, and enter none.")] = False,
) -> None:
    """Enter a session of each week, and print the id of the series."""
    from zoneinfo import ZoneInfo

    from hubwell.people.weekly import WeeklyPlan
    from hubwell.workflows import course_sessions

    weekly = WeeklyPlan(
        title=title,
        purpose=purpose,
        space_id=space,
        first=first.date(),
        until=until.date(),
        start=start.time(),
        end=end.time(),
        without=frozenset(day.date() for day in without or ()),
        kept_days=kept_days,
    )

    async def work(transaction: CommandTransaction) -> list[str]:
        zone, actor = ZoneInfo(transaction.settings.zone), await _actor(transaction, owner)
        conn, now = transaction.conn, transaction.now
        if preview:
            return _lines(await course_sessions.plan_series(conn, actor, weekly, zone, now), zone)
        series, _sessions = await course_sessions.add_series(conn, actor, weekly, zone, now)
        return [str(series)]

    print("\n".join(in_transaction(work)))


def _lines(planned: "SeriesPlan", zone: "ZoneInfo") -> list[str]:
    """Return one line for each session of a series, in the hub's time."""
    lines = []
    for each in planned.sessions:
        begins, ends = each.start.astimezone(zone), each.end.astimezone(zone)
        taken = "  another session at that time" if begins.date() in planned.taken else ""
        lines.append(f"{begins:%a %Y-%m-%d %H:%M} to {ends:%H:%M}{taken}")
    return lines


@session_app.command("delete-weekly")
def session_delete_weekly(
    series: Annotated[UUID, typer.Argument(help="Id of the series, as `hubwell session list` shows it.")],
    owner: Owner,
    first: Day,
) -> None:
    """Delete the sessions of a series from a day on, with their rolls."""
    from zoneinfo import ZoneInfo

    from hubwell.workflows import course_sessions

    async def work(transaction: CommandTransaction) -> int:
        zone, actor = ZoneInfo(transaction.settings.zone), await _actor(transaction, owner)
        return await course_sessions.delete_series(transaction.conn, actor, series, first.date(), zone)

    print(f"Sessions deleted: {in_transaction(work)}.")


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
                "series": None if session.series_id is None else str(session.series_id),
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
