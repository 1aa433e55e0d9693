"""Pauses between attempts grow, differ and begin again; a warning is logged once for each reason."""

import logging

import pytest

from hubwell.errors import first_line
from hubwell.storage.retry import Backoff, WarnOnce


def test_pauses_double_up_to_the_limit_each_within_half_of_itself() -> None:
    backoff = Backoff(0.5, 5.0)
    for expected in (0.5, 1.0, 2.0, 4.0, 5.0, 5.0):
        assert 0.5 * expected <= backoff.next_s() <= 1.5 * expected
    backoff.reset()
    assert backoff.next_s() <= 0.75


def test_pauses_of_two_processes_differ() -> None:
    one, other = ([backoff.next_s() for _ in range(20)] for backoff in (Backoff(), Backoff()))
    assert one != other


async def test_waiting_sleeps_for_the_next_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    slept = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("asyncio.sleep", sleep)
    backoff = Backoff(1.0, 2.0)
    for _ in range(3):
        await backoff.wait()
    assert 0.5 <= slept[0] <= 1.5
    assert all(1.0 <= seconds <= 3.0 for seconds in slept[1:])


def test_one_warning_for_each_reason_in_a_row(caplog: pytest.LogCaptureFixture) -> None:
    warn = WarnOnce(logging.getLogger("test"), "it failed: %s", action="failed")
    assert not warn.clear()
    for reason in (OSError("away\nand more"), OSError("away"), "away", OSError("full")):
        warn(reason)
    assert warn.clear()
    warn("full")
    assert [record.getMessage() for record in caplog.records] == [
        "it failed: away", "it failed: full", "it failed: full"
    ]  # fmt: skip
    assert {record.__dict__["action"] for record in caplog.records} == {"failed"}


def test_first_line_of_an_error() -> None:
    assert first_line(ValueError("  one\ntwo")) == "one"
    assert first_line(TimeoutError()) == "TimeoutError"
