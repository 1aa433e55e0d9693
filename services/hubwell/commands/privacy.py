"""The commands about people's data: the audit log, retention, the documents for the site, erasure."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from uuid import UUID

import typer

from hubwell.commands.cli_settings import settings
from hubwell.commands.cli_transactions import (
    COMMAND_LINE,
    CommandTransaction,
    hub_settings,
    in_transaction,
    refusals,
    refuse,
)

if TYPE_CHECKING:
    from hubwell.settings import Settings

audit_log_app = typer.Typer(help="The audit log: who did what with people's data.", no_args_is_help=True)
retention_app = typer.Typer(help="Retention: how long data stays, and the proof.", no_args_is_help=True)
privacy_app = typer.Typer(help="Privacy: documents for the site, and erasure.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")]
_Result = TypeVar("_Result")


def _in_transaction(work: Callable[[Any], Awaitable[_Result]]) -> _Result:
    """Run the work of a command on the connection of its transaction."""
    return in_transaction(lambda transaction: work(transaction.conn))


def check_terms(configured: "Settings") -> "Settings":
    """Return the settings; exits with an error if HUBWELL_RETENTION is not valid."""
    from hubwell.privacy import retention

    with refusals():
        retention.terms(configured)
    return configured


@audit_log_app.command("verify")
def audit_log_verify(
    head: Annotated[str | None, typer.Option(help="A head noted before, as `head` printed it.")] = None,
) -> None:
    """Verify the chain; exits with 1 and prints the first broken entry if it was changed."""
    from hubwell.audit import log

    try:
        noted = log.Link.parse(head) if head else None
    except ValueError as error:
        raise refuse(f"--head {head!r}: {error}") from None
    verdict = _in_transaction(lambda conn: log.verify(conn, noted))
    if verdict.broken is not None:
        print(f"The audit log is broken at entry {verdict.broken}: {verdict.why}.")
        raise typer.Exit(1)
    includes_noted = " and holds the noted one" if noted else ""
    print(f"The audit log is intact: {verdict.entries} entries, its head is {verdict.head}{includes_noted}.")


@audit_log_app.command("head")
def audit_log_head() -> None:
    """Print the newest link, to be noted outside of the database: `verify --head` needs it later."""
    from hubwell.audit import log

    print(_in_transaction(log.head))


@audit_log_app.command("show")
def audit_log_show(
    most: Annotated[int, typer.Option(help="How many to show, the newest first.", min=1, max=100_000)] = 20,
    json_: Json = False,
) -> None:
    """Show the newest entries."""
    from hubwell.audit import log
    from hubwell.commands.cli_output import print_rows

    entries = _in_transaction(lambda conn: log.newest(conn, most))
    rows = [
        {
            "id": entry.id,
            "at": f"{entry.at:%Y-%m-%d %H:%M:%S}",
            "actor": entry.actor,
            "action": entry.action,
            "subject": entry.subject,
            "detail": " ".join(f"{key}={value}" for key, value in entry.detail.items()),
        }
        for entry in entries
    ]
    print_rows(rows, title="entries", as_json=json_)


@retention_app.command("run")
def retention_run(json_: Json = False) -> None:
    """Delete data whose retention period has ended now, and record the proof."""
    from hubwell.commands.cli_output import print_rows
    from hubwell.privacy import retention

    configured, now = check_terms(settings()), datetime.now(UTC)
    proofs = _in_transaction(lambda conn: retention.run(conn, now, configured))
    rows = [item._asdict() | {"older_than": f"{item.older_than:%Y-%m-%d %H:%M:%S}"} for item in proofs]
    print_rows(rows, title="classes", as_json=json_)
    if any(item.left_over for item in proofs):
        raise typer.Exit(1)


@retention_app.command("show")
def retention_show(json_: Json = False) -> None:
    """Show how long each class of data is kept, the limits of the setting, and the last proof."""
    from hubwell.audit import deletions
    from hubwell.commands.cli_output import print_rows
    from hubwell.privacy import retention

    table = retention.terms(check_terms(settings()))
    last = _in_transaction(lambda conn: deletions.last_of_each_class(conn, "retention"))
    rows = [
        {
            "class": term.data,
            "stays": "until told" if term.keep is None else retention.duration(term.keep),
            "counted_from": term.since,
            "at_least": "" if term.least is None else retention.duration(term.least),
            "at_most": "" if term.most is None else retention.duration(term.most),
            "last_proof": f"{last[term.data].ran_at:%Y-%m-%d %H:%M}" if term.data in last else "",
            "deleted": last[term.data].rows if term.data in last else None,
            "left_over": last[term.data].left_over if term.data in last else None,
        }
        for term in table
    ]
    print_rows(rows, title="classes", as_json=json_)


@privacy_app.command("dpia")
def privacy_dpia(
    file: Annotated[Path | None, typer.Argument(help="Where to write it; else it is printed.")] = None,
    json_: Json = False,
) -> None:
    """Write the inputs for a data protection impact assessment, from the live configuration."""
    from hubwell.privacy.documents.dpia import dpia

    _write_document(dpia, file, as_json=json_)


@privacy_app.command("record")
def privacy_record(
    file: Annotated[Path | None, typer.Argument(help="Where to write it; else it is printed.")] = None,
    json_: Json = False,
) -> None:
    """Write the record of processing activities, from the live configuration."""
    from hubwell.privacy.documents.processing_record import record

    _write_document(record, file, as_json=json_)


@privacy_app.command("erase")
def privacy_erase(
    person_id: Annotated[str, typer.Argument(help="Id of the person, as the audit log shows it.")],
    with_account: Annotated[bool, typer.Option(help="Also delete the account linked to them.")] = False,
) -> None:
    """Erase a person: on their request, or again after an older backup was restored."""
    from hubwell.privacy.erasure import Proof
    from hubwell.workflows.erasure import erase_person

    try:
        person = UUID(person_id.removeprefix("person:"))
    except ValueError:
        raise refuse("An id has 32 hexadecimal digits, as the audit log shows it") from None

    async def work(transaction: CommandTransaction) -> Proof:
        erased = await erase_person(transaction.conn, COMMAND_LINE, person, with_account=with_account)
        await transaction.commit(erased.facts)
        return erased.proof

    proof = in_transaction(work)
    print(f"Erased. Proof {proof.number}: {proof.rows} rows deleted, {proof.left_over} left over.")
    if proof.left_over:
        raise typer.Exit(1)


def _write_document(make: Callable[..., Any], file: Path | None, *, as_json: bool) -> None:
    from hubwell.privacy.documents import inventory

    configured = check_terms(hub_settings())
    document = make(_in_transaction(lambda conn: inventory.collect(conn, configured)))
    text = document.as_json() if as_json else document.as_markdown()
    if file is None:
        print(text, end="")
    else:
        file.write_text(text)
        print(f"{file} is written; fill in what is marked with {document.marker!r}.")
