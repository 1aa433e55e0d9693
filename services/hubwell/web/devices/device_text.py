"""One device in words: its sensors, what of it is missing, and what it reports of itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from hubwell.api.schemas import Device, SeriesNow
from hubwell.web.devices.problems import advice
from hubwell.web.kit.formatting import Formatter
from hubwell.workflows.register.devices import Details


@dataclass(frozen=True, slots=True)
class SensorRow:
    """A series with its last value."""

    name: str
    series: str
    value: str
    time: datetime | None
    quality: str
    check: str


def sensor_rows(device: Device, words: Formatter) -> list[SensorRow]:
    """Return the series of a device."""
    return [
        SensorRow(
            words.quantity(item.quantity) or item.name,
            item.name,
            "" if item.value is None else words.measured(item.value, item.unit),
            item.heard,
            _quality(item, words),
            advice(item, words),
        )
        for item in device.series
    ]


def purposes(words: Formatter) -> list[tuple[str, str]]:
    """Return what a reader can be for."""
    _ = words.translations.gettext
    return [("space", _("The door of the space")), ("desk", _("A desk")), ("kiosk", _("A kiosk"))]


def missing(details: Details, words: Formatter) -> list[str]:
    """Return what is missing of a device; nothing where all came."""
    ngettext = words.translations.ngettext
    losses, texts = details.losses, []
    if losses.missing:
        texts.append(
            ngettext(
                "{n} message never came, although later ones did.",
                "{n} messages never came, although later ones did.",
                losses.missing,
            ).format(n=losses.missing)
        )
    if losses.to_come:
        texts.append(
            ngettext(
                "{n} message has not come yet; the device keeps it until it has a receipt.",
                "{n} messages have not come yet; the device keeps them until it has a receipt.",
                losses.to_come,
            ).format(n=losses.to_come)
        )
    texts += [_declared(item.cause, item.count, item.last_at, words) for item in details.declared]
    return texts


def clock(state: str | None, words: Formatter) -> str:
    """Return the state of a device's clock in words."""
    _ = words.translations.gettext
    known = {
        "synced": _("Set by the network"),
        "unsynced": _("Never set"),
    }
    return known.get(state or "", _("Not reported"))


def of_fields(errors: dict[str, str], fields: Mapping[str, str]) -> dict[str, str]:
    """Return mistakes by the field of the page that has what was refused; the others without a field."""
    return {fields.get(name, ""): sentence for name, sentence in errors.items()}


def _declared(cause: str, count: int, last_at: datetime, words: Formatter) -> str:
    ngettext = words.translations.ngettext
    text = {
        "outbox-full": ngettext(
            "The device dropped {n} message because its memory for messages was full, last on {time}.",
            "The device dropped {n} messages because its memory for messages was full, last on {time}.",
            count,
        ),
        "disk-full": ngettext(
            "The device lost {n} observation because its disk was full, last on {time}.",
            "The device lost {n} observations because its disk was full, last on {time}.",
            count,
        ),
    }.get(cause)
    return (text or f"{cause}: {{n}}, {{time}}").format(n=count, time=words.clock(last_at))


def _quality(series: SeriesNow, words: Formatter) -> str:
    _ = words.translations.gettext
    if series.state == "never":
        return _("Never heard")
    if series.state == "silent":
        return _("Silent")
    if series.state == "in-doubt":
        return _("In doubt")
    return _("Inferred") if series.quality == "inferred" else _("Good")
