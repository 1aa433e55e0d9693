"""`hubwell hub`, `space`, `device` and `demo`: the hub, and the register of its spaces and devices."""

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from hubwell.commands.cli_output import print_rows, say
from hubwell.commands.cli_settings import settings
from hubwell.commands.cli_transactions import (
    COMMAND_LINE,
    CommandTransaction,
    in_transaction,
    refuse,
)
from hubwell.events import Facts

if TYPE_CHECKING:
    from psycopg import Connection

    from hubwell.workflows.hub import Field

hub_app = typer.Typer(help="The hub itself: name, time zone, language, colour.", no_args_is_help=True)
space_app = typer.Typer(help="Spaces: what can be used and booked.", no_args_is_help=True)
device_app = typer.Typer(help="Devices: the Raspberry Pis and sensors that may send.", no_args_is_help=True)
demo_app = typer.Typer(help="The simulated hub.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")]
Result = TypeVar("Result")


@hub_app.command("show")
def hub_show(json_: Json = False) -> None:
    """Show each setting of the hub, with who sets it."""
    from hubwell.workflows import hub

    installation = settings()

    async def work(transaction: CommandTransaction) -> "list[Field]":
        return hub.fields(transaction.settings, installation)

    rows = [
        {"name": field.name, "value": field.value, "set_by": field.variable if field.fixed else "browser"}
        for field in in_transaction(work)
    ]
    print_rows(rows, title="fields", as_json=json_)


@hub_app.command("set")
def hub_set(
    assignments: Annotated[
        list[str], typer.Argument(help="NAME=VALUE, as zone=Europe/Riga; without a value the default again.")
    ],
) -> None:
    """Set fields of the hub: all of them, or with a mistake none. Pages and services follow at once."""
    from hubwell.hub_profile.rules import FIELDS
    from hubwell.workflows import hub

    values = dict(text.split("=", 1) for text in assignments if "=" in text)
    unknown = [name for name in values if name not in FIELDS]
    if unknown or len(values) != len(assignments):
        raise refuse(f"Write NAME=VALUE, with a name of {', '.join(FIELDS)}")
    installation = settings()

    async def work(transaction: CommandTransaction) -> None:
        await transaction.commit(await hub.change(transaction.conn, COMMAND_LINE, values, installation))

    in_transaction(work)
    print("The hub is changed.")


@hub_app.command("start")
def hub_start(json_: Json = False) -> None:
    """Show what is left to set up."""
    from hubwell.workflows import hub

    progress = in_transaction(lambda transaction: hub.progress(transaction.conn, transaction.settings))
    rows = [{"step": step, "done": "yes" if done else "no"} for step, done in progress.steps().items()]
    print_rows(rows, title="steps", as_json=json_)


@hub_app.command("restore-proven")
def hub_restore_proven() -> None:
    """Note that a backup of this hub was restored just now with success; `hubwell-admin drill` does it."""
    from hubwell.workflows import hub

    in_transaction(lambda t: hub.note_restore(t.conn, COMMAND_LINE, t.now, t.now))
    print("It is noted that a backup was restored.")


@space_app.command("add")
def space_add(
    space_id: Annotated[str, typer.Argument(help="Short id: lower-case letters, digits and '-'.")],
    name: Annotated[str, typer.Option(help="Name that people read.")],
    kind: Annotated[str, typer.Option(help="workshop, collaboration or relaxation.")],
    capacity: Annotated[int, typer.Option(help="Number of people.", max=100_000)],
    zone: Annotated[str, typer.Option(help="Where it is.")] = "",
    when_full: Annotated[str | None, typer.Option(help="What its reader does then: warn or refuse.")] = None,
    closes_at: Annotated[
        str | None, typer.Option(help="When forgotten visits end: HH:MM, or hub for the hub's closing time.")
    ] = None,
    personal: Annotated[
        bool | None,
        typer.Option("--personal/--shared", help="One person's room: its presence is never shown."),
    ] = None,
    opens_at: Annotated[str | None, typer.Option(help="When it opens: HH:MM, or nothing.")] = None,
    attribute: Annotated[
        list[str] | None, typer.Option(help="step-free, hearing-loop, quiet or daylight; '' for none.")
    ] = None,
    equipment: Annotated[list[str] | None, typer.Option(help="A thing that is there; '' for none.")] = None,
    name_in: Annotated[
        list[str] | None, typer.Option(help="Its name in another language: it=Falegnameria.")
    ] = None,
) -> None:
    """Add a space, or change the one with this id; what is left out stays as it is, except for the zone."""
    from hubwell.workflows.register import spaces

    given = {
        "name": name,
        "kind": kind,
        "capacity": capacity,
        "zone": zone,
        "when_full": when_full,
        "closes_at": closes_at,
        "personal": personal,
        "opens_at": opens_at,
        "features": None if attribute is None else [word for word in attribute if word],
        "equipment": None if equipment is None else "\n".join(equipment),
        "names": None if name_in is None else dict(_by_language(item) for item in name_in),
    }
    _change(lambda t: spaces.put_space(t.conn, COMMAND_LINE, space_id, **given))
    print(f"Space {space_id} is registered.")


