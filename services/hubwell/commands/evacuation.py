"""`hubwell muster`: the keys of the sealed lists, and the devices that keep one."""

from typing import Annotated, Literal

import typer

from hubwell.commands.cli_output import say
from hubwell.commands.cli_settings import settings
from hubwell.commands.cli_transactions import refusals, refuse

app = typer.Typer(help="Evacuations: keys and stations of the sealed list.", no_args_is_help=True)


@app.command()
def keys(
    replace: Annotated[
        bool, typer.Option("--replace", help="Make new keys; the old parts open no new list.")
    ] = False,
) -> None:
    """Make the keys of the sealed lists; the private key is shown once, as two parts for two officers."""
    from hubwell.evacuation.seal import make_key_parts
    from hubwell.keys import Keys

    folder = Keys(settings().keys_dir)
    parts = make_key_parts()
    with refusals():
        there = folder.muster_key() is not None
        if not there or replace:
            folder.put_muster_key(parts.public)
    if there and not replace:
        raise refuse("There are keys already; `hubwell muster keys --replace` makes new ones")
    print(
        "Two officers, one part each. They are shown now and never again; Hubwell keeps neither.\n\n"
        f"{_card('A', parts.a)}\n{_card('B', parts.b)}\n"
        "Write each on its own card and keep the two apart. With the server gone, both together show the\n"
        "list on a muster station: `hubwell-edge muster` asks for them there. The first four letters of a\n"
        "word are enough; capital letters and numbers make no difference."
    )


def _card(part: str, words: str) -> str:
    """Return a part to copy on a card: numbered words, four to a line."""
    numbered = [f"{number:>2} {word:<9}" for number, word in enumerate(words.split(), 1)]
    lines = [" ".join(numbered[start : start + 4]).rstrip() for start in range(0, len(numbered), 4)]
    return "\n".join([f"Part {part}", *(f"  {line}" for line in lines), ""])


@app.command()
def station(
    device: Annotated[str, typer.Argument(help="The device's id, as in its topics.")],
    state: Annotated[Literal["on", "off"], typer.Argument(help="Whether it keeps a sealed list.")],
) -> None:
    """Choose a device to keep the sealed list of people inside, or stop sending the list to it."""
    from hubwell.spaces.register import set_station
    from hubwell.storage.connect import connect_sync

    with connect_sync(settings().database_url, name="cli") as conn:
        is_registered = set_station(conn, device, on=state == "on")
    if not is_registered:
        raise refuse(f"{device!r}: there is no such device; `hubwell device list` shows them")
    if state == "off":
        print(f"{device} no longer receives the list; the one it has is sealed and becomes out of date.")
        return
    print(f"{device} keeps a sealed list, renewed within half a minute of every change.")
    _warn_without_key()


def _warn_without_key() -> None:
    from hubwell.keys import Keys

    if Keys(settings().keys_dir).muster_key() is None:
        say("There are no keys yet, so nothing is sent: make them with `hubwell muster keys`.")
