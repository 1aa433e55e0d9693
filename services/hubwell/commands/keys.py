"""`hubwell keys` and `hubwell reader`: the hub's secrets, and what each badge reader is for."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from hubwell.commands.cli_output import print_rows, say
from hubwell.commands.cli_settings import settings
from hubwell.commands.cli_transactions import (
    COMMAND_LINE,
    CommandTransaction,
    in_transaction,
    refusals,
    refuse,
)
from hubwell.events import AllowlistChanged

if TYPE_CHECKING:
    from hubwell.keys import Keys

reader_app = typer.Typer(help="Badge readers: what each one is for.", no_args_is_help=True)
keys_app = typer.Typer(help="The hub's secrets: epochs, lists of badges, cards.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")]
_ONLY_OWNER: Final = 0o600


@reader_app.command("add")
def reader_add(
    device: Annotated[str, typer.Argument(help="Id of the device that it is connected to.")],
    name: Annotated[str, typer.Argument(help="Name of the reader, as in the device's settings.")],
    purpose: Annotated[str, typer.Option(help="desk, kiosk or space.")],
) -> None:
    """Set the purpose of a reader; by default it is the door of its device's space."""
    from hubwell.workflows.register.devices import set_reader_purpose

    async def work(transaction: CommandTransaction) -> None:
        facts = await set_reader_purpose(transaction.conn, COMMAND_LINE, device, name, purpose)
        await transaction.commit(facts)

    in_transaction(work)
    print(f"Reader {name} of {device} is for: {purpose}.")


@reader_app.command("list")
def reader_list(json_: Json = False) -> None:
    """List the readers with another purpose than a space's door."""
    from hubwell.people import key_epochs

    rows = in_transaction(lambda transaction: key_epochs.readers(transaction.conn))
    print_rows(rows, title="readers", as_json=json_)


@keys_app.command("list")
def keys_list(json_: Json = False) -> None:
    """List the epochs that have a key, and how many badges still depend on an old one."""
    from hubwell.people import key_epochs

    with refusals():
        keys = [key.epoch for key in _keys().epochs()]
    used = {use.epoch: use for use in in_transaction(lambda t: key_epochs.epochs(t.conn))}
    newest = max(keys, default=None)
    rows = [
        {
            "epoch": epoch,
            "key": "in use" if epoch == newest else "kept" if epoch in keys else "gone",
            "badges": used[epoch].credentials if epoch in used else 0,
            "not_tapped_since": used[epoch].only_until_here if epoch in used and epoch != newest else 0,
        }
        for epoch in sorted({*keys, *used}, reverse=True)
    ]
    print_rows(rows, title="epochs", as_json=json_)


@keys_app.command("rotate")
def keys_rotate() -> None:
    """Begin a new epoch with a new key."""
    keys = _keys()
    with refusals():
        keys.newest_epoch()  # the first one, if there is none: the new one follows it
        epoch = keys.add_epoch().epoch

    async def work(transaction: CommandTransaction) -> None:
        await _record(transaction, "keys.rotated", f"epoch:{epoch}")
        await transaction.commit([AllowlistChanged()])

    in_transaction(work)
    say(
        f"Epoch {epoch} begins. Bring its key to every device with readers (`hubwell keys export FOLDER`).\n"
        f"Enrolled people are linked over by their next tap; `hubwell keys list` shows how many are left."
    )


@keys_app.command("destroy")
def keys_destroy(
    epoch: Annotated[int, typer.Argument(help="Number of the epoch.")],
    confirm: Annotated[int | None, typer.Option(help="The number again, instead of typing it.")] = None,
) -> None:
    """Destroy an old epoch's key: badges that only it can recognise become anonymous permanently."""
    from hubwell.people import key_epochs
    from hubwell.people.key_epochs import Forgotten

    keys = _keys()
    with refusals():
        keys.check_destroyable(epoch)
    uses = in_transaction(lambda transaction: key_epochs.epochs(transaction.conn))
    to_enrol_again = next((use.only_until_here for use in uses if use.epoch == epoch), 0)
    print(
        f"{to_enrol_again} badges in use were not tapped since epoch {epoch} ended: "
        "they must be enrolled again."
    )
    if confirm is None:
        confirm = typer.prompt(
            "This cannot be undone. Type the number of the epoch to destroy its key", type=int
        )
    if confirm != epoch:
        raise refuse("Nothing was destroyed: the numbers differ")

    async def work(transaction: CommandTransaction) -> Forgotten:
        forgotten = await key_epochs.forget_epoch(transaction.conn, epoch)
        detail = {"rows": forgotten.pseudonyms, "left_over": forgotten.left}
        await _record(transaction, "keys.destroyed", f"epoch:{epoch}", **detail)
        await transaction.commit(forgotten.facts)
        # Last in the transaction: if the file cannot be destroyed, nothing is deleted either.
        keys.destroy_epoch(epoch)
        return forgotten

    forgotten = in_transaction(work)
    print(
        f"The key of epoch {epoch} is destroyed: "
        f"{forgotten.pseudonyms} pseudonyms deleted, {forgotten.left} left.\n"
        f"{forgotten.to_enrol_again} badges must be enrolled again. Destroy the key on every device too, "
        "and every copy of the folder."
    )


@keys_app.command("export")
def keys_export(
    folder: Annotated[Path, typer.Argument(help="Folder to write to, for a device's keys_dir.")],
) -> None:
    """Copy the keys for a device with readers: the epochs' keys, and the public key of lists."""
    with refusals():
        written = _export(_keys(), folder)
    print(f"Written to {folder}, for its owner only: {', '.join(written)}.")
    print("Bring the folder to the device by hand (ssh, USB stick) and delete this copy.")


@keys_app.command("roster-public")
def keys_roster_public() -> None:
    """Print the public key with which devices verify the hub's lists of badges."""
    with refusals():
        print(bytes(_keys().roster_key().verify_key).hex())


@keys_app.command("sun")
def keys_sun() -> None:
    """Set the AES key of the hub's NTAG 424 DNA cards: 32 hex digits, typed or from standard input."""
    typed = typer.prompt("Key (32 hex digits)", hide_input=True) if sys.stdin.isatty() else sys.stdin.read()
    with refusals():
        _keys().put_sun_key("".join(typed.split()))
    in_transaction(lambda transaction: _record(transaction, "keys.sun-set"))
    print("The key is set. Cards that sign their taps are verified from now on.")


def _keys() -> "Keys":
    from hubwell.keys import Keys

    return Keys(settings().keys_dir)


def _export(keys: "Keys", folder: Path) -> list[str]:
    """Write a device's copy of the keys, for its owner only; return the names. Raises DomainError."""
    from hubwell.errors import DomainError
    from hubwell.keys import KEYS_NOT_WRITTEN

    keys.newest_epoch()
    contents = {f"epoch-{key.epoch}.key": key.key.hex() for key in keys.epochs()}
    contents["roster.pub"] = bytes(keys.roster_key().verify_key).hex()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, content in contents.items():
            _write(folder / name, content + "\n")
    except OSError as error:
        raise DomainError(KEYS_NOT_WRITTEN, folder=folder, reason=error.strerror) from error
    return sorted(contents)


def _write(path: Path, content: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _ONLY_OWNER), "w") as file:
        os.fchmod(file.fileno(), _ONLY_OWNER)  # also where a file was there before
        file.write(content)


async def _record(
    transaction: CommandTransaction, action: str, subject: str = "", **detail: str | int
) -> None:
    from hubwell.audit import log

    actor = COMMAND_LINE.actor
    await log.record(transaction.conn, actor=actor, action=action, subject=subject, detail=detail)
