"""What the commands about people, readers and keys do: one transaction each, noted in the audit log."""

import asyncio
import os
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import UUID

from psycopg import AsyncConnection

from hubwell.access.principal import Principal
from hubwell.audit import log
from hubwell.events import AllowlistChanged
from hubwell.keys import Keys, KeysError
from hubwell.people import credentials, persons
from hubwell.people import key_epochs as register
from hubwell.people.key_epochs import EpochUse, Forgotten
from hubwell.settings import Settings
from hubwell.storage.connect import connect
from hubwell.switchboard import Switchboard
from hubwell.workflows import people

COMMAND_LINE: Final = Principal(actor="cli")
"""An operator at the server's command line."""
_ACTOR: Final = COMMAND_LINE.actor
_ONLY_OWNER: Final = 0o600
_HEX: Final = re.compile(r"[0-9a-fA-F]{32}")
Row = dict[str, Any]
Result = TypeVar("Result")


def find_people(settings: Settings, text: str) -> list[Row]:
    """Return the people whose name holds this text."""

    async def work(conn: AsyncConnection[Any]) -> list[Row]:
        return [
            {"id": str(one.id), "name": one.name, "language": one.language, "badges": one.credentials}
            for one in await people.find(conn, COMMAND_LINE, text)
        ]

    return _in_transaction(settings, work)


def badges(settings: Settings, person: UUID) -> list[Row]:
    """Return a person's credentials. Raises PeopleError."""

    async def work(conn: AsyncConnection[Any]) -> list[Row]:
        await persons.person(conn, person)
        return [
            {
                "badge": one.id,
                "kind": one.kind,
                "label": one.label,
                "since": one.since,
                "until": one.until,
                "revoked": one.revoked_why,
            }
            for one in await credentials.credentials_of(conn, person)
        ]

    return _in_transaction(settings, work)


def revoke(settings: Settings, credential: int, why: str) -> None:
    """Revoke a credential. Raises PeopleError."""

    async def work(conn: AsyncConnection[Any]) -> None:
        done = await people.revoke(conn, COMMAND_LINE, credential, why, datetime.now(UTC))
        await Switchboard.of(settings).commit(conn, done.facts)

    _in_transaction(settings, work)


def put_reader(settings: Settings, device: str, name: str, purpose: str) -> None:
    """Say what a reader is for. Raises PeopleError."""

    async def work(conn: AsyncConnection[Any]) -> None:
        facts = await register.put_reader(conn, device, name, purpose)
        await _record(conn, "reader.changed", f"reader:{device}/{name}", {"purpose": purpose})
        await Switchboard.of(settings).commit(conn, facts)

    _in_transaction(settings, work)


def readers(settings: Settings) -> list[Row]:
    """Return the readers that have a purpose of their own."""
    return _in_transaction(settings, register.readers)


def epochs(settings: Settings) -> list[Row]:
    """Return every epoch, with its key or without, and who depends on it. Raises KeysError."""
    keys = [key.epoch for key in Keys(settings.keys_dir).epochs()]
    used = {use.epoch: use for use in _in_transaction(settings, register.epochs)}
    newest = max(keys, default=None)
    return [
        {
            "epoch": epoch,
            "key": "in use" if epoch == newest else "kept" if epoch in keys else "gone",
            "badges": used[epoch].credentials if epoch in used else 0,
            "not_tapped_since": used[epoch].only_until_here if epoch in used and epoch != newest else 0,
        }
        for epoch in sorted({*keys, *used}, reverse=True)
    ]


def rotate(settings: Settings) -> int:
    """Begin a new epoch and return its number. Raises KeysError."""
    keys = Keys(settings.keys_dir)
    keys.newest_epoch()  # the first one, if there is none: the new one follows it
    epoch = keys.add_epoch().epoch

    async def work(conn: AsyncConnection[Any]) -> None:
        await _record(conn, "keys.rotated", f"epoch:{epoch}", {})
        await Switchboard.of(settings).commit(conn, [AllowlistChanged()])

    _in_transaction(settings, work)
    return epoch


def badges_lost_with(settings: Settings, epoch: int) -> int:
    """Return how many badges in use would have to be enrolled again. Raises KeysError."""
    Keys(settings.keys_dir).check_destroyable(epoch)
    used: list[EpochUse] = _in_transaction(settings, register.epochs)
    return next((use.only_until_here for use in used if use.epoch == epoch), 0)


def destroy(settings: Settings, epoch: int) -> Forgotten:
    """Destroy an epoch's key and delete what only it recognised. Raises KeysError."""
    keys = Keys(settings.keys_dir)
    keys.check_destroyable(epoch)

    async def work(conn: AsyncConnection[Any]) -> Forgotten:
        forgotten = await register.forget_epoch(conn, epoch)
        detail = {"rows": forgotten.pseudonyms, "left_over": forgotten.left}
        await _record(conn, "keys.destroyed", f"epoch:{epoch}", detail)
        await Switchboard.of(settings).commit(conn, forgotten.facts)
        # Last in the transaction: if the file cannot be destroyed, nothing is deleted either.
        keys.destroy_epoch(epoch)
        return forgotten

    return _in_transaction(settings, work)


def export(settings: Settings, folder: Path) -> list[str]:
    """Write a device's copy of the keys, for its owner only; return the names. Raises KeysError."""
    keys = Keys(settings.keys_dir)
    keys.newest_epoch()
    contents = {f"epoch-{key.epoch}.key": key.key.hex() for key in keys.epochs()}
    contents["roster.pub"] = bytes(keys.roster_key().verify_key).hex()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, content in contents.items():
            _write(folder / name, content + "\n")
    except OSError as error:
        raise KeysError(f"cannot write to {folder}: {error.strerror}") from error
    return sorted(contents)


def roster_public(settings: Settings) -> str:
    """Return the public key of lists of badges, in hexadecimal. Raises KeysError."""
    return bytes(Keys(settings.keys_dir).roster_key().verify_key).hex()


def put_sun_key(settings: Settings, typed: str) -> None:
    """Set the AES key of the hub's cards. Raises KeysError."""
    digits = "".join(typed.split())
    if not _HEX.fullmatch(digits):
        raise KeysError("an NTAG 424 DNA key has 32 hex digits")
    Keys(settings.keys_dir).put_sun_key(bytes.fromhex(digits))
    _in_transaction(settings, lambda conn: _record(conn, "keys.sun-set", "", {}))


def _write(path: Path, content: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _ONLY_OWNER), "w") as file:
        os.fchmod(file.fileno(), _ONLY_OWNER)  # also where a file was there before
        file.write(content)


async def _record(conn: AsyncConnection[Any], action: str, subject: str, detail: Row) -> None:
    await log.record(conn, actor=_ACTOR, action=action, subject=subject, detail=detail)


def _in_transaction(settings: Settings, work: Callable[[AsyncConnection[Any]], Awaitable[Result]]) -> Result:
    async def run() -> Result:
        conn = await connect(settings.database_url, name="cli")
        async with conn, conn.transaction():
            return await work(conn)

    return asyncio.run(run())
