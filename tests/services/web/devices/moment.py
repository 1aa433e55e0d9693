"""When the test that runs began; conftest.py sets it: readings of then are fresh, however long the run is."""

from datetime import UTC, datetime


class _Moment:
    at = datetime.now(UTC)


def begin() -> None:
    """Take the time of now, in whole seconds."""
    _Moment.at = datetime.now(UTC).replace(microsecond=0)


def now() -> datetime:
    """Return when the test began."""
    return _Moment.at
