"""A table of spaces is previewed, imported and exported by page, API and command alike."""

import re

import pytest

from feed.ingest_setup import rows
from services.access.running_app import send
from services.spaces.register_ways import DETAILED, Ways, accepted


async def table_by(ways: Ways, way: str, table: str, *, apply: bool) -> tuple[bool, str]:
    if way == "command":
        file = ways.folder / "spaces.csv"
        file.write_text(table)
        return await ways.hubwell("space", "import", str(file), *(["--apply"] if apply else []))
    if way == "api":
        content, headers = table.encode(), {"content-type": "text/csv"}
        query = "?apply=true" if apply else ""
        return accepted(
            await ways.program.post(
                f"/api/v1/register/spaces/import{query}", content=content, headers=headers
            )
        )
    preview = await send(ways.boss, "/register/import", page="/register/import", table=table)
    seen = re.search(r'name="seen" value="([^"]*)"', preview.text)
    if not apply or seen is None:
        return accepted(preview)
    return accepted(
        await send(ways.boss, "/register/import/apply", page="/register/import", table=table, seen=seen[1])
    )


@pytest.mark.parametrize("way", ["page", "api", "command"])
async def test_table_is_previewed_then_imported(ways: Ways, way: str) -> None:
    await ways.add("command", **DETAILED)
    table = "id,name,kind,capacity\nlab,Lab,workshop,9\nden,Den,relaxation,4\n"
    good, text = await table_by(ways, way, table, apply=False)
    assert good, text
    assert rows(ways.house.database.url, "SELECT id FROM space") == [("lab",)]
    good, text = await table_by(ways, way, table, apply=True)
    assert good, text
    assert rows(ways.house.database.url, "SELECT id, capacity, zone FROM space ORDER BY id") == [
        ("den", 4, ""),
        ("lab", 9, "north"),
    ]
    assert (await ways.audit())[1:] == [
        ("space.changed", "space:lab", {"settings": ["capacity"]}),
        ("space.added", "space:den", {}),
        ("space.imported", "", {"added": 1, "changed": 1}),
    ]


@pytest.mark.parametrize("way", ["page", "api", "command"])
async def test_table_with_mistakes_changes_nothing_and_names_every_line(ways: Ways, way: str) -> None:
    await ways.add("command")
    table = "id,name,kind,capacity\nlab,Lab,workshop,9\nden,Den,sauna,0\nkiln,LAB,workshop,2\n"
    for apply in (False, True):
        good, text = await table_by(ways, way, table, apply=apply)
        assert not good
        for part in ("ine 3, kind", "ine 3, capacity", "ine 4, name"):
            assert part in text
    assert rows(ways.house.database.url, "SELECT id, capacity FROM space") == [("lab", 8)]


async def test_preview_that_is_outdated_is_shown_again_instead_of_imported(ways: Ways) -> None:
    await ways.add("command")
    table = "id,capacity\nlab,9\n"
    preview = await send(ways.boss, "/register/import", page="/register/import", table=table)
    seen = re.search(r'name="seen" value="([^"]*)"', preview.text)
    assert seen is not None
    await ways.add("command", capacity="20")
    answer = await send(
        ways.boss, "/register/import/apply", page="/register/import", table=table, seen=seen[1]
    )
    assert answer.status_code == 422
    assert "Spaces were changed since you looked at this preview." in answer.text
    assert "20 becomes 9" in answer.text
    assert rows(ways.house.database.url, "SELECT capacity FROM space") == [(20,)]


async def test_export_of_every_way_is_read_back_unchanged(ways: Ways) -> None:
    await ways.add("command", **DETAILED, id="lab", name="=1+1")
    await ways.add("command", id="den", name="'Den")
    tables = [
        (await ways.boss.get("/register/spaces.csv")).text,
        (await ways.boss.get("/register/spaces.csv", headers={"accept-language": "fi"})).text,
        (await ways.program.get("/api/v1/register/spaces.csv")).text,
        (await ways.hubwell("space", "export"))[1],
    ]
    for table in tables:
        assert "'=1+1" in table
        headers = {"content-type": "text/csv"}
        answer = await ways.program.post(
            "/api/v1/register/spaces/import", content=table.encode(), headers=headers
        )
        assert answer.json() == {"applied": False, "changes": [], "unchanged": 2}


async def test_file_is_read_instead_of_the_text_and_an_empty_form_is_answered(ways: Ways) -> None:
    csrf = re.search(r'name="csrf" value="([^"]*)"', (await ways.boss.get("/register/import")).text)
    assert csrf is not None
    data = {"csrf": csrf[1], "table": "nonsense"}
    table = b"name,kind,capacity\nKiln,workshop,3\n"
    preview = await ways.boss.post("/register/import", data=data, files={"file": ("spaces.csv", table)})
    assert preview.status_code == 200
    assert "Kiln" in preview.text
    empty = await ways.boss.post("/register/import", data={"csrf": csrf[1]}, files={"file": ("", b"")})
    assert empty.status_code == 422
    assert "Line 1: The table is empty." in empty.text
