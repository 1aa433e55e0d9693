"""The program that reads one uploaded picture: a process with little memory, time and nothing of the server.

It gets the file on its standard input, its type and the page of a PDF as arguments, and answers on its
standard output with one line of JSON and the picture. It has no settings, no secrets and no connection;
what it does wrong ends with it.
"""

import json
import resource
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from hubwell.errors import DomainError
from hubwell.spaces.plans import errors
from hubwell.spaces.plans.formats import LARGEST_BYTES, PictureType

MEMORY_BYTES: Final = 448 * 1024 * 1024
"""Of addresses, the libraries' own included; a picture of the most pixels needs about 300 MB."""
CPU_S: Final = 20
_OPEN_FILES: Final = 64


def main() -> None:
    """Read one picture."""
    kind, page = PictureType(sys.argv[1]), int(sys.argv[2])
    _limit()
    content = sys.stdin.buffer.read(LARGEST_BYTES + 1)
    try:
        answer, picture = _read(kind, content, page)
    except DomainError as error:
        answer, picture = {"refused": error.code, "values": error.params}, b""
    except MemoryError:
        answer, picture = {"refused": errors.PICTURE_TOO_COSTLY.code, "values": {}}, b""
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + picture)


def _limit() -> None:
    """Give up what reading a picture does not need; of the processes of a service, this one goes first."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    for limit, value in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
    ):
        _, hard = resource.getrlimit(limit)
        most = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (most, most))


def _read(kind: PictureType, content: bytes, page: int) -> tuple[dict[str, Any], bytes]:
    if kind is PictureType.SVG:
        from hubwell.spaces.plans import svg  # noqa: PLC0415 - each type loads its own libraries

        drawing = svg.clean(content)
        size = {"width": drawing.frame.width, "height": drawing.frame.height}
        return {"media_type": "image/svg+xml", "is_paper": True, **size}, drawing.content
    from hubwell.spaces.plans import raster  # noqa: PLC0415 - the same

    read = raster.from_pdf(content, page) if kind is PictureType.PDF else raster.from_picture(content)
    size = {"width": read.width, "height": read.height}
    return {"media_type": "image/webp", "is_paper": read.is_paper, **size}, read.content


if __name__ == "__main__":
    main()
