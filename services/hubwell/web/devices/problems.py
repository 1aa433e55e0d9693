"""What is wrong with devices, one line each: what, since when, what to check; the worst first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hubwell.api.schemas import Device, SeriesNow
from hubwell.ingest.audit import Losses
from hubwell.spaces.device_register import Report
from hubwell.vocabulary import BADGE_LIST_OLD_AFTER
from hubwell.web.kit.formatting import Formatter


@dataclass(frozen=True, slots=True)
class Problem:
    """One line about one device."""

    device: Device
    what: str
    since: datetime | None
    check: str


@dataclass(frozen=True, slots=True)
class Sorted:
    """Lines about devices that need attention, and the devices of which there is none."""

    problems: Sequence[Problem]
    devices_at_fault: int
    well: Sequence[Device]


def sort_devices(
    devices: Sequence[Device],
    reports: Mapping[str, Report],
    losses: Mapping[str, Losses],
    words: Formatter,
) -> Sorted:
    """Return what is wrong, silent devices first, and what is well."""
    lines: list[tuple[int, Problem]] = []
    well = []
    for device in devices:
        of_device = list(_problems(device, reports.get(device.id), losses.get(device.id, Losses()), words))
        lines += of_device
        if not of_device:
            well.append(device)
    lines.sort(key=lambda line: (line[0], line[1].device.id))
    return Sorted([problem for _, problem in lines], len(devices) - len(well), well)


def _problems(
    device: Device, report: Report | None, losses: Losses, words: Formatter
) -> Iterator[tuple[int, Problem]]:
    """Yield what is wrong with a device, each with its rank: 0 is the worst."""
    _ = words.translations.gettext
    power = _("Check its power and its network. What it measures waits on it.")
    if device.silent and device.last_heard is None:
        check = _("Check its id, its account at the broker and its network.")
        yield 0, Problem(device, _("Never heard since it was registered."), device.silent_since, check)
    elif device.silent:
        yield 0, Problem(device, _("Nothing is heard of it."), device.silent_since, power)
    elif device.status == "offline":
        yield 1, Problem(device, _("It is not connected to the broker."), device.status_at, power)
    for series in device.series:
        if not device.silent and (problem := _of_series(device, series, words)):
            yield 2, problem
    if report is not None:
        yield from _reported(device, report, words)
    yield from _lost(device, losses, words)


def _of_series(device: Device, series: SeriesNow, words: Formatter) -> Problem | None:
    _ = words.translations.gettext
    name = words.quantity(series.quantity) or series.name
    if series.state == "in-doubt":
        what = _("{series} gives values that cannot be right.").format(series=name)
        return Problem(device, what, None, advice(series, words))
    if series.state == "silent":
        return Problem(
            device, _("{series} is silent.").format(series=name), series.heard, advice(series, words)
        )
    return None


def advice(series: SeriesNow, words: Formatter) -> str:
    """Return what to check of a sensor; empty where it is well."""
    _ = words.translations.gettext
    if series.state == "in-doubt":
        text = _(
            "Check {part}, its cable and its power, then restart the device. Replace a part that stays so."
        )
    elif series.state == "silent":
        text = _("Check {part} and its cable.")
    else:
        return ""
    return text.format(part=series.name.rpartition("/")[0] or series.name)


def _reported(device: Device, report: Report, words: Formatter) -> Iterator[tuple[int, Problem]]:
    _ = words.translations.gettext
    if report.clock == "unsynced":
        check = _("Give the device network time. Until then its messages are set aside.")
        yield 1, Problem(device, _("Its clock was never set."), None, check)
    old = report.roster_at is None or words.now - report.roster_at > BADGE_LIST_OLD_AFTER
    if report.needs_list and old and not device.silent:
        check = _("Check its connection. Without a new list it knows no new badges while the server is away.")
        yield 3, Problem(device, _("Its list of badges is old or missing."), device.roster_at, check)


def _lost(device: Device, losses: Losses, words: Formatter) -> Iterator[tuple[int, Problem]]:
    _, ngettext = words.translations.gettext, words.translations.ngettext
    check = _("Its page shows which, and why.")
    if losses.missing:
        what = ngettext(
            "{n} message of the last seven days never came.",
            "{n} messages of the last seven days never came.",
            losses.missing,
        ).format(n=losses.missing)
        yield 4, Problem(device, what, None, check)
    if losses.refused:
        what = ngettext(
            "{n} message of the last seven days was set aside.",
            "{n} messages of the last seven days were set aside.",
            losses.refused,
        ).format(n=losses.refused)
        yield 4, Problem(device, what, None, check)
