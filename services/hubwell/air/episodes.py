"""Bring the stored episodes of a rule in a space in line with an evaluation, in the caller's transaction.

A stored episode keeps its id: late readings move its beginning and end without another fact `EpisodeOpened`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from hubwell.air.rules import STEP, Evaluation, HoldInterval, RollingMeanRule
from hubwell.events import EpisodeOpened, EpisodeResolved
from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.air")

Change = EpisodeOpened | EpisodeResolved


@dataclass(frozen=True, slots=True)
class Episode:
    """An episode as it is stored. `resolved_at` is None while it is open."""

    id: UUID
    opened_at: datetime
    resolved_at: datetime | None
    peak: float

    def overlaps(self, interval: HoldInterval) -> bool:
        """Return whether the two have time in common: then they are the same episode."""
        begins_before_its_end = interval.end is None or self.opened_at < interval.end.at
        ends_after_its_start = (
            interval.start is None or self.resolved_at is None or self.resolved_at > interval.start.at
        )
        return begins_before_its_end and ends_after_its_start


class StoredEpisodes:
    """The episodes of one rule in one space. The caller holds the lock on them."""

    def __init__(self, conn: AsyncConnection[Any], rule: RollingMeanRule, space: str) -> None:
        self._conn = conn
        self._rule = rule
        self._space = space

    async def between(self, first: datetime, last: datetime) -> list[Episode]:
        """Return the episodes that were open at any time from `first` to `last`, in order."""
        values = {"rule": self._rule.id, "spaces": [self._space], "first": [first], "until": [last]}
        rows = await (await self._conn.execute(_SQL["episodes"], values)).fetchall()
        return [Episode(*row[1:]) for row in rows]

    async def resolve_open(self, at: datetime) -> list[Change]:
        """Resolve what is open at a time, because nothing will be measured there any more."""
        found = await self.between(at, at)
        changes = [
            await self._move(episode, end=max(at, episode.opened_at + STEP))
            for episode in found
            if episode.resolved_at is None
        ]
        return [change for change in changes if change is not None]

    async def reconcile(
        self, stored: list[Episode], intervals: list[HoldInterval], first: datetime, last: datetime
    ) -> list[Change]:
        """Bring the stored episodes in line with the intervals of an evaluation from `first` to `last`.

        Open episodes without an interval are resolved; overlapping ones are moved; the others are added.
        An episode that late readings split stays with the first interval that it overlaps. Resolved episodes
        without an interval stay, because they were reported. Returns the facts.
        """
        ended = [e for e in stored if e.resolved_at is None and not any(map(e.overlaps, intervals))]
        # Resolve before others open: the database allows one open episode per rule and space.
        changes: list[Change | None] = [
            await self._move(episode, end=max(first, episode.opened_at + STEP)) for episode in ended
        ]
        waiting = list(stored)
        for interval in intervals:
            same = [episode for episode in waiting if episode.overlaps(interval)]
            waiting = [episode for episode in waiting if episode not in same]
            if same:
                changes += await self._adjust(same, interval, last)
            else:
                changes += await self._add(interval, _end(interval, stored, last))
        return [change for change in changes if change is not None]

    async def _adjust(
        self, same: list[Episode], interval: HoldInterval, last: datetime
    ) -> list[Change | None]:
        changes: list[Change | None] = []
        for episode in same:
            start = episode.opened_at
            if episode is same[0] and interval.start is not None:
                start = interval.start.at
            end = episode.resolved_at
            if episode is same[-1] and interval.end is not None:
                end = interval.end.at
            elif episode is same[-1] and end is not None and end <= last:
                end = None
            changes.append(await self._move(episode, start=start, end=end, peak=interval.peak))
        return changes

    async def _move(
        self, episode: Episode, *, end: datetime | None, start: datetime | None = None, peak: float = 0.0
    ) -> EpisodeResolved | None:
        moved = Episode(episode.id, start or episode.opened_at, end, max(peak, episode.peak))
        if moved == episode:
            return None
        values = {"id": moved.id, "opened": moved.opened_at, "resolved": end, "peak": moved.peak}
        await self._conn.execute(_SQL["move_episode"], values)
        return self._resolved(moved, end) if end is not None and episode.resolved_at is None else None

    async def _add(self, interval: HoldInterval, end: datetime | None) -> list[Change | None]:
        if interval.start is None or interval.start.mean is None:
            return []
        values = {
            "rule": self._rule.id,
            "version": self._rule.version,
            "space": self._space,
            "opened": interval.start.at,
            "resolved": end,
            "value": interval.start.mean,
            "peak": interval.peak,
            "evidence": Jsonb(evidence(self._rule, interval.start)),
        }
        row = await (await self._conn.execute(_SQL["add_episode"], values)).fetchone()
        if row is None:
            return []
        episode = Episode(row[0], interval.start.at, end, interval.peak)
        opened = EpisodeOpened(
            episode_id=episode.id,
            rule=self._rule.id,
            rule_version=self._rule.version,
            space_id=self._space,
            opened_at=episode.opened_at,
            value=interval.start.mean,
        )
        return [opened, self._resolved(episode, end) if end is not None else None]

    def _resolved(self, episode: Episode, at: datetime) -> EpisodeResolved:
        return EpisodeResolved(
            episode_id=episode.id,
            rule=self._rule.id,
            rule_version=self._rule.version,
            space_id=self._space,
            opened_at=episode.opened_at,
            resolved_at=at,
            peak=episode.peak,
        )


def evidence(rule: RollingMeanRule, evaluation: Evaluation) -> dict[str, Any]:
    """Return what an officer needs to check an evaluation a year later: rule, values and instrument."""
    return {
        "source": rule.source,
        "jurisdiction": rule.jurisdiction,
        "legal_status": rule.legal_status,
        "threshold": rule.raise_at,
        "unit": rule.unit,
        "window_minutes": rule.window.total_seconds() / 60,
        "mean": evaluation.mean,
        "coverage": round(evaluation.coverage, 4),
        "readings": evaluation.readings,
        "occupied": evaluation.occupied,
        "instrument": "low-cost CO2 sensor: a ventilation indicator, not an exposure measurement",
    }


def _end(interval: HoldInterval, stored: list[Episode], last: datetime) -> datetime | None:
    """Return the end of an interval, which is that of the episode it was split from if it is after `last`."""
    if interval.end is not None:
        return interval.end.at
    ends = [episode.resolved_at for episode in stored if episode.resolved_at and episode.overlaps(interval)]
    return max((end for end in ends if end > last), default=None)
