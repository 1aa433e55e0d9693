"""The figures that the issue sets: measured as an operator would, with `hubwell bench NAME --json`."""

import json
import os
import subprocess
import sys

import pytest

from lanes.lane import Database
from lanes.missing import missing

pytestmark = pytest.mark.bench


def bench(name: str, database: Database) -> tuple[int, dict[str, object]]:
    answer = subprocess.run(
        [sys.executable, "-m", "hubwell", "bench", name, "--json"],
        env={**os.environ, "HUBWELL_DATABASE_URL": database.url},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert answer.stdout, answer.stderr
    found: dict[str, object] = json.loads(answer.stdout)
    print(answer.stdout)
    return answer.returncode, found


def test_ingest_into_timescaledb(apache_database: Database) -> None:
    code, found = bench("ingest", apache_database)
    assert set(found) == {"name", "figures", "ratio", "target", "ok"}
    assert found["figures"]["engine"] == "timescale-apache"
    if found["figures"]["broker"] != "mosquitto":
        missing("mosquitto")
    assert found["ok"], found
    assert code == 0
