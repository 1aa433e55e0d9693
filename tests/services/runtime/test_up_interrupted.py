"""Ctrl-C while `hubwell up` still starts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.runtime.test_up import Up, until


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    up = Up(tmp_path / "data", "--port", "0", "--no-demo")
    yield up
    if up.process.poll() is None:
        up.process.kill()
        up.process.wait()


@pytest.mark.slow
def test_interrupt_while_the_database_is_made_ends_in_order_and_the_next_start_makes_it(up: Up) -> None:
    of_database = up.data / "postgres.unfinished" / "PG_VERSION"
    until(lambda: of_database.exists() or up.process.poll() is not None, up.said)

    assert up.interrupt() == 0

    assert "Traceback" not in up.said()
    assert up.said().splitlines()[-1] == f"Hubwell is stopped; the data is in {up.data}."
    again = Up(up.data, "--port", "0", "--no-demo")
    try:
        assert again.page()
    finally:
        assert again.interrupt() == 0
