"""`hubwell muster`: the keys of the sealed lists, and which devices keep one."""

from typing import Annotated, Literal

import typer

from hubwell.commands.cli_settings import settings
from hubwell.commands.cli_transactions import refusals, refuse

app = typer.Typer(help="Musters: who is inside when the hub has to be left.", no_args_is_help=True)


@app.command()
def keys(
    replace: Annotated[
        bool, typer.Option("--replace", help="Make new keys: the parts of the old ones open nothing new.")
    ] = False,
) -> None:
    """Make the keys of the sealed lists; the private one is shown once, as two parts for two officers."""
    from hubwell.evacuation.seal import make_key_parts
    from hubwell.keys import Keys

    folder = Keys(settings().keys_dir)
    made = make_key_parts()
    with refusals():
        there = folder.muster_key() is not None
        if not there or replace:
            folder.put_muster_key(made.public)
    if there and not replace:
        raise refuse("There are keys already; `hubwell muster keys --replace` makes new ones")
    print(
        "Two officers, one part each. They are shown now and never again; Hubwell keeps neither.\n\n"
        f"Part A: {made.a.hex()}\nPart B: {made.b.hex()}\n\n"
        "Write each on its own card and keep the two apart. With the server gone, both together show the\n"
        "list on a muster station: `hubwell-edge muster` asks for them there."
    )


@app.command()
def station(
    device: Annotated[str, typer.Argument(help="The device's id, as in its topics.")],
    state: Annotated[Literal["on", "off"], typer.Argument(help="Whether it keeps a sealed list.")],
) -> None:
    """Choose a device to keep a sealed list of who is inside, or let it keep none from now on."""
    from hubwell.spaces.register import set_station
    from hubwell.storage.connect import connect_sync

    with connect_sync(settings().database_url, name="cli") as conn:
        is_registered = set_station(conn, device, on=state == "on")
    if not is_registered:
        raise refuse(f"{device!r}: there is no such device; `hubwell device list` shows them")
    if state == "off":
        print(f"{device} gets no list any more; what it holds is sealed and grows old.")
        return
    print(f"{device} keeps a sealed list, renewed within half a minute of every change.")
    _warn_without_key()


def _warn_without_key() -> None:
    from hubwell.keys import Keys

    if Keys(settings().keys_dir).muster_key() is None:
        print("There are no keys yet, so nothing is sent: make them with `hubwell muster keys`.")
