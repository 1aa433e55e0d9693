"""People, readers and keys on the command line. Each command reads its options and calls one function."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

person_app = typer.Typer(help="People and their badges.", no_args_is_help=True)
reader_app = typer.Typer(help="Badge readers: what each one is for.", no_args_is_help=True)
keys_app = typer.Typer(help="The hub's secrets: epochs, lists of badges, cards.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")]


@person_app.command("find")
def person_find(
    text: Annotated[str, typer.Argument(help="Part of a name, at least two letters.")], json_: Json = False
) -> None:
    """Find people by name; at most twenty."""
    from hubwell.commands import people_commands

    show(run_or_exit(people_commands.find_people, text), "people", as_json=json_)


@person_app.command("badges")
def person_badges(
    person: Annotated[UUID, typer.Argument(help="Id of the person.")], json_: Json = False
) -> None:
    """List a person's badges and codes."""
    from hubwell.commands import people_commands

    show(run_or_exit(people_commands.badges, person), "badges", as_json=json_)


@person_app.command("revoke")
def person_revoke(
    badge: Annotated[int, typer.Argument(help="Number of the badge, as `hubwell person badges` shows it.")],
    why: Annotated[str, typer.Option(help="lost, replaced or left.")] = "lost",
) -> None:
    """Revoke a badge at once, at every reader."""
    from hubwell.commands import people_commands

    run_or_exit(people_commands.revoke, badge, why)
    print("Revoked. Readers that are online refuse it within a second, the others when they are back.")


@reader_app.command("add")
def reader_add(
    device: Annotated[str, typer.Argument(help="Id of the device that it is connected to.")],
    name: Annotated[str, typer.Argument(help="Name of the reader, as in the device's settings.")],
    purpose: Annotated[str, typer.Option(help="desk, kiosk or space.")],
) -> None:
    """Say what a reader is for; without this it is the door of its device's space."""
    from hubwell.commands import people_commands

    run_or_exit(people_commands.put_reader, device, name, purpose)
    print(f"Reader {name} of {device} is for: {purpose}.")


@reader_app.command("list")
def reader_list(json_: Json = False) -> None:
    """List the readers that are for something else than a space's door."""
    from hubwell.commands import people_commands

    show(run_or_exit(people_commands.readers), "readers", as_json=json_)


@keys_app.command("list")
def keys_list(json_: Json = False) -> None:
    """List the epochs that have a key, and how many badges still depend on an old one."""
    from hubwell.commands import people_commands

    show(run_or_exit(people_commands.epochs), "epochs", as_json=json_)


@keys_app.command("rotate")
def keys_rotate() -> None:
    """Begin a new epoch with a new key."""
    from hubwell.commands import people_commands

    epoch = run_or_exit(people_commands.rotate)
    print(
        f"Epoch {epoch} begins. Bring its key to every device with readers (`hubwell keys export FOLDER`).\n"
        f"Enrolled people are linked over by their next tap; `hubwell keys list` shows how many are left."
    )


@keys_app.command("destroy")
def keys_destroy(
    epoch: Annotated[int, typer.Argument(help="Number of the epoch.")],
    confirm: Annotated[int | None, typer.Option(help="The number again, instead of typing it.")] = None,
) -> None:
    """Destroy an old epoch's key: what only it can recognise is anonymous for good."""
    from hubwell.commands import people_commands

    lost = run_or_exit(people_commands.badges_lost_with, epoch)
    print(f"{lost} badges in use were not tapped since epoch {epoch} ended: they must be enrolled again.")
    if confirm is None:
        confirm = typer.prompt(
            "This cannot be undone. Type the number of the epoch to destroy its key", type=int
        )
    if confirm != epoch:
        print("Nothing was destroyed: the numbers differ.", file=sys.stderr)
        raise typer.Exit(2)
    gone = run_or_exit(people_commands.destroy, epoch)
    print(
        f"The key of epoch {epoch} is destroyed: {gone.pseudonyms} pseudonyms deleted, {gone.left} left.\n"
        f"{gone.to_enrol_again} badges must be enrolled again. Destroy the key on every device too, "
        "and every copy of the folder."
    )


@keys_app.command("export")
def keys_export(
    folder: Annotated[Path, typer.Argument(help="Folder to write to, for a device's keys_dir.")],
) -> None:
    """Copy what a device with readers needs: the epochs' keys, and the public key of lists."""
    from hubwell.commands import people_commands

    written = run_or_exit(people_commands.export, folder)
    print(f"Written to {folder}, for its owner only: {', '.join(written)}.")
    print("Bring the folder to the device by hand (ssh, USB stick) and delete this copy.")


@keys_app.command("roster-public")
def keys_roster_public() -> None:
    """Print the public key by which devices know the hub's lists of badges."""
    from hubwell.commands import people_commands

    print(run_or_exit(people_commands.roster_public))


@keys_app.command("sun")
def keys_sun() -> None:
    """Set the AES key of the hub's NTAG 424 DNA cards: 32 hex digits, typed or from standard input."""
    from hubwell.commands import people_commands

    typed = typer.prompt("Key (32 hex digits)", hide_input=True) if sys.stdin.isatty() else sys.stdin.read()
    run_or_exit(people_commands.put_sun_key, typed)
    print("The key is set. Cards that sign their taps are verified from now on.")


def run_or_exit(action: Callable[..., Any], *values: Any) -> Any:  # noqa: ANN401 - forwards one command's values
    """Do it with the settings; what cannot be done ends the command with one sentence and exit code 2."""
    from hubwell.access.accounts import AccountError
    from hubwell.access.tokens import TokenError
    from hubwell.commands.cli_settings import settings
    from hubwell.keys import KeysError
    from hubwell.people.errors import PeopleError

    try:
        return action(settings(), *values)
    except (AccountError, KeysError, PeopleError, TokenError) as error:
        print(str(error)[:1].upper() + str(error)[1:] + ".", file=sys.stderr)
        raise typer.Exit(2) from None


def show(rows: list[dict[str, Any]], title: str, *, as_json: bool) -> None:
    """Print what was found, as a table or as JSON."""
    from hubwell.commands.cli_output import print_rows

    print_rows(rows, title=title, as_json=as_json)
