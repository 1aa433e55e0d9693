"""`hubwell person`: people, their badges and codes, and checking them in and out."""

from typing import Annotated, Any
from uuid import UUID

import typer

from hubwell.commands.cli_output import print_rows
from hubwell.commands.cli_transactions import COMMAND_LINE, CommandTransaction, in_transaction, refuse

person_app = typer.Typer(help="People, their badges and visits.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")]
Person = Annotated[UUID, typer.Argument(help="Id of the person, as `hubwell person find` shows it.")]
Badge = Annotated[int, typer.Argument(help="Number of the badge, as `hubwell person badges` shows it.")]
Name = Annotated[str, typer.Option(help="Name of a new person.")]
Language = Annotated[
    str | None, typer.Option(help="Language in which readers address them; without it the hub's language.")
]
Label = Annotated[str, typer.Option(help="A note by which staff recognise it.")]
Rows = list[dict[str, Any]]


@person_app.command("find")
def person_find(
    text: Annotated[str, typer.Argument(help="Part of a name, at least two letters.")], json_: Json = False
) -> None:
    """Find people by name; at most twenty."""
    from hubwell.workflows import people

    async def work(transaction: CommandTransaction) -> Rows:
        return [
            {
                "id": str(person.id),
                "name": person.name,
                "language": person.language,
                "badges": person.credentials,
            }
            for person in await people.find(transaction.conn, COMMAND_LINE, text)
        ]

    print_rows(in_transaction(work), title="people", as_json=json_)


@person_app.command("add")
def person_add(name: Name, language: Language = None) -> None:
    """Enter a person without a badge, and print their id."""
    from hubwell.people.credentials import NewPerson
    from hubwell.workflows import people

    async def work(transaction: CommandTransaction) -> UUID:
        person = NewPerson(name, language)
        return await people.add(transaction.conn, COMMAND_LINE, person, transaction.now)

    print(in_transaction(work))


@person_app.command("change")
def person_change(person: Person, name: Name, language: Language = None) -> None:
    """Rename a person, and set the language in which readers address them."""
    from hubwell.workflows import people

    async def work(transaction: CommandTransaction) -> None:
        await transaction.commit(
            await people.change(transaction.conn, COMMAND_LINE, person, name=name, language=language)
        )

    in_transaction(work)
    print(f"Person {person} is changed.")


@person_app.command("merge")
def person_merge(
    keep: Person,
    drop: Annotated[UUID, typer.Argument(help="Id of the other entry, which is deleted.")],
) -> None:
    """Make one person of two entries: badges, visits and account of the second move to the first."""
    from hubwell.workflows import people

    async def work(transaction: CommandTransaction) -> None:
        conn, configured = transaction.conn, transaction.settings
        await transaction.commit(await people.merge(conn, COMMAND_LINE, configured, keep=keep, drop=drop))

    in_transaction(work)
    print(f"Person {drop} is now part of {keep}.")


@person_app.command("taps")
def person_taps(json_: Json = False) -> None:
    """List the badges held to a desk's reader within the last two minutes."""
    from hubwell.people import desk_taps

    async def work(transaction: CommandTransaction) -> Rows:
        return [
            {
                "tap": tap.id,
                "device": tap.device,
                "reader": tap.reader,
                "kind": tap.kind,
                "badge": tap.credential_id,
                "label": tap.label,
                "revoked": tap.revoked_why,
                "tapped_at": tap.tapped_at,
                "person": tap.person_id,
                "name": tap.name,
            }
            for tap in await desk_taps.taps(transaction.conn, transaction.now)
        ]

    print_rows(in_transaction(work), title="taps", as_json=json_)


@person_app.command("enrol")
def person_enrol(
    tap: Annotated[int, typer.Argument(help="Number of the tap, as `hubwell person taps` shows it.")],
    person: Annotated[UUID | None, typer.Option(help="Id of a known person.")] = None,
    name: Name = "",
    nameless: Annotated[bool, typer.Option("--nameless", help="Enter a person without a name.")] = False,
    language: Language = None,
    label: Label = "",
) -> None:
    """Enrol the badge of a tap at a desk's reader: for a known person, a new one, or one without a name."""
    from hubwell.people.credentials import Enrolled, NewPerson
    from hubwell.workflows import people

    if [person is not None, bool(name), nameless].count(True) != 1:
        raise refuse("Give one of --person, --name and --nameless")

    async def work(transaction: CommandTransaction) -> Enrolled:
        conn, configured, now = transaction.conn, transaction.settings, transaction.now
        owner = person or NewPerson(name, language)
        enrolled = await people.enrol(conn, COMMAND_LINE, configured, tap, owner, now, label)
        await transaction.commit(enrolled.facts)
        return enrolled

    enrolled = in_transaction(work)
    print(f"Badge {enrolled.credential_id} is enrolled for person {enrolled.person_id}.")


