"""Two parsers and a calendar program read a feed."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from icalendar import Calendar, Event

from lanes.missing_part import missing
from lanes.paths import NODE_PACKAGES, node_program

_JUDGE = Path(__file__).with_name("feed_judge.mjs")


@dataclass(frozen=True, order=True)
class Seen:
    """An event as a parser read it."""

    uid: str
    start: datetime
    end: datetime
    summary: str
    sequence: int


def by_icalendar(text: bytes) -> list[Seen]:
    """Read with the parser of icalendar."""
    events = [item for item in Calendar.from_ical(text).walk("VEVENT") if isinstance(item, Event)]
    found = [(str(e["uid"]), e.start, e.end, str(e["summary"]), e.sequence) for e in events]
    return sorted(
        Seen(uid, start, end, summary, sequence)
        for uid, start, end, summary, sequence in found
        if isinstance(start, datetime) and isinstance(end, datetime)
    )


def by_ical_js(text: bytes) -> list[Seen]:
    """Read with the parser of Thunderbird."""
    node = node_program()
    if node is None or not (NODE_PACKAGES / "node_modules" / "ical.js").is_dir():
        missing("the Node package ical.js")
    done = subprocess.run(
        [str(node), str(_JUDGE), str(NODE_PACKAGES)],
        input=text,
        check=True,
        capture_output=True,
        timeout=60,
    )
    rows = [json.loads(line) for line in done.stdout.decode().splitlines()]
    return sorted(
        Seen(uid, datetime.fromisoformat(start), datetime.fromisoformat(end), summary, sequence)
        for uid, start, end, summary, sequence in rows
    )


def in_khal(folder: Path, url: str, zone: str, first: str, days: int = 7) -> list[str]:
    """Subscribe with vdirsyncer, and return what khal lists: start, end and title of each event."""
    for program in ("vdirsyncer", "khal"):
        if shutil.which(program) is None:
            missing(program, "scripts/prepare-lanes brings it")
    calendar = folder / "calendar"
    calendar.mkdir(exist_ok=True)
    (folder / "vdirsyncer.conf").write_text(
        f'[general]\nstatus_path = "{folder}/status/"\n'
        '[pair hub]\na = "feed"\nb = "local"\ncollections = null\nconflict_resolution = "a wins"\n'
        f'[storage feed]\ntype = "http"\nurl = "{url}"\n'
        f'[storage local]\ntype = "filesystem"\npath = "{calendar}/"\nfileext = ".ics"\n'
    )
    (folder / "khal.conf").write_text(
        f"[calendars]\n[[hub]]\npath = {calendar}/\ntype = calendar\n"
        f"[locale]\nlocal_timezone = {zone}\ndefault_timezone = {zone}\ntimeformat = %H:%M\n"
        "dateformat = %Y-%m-%d\nlongdateformat = %Y-%m-%d\n"
        "datetimeformat = %Y-%m-%d %H:%M\nlongdatetimeformat = %Y-%m-%d %H:%M\n"
        f"[sqlite]\npath = {folder}/khal.db\n"
    )
    sync = ["vdirsyncer", "-c", str(folder / "vdirsyncer.conf")]
    for words in (["discover"], ["sync"]):
        _run([*sync, *words], folder)
    listed = ["--format", "{start} {end} {title}", "--day-format", "", first, f"{days}d"]
    return _run(["khal", "-c", str(folder / "khal.conf"), "list", *listed], folder).splitlines()


def _run(command: list[str], home: Path) -> str:
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        command,
        cwd=home,
        env=environment,
        input="y\n",
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout
