"""Certificates for servers on loopback, by the private authority of a school."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Certificates:
    """Files of the authority and of one server that it vouches for."""

    authority: Path
    certificate: Path
    key: Path


def make_certificates(folder: Path) -> Certificates:
    """Make an authority, and a certificate by it for 127.0.0.1 and localhost."""
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    _openssl(folder, *new_key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Authority of the school")
    names = ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-addext", "basicConstraints=CA:FALSE"]
    signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-subj", "/CN=school", *names]
    _openssl(folder, *new_key, "-keyout", "server.key", "-out", "server.pem", *signed)
    return Certificates(folder / "ca.pem", folder / "server.pem", folder / "server.key")


def _openssl(folder: Path, *options: str) -> None:
    subprocess.run(["openssl", "req", "-x509", *options], cwd=folder, check=True, capture_output=True)