@person_app.command("undo-enrolment")
def person_undo_enrolment(badge: Badge) -> None:
    """Undo an enrolment of the last ten minutes, with the person that it entered."""
    from hubwell.workflows import people

    async def work(transaction: CommandTransaction) -> None:
        result = await people.undo_enrolment(transaction.conn, COMMAND_LINE, badge, transaction.now)
        await transaction.commit(result.facts)

    in_transaction(work)
    print(f"The enrolment of badge {badge} is undone.")


@person_app.command("code")
def person_code(person: Person, label: Label = "") -> None:
    """Make a QR code that is as good as a badge, and show it once."""
    import segno

    from hubwell.people.credentials import Code
    from hubwell.workflows import people

    async def work(transaction: CommandTransaction) -> Code:
        conn, configured, now = transaction.conn, transaction.settings, transaction.now
        code = await people.issue_code(conn, COMMAND_LINE, configured, person, now, label)
        await transaction.commit(code.enrolled.facts)
        return code

    code = in_transaction(work)
    segno.make_qr(code.text, error="m").terminal(compact=True)
    print(f"Code {code.enrolled.credential_id} of person {person}. It cannot be shown again.")


@person_app.command("badges")
def person_badges(person: Person, json_: Json = False) -> None:
    """List a person's badges and codes."""
    from hubwell.people import credentials, persons

    async def work(transaction: CommandTransaction) -> Rows:
        await persons.person(transaction.conn, person)
        return [
            {
                "badge": badge.id,
                "kind": badge.kind,
                "label": badge.label,
                "since": badge.since,
                "until": badge.until,
                "revoked": badge.revoked_why,
            }
            for badge in await credentials.credentials_of(transaction.conn, person)
        ]

    print_rows(in_transaction(work), title="badges", as_json=json_)


@person_app.command("revoke")
def person_revoke(
    badge: Badge, why: Annotated[str, typer.Option(help="lost, replaced or left.")] = "lost"
) -> None:
    """Revoke a badge at once, at every reader."""
    from hubwell.workflows import people

    async def work(transaction: CommandTransaction) -> None:
        result = await people.revoke(transaction.conn, COMMAND_LINE, badge, why, transaction.now)
        await transaction.commit(result.facts)

    in_transaction(work)
    print("Revoked. Readers that are online refuse it within a second, the others when they are back.")


@person_app.command("revoke-others")
def person_revoke_others(
    tap: Annotated[int, typer.Argument(help="Number of the tap, as `hubwell person taps` shows it.")],
    why: Annotated[str, typer.Option(help="lost, replaced or left.")] = "lost",
) -> None:
    """Revoke all badges and codes of a person but the one that was just held to a desk's reader."""
    from hubwell.workflows import people

    async def work(transaction: CommandTransaction) -> people.OthersRevoked:
        result = await people.revoke_others(transaction.conn, COMMAND_LINE, tap, why, transaction.now)
        await transaction.commit(result.facts)
        return result

    result = in_transaction(work)
    print(f"Badge {result.kept} stays. Revoked: {', '.join(map(str, result.revoked))}.")


@person_app.command("restore")
def person_restore(badge: Badge) -> None:
    """Let a revoked badge work again."""
    from hubwell.workflows import people

    async def work(transaction: CommandTransaction) -> None:
        result = await people.restore(transaction.conn, COMMAND_LINE, badge)
        await transaction.commit(result.facts)

    in_transaction(work)
    print(f"Badge {badge} works again.")


@person_app.command("note")
def person_note(
    badge: Badge,
    label: Annotated[str, typer.Argument(help="The new note, never a name; empty for none.")],
) -> None:
    """Change the note by which staff recognise a badge or a code."""
    from hubwell.workflows import people

    async def work(transaction: CommandTransaction) -> None:
        result = await people.change_note(transaction.conn, COMMAND_LINE, badge, label)
        await transaction.commit(result.facts)

    in_transaction(work)
    print(f"The note on badge {badge} is changed.")


@person_app.command("check-in")
def person_check_in(person: Person, space: Annotated[str, typer.Argument(help="Id of the space.")]) -> None:
    """Check a person in to a space, as a tap at its door would."""
    from hubwell.workflows import visits

    async def work(transaction: CommandTransaction) -> None:
        conn, configured, now = transaction.conn, transaction.settings, transaction.now
        await transaction.commit(await visits.check_in(conn, COMMAND_LINE, configured, person, space, now))

    in_transaction(work)
    print(f"Person {person} is checked in to {space}.")


@person_app.command("check-out")
def person_check_out(person: Person) -> None:
    """Check a person out of the space where they are."""
    from hubwell.errors import DomainError
    from hubwell.presence.errors import NOT_CHECKED_IN
    from hubwell.workflows import visits

    async def work(transaction: CommandTransaction) -> None:
        conn, configured, now = transaction.conn, transaction.settings, transaction.now
        facts = await visits.check_out(conn, COMMAND_LINE, configured, person, now)
        if facts is None:
            raise DomainError(NOT_CHECKED_IN)
        await transaction.commit(facts)

    in_transaction(work)
    print(f"Person {person} is checked out.")
