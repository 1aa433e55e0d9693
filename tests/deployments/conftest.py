"""What the stories of the Compose guide share: an engine each, a hub, and the figures measured."""

import os
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from deployments.compose_hub import ComposeHub
from deployments.hub_images import HEAD, IMAGE, compose_program, engine_for, measured
from deployments.private_engine import PrivateEngine
from deployments.small_disk import small_disk

Figures = dict[str, float | str]


@pytest.fixture(scope="module")
def figures(request: pytest.FixtureRequest) -> Iterator[Figures]:
    """What a story measures; printed at its end."""
    found: Figures = {}
    begin = time.monotonic()
    yield found
    found["minutes of this story"] = (time.monotonic() - begin) / 60
    lines = [
        f"  {name}: {value:.1f}" if isinstance(value, float) else f"  {name}: {value}"
        for name, value in found.items()
    ]
    sys.stdout.write("\n".join([f"\nFigures of {request.module.__name__}:", *lines, ""]))


@pytest.fixture(scope="module")
def engine(request: pytest.FixtureRequest, figures: Figures) -> Iterator[PrivateEngine]:
    """A running engine with the images of this release and of the one before, `hubwell:landed`."""
    engine = engine_for(request.module.__name__.rpartition(".")[2])
    if (folder := compose_program()) is not None:
        engine.use_compose(folder)
    figures["Compose"] = engine.run(["docker-compose", "version", "--short"]).stdout.strip()
    figures.update(measured())
    engine.start()
    engine.docker("tag", HEAD, IMAGE)
    yield engine
    engine.stop()


@pytest.fixture(scope="module")
def hub(engine: PrivateEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComposeHub]:
    """The clone, nothing started yet; its database is on a disk of its own, of 700 MB."""
    work = tmp_path_factory.mktemp("compose")
    hub = ComposeHub(engine, work / "hubwell")
    with small_disk(work, 700) as device:
        (hub.folder / "docker-compose.override.yml").write_text(
            f"volumes: {{database: {{driver_opts: {{type: ext4, device: {device}}}}}}}\n"
        )
        try:
            yield hub
        finally:
            if not os.environ.get("HUBWELL_KEEP"):
                hub.compose("--profile", "demo", "down", "--volumes", "--remove-orphans")
    assert not engine.docker("volume", "ls", "-q").stdout.split(), "nothing is left behind"


@pytest.fixture(scope="module")
def streaming(hub: ComposeHub) -> None:
    """Start the hub and its simulated devices as the guide tells."""
    hub.type("(umask 077")
    hub.type("firmware_configs/mosquitto/make-certificates")
    hub.type("scripts/hubwell-admin start", "--no-build")
    hub.type("scripts/hubwell-admin demo start")
    hub.wait_until_whole()


@pytest.fixture
def whole(hub: ComposeHub, figures: Figures) -> Callable[[str], None]:
    """Give a check that all is healthy again, readings come in and none is missing."""

    def check(what: str) -> None:
        took = hub.wait_until_whole()
        figures[f"after {what}"] = f"healthy again after {took:.0f} s, missing 0"  # else the wait had failed

    return check


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Print a failure when it happens: the story goes on for minutes."""
    if report.failed:
        sys.stdout.write(f"\n{report.longreprtext}\n")
