"""`hubwell screen`: televisions and tablets that are paired, and what each shows."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from hubwell.commands.cli_output import print_rows, say
from hubwell.commands.cli_transactions import COMMAND_LINE, CommandTransaction, in_transaction

if TYPE_CHECKING:
    from hubwell.screens.actions import ScreenEntry

screen_app = typer.Typer(help="Paired televisions and tablets: what each one shows.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")]
ScreenKey = Annotated[
    str, typer.Argument(help="Id or name of the screen, as `hubwell screen list` prints it.")
]


@screen_app.command("list")
def screen_list(json_: Json = False) -> None:
    """List the screens, with what each shows and when it was seen last."""
    from hubwell.screens import actions

    screens = in_transaction(lambda t: actions.list_screens(t.conn, t.now))
    print_rows([_row(screen) for screen in screens], title="screens", as_json=json_)


@screen_app.command("pair")
def screen_pair(
    code: Annotated[str, typer.Argument(help="The code that the screen shows at /screen.")],
    name: Annotated[str, typer.Option(help="Name by which people recognise the screen.")],
    shows: Annotated[str, typer.Option(help="wall, panel or kiosk.")] = "wall",
    space: Annotated[str, typer.Option(help="Id of the space of a panel.")] = "",
    reader: Annotated[str, typer.Option(help="Reader of a kiosk, as DEVICE/READER.")] = "",
) -> None:
    """Pair the screen that shows a code; it changes to its page automatically."""
    from hubwell.workflows import screens

    fields = {"code": code, "name": name, "shows": shows, "space": space, "reader": reader}

    async def work(transaction: CommandTransaction) -> None:
        _, facts = await screens.pair(transaction.conn, COMMAND_LINE, transaction.now, **fields)
        await transaction.commit(facts)

    in_transaction(work)
    say(f"Screen {name} is paired. `hubwell screen list` shows when it was seen last.")


@screen_app.command("change")
def screen_change(
    screen: ScreenKey,
    name: Annotated[str | None, typer.Option(help="Another name.")] = None,
    shows: Annotated[str | None, typer.Option(help="wall, panel or kiosk.")] = None,
    space: Annotated[str | None, typer.Option(help="Id of the space of a panel.")] = None,
    reader: Annotated[str | None, typer.Option(help="Reader of a kiosk, as DEVICE/READER.")] = None,
) -> None:
    """Rename a screen, or let it show something else; what is left out stays as it is."""
    from hubwell.workflows import screens

    fields = {"name": name, "shows": shows, "space": space, "reader": reader}

    async def work(transaction: CommandTransaction) -> None:
        entry = await _find(transaction, screen)
        values = {
            "name": entry.name,
            "shows": str(entry.shows),
            "space": entry.space_id or "",
            "reader": _reader(entry) or "",
        } | {key: value for key, value in fields.items() if value is not None}
        await transaction.commit(await screens.change(transaction.conn, COMMAND_LINE, entry.id, **values))

    in_transaction(work)
    print(f"Screen {screen} is changed; it follows within seconds.")


@screen_app.command("unpair")
def screen_unpair(screen: ScreenKey) -> None:
    """Unpair a screen, such as a lost one: within five seconds it shows nothing else than that."""
    from hubwell.workflows import screens

    async def work(transaction: CommandTransaction) -> None:
        entry = await _find(transaction, screen)
        await transaction.commit(await screens.revoke(transaction.conn, COMMAND_LINE, entry.id))

    in_transaction(work)
    print(f"Screen {screen} is not paired any more.")


async def _find(transaction: CommandTransaction, key: str) -> "ScreenEntry":
    """Return the screen with this id or name; names differ by more than the case of letters."""
    from hubwell.errors import DomainError
    from hubwell.screens import actions
    from hubwell.screens.errors import SCREEN_UNKNOWN

    screen_key = key.strip().lower()
    for entry in await actions.list_screens(transaction.conn, transaction.now):
        if screen_key in {str(entry.id), entry.name.lower()}:
            return entry
    raise DomainError(SCREEN_UNKNOWN)


def _row(screen: "ScreenEntry") -> dict[str, Any]:
    return {
        "id": str(screen.id),
        "name": screen.name,
        "shows": str(screen.shows),
        "space": screen.space_id,
        "reader": _reader(screen),
        "paired_at": screen.paired_at,
        "last_seen_at": screen.last_seen_at,
    }


def _reader(screen: "ScreenEntry") -> str | None:
    return f"{screen.device_id}/{screen.reader}" if screen.device_id else None
