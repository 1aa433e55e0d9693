"""A hub on Compose that is stopped, rebooted, cut from power, full, or renewed: no message is missing."""

from collections.abc import Callable

import pytest

from deployments.compose_hub import ComposeHub
from deployments.guide import TYPED_IN_OTHER_STORIES

pytestmark = [pytest.mark.deployment, pytest.mark.timeout(900), pytest.mark.usefixtures("streaming")]
RUNNING = ("database", "broker", "ingest", "worker", "api")


def test_parts_stop_in_order(hub: ComposeHub, whole: Callable[[str], None]) -> None:
    hub.compose("stop")
    states = hub.containers()
    assert {service: states[service] for service in RUNNING} == dict.fromkeys(RUNNING, "exited 0")
    hub.type("docker-compose --profile demo up -d", "--no-build")
    whole("a stop of all parts")


def test_reboot(hub: ComposeHub, whole: Callable[[str], None]) -> None:
    hub.engine.stop()
    hub.engine.start()
    whole("a reboot")


def test_power_cut(hub: ComposeHub, whole: Callable[[str], None]) -> None:
    hub.engine.cut_power()
    hub.engine.start()
    whole("a power cut")


def test_full_disk_of_the_database_stops_nothing_for_good(
    hub: ComposeHub, whole: Callable[[str], None]
) -> None:
    hub.fill_disk()

    def full() -> bool:
        logged = hub.engine.docker("logs", "--tail=40", hub.container("database"), check=False)
        return "No space left on device" in logged.stdout + logged.stderr

    hub.wait(full, why="the database has no space")
    assert "0.0 GB free where the database is" in hub.hubwell("doctor", check=False)
    hub.free_disk()
    hub.wait_until_healthy()
    hub.sql("DROP TABLE filler")
    whole("a full disk of the database")


def test_wrong_password_of_the_database_ends_the_start_with_a_sentence(
    hub: ComposeHub, whole: Callable[[str], None]
) -> None:
    right = hub.set("HUBWELL_DATABASE_PASSWORD", "0123456789abcdef")
    printed = hub.compose("up", "-d", "--no-build", check=False)
    assert "migrate" in printed
    assert "password" in hub.compose("logs", "--tail=20", "migrate")
    hub.set("HUBWELL_DATABASE_PASSWORD", right)
    hub.type("scripts/hubwell-admin start", "--no-build")
    whole("a wrong password of the database")


def test_certificate_is_renewed(hub: ComposeHub, whole: Callable[[str], None]) -> None:
    before = hub.run(["openssl", "x509", "-in", "certificates/server.crt", "-noout", "-serial"])
    printed = hub.type("scripts/hubwell-admin certificates renew")
    assert "for: hub.example 192.0.2.7" in printed
    hub.wait(lambda: hub.restarts("broker") > 0, why="the broker starts with the new certificate")
    whole("a new certificate")
    show = "openssl s_client -connect 127.0.0.1:8883 </dev/null 2>/dev/null | openssl x509 -noout -serial"
    served = hub.engine.inside(["sh", "-c", show]).stdout
    assert served != before
    assert served == hub.run(["openssl", "x509", "-in", "certificates/server.crt", "-noout", "-serial"])


def test_commands_of_the_guide_were_typed(hub: ComposeHub) -> None:
    assert TYPED_IN_OTHER_STORIES["upkeep"] <= set(hub.typed)
