import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.agent_builders import NOON, stamp
from edge.taps.sample_badges import BADGE, OTHER, bytes_below
from hubwell_edge.clock import Stamp
from hubwell_edge.taps.local_presence import FILE, LONGEST_STAY_MS, RETENTION_MS, LocalPresence, read_since

LATER = stamp(NOON + 1000, 2000)


@pytest.fixture
def presence(tmp_path: Path) -> Iterator[LocalPresence]:
    local_presence = LocalPresence(tmp_path)
    yield local_presence
    local_presence.close()


def note(local_presence: LocalPresence, badge: str, at: Stamp, *, inside: bool) -> None:
    local_presence.save(local_presence.record([badge], "door", at, inside=inside))


def test_who_came_in_is_in_until_they_go_also_after_a_restart(
    presence: LocalPresence, tmp_path: Path
) -> None:
    assert not presence.inside([BADGE], LATER)
    note(presence, BADGE, stamp(), inside=True)
    assert presence.inside([OTHER, BADGE], LATER)
    again = LocalPresence(tmp_path)
    assert again.inside([BADGE], LATER)
    note(again, BADGE, LATER, inside=False)
    assert not again.inside([BADGE], LATER)
    again.close()


def test_until_the_longest_stay_the_next_tap_is_leaving(presence: LocalPresence) -> None:
    """As on the server, also after closing time."""
    note(presence, BADGE, stamp(), inside=True)
    assert presence.inside([BADGE], stamp(NOON + LONGEST_STAY_MS))
    assert not presence.inside([BADGE], stamp(NOON + LONGEST_STAY_MS + 1))


def test_after_sixteen_hours_nobody_is_known_any_more(presence: LocalPresence, tmp_path: Path) -> None:
    note(presence, BADGE, stamp(), inside=True)
    note(presence, OTHER, stamp(NOON + RETENTION_MS), inside=False)
    evening = stamp(NOON + RETENTION_MS + 1)
    assert not presence.inside([BADGE], evening)
    presence.prune(stamp(NOON + RETENTION_MS + 1, synced=False))
    assert presence.badges == {BADGE, OTHER}
    presence.prune(evening)
    assert presence.badges == {OTHER}
    assert [seen.badge for seen in read_since(tmp_path, 0)] == [OTHER]


def test_times_of_a_clock_that_was_not_set_are_put_right(presence: LocalPresence, tmp_path: Path) -> None:
    note(presence, BADGE, stamp(5000, 5000, synced=False), inside=True)
    now = stamp(NOON, 10_000)
    assert presence.inside([BADGE], now)
    presence.prune(now)
    (seen,) = read_since(tmp_path, 0)
    assert seen.at == Stamp(NOON - 5000, 5000, synced=True)


def test_forgotten_badge_leaves_no_byte(presence: LocalPresence, tmp_path: Path) -> None:
    note(presence, BADGE, stamp(), inside=True)
    note(presence, OTHER, stamp(), inside=True)
    assert BADGE.encode() in bytes_below(tmp_path)
    presence.forget({BADGE})
    assert BADGE.encode() not in bytes_below(tmp_path)
    assert OTHER.encode() in bytes_below(tmp_path)
    assert not presence.inside([BADGE], LATER)


def test_later_taps_are_read_beside_a_running_agent(presence: LocalPresence, tmp_path: Path) -> None:
    note(presence, BADGE, LATER, inside=True)
    note(presence, OTHER, stamp(), inside=True)
    assert [seen.badge for seen in read_since(tmp_path, NOON - 1)] == [OTHER, BADGE]
    assert [seen.badge for seen in read_since(tmp_path, NOON)] == [BADGE]
    assert read_since(tmp_path / "elsewhere", 0) == []


def test_file_that_is_none_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"this was a database once " * 400)
    local_presence = LocalPresence(tmp_path)
    note(local_presence, BADGE, stamp(), inside=True)
    assert local_presence.inside([BADGE], LATER)
    local_presence.close()


def test_file_of_an_older_version_is_begun_anew(tmp_path: Path) -> None:
    older = sqlite3.connect(tmp_path / FILE)
    older.execute("CREATE TABLE seen (badge TEXT PRIMARY KEY, inside, reader, wall_ms, mono_ms, synced)")
    older.execute("INSERT INTO seen VALUES (?, 1, 'door', ?, 1000, 1)", (OTHER, NOON))
    older.commit()
    older.close()
    with pytest.raises(sqlite3.Error):
        read_since(tmp_path, 0)
    local_presence = LocalPresence(tmp_path)
    note(local_presence, BADGE, stamp(), inside=True)
    assert [seen.badge for seen in read_since(tmp_path, 0)] == [BADGE]
    local_presence.close()


def test_disk_that_refuses_stops_nothing_and_is_told_once(
    presence: LocalPresence, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = sqlite3.connect(tmp_path / FILE)
    other.execute("DROP TABLE seen")
    other.close()
    note(presence, BADGE, stamp(), inside=True)
    note(presence, OTHER, stamp(), inside=True)
    assert presence.inside([BADGE], LATER)
    assert len(caplog.records) == 1
    assert BADGE not in caplog.text
