"""Evaluate the air quality rules of spaces with new readings, in the caller's transaction.

The input is the fact `ReadingsStored` of the switchboard; readings, visits and stored episodes are read from
the database, and changed episodes are stored and returned as facts. Only whole minutes that new readings
affect are evaluated, in the readings' own time, from the reading before them on; a late reading causes its
minutes to be evaluated again, so that episodes depend on the readings and not on their order of arrival. A
lock lets one transaction at a time evaluate a rule in a space.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
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
    Samples,
    hold_intervals,
    hold_s,
    minutes_between,
    occupied_at,
    rhythm_s,
)
from hubwell.events import ReadingsStored, Span
from hubwell.storage.queries import Queries
from hubwell.vocabulary import HEADCOUNT, PRESENCE_QUANTITIES

_SQL: Final = Queries("hubwell.air")
RULES: Final = (CO2_ASR_A3_6,)
_COUNT: Final = HEADCOUNT.rpartition("/")[2]
_LATE: Final = timedelta(minutes=2)
"""Readings that came later than this had been waited for by an evaluation."""


@dataclass(slots=True)
class _Window:
    """The minutes to evaluate in one space, and the rule's input for them."""

    space_id: str
    minutes: list[datetime]
    last: datetime
    series: list[Samples] = field(default_factory=list)
    """The readings of each series of the rule's quantity."""
    presence_times: list[float] = field(default_factory=list)
    """Times at which a sensor saw people, in order, in seconds since 1970."""
    visits: list[tuple[datetime, datetime | None]] = field(default_factory=list)
    episodes: list[Episode] = field(default_factory=list)


async def evaluate(conn: AsyncConnection[Any], stored: ReadingsStored) -> list[Change]:
    """Evaluate every rule that new readings affect; return the episodes that opened and that resolved."""
    changes: list[Change] = []
    for rule in RULES:
        waiting = _affecting(rule, stored, datetime.now(UTC))
        if not waiting:
            continue
        spaces = sorted({span.space_id for span in waiting})
        await conn.execute(_SQL["lock_rule"], {"rule": rule.id, "spaces": spaces})
        # One span per space in each turn: the second span of a space builds on the episodes of the first.
        while waiting:
            turn = {span.space_id: span for span in reversed(waiting)}
            waiting = [span for span in waiting if turn[span.space_id] is not span]
            changes += await _evaluate_spans(conn, rule, list(turn.values()))
    return changes


async def resolve(conn: AsyncConnection[Any], space_id: str, at: datetime) -> list[Change]:
    """Resolve the open episodes of a space that is archived; return what was resolved."""
    changes: list[Change] = []
    for rule in RULES:
        await conn.execute(_SQL["lock_rule"], {"rule": rule.id, "spaces": [space_id]})
        changes += await StoredEpisodes(conn, rule, space_id).resolve_open(at)
    return changes


def _affecting(rule: RollingMeanRule, stored: ReadingsStored, now: datetime) -> list[Span]:
    """Return the spans of new readings of a rule's quantity, and of late ones that show people.

    Presence that comes in time is there when the quantity's next reading is evaluated.
    """
    spans = dict.fromkeys(stored.spans.get(rule.quantity, ()))
    if rule.occupied_only:
        people = (stored.spans.get(quantity, ()) for quantity in (*PRESENCE_QUANTITIES, _COUNT))
        spans |= dict.fromkeys(span for of_one in people for span in of_one if now - span.first > _LATE)
    return list(spans)


async def _evaluate_spans(
    conn: AsyncConnection[Any], rule: RollingMeanRule, spans: list[Span]
) -> list[Change]:
    """Evaluate one span in each of several spaces, with the same number of queries as for one space."""
    values = {
        "spaces": [span.space_id for span in spans],
        "first": [span.first for span in spans],
        "quantity": rule.quantity,
    }
    bounds = await (await conn.execute(_SQL["bounds"], values)).fetchall()
    newest = {space: time for space, time, _ in bounds}
    before = {space: time for space, _, time in bounds}
    windows = []
    for span in sorted(spans, key=attrgetter("space_id")):
        # A reading holds beyond its own time, so it is part of means up to the window after that.
        affected = span.last + rule.longest_hold + rule.window
        last = min(newest.get(span.space_id) or span.last, affected)
        minutes = _minutes(rule, before.get(span.space_id), span.first, last)
        windows.append(_Window(span.space_id, minutes, last))
    windows = [window for window in windows if window.minutes]
    await _fill(conn, rule, windows)
    changes: list[Change] = []
    for window in windows:
        changes += await _evaluate_window(conn, rule, window, newest.get(window.space_id) or window.last)
    return changes


