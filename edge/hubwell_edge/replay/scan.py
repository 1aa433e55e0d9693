"""The first pass over a recorded file: everything is parsed before the first row is sent.

What it finds decides which rows are sent, and is what the summary counts.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from hubwell_edge.replay.dates import DayMonthCheck
from hubwell_edge.replay.layout import ReplayMap
from hubwell_edge.replay.order import RowOrder
from hubwell_edge.replay.rows import RowError, RowReader
from hubwell_edge.replay.table import Table
from hubwell_edge.sources.observation import SourceError

MOST_SHOWN: Final = 10
"""Lines that a list of problems shows; more of them do not help."""


@dataclass(slots=True)
class Plan:
    """What the first pass found. Rows are counted from 1; blank lines are none."""

    rows: int = 0
    to_send: int = 0
    no_value: int = 0
    not_in_map: int = 0
    missing: int = 0
    late: dict[int, bool] = field(default_factory=dict)
    """Row number -> whether the later of two instants is meant."""
    odd: dict[int, str] = field(default_factory=dict)
    """Line -> why its row cannot be sent."""
    skipped: set[int] = field(default_factory=set)
    """Numbers of the rows in `odd`."""


def scan(table: Table, layout: ReplayMap, reader: RowReader, *, skip_bad: bool) -> Plan:
    """Parse the whole file. Raises SourceError, with lines and reasons, for a file that must not be sent."""
    plan, order, dates, now = Plan(), RowOrder(), DayMonthCheck(layout.time), datetime.now(UTC)
    for row in table.rows():
        plan.rows += 1
        try:
            recorded = reader.read(row, now)
        except RowError as error:
            if error.is_format:
                dates.bad(row.line, row.fields)
            _set_aside(plan, row.number, row.line, str(error))
            continue
        if recorded == "no-value":
            plan.no_value += 1
        elif recorded == "not-in-map":
            plan.not_in_map += 1
        else:
            plan.missing += recorded.missing
            plan.to_send += 1
            dates.good(recorded.moment.local)
            order.add(recorded.key, row.number, row.line, recorded.moment)
    _resolve(plan, order, layout)
    problem = dates.problem()
    if problem is not None:
        raise SourceError(f"{table.path}: {problem}")
    _check(plan, table, skip_bad=skip_bad)
    return plan


def shown(lines: dict[int, str]) -> str:
    """Return lines of a file with their reasons as text, the first of many."""
    listed = [f"  line {line}: {reason}" for line, reason in sorted(lines.items())[:MOST_SHOWN]]
    if len(lines) > MOST_SHOWN:
        listed.append(f"  and {len(lines) - MOST_SHOWN} more")
    return "\n".join(listed)


def _resolve(plan: Plan, order: RowOrder, layout: ReplayMap) -> None:
    plan.late, unresolved = order.resolve()
    settings = layout.time
    for row in unresolved:
        if settings.ambiguous is not None:
            plan.late[row.number] = settings.ambiguous == "second"
            continue
        plan.to_send -= 1
        reason = (
            f"the time {row.local.isoformat(' ')} occurs twice in {settings.zone} (clocks were put back), "
            "and the order of the rows does not show which is meant: write ambiguous = 'first' or 'second' "
            "below [time], or export times in UTC"
        )
        _set_aside(plan, row.number, row.line, reason)


def _set_aside(plan: Plan, number: int, line: int, reason: str) -> None:
    plan.odd[line] = reason
    plan.skipped.add(number)


def _check(plan: Plan, table: Table, *, skip_bad: bool) -> None:
    """Raise SourceError for a file of which nothing must be sent."""
    path = table.path
    if plan.odd and not skip_bad:
        raise SourceError(
            f"{path}: {len(plan.odd)} of {plan.rows} rows cannot be read, nothing was sent:\n"
            f"{shown(plan.odd)}\n"
            "Correct the map or the file, list words for absent values in missing = [...], "
            "or leave these rows out with --skip-bad."
        )
    if len(plan.odd) > plan.rows // 2:
        raise SourceError(
            f"{path}: {len(plan.odd)} of {plan.rows} rows cannot be read, so the map does not fit this file; "
            f"nothing was sent:\n{shown(plan.odd)}"
        )
    if plan.to_send == 0:
        raise SourceError(
            f"{path} has no row to send: {plan.rows} rows, none with a value that the map names"
        )
