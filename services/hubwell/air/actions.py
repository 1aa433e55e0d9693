"""Judge a space's air when new readings came, in the caller's transaction.

Only whole minutes that the new readings reach are judged, in the readings' own time; a late reading judges
its minutes again, so that episodes are a function of the readings, whatever their order of arrival. One
transaction at a time judges a rule in a space.
"""

from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

from psycopg import AsyncConnection

from hubwell.air.episodes import Change, Episode, StoredEpisodes
from hubwell.air.rules import (
    CO2_ASR_A3_6,
    STEP,
    Evaluation,
    HoldInterval,
    RollingMean,
    RollingMeanRule,
    hold_intervals,
    minutes_between,
    occupied_at,
)
from hubwell.events import ReadingsStored, Span
from hubwell.storage.queries import Queries
from hubwell.vocabulary import PRESENCE_QUANTITIES

_SQL: Final = Queries("hubwell.air")
RULES: Final = (CO2_ASR_A3_6,)


@dataclass(slots=True)
class _Window:
    """The minutes to judge in one space, and what the rule looks at for them."""

    space_id: str
    minutes: list[datetime]
    last: datetime
    times: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    seen: list[float] = field(default_factory=list)
    visits: list[tuple[datetime, datetime | None]] = field(default_factory=list)
    episodes: list[Episode] = field(default_factory=list)


async def evaluate(conn: AsyncConnection[Any], stored: ReadingsStored) -> list[Change]:
    """Judge every rule that watches this quantity; return what opened and what resolved."""
    found: list[Change] = []
    for rule in RULES:
        if rule.quantity != stored.quantity:
            continue
        await conn.execute(_SQL["lock_rule"], {"rule": rule.id, "spaces": list(stored.spaces)})
        waiting = list(stored.spans)
        while waiting:  # a space with two spans is judged twice, the second time with what came of the first
            turn = {span.space_id: span for span in reversed(waiting)}
            waiting = [span for span in waiting if turn[span.space_id] is not span]
            found += await _judge_spans(conn, rule, list(turn.values()))
    return found


async def _judge_spans(conn: AsyncConnection[Any], rule: RollingMeanRule, spans: list[Span]) -> list[Change]:
    """Judge one span in each of several spaces, asking the database for all of them at once."""
    values = {"spaces": [span.space_id for span in spans], "quantity": rule.quantity}
    newest = dict(await (await conn.execute(_SQL["newest"], values)).fetchall())
    windows = []
    for span in sorted(spans, key=attrgetter("space_id")):
        last = min(newest.get(span.space_id) or span.last, span.last + rule.window)
        windows.append(_Window(span.space_id, list(minutes_between(span.first, last)), last))
    windows = [window for window in windows if window.minutes]
    await _fill(conn, rule, windows)
    found: list[Change] = []
    for window in windows:
        found += await _judge_window(conn, rule, window, newest.get(window.space_id) or window.last)
    return found


async def _judge_window(
    conn: AsyncConnection[Any], rule: RollingMeanRule, window: _Window, newest: datetime
) -> list[Change]:
    episodes = StoredEpisodes(conn, rule, window.space_id)
    first, last = window.minutes[0], window.last
    verdicts, known = _verdicts(rule, window), window.episodes
    while True:
        found = hold_intervals(rule, verdicts, is_open=any(e.opened_at < first for e in known))
        if last >= newest or _agree(found, known, last):
            return await episodes.reconcile(known, found, first, last)
        # The rule held, or did not, differently than was known: what was judged after it may change too.
        begin = await _next(conn, rule, window.space_id, last)
        last = min(newest, begin + max(rule.window, begin - first))
        more = _Window(window.space_id, list(minutes_between(begin, last)), last)
        if more.minutes:
            await _fill(conn, rule, [more])
            verdicts += _verdicts(rule, more)
        known = await episodes.between(first, last)


async def _fill(conn: AsyncConnection[Any], rule: RollingMeanRule, windows: list[_Window]) -> None:
    """Read what the rule looks at, for all windows in three queries."""
    if not windows:
        return
    before = rule.window + rule.longest_hold
    values = {
        "rule": rule.id,
        "spaces": [window.space_id for window in windows],
        "first": [window.minutes[0] for window in windows],
        "after": [window.minutes[0] - before for window in windows],
        "until": [window.last for window in windows],
        "quantity": rule.quantity,
        "quantities": [rule.quantity, *list(PRESENCE_QUANTITIES)],
    }
    cursor = conn.cursor(
        binary=True
    )  # arrays of numbers: as text they would take longer to read than to find
    for number, quantity, times, measured in await (await cursor.execute(_SQL["samples"], values)).fetchall():
        window = windows[number - 1]
        if quantity == rule.quantity:
            window.times, window.values = times, measured
        else:
            window.seen = sorted([*window.seen, *times])
    for number, start, end in await (await conn.execute(_SQL["visits"], values)).fetchall():
        windows[number - 1].visits.append((start, end))
    for number, *episode in await (await conn.execute(_SQL["episodes"], values)).fetchall():
        windows[number - 1].episodes.append(Episode(*episode))


def _verdicts(rule: RollingMeanRule, window: _Window) -> list[Evaluation]:
    mean = RollingMean(rule, window.times, window.values)
    verdicts = []
    for minute in window.minutes:
        value, coverage, used = mean.at(minute)
        occupied = occupied_at(window.seen, window.visits, minute, rule.window)
        verdicts.append(Evaluation(minute, value, coverage, used, occupied))
    return verdicts


def _agree(found: list[HoldInterval], known: list[Episode], at: datetime) -> bool:
    """Tell whether the rule holds at the end of the minutes as it was known to: the rest then stands."""
    holds = bool(found) and found[-1].end is None
    held = any(episode.resolved_at is None or episode.resolved_at > at for episode in known)
    return holds == held


async def _next(conn: AsyncConnection[Any], rule: RollingMeanRule, space: str, last: datetime) -> datetime:
    """Return where to judge on after `last`: at once, or after a silence that no window reaches across."""
    values = {"space": space, "quantity": rule.quantity, "after": last}
    row = await (await conn.execute(_SQL["next"], values)).fetchone()
    sample: datetime | None = row[0] if row else None
    soon = last.replace(second=0, microsecond=0) + STEP
    return sample if sample is not None and sample > soon + rule.window + rule.longest_hold else soon
