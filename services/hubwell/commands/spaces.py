"""`hubwell space` and `hubwell device`: the register of spaces, and of the devices in them."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import typer

from hubwell.commands.cli_output import print_rows
from hubwell.commands.cli_settings import settings
from hubwell.commands.cli_transactions import refusals

space_app = typer.Typer(help="Spaces: what can be used and booked.", no_args_is_help=True)
device_app = typer.Typer(help="Devices: the Raspberry Pis and sensors that may send.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")]
Result = TypeVar("Result")


@space_app.command("add")
def space_add(
    space_id: Annotated[str, typer.Argument(help="Short id: lower-case letters, digits and '-'.")],
    name: Annotated[str, typer.Option(help="Name that people read.")],
    kind: Annotated[str, typer.Option(help="workshop, collaboration or relaxation.")],
    capacity: Annotated[int, typer.Option(help="Number of people.")],
    zone: Annotated[str, typer.Option(help="Where it is.")] = "",
    when_full: Annotated[str | None, typer.Option(help="What its reader does then: warn or refuse.")] = None,
    closes_at: Annotated[
        str | None, typer.Option(help="When forgotten visits end: HH:MM, or hub for the hub's closing time.")
    ] = None,
    personal: Annotated[
        bool | None,
        typer.Option("--personal/--shared", help="One person's room: its presence is never shown."),
    ] = None,
) -> None:
    """Add a space, or change the one with this id; options of its door that are left out stay as they are."""
    from hubwell.spaces.register import put_space

    door = {"when_full": when_full, "closes_at": closes_at, "personal": personal}
    _on_connection(put_space, space_id=space_id, name=name, kind=kind, capacity=capacity, zone=zone, **door)
    print(f"Space {space_id} is registered.")


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
    """Register a device: from then on its messages are stored."""
    from hubwell.spaces.register import put_device

    _on_connection(put_device, device_id=device_id, space_id=space, name=name)
    print(f"Device {device_id} is registered in {space}; its waiting messages are stored automatically.")


@device_app.command("list")
def device_list(json_: Json = False) -> None:
    """List the devices and when each was last heard."""
    from hubwell.spaces.register import list_devices

    print_rows(_on_connection(list_devices), title="devices", as_json=json_)


def _on_connection(work: Callable[..., Result], **values: Any) -> Result:  # noqa: ANN401 - one command's options
    """Run a command's work on a connection; a DomainError ends it with its text and exit code 2."""
    from hubwell.storage.connect import connect_sync

    with refusals(), connect_sync(settings().database_url, name="cli") as conn:
        return work(conn, **values)
