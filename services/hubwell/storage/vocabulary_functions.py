"""The vocabulary as functions of the database, so that views, queries and code use the same values.

PostgreSQL inlines a function that returns a constant before it plans, so a view costs what it would cost with
the literal; a table of constants would cost a look-up and hide the value from the planner.
"""

from datetime import timedelta
from typing import Final

from psycopg import sql

from hubwell import vocabulary

_FUNCTIONS: Final[dict[str, timedelta | float | str | tuple[str, ...]]] = {
    "stale_after": vocabulary.STALE_AFTER,
    "nobody_sensed_after": vocabulary.NOBODY_SENSED_AFTER,
    "suspect": int(vocabulary.Quality.SUSPECT),
    "hold_steps": vocabulary.HOLD_STEPS,
    "slowest_judged": vocabulary.SLOWEST_JUDGED,
    "slowest_declared": vocabulary.SLOWEST_DECLARED,
    "rhythm_least_steps": vocabulary.RHYTHM_LEAST_STEPS,
    "rhythm_near": vocabulary.RHYTHM_NEAR,
    "rhythm_near_share": vocabulary.RHYTHM_NEAR_SHARE,
    "rhythm_readings": vocabulary.RHYTHM_READINGS,
    "longest_hold": vocabulary.LONGEST_HOLD,
    "badge_list_old_after": vocabulary.BADGE_LIST_OLD_AFTER,
    "open_visit_ignored_after": vocabulary.OPEN_VISIT_IGNORED_AFTER,
    "count_window": vocabulary.COUNT_WINDOW,
    "count_shown_for": vocabulary.COUNT_SHOWN_FOR,
    "co2_fresh_below": vocabulary.CO2_FRESH_BELOW_PPM,
    "co2_stuffy_up_to": vocabulary.CO2_STUFFY_UP_TO_PPM,
    "headcount": vocabulary.HEADCOUNT,
    "presence_quantities": vocabulary.PRESENCE_QUANTITIES,
    "space_kinds": tuple(vocabulary.SpaceKind),
}
_CREATE: Final = (
    "CREATE FUNCTION {name}() RETURNS {type} LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN {value};\n"
)


def vocabulary_functions() -> str:
    """Return the statements that create one function for each word or limit that SQL needs."""
    return "".join(_create(name, value) for name, value in _FUNCTIONS.items())


def _create(name: str, value: timedelta | float | str | tuple[str, ...]) -> str:
    if isinstance(value, timedelta):
        return _CREATE.format(
            name=name, type="interval", value=f"interval '{value.total_seconds():g} seconds'"
        )
    if isinstance(value, int):
        return _CREATE.format(name=name, type="smallint", value=f"{value}::smallint")
    if isinstance(value, float):
        return _CREATE.format(name=name, type="double precision", value=f"{value!r}::double precision")
    if isinstance(value, str):
        return _CREATE.format(name=name, type="text", value=f"{sql.Literal(value).as_string()}::text")
    words = ", ".join(sql.Literal(str(word)).as_string() for word in value)
    return _CREATE.format(name=name, type="text[]", value=f"ARRAY[{words}]")