def _minutes(
    rule: RollingMeanRule, before: datetime | None, first: datetime, last: datetime
) -> list[datetime]:
    """Return the minutes that new readings from `first` on affect, up to `last`.

    They begin after the reading `before` the first one: until there was a later reading, the minutes between
    the two could not be judged. In a long silence only those are judged for which readings were held.
    """
    if before is None:
        return list(minutes_between(first, last))
    begin = before + timedelta.resolution
    hold_ends = begin + rule.longest_hold + rule.window
    if hold_ends >= first:
        return list(minutes_between(begin, last))
    return [*minutes_between(begin, min(hold_ends, last)), *minutes_between(first, last)]


async def _evaluate_window(
    conn: AsyncConnection[Any], rule: RollingMeanRule, window: _Window, newest: datetime
) -> list[Change]:
    """Evaluate a window, extend it until its result agrees with the stored episodes, and store the result.

    Each minute depends on the minutes before it only by whether an episode is open, because opening and
    closing have different thresholds. So a late reading that leaves this state at the window's end as it was
    stored cannot change later episodes. One that changes it may change all of them, up to the newest reading.
    """
    episodes = StoredEpisodes(conn, rule, window.space_id)
    first, last = window.minutes[0], window.last
    evaluations, stored = _evaluations(rule, window), window.episodes
    while True:
        intervals = hold_intervals(rule, evaluations, is_open=any(e.opened_at < first for e in stored))
        if last >= newest or _agree(intervals, stored, last):
            return await episodes.reconcile(stored, intervals, first, last)
        # The state at the end differs from the stored one. Each extension is as long as all minutes before
        # it, so that weeks of later readings take few rounds, and a short difference reads little.
        begin = await _next(conn, rule, window.space_id, last)
        last = min(newest, begin + max(rule.window, begin - first))
        extension = _Window(window.space_id, list(minutes_between(begin, last)), last)
        if extension.minutes:
            await _fill(conn, rule, [extension])
            evaluations += _evaluations(rule, extension)
        stored = await episodes.between(first, last)


async def _fill(conn: AsyncConnection[Any], rule: RollingMeanRule, windows: list[_Window]) -> None:
    """Read the rule's input (readings, visits, episodes) for all windows, in three queries."""
    if not windows:
        return
    values = {
        "rule": rule.id,
        "spaces": [window.space_id for window in windows],
        "first": [window.minutes[0] for window in windows],
        "after": [window.minutes[0] - rule.window - rule.longest_hold for window in windows],
        "window": rule.window,
        "shortest": rule.shortest_hold,
        "until": [window.last for window in windows],
        "quantity": rule.quantity,
    }
    # Binary, because parsing arrays of numbers from text would take longer than the query.
    cursor = conn.cursor(binary=True)
    rows = await (await cursor.execute(_SQL["samples"], values)).fetchall()
    for number, quantity, every_s, newest, times, measured in rows:
        window = windows[number - 1]
        if quantity == rule.quantity:
            hold = hold_s(rule, every_s or rhythm_s(newest))
            window.series.append(Samples(times, measured, [hold] * len(times)))
        else:
            window.presence_times = sorted([*window.presence_times, *times])
    for number, start, end in await (await conn.execute(_SQL["visits"], values)).fetchall():
        windows[number - 1].visits.append((start, end))
    for number, *episode in await (await conn.execute(_SQL["episodes"], values)).fetchall():
        windows[number - 1].episodes.append(Episode(*episode))


def _evaluations(rule: RollingMeanRule, window: _Window) -> list[Evaluation]:
    mean = RollingMean(rule, Samples.joined(window.series))
    evaluations = []
    for minute in window.minutes:
        value, coverage, used = mean.at(minute)
        occupied = occupied_at(window.presence_times, window.visits, minute, rule.window)
        evaluations.append(Evaluation(minute, value, coverage, used, occupied))
    return evaluations


def _agree(intervals: list[HoldInterval], stored: list[Episode], at: datetime) -> bool:
    """Return whether an episode is open at `at` in both: the evaluation, and the stored episodes."""
    holds = bool(intervals) and intervals[-1].end is None
    is_stored_open = any(episode.resolved_at is None or episode.resolved_at > at for episode in stored)
    return holds == is_stored_open


async def _next(conn: AsyncConnection[Any], rule: RollingMeanRule, space: str, last: datetime) -> datetime:
    """Return the minute to continue at after `last`.

    It is the next minute, or the next reading after a silence so long that no reading before it is used any
    more: minutes without readings neither open nor close an episode.
    """
    values = {"space": space, "quantity": rule.quantity, "after": last}
    row = await (await conn.execute(_SQL["next"], values)).fetchone()
    sample: datetime | None = row[0] if row else None
    soon = last.replace(second=0, microsecond=0) + STEP
    return sample if sample is not None and sample > soon + rule.window + rule.longest_hold else soon
