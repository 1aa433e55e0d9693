import re
from datetime import timedelta
from typing import get_args

import pytest

from hubwell import vocabulary
from hubwell.storage.connect import connect_sync
from hubwell.vocabulary import LANGUAGES, PRESENCE_QUANTITIES, Role, SpaceKind
from hubwell_wire.enumerations import Language
from hubwell_wire.units import QUANTITIES
from lanes.database_lane import Database


def test_views_read_the_vocabulary(lane_database: Database) -> None:
    with connect_sync(lane_database.url, name="test") as conn:
        row = conn.execute(
            "SELECT suspect(), hold_steps(), slowest_judged(), longest_hold(),"
            " stale_after(), badge_list_old_after(), open_visit_ignored_after(), count_shown_for(),"
            " count_window(), co2_fresh_below(), co2_stuffy_up_to(), presence_quantities(), space_kinds(),"
            " nobody_sensed_after(), headcount()"
        ).fetchone()
    assert row == (
        2,
        1.5,
        timedelta(minutes=11),
        timedelta(minutes=15),
        timedelta(minutes=5),
        timedelta(minutes=15),
        timedelta(hours=16),
        timedelta(minutes=20),
        timedelta(minutes=5),
        1000.0,
        2000.0,
        ["presence", "motion", "occupancy"],
        ["workshop", "collaboration", "relaxation"],
        timedelta(minutes=10),
        "people/count",
    )


def test_planner_sees_the_constants_behind_the_functions(database: Database) -> None:
    with connect_sync(database.url, name="test") as conn:
        plan = "\n".join(row[0] for row in conn.execute("EXPLAIN VERBOSE SELECT * FROM space_now"))
    assert "stale_after" not in plan
    assert "co2_fresh_below" not in plan
    assert "'00:05:00'::interval" in plan


def test_a_changed_word_is_an_upgrade(monkeypatch: pytest.MonkeyPatch, database: Database) -> None:
    from hubwell.storage import vocabulary_functions  # noqa: PLC0415 (to change what it holds)
    from hubwell.storage.migrate import migrate  # noqa: PLC0415 (the same)

    changed = vocabulary_functions._FUNCTIONS | {"stale_after": timedelta(minutes=7)}
    monkeypatch.setattr(vocabulary_functions, "_FUNCTIONS", changed)
    migrate(database.url)
    with connect_sync(database.url, name="test") as conn:
        assert conn.execute("SELECT stale_after()").fetchone() == (timedelta(minutes=7),)


@pytest.mark.parametrize(
    ("constraint", "words"),
    [
        ("space_kind_known", set(SpaceKind)),
        ("account_role_known", set(Role)),
        ("service_token_roles_known", set(Role)),
        ("account_language_known", set(LANGUAGES)),
        ("person_language_known", set(LANGUAGES)),
    ],
)
def test_tables_accept_the_words_of_the_vocabulary(
    database: Database, constraint: str, words: set[str]
) -> None:
    with connect_sync(database.url, name="test") as conn:
        row = conn.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s", (constraint,)
        ).fetchone()
    assert row is not None, constraint
    assert set(re.findall(r"'([a-z]+)'", row[0])) == words


def test_contract_and_vocabulary_agree() -> None:
    assert set(LANGUAGES) == set(get_args(Language))
    assert set(PRESENCE_QUANTITIES) <= QUANTITIES.keys()
    assert vocabulary.CO2 in QUANTITIES
