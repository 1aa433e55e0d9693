"""`hubwell plan`: floor plans, and where on them spaces are."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hubwell.commands.cli_output import print_rows
from hubwell.commands.cli_transactions import (
    COMMAND_LINE,
    CommandTransaction,
    in_transaction,
    refusals,
    refuse,
)

if TYPE_CHECKING:
    from hubwell.spaces.plans.pictures import Picture

plan_app = typer.Typer(help="Floor plans: pictures on which the board shows spaces.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")]
PlanId = Annotated[int, typer.Argument(help="Id of the plan, as `hubwell plan list` prints it.", min=1)]
SpaceId = Annotated[str, typer.Argument(help="Id of the space.")]
PictureFile = Annotated[Path, typer.Argument(help="An SVG, PNG or JPEG file, or a PDF.")]
Page = Annotated[str, typer.Option(help="Page of a PDF; by default the first.")]


@plan_app.command("list")
def plan_list(json_: Json = False) -> None:
    """List the plans, with how many spaces are on each."""
    from hubwell.spaces.plans import actions

    async def work(transaction: CommandTransaction) -> list[dict[str, Any]]:
        places = await actions.list_places(transaction.conn)
        return [
            {
                "id": plan.id,
                "name": plan.name,
                "pixels": f"{plan.width} x {plan.height}",
                "spaces": sum(place.plan_id == plan.id for place in places),
            }
            for plan in await actions.list_plans(transaction.conn)
        ]

    print_rows(in_transaction(work), title="plans", as_json=json_)


@plan_app.command("add")
def plan_add(
    file: PictureFile, name: Annotated[str, typer.Option(help="Name of the floor.")], page: Page = ""
) -> None:
    """Add a plan from a picture, after the others."""
    from hubwell.workflows.register import plans

    picture = _read(file, page)
    plan_id = in_transaction(lambda t: plans.add_plan(t.conn, COMMAND_LINE, name, picture))
    print(f"Plan {plan_id} is added: `hubwell plan place {plan_id} SPACE X Y` places a space on it.")


@plan_app.command("rename")
def plan_rename(plan_id: PlanId, name: Annotated[str, typer.Argument(help="Name of the floor.")]) -> None:
    """Rename a plan."""
    from hubwell.workflows.register import plans

    _change(lambda t: plans.rename_plan(t.conn, COMMAND_LINE, plan_id, name), f"Plan {plan_id} is renamed.")


@plan_app.command("replace")
def plan_replace(plan_id: PlanId, file: PictureFile, page: Page = "") -> None:
    """Give a plan another picture; spaces keep their places."""
    from hubwell.workflows.register import plans

    picture = _read(file, page)
    change = f"Plan {plan_id} has another picture."
    _change(lambda t: plans.replace_picture(t.conn, COMMAND_LINE, plan_id, picture), change)


@plan_app.command("remove")
def plan_remove(plan_id: PlanId) -> None:
    """Remove a plan with the places on it; the spaces stay."""
    from hubwell.workflows.register import plans

    _change(lambda t: plans.remove_plan(t.conn, COMMAND_LINE, plan_id), f"Plan {plan_id} is removed.")


@plan_app.command("place")
def plan_place(
    plan_id: PlanId,
    space_id: SpaceId,
    x: Annotated[str, typer.Argument(help="From the left, in per cent of the picture.")],
    y: Annotated[str, typer.Argument(help="From the top, in per cent of the picture.")],
) -> None:
    """Place a space on a plan, and off any other."""
    from hubwell.workflows.register import plans

    point = in_transaction(lambda t: plans.place_space(t.conn, COMMAND_LINE, plan_id, space_id, x, y))
    print(f"Space {space_id} is on plan {plan_id}, at {point.x} from the left and {point.y} from the top.")


@plan_app.command("take-off")
def plan_take_off(plan_id: PlanId, space_id: SpaceId) -> None:
    """Take a space off a plan."""
    from hubwell.workflows.register import plans

    change = f"Space {space_id} is off plan {plan_id}."
    _change(lambda t: plans.take_space_off(t.conn, COMMAND_LINE, plan_id, space_id), change)


def _change(work: Callable[[CommandTransaction], Awaitable[None]], change: str) -> None:
    in_transaction(work)
    print(change)


def _read(file: Path, page: str) -> "Picture":
    """Read a file, but not one that is too large; ends the command with its refusal."""
    from hubwell.spaces.plans import pictures
    from hubwell.spaces.plans.formats import LARGEST_BYTES

    try:
        with file.open("rb") as opened:
            content = opened.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise refuse(f"{file} cannot be read: {error.strerror}") from None
    with refusals():
        return pictures.read(content, named=file.name, page=page)
