"""Readings of a space in a range of time, in steps of a chosen width and in a bounded number of points."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any, Final

from psycopg import AsyncConnection

from hubwell.api import live_state
from hubwell.api.schemas import RawPoint, Readings, Resolution, SeriesPoints, StepPoint
from hubwell.http.errors import FieldProblem, ProblemError, not_found
from hubwell.storage.engine import Engine
from hubwell.vocabulary import ROLLUP_STEP

MOST_POINTS: Final = 10_000
_WIDTHS: Final[dict[Resolution, timedelta]] = {
    "1m": timedelta(minutes=1),
    "5m": ROLLUP_STEP,
    "1h": timedelta(hours=1),
}
_ORIGIN: Final = datetime(2000, 1, 1, tzinfo=UTC)  # as in the rollup
_QUALITIES: Final = ("ok", "inferred", "suspect", "suspect")


async def readings(
    conn: AsyncConnection[Any],
    engine: Engine,
    *,
    space: str,
    start: datetime,
    end: datetime,
    resolution: Resolution,
    quantity: str | None,
    exact: bool,
) -> Readings:
    """Return the readings of a space in [start, end).

    Without `exact` only windows of five minutes that are closed, and no counts: a step that still grows would
    show single readings to those who ask again and again.

    Raises ProblemError when the space is not there, the range is empty, or it has more than MOST_POINTS.
    """
    if start >= end:
        raise _bad_range("from", start, "It is not before `to`.", "Send a `from` that is before `to`.")
    if not await live_state.rows(conn, "space_exists", {"space": space}):
        raise not_found("path.space_id", space, "space", "GET /api/v1/spaces lists them.")
    series = await live_state.rows(
        conn, "series_of_space", {"space": space, "quantity": quantity, "exact": exact}
    )
    points: Mapping[int, Sequence[RawPoint | StepPoint]]
    if resolution == "raw":
        points = await _raw(conn, series, start, end)
    else:
        start, end = _whole_steps(start, end, _WIDTHS[resolution])
        _check_size(len(series), start, end, resolution)
        until = end if exact else min(end, closed_until(datetime.now(UTC)))
        points = await _stepped(conn, engine, series, start, until, _WIDTHS[resolution])
    with_points = [SeriesPoints.model_validate({**row, "points": points[row["id"]]}) for row in series]
    return Readings.model_validate(
        {"space_id": space, "from": start, "to": end, "resolution": resolution, "series": with_points}
    )


async def _raw(
    conn: AsyncConnection[Any], series: live_state.Rows, start: datetime, end: datetime
) -> dict[int, list[RawPoint]]:
    points: dict[int, list[RawPoint]] = {row["id"]: [] for row in series}
    values = {"series": list(points), "start": start, "end": end, "limit": MOST_POINTS + 1}
    rows = await live_state.rows(conn, "readings_raw", values)
    if len(rows) > MOST_POINTS:
        raise _too_large(
            f"{len(series)} series have more than {MOST_POINTS} readings in this range.",
            "raw",
            "Use resolution=5m or 1h, name a quantity, or ask for a shorter range.",
        )
    for row in rows:
        point = RawPoint(time=row["time"], value=row["value"], quality=_QUALITIES[row["quality"]])
        points[row["series_id"]].append(point)
    return points


async def _stepped(
    conn: AsyncConnection[Any],
    engine: Engine,
    series: live_state.Rows,
    start: datetime,
    end: datetime,
    width: timedelta,
) -> dict[int, list[StepPoint]]:
    points: dict[int, list[StepPoint]] = {row["id"]: [] for row in series}
    query = binned_query(engine, width)
    values = {"series": list(points), "start": start, "end": end, "width": width}
    for row in await live_state.rows(conn, query, values):
        series_id, time = row.pop("series_id"), row.pop("bucket")
        points[series_id].append(StepPoint(time=time, **row))
    return points


def binned_query(engine: Engine, width: timedelta) -> str:
    """Return the name of the query that is quickest for steps of this width on this engine."""
    has_rollup = engine.has_continuous_aggregates and not width % ROLLUP_STEP
    return "readings_rolled" if has_rollup else "readings_binned"


def closed_until(now: datetime) -> datetime:
    """Return the end of the newest closed window of five minutes."""
    return _ORIGIN + (now - _ORIGIN) // ROLLUP_STEP * ROLLUP_STEP


def _whole_steps(start: datetime, end: datetime, width: timedelta) -> tuple[datetime, datetime]:
    first = _ORIGIN + (start - _ORIGIN) // width * width
    last = _ORIGIN - (_ORIGIN - end) // width * width
    return first, last


def _check_size(series: int, start: datetime, end: datetime, resolution: Resolution) -> None:
    width = _WIDTHS[resolution]
    number = series * ceil((end - start) / width)
    if number <= MOST_POINTS:
        return
    hours = MOST_POINTS // series * width // timedelta(hours=1)
    coarser = "" if resolution == "1h" else "Use resolution=1h, "
    raise _too_large(
        f"{series} series over {(end - start).total_seconds() / 86400:.1f} days "
        f"in steps of {resolution} are {number} points.",
        resolution,
        f"{coarser or 'Use '}one quantity, or at most {hours} hours at a time.",
    )


def _too_large(detail: str, resolution: Resolution, do: str) -> ProblemError:
    problem = FieldProblem(
        field="query.resolution", value=resolution, problem=f"More than {MOST_POINTS} points.", do=do
    )
    title = "The range asks for too many points"
    return ProblemError(422, "range-too-large", title, f"{detail} {do}", [problem])


def _bad_range(field: str, value: datetime, problem: str, do: str) -> ProblemError:
    error = FieldProblem(field=f"query.{field}", value=value.isoformat(), problem=problem, do=do)
    return ProblemError(422, "bad-parameters", "A value cannot be used", f"{field}: {problem}", [error])
