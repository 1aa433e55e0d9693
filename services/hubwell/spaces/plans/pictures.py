"""Read an uploaded picture: check what it is, and let a process of its own make the picture that is stored.

The libraries that read pictures are written in C, and files are made to break them. Their process has limits
of memory and time, gets neither the environment nor open files of the server, and ends after one picture.
"""

import hashlib
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from threading import Semaphore
from typing import Any, Final

import hubwell
from hubwell.errors import DomainError, ErrorKind
from hubwell.spaces.plans import decode, errors, rules
from hubwell.spaces.plans.formats import PictureType

_PATIENCE_S: Final = 45.0
_ONE_AT_A_TIME: Final = Semaphore(1)
_REFUSALS: Final = {kind.code: kind for kind in vars(errors).values() if isinstance(kind, ErrorKind)}


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it is stored and served; `is_paper` where it is mostly white."""

    media_type: str
    content: bytes
    width: int
    height: int
    is_paper: bool

    @property
    def digest(self) -> str:
        """SHA-256 of the content."""
        return hashlib.sha256(self.content).hexdigest()

    def columns(self) -> dict[str, Any]:
        """Return the picture as its table has it."""
        return {
            "media_type": self.media_type,
            "width": self.width,
            "height": self.height,
            "is_paper": self.is_paper,
            "digest": self.digest,
            "picture": self.content,
        }


def read(content: bytes, *, named: str = "", page: str = "") -> Picture:
    """Return the picture that is made of a file. `named` is its name or media type.

    Takes up to a minute. Raises DomainError.
    """
    kind = rules.type_of(content, named=named)
    number = rules.page_number(page)
    with _ONE_AT_A_TIME:
        output = _output(kind, content, number)
    head, _, picture = output.partition(b"\n")
    answer = _answer(head)
    if "refused" in answer:
        raise DomainError(_REFUSALS[answer["refused"]], **answer["values"])
    return Picture(content=picture, **answer)


def _output(kind: PictureType, content: bytes, page: int) -> bytes:
    """Run the process and return what it printed. Raises DomainError where it was ended or ended itself."""
    program = [sys.executable, "-P", "-s", "-m", decode.__name__, kind, str(page)]
    path = str(Path(hubwell.__file__).parent.parent)
    try:
        done = subprocess.run(
            program,
            input=content,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
            cwd="/",
            timeout=_PATIENCE_S,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        by_signal = error.returncode < 0  # by a limit of the system, or where a library gives up
        raise DomainError(errors.PICTURE_TOO_COSTLY if by_signal else errors.PICTURE_DAMAGED) from None
    except subprocess.TimeoutExpired:
        raise DomainError(errors.PICTURE_TOO_COSTLY) from None
    return done.stdout


def _answer(head: bytes) -> dict[str, Any]:
    """Return the process's line. Raises DomainError for one that is none: the file got the better of it."""
    try:
        answer: dict[str, Any] = json.loads(head)
        if "refused" in answer:
            values = {str(key): rules.shown(str(value)) for key, value in answer["values"].items()}
            _REFUSALS[answer["refused"]].text.format(**values)
            return {"refused": answer["refused"], "values": values}
        return {
            "media_type": {"image/webp": "image/webp", "image/svg+xml": "image/svg+xml"}[
                answer["media_type"]
            ],
            "width": int(answer["width"]),
            "height": int(answer["height"]),
            "is_paper": bool(answer["is_paper"]),
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        raise DomainError(errors.PICTURE_DAMAGED) from None
