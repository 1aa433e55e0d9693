"""The supervisor of `hubwell up` with stand-in programs, real signals and real kills."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from hubwell.runtime.managed_process import Part, ending
from hubwell.runtime.parent_death import leashed
from hubwell.runtime.start_errors import CannotStartError
from hubwell.runtime.supervisor import Supervisor
from process_end import has_ended

WITHIN = 20.0  # seconds

# Writes its name to a journal when it starts and when it is asked to stop.
PROGRAM = """
    import os, signal, sys, time
    name, journal, how = sys.argv[1:4]
    def note(what):
        with open(journal, "a") as file:
            file.write(f"{name} {what}\\n")
    def stop(number, frame):
        note("stopped")
        sys.exit(0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN if how == "stubborn" else stop)
    if how == "broken":
        sys.exit("no such sensor")
    note("started")
    print("hello from", name, flush=True)
    while True:
        time.sleep(60)
"""


class Stage:
    """A supervisor over stand-in parts, and what happened."""

    def __init__(self, folder: Path) -> None:
        self.journal = folder / "journal"
        self.journal.touch()
        self.logs = folder / "logs"
        self.told: list[str] = []
        self.supervisor = Supervisor(self.logs, self.told.append)

    def part(self, name: str, how: str = "") -> Part:
        command = leashed([sys.executable, "-c", textwrap.dedent(PROGRAM), name, str(self.journal), how])

        async def ready() -> bool:
            return f"{name} started" in self.lines()

        return Part(name=name, command=lambda: command, ready=ready, patience=5)

    def lines(self) -> list[str]:
        return self.journal.read_text().splitlines()

    async def run(self, *parts: Part, then: Callable[[], object]) -> None:
        """Bring the parts up one after the other, do something, and stop."""

        async def bring_up(supervisor: Supervisor) -> None:
            for part in parts:
                supervisor.launch(part)
                await supervisor.ready()
            done = then()
            if asyncio.iscoroutine(done):
                await done
            os.kill(os.getpid(), signal.SIGTERM)

        async with asyncio.timeout(WITHIN):
            await self.supervisor.run(bring_up)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN):
        while True:
            if true():
                return
            await asyncio.sleep(0.02)


async def test_parts_start_in_order_and_stop_in_reverse(stage: Stage) -> None:
    await stage.run(*(stage.part(name) for name in "abc"), then=stage.lines)
    assert stage.lines() == ["a started", "b started", "c started", "c stopped", "b stopped", "a stopped"]
    assert stage.told == []
    assert stage.supervisor.pids() == {}


async def test_part_that_is_killed_starts_again_and_is_named_with_its_log(stage: Stage) -> None:
    async def kill_and_wait() -> None:
        first = stage.supervisor.pids()["ingest"]
        os.kill(first, signal.SIGKILL)
        await until(lambda: stage.lines().count("ingest started") == 2)
        assert stage.supervisor.pids()["ingest"] != first

    await stage.run(stage.part("broker"), stage.part("ingest"), then=kill_and_wait)
    log = stage.logs / "ingest.log"
    assert stage.told == [f"ingest was ended by SIGKILL; it is restarted. Its log: {log}"]
    assert stage.lines().count("broker started") == 1
    assert log.read_text() == "hello from ingest\n" * 2


async def test_part_that_never_works_ends_the_start_with_its_last_words(stage: Stage) -> None:
    with pytest.raises(CannotStartError) as refused:
        await stage.run(stage.part("database"), stage.part("api", "broken"), then=stage.lines)
    log = stage.logs / "api.log"
    assert str(refused.value) == f'The api exited (code 1) with "no such sensor": see {log}.'
    assert stage.lines() == ["database started", "database stopped"]


async def test_part_that_ignores_the_signal_is_killed(stage: Stage) -> None:
    pids: list[int] = []
    stubborn = replace(stage.part("stubborn", "stubborn"), patience=0.2)
    await stage.run(stage.part("a"), stubborn, then=lambda: pids.extend(stage.supervisor.pids().values()))
    assert stage.lines() == ["a started", "stubborn started", "a stopped"]
    assert not any(psutil.pid_exists(pid) for pid in pids)


async def test_second_signal_does_not_wait_for_a_stubborn_part(stage: Stage) -> None:
    stubborn = replace(stage.part("stubborn", "stubborn"), patience=600)

    async def ask_once_more() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(0)

    await stage.run(stubborn, then=ask_once_more)
    assert stage.lines() == ["stubborn started"]


async def test_signal_during_the_start_takes_down_what_was_started(stage: Stage) -> None:
    async def never() -> bool:
        if "slow started" in stage.lines():
            os.kill(os.getpid(), signal.SIGINT)
        return False

    await stage.run(stage.part("a"), replace(stage.part("slow"), ready=never), then=stage.lines)
    assert stage.lines() == ["a started", "slow started", "slow stopped", "a stopped"]


async def test_log_of_the_run_before_is_kept(stage: Stage, tmp_path: Path) -> None:
    await stage.run(stage.part("api"), then=stage.lines)
    stage.journal.write_text("")
    again = Stage(tmp_path)
    await again.run(again.part("api"), then=again.lines)
    assert (
        (stage.logs / "api.log").read_text() == (stage.logs / "api.log.1").read_text() == "hello from api\n"
    )


@pytest.fixture
def other_supervisor(stage: Stage) -> Iterator["subprocess.Popen[bytes]"]:
    """A supervisor of two stand-ins in a process of its own."""
    program = f"""
        import asyncio, pathlib, sys
        sys.path[:0] = {[str(Path(__file__).parents[up]) for up in (0, 2)]!r}
        from test_supervisor import Stage
        stage = Stage(pathlib.Path({str(stage.journal.parent)!r}))
        asyncio.run(stage.run(stage.part("a"), stage.part("b", "stubborn"), then=lambda: asyncio.sleep(600)))
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)]) as process:
        yield process
        with suppress(ProcessLookupError):
            process.kill()


async def test_nothing_outlives_a_supervisor_that_was_killed(
    stage: Stage, other_supervisor: "subprocess.Popen[bytes]"
) -> None:
    await until(lambda: "b started" in stage.lines())
    children = psutil.Process(other_supervisor.pid).children(recursive=True)
    assert len(children) == 2
    other_supervisor.kill()
    await until(lambda: all(has_ended(child) for child in children))
    assert "a stopped" not in stage.lines()


@pytest.mark.parametrize(("code", "words"), [(0, "exited (code 0)"), (-9, "was ended by SIGKILL")])
def test_ending_says_how(code: int, words: str) -> None:
    assert ending(code) == words


def test_leashed_program_does_not_start_when_its_starter_is_gone() -> None:
    command = leashed([sys.executable, "-c", "print('started')"])
    command[command.index("--parent") + 1] = "1"
    ended = subprocess.run(command, capture_output=True, check=False)
    assert ended.stdout == b""
    assert ended.returncode == 3
