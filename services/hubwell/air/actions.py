"""Judge a space's air when new readings came, in the caller's transaction.

Only whole minutes that the new readings reach are judged, in the readings' own time; a late reading judges
its minutes again. The database allows one open episode per rule and space, so judging twice is harmless.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from hubwell.air.rules import (
    CO2_ASR_A3_6,
    RollingMeanRule,
    Sample,
    Transition,
    Verdict,
    minutes_between,
    occupied_at,
    rolling_mean,
    transitions,
)
from hubwell.events import EpisodeOpened, EpisodeResolved, ReadingsStored
from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.air")
RULES: Final = (CO2_ASR_A3_6,)
_PRESENCE: Final = ["presence", "motion", "occupancy"]


@dataclass(frozen=True, slots=True)
class _Span:
    """The minutes to judge."""

    first: datetime
    last: datetime


async def judge(conn: AsyncConnection[Any], stored: ReadingsStored) -> list[EpisodeOpened | EpisodeResolved]:
    """Judge every rule that watches this quantity; return what opened and what resolved."""
    found: list[EpisodeOpened | EpisodeResolved] = []
    for rule in RULES:
        if rule.quantity == stored.quantity:
            found += await _judge_rule(conn, rule, stored)
    return found


async def _judge_rule(
    conn: AsyncConnection[Any], rule: RollingMeanRule, stored: ReadingsStored
) -> list[EpisodeOpened | EpisodeResolved]:
    newest = await _newest(conn, rule, stored)
    minutes = list(minutes_between(stored.first, min(newest, stored.last + rule.window)))
    if not minutes:
        return []
    verdicts = await _verdicts(conn, rule, stored.space_id, minutes)
    values = {"rule": rule.id, "space": stored.space_id, "after": minutes[0], "until": minutes[-1]}
    episodes = await (await conn.execute(_SQL["episode_at"], values)).fetchall()
    is_open = any(opened <= minutes[0] for _, opened, _, _ in episodes)
    peaks = [verdict.mean for verdict in verdicts if verdict.mean is not None]
    found = []
    for change in transitions(rule, verdicts, is_open=is_open):
        event = await _apply(conn, rule, stored.space_id, change)
        if event is not None:
            found.append(event)
    if peaks:
        await conn.execute(_SQL["raise_peak"], {**values, "peak": max(peaks)})
    return found


async def _newest(conn: AsyncConnection[Any], rule: RollingMeanRule, stored: ReadingsStored) -> datetime:
    values = {"space": stored.space_id, "quantity": rule.quantity}
    row = await (await conn.execute(_SQL["newest"], values)).fetchone()
    newest: datetime | None = row[0] if row else None
    return newest if newest is not None else stored.last


async def _verdicts(
    conn: AsyncConnection[Any], rule: RollingMeanRule, space: str, minutes: list[datetime]
) -> list[Verdict]:
    after = minutes[0] - rule.window - rule.longest_hold
    span = {"space": space, "after": after, "until": minutes[-1]}
    rows = await (
        await conn.execute(_SQL["samples"], {**span, "quantities": [rule.quantity, *_PRESENCE]})
    ).fetchall()
    visits = await (await conn.execute(_SQL["visits"], span)).fetchall()
    measured = [Sample(time, value) for quantity, time, value in rows if quantity == rule.quantity]
    presence = [Sample(time, value) for quantity, time, value in rows if quantity != rule.quantity]
    verdicts = []
    for minute in minutes:
        mean, coverage, used = rolling_mean(rule, measured, minute)
        occupied = occupied_at(presence, visits, minute, rule.window)
        verdicts.append(Verdict(minute, mean, coverage, used, occupied))
    return verdicts


async def _apply(
    conn: AsyncConnection[Any], rule: RollingMeanRule, space: str, change: Transition
) -> EpisodeOpened | EpisodeResolved | None:
    verdict = change.verdict
    if change.kind == "open":
        values = {
            "rule": rule.id,
            "version": rule.version,
            "space": space,
            "at": verdict.at,
            "value": verdict.mean,
            "evidence": Jsonb(_evidence(rule, verdict)),
        }
        row = await (await conn.execute(_SQL["open_episode"], values)).fetchone()
        if row is None or verdict.mean is None:
            return None
        return EpisodeOpened(
            episode_id=row[0],
            rule=rule.id,
            rule_version=rule.version,
            space_id=space,
            opened_at=verdict.at,
            value=verdict.mean,
        )
    values = {"rule": rule.id, "space": space, "at": verdict.at}
    row = await (await conn.execute(_SQL["resolve_episode"], values)).fetchone()
    if row is None:
        return None
    return EpisodeResolved(
        episode_id=row[0],
        rule=rule.id,
        rule_version=rule.version,
        space_id=space,
        opened_at=row[1],
        resolved_at=verdict.at,
        peak=row[2],
    )


def _evidence(rule: RollingMeanRule, verdict: Verdict) -> dict[str, Any]:
    """Return what an officer needs to check the verdict a year later."""
    return {
        "source": rule.source,
        "jurisdiction": rule.jurisdiction,
        "legal_status": rule.legal_status,
        "threshold": rule.raise_at,
        "unit": rule.unit,
        "window_minutes": rule.window.total_seconds() / 60,
        "mean": verdict.mean,
        "coverage": round(verdict.coverage, 4),
        "readings": verdict.readings,
        "occupied": verdict.occupied,
        "instrument": "low-cost CO2 sensor: a ventilation indicator, not an exposure measurement",
    }
