"""Parts of a hub on Compose that are killed or hang: each ends healthy and with no message missing."""

from collections.abc import Callable
from functools import partial

import pytest

from deployments.compose_hub import ComposeHub

pytestmark = [pytest.mark.deployment, pytest.mark.timeout(900), pytest.mark.usefixtures("streaming")]
RUNNING = ("database", "broker", "ingest", "worker", "api")
WATCHED = ("broker", "ingest", "worker", "api")


@pytest.mark.parametrize("service", RUNNING)
def test_killed_part_comes_back(hub: ComposeHub, whole: Callable[[str], None], service: str) -> None:
    before = hub.restarts(service)
    hub.kill(service)
    hub.wait(lambda: hub.restarts(service) > before, why=f"{service} is started again")
    whole(f"kill -9 of {service}")


def is_restarted(hub: ComposeHub, service: str, before: int) -> bool:
    return hub.restarts(service) > before


def test_parts_that_hang_are_ended_and_come_back(hub: ComposeHub, whole: Callable[[str], None]) -> None:
    before = {service: hub.restarts(service) for service in WATCHED}
    for service in WATCHED:
        hub.hang(service)
    for service in WATCHED:
        hub.wait(partial(is_restarted, hub, service, before[service]), why=f"{service} is started again")
    whole("a hang of broker, ingest, worker and api")
