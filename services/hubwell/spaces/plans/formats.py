"""What an uploaded file may be, the shapes that are no plan, and how large a picture is stored."""

from enum import StrEnum
from typing import Final

from hubwell.errors import DomainError
from hubwell.spaces.plans import errors

LARGEST_MB: Final = 10
LARGEST_BYTES: Final = LARGEST_MB * 1024 * 1024
"""Of an uploaded file."""
LARGEST_STORED: Final = 4 * 1024 * 1024
"""Bytes of a stored picture; the table has the same limit."""
LARGEST_SIDE: Final = 2400
"""Pixels of the longer side of what is stored."""
LONGEST_RATIO: Final = 8


class PictureType(StrEnum):
    """What an uploaded file may be."""

    PNG = "PNG"
    JPEG = "JPEG"
    PDF = "PDF"
    SVG = "SVG"


def check_shape(width: float, height: float) -> None:
    """Refuse a picture that is a stripe. Raises DomainError."""
    if max(width, height) > LONGEST_RATIO * min(width, height):
        raise DomainError(errors.PICTURE_TOO_LONG, most=LONGEST_RATIO)


def scaled(width: float, height: float, *, enlarge: bool) -> tuple[int, int]:
    """Return width and height in pixels; the longer side has as many as a stored picture may have.

    Without `enlarge` a smaller picture stays as it is.
    """
    factor = LARGEST_SIDE / max(width, height)
    if not enlarge:
        factor = min(factor, 1.0)
    return max(1, round(width * factor)), max(1, round(height * factor))
