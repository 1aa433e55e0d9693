"""The log of every process of the server: lines on standard error with time, level, logger, text, fields."""

import logging
import sys
from typing import Final

_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_OURS: Final = "hubwell"
_STANDARD_FIELDS: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_QUIET: Final = {
    "apscheduler": logging.WARNING,
    # It logs the ids of passkeys.
    "fido2": logging.WARNING,
    "httpcore": logging.WARNING,
    # With the database away three lines per attempt; the listener for notifications says it once.
    "psycopg.pool": logging.ERROR,
    # rumqttd's router logs every packet as an error, which would fill the log under load.
    "rumqttd": logging.CRITICAL,
}


class TextLines(logging.Formatter):
    """Formats a record as one line, the fields of the call behind the text: `action=listening port=8000`."""

    def __init__(self) -> None:
        super().__init__(_FORMAT)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (the name of the base class)
        """Return the line; line breaks of the text are escaped, so that no text forges a line."""
        line = super().formatMessage(record).replace("\r", "\\r").replace("\n", "\\n")
        return " ".join((line, *_fields(record)))


def _fields(record: logging.LogRecord) -> list[str]:
    """Return the fields of a call of our own; libraries put whole objects there."""
    if record.name.partition(".")[0] != _OURS:
        return []
    return [f"{name}={value}" for name, value in vars(record).items() if name not in _STANDARD_FIELDS]


def set_up_logs(level: int = logging.INFO) -> None:
    """Send the log of this process to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(TextLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name, quiet_level in _QUIET.items():
        logging.getLogger(name).setLevel(quiet_level)