@space_app.command("order")
def space_order(space_ids: Annotated[list[str], typer.Argument(help="Ids, the first one first.")]) -> None:
    """Put spaces into this order, before all others of their kind."""
    from hubwell.workflows.register import spaces

    _change(lambda t: spaces.order_spaces(t.conn, COMMAND_LINE, space_ids))
    print("The spaces are in this order.")


@space_app.command("export")
def space_export(
    file: Annotated[
        Path | None, typer.Argument(help="File to write; without one, the table is printed.")
    ] = None,
) -> None:
    """Write the spaces as a table (CSV) that `hubwell space import` reads."""
    from hubwell.spaces.register import list_registered
    from hubwell.workflows.register.space_table import export_spaces

    async def work(transaction: CommandTransaction) -> bytes:
        return export_spaces(await list_registered(transaction.conn))

    table = in_transaction(work)
    if file is None:
        print(table.decode(), end="")
        return
    try:
        file.write_bytes(table)
    except OSError as error:
        raise refuse(f"{file} cannot be written: {error.strerror}") from None
    print(f"The spaces are in {file}.")


@space_app.command("import")
def space_import(
    file: Annotated[Path, typer.Argument(help="Table to read, such as one of `hubwell space export`.")],
    apply: Annotated[
        bool, typer.Option("--apply", help="Import it; otherwise print what would change.")
    ] = False,
) -> None:
    """Add and change spaces as a table (CSV) says; spaces that are not in it stay as they are."""
    from hubwell.workflows.register import spaces
    from hubwell.workflows.register.space_table import ImportPlan

    try:
        table = file.read_bytes()
    except OSError as error:
        raise refuse(f"{file} cannot be read: {error.strerror}") from None

    async def work(transaction: CommandTransaction) -> ImportPlan:
        plan = await spaces.preview_import(transaction.conn, table)
        if apply and not plan.problems:
            plan, facts = await spaces.import_spaces(transaction.conn, COMMAND_LINE, table)
            await transaction.commit(facts)
        return plan

    plan = in_transaction(work)
    if plan.problems:
        for problem in plan.problems:
            where = f"line {problem.line}, {problem.column}" if problem.column else f"line {problem.line}"
            print(f"{where}: {problem.error}", file=sys.stderr)
        raise refuse("Nothing was imported")
    for change in plan.changes:
        what = "new" if change.before is None else ", ".join(change.fields)
        print(f"{change.space_id}: {what}")
    done = "changed" if apply else "would change"
    print(f"{len(plan.changes)} spaces {done}, {plan.unchanged} stay as they are.")


@space_app.command("list")
def space_list(json_: Json = False) -> None:
    """List the spaces."""
    from hubwell.spaces.register import list_spaces

    print_rows(_on_connection(list_spaces), title="spaces", as_json=json_)


@device_app.command("add")
def device_add(
    device_id: Annotated[str, typer.Argument(help="The device's id, as in its topics.")],
    space: Annotated[str, typer.Option(help="Id of the space it is in.")],
    name: Annotated[str, typer.Option(help="Name that people read.")] = "",
) -> None:
    """Register a device, or move the one with this id: what it measured stays with the space before."""
    from hubwell.workflows.register.devices import put_device

    _change(lambda t: put_device(t.conn, COMMAND_LINE, device_id, space, t.now, name=name))
    print(f"Device {device_id} is registered in {space}; its waiting messages are stored automatically.")


@device_app.command("unknown")
def device_unknown(json_: Json = False) -> None:
    """List the devices that are heard and not registered."""
    from hubwell.spaces.unregistered import list_unregistered

    unregistered = in_transaction(lambda t: list_unregistered(t.conn))
    rows = [
        {"id": item.id, "last_heard": item.last_at, "waiting": item.waiting, "series": ", ".join(item.series)}
        | {"ignored": "yes" if item.ignored_at else "no"}
        for item in unregistered
    ]
    print_rows(rows, title="devices", as_json=json_)


@device_app.command("ignore")
def device_ignore(
    device_id: Annotated[str, typer.Argument(help="The device's id.")],
    again: Annotated[bool, typer.Option("--list-again", help="List it again.")] = False,
) -> None:
    """Ignore a device that is heard and not registered: it is not of this hub."""
    from hubwell.workflows.register.devices import ignore_device

    async def work(transaction: CommandTransaction) -> None:
        await ignore_device(transaction.conn, COMMAND_LINE, device_id, on=not again)

    in_transaction(work)
    print(f"Device {device_id} is {'listed again' if again else 'ignored'}.")


@device_app.command("rename")
def device_rename(
    device_id: Annotated[str, typer.Argument(help="The device's id, which stays.")],
    name: Annotated[str, typer.Argument(help="Name that people read; '' for none.")],
) -> None:
    """Give a device another name."""
    from hubwell.workflows.register.devices import rename_device

    _change(lambda t: rename_device(t.conn, COMMAND_LINE, device_id, name))
    print(f"Device {device_id} has the name {name!r}." if name else f"Device {device_id} has no name.")


