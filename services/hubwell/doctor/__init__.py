"""`hubwell doctor`: look at every part and say, in words, what is wrong and what to do."""

import json
import sys
from dataclasses import asdict

from hubwell.doctor.checks import Finding, examine
from hubwell.settings import Settings

_MARKS = {"ok": "ok  ", "warning": "look", "failed": "FAIL"}


def print_report(settings: Settings, *, as_json: bool) -> int:
    """Print the findings; return 1 if any part failed, else 0."""
    findings = examine(settings)
    failed = any(finding.state == "failed" for finding in findings)
    if as_json:
        json.dump({"ok": not failed, "findings": [asdict(f) for f in findings]}, sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        for finding in findings:
            _print(finding)
    return 1 if failed else 0


def _print(finding: Finding) -> None:
    sys.stdout.write(f"{_MARKS[finding.state]}  {finding.part}: {finding.found}\n")
    if finding.advice:
        sys.stdout.write(f"      -> {finding.advice}\n")
