"""Log lines of the agent: as text on a terminal, or one JSON object per line with ``--log-json``."""

import json
import logging
import sys
from typing import Final

_STANDARD_FIELDS: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """Formats each record as one JSON object, including the extras of the call."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        fields = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "text": record.getMessage(),
            **_extras(record),
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields, default=str, ensure_ascii=False)


class TextLines(logging.Formatter):
    """Formats each record as on the server: time, level, logger, text, and the extras of our own calls."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (the name of the base class)
        """Return the line; line breaks of the text are escaped, so that no text forges a line."""
        line = super().formatMessage(record).replace("\r", "\\r").replace("\n", "\\n")
        is_ours = record.name.partition(".")[0] == "hubwell_edge"
        return " ".join([line, *(f"{name}={value}" for name, value in _extras(record).items() if is_ours)])


def _extras(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD_FIELDS}


def set_up_logs(*, as_json: bool = False, level: int = logging.INFO) -> None:
    """Send log lines to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if as_json else TextLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
