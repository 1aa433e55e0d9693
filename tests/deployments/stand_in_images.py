"""Base images under the names that docker-compose.yml and the Dockerfile use, made from Debian's packages.

No image can be pulled on a machine that reaches package registries only. Each stand-in has what Hubwell
relies on: program names, user ids, volumes, entry points and stop signals of the real image. What differs:
TimescaleDB is the Apache edition, Mosquitto is Debian's version, and Grafana only answers its
health check.
"""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from deployments.private_engine import PrivateEngine

FOLDER: Final = Path(__file__).with_name("stand_ins")
IMAGES: Final = {
    "python": "python:3.13-slim-trixie",
    "timescaledb": "timescale/timescaledb:2.29.2-pg17",
    "mosquitto": "eclipse-mosquitto:2.1.2-alpine",
    "grafana": "grafana/grafana:13.2.3",
}
_BASE: Final = "hubwell-stand-in:trixie"
_LABEL: Final = "hubwell.stand-in"
_AUTHORITIES: Final = Path("/etc/ssl/certs/ca-certificates.crt")


def make_stand_ins(engine: PrivateEngine, work: Path) -> None:
    """Build those images that are missing or out of date; the engine must have been started for builds."""
    revision = revision_of_stand_ins()
    if all(_is_current(engine, image, revision) for image in IMAGES.values()):
        return
    context = work / "stand-ins"
    shutil.copytree(FOLDER, context, dirs_exist_ok=True)
    # pip in a build has to trust what this machine trusts: its mirror may have an authority of its own.
    shutil.copy(os.environ.get("SSL_CERT_FILE", _AUTHORITIES), context / "authorities.crt")
    archive = work / "trixie.tar"
    subprocess.run(
        ["mmdebstrap", "--quiet", "--variant=minbase", "--include=ca-certificates,tzdata,netbase",
         "--keyring=/usr/share/keyrings/debian-archive-keyring.gpg", "trixie", str(archive), _mirror()],
        check=True, timeout=300,
    )  # fmt: skip
    engine.docker("import", str(archive), _BASE)
    archive.unlink()
    for name, image in IMAGES.items():
        file = str(context / f"{name}.Dockerfile")
        engine.docker(
            "build",
            "--quiet",
            "--network=host",
            "--label",
            f"{_LABEL}={revision}",
            "-f",
            file,
            "-t",
            image,
            str(context),
        )


def second_compose(engine: PrivateEngine, folder: Path) -> None:
    """Put version 2 of `docker-compose` there, from Debian 13; it runs on Debian 12 too."""
    if not (folder / "docker-compose").exists():
        folder.mkdir(exist_ok=True)
        fetch = "apt-get update -qq && apt-get download -qq docker-compose && dpkg-deb -x *.deb . && rm *.deb"
        command = ["run", "--rm", "--network=host", "--volume", f"{folder}:/out", "--workdir", "/out", _BASE]
        engine.docker(*command, "sh", "-euc", f"{fetch}; chmod -R go+rX .")
        program = next(file for file in folder.rglob("docker-compose") if file.stat().st_size > 1 << 20)
        program.rename(folder / "docker-compose")


def _is_current(engine: PrivateEngine, image: str, revision: str) -> bool:
    label = engine.docker(
        "image", "inspect", "--format", f'{{{{index .Config.Labels "{_LABEL}"}}}}', image, check=False
    )
    return label.stdout.strip() == revision


def revision_of_stand_ins() -> str:
    """Return what changes with every file that the stand-ins are made from."""
    digest = hashlib.sha256()
    for file in sorted(FOLDER.iterdir()):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _mirror() -> str:
    """Return the Debian mirror that this machine is configured for."""
    command = [
        "apt-get",
        "indextargets",
        "--format",
        "$(REPO_URI)",
        "Created-By: Packages",
        "Component: main",
    ]
    listed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.split()
    return listed[0]
