"""The roll of a session as a table for spreadsheets."""

import csv
import io
from typing import Final

from hubwell.people.course_sessions import Roll, Session
from hubwell.web.kit.formatting import Formatter

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""First characters of a cell that a spreadsheet takes for a formula."""


def as_csv(session: Session, roll: Roll, words: Formatter) -> bytes:
    """Return one row per person: name, session, date."""
    _ = words.translations.gettext
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow([_("Name"), _("Session"), _("Date")])
    day = session.start.astimezone(words.zone).date().isoformat()
    for name in [*roll.names, *[_("A badge without a name")] * roll.nameless]:
        table.writerow([_plain(name), _plain(session.title), day])
    # The mark at the beginning tells spreadsheets that the letters are UTF-8.
    return text.getvalue().encode("utf-8-sig")


def _plain(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
