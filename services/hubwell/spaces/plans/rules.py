"""Rules for names of plans, for places on them, and for what an uploaded file may be."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from hubwell.errors import NAME_TOO_LONG, DomainError, ErrorKind, refuse_all
from hubwell.spaces.plans import errors
from hubwell.spaces.plans.formats import LARGEST_BYTES, LARGEST_MB, PictureType
from hubwell.spaces.rules import tidy

LONGEST_NAME: Final = 60
MOST_PLANS: Final = 20
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,9}([.,][0-9]{0,9})?")
_CENT: Final = Decimal("0.01")
_WHOLE: Final = Decimal(100)
_LONGEST_SHOWN: Final = 40


_ENDINGS: Final[Mapping[str, PictureType]] = {
    "png": PictureType.PNG,
    "jpg": PictureType.JPEG,
    "jpeg": PictureType.JPEG,
    "jpe": PictureType.JPEG,
    "pdf": PictureType.PDF,
    "svg": PictureType.SVG,
}
_MEDIA_TYPES: Final[Mapping[str, PictureType]] = {
    "image/png": PictureType.PNG,
    "image/jpeg": PictureType.JPEG,
    "application/pdf": PictureType.PDF,
    "image/svg+xml": PictureType.SVG,
}
_BEGINNINGS: Final[Mapping[bytes, PictureType]] = {
    b"\x89PNG\r\n\x1a\n": PictureType.PNG,
    b"\xff\xd8\xff": PictureType.JPEG,
    b"%PDF-": PictureType.PDF,
}
_SVG: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:\?xml\s|!--|!DOCTYPE\s+svg[\s>\[]|(?:\w+:)?svg[\s>/])")


@dataclass(frozen=True, slots=True)
class Point:
    """Where a space is: per cent of the picture, from its left and from its top."""

    x: Decimal
    y: Decimal


def plan_name(text: str) -> str:
    """Return the name of a plan. Raises DomainError."""
    name = tidy(text)
    if not name:
        raise DomainError(errors.PLAN_UNNAMED)
    if len(name) > LONGEST_NAME:
        raise DomainError(NAME_TOO_LONG, most=LONGEST_NAME)
    return name


def point(x: str, y: str) -> Point:
    """Return the point that was entered; a comma is a decimal sign too. Raises DomainError with all."""
    across, down = _per_cent(x), _per_cent(y)
    if across is None or down is None:
        refuse_all((_refused(across, x, errors.X_UNREADABLE), _refused(down, y, errors.Y_UNREADABLE)))
        raise RuntimeError("one of the two is refused")
    return Point(across, down)


def page_number(text: str) -> int:
    """Return the number of a PDF's page; an empty text is the first. Raises DomainError."""
    plain = text.strip() or "1"
    if not re.fullmatch(r"[0-9]{1,6}", plain):
        raise DomainError(errors.PAGE_UNREADABLE, value=shown(plain))
    return int(plain)


def type_of(content: bytes, *, named: str) -> PictureType:
    """Return what a file is, by its beginning. `named` is its name or media type. Raises DomainError."""
    if not content:
        raise DomainError(errors.PICTURE_MISSING)
    if len(content) > LARGEST_BYTES:
        raise DomainError(errors.PICTURE_TOO_LARGE, most=LARGEST_MB)
    is_type = next((kind for start, kind in _BEGINNINGS.items() if content.startswith(start)), None)
    if is_type is None and _SVG.match(content):
        is_type = PictureType.SVG
    if is_type is None:
        raise DomainError(errors.PICTURE_UNKNOWN)
    if _contradicts(named, is_type):
        raise DomainError(errors.PICTURE_MISNAMED, value=shown(named), is_type=is_type)
    return is_type


def shown(text: str) -> str:
    """Return an input as a refusal repeats it."""
    plain = tidy(text)
    return plain if len(plain) <= _LONGEST_SHOWN else plain[:_LONGEST_SHOWN] + "…"


def _contradicts(named: str, is_type: PictureType) -> bool:
    """Return whether a name has the ending, or is the media type, of something else than the file is."""
    plain = named.strip().lower()
    if "/" in plain:
        media_type = plain.partition(";")[0].strip()
        is_picture = media_type.startswith("image/") or media_type in _MEDIA_TYPES
        return is_picture and _MEDIA_TYPES.get(media_type) is not is_type
    _, dot, ending = plain.rpartition(".")
    return bool(dot) and _ENDINGS.get(ending) is not is_type


def _per_cent(text: str) -> Decimal | None:
    plain = text.strip()
    if not _NUMBER.fullmatch(plain):
        return None
    value = Decimal(plain.replace(",", ".")).quantize(_CENT)
    return value if 0 <= value <= _WHOLE else None


def _refused(value: Decimal | None, text: str, kind: ErrorKind) -> DomainError | None:
    return DomainError(kind, value=shown(text)) if value is None else None