@device_app.command("replace")
def device_replace(
    device_id: Annotated[str, typer.Argument(help="Id of the device that is replaced, and archived.")],
    by: Annotated[str, typer.Argument(help="Id of the device that takes its place.")],
) -> None:
    """Put another device in the place of one: it gets name, space and the purposes of readers."""
    from hubwell.workflows.register.devices import replace_device

    _change(lambda t: replace_device(t.conn, COMMAND_LINE, device_id, by, t.now))
    say(f"Device {by} is in the place of {device_id}, which is archived with what it measured.")


@device_app.command("list")
def device_list(json_: Json = False) -> None:
    """List the devices and when each was last heard."""
    from hubwell.spaces.register import list_devices

    print_rows(_on_connection(list_devices), title="devices", as_json=json_)


@space_app.command("archive")
def space_archive(
    space_id: Annotated[str, typer.Argument(help="Id of the space.")],
    preview: Annotated[bool, typer.Option("--preview", help="Print what goes with it, and stop.")] = False,
) -> None:
    """Take a space off every page, with its devices; its data stays as long as its term."""
    from hubwell.workflows.register import archiving

    if preview:
        _print_archive_preview(space_id)
        return
    _change(lambda t: archiving.archive_space(t.conn, COMMAND_LINE, space_id, t.now))
    say(f"Space {space_id} is archived with its devices; `hubwell space restore {space_id}` brings it back.")


@space_app.command("restore")
def space_restore(space_id: Annotated[str, typer.Argument(help="Id of the space.")]) -> None:
    """Bring an archived space back, with the devices that were archived with it."""
    from hubwell.workflows.register import archiving

    _change(lambda t: archiving.restore_space(t.conn, COMMAND_LINE, space_id))
    print(f"Space {space_id} is back.")


@device_app.command("archive")
def device_archive(device_id: Annotated[str, typer.Argument(help="The device's id.")]) -> None:
    """Take a device off every page; its messages are refused like those of an unknown one."""
    from hubwell.workflows.register import archiving

    _change(lambda t: archiving.archive_device(t.conn, COMMAND_LINE, device_id, t.now))
    say(f"Device {device_id} is archived; `hubwell device restore {device_id}` brings it back.")


@device_app.command("restore")
def device_restore(device_id: Annotated[str, typer.Argument(help="The device's id.")]) -> None:
    """Bring an archived device back."""
    from hubwell.workflows.register import archiving

    _change(lambda t: archiving.restore_device(t.conn, COMMAND_LINE, device_id))
    print(f"Device {device_id} is back; its waiting messages are stored automatically.")


@demo_app.command("add")
def demo_add() -> None:
    """Register the simulated hub's spaces and devices, in a hub that has none of its own."""
    from hubwell.spaces.demo import seed

    devices = _on_connection(seed)
    if not devices:
        raise refuse("The simulated hub is registered only where no space and no device ever was")
    print(
        f"The simulated hub is registered: {len(devices)} devices. `hubwell demo remove` takes it out again."
    )


@demo_app.command("remove")
def demo_remove() -> None:
    """Take the simulated hub out, with its data; accounts, people and what you changed stay."""
    from hubwell.spaces.demo import Places
    from hubwell.workflows.register import archiving

    async def remove(transaction: CommandTransaction) -> Places:
        places = await archiving.remove_demo(transaction.conn, COMMAND_LINE, transaction.now)
        await transaction.commit(places.facts)
        return places

    places = in_transaction(remove)
    print(
        f"The simulated hub is removed: {len(places.spaces)} spaces, {len(places.devices)} devices. "
        "Its data is deleted within a few minutes while Hubwell runs. "
        "Accounts, people and changed spaces stay."
    )


def _print_archive_preview(space_id: str) -> None:
    from hubwell.workflows.register.spaces import ArchivePreview, preview_archive

    async def work(transaction: CommandTransaction) -> ArchivePreview:
        return await preview_archive(transaction.conn, transaction.settings, space_id, transaction.now)

    found = in_transaction(work)
    contents = found.contents
    row = {
        "people are in": "yes: it cannot be archived now" if contents.people else "no",
        "devices": ", ".join(contents.devices) or "none",
        "open alerts": contents.alerts,
        "open defects": found.defects,
        "sessions to come": found.sessions,
        "readings kept until": found.readings_until or "there is no term",
    }
    print_rows([row], title=space_id, as_json=False)


def _by_language(text: str) -> tuple[str, str]:
    language, _, name = text.partition("=")
    return language, name


def _change(action: Callable[[CommandTransaction], Awaitable[Facts]]) -> None:
    async def work(transaction: CommandTransaction) -> None:
        await transaction.commit(await action(transaction))

    in_transaction(work)


def _on_connection(work: Callable[["Connection[Any]"], Result]) -> Result:
    from hubwell.storage.connect import connect_sync

    with connect_sync(settings().database_url, name="cli") as conn:
        return work(conn)
