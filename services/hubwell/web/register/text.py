"""Words of the register's pages: kinds, attributes, the names and values of settings, and templates."""

from collections.abc import Sequence
from dataclasses import dataclass

from hubwell.errors import DomainError, error_text
from hubwell.spaces.register import Registered
from hubwell.spaces.rules import SpaceInput, SpaceSettings, WhenFull, clock
from hubwell.vocabulary import LANGUAGES, SpaceFeature, SpaceKind
from hubwell.web.kit.formatting import Formatter
from hubwell.web.kit.spaces import feature_names
from hubwell.workflows.register.space_table import Change, Problem


@dataclass(frozen=True, slots=True)
class KindGroup:
    """The spaces in use of one kind, in the order of the board."""

    title: str
    spaces: list[Registered]


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A setting that an import changes, with its values in words."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ImportRow:
    """What a line of an imported table changes."""

    line: int
    space: str
    is_new: bool
    changes: list[FieldChange]


@dataclass(frozen=True, slots=True)
class ProblemRow:
    """A mistake in an imported table."""

    line: int
    column: str
    value: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Template:
    """A space of a usual kind, to begin from."""

    key: str
    label: str
    given: SpaceInput


def kind_names(words: Formatter) -> dict[SpaceKind, str]:
    """Return the kinds, each as of one space."""
    _ = words.translations.gettext
    return {
        SpaceKind.WORKSHOP: _("Workshop"),
        SpaceKind.COLLABORATION: _("Collaboration"),
        SpaceKind.RELAXATION: _("Relaxation"),
    }


def door_names(words: Formatter) -> dict[WhenFull, str]:
    """Return what the door of a full space can do."""
    _ = words.translations.gettext
    return {
        WhenFull.WARN: _("Say that the space is full, and let people in"),
        WhenFull.REFUSE: _("Say that the space is full, and count nobody in"),
    }


def field_names(words: Formatter) -> dict[str, str]:
    """Return the name of each setting, as the form has it."""
    _ = words.translations.gettext
    return {
        "name": _("Name"),
        "kind": _("Kind of space"),
        "capacity": _("Capacity"),
        "zone": _("Zone"),
        "opens_at": _("Opens at"),
        "closes_at": _("Closes at"),
        "when_full": _("When it is full, the door should"),
        "personal": _("One person's room"),
        "features": _("What people may need"),
        "equipment": _("Equipment"),
        "names": _("Names in other languages"),
        "position": _("Place in the order"),
    }


def groups(spaces: Sequence[Registered], words: Formatter) -> list[KindGroup]:
    """Return the spaces in use by kind; a kind without spaces is left out."""
    _ = words.translations.gettext
    titles = {
        SpaceKind.WORKSHOP: _("Workshops"),
        SpaceKind.COLLABORATION: _("Collaboration"),
        SpaceKind.RELAXATION: _("Relaxation"),
    }
    in_use = [space for space in spaces if space.archived_at is None]
    of_kind = {kind: [space for space in in_use if space.settings.kind == kind] for kind in SpaceKind}
    return [KindGroup(titles[kind], members) for kind, members in of_kind.items() if members]


def import_rows(changes: Sequence[Change], words: Formatter) -> list[ImportRow]:
    """Return what a table changes, in words."""
    return [
        ImportRow(change.line, change.settings.name, change.before is None, _field_changes(change, words))
        for change in changes
    ]


def problem_rows(problems: Sequence[Problem], words: Formatter) -> list[ProblemRow]:
    """Return the mistakes of a table, in words."""
    return [ProblemRow(item.line, item.column, item.value, _sentence(item.error, words)) for item in problems]


def _sentence(error: DomainError, words: Formatter) -> str:
    return error_text(error, words.translations)


def _field_changes(change: Change, words: Formatter) -> list[FieldChange]:
    if change.before is None:
        return []
    names = field_names(words)
    before, after = change.before.settings, change.settings
    rows = [
        FieldChange(names[name], _value(before, name, words), _value(after, name, words))
        for name in change.fields
        if name != "position"
    ]
    if "position" in change.fields:
        places = [str(place or "") for place in (change.before.position, change.position)]
        rows.append(FieldChange(names["position"], *places))
    return rows


def _value(settings: SpaceSettings, name: str, words: Formatter) -> str:
    """Return one setting as people read it; empty where there is none."""
    _ = words.translations.gettext
    in_languages = [
        f"{own}: {settings.names[code]}" for code, own in LANGUAGES.items() if code in settings.names
    ]
    in_words = {
        "kind": kind_names(words)[settings.kind],
        "when_full": door_names(words)[settings.when_full],
        "features": ", ".join(feature_names(words.translations)[feature] for feature in settings.features),
        "equipment": "; ".join(settings.equipment),
        "names": "; ".join(in_languages),
        "personal": _("Yes") if settings.personal else _("No"),
        "opens_at": clock(settings.opens_at),
        "closes_at": clock(settings.closes_at),
    }
    return in_words[name] if name in in_words else str(getattr(settings, name))


def templates(words: Formatter) -> list[Template]:
    """Return spaces of usual kinds, with names and equipment in the reader's language."""
    _ = words.translations.gettext
    return [
        Template(
            "benches",
            _("Workshop with four benches"),
            SpaceInput(
                name=_("Workshop"),
                kind=SpaceKind.WORKSHOP,
                capacity="8",
                when_full=WhenFull.REFUSE,
                features=(SpaceFeature.STEP_FREE,),
                equipment="\n".join((_("4 workbenches"), _("Extractor hood"), _("First aid kit"))),
            ),
        ),
        Template(
            "class",
            _("Classroom for 24"),
            SpaceInput(
                name=_("Classroom"),
                kind=SpaceKind.COLLABORATION,
                capacity="24",
                features=(SpaceFeature.STEP_FREE, SpaceFeature.DAYLIGHT),
                equipment="\n".join((_("12 tables"), _("Whiteboard"), _("Projector"))),
            ),
        ),
        Template(
            "meeting",
            _("Meeting room for eight"),
            SpaceInput(
                name=_("Meeting room"),
                kind=SpaceKind.COLLABORATION,
                capacity="8",
                features=(SpaceFeature.STEP_FREE,),
                equipment="\n".join((_("Display"), _("Whiteboard"))),
            ),
        ),
        Template(
            "quiet",
            _("Quiet room for six"),
            SpaceInput(
                name=_("Quiet room"),
                kind=SpaceKind.RELAXATION,
                capacity="6",
                features=(SpaceFeature.QUIET, SpaceFeature.DAYLIGHT),
                equipment=_("Armchairs"),
            ),
        ),
    ]
