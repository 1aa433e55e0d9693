"""The real parts that tests run against: three database lanes, two brokers, a browser, recorded data.

Servers start when the first test wants them. A missing part skips the test on a user's machine and fails it
in CI (environment `CI=true`). Types and further knobs: `tests/lanes/`.
"""

import gc
import importlib.util
import logging
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import hypothesis
import pytest
from playwright.async_api import Browser, async_playwright

from edge.readers.virtual_card import PREPARE as PREPARE_READERS
from edge.readers.virtual_card import VirtualReader
from lanes.apache import apache
from lanes.brokers import IotCore, Mosquitto, iotcore
from lanes.community import community
from lanes.database_lane import Database, Lane, Template
from lanes.missing_part import missing
from lanes.paths import SHARED_DATA
from lanes.plain import plain
from lanes.postgres import PostgresServer

LANES: dict[str, Callable[[], Lane]] = {
    "plain": partial(plain, on_disk=False),
    "timescale-apache": apache,
    "timescale-community": community,
}
EVERY_LANE = [pytest.param(engine, marks=pytest.mark.lane) for engine in LANES]

_DATABASE_FIXTURES = {"lanes", "own_postgres"}

_CHROMIUM_ARGUMENTS = [
    "--no-sandbox",  # it refuses to start as root with one
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# An example may take its time, to make and to try: on a busy machine, time says nothing about the code.
hypothesis.settings.register_profile(
    "unhurried",
    hypothesis.settings(),
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("unhurried")

if importlib.util.find_spec("sniffio") is None:
    # httpcore tries this optional import twice a request, and Python searches every folder each time.
    sys.modules["sniffio"] = None  # type: ignore[assignment]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Keep the garbage collector off what lives as long as the run: all modules and all tests.

    It would go through these 300,000 objects again and again, which takes a tenth of the CPU.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Iterator[None]:
    """Take away the log handlers that a command set up in this process: their stream ends with its test."""
    root = logging.getLogger()
    try:
        return (yield)
    finally:
        for handler in [each for each in root.handlers if type(each) is logging.StreamHandler]:
            root.removeHandler(handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say what runs together when several processes share the tests, and what begins first.

    The slow ones go each for itself, so that nobody waits for them at the end; then those of an engine that
    takes long to start; then the rest by modules, with what a module's tests share. What uses a database
    server is marked so.
    """
    for item in items:
        if not _DATABASE_FIXTURES.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.database)
        if item.get_closest_marker("slow") is None:
            item.add_marker(pytest.mark.xdist_group(_heavy_lane(item) or str(item.path)))
    items.sort(key=lambda item: (item.get_closest_marker("slow") is None, _heavy_lane(item) is None))


def _heavy_lane(item: pytest.Item) -> str | None:
    return next((lane for lane in LANES if lane != "plain" and f"[{lane}" in item.nodeid), None)


@pytest.fixture(scope="session")
def lanes() -> Iterator[Callable[[str], Lane]]:
    """Give a function from an engine's name to its running lane."""
    running: dict[str, Lane] = {}
    with ExitStack() as stack:

        def lane(engine: str) -> Lane:
            if engine not in running:
                server = LANES[engine]()
                stack.callback(server.stop)
                server.start()
                running[engine] = server
            return running[engine]

        yield lane


def _fresh(lane: Lane, template: Template) -> Iterator[Database]:
    database = lane.create(template)
    yield database
    lane.drop(database)


@pytest.fixture
def database(lanes: Callable[[str], Lane]) -> Iterator[Database]:
    """Give a migrated database on plain PostgreSQL."""
    yield from _fresh(lanes("plain"), "migrated")


@pytest.fixture
def empty_database(lanes: Callable[[str], Lane]) -> Iterator[Database]:
    """Give a database on plain PostgreSQL with nothing in it."""
    yield from _fresh(lanes("plain"), "empty")


@pytest.fixture(params=EVERY_LANE)
def lane_database(request: pytest.FixtureRequest, lanes: Callable[[str], Lane]) -> Iterator[Database]:
    """Give a migrated database on each engine in turn: the test runs three times."""
    yield from _fresh(lanes(request.param), "migrated")


@pytest.fixture(params=EVERY_LANE)
def empty_lane_database(request: pytest.FixtureRequest, lanes: Callable[[str], Lane]) -> Iterator[Database]:
    """Give a database on each engine in turn with nothing in it but TimescaleDB, where there is one."""
    yield from _fresh(lanes(request.param), "empty")


@pytest.fixture
def apache_database(lanes: Callable[[str], Lane]) -> Iterator[Database]:
    """Give a migrated database on TimescaleDB's Apache edition: a real server, for load and measurements."""
    yield from _fresh(lanes("timescale-apache"), "migrated")


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """Give a running PostgreSQL server that the test may kill and start again."""
    server = plain()
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """Give a running Mosquitto of the test's own."""
    folder = tmp_path / "mosquitto"
    folder.mkdir()
    broker = Mosquitto(folder)
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def iotcore_broker(tmp_path: Path) -> Iterator[IotCore]:
    """Give a running embedded broker of the test's own."""
    folder = tmp_path / "iotcore"
    folder.mkdir()
    broker = iotcore(folder)
    yield broker
    broker.server.stop()


@pytest.fixture(scope="session")
def _card_reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualReader]:
    """Give one reader for all tests: a process that has used PC/SC once stays with its socket."""
    if importlib.util.find_spec("smartcard") is None:
        missing("pyscard", PREPARE_READERS)
    reader = VirtualReader(tmp_path_factory.mktemp("pcscd"))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in reader.environment.items():
            patch.setenv(name, value)
        yield reader
    reader.stop()


@pytest.fixture
def virtual_reader(_card_reader: VirtualReader) -> Iterator[VirtualReader]:
    """Give a virtual smart-card reader, empty, which this process and its children see."""
    _card_reader.start()
    yield _card_reader
    _card_reader.remove()
    _card_reader.commands.clear()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Give the folder of recorded data, which is read in place and never part of the project."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the recorded data sets are not beside the project, in {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Give a headless Chromium of the test's own."""
    program = shutil.which("chromium")
    if program is None:
        missing("chromium")
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=program, args=_CHROMIUM_ARGUMENTS)
        yield chromium
        await chromium.close()
