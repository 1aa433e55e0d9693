"""The images of this release and of the one that landed before, made once and copied for each story.

Each story has an engine of its own, so that stories can be played side by side: ports, networks and power
cuts of one are none of the others'.
"""

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from deployments.guide import PROJECT
from deployments.private_engine import PrivateEngine
from deployments.stand_in_images import make_stand_ins, revision_of_stand_ins, second_compose

CACHE: Final = PROJECT / ".cache" / "compose"
IMAGE: Final = "hubwell:0.1.0"
HEAD: Final = "hubwell:head"
LANDED: Final = "d7f64f6"
"""The release that landed before this one: what an operator upgrades from. Its image is `hubwell:landed`."""
SECOND_COMPOSE: Final = CACHE / "compose-2"
_IMAGES: Final = CACHE / "images"
_MEASURED: Final = _IMAGES / "measured.json"


def engine_for(story: str) -> PrivateEngine:
    """Return an engine that is not running and has the images of this release, which are made at need."""
    with _alone():
        made_from = _make()
        folder = CACHE / story
        stamp = folder / "made-from"
        engine = PrivateEngine(folder)
        if not stamp.exists() or stamp.read_text() != made_from:
            _copy(_IMAGES / "data-root", folder / "data-root")
            stamp.write_text(made_from)
    engine.forget_containers()
    return engine


def _copy(data: Path, to: Path) -> None:
    """Copy an engine's data. Files of layers are shared, as no engine writes to one that is there."""
    shutil.rmtree(to.parent, ignore_errors=True)
    to.mkdir(parents=True)
    for part in sorted(data.iterdir()):
        share = ["--link"] if part.name == "overlay2" else []
        # Layers have devices and attributes that only a copy of everything keeps.
        subprocess.run(["cp", "--archive", *share, str(part), str(to)], check=True, timeout=600)


def measured() -> dict[str, float]:
    """Return what was measured while the images were made."""
    return dict(json.loads(_MEASURED.read_text()))


@contextmanager
def _alone() -> Iterator[None]:
    """Let only one story at a time make images."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make() -> str:
    """Make what is missing or out of date, and return what the images were made from."""
    engine = PrivateEngine(_IMAGES)  # skips the test where it cannot run
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=PROJECT, check=True, capture_output=True, text=True
    ).stdout.strip()
    made_from = f"{head} {LANDED} {revision_of_stand_ins()}\n"
    stamp = _IMAGES / "made-from"
    if stamp.exists() and stamp.read_text() == made_from and SECOND_COMPOSE.exists():
        return made_from
    engine.forget_containers()
    engine.start(builds=True)
    try:
        with tempfile.TemporaryDirectory() as folder:
            figures = _make_all(engine, Path(folder))
    finally:
        engine.stop()
    _MEASURED.write_text(json.dumps(figures))
    stamp.write_text(made_from)
    return made_from


def _make_all(engine: PrivateEngine, work: Path) -> dict[str, float]:
    begin = time.monotonic()
    make_stand_ins(engine, work)
    second_compose(engine, SECOND_COMPOSE)
    figures = {"seconds to make base images": time.monotonic() - begin}
    figures["seconds to build the image"] = _build(engine, work, "HEAD", HEAD)
    _build(engine, work, LANDED, "hubwell:landed")
    shown = json.loads(engine.docker("image", "inspect", HEAD, "python:3.13-slim-trixie").stdout)
    figures["megabytes of the image's own part"] = (shown[0]["Size"] - shown[1]["Size"]) / 1e6
    return figures


def _build(engine: PrivateEngine, work: Path, revision: str, image: str) -> float:
    """Build a revision's image as Compose does, but with the machine's network; return the seconds."""
    source = work / revision
    source.mkdir()
    archive = subprocess.run(["git", "archive", revision], cwd=PROJECT, check=True, capture_output=True)
    subprocess.run(["tar", "-xf", "-"], cwd=source, input=archive.stdout, check=True)
    begin = time.monotonic()
    engine.docker("build", "--network=host", "-t", image, str(source))
    return time.monotonic() - begin


def compose_program() -> Path | None:
    """Return the folder of the second version of Compose, if the stories are to be played with it."""
    return SECOND_COMPOSE if os.environ.get("HUBWELL_COMPOSE") == "2" else None
