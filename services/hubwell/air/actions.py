"""Judge a space's air when new readings came, in the caller's transaction.

Only whole minutes that the new readings reach are judged, in the readings' own time; a late reading judges
its minutes again, so that episodes are a function of the readings, whatever their order of arrival. One
transaction at a time judges a rule in a space.
"""

from datetime import datetime
from typing import Any, Final

from psycopg import AsyncConnection

from hubwell.air.episodes import Change, Episode, StoredEpisodes
from hubwell.air.rules import (
    CO2_ASR_A3_6,
    STEP,
    RollingMeanRule,
    Sample,
    Stretch,
    Verdict,
    minutes_between,
    occupied_at,
    rolling_mean,
    stretches,
)
from hubwell.events import ReadingsStored
from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.air")
RULES: Final = (CO2_ASR_A3_6,)
_PRESENCE: Final = ["presence", "motion", "occupancy"]


async def judge(conn: AsyncConnection[Any], stored: ReadingsStored) -> list[Change]:
    """Judge every rule that watches this quantity; return what opened and what resolved."""
    found: list[Change] = []
    for rule in RULES:
        if rule.quantity == stored.quantity:
            found += await _judge_rule(conn, rule, stored)
    return found


async def _judge_rule(
    conn: AsyncConnection[Any], rule: RollingMeanRule, stored: ReadingsStored
) -> list[Change]:
    await conn.execute(_SQL["lock_rule"], {"rule": rule.id, "space": stored.space_id})
    episodes = StoredEpisodes(conn, rule, stored.space_id)
    newest = await _newest(conn, rule, stored)
    begin, last = stored.first, min(newest, stored.last + rule.window)
    minutes = list(minutes_between(begin, last))
    if not minutes:
        return []
    first, verdicts = minutes[0], await _verdicts(conn, rule, stored.space_id, minutes)
    while True:
        known = await episodes.between(first, last)
        found = stretches(rule, verdicts, is_open=any(e.opened_at < first for e in known))
        if last >= newest or _agree(found, known, last):
            return await episodes.reconcile(known, found, first, last)
        # The rule held, or did not, differently than was known: what was judged after it may change too.
        begin = await _next(conn, rule, stored.space_id, last)
        last = min(newest, begin + max(rule.window, begin - first))
        minutes = list(minutes_between(begin, last))
        verdicts += await _verdicts(conn, rule, stored.space_id, minutes) if minutes else []


def _agree(found: list[Stretch], known: list[Episode], at: datetime) -> bool:
    """Tell whether the rule holds at the end of the judged minutes as it was known to: the rest then stands."""
    holds = bool(found) and found[-1].end is None
    held = any(episode.resolved_at is None or episode.resolved_at > at for episode in known)
    return holds == held


async def _newest(conn: AsyncConnection[Any], rule: RollingMeanRule, stored: ReadingsStored) -> datetime:
    values = {"space": stored.space_id, "quantity": rule.quantity}
    row = await (await conn.execute(_SQL["newest"], values)).fetchone()
    newest: datetime | None = row[0] if row else None
    return newest if newest is not None else stored.last


async def _next(conn: AsyncConnection[Any], rule: RollingMeanRule, space: str, last: datetime) -> datetime:
    """Return where to judge on after `last`: at once, or where a silence ends that no window reaches across."""
    values = {"space": space, "quantity": rule.quantity, "after": last}
    row = await (await conn.execute(_SQL["next"], values)).fetchone()
    sample: datetime | None = row[0] if row else None
    soon = last.replace(second=0, microsecond=0) + STEP
    return sample if sample is not None and sample > soon + rule.window + rule.longest_hold else soon


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
