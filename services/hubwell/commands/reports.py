"""`hubwell audit`, `rejected` and `doctor`: what arrived, what was set aside, and what to do."""

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from hubwell.commands.cli_output import print_rows, say
from hubwell.commands.cli_transactions import refuse
from hubwell.settings import Settings

if TYPE_CHECKING:
    from hubwell.doctor.finding import Finding
    from hubwell.ingest.audit import Day

_MARKS: Final = {"ok": "ok  ", "warning": "look", "failed": "FAIL"}


def print_audit(url: str, *, zone: str, device: str | None, days: int, as_json: bool) -> int:
    """Print the account; return 0 when nothing is missing without a cause and no values clash, else 1.

    A device that is not registered is refused: of it nothing would be missing.
    """
    from hubwell.ingest.audit import audit
    from hubwell.spaces.register import list_devices
    from hubwell.storage.connect import connect_sync

    since = datetime.now(UTC) - timedelta(days=days)
    with connect_sync(url, name="audit") as conn:
        if device is not None and device not in {row["id"] for row in list_devices(conn)}:
            raise refuse(f"{device!r}: there is no such device; `hubwell device list` shows them")
        account = audit(conn, since=since, zone=zone, device=device)
    missing = sum(day.missing for day in account)
    clashing = sum(day.clashing for day in account)
    clean = missing == clashing == 0
    if as_json:
        rows = [{**asdict(day), "sent": day.sent} for day in account]
        totals = {"missing": missing, "clashing": clashing, "clean": clean}
        json.dump({"days": rows, **totals}, sys.stdout, default=str, indent=2)
        sys.stdout.write("\n")
    else:
        _print_for_people(account, missing)
    return 0 if clean else 1


def _print_for_people(account: "list[Day]", missing: int) -> None:
    rows = [
        {
            "device": day.device,
            "day": day.day,
            "sent": day.sent,
            "stored": day.stored,
            "duplicated": day.duplicated,
            "rejected": day.rejected,
            "dropped": day.dropped,
            "missing": day.missing,
            "readings": day.readings,
            "not_stored": day.clashing + day.readings_refused,
        }
        for day in account
    ]
    print_rows(rows, title="messages", as_json=False)
    for day in account:
        for hole in day.holes:
            sys.stdout.write(
                f"{day.device}, {day.day}: numbers {hole.first} to {hole.last} of boot {hole.boot[:8]}: "
                f"{hole.cause}\n"
            )
        _print_unstored(day)
        if day.unnumbered:
            sys.stdout.write(f"{day.device}, {day.day}: {day.unnumbered} observations lost, disk full\n")
    sentence = "Nothing is missing." if missing == 0 else f"{missing} messages are missing."
    sys.stdout.write(sentence + "\n")


def _print_unstored(day: "Day") -> None:
    where = f"{day.device}, {day.day}"
    if day.clashing:
        sys.stdout.write(
            f"{where}: {day.clashing} readings clash with another value of the same instant; the first value "
            "stays. See `hubwell rejected`.\n"
        )
    if day.readings_refused:
        sys.stdout.write(
            f"{where}: {day.readings_refused} readings cannot be right and were refused. "
            "See `hubwell rejected`.\n"
        )


def print_rejected(url: str, *, most: int, as_json: bool) -> None:
    """Print the newest rejected messages with their reasons."""
    from hubwell.ingest.audit import newest_rejected
    from hubwell.storage.connect import connect_sync

    with connect_sync(url, name="audit") as conn:
        print_rows(newest_rejected(conn, most), title="rejected messages", as_json=as_json)


def print_report(settings: Settings | None, wrong: list[str], misspelt: list[str], *, as_json: bool) -> int:
    """Print what `doctor` finds; return 1 if any part failed, else 0.

    Without settings (None) the sentences about `wrong` ones are all there is to find.
    """
    from hubwell.doctor.checks import examine
    from hubwell.doctor.finding import Finding

    findings = [Finding("settings", "failed", sentence) for sentence in wrong]
    findings += examine(settings) if settings is not None else []
    findings += [Finding("settings", "warning", sentence) for sentence in misspelt]
    failed = any(finding.state == "failed" for finding in findings)
    if as_json:
        json.dump(
            {"ok": not failed, "findings": [asdict(finding) for finding in findings]}, sys.stdout, indent=2
        )
        sys.stdout.write("\n")
    else:
        for finding in findings:
            _print_finding(finding)
    return 1 if failed else 0


def _print_finding(finding: "Finding") -> None:
    say(f"{_MARKS[finding.state]}  {finding.part}: {finding.found}")
    if finding.advice:
        say(f"      -> {finding.advice}")
