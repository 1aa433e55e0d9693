"""Values in words: whole sentences through gettext, times in the hub's zone, numbers as exact as sensors are.

A `Formatter` is made for one language and one moment.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from gettext import NullTranslations
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton, get_day_names
from babel.numbers import get_decimal_symbol

from hubwell.api.schemas import Alert, SpaceNow
from hubwell.i18n import conventions
from hubwell.spaces.rules import clock as local_time
from hubwell.vocabulary import (
    CO2_CLEAR_BELOW_PPM,
    COUNT_WINDOW,
    NOBODY_SENSED_AFTER,
    QUIET_BELOW_DB,
    SOURCE_LANGUAGE,
    STALE_AFTER,
)
from hubwell.web.kit.spaces import is_closed

_A_MINUTE: Final = timedelta(minutes=1)
_ANOTHER_YEAR: Final = timedelta(days=182)
_TALK_BELOW_DB: Final = 60.0
_LIVELY_BELOW_DB: Final = 75.0
_UNITS: Final = {"Cel": "°C", "%RH": "%", "ug/m3": "µg/m³", "m3/s": "m³/s", "/": "", "count": ""}
_CO2_STEP: Final = 10
_TEMPERATURE_STEP: Final = 0.5


@dataclass(frozen=True, slots=True)
class Formatter:
    """One language, one zone, one moment."""

    translations: NullTranslations
    zone: ZoneInfo
    now: datetime
    language: str = SOURCE_LANGUAGE

    def clock(self, moment: datetime) -> str:
        """Return the time of day, with the date where it is another day."""
        _ = self.translations.gettext
        time = self.time(moment)
        if moment.astimezone(self.zone).date() == self.now.astimezone(self.zone).date():
            return time
        return _("{day}, {time}").format(day=self.day(moment), time=time)

    def time(self, moment: datetime) -> str:
        """Return the time of day alone, where the day is plain."""
        return f"{moment.astimezone(self.zone):%H:%M}"

    def second(self, moment: datetime) -> str:
        """Return the time of day to the second, for what has just happened."""
        return f"{moment.astimezone(self.zone):%H:%M:%S}"

    def day(self, moment: datetime) -> str:
        """Return an unambiguous date: Mon 23 Nov, with its year where it is half a year away or more."""
        if abs(moment - self.now) >= _ANOTHER_YEAR:
            return self.date(moment)
        local = moment.astimezone(self.zone)
        return format_skeleton("MMMEd", local, locale=conventions(self.language))

    def short_day(self, moment: datetime) -> str:
        """Return day and month, for an axis: 23 Nov."""
        return format_skeleton("MMMd", moment.astimezone(self.zone), locale=conventions(self.language))

    def noon(self, day: date) -> datetime:
        """Return noon of a day in the hub's zone, for methods that take a moment."""
        return datetime.combine(day, time(12), self.zone)

    def weekday(self, number: int) -> str:
        """Return the short name of a day of the week, 1 for Monday."""
        return str(get_day_names("abbreviated", "stand-alone", conventions(self.language))[number - 1])

    def date(self, moment: datetime) -> str:
        """Return a date with its year: Mon, 23 Nov 2026."""
        local = moment.astimezone(self.zone)
        return format_skeleton("yMMMEd", local, locale=conventions(self.language))

    def number(self, value: float, form: str = ".0f") -> str:
        """Return a number with the language's decimal sign; `form` is a format specification of Python's."""
        # Not Babel's format_decimal: it refuses the absurd values that a broken sensor sends.
        return f"{value:{form}}".replace(".", get_decimal_symbol(conventions(self.language)))

    def heard(self, moment: datetime | None, *, exact: bool = False) -> str:
        """Return how old the newest reading is; a time that is not `exact` is the start of a window."""
        _, ngettext = self.translations.gettext, self.translations.ngettext
        if moment is None:
            return _("Nothing heard yet")
        age = self.now - moment
        if age < STALE_AFTER and not exact:
            minutes = STALE_AFTER // _A_MINUTE
            return ngettext("Heard in the last {n} minute", "Heard in the last {n} minutes", minutes).format(
                n=minutes
            )
        seconds = max(0, int(age.total_seconds()))
        if age < _A_MINUTE:
            return ngettext("Heard {n} second ago", "Heard {n} seconds ago", seconds).format(n=seconds)
        if age < STALE_AFTER:
            minutes = seconds // 60
            return ngettext("Heard {n} minute ago", "Heard {n} minutes ago", minutes).format(n=minutes)
        return _("Last heard {time}").format(time=self.clock(moment))

    def is_stale(self, moment: datetime | None) -> bool:
        """Return whether a reading of this time is too old to be shown as current."""
        return moment is None or self.now - moment >= STALE_AFTER

    def state(self, space: SpaceNow) -> str:
        """Return the state as a word."""
        _ = self.translations.gettext
        if space.personal:
            return _("Not shown")
        if is_closed(space):
            return _("Closed")
        if space.check_outs_missing:
            return _("Probably free")
        return {"free": _("Free"), "used": _("In use"), "unknown": _("Not known")}[space.state]

    def people(self, space: SpaceNow) -> str:
        """Explain the state: how full the space is, or why that is unknown."""
        _ = self.translations.gettext
        if space.personal:
            return _("One person's room: presence is not shown.")
        if is_closed(space):
            return self.opening(space)
        if space.state == "unknown":
            return self._why_unknown(space)
        return self._nobody(space) if space.state == "free" else self._who_is_there(space)

    def _who_is_there(self, space: SpaceNow) -> str:
        if space.people is None:
            return self.translations.gettext("Somebody is here.")
        if space.people_from is None:
            return self._held(space, space.people)
        return self._about(space, space.people, space.people_from)

    def opening(self, space: SpaceNow) -> str:
        """Return when a closed space opens; empty where no opening time is stated."""
        if space.opens_at is None:
            return ""
        return self.translations.gettext("It opens at {time}.").format(time=local_time(space.opens_at))

    def _nobody(self, space: SpaceNow) -> str:
        """Return why the space is free, without the number of missing check-outs: that is a small group's."""
        _ = self.translations.gettext
        if not space.check_outs_missing:
            return _("Nobody is here.")
        text = _("No person detected for {n} minutes, but check-outs are missing.")
        return text.format(n=NOBODY_SENSED_AFTER // _A_MINUTE)

    def _held(self, space: SpaceNow, people: int) -> str:
        """Return how many people there are by a count that has hardly changed since an earlier window."""
        ngettext = self.translations.ngettext
        plain = ngettext("About {n} person.", "About {n} people.", people)
        sentence = {
            "third": ngettext(
                "About a third full: about {n} person.", "About a third full: about {n} people.", people
            ),
            "half": ngettext(
                "About half full: about {n} person.", "About half full: about {n} people.", people
            ),
            "most": ngettext("Nearly full: about {n} person.", "Nearly full: about {n} people.", people),
            "full": ngettext("Full: about {n} person.", "Full: about {n} people.", people),
        }.get(space.fullness or "", plain)
        return sentence.format(n=people)

    def _about(self, space: SpaceNow, people: int, begin: datetime) -> str:
        """Return how many people there were in the newest closed window."""
        ngettext = self.translations.ngettext
        plain = ngettext(
            "About {n} person between {start} and {end}.",
            "About {n} people between {start} and {end}.",
            people,
        )
        sentence = {
            "third": ngettext(
                "About a third full: {n} person between {start} and {end}.",
                "About a third full: {n} people between {start} and {end}.",
                people,
            ),
            "half": ngettext(
                "About half full: {n} person between {start} and {end}.",
                "About half full: {n} people between {start} and {end}.",
                people,
            ),
            "most": ngettext(
                "Nearly full: about {n} person between {start} and {end}.",
                "Nearly full: about {n} people between {start} and {end}.",
                people,
            ),
            "full": ngettext(
                "Full: about {n} person between {start} and {end}.",
                "Full: about {n} people between {start} and {end}.",
                people,
            ),
        }.get(space.fullness or "", plain)
        return sentence.format(n=people, start=self.time(begin), end=self.time(begin + COUNT_WINDOW))

    def _why_unknown(self, space: SpaceNow) -> str:
        _ = self.translations.gettext
        if space.last_heard is None:
            return _("Nothing has been heard from here yet.")
        if space.presence_heard is None:
            return _("No sensor here detects people.")
        if space.presence_reason == "in-doubt":
            return _("The sensor that detects people is in doubt.")
        return _("Sensor silent since {time}.").format(time=self.clock(space.presence_heard))

    def air(self, space: SpaceNow) -> str:
        """Return the air in words."""
        _ = self.translations.gettext
        return {
            "fresh": _("Fresh air"),
            "stuffy": _("Stuffy air"),
            "bad": _("Bad air"),
            "unknown": _("Air not known"),
        }[space.air]

    def air_reason(self, space: SpaceNow) -> str | None:
        """Return why the air is not known, None where it is."""
        _ = self.translations.gettext
        if space.air_reason == "in-doubt":
            return _("The CO₂ sensor is in doubt: its value cannot be right.")
        if space.air_reason == "silent" and space.air_heard is not None:
            return _("CO₂ sensor silent since {time}.").format(time=self.clock(space.air_heard))
        return _("There is no CO₂ sensor.") if space.air_reason == "no-sensor" else None

    def air_unjudged(self, space: SpaceNow) -> str | None:
        """Return why no alert can be given for the air, None where it can."""
        _ = self.translations.gettext
        if space.air_unjudged == "too-seldom":
            return _("No alert is possible: CO₂ is measured less often than every ten minutes.")
        if space.air_unjudged == "people-unknown":
            return _("No alert is possible: it is not known whether people are here.")
        return self.air_reason(space) if space.air_unjudged else None

    def air_advice(self, space: SpaceNow) -> str | None:
        """Return what to do about the air, if anything."""
        _ = self.translations.gettext
        return {"stuffy": _("Open a window."), "bad": _("Open two windows.")}.get(space.air)

    def co2(self, ppm: float) -> str:
        """Return a CO2 value as a low-cost sensor knows it: in steps of 10 ppm."""
        _ = self.translations.gettext
        return _("{n} ppm").format(n=round(ppm / _CO2_STEP) * _CO2_STEP)

    def temperature(self, celsius: float) -> str:
        """Return a temperature in steps of half a degree."""
        _ = self.translations.gettext
        value = round(celsius / _TEMPERATURE_STEP) * _TEMPERATURE_STEP
        return _("{n} °C").format(n=self.number(value, ".1f"))

    def humidity(self, percent: float) -> str:
        """Return a relative humidity in whole percent."""
        _ = self.translations.gettext
        return _("{n} %").format(n=round(percent))

    def noise(self, decibel: float) -> str:
        """Return how loud it is, in a word."""
        _ = self.translations.gettext
        if decibel < QUIET_BELOW_DB:
            return _("Quiet")
        if decibel < _TALK_BELOW_DB:
            return _("Some talk")
        return _("Lively") if decibel < _LIVELY_BELOW_DB else _("Loud")

    def decibel(self, value: float) -> str:
        """Return a level in whole decibels."""
        _ = self.translations.gettext
        return _("{n} dB").format(n=round(value))

    def quantity(self, name: str) -> str | None:
        """Return what a quantity is called, None for one without a word of its own."""
        _ = self.translations.gettext
        return {
            "co2": _("CO₂"),
            "temp": _("Temperature"),
            "rh": _("Humidity"),
            "pressure": _("Pressure"),
            "light": _("Light"),
            "noise": _("Noise"),
            "presence": _("Presence"),
            "motion": _("Motion"),
            "voltage": _("Voltage"),
        }.get(name)

    def measured(self, value: float, unit: str) -> str:
        """Return a value with its unit as people write it."""
        return f"{self.number(value, '.4g')} {_UNITS.get(unit, unit)}".rstrip()

    def capacity(self, space: SpaceNow) -> str:
        """Return the capacity in words."""
        ngettext = self.translations.ngettext
        return ngettext("Room for {n} person", "Room for {n} people", space.capacity).format(n=space.capacity)

    def spoken(self, space: SpaceNow) -> str:
        """Summarise a space in one sentence, for screen readers."""
        _ = self.translations.gettext
        if space.personal:
            return _("{space}: one person's room.").format(space=space.name)
        if is_closed(space):
            return _("{space} is closed.").format(space=space.name)
        text = {
            "free": _("{space} is probably free.") if space.check_outs_missing else _("{space} is free."),
            "used": _("{space} is in use."),
            "unknown": _("{space}: not known whether it is free."),
        }[space.state].format(space=space.name)
        if space.alerts:
            text += " " + _("There is an alert in {space}.").format(space=space.name)
        return text


@dataclass(frozen=True, slots=True)
class AlertWords:
    """An alert in the order in which a person needs it: what, since when, what to do, then why."""

    what: str
    since: str
    advice: str
    rule: str
    evidence: str | None


def alert_words(words: Formatter, alert: Alert, space: SpaceNow | None = None) -> AlertWords:
    """Put an episode into words; what holds now is judged by the space's air, where that is given."""
    _ = words.translations.gettext
    if alert.resolved_at is None:
        since = _("Since {time}.").format(time=words.clock(alert.opened_at))
    else:
        since = _("From {start} to {end}.").format(
            start=words.clock(alert.opened_at), end=words.clock(alert.resolved_at)
        )
    rule = _("Rule {rule}, version {version}.").format(rule=alert.rule, version=alert.rule_version)
    return AlertWords(
        what=_what(words, alert, space),
        since=since,
        advice=_advice(words, alert, space),
        rule=f"{rule} {alert.clause}." if alert.clause else rule,
        evidence=_evidence(words, alert),
    )


def needs_airing(space: SpaceNow) -> bool:
    """Return whether an alert is open and the air is still as bad as it says."""
    return bool(space.alerts) and space.air in {"stuffy", "bad"}


def _what(words: Formatter, alert: Alert, space: SpaceNow | None) -> str:
    _ = words.translations.gettext
    if alert.rule.startswith("co2"):
        if alert.resolved_at is not None:
            return _("The air needed changing.")
        if space is None or needs_airing(space):
            return _("The air needs changing.")
        if space.air == "fresh":
            return _("The airing works.")
        if space.air_reason == "in-doubt" or space.air_heard is None:
            return _("The air was stuffy when the sensor was last reliable.")
        return _("The air was stuffy when the sensor fell silent at {time}.").format(
            time=words.clock(space.air_heard)
        )
    return _("The rule {rule} holds.").format(rule=alert.rule)


def _advice(words: Formatter, alert: Alert, space: SpaceNow | None) -> str:
    _ = words.translations.gettext
    if alert.rule.startswith("co2"):
        if space is None or needs_airing(space):
            return _("Open two windows for about ten minutes.")
        if space.co2_ppm is not None:
            return _(
                "CO₂ is down to {co2}. This alert ends when its average of 15 minutes is below {limit}."
            ).format(co2=words.co2(space.co2_ppm), limit=words.co2(CO2_CLEAR_BELOW_PPM))
        return _("Check the sensor, its power and its network. It is not known how the air is now.")
    return _("Ask the person who is responsible for safety here.")


def _evidence(words: Formatter, alert: Alert) -> str | None:
    _ = words.translations.gettext
    window, readings = alert.evidence.get("window_minutes"), alert.evidence.get("readings")
    if alert.unit != "ppm" or not isinstance(window, int | float):
        return None
    sentence = _("CO₂ was {value} on average over {minutes} minutes when the alert began, {peak} at most.")
    text = sentence.format(value=words.co2(alert.value), minutes=round(window), peak=words.co2(alert.peak))
    if isinstance(readings, int):
        text += " " + words.translations.ngettext(
            "The average rests on {n} reading of a low-cost sensor, which shows ventilation, not exposure.",
            "The average rests on {n} readings of a low-cost sensor, which shows ventilation, not exposure.",
            readings,
        ).format(n=readings)
    return text
