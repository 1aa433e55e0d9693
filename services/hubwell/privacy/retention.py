"""How long each class of data stays, and the hourly run that deletes what is over its time and proves it.

Every number is this project's proposal, not law: a site sets its own with HUBWELL_RETENTION, for example
``{"visit": "30d", "tap": "1d"}``, within the limits of the table below.
"""

import logging
import re
from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import psycopg
from psycopg import AsyncConnection

from hubwell.audit import log
from hubwell.settings import Settings
from hubwell.storage.queries import Queries

_LOG: Final = logging.getLogger(__name__)
_SQL: Final = Queries("hubwell.privacy", "retention.sql")
_MINUTE, _DAY, _YEAR = timedelta(minutes=1), timedelta(days=1), timedelta(days=365)
_NOW: Final = timedelta(0)
_DURATION: Final = re.compile(r"(\d{1,6})\s*(min|h|d)")
_UNITS: Final = {"min": _MINUTE, "h": timedelta(hours=1), "d": _DAY}


class RetentionError(ValueError):
    """HUBWELL_RETENTION cannot be used; the sentence says why and what would do."""


@dataclass(frozen=True, slots=True)
class Term:
    """How long a class of data stays: `keep` from the moment in `since`; None for as long as the hub wants.

    `least` and `most` bound what a site may set; both None: nothing to set, the data says when it ends.
    """

    data: str
    keep: timedelta | None
    least: timedelta | None = None
    most: timedelta | None = None
    since: str = "event"


TERMS: Final = (
    #    class               stays              at least        at most           counted from
    Term("tap",              3 * _DAY,          _DAY,           14 * _DAY),
    Term("visit",            90 * _DAY,         _DAY,           2 * _YEAR,        "end"),
    Term("counted-person",   _DAY,              since="last-visit"),
    Term("suspicion",        30 * _DAY,         _DAY,           90 * _DAY),
    Term("desk-tap",         2 * _MINUTE,       _MINUTE,        10 * _MINUTE),
    Term("code",             _NOW,              since="expiry"),
    Term("sign-in",          _NOW,              since="expiry"),
    Term("session-roll",     _NOW,              since="expiry"),
    Term("muster-list",      _NOW,              since="closing"),
    Term("muster-report",    2 * _YEAR,         30 * _DAY,      10 * _YEAR,       "closing"),
    Term("tombstone",        _NOW,              since="expiry"),
    Term("rejected-payload", 30 * _DAY,         _DAY,           90 * _DAY),
    Term("delivery",         400 * _DAY,        30 * _DAY,      10 * _YEAR),
    Term("reading",          None,              30 * _DAY,      50 * _YEAR),
    Term("audit-log",        2 * _YEAR,         _YEAR,          10 * _YEAR),
    Term("proof",            2 * _YEAR,         _YEAR,          10 * _YEAR),
)  # fmt: skip
"""Every class. Deliveries stay longer than a year, so that an alert can be proven a year later. The ledger of
messages is not here: its rows hold no people, and a copy of a message whose row is gone would count anew.
Published figures are not here either: they are of groups and stay."""
ALL: Final = frozenset(term.data for term in TERMS)
BRIEF: Final = frozenset(("desk-tap", "code", "sign-in", "muster-list"))
"""What stays for minutes, and is looked after every minute."""


class Proof(NamedTuple):
    """One row of the table of deletions."""

    number: int
    data: str
    why: str
    older_than: datetime | None
    rows: int
    left_over: int
    ran_at: datetime


class Run(NamedTuple):
    """What a run did to one class."""

    data: str
    older_than: datetime
    rows: int
    left_over: int


def terms(settings: Settings) -> tuple[Term, ...]:
    """Return the table with what the site has set. Raises RetentionError."""
    changed = settings.retention
    by_name = {term.data: term for term in TERMS}
    for data, text in changed.items():
        if data not in by_name:
            raise RetentionError(f"HUBWELL_RETENTION: {data!r} is no class of data; there are {_settable()}")
        by_name[data] = _changed(by_name[data], text)
    _check_order(by_name)
    return tuple(by_name.values())


