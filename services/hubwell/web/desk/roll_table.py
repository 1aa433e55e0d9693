"""The roll of a session as a table for spreadsheets."""

from hubwell.http.spreadsheet import to_csv
from hubwell.people.course_sessions import Roll, Session
from hubwell.web.kit.formatting import Formatter


def as_csv(session: Session, roll: Roll, words: Formatter) -> bytes:
    """Return one row per person: name, session, date."""
    _ = words.translations.gettext
    day = session.start.astimezone(words.zone).date()
    names = [*roll.names, *[_("A badge without a name")] * roll.nameless]
    header = (_("Name"), _("Session"), _("Date"))
    rows = ((name, session.title, day) for name in names)
    return to_csv(header, rows, language=words.language, zone=words.zone)
