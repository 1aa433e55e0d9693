"""`hubwell screen`: screens are listed, paired, changed and unpaired by command, as on their page."""

import asyncio
import json
from typing import Any

from typer.testing import CliRunner, Result

from hubwell.cli import app
from services.web.screens.screen_browsers import Foyer, text_of

UNPAIRED = "This screen is not paired any more."


async def hubwell(foyer: Foyer, *words: str) -> Result:
    env = {"HUBWELL_DATABASE_URL": foyer.url}
    return await asyncio.to_thread(CliRunner().invoke, app, ["screen", *words], env=env)


async def screens(foyer: Foyer) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads((await hubwell(foyer, "list", "--json")).stdout)["screens"]
    return listed


async def actions(foyer: Foyer) -> list[str]:
    found = await foyer.house.value(
        "SELECT array_agg(action ORDER BY id) FROM audit_entry WHERE actor = 'cli'"
    )
    return list(found or [])


async def test_screen_is_paired_changed_and_unpaired(foyer: Foyer) -> None:
    screen, code = await foyer.waiting()
    assert "No screens" in (await hubwell(foyer, "list")).stdout

    paired = await hubwell(foyer, "pair", f"{code[:3].lower()} {code[3:].lower()}", "--name", "Foyer")
    assert paired.exit_code == 0, paired.output
    assert 'class="tiles"' in (await screen.get("/screen")).text
    (row,) = await screens(foyer)
    assert (row["name"], row["shows"], row["space"], row["reader"]) == ("Foyer", "wall", None, None)
    assert row["last_seen_at"]

    changed = await hubwell(foyer, "change", "foyer", "--shows", "panel", "--space", "lab")
    assert changed.exit_code == 0, changed.stderr
    assert "spaces are free" not in text_of(await screen.get("/screen"))
    assert (await hubwell(foyer, "change", row["id"], "--name", "Door of the lab")).exit_code == 0
    (row,) = await screens(foyer)
    assert (row["name"], row["shows"], row["space"]) == ("Door of the lab", "panel", "lab")
    assert "Door of the lab" in (await hubwell(foyer, "list")).stdout

    assert (await hubwell(foyer, "unpair", "Door of the lab")).exit_code == 0
    assert UNPAIRED in (await screen.get("/screen")).text
    assert await screens(foyer) == []
    assert await actions(foyer) == ["screen.paired", "screen.changed", "screen.changed", "screen.revoked"]


async def test_kiosk_names_its_reader_and_keeps_it_when_it_is_renamed(foyer: Foyer) -> None:
    _, code = await foyer.waiting()
    words = ("--name", "Hall", "--shows", "kiosk", "--reader", "kiosk-pi/kiosk")
    assert (await hubwell(foyer, "pair", code, *words)).exit_code == 0
    assert (await hubwell(foyer, "change", "Hall", "--name", "Great hall")).exit_code == 0
    (row,) = await screens(foyer)
    assert (row["name"], row["shows"], row["reader"]) == ("Great hall", "kiosk", "kiosk-pi/kiosk")


async def test_refusals_name_the_field_and_change_nothing(foyer: Foyer) -> None:
    _, code = await foyer.waiting()
    for words, said in (
        (("pair", "ABCDEF", "--name", "Foyer"), "code: No screen shows this code now."),
        (("pair", code, "--name", " "), "name: Enter a name"),
        (("pair", code, "--name", "A", "--shows", "film"), "shows: Choose what the screen shows"),
        (("pair", code, "--name", "A", "--shows", "panel", "--space", "attic"), "There is no such space."),
        (("pair", code, "--name", "A", "--shows", "kiosk"), "reader: There is no such reader"),
        (("change", "Foyer", "--name", "Hall"), "There is no such screen."),
        (("unpair", "Foyer"), "There is no such screen."),
    ):
        refused = await hubwell(foyer, *words)
        assert refused.exit_code == 2, words
        assert said in refused.stderr, words
    assert await foyer.house.value("SELECT count(*) FROM screen") == 0
    assert await foyer.house.value("SELECT count(*) FROM screen_code") == 1, "the code is not used up"
    assert await actions(foyer) == []
