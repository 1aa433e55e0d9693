"""What sensors report about people in a space, in words, alone and compared with badges."""

from hubwell.evacuation.rules import Finding, Provenance, Reconciled, Sensed
from hubwell.web.kit.formatting import Formatter


def sensed_now(found: Sensed, words: Formatter) -> str:
    """Return what sensors report now, with its source."""
    _, ngettext = words.translations.gettext, words.translations.ngettext
    estimated = found.provenance is Provenance.INFERRED
    if found.somebody is None or found.provenance is Provenance.IN_DOUBT:
        return _not_sensed(found, words)
    if not found.somebody:
        return _("The sensor estimates: nobody.") if estimated else _("Nobody is sensed.")
    if not found.people:
        return _("The sensor estimates: somebody.") if estimated else _("Somebody is sensed.")
    if estimated:
        sentence = ngettext(
            "The sensor estimates {n} person.", "The sensor estimates {n} people.", found.people
        )
    else:
        sentence = ngettext(
            "The sensor counts about {n} person.", "The sensor counts about {n} people.", found.people
        )
    return sentence.format(n=found.people)


def _not_sensed(found: Sensed, words: Formatter) -> str:
    """Return why sensors report nothing that counts."""
    _ = words.translations.gettext
    if found.provenance is Provenance.MISSING:
        return _("Not known: no sensor here detects people.")
    if found.provenance is Provenance.IN_DOUBT:
        may_be = _("Somebody may be here: the sensor is in doubt.")
        return may_be if found.somebody else _("Not known: the sensor is in doubt.")
    if found.at is None:
        return _("Not known: the sensor is silent.")
    return _("Not known: the sensor is silent since {time}.").format(time=words.clock(found.at))


def reconciled(found: Reconciled, words: Formatter) -> str:
    """Compare badges and sensors, with the conclusion."""
    _, ngettext = words.translations.gettext, words.translations.ngettext
    if found.finding is Finding.WITHOUT_TAP and found.sensed.people is None:
        return _("Somebody is sensed where nobody has tapped in.")
    badges = ngettext("{n} badge.", "{n} badges.", found.badges).format(n=found.badges)
    follows = {
        Finding.FEWER_SENSED: _("Some may have left without tapping out."),
        Finding.NOBODY_SENSED: _("They have probably left without tapping out."),
        Finding.NOT_SENSED_NOW: _("They may be sitting still, or have just left."),
    }.get(found.finding)
    if found.without_badge:
        sentence = ngettext(
            "At least {n} person without a badge.",
            "At least {n} people without a badge.",
            found.without_badge,
        )
        follows = sentence.format(n=found.without_badge)
    return " ".join(part for part in (badges, sensed_now(found.sensed, words), follows) if part)
