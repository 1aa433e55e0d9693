"""The demonstration comes with two floors and its spaces on them; they go with it, and never come twice."""

from importlib.resources import files
from typing import Any

from psycopg import AsyncConnection

from hubwell.commands.up.schema import prepare
from hubwell.spaces.plans import actions, pictures
from hubwell.storage.connect import connect_sync
from hubwell.workflows.register import plans
from lanes.database_lane import Database
from services.spaces.plans.sample_pictures import SVG
from services.spaces.test_demo import ADMIN, remove, rows

PLANS = "SELECT name FROM floor_plan ORDER BY position"
PLACED = """
    SELECT p.name, count(*) FROM space_place l JOIN floor_plan p ON p.id = l.plan_id
    GROUP BY p.id ORDER BY p.position
"""
OFF = "SELECT id FROM space WHERE id NOT IN (SELECT space_id FROM space_place)"


async def test_every_space_of_the_demonstration_is_on_one_of_two_floors(database: Database) -> None:
    prepare(database.url, demo=True)

    assert rows(database.url, PLACED) == [("Ground floor", 5), ("First floor", 4)]
    assert rows(database.url, OFF) == []
    zones = "SELECT DISTINCT split_part(zone, ',', 1), p.name FROM space s, space_place l, floor_plan p "
    zones += "WHERE l.space_id = s.id AND p.id = l.plan_id ORDER BY 1"
    assert rows(database.url, zones) == [("First floor", "First floor"), ("Ground floor", "Ground floor")]


async def test_floors_are_drawings_as_an_upload_would_be_stored(database: Database) -> None:
    """The files that are shipped pass the check of uploads, and are small."""
    prepare(database.url, demo=True)
    folder = files("hubwell.spaces.plans").joinpath("demo")
    for file, name in (("ground-floor.svg", "Ground floor"), ("first-floor.svg", "First floor")):
        content = folder.joinpath(file).read_bytes()
        assert len(content) < 12_000
        uploaded = pictures.read(content, named=file)
        columns = "SELECT digest, width, height, media_type, is_paper FROM floor_plan WHERE name = %s"
        assert rows(database.url, columns, name) == [
            (uploaded.digest, uploaded.width, uploaded.height, uploaded.media_type, uploaded.is_paper)
        ]
        assert b"<text" not in content  # a picture cannot be translated


async def test_deleted_floor_does_not_return_at_the_next_start(database: Database) -> None:
    prepare(database.url, demo=True)
    (first,) = rows(database.url, "SELECT id FROM floor_plan WHERE name = 'First floor'")
    await change(database.url, lambda conn: plans.remove_plan(conn, ADMIN, first))

    prepare(database.url, demo=True)

    assert rows(database.url, PLANS) == ["Ground floor"]


async def test_real_hub_gets_no_floor(database: Database) -> None:
    prepare(database.url, demo=False)
    assert rows(database.url, PLANS) == []


async def test_hub_that_has_a_plan_keeps_its_own_alone(database: Database) -> None:
    prepare(database.url, demo=False)
    await change(database.url, lambda conn: actions.add(conn, "Ground floor", pictures.read(SVG)))

    assert prepare(database.url, demo=True) != []

    assert rows(database.url, PLANS) == ["Ground floor"]
    assert rows(database.url, PLACED) == []


async def test_floors_go_with_the_demonstration(database: Database) -> None:
    prepare(database.url, demo=True)
    await remove(database.url)
    assert rows(database.url, PLANS) == []
    prepare(database.url, demo=True)
    assert rows(database.url, PLANS) == []


async def test_changed_floor_and_floor_with_an_own_space_stay(database: Database) -> None:
    prepare(database.url, demo=True)
    ground, first = rows(database.url, "SELECT id FROM floor_plan ORDER BY position")
    await change(database.url, lambda conn: plans.replace_picture(conn, ADMIN, ground, pictures.read(SVG)))
    with connect_sync(database.url, name="test") as conn:
        conn.execute("UPDATE space SET name = 'Library' WHERE id = 'quiet-corner'")

    await remove(database.url)

    assert rows(database.url, PLACED) == [("First floor", 1)]
    assert rows(database.url, "SELECT id FROM floor_plan ORDER BY position") == [ground, first]


async def change(url: str, work: Any) -> None:
    async with await AsyncConnection.connect(url) as conn:
        await work(conn)
