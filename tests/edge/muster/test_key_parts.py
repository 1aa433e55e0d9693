"""Parts as officers type them: words or, from older installations, hex digits; also at a real terminal."""

import os
import pty
import subprocess
import sys
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path

import pytest
from mnemonic import Mnemonic
from nacl.public import PrivateKey, SealedBox

from edge.agent_builders import ROOT
from hubwell_edge.muster.key_parts import combine_parts
from hubwell_edge.taps.files.muster_file import FILE, MusterFileError
from hubwell_wire.commands import Muster, MusterEntry, MusterSnapshot

WORDS_A = Mnemonic("english").to_mnemonic(b"\x1e" * 16)
WORDS_B = Mnemonic("english").to_mnemonic(bytes(range(16)))
KEY = bytes(PrivateKey.from_seed(bytes(range(16)) + b"\x1e" * 16))
HEX_A, HEX_B = "a1" * 32, "5b" * 32


def shortened(words: str) -> str:
    return " ".join(word[:4] for word in words.split())


def numbered(words: str) -> str:
    return "\n".join(f"{number}. {word}," for number, word in enumerate(words.split(), 1))


@pytest.mark.parametrize("a", [WORDS_A, WORDS_A.upper(), shortened(WORDS_A), numbered(WORDS_A)])
def test_words_open_in_any_case_order_and_by_their_first_four_letters(a: str) -> None:
    assert combine_parts(a, WORDS_B) == KEY == combine_parts(WORDS_B, a)


def test_hex_parts_of_older_installations_still_work() -> None:
    assert combine_parts(HEX_A, f" {HEX_B.upper()}\n") == bytes([0xA1 ^ 0x5B]) * 32


def replaced(position: int, word: str) -> str:
    words = WORDS_B.split()
    words[position - 1] = word
    return " ".join(words)


def swapped() -> str:
    first, second, *rest = WORDS_B.split()
    return " ".join([second, first, *rest])


@pytest.mark.parametrize(
    ("b", "sentence"),
    [
        (replaced(7, "hubwell"), "word 7 of the second part is not on the list of words"),
        (replaced(3, "ab"), "word 3 of the second part is short: type at least four letters"),
        (swapped(), "the words of the second part do not fit together"),
        (WORDS_B.rpartition(" ")[0], "a part has 12 words, not 11"),
        (f"{WORDS_B} able", "a part has 12 words, not 13"),
        (WORDS_A, "both officers gave the same part"),
        (HEX_B, "one part is of words and one of hex digits"),
    ],
)
def test_mistake_is_named_by_its_place_and_never_repeated(b: str, sentence: str) -> None:
    with pytest.raises(MusterFileError, match=sentence) as caught:
        combine_parts(WORDS_A, b)
    assert not {"hubwell", *WORDS_B.split()[:3]} & set(str(caught.value).split())


@pytest.fixture
def station(tmp_path: Path) -> Path:
    """A device with a sealed list and no network; its device file."""
    (tmp_path / "box").mkdir()
    now = datetime.now(UTC).replace(microsecond=0)
    ada = MusterEntry(name="Ada Made-Up", space="lab", zone="East", since=now)
    box = SealedBox(PrivateKey(KEY).public_key).encrypt(MusterSnapshot(at=now, inside=(ada,)).encode())
    muster = Muster(v=1, type="muster", at=now, sealed=b64encode(box).decode())
    (tmp_path / "box" / FILE).write_bytes(muster.encode())
    file = tmp_path / "device.toml"
    file.write_text(
        f'site = "hub"\ndevice = "door-1"\n[broker]\nurl = "mqtt://127.0.0.1:1"\n'
        f'[outbox]\ndir = "{tmp_path / "box"}"\n'
    )
    return file


def at_terminal(station: Path, lines: list[str]) -> tuple[int, str]:
    """Type a line at each question of `hubwell-edge muster`; return its exit code and the screen."""
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "hubwell_edge", "muster", "--config", str(station)]
    process = subprocess.Popen(
        command, cwd=ROOT / "edge", stdin=slave, stdout=slave, stderr=slave, start_new_session=True
    )
    os.close(slave)
    screen, typed = "", 0
    try:
        while chunk := _read(master):
            screen += chunk
            while typed < min(len(lines), screen.count("Part of the ")) and screen.endswith(": "):
                os.write(master, f"{lines[typed]}\n".encode())
                typed += 1
                break
        return process.wait(timeout=30), screen.replace("\r", "")
    finally:
        process.kill()
        process.wait()
        os.close(master)


def _read(master: int) -> str:
    try:
        return os.read(master, 65536).decode()
    except OSError:  # the other end is closed
        return ""


def test_officers_type_their_cards_line_by_line_and_a_wrong_line_again(station: Path) -> None:
    words = WORDS_A.split()
    lines = [" ".join(words[0:4]), f"{words[4]} hubwell", " ".join(words[4:8]), " ".join(words[8:])]
    code, screen = at_terminal(station, [*lines, swapped(), shortened(WORDS_B)])
    assert code == 0, screen
    assert "word 6 of the first part is not on the list of words: type this line again" in screen
    assert "Part of the first officer (from word 9)" in screen
    assert "the words of the second part do not fit together" in screen
    assert "[ ] Ada Made-Up, lab" in screen
    assert words[0] not in screen.split(), "what is typed is not shown"