def parse_duration(text: str) -> timedelta:
    """Read ``90d``, ``12h`` or ``5min``. Raises RetentionError."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise RetentionError(f"HUBWELL_RETENTION: {text!r} is no duration; write '90d', '12h' or '5min'")
    return int(match[1]) * _UNITS[match[2]]


async def retention_hourly(conn: AsyncConnection[Any], now: datetime, settings: Settings) -> None:
    """Delete what is over its time, class by class, and record the proof: the job of every hour."""
    await run(conn, now, settings)


async def retention_each_minute(conn: AsyncConnection[Any], now: datetime, settings: Settings) -> None:
    """Do the same for what stays for minutes only: the job of every minute."""
    await run(conn, now, settings, BRIEF)


async def run(
    conn: AsyncConnection[Any], now: datetime, settings: Settings, only: Container[str] = ALL
) -> list[Run]:
    """Delete what is over its time and return what was done to each class, in the caller's transaction.

    A class that cannot be deleted is left whole for the next run and logged. Raises RetentionError.
    """
    done = []
    since = {"since": now - _DAY}
    recorded = {row[0] for row in await (await conn.execute(_SQL["recorded_since"], since)).fetchall()}
    for term in terms(settings):
        if term.keep is None or term.data not in only:
            continue
        try:
            async with conn.transaction():
                result = await _delete(conn, term.data, now - term.keep)
                # A run that found nothing is recorded once a day: the rule is seen to work, without a flood.
                if result.rows or result.left_over or term.data not in recorded:
                    await _record(conn, result, now)
        except psycopg.Error as error:
            _LOG.warning("retention of %s is left for its next turn: %s", term.data, type(error).__name__)
            continue
        done.append(result)
    return done


async def proofs(conn: AsyncConnection[Any], most: int) -> list[Proof]:
    """Return the newest proofs of deletion, of retention and of erasure."""
    rows = await (await conn.execute(_SQL["newest_proofs"], {"most": most})).fetchall()
    return [Proof(*row) for row in rows]


async def last_runs(conn: AsyncConnection[Any]) -> dict[str, Proof]:
    """Return the last proof of retention for each class."""
    rows = await (await conn.execute(_SQL["last_proof_of_each"])).fetchall()
    return {proof.data: proof for proof in (Proof(*row) for row in rows)}


async def _delete(conn: AsyncConnection[Any], data: str, older: datetime) -> Run:
    values, tail = {"older": older}, _SQL[data.replace("-", "_")]
    match data:
        case "audit-log":
            rows = await log.trim(conn, older)
        case "rejected-payload":
            rows = (await conn.execute(_SQL["empty_rejected_payload"], values)).rowcount
        case _:
            rows = (await conn.execute("DELETE " + tail, values)).rowcount
    if data == "muster-list":
        tail = _SQL["muster_list_left"]
    left = await (await conn.execute("SELECT count(*) " + tail, values)).fetchone()
    return Run(data, older, rows, int(left[0]) if left else 0)


async def _record(conn: AsyncConnection[Any], done: Run, now: datetime) -> None:
    values = {"class": done.data, "older": done.older_than, "rows": done.rows}
    await conn.execute(_SQL["record"], {**values, "left_over": done.left_over, "now": now})


def _changed(term: Term, text: str) -> Term:
    keep = parse_duration(text)
    if term.least is None or term.most is None:
        raise RetentionError(f"HUBWELL_RETENTION: {term.data!r} cannot be set; what can is {_settable()}")
    if not term.least <= keep <= term.most:
        raise RetentionError(
            f"HUBWELL_RETENTION: {term.data} {text!r} is outside of what makes sense: "
            f"{duration(term.least)} to {duration(term.most)}"
        )
    return replace(term, keep=keep)


def _check_order(by_name: Mapping[str, Term]) -> None:
    """Visits are worked out from taps, and may not go before them."""
    taps, visits = by_name["tap"].keep, by_name["visit"].keep
    if taps is not None and visits is not None and visits < taps:
        raise RetentionError(
            f"HUBWELL_RETENTION: visits ({duration(visits)}) stay at least as long as taps ({duration(taps)})"
        )


def duration(keep: timedelta) -> str:
    """Write a duration as it is set: ``90d``, ``5min``."""
    if keep % _DAY == _NOW:
        return f"{keep // _DAY}d"
    return f"{keep // _MINUTE}min"


def _settable() -> str:
    return ", ".join(term.data for term in TERMS if term.least is not None)
