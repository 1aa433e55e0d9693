"""Retention: the term of each class of data, and the jobs that delete expired rows and record the proof.

Terms come from `tables.toml`. They are this project's proposal, not law: a site sets its own with
HUBWELL_RETENTION, for example ``{"visit": "30d", "tap": "1d"}``, within the limits there.
"""

import logging
from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import psycopg
from psycopg import AsyncConnection

from hubwell.audit import deletions, log
from hubwell.errors import DomainError
from hubwell.privacy import errors
from hubwell.settings import Settings
from hubwell.storage import tables as described
from hubwell.storage.tables import RetentionClass, tables

_LOG: Final = logging.getLogger(__name__)
_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)
_NOW: Final = timedelta(0)


@dataclass(frozen=True, slots=True)
class Term:
    """The term of a class of data: `keep` from the event in `since`; None for no term.

    `least` and `most` limit what a site may set. Both are None for a fixed term, with the end in the data.
    """

    data: str
    keep: timedelta | None
    least: timedelta | None = None
    most: timedelta | None = None
    since: str = "event"


TERMS: Final = tuple(
    Term(item.name, item.keep, item.least, item.most, item.counted_from) for item in tables().retention
)
"""Every class of `tables.toml`. The ledger of messages has none: its rows hold no people, and a copy of a
message whose row is gone would count as a new one. Published figures have none either: they are of groups."""
ALL: Final = frozenset(term.data for term in TERMS)
BRIEF: Final = frozenset(item.name for item in tables().retention if item.each_minute)
"""Classes with terms of minutes, which are run every minute."""


class Run(NamedTuple):
    """Result of a run for one class: rows deleted, and rows that a check found afterwards."""

    data: str
    older_than: datetime
    rows: int
    left_over: int


def terms(settings: Settings) -> tuple[Term, ...]:
    """Return the table with what the site has set. Raises DomainError."""
    changed = settings.retention
    by_name = {term.data: term for term in TERMS}
    for data, text in changed.items():
        if data not in by_name:
            raise DomainError(errors.CLASS_UNKNOWN, data=data, classes=_settable())
        by_name[data] = _changed(by_name[data], text)
    _check_order(by_name)
    return tuple(by_name.values())


def parse_duration(text: str) -> timedelta:
    """Read ``90d``, ``12h`` or ``5min``. Raises DomainError."""
    try:
        return described.duration(text)
    except ValueError:
        raise DomainError(errors.NOT_A_DURATION, text=text) from None


async def retention_hourly(conn: AsyncConnection[Any], now: datetime, settings: Settings) -> None:
    """Delete expired rows of all classes and record the proofs: the hourly job."""
    await run(conn, now, settings)


async def retention_each_minute(conn: AsyncConnection[Any], now: datetime, settings: Settings) -> None:
    """Delete expired rows of classes with terms of minutes and record the proofs: the job of every minute."""
    await run(conn, now, settings, BRIEF)


async def run(
    conn: AsyncConnection[Any], now: datetime, settings: Settings, only: Container[str] = ALL
) -> list[Run]:
    """Delete expired rows and return the result for each class, in the caller's transaction.

    A class whose deletion fails is rolled back, logged and left to the next run. Raises DomainError.
    """
    results = []
    recorded = await deletions.classes_since(conn, now - _DAY, "retention")
    classes = {item.name: item for item in tables().retention}
    for term in terms(settings):
        if term.keep is None or term.data not in only:
            continue
        try:
            async with conn.transaction():
                result = await _delete(conn, classes[term.data], now - term.keep)
                # A run without rows is recorded once a day: it proves that the rule works, in few entries.
                if result.rows or result.left_over or term.data not in recorded:
                    await deletions.record(conn, why="retention", at=now, **result._asdict())
        except psycopg.Error as error:
            _LOG.warning(
                "retention of %s failed, next attempt at its next run: %s", term.data, type(error).__name__
            )
            continue
        results.append(result)
    return results


async def _delete(conn: AsyncConnection[Any], of: RetentionClass, older: datetime) -> Run:
    """Delete with the SQL of the package that owns the class, and count the remaining rows."""
    tail, empty = described.retention_query(of), described.retention_query(of, empty=True)
    if tail is None:
        raise RuntimeError(f"hubwell/{of.owner}/retention.sql has no query for {of.name}")
    values = {"older": older}
    if of.name == "audit-log":
        rows = await log.trim(conn, older)
    else:
        rows = (await conn.execute(empty or "DELETE " + tail, values)).rowcount
    for further in described.further_queries(of):
        rows += (await conn.execute("DELETE " + further, values)).rowcount
    remaining = await (await conn.execute("SELECT count(*) " + tail, values)).fetchone()
    return Run(of.name, older, rows, int(remaining[0]) if remaining else 0)


def _changed(term: Term, text: str) -> Term:
    keep = parse_duration(text)
    if term.least is None or term.most is None:
        raise DomainError(errors.CLASS_FIXED, data=term.data, classes=_settable())
    if not term.least <= keep <= term.most:
        least, most = duration(term.least), duration(term.most)
        raise DomainError(errors.OUT_OF_RANGE, data=term.data, text=text, least=least, most=most)
    return replace(term, keep=keep)


def _check_order(by_name: Mapping[str, Term]) -> None:
    """Refuse a shorter term of visits than of taps: visits are computed from taps."""
    taps, visits = by_name["tap"].keep, by_name["visit"].keep
    if taps is not None and visits is not None and visits < taps:
        raise DomainError(errors.VISITS_BEFORE_TAPS, visits=duration(visits), taps=duration(taps))


def duration(keep: timedelta) -> str:
    """Return a duration in the notation of settings: ``90d``, ``5min``."""
    if keep % _DAY == _NOW:
        return f"{keep // _DAY}d"
    return f"{keep // _MINUTE}min"


def _settable() -> str:
    return ", ".join(term.data for term in TERMS if term.least is not None)
