"""Every query of every dashboard, on every database engine, with the macros replaced as Grafana does."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from hubwell.air.rules import CO2_ASR_A3_6
from hubwell.dashboards.files import dashboards
from lanes.database_lane import Database

READER = Path(__file__).resolve().parents[3] / "dashboards" / "database" / "grafana_reader.sql"
PANELS = {panel.id: panel for dashboard in dashboards().values() for panel in dashboard.panels}

# What people read above the columns. A change here is a change that users see.
COLUMNS = {
    1: ["In words"],
    2: [
        "Space",
        "Kind",
        "Where",
        "State",
        "People",
        "Air",
        "CO2",
        "Temperature",
        "Noise",
        "Last heard",
        "Alert since",
        "Alert possible",
    ],
    3: ["time", "metric", "value"],
    4: ["Space", "Lowest", "Mean", "Highest", "Time over the line", "Time with data", "Sensor in doubt"],
    5: ["State", "Space", "What", "Since", "Lasted", "Highest", "Rule"],
    6: ["Device", "Space", "State", "Last heard", "Sensors without news", "Sensors in doubt", "Broker says"],
    7: ["Day", "Stored", "Duplicates", "Rejected", "Lost, declared", "Cause"],
    8: ["Device", "State", "Lost, declared", "Missing"],
}


Rows = list[dict[str, Any]]
Expand = Callable[..., bytes]


class Asker:
    """Asks what a panel asks."""

    def __init__(
        self, conn: psycopg.Connection[Any], since: datetime, until: datetime, expand: Expand
    ) -> None:
        self.conn = conn
        self.since = since
        self.until = until
        self._expand = expand

    def __call__(self, panel: int, interval: str = "5m") -> tuple[list[str], Rows]:
        sql = self._expand(PANELS[panel].sql, since=self.since, until=self.until, interval=interval)
        cursor = self.conn.cursor(row_factory=dict_row)
        rows = cursor.execute(sql).fetchall()
        assert cursor.description is not None
        return [column.name for column in cursor.description], rows


@contextmanager
def as_grafana(conn: psycopg.Connection[Any]) -> Iterator[None]:
    """Have the rights of Grafana's role, and no others; the role goes away with the transaction."""
    with conn.transaction(force_rollback=True):
        conn.execute(READER.read_bytes())
        conn.execute("SET LOCAL ROLE hubwell_grafana")
        conn.execute("SET LOCAL transaction_read_only = on")
        yield


@pytest.fixture
def ask(lane_database: Database, seed: Callable[..., Any], expand: Expand) -> Iterator[Asker]:
    """Ask the seeded hub, on each engine in turn, with Grafana's rights."""
    with psycopg.connect(lane_database.url, autocommit=True) as conn:
        hub = seed(conn)
        with as_grafana(conn):
            yield Asker(conn, hub.since, hub.now, expand)


def by(rows: Rows, column: str) -> dict[str, dict[str, Any]]:
    return {row[column]: row for row in rows}


def test_every_panel_has_its_columns_and_rows(ask: Asker) -> None:
    assert COLUMNS.keys() == PANELS.keys()
    for number, expected in COLUMNS.items():
        names, rows = ask(number)
        assert names == expected, PANELS[number].title
        assert rows, PANELS[number].title
    _check_spaces(by(ask(2)[1], "Space"))
    _check_co2(ask(3)[1], by(ask(4)[1], "Space"))
    _check_devices(by(ask(6)[1], "Device"))
    _check_alerts(ask(5)[1])
    _check_completeness(ask(7)[1], by(ask(8)[1], "Device"))
    _check_sentences([row["In words"] for row in ask(1)[1]])
    for interval in ("5m", "30m", "2h", "1d", "7d"):
        assert ask(3, interval)[1], interval


def test_empty_database_is_no_error(lane_database: Database, expand: Expand) -> None:
    now = datetime.now(UTC)
    with psycopg.connect(lane_database.url, autocommit=True) as conn, as_grafana(conn):
        ask = Asker(conn, now - timedelta(days=30), now, expand)
        for number, expected in COLUMNS.items():
            assert ask(number)[0] == expected
        assert ask(1)[1][0]["In words"] == "No space is registered: add one with `hubwell space add`."
        assert len(ask(7)[1]) in {30, 31}  # a day without messages is a row of zeros, not a missing row


def _check_spaces(spaces: dict[str, dict[str, Any]]) -> None:
    assert {name: (row["State"], row["Air"]) for name, row in spaces.items()} == {
        "Wood workshop": ("used", "stuffy"),
        "Library": ("free", "fresh"),  # a forgotten check-out
        "Quiet room": ("unknown", "unknown"),  # silent for 40 minutes: neither free nor fresh
        "Loft": ("unknown", "unknown"),
    }
    assert {name: row["Alert possible"] for name, row in spaces.items()} == {
        "Wood workshop": "judged",
        "Library": "judged",
        "Quiet room": "silent",
        "Loft": "no-sensor",
    }
    assert next(iter(spaces)) == "Wood workshop"
    assert spaces["Wood workshop"]["People"] == "About a third full (about 5 people)"
    assert spaces["Library"]["People"] == "Probably nobody, check-outs are missing"  # how many is no number
    assert spaces["Loft"]["People"] is None
    assert spaces["Loft"]["Last heard"] is None


