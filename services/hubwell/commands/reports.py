"""`hubwell audit`, `rejected` and `doctor`: what arrived, what was set aside, and what to do."""

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from hubwell.commands.cli_output import print_rows
from hubwell.settings import Settings

if TYPE_CHECKING:
    from hubwell.doctor.checks import Finding
    from hubwell.ingest.audit import Day

_MARKS: Final = {"ok": "ok  ", "warning": "look", "failed": "FAIL"}


def print_audit(url: str, *, zone: str, device: str | None, days: int, as_json: bool) -> int:
    """Print the account; return 0 when nothing is missing without a cause, else 1."""
    from hubwell.ingest.audit import audit
    from hubwell.storage.connect import connect_sync

    since = datetime.now(UTC) - timedelta(days=days)
    with connect_sync(url, name="audit") as conn:
        account = audit(conn, since=since, zone=zone, device=device)
    missing = sum(day.missing for day in account)
    if as_json:
        rows = [{**asdict(day), "sent": day.sent} for day in account]
        json.dump(
            {"days": rows, "missing": missing, "clean": missing == 0}, sys.stdout, default=str, indent=2
        )
        sys.stdout.write("\n")
    else:
        _print_for_people(account, missing)
    return 0 if missing == 0 else 1


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
        if day.unnumbered:
            sys.stdout.write(f"{day.device}, {day.day}: {day.unnumbered} observations lost, disk full\n")
    sentence = "Nothing is missing." if missing == 0 else f"{missing} messages are missing."
    sys.stdout.write(sentence + "\n")


def print_rejected(url: str, *, most: int, as_json: bool) -> None:
    """Print the newest rejected messages with their reasons."""
    from hubwell.ingest.audit import newest_rejected
    from hubwell.storage.connect import connect_sync

    with connect_sync(url, name="audit") as conn:
        print_rows(newest_rejected(conn, most), title="rejected messages", as_json=as_json)


def print_report(settings: Settings, *, as_json: bool) -> int:
    """Print what `doctor` finds; return 1 if any part failed, else 0."""
    from hubwell.doctor.checks import examine

    findings = examine(settings)
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
    sys.stdout.write(f"{_MARKS[finding.state]}  {finding.part}: {finding.found}\n")
    if finding.advice:
        sys.stdout.write(f"      -> {finding.advice}\n")
