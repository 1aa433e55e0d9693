"""From the landed release to this one and back, as the Compose guide tells, while devices send."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Self

import pytest

from deployments.compose_hub import ComposeHub
from deployments.guide import TYPED_IN_OTHER_STORIES
from deployments.hub_images import HEAD, IMAGE, LANDED
from deployments.private_engine import PrivateEngine

pytestmark = [pytest.mark.deployment, pytest.mark.timeout(900)]
Figures = dict[str, float | str]


@pytest.fixture(scope="module")
def hub(engine: PrivateEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComposeHub]:
    """A hub of the landed release, started by its own guide, with simulated devices that send."""
    hub = ComposeHub(engine, tmp_path_factory.mktemp("landed") / "hubwell", revision=LANDED)
    engine.docker("tag", "hubwell:landed", IMAGE)
    hub.type("(umask 077")
    hub.type("firmware_configs/mosquitto/make-certificates")
    hub.compose("up", "-d", "--no-build")
    hub.wait(lambda: hub.page("/api/v1/health")[0] == 200, why="the pages are there")
    start_devices(hub)
    hub.wait(lambda: readings(hub, "hubwell") > 0, why="readings come in")
    yield hub
    engine.docker("rm", "--force", "devices", check=False)
    hub.compose("down", "--volumes", "--remove-orphans")


def start_devices(hub: ComposeHub) -> None:
    """Simulated devices as their own machines: on the network of the host, with an account each."""
    accounts = hub.folder.with_name("accounts")
    accounts.mkdir()
    for device, space in (("wood-workshop-1", "wood-workshop"), ("metal-workshop-1", "metal-workshop")):
        hub.hubwell("space", "add", space, "--name", space, "--kind", "workshop", "--capacity", "14")
        hub.hubwell("device", "add", device, "--space", space)
        (accounts / device).write_text(hub.exec("broker", "/setup/add-account", "device", device))
    hub.exec("broker", "sh", "-c", "kill -HUP 1")
    hub.engine.docker(
        "run", "--detach", "--name=devices", "--network=host", "--user=0", "--restart=always",
        "--volume", f"{accounts}:/accounts:ro", "--volume", f"{hub.folder}/certificates/ca.crt:/ca.crt:ro",
        "--entrypoint=hubwell-edge", HEAD, "simulate", "--site=hub", "--data=/var/lib/hubwell-demo",
        "--broker=mqtts://127.0.0.1:8883", "--ca-file=/ca.crt", "--accounts=/accounts",
        "--device=wood-workshop-1", "--device=metal-workshop-1",
    )  # fmt: skip


def readings(hub: ComposeHub, superuser: str = "postgres") -> int:
    return int(hub.sql("SELECT count(*) FROM reading", superuser=superuser))


class Visitor:
    """Asks for a page over and over: what it was answered, and for how long it got no page."""

    def __init__(self, hub: ComposeHub) -> None:
        self._hub = hub
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.answers: Counter[int] = Counter()
        self.away_s = 0.0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _look(self) -> None:
        last = time.monotonic()
        while not self._end.is_set():
            status, _ = self._hub.page("/")
            self.answers[status] += 1
            if status == 200:
                self.away_s = max(self.away_s, time.monotonic() - last)
                last = time.monotonic()
            self._end.wait(0.2)


def test_upgrade_from_the_landed_release(hub: ComposeHub, engine: PrivateEngine, figures: Figures) -> None:
    before = readings(hub, "hubwell")
    hub.run(["git", "merge", "--quiet", "--ff-only", "origin/HEAD"])  # what `git pull` does
    engine.docker("tag", HEAD, IMAGE)
    begin = time.monotonic()
    with Visitor(hub) as visitor:
        printed = hub.type(
            "git pull && scripts/hubwell-admin upgrade", "--no-build", changes={"git pull": "true"}
        )
        hub.wait_until_whole()
    figures["seconds for the upgrade"] = time.monotonic() - begin
    figures["seconds away at the upgrade from the landed release"] = visitor.away_s
    assert visitor.answers.keys() <= {200, 0}, "no page answers with an error"
    assert "Upgraded from" in printed
    assert readings(hub) > before
    assert hub.sql("SELECT rolsuper FROM pg_roles WHERE rolname = 'hubwell'") == "f"
    assert hub.sql("SHOW data_checksums") == "on"
    assert hub.missing_messages() == 0
    figures["after the upgrade"] = f"missing {hub.missing_messages()}"


def test_upgrade_to_a_release_with_the_same_schema(hub: ComposeHub, figures: Figures) -> None:
    author = ["-c", "user.name=Operator", "-c", "user.email=operator@hub.example"]
    hub.run(["git", *author, "commit", "--quiet", "--allow-empty", "-m", "The next release"])
    with Visitor(hub) as visitor:
        hub.run(["scripts/hubwell-admin", "upgrade", "--no-build"])
        hub.wait_until_whole()
    figures["seconds away at an upgrade with the same schema"] = visitor.away_s
    assert visitor.answers.keys() <= {200, 0}
    before = readings(hub)
    assert "all data is there" in hub.type("scripts/hubwell-admin rollback")
    hub.wait_until_whole()
    assert readings(hub) > before


def test_back_to_the_landed_release(hub: ComposeHub, figures: Figures) -> None:
    kept = sorted(
        (hub.folder / "backups").glob("before-upgrade-from-*.tar"), key=lambda file: file.stat().st_mtime
    )
    assert len(kept) == 2
    head = hub.run(["git", "rev-parse", "HEAD"]).strip()
    hub.run(["git", "update-ref", "refs/hubwell/before", LANDED])
    hub.engine.docker("tag", "hubwell:landed", "hubwell:previous")
    printed = hub.run(["scripts/hubwell-admin", "rollback"])
    assert "The data is that of" in printed
    assert hub.run(["git", "rev-parse", "HEAD"]).strip() != head
    hub.wait(lambda: hub.page("/api/v1/health")[0] == 200, why="the pages are there")
    before = readings(hub, "hubwell")
    hub.wait(lambda: readings(hub, "hubwell") > before, why="readings come in")
    # What the newer release had stored and acknowledged is in a backup; the audit names it, and nothing else.
    figures["messages named as missing after going back over a changed schema"] = hub.missing_messages()
    assert list((hub.folder / "backups").glob("before-rollback-*.tar"))
    assert TYPED_IN_OTHER_STORIES["releases"] <= set(hub.typed)
