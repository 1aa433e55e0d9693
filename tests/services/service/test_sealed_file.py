"""The sealed part of a backup."""

import subprocess
import sys
from pathlib import Path

import pytest

from hubwell.service.sealed_file import SealError, seal, unseal

PASSPHRASE = "correct horse battery"  # noqa: S105 - of this test alone
CONTENT = bytes(range(256)) * 100


def test_sealed_content_is_opened_by_its_passphrase_alone() -> None:
    sealed = seal(CONTENT, PASSPHRASE)
    assert CONTENT[:32] not in sealed
    assert unseal(sealed, PASSPHRASE) == CONTENT
    assert seal(CONTENT, PASSPHRASE) != sealed
    with pytest.raises(SealError, match="another one, or the file is damaged"):
        unseal(sealed, PASSPHRASE + "!")


@pytest.mark.parametrize("place", [20, 60, -1])
def test_changed_bytes_are_refused(place: int) -> None:
    sealed = bytearray(seal(CONTENT, PASSPHRASE))
    sealed[place] ^= 1
    with pytest.raises(SealError):
        unseal(bytes(sealed), PASSPHRASE)


@pytest.mark.parametrize("sealed", [b"", b"PK", b"hubwell-sealed-1\n", b"hubwell-sealed-1\nshort"])
def test_other_files_are_refused_with_a_sentence(sealed: bytes) -> None:
    with pytest.raises(SealError, match=r"\.$"):
        unseal(sealed, PASSPHRASE)


def test_short_passphrase_is_refused() -> None:
    with pytest.raises(SealError, match="12 characters"):
        seal(CONTENT, "short")


def test_commands_are_filters(tmp_path: Path) -> None:
    (tmp_path / "passphrase").write_text(PASSPHRASE + "\n")

    def run(command: str, given: bytes) -> "subprocess.CompletedProcess[bytes]":
        words = [sys.executable, "-m", "hubwell", command, "--passphrase-file", "passphrase"]
        return subprocess.run(words, cwd=tmp_path, input=given, capture_output=True, timeout=60, check=False)

    sealed = run("seal", CONTENT)
    assert sealed.returncode == 0, sealed.stderr
    assert run("unseal", sealed.stdout).stdout == CONTENT
    damaged = run("unseal", sealed.stdout[:-1])
    assert (damaged.returncode, damaged.stdout) == (1, b"")
    assert b"Traceback" not in damaged.stderr