def _check_co2(plot: Rows, figures: dict[str, dict[str, Any]]) -> None:
    wood = [row["value"] for row in plot if row["metric"] == "Wood workshop"]
    assert set(wood) == {None, 1450.0}
    first, last = wood.index(1450.0), len(wood) - 1 - wood[::-1].index(1450.0)
    assert None in wood[first:last]  # the quarter of an hour of silence breaks the line
    assert "Loft" not in {row["metric"] for row in plot}
    assert figures["Wood workshop"]["Time over the line"] >= 40 * 60
    assert figures["Library"]["Time over the line"] == 0
    assert 0.1 < figures["Wood workshop"]["Time with data"] < 0.2  # three quarters of one hour of six
    assert figures["Loft"]["Mean"] is None


def _check_devices(devices: dict[str, dict[str, Any]]) -> None:
    assert {name: row["State"] for name, row in devices.items()} == {
        "spare-1": "never",
        "quiet-1": "silent",  # although the broker says that it is online
        "library-1": "partly",
        "wood-1": "sends",
    }
    assert list(devices)[:2] == ["spare-1", "quiet-1"]
    assert devices["library-1"]["Sensors without news"] == "bme280/temp"
    assert devices["quiet-1"]["Last heard"] >= 40 * 60
    assert devices["quiet-1"]["Broker says"] == "unknown"


def _check_alerts(alerts: Rows) -> None:
    assert [(row["State"], row["Space"]) for row in alerts] == [
        ("open", "Wood workshop"),
        ("resolved", "Library"),
    ]
    assert alerts[0]["What"] == CO2_ASR_A3_6.id
    assert alerts[1]["Lasted"] == 3600


def _check_completeness(days: Rows, devices: dict[str, dict[str, Any]]) -> None:
    assert days[0] | {"Day": ""} == {
        "Day": "",
        "Stored": 10,
        "Duplicates": 1,
        "Rejected": 2,
        "Lost, declared": 3,
        "Cause": "outbox-full",
    }
    wood = devices["wood-1"]
    assert (wood["Lost, declared"], wood["Missing"]) == (3, 4)
    assert wood["State"] == "missing"
    assert devices["quiet-1"]["State"] == "complete"


def _check_sentences(sentences: list[str]) -> None:
    assert sentences == [
        "Spaces: 1 free, 1 in use, 2 not known; 4 in all.",
        "Air: 1 fresh, 1 stuffy, 0 bad, 2 not known. No alert is possible: 1.",
        "Open alerts: 1.",
        "Devices: 2 send, 1 silent for more than five minutes, 1 never heard; 4 in all.",
        "People in the hub: not shown, to protect a small group.",
    ]


@pytest.fixture
def reader(database: Database, seed: Callable[..., Any]) -> Iterator[psycopg.Connection[Any]]:
    """A connection of Grafana's role to the seeded hub, made as the production set-up makes it."""
    with psycopg.connect(database.url, autocommit=True) as owner:
        seed(owner)
        for _ in range(2):  # it runs after every migration
            owner.execute("SET hubwell.grafana_password = 'it''s only a test'")
            owner.execute("SET hubwell.zone = 'Europe/Tallinn'")
            owner.execute(READER.read_bytes())
        url = make_conninfo(database.url, user="hubwell_grafana", password="it's only a test")  # noqa: S106 - opens nothing
        with psycopg.connect(url, autocommit=True) as conn:
            yield conn
        owner.execute("DROP OWNED BY hubwell_grafana")
        owner.execute("DROP ROLE hubwell_grafana")


PERSONAL = [
    "SELECT received_at FROM message",  # with the sensors' rhythm known, an odd one is a tap
    "SELECT last_received_at FROM stream",
    "SELECT * FROM gap",
    "SELECT size FROM rejected",
    "SELECT * FROM reading",
    "SELECT * FROM event",
    "SELECT * FROM delivery",
    "SELECT args FROM procrastinate_jobs",
    "SELECT payload FROM rejected",
    "SELECT reason FROM rejected",
    "SELECT time FROM message",
    "SELECT kind FROM message",
    "SELECT readings FROM message",
    "SELECT meta FROM device",
    "SELECT evidence FROM episode",
]
WRITES = ["UPDATE space SET name = 'x'", "CREATE TABLE mine (n int)", "DELETE FROM gap"]


def test_reader_sees_the_dashboard_and_nobody(reader: psycopg.Connection[Any], expand: Expand) -> None:
    assert reader.execute("SHOW timezone").fetchone() == ("Europe/Tallinn",)  # days are days of the hub
    now = datetime.now(UTC)
    for panel in PANELS.values():
        sql = expand(panel.sql, since=now - timedelta(days=7), until=now, interval="10m")
        assert reader.execute(sql).fetchall(), panel.title
    for personal in PERSONAL:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute(personal.encode())


READABLE = {
    *("space_published", "series_published", "space", "series", "people_figure", "people_now"),
    *("device_published", "episode_published", "ledger_published", "ledger_complete_published"),
    *("device", "rejected"),
}


def test_reader_may_read_these_and_no_other_table(reader: psycopg.Connection[Any]) -> None:
    """A table that a later release adds is closed until somebody opens it on purpose."""
    found = reader.execute(
        """SELECT c.relname FROM pg_class c
           WHERE c.relkind IN ('r', 'v', 'm', 'p') AND c.relnamespace = 'public'::regnamespace
             AND has_any_column_privilege(c.oid, 'SELECT')"""
    ).fetchall()
    assert {name for (name,) in found} == READABLE
    for table in (
        "person",
        "credential",
        "credential_pseudonym",
        "tap",
        "visit",
        "people_gate",
        "audit_entry",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table)))


def test_reader_cannot_write(reader: psycopg.Connection[Any]) -> None:
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        reader.execute(WRITES[0].encode())
    reader.execute("SET default_transaction_read_only = off")  # a default only: the rights hold by themselves
    for write in WRITES:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute(write.encode())
